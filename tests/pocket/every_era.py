"""Events with everything that shipped weights and calibrators read, and the correction files of an era.

Files that aren't beside the checkout are written in the groups' schemas; for 2024 and 2025, of which there are hardly
any, those of the end of 2023 have the names that the parameters ask for.
"""

from __future__ import annotations

import gzip
import itertools
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from pocket.parameters.defaults import get_default_parameters, merge_parameters
from pocket.toys.correction_nodes import category
from pocket.weights import SHAPE_VARIATIONS
from pocket.weights.ctag import SHAPE_VARIATIONS as CTAG_VARIATIONS
from tests.group_files import CAMPAIGNS, LATER, ROOT, RUN_3, UL
from tests.pocket.calibrators.jme_files import fat_jets_of_2017
from tests.pocket.calibrators.test_met_xy import run_3_file
from tests.pocket.correction_files import write_corrections
from tests.pocket.egamma import write_et_dependent, write_run_2
from tests.pocket.tau_files import write_tau_file
from tests.pocket.weights.objects import nested, random_binning, with_inputs
from tests.pocket.weights.test_shower_variations import CMS
from tests.pocket.weights.test_shower_variations import title as shower_title

#: era → the part of it that the tests have data of, and one of its runs
DATA = {
    "2016_PreVFP": ("B", 274000),
    "2016_PostVFP": ("G", 279000),
    "2017": ("B", 298000),
    "2018": ("A", 316000),
    "2022_preEE": ("C", 356500),
    "2022_postEE": ("E", 359500),
    "2023_preBPix": ("C", 368000),
    "2023_postBPix": ("D", 370000),
    "2024": ("C", 380000),
    "2025": ("C", 393000),
}
#: the latest era of which there are most files
_LAST = "2023_postBPix"
#: names in its files → those for 2024 and 2025, by era
_RENAMED: Mapping[str, Mapping[str, str]] = {
    "2024": {
        "2023PromptD": "2024Prompt",
        "Summer23BPixPrompt23_V1_MC": "Summer24Prompt24_V5_MC",
        "Summer23BPixPrompt23_RunD_V1_DATA": "Summer24Prompt24_V5_DATA",
        "Summer23BPixPrompt23_RunD_JRV1_MC": "Summer24Prompt24_JRV2_MC",
    },
    "2025": {
        "2023PromptD": "2025Prompt",
        "Summer23BPixPrompt23_V1_MC": "Summer24Prompt25_V3_MC",
        "Summer23BPixPrompt23_RunD_V1_DATA": "Summer24Prompt25_V3_DATA",
        "Summer23BPixPrompt23_RunD_JRV1_MC": "Summer24Prompt25_JRV2_MC",
    },
}
#: the same of both eras; the thresholds of another tagger are dropped
_TAGGER = {
    "deepJet_wp_values": "thresholds",
    "deepJet_shape": "UParTAK4",
    "deepJet_comb": "UParTAK4_comb",
    "deepJet_light": "UParTAK4_light",
}
_PDF_TITLE = "LHE pdf variation weights (w_var / w_nominal) for LHA IDs 306000 - 306102"
#: files of its era that are copied
_COPIED = (
    *("EGM/electron", "EGM/electronHlt", "EGM/photon", "MUO/muon_Z", "MUO/muon_scalesmearing"),
    *("BTV/btagging", "JME/jet_jerc", "JME/fatJet_jerc"),
)


