"""Processors as they are written by hand in current coffea: columns read when used, ``hist.fill`` for each template.

Masks, values and weights are computed once per chunk; each category and variation is one call of ``fill``.
"""

import awkward as ak
import correctionlib
import hist
import numpy as np
from branches import FLAGS
from coffea import processor
from coffea.analysis_tools import PackedSelection, Weights
from coffea.nanoevents import NanoAODSchema
from coffea.nanoevents.methods import candidate
from serving import serve
from templates import of_histogram, write_templates

CHARM, BOTTOM, TOP, W = 4, 5, 6, 24
TRANSITION = (1.4442, 1.5660)


class Processor(processor.ProcessorABC):
    """What both analyses share: skim, objects, and the histograms of categories and variations."""

    triggers = ()
    skimmed = ()
    varied = ""

    def __init__(self, request):
        self.parameters, self.axes = request["parameters"], request["axes"]
        self.corrections = {
            name: correctionlib.CorrectionSet.from_file(f"{request['corrections']}/{name}.json.gz")
            for name in ("puWeights", "muon_Z", "electron", "btagging")
        }

    def process(self, events):
        """Return the sum of weights, histograms and numbers of events of a chunk."""
        total = float(np.sum(np.asarray(events.genWeight), dtype=np.float64))
        name, number, pt = self.skimmed
        skim = (events.PV.npvsGood >= 1) & (ak.sum(events[name].pt >= pt, axis=1) >= number)
        for flag in FLAGS:
            skim = skim & events.Flag[flag]
        fired = events.HLT[self.triggers[0]]
        for trigger in self.triggers[1:]:
            fired = fired | events.HLT[trigger]
        events = events[skim & fired]
        samples, categories, weights, values = self.select(events)
        variations = {"nominal": weights.weight()}
        chosen = [variation for variation in weights.variations if variation.startswith(self.varied)]
        variations |= {variation: weights.weight(variation) for variation in chosen}
        counts, histograms = {}, {}
        for sample, of_sample in samples.items():
            masks = {category: mask & of_sample for category, mask in categories.items()}
            counts[sample] = {category: int(mask.sum()) for category, mask in masks.items()}
            histograms[sample] = {
                variable: self.fill(variable, values[variable], masks, variations) for variable in self.axes
            }
        return {"total": total, "counts": counts, "histograms": histograms}

    def fill(self, variable, values, masks, variations):
        """Return the histogram of a variable, of one value or a list of values per event."""
        axis = hist.axis.Regular(*self.axes[variable], name="value")
        categories = hist.axis.StrCategory(list(masks), name="cat")
        histogram = hist.Hist(
            categories, hist.axis.StrCategory(list(variations), name="variation"), axis, storage=hist.storage.Weight()
        )
        counts = ak.to_numpy(ak.num(values)) if values.ndim > 1 else None
        for category, mask in masks.items():
            chosen = values[mask]
            if counts is not None:
                chosen, repeats = ak.flatten(chosen), counts[mask]
            chosen = ak.to_numpy(chosen)
            for variation, weight in variations.items():
                own = weight[mask] if counts is None else np.repeat(weight[mask], repeats)
                histogram.fill(cat=category, variation=variation, value=chosen, weight=own)
        return histogram

    def muons(self, events):
        """Return the identified, isolated muons."""
        muons, cuts = events.Muon, self.parameters["object_preselection"]["Muon"]
        good = (muons.pt > cuts["pt"]) & (abs(muons.eta) < cuts["eta"]) & muons[cuts["id"]]
        return muons[good & (muons.pfRelIso04_all < cuts["iso"])]

    def jets(self, events, leptons):
        """Return the jets away from leptons."""
        jets, cuts = events.Jet, self.parameters["object_preselection"]["Jet"]
        good = (jets.pt > cuts["pt"]) & (abs(jets.eta) < cuts["eta"]) & (jets.jetId >= cuts["jetId"])
        lowest = self.parameters["jet_scale_factors"]["jet_puId"]["toys"]["working_point"][cuts["puId"]["wp"]]
        jets = jets[good & ((jets.puId >= lowest) | (jets.pt >= cuts["puId"]["maxpt"]))]
        return jets[ak.all(jets.metric_table(leptons) > cuts["dr_lepton"], axis=2)]

    def weights(self, events):
        """Return the weights of whole events."""
        weights = Weights(len(events))
        weights.add("genWeight", ak.to_numpy(events.genWeight))
        (name,) = self.corrections["puWeights"].keys()
        interactions = ak.to_numpy(events.Pileup.nTrueInt)
        pileup = self.corrections["puWeights"][name]
        weights.add("pileup", *(pileup.evaluate(interactions, kind) for kind in ("nominal", "up", "down")))
        return weights

    def postprocess(self, accumulator):
        """Return what was accumulated."""
        return accumulator


