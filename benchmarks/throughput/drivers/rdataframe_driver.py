"""ROOT RDataFrame in Python, run in ROOT's environment: one filter per category, and ``Vary`` for the weights.

Selections and scale factors are compiled C++ (``rdataframe.h``). The graph is compiled at the start of its loop in
every pass, and that time is excluded.
"""

import itertools
import shutil
import warnings
from pathlib import Path

import correctionlib
import numpy as np
from branches import FLAGS
from serving import serve
from templates import write_templates

warnings.filterwarnings("ignore")
import ROOT  # noqa: E402

FACTORS = ("pileup", "sf_ele_reco", "sf_ele_id", "sf_mu_id", "sf_mu_iso", "sf_mu_trigger", "sf_btag_lf")
JETS = {"4j": "nJetGood == 4", "5j": "nJetGood == 5", "6j": "nJetGood == 6", "7j": "nJetGood >= 7"}
BTAGS = {"1b": "nBJetGood == 1", "2b": "nBJetGood == 2", "3b": "nBJetGood >= 3"}
FEW = {"inclusive": "true", "tagged": "nBJetGood >= 2"}
MANY = {f"{j}_{b}": f"{jets} && {tags}" for (j, jets), (b, tags) in itertools.product(JETS.items(), BTAGS.items())}
FLAVOURS = {"TTToSemiLeptonic__ttB": 5, "TTToSemiLeptonic__ttC": 4, "TTToSemiLeptonic__ttLF": 0}
#: configuration → categories, whether tt̄ has subsamples, number of varied factors
TTBAR = {
    "ttbar_small": (FEW, False, 1),
    "ttbar_medium": ({"inclusive": "true", **BTAGS}, True, len(FACTORS)),
    "ttbar_large": ({**FEW, **MANY}, True, len(FACTORS)),
}
#: variable → column
ZMUMU = {
    "mll": "mll",
    "ptll": "ptll",
    "MuonGood_pt": "muon_pt",
    "MuonGood_eta": "muon_eta",
    "MuonGood_pt_1": "muon_pt_1",
    "MuonGood_eta_1": "muon_eta_1",
    "MuonGood_pt_2": "muon_pt_2",
    "MuonGood_eta_2": "muon_eta_2",
    "nJetGood": "nJetGood",
    "npvs": "PV_npvsGood",
}


def prepare(request):
    """Return the pass over the files, and the writing of its templates."""
    correctionlib.register_pyroot_binding()
    compile_header(Path(__file__).with_name("rdataframe.h"), request["folder"])
    ROOT.TH1.SetDefaultSumw2(True)
    ROOT.TH1.AddDirectory(False)
    set_cuts(request["parameters"])
    load_corrections(request)
    ((_, content),) = request["fileset"].items()
    last = {}

    def run(files):
        last.clear()
        ROOT.begin.arm()
        cpu, wall = ROOT.begin.cpu_now(), ROOT.begin.wall_now()
        frame = ROOT.RDataFrame("Events", files)
        total = frame.Filter("begin::mark()").Define("weight_of_all", "double(genWeight)").Sum("weight_of_all")
        select = select_zmumu if request["config"] == "zmumu" else select_ttbar
        booked, counts = select(frame, request)
        last["total"] = total.GetValue()
        last["histograms"], last["counts"] = booked, {place: count.GetValue() for place, count in counts.items()}
        return ROOT.begin.cpu - cpu, ROOT.begin.wall - wall

    def write():
        luminosity = request["parameters"]["lumi"]["picobarns"]["toys"]["tot"]
        factor = content["metadata"]["xsec"] * luminosity / last["total"]
        found = {f"entries/{place}": np.array([count]) for place, count in last["counts"].items()}
        for place, varied in last["histograms"].items():
            for key in varied.GetKeys():
                histogram = varied[key]
                bins = range(histogram.GetNbinsX() + 2)
                values = [histogram.GetBinContent(number) for number in bins]
                errors = [histogram.GetBinError(number) for number in bins]
                name = f"{place}/{str(key).partition(':')[2] or 'nominal'}"
                found[name] = np.stack([factor * np.array(values), (factor * np.array(errors)) ** 2])
        write_templates(request["output"], found)

    files = list(content["files"])
    run(files[:1])
    return lambda: run(files), write


def compile_header(source, folder):
    """Compile the selections with optimisation; the compiler's output goes to a folder."""
    package = Path(correctionlib.__file__).parent
    ROOT.gSystem.AddIncludePath(f"-I{package / 'include'}")
    ROOT.gSystem.AddLinkedLibs(f"-L{package / 'lib'} -lcorrectionlib")
    copy = shutil.copy(source, folder)
    if not ROOT.gSystem.CompileMacro(str(copy), "kO"):
        raise RuntimeError("rdataframe.h can't be compiled: is there a C++ compiler?")