def write_files(root: Path, year: str) -> None:
    """Write the corrections of an era: links to files beside the checkout, and the others.

    Args:
        root: the root of corrections, which may have those of other eras.
        year: the era.
    """
    for path in (*ROOT.glob(f"POG/*/{CAMPAIGNS[year]}/*"), *ROOT.glob("POG/JME/*.gz"), *ROOT.glob("roccor/*")):
        _link(path, root / path.relative_to(ROOT))

    def place(group: str, file: str) -> Path:
        path = root / "POG" / group / CAMPAIGNS[year] / f"{file}.json.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    if year == "2017":
        place("JME", "fatJet_jerc").unlink()
        _compressed(place("JME", "fatJet_jerc"), lambda plain: plain.write_text(fat_jets_of_2017()))
    if year in LATER:
        for name in _COPIED:
            group, file = name.split("/")
            text = gzip.decompress((ROOT / "POG" / group / CAMPAIGNS[_LAST] / f"{file}.json.gz").read_bytes()).decode()
            for old, new in {**_RENAMED[year], **_TAGGER}.items():
                text = text.replace(old, new)
            place(group, file).write_bytes(gzip.compress(text.encode(), 1))
    tagger = "DeepTau2017v2p1" if year in UL else "DeepTau2018v2p5"
    if year == "2025":
        # The tau group has none for it yet, so those of 2024 are used.
        of_2024 = root / "POG" / "TAU" / CAMPAIGNS["2024"] / "tau.json.gz"
        of_2024.parent.mkdir(parents=True, exist_ok=True)
        _write_taus(of_2024, tagger, "2024")
    elif not (path := place("TAU", "tau")).exists():
        _write_taus(path, tagger, year)
    if year in UL:
        write_run_2(place("EGM", "EGM_ScaleUnc"), CAMPAIGNS[year].removesuffix("_UL"), seed=5)
    else:
        config = get_default_parameters()
        for section, file in (
            (config.lepton_scale_factors.electron_sf, "electronSS_EtDependent"),
            (config.photon_scale_factors.photon_sf, "photonSS_EtDependent"),
        ):
            names = section.scale_and_smearing.correctionlib_config[year].correction_name
            scale, smear = (name if isinstance(name, str) else name[0] for name in (names.scale, names.smear))
            write_et_dependent(place("EGM", file), scale, smear, seed=5)
    if year not in LATER:
        _compressed(place("BTV", "ctagging"), _write_ctag)
    if year in RUN_3:
        file = re.sub(r".*/|\.json\.gz", "", get_default_parameters().met_xy_calibration[year].file)
        _compressed(place("JME", file), lambda path: _write_met_xy(path, year))


def parameters(folder: Path) -> Any:
    """Return the shipped parameters, with what an analysis adds for all eras: own files, and masses of large jets."""
    bins = {"n": [0, 2, 4, 100], "ht": [0, 100, 500, 1e6]}
    systematics = ["nominal", *(f"{name}_{side}" for name in SHAPE_VARIATIONS for side in ("up", "down"))]
    normalisation = nested({"systematic": systematics}, lambda key: random_binning(systematics.index(key), **bins))
    efficiency = category("flavor", {0: 0.02, 4: 0.2, 5: 0.8})
    files = {
        "norm": with_inputs("norm", normalisation, systematic="string", n="real", ht="real"),
        "eff": with_inputs("eff", efficiency, flavor="int"),
        "calib": with_inputs("ctagSF_norm_correction", random_binning(3, **bins), n="real", ht="real"),
    }
    written = {name: write_corrections(folder / f"{name}.json", content) for name, content in files.items()}
    masses = {
        "scale": {"nominal": 0.982, "up": 0.986, "down": 0.978},
        "resolution": {"nominal": 1.09, "up": 1.14, "down": 1.04},
    }
    # The public copies have other names than the group's files.
    pileup = {"2024": "Pileup", "2025": "Collisions25_Prompt_goldenJSON"}
    shifted = {"scale_and_smearing": {"apply": dict.fromkeys(CAMPAIGNS, True)}}
    own: dict[str, Any] = {
        "btagSF_calibration": {year: {"file": written["norm"], "name": "norm"} for year in CAMPAIGNS},
        "jet_scale_factors": {
            "btag_efficiency": {year: {"file": written["eff"], "name": "eff"} for year in CAMPAIGNS},
            "ctagSF": {year: {"Calib_file": written["calib"]} for year in CAMPAIGNS if year not in LATER},
        },
        "muon_scale": {year: {"uncertainty": 0.002} for year in CAMPAIGNS},
        "softdrop_mass": {year: {"subjets": _jets_of(year), **masses} for year in CAMPAIGNS},
        "lepton_scale_factors": {"electron_sf": shifted},
        "photon_scale_factors": {"photon_sf": shifted},
        "pileup": {
            year: {"file": f"corrections://POG/LUM/{CAMPAIGNS[year]}/puWeights.json.gz", "name": name}
            for year, name in pileup.items()
        },
    }
    return merge_parameters(get_default_parameters(), own, update=True)


def regressed(params: Any) -> Any:
    """Return parameters with which the jets of all eras are regressed."""
    regression = {year: f"{_jets_of(year)}PNetRegressionPlusNeutrino" for year in CAMPAIGNS}
    applied = {year: {name: True} for year, name in regression.items()}
    own = {
        "collection": {year: {_jets_of(year): None, name: "Jet"} for year, name in regression.items()},
        "apply_pt_regr_MC": applied,
        "apply_pt_regr_Data": applied,
    }
    return merge_parameters(params, {"jets_calibration": own}, update=True)