class Zmumu(Processor):
    """Dimuon spectra."""

    triggers = ("IsoMu24",)
    skimmed = ("Muon", 2, 20.0)

    def select(self, events):
        """Return samples, categories, weights and values of the selected events."""
        cuts = self.parameters["dimuon"]
        muons = self.muons(events)
        two = ak.num(muons) >= 2
        events, muons = events[two], muons[two]
        pair = double_precision(muons[:, 0]) + double_precision(muons[:, 1])
        selected = (
            (pair.charge == 0)
            & (muons.pt[:, 0] > cuts["leading_pt"])
            & (pair.mass > cuts["mass_low"])
            & (pair.mass < cuts["mass_high"])
        )
        events, muons, pair = events[selected], muons[selected], pair[selected]
        everything = np.ones(len(events), dtype=bool)
        values = {
            "mll": pair.mass,
            "ptll": pair.pt,
            "MuonGood_pt": muons.pt,
            "MuonGood_eta": muons.eta,
            "MuonGood_pt_1": muons.pt[:, 0],
            "MuonGood_eta_1": muons.eta[:, 0],
            "MuonGood_pt_2": muons.pt[:, 1],
            "MuonGood_eta_2": muons.eta[:, 1],
            "nJetGood": ak.num(self.jets(events, muons)),
            "npvs": events.PV.npvsGood,
        }
        return {"DYJetsToMuMu": everything}, {"baseline": everything}, self.weights(events), values