def set_cuts(parameters):
    """Pass the cuts to the C++ code."""
    objects, cuts = parameters["object_preselection"], ROOT.cuts
    muon, electron, jet = objects["Muon"], objects["Electron"], objects["Jet"]
    cuts.muon_pt, cuts.muon_eta, cuts.muon_iso = muon["pt"], muon["eta"], muon["iso"]
    cuts.electron_pt, cuts.electron_eta, cuts.electron_iso = electron["pt"], electron["eta"], electron["iso"]
    cuts.jet_pt, cuts.jet_eta, cuts.jet_dr, cuts.jet_id = jet["pt"], jet["eta"], jet["dr_lepton"], jet["jetId"]
    cuts.puid_maxpt = jet["puId"]["maxpt"]
    working_points = parameters["jet_scale_factors"]["jet_puId"]["toys"]["working_point"]
    cuts.puid_lowest = working_points[jet["puId"]["wp"]]
    cuts.btag = parameters["btagging"]["working_point"]["toys"]["btagging_WP"]["M"]
    if "semileptonic" in parameters:
        event, additional = parameters["semileptonic"], parameters["additional_jets"]
        cuts.hard_muon, cuts.hard_electron, cuts.met = event["muon_pt"], event["electron_pt"], event["met"]
        cuts.jets, cuts.btags = event["jets"], event["btags"]
        cuts.gen_pt, cuts.gen_eta, cuts.gen_dr = additional["pt"], additional["eta"], additional["match_dr"]
    else:
        event = parameters["dimuon"]
        cuts.leading_pt, cuts.mass_low, cuts.mass_high = event["leading_pt"], event["mass_low"], event["mass_high"]


def load_corrections(request):
    """Load the corrections."""
    folder = request["corrections"]
    parameters = request["parameters"]
    ROOT.load("pileup", f"{folder}/puWeights.json.gz", parameters["pileup"]["toys"]["name"])
    if request["config"] == "zmumu":
        return
    for what, name in parameters["lepton_scale_factors"]["muon_sf"]["sf_name"]["toys"].items():
        ROOT.load(what, f"{folder}/muon_Z.json.gz", name)
    ROOT.load("electron", f"{folder}/electron.json.gz", "UL-Electron-ID-SF")
    ROOT.load("btag", f"{folder}/btagging.json.gz", "deepJet_shape")


def skim(frame, triggers, number, collection):
    """Return the events that pass vertex, flags, triggers and a number of objects."""
    flags = " && ".join(f"Flag_{flag}" for flag in FLAGS)
    fired = " || ".join(triggers)
    return (
        frame.Filter(f"PV_npvsGood >= 1 && {flags}")
        .Filter(fired)
        .Filter(f"number_above({collection}_pt, 20.f) >= {number}")
    )


def select_zmumu(frame, request):
    """Book the dimuon spectra."""
    frame = skim(frame, ["HLT_IsoMu24"], 2, "Muon")
    frame = frame.Define("good", "good_muons(Muon_pt, Muon_eta, Muon_tightId, Muon_pfRelIso04_all)")
    for field in ("pt", "eta", "phi", "mass", "charge"):
        frame = frame.Define(f"muon_{field}", f"Muon_{field}[good]")
    frame = (
        frame.Filter("muon_pt.size() >= 2")
        .Filter("muon_charge[0] + muon_charge[1] == 0 && muon_pt[0] > cuts.leading_pt")
        .Define("pair", "pair_of(muon_pt, muon_eta, muon_phi, muon_mass)")
        .Define("mll", "pair.M()")
        .Define("ptll", "pair.Pt()")
        .Filter("mll > cuts.mass_low && mll < cuts.mass_high")
        .Define("jets", "good_jets(Jet_pt, Jet_eta, Jet_phi, Jet_jetId, Jet_puId, muon_eta, muon_phi)")
        .Define("nJetGood", "int(ROOT::VecOps::Sum(jets))")
        .Define("weights", "all_weights(genWeight, {pileup_weights(Pileup_nTrueInt)}, 1)")
    )
    for number in (1, 2):
        for field in ("pt", "eta"):
            frame = frame.Define(f"muon_{field}_{number}", f"muon_{field}[{number - 1}]")
    frame = vary(frame, 1)
    booked = book(frame, request["axes"], ZMUMU, "DYJetsToMuMu/baseline")
    return booked, {"DYJetsToMuMu/baseline": frame.Count()}