def events_of(year: str, run: int = 1, n: int = 3000, seed: int = 1) -> ak.Array:
    """Return events with objects of all kinds, in the precision of NanoAOD.

    Args:
        year: the era, whose version of NanoAOD they have.
        run: number of the run.
        n: number of events.
        seed: seed of the random numbers.
    """
    rng = np.random.default_rng(seed)
    single = np.float32

    def uniform(low: float, high: float) -> Callable[[int], npt.NDArray[Any]]:
        return lambda size: rng.uniform(low, high, size).astype(single)

    def some(*values: Any, dtype: Any = np.int32) -> Callable[[int], npt.NDArray[Any]]:
        return lambda size: rng.choice(np.array(values, dtype), size)

    def columns(size: int, eta: float, fields: Mapping[str, Callable[[int], Any]]) -> dict[str, npt.NDArray[Any]]:
        usual: dict[str, Callable[[int], Any]] = {
            "pt": lambda size: np.exp(rng.uniform(np.log(12), np.log(400), size)).astype(single),
            "eta": uniform(-eta, eta),
            "phi": uniform(-np.pi, np.pi),
            "mass": uniform(0.1, 10),
        }
        return {name: values(size) for name, values in {**usual, **fields}.items()}

    def objects(most: int, eta: float = 2.4, **fields: Callable[[int], Any]) -> ak.Array:
        counts = rng.integers(0, most + 1, n)
        return ak.unflatten(ak.zip(columns(int(counts.sum()), eta, fields)), counts)

    def moment(**fields: Callable[[int], Any]) -> ak.Array:
        return ak.zip(
            {"pt": uniform(1, 200)(n), "phi": uniform(-3.14, 3.14)(n), **{k: v(n) for k, v in fields.items()}}
        )

    scores = {f"btag{name}": uniform(0, 1) for name in ("DeepFlavB", "DeepFlavCvL", "DeepFlavCvB", "UParTAK4B")}
    jet: dict[str, Any] = {
        **scores,
        "area": uniform(0.4, 0.6),
        "rawFactor": uniform(-0.1, 0.2),
        "genJetIdx": some(-1, 0, 1),
        "hadronFlavour": some(0, 4, 5, dtype=np.uint8),
        "PNetRegPtRawCorr": uniform(0.9, 1.1),
        "PNetRegPtRawCorrNeutrino": uniform(1, 1.1),
        "muonSubtrFactor": uniform(0, 0.1),
        "chEmEF": uniform(0, 0.5),
        "neEmEF": uniform(0, 0.5),
        "jetId": some(0, 2, 6),
    }
    if year in UL:
        jet["puId"] = some(0, 1, 3, 4, 6, 7)
    large = objects(2, area=uniform(1.9, 2.1), rawFactor=uniform(-0.1, 0.2), genJetAK8Idx=some(-1, 0, 1))
    large["msoftdrop"] = ak.unflatten(uniform(20, 150)(int(ak.sum(ak.num(large)))), ak.num(large))
    per_jet = rng.integers(0, 3, int(ak.sum(ak.num(large))))
    sub = ak.zip(columns(int(per_jet.sum()), 2.4, {"rawFactor": uniform(0, 0.1)}))
    # Links of NanoAOD may lead nowhere, so their type allows None.
    sub = ak.mask(sub, np.ones(len(sub), dtype=bool))
    large = ak.zip(
        {
            **{name: large[name] for name in large.fields},
            "subjets": ak.unflatten(ak.unflatten(sub, per_jet), ak.num(large)),
        },
        depth_limit=2,
    )
    electron = {
        "deltaEtaSC": uniform(-0.02, 0.02),
        "r9": uniform(0.3, 1.05),
        "energyErr": uniform(0.1, 3),
        "seedGain": some(1, 6, 12, dtype=np.uint8),
        "dEsigmaUp": uniform(-0.05, 0.05),
        "dEsigmaDown": uniform(-0.05, 0.05),
    }
    electrons = objects(2, **electron)
    photons = objects(2, **electron, mass=lambda size: np.zeros(size, single))
    photons["isScEtaEB"] = abs(photons.eta) < 1.48
    muons = objects(
        2,
        charge=some(-1, 1),
        nTrackerLayers=some(*range(6, 18)),
        genPartIdx=some(-1, 4, 5),
        isPFcand=some(True, dtype=bool),
    )
    taus = objects(
        2,
        decayMode=some(0, 1, 2, 10, 11),
        genPartFlav=some(0, 1, 2, 3, 4, 5, dtype=np.uint8),
        charge=some(-1, 1),
    )
    gen_jets, large_gen_jets = objects(3), objects(2)
    jets = objects(5, **jet)
    for found, link, linked in ((jets, "genJetIdx", gen_jets), (large, "genJetAK8Idx", large_gen_jets)):
        found[link] = ak.where(found[link] < ak.num(linked), found[link], -1)
    shift = {name: uniform(-10, 10) for name in ("MetUnclustEnUpDeltaX", "MetUnclustEnUpDeltaY")}
    sides = {f"{name}Unclustered{side}": uniform(1, 3) for name in ("pt", "phi") for side in ("Up", "Down")}
    density = uniform(5, 60)(n)
    older = {"fixedGridRhoFastjetAll": density} if year in UL else {"Rho": ak.zip({"fixedGridRhoFastjetAll": density})}
    particles = {
        "pdgId": [6, 6, -6, -6, 13, -13],
        "statusFlags": [1, 1 << 13, 1, 1 << 13, 1 << 13, 1 << 13],
    }
    record = {name: np.tile(values, (n, 1)).astype(np.int32) for name, values in particles.items()}
    record["pt"] = rng.exponential(100, (n, 6)).astype(single) + 5
    events = {
        "run": np.full(n, run, np.uint32),
        "luminosityBlock": rng.integers(1, 3000, n).astype(np.uint32),
        "event": rng.integers(1, 2**31, n).astype(np.uint64),
        "genWeight": rng.normal(1, 3, n).astype(single),
        "Pileup": ak.zip({"nTrueInt": uniform(0, 70)(n)}),
        "PV": ak.zip(
            {
                **{axis: uniform(-5, 5)(n) for axis in "xyz"},
                **{name: some(*range(1, 70))(n) for name in ("npvs", "npvsGood")},
            }
        ),
        "L1PreFiringWeight": ak.zip({name: uniform(0.9, 1)(n) for name in ("Nom", "Up", "Dn")}),
        "PSWeight": _entries(rng, n, 44, shower_title(CMS)),
        "LHEScaleWeight": _entries(rng, n, 9, ""),
        "LHEPdfWeight": _entries(rng, n, 103, _PDF_TITLE),
        **dict.fromkeys(("Jet", "JetGood"), jets),
        "CorrT1METJet": objects(3, rawPt=uniform(5, 15), area=uniform(0.4, 0.6), muonSubtrFactor=uniform(0, 0.1)),
        "FatJet": large,
        "GenJet": gen_jets,
        "GenJetAK8": large_gen_jets,
        "SubGenJetAK8": objects(4),
        "GenPart": ak.from_regular(ak.zip({name: ak.from_numpy(values) for name, values in record.items()})),
        **dict.fromkeys(("Electron", "ElectronGood"), electrons),
        **dict.fromkeys(("Photon", "PhotonGood"), photons),
        **dict.fromkeys(("Muon", "MuonGood"), muons),
        "Tau": taus,
        "TauGood": taus[taus.decayMode != 2],
        "MET": moment(**shift),
        "PuppiMET": moment(**sides),
        **{name: moment() for name in ("RawMET", "RawPuppiMET")},
        **older,
    }
    return ak.zip(events, depth_limit=1)