class TopPair(Processor):
    """tt̄ with one lepton."""

    triggers = ("IsoMu24", "Ele32_WPTight_Gsf")
    skimmed = ("Jet", 4, 20.0)

    def select(self, events):
        """Return samples, categories, weights and values of the selected events."""
        cuts = self.parameters["semileptonic"]
        muons, electrons = self.muons(events), self.electrons(events)
        hard = ak.any(muons.pt > cuts["muon_pt"], axis=1) | ak.any(electrons.pt > cuts["electron_pt"], axis=1)
        lepton = hard & (ak.num(muons) + ak.num(electrons) == 1) & (events.MET.pt > cuts["met"])
        events, muons, electrons = events[lepton], muons[lepton], electrons[lepton]
        leptons = ak.concatenate([kinematics(muons), kinematics(electrons)], axis=1)
        jets = self.jets(events, leptons)
        tagged = self.tagged(jets)
        selected = (ak.num(jets) >= cuts["jets"]) & (ak.sum(tagged, axis=1) >= cuts["btags"])
        events, muons, electrons, leptons, jets, tagged = (
            array[selected] for array in (events, muons, electrons, leptons, jets, tagged)
        )
        n_jets, n_tagged = ak.num(jets), ak.sum(tagged, axis=1)
        values = {
            "nJetGood": n_jets,
            "nBJetGood": n_tagged,
            "JetGood_pt": jets.pt,
            "LeptonGood_pt_1": leptons.pt[:, 0],
            "MET_pt": events.MET.pt,
        }
        weights = self.weights(events)
        self.add_leptons(weights, muons, electrons)
        self.add_btag(weights, jets)
        return self.samples(events), self.categories(ak.to_numpy(n_jets), ak.to_numpy(n_tagged)), weights, values

    def samples(self, events):
        """Return tt̄ by the flavour of additional jets."""
        flavour = ak.to_numpy(self.additional_flavour(events))
        names = {"ttB": BOTTOM, "ttC": CHARM, "ttLF": 0}
        return {f"TTToSemiLeptonic__{name}": flavour == code for name, code in names.items()}

    def categories(self, n_jets, n_tagged):
        """Return the bins of numbers of jets and b-tagged jets."""
        selection = PackedSelection()
        selection.add_multiple(
            {"4j": n_jets == 4, "5j": n_jets == 5, "6j": n_jets == 6, "7j": n_jets >= 7}
            | {"1b": n_tagged == 1, "2b": n_tagged == 2, "3b": n_tagged >= 3, "tagged": n_tagged >= 2}
        )
        return {
            "inclusive": np.ones(len(n_jets), dtype=bool),
            "tagged": selection.all("tagged"),
            **{f"{j}_{b}": selection.all(j, b) for j in ("4j", "5j", "6j", "7j") for b in ("1b", "2b", "3b")},
        }

    def electrons(self, events):
        """Return the identified, isolated electrons outside of the transition region."""
        electrons, cuts = events.Electron, self.parameters["object_preselection"]["Electron"]
        supercluster = abs(electrons.eta + electrons.deltaEtaSC)
        good = (electrons.pt > cuts["pt"]) & (abs(electrons.eta) < cuts["eta"]) & electrons[cuts["id"]]
        outside = (supercluster < TRANSITION[0]) | (supercluster > TRANSITION[1])
        return electrons[good & (electrons.pfRelIso03_all < cuts["iso"]) & outside]

    def tagged(self, jets):
        """Tell which jets are b-tagged."""
        point = self.parameters["btagging"]["working_point"]["toys"]
        return jets[point["btagging_algorithm"]] > point["btagging_WP"]["M"]

    def additional_flavour(self, events):
        """Return the heaviest flavour of the generated jets that no top decayed to."""
        cuts, jets, particles = self.parameters["additional_jets"], events.GenJet, events.GenPart
        jets = jets[(jets.hadronFlavour >= CHARM) & (jets.pt > cuts["pt"]) & (abs(jets.eta) < cuts["eta"])]
        code = abs(particles.pdgId)
        quarks = particles[(code == CHARM) | (code == BOTTOM)]
        parent = ak.fill_none(abs(quarks.parent.pdgId), 0)
        quarks = quarks[(parent == TOP) | (parent == W)]
        far = ak.all(jets.metric_table(quarks) > cuts["match_dr"], axis=2)
        return ak.fill_none(ak.max(jets.hadronFlavour[far], axis=1), 0)

    def add_leptons(self, weights, muons, electrons):
        """Add the scale factors of leptons."""
        pt, eta, counts = (
            flat(electrons, "pt"),
            flat(electrons, "eta") + flat(electrons, "deltaEtaSC"),
            ak.num(electrons),
        )
        table = self.corrections["electron"]["UL-Electron-ID-SF"]
        low = pt < 20

        def reco(kind):
            factors = np.ones(len(pt))
            factors[low] = table.evaluate("toys", kind, "RecoBelow20", eta[low], pt[low])
            factors[~low] = table.evaluate("toys", kind, "RecoAbove20", eta[~low], pt[~low])
            return product(factors, counts)

        # without variations of them, nobody computes these
        number = 1 if self.varied else 3
        kinds = ("sf", "sfup", "sfdown")[:number]
        weights.add("sf_ele_reco", *map(reco, kinds))
        weights.add("sf_ele_id", *(product(table.evaluate("toys", kind, "wp80iso", eta, pt), counts) for kind in kinds))
        pt, eta, counts = flat(muons, "pt"), np.abs(flat(muons, "eta")), ak.num(muons)
        for what, name in self.parameters["lepton_scale_factors"]["muon_sf"]["sf_name"]["toys"].items():
            table = self.corrections["muon_Z"][name]
            factors = (
                product(table.evaluate(eta, pt, kind), counts) for kind in ("nominal", "systup", "systdown")[:number]
            )
            weights.add(f"sf_mu_{what}", *factors)

    def add_btag(self, weights, jets):
        """Add the reweighting of the b-tagging score; its variation changes all jets but c jets."""
        table = self.corrections["btagging"]["deepJet_shape"]
        inputs = [flat(jets, "hadronFlavour"), np.abs(flat(jets, "eta")), flat(jets, "pt")]
        inputs.append(flat(jets, self.parameters["btagging"]["working_point"]["toys"]["btagging_algorithm"]))
        others, counts = inputs[0] != CHARM, ak.num(jets)
        central = table.evaluate("central", *inputs)

        def varied(kind):
            factors = central.copy()
            factors[others] = table.evaluate(kind, *(values[others] for values in inputs))
            return product(factors, counts)

        sides = () if self.varied else ("up_lf", "down_lf")
        weights.add("sf_btag_lf", product(central, counts), *map(varied, sides))