def select_ttbar(frame, request):
    """Book the templates of tt̄."""
    categories, divided, varied = TTBAR[request["config"]]
    sides = 3 if varied > 1 else 1
    frame = (
        skim(frame, ["HLT_IsoMu24", "HLT_Ele32_WPTight_Gsf"], 4, "Jet")
        .Define("muons", "good_muons(Muon_pt, Muon_eta, Muon_tightId, Muon_pfRelIso04_all)")
        .Define(
            "electrons",
            "good_electrons(Electron_pt, Electron_eta, Electron_deltaEtaSC, Electron_mvaFall17V2Iso_WP80,"
            " Electron_pfRelIso03_all)",
        )
        .Filter("ROOT::VecOps::Sum(muons) + ROOT::VecOps::Sum(electrons) == 1 && MET_pt > cuts.met")
        .Define("muon_pt", "Muon_pt[muons]")
        .Define("electron_pt", "Electron_pt[electrons]")
        .Filter("Any(muon_pt > cuts.hard_muon) || Any(electron_pt > cuts.hard_electron)")
        .Define("muon_eta", "Muon_eta[muons]")
        .Define("electron_sc", "RVecF(Electron_eta[electrons] + Electron_deltaEtaSC[electrons])")
        .Define("lepton_eta", "Concatenate(muon_eta, RVecF(Electron_eta[electrons]))")
        .Define("lepton_phi", "Concatenate(RVecF(Muon_phi[muons]), RVecF(Electron_phi[electrons]))")
        .Define("lepton_pt", "muon_pt.empty() ? electron_pt[0] : muon_pt[0]")
        .Define("jets", "good_jets(Jet_pt, Jet_eta, Jet_phi, Jet_jetId, Jet_puId, lepton_eta, lepton_phi)")
        .Define("nJetGood", "int(ROOT::VecOps::Sum(jets))")
        .Filter("nJetGood >= cuts.jets")
        .Define("score", "Jet_btagDeepFlavB[jets]")
        .Define("nBJetGood", "int(ROOT::VecOps::Sum(score > cuts.btag))")
        .Filter("nBJetGood >= cuts.btags")
        .Define("jet_pt", "Jet_pt[jets]")
        .Define(
            "weights",
            "all_weights(genWeight, {pileup_weights(Pileup_nTrueInt),"
            f" electron_weights(true, electron_pt, electron_sc, {sides}),"
            f" electron_weights(false, electron_pt, electron_sc, {sides}),"
            + "".join(f' muon_weights("{what}", muon_pt, muon_eta, {sides}),' for what in ("id", "iso", "trigger"))
            + f" btag_weights(Jet_hadronFlavour[jets], jet_pt, Jet_eta[jets], score, {sides})}}, {varied})",
        )
    )
    frame = vary(frame, varied)
    samples = {"TTToSemiLeptonic": frame}
    if divided:
        frame = frame.Define(
            "flavour",
            "additional_flavour(GenJet_pt, GenJet_eta, GenJet_phi, GenJet_hadronFlavour, GenPart_eta, GenPart_phi,"
            " GenPart_pdgId, GenPart_genPartIdxMother)",
        )
        samples = {name: frame.Filter(f"flavour == {code}") for name, code in FLAVOURS.items()}
    columns = {
        "nJetGood": "nJetGood",
        "nBJetGood": "nBJetGood",
        "JetGood_pt": "jet_pt",
        "LeptonGood_pt_1": "lepton_pt",
        "MET_pt": "MET_pt",
    }
    booked, counts = {}, {}
    for sample, of_sample in samples.items():
        for category, condition in categories.items():
            selected = of_sample.Filter(condition)
            booked |= book(selected, request["axes"], columns, f"{sample}/{category}")
            counts[f"{sample}/{category}"] = selected.Count()
    return booked, counts


def vary(frame, varied):
    """Define the weight and its variations."""
    names = [f"{factor}{side}" for factor in FACTORS[:varied] for side in ("Up", "Down")]
    others = "RVecD(weights.begin() + 1, weights.end())"
    return frame.Define("weight", "weights[0]").Vary("weight", others, names, "weight")


def book(frame, axes, columns, place):
    """Book a histogram of each variable, and its variations."""
    return {
        f"{variable}/{place}": ROOT.RDF.Experimental.VariationsFor(
            frame.Histo1D((variable, variable, *axes[variable]), column, "weight")
        )
        for variable, column in columns.items()
    }


if __name__ == "__main__":
    serve(prepare)