def _entries(rng: np.random.Generator, n: int, number: int, title: str) -> ak.Array:
    lists = ak.from_numpy(rng.normal(1, 0.1, (n, number)).astype(np.float32))
    return ak.from_regular(ak.with_parameter(lists, "__doc__", title) if title else lists)


def _jets_of(year: str) -> str:
    return "AK4PFchs" if year in UL else "AK4PFPuppi"


def _link(path: Path, link: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.exists():
        link.symlink_to(path)


def _compressed(path: Path, write: Callable[[Path], Any]) -> None:
    plain = path.with_suffix("")
    write(plain)
    path.write_bytes(gzip.compress(plain.read_bytes(), 1))
    plain.unlink()


def _write_taus(path: Path, tagger: str, period: str) -> None:
    _compressed(path, lambda plain: write_tau_file(plain, tagger, period))


def _write_ctag(path: Path) -> None:
    names = [
        f"{side}_{name}" for side, name in itertools.product(("up", "down"), (*CTAG_VARIATIONS, "jer", "jesTotal"))
    ]
    kinds = ["central", *names]

    def scores(kind: str, flavour: int) -> Any:
        return random_binning(7 * kinds.index(kind) + flavour, CvL=[0, 0.2, 0.5, 1.01], CvB=[0, 0.3, 1.01])

    types = {"systematic": "string", "flavor": "int", "CvL": "real", "CvB": "real"}
    data = nested({"systematic": kinds, "flavor": [0, 4, 5]}, scores)
    write_corrections(path, with_inputs("deepJet_shape", data, **types))


def _write_met_xy(path: Path, year: str) -> None:
    run_3_file(path)
    epoch = str(get_default_parameters().met_xy_calibration[year].epoch)
    path.write_text(path.read_text().replace('"2022EE"', f'"{epoch}"'))