class TopPairMedium(TopPair):
    """Four categories."""

    def categories(self, n_jets, n_tagged):
        """Return the bins of numbers of b-tagged jets."""
        return {
            "inclusive": np.ones(len(n_jets), dtype=bool),
            "1b": n_tagged == 1,
            "2b": n_tagged == 2,
            "3b": n_tagged >= 3,
        }


class TopPairSmall(TopPair):
    """Two categories, no subsamples, and one weight varied."""

    varied = "pileup"

    def samples(self, events):
        """Return all of tt̄."""
        return {"TTToSemiLeptonic": np.ones(len(events), dtype=bool)}

    def categories(self, n_jets, n_tagged):
        """Return all events and those with two b-tagged jets."""
        return {"inclusive": np.ones(len(n_jets), dtype=bool), "tagged": n_tagged >= 2}


def flat(objects, field):
    """Return a field of all objects as a NumPy array."""
    return ak.to_numpy(ak.flatten(objects[field]))


def product(factors, counts):
    """Return the product over the objects of each event."""
    return ak.to_numpy(ak.prod(ak.unflatten(factors, counts), axis=1))


def kinematics(leptons):
    """Return pt and direction alone, so that leptons of both flavours can be put together."""
    fields = {"pt": leptons.pt, "eta": leptons.eta, "phi": leptons.phi, "mass": ak.zeros_like(leptons.pt)}
    return ak.zip(fields, with_name="PtEtaPhiMLorentzVector", behavior=candidate.behavior)


def double_precision(objects):
    """Return the momenta in double precision, since masses are small differences of large numbers."""
    fields = {name: ak.values_astype(objects[name], np.float64) for name in ("pt", "eta", "phi", "mass")}
    return ak.zip({**fields, "charge": objects.charge}, with_name="PtEtaPhiMCandidate", behavior=candidate.behavior)


PROCESSORS = {"zmumu": Zmumu, "ttbar_small": TopPairSmall, "ttbar_medium": TopPairMedium, "ttbar_large": TopPair}


def prepare(request):
    """Return the pass over the files, and the writing of its templates."""
    NanoAODSchema.warn_missing_crossrefs = False
    ((dataset, content),) = request["fileset"].items()
    metadata = content["metadata"]
    instance = PROCESSORS[request["config"]](request)
    run = runner(request["chunk_size"])
    files = {dataset: {"files": dict.fromkeys(content["files"], "Events"), "metadata": metadata}}
    chunks = list(run.preprocess(files, treename="Events"))
    last = {}

    def make_pass():
        last.clear()
        last["output"] = run.run(chunks, processor_instance=instance)

    def write():
        output = last["output"]["out"] if "out" in last["output"] else last["output"]
        factor = metadata["xsec"] * request["parameters"]["lumi"]["picobarns"]["toys"]["tot"] / output["total"]
        found = {}
        for sample, histograms in output["histograms"].items():
            for variable, histogram in histograms.items():
                of_histogram(found, variable, sample, factor * histogram)
            for category, number in output["counts"][sample].items():
                found[f"entries/{sample}/{category}"] = np.array([number])
        write_templates(request["output"], found)

    runner(request["warm_up"], maxchunks=1).run(files, processor_instance=instance, treename="Events")
    return make_pass, write


def runner(chunk_size, maxchunks=None):
    """Return coffea's runner, which reads columns when they are used."""
    return processor.Runner(
        executor=processor.IterativeExecutor(status=False),
        schema=NanoAODSchema,
        chunksize=chunk_size,
        maxchunks=maxchunks,
    )


if __name__ == "__main__":
    serve(prepare)
