"""What the configurations of ttbar must give on a toy file, from a plain loop over events.

As in :mod:`tests.oracle`, nothing here comes from awkward, coffea or pocket; the weights are evaluated lepton by lepton
and jet by jet with correctionlib. Numbers of the selection are written out once more.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import correctionlib
import numpy as np
import uproot

from tests.oracle import Histogram, distance, objects, single

BRANCHES = [
    *("PV_npvsGood", "HLT_IsoMu24", "HLT_Ele32_WPTight_Gsf", "MET_pt", "run", "luminosityBlock"),
    *(f"Muon_{name}" for name in ("pt", "eta", "phi", "tightId", "pfRelIso04_all")),
    *(f"Electron_{name}" for name in ("pt", "eta", "phi", "deltaEtaSC", "mvaFall17V2Iso_WP80", "pfRelIso03_all")),
    *(f"Jet_{name}" for name in ("pt", "eta", "phi", "jetId", "puId", "btagDeepFlavB")),
    *(f"SV_{name}" for name in ("eta", "phi", "mass")),
]
SIMULATED = [
    *("genWeight", "Pileup_nTrueInt", "Jet_hadronFlavour"),
    *(f"GenJet_{name}" for name in ("pt", "eta", "phi", "hadronFlavour")),
    *(f"GenPart_{name}" for name in ("eta", "phi", "pdgId", "genPartIdxMother")),
]
FLAVOURS = {5: "ttB", 4: "ttC", 0: "ttLF"}
MUON_ISOLATION, ELECTRON_ISOLATION, BTAG_MEDIUM = 0.15, 0.06, 0.2783


@dataclass(frozen=True)
class Event:
    """A selected event: its objects, the subsample it belongs to ("" in data), and variation → weight.

    ``btag`` is the part of the nominal weight that reweights the score of b tagging.
    """

    leptons: list[dict[str, Any]]
    jets: list[dict[str, Any]]
    tags: int
    met: float
    subsample: str
    weights: Mapping[str, float]
    btag: float
    vertices: list[dict[str, Any]]

    @property
    def ht(self) -> float:
        """Sum of the pt of all jets."""
        return sum(jet["pt"] for jet in self.jets)


@dataclass
class Selection:
    """What is left of a file, step by step."""

    initial: int = 0
    skim: int = 0
    events: list[Event] = field(default_factory=list)


def select(
    path: Path, corrections: Path, *, is_mc: bool, muon_scale: float = 1.0, least_jets: int = 4, least_tags: int = 1
) -> Selection:
    """Select the events of a file of tt̄ or data.

    Args:
        path: toy NanoAOD.
        corrections: folder of the toys' corrections.
        is_mc: whether it is simulation.
        muon_scale: factor on the pt of muons.
        least_jets: least number of jets.
        least_tags: how many of them are tagged at least.
    """
    selection = Selection()
    weights = Weights(corrections) if is_mc else None
    for event in _events(path, is_mc):
        selection.initial += 1
        if not _passes_skim(event):
            continue
        selection.skim += 1
        event["Muon_pt"] = [float(np.float32(pt) * np.float32(muon_scale)) for pt in event["Muon_pt"]]
        muons = [muon for muon in objects(event, "Muon") if _good_muon(muon)]
        electrons = [electron for electron in objects(event, "Electron") if _good_electron(electron)]
        leptons = [*muons, *electrons]
        jets = [jet for jet in objects(event, "Jet") if _good_jet(jet, leptons)]
        tags = sum(jet["btagDeepFlavB"] > single(BTAG_MEDIUM) for jet in jets)
        hard = any(muon["pt"] > 29 for muon in muons) or any(electron["pt"] > 36 for electron in electrons)
        if hard and len(leptons) == 1 and len(jets) >= least_jets and tags >= least_tags and event["MET_pt"] > 20:
            subsample = FLAVOURS[_additional_flavour(event)] if is_mc else ""
            variations = weights.of(event, muons, electrons, jets) if weights else {"nominal": 1.0}
            btag = weights.of_jets(jets, "central") if weights else 1.0
            vertices = objects(event, "SV")
            selection.events.append(Event(leptons, jets, tags, event["MET_pt"], subsample, variations, btag, vertices))
    return selection


def histogram(variable: str) -> Histogram:
    """Return an empty histogram."""
    binning = {
        "nJetGood": (6, 4.0, 10.0),
        "nBJetGood": (5, 1.0, 6.0),
        "JetGood_pt": (50, 30.0, 330.0),
        "LeptonGood_pt_1": (54, 30.0, 300.0),
        "MET_pt": (28, 20.0, 300.0),
    }
    return Histogram(*binning[variable])


def fill(events: Iterable[Event], variation: str, variable: str, category: str, subsample: str = "") -> Histogram:
    """Return the histogram of a variable in a category of ``large`` or ``jet_eta``."""
    filled = histogram(variable)
    for event in events:
        if subsample not in ("", event.subsample):
            continue
        jets = jets_in_category(event, category)
        values = {
            "nJetGood": [len(event.jets)],
            "nBJetGood": [event.tags],
            "JetGood_pt": [jet["pt"] for jet in jets],
            "LeptonGood_pt_1": [event.leptons[0]["pt"]],
            "MET_pt": [event.met],
        }
        for value in values[variable] if jets else ():
            filled.fill(value, event.weights[variation])
    return filled


def jets_in_category(event: Event, category: str) -> list[dict[str, Any]]:
    """Return the jets of an event that are in a category, all or none where categories consist of events."""
    if category == "inclusive":
        return event.jets
    if category == "tagged":
        return event.jets if event.tags >= 2 else []
    jets, other = category.split("_")
    if other in ("barrel", "endcap"):
        in_bin = min(len(event.jets), 5) == int(jets[0])
        low, high = (0.0, single(1.2)) if other == "barrel" else (single(1.2), single(2.4))
        return [jet for jet in event.jets if in_bin and low <= abs(jet["eta"]) < high]
    in_bin = min(len(event.jets), 7) == int(jets[0]) and min(event.tags, 3) == int(other[0])
    return event.jets if in_bin else []


class Weights:
    """The weights of an event.

    Args:
        folder: the toys' corrections.
    """

    def __init__(self, folder: Path) -> None:
        self._files = {
            name: correctionlib.CorrectionSet.from_file(str(folder / f"{name}.json.gz"))
            for name in ("puWeights", "muon_Z", "electron", "btagging")
        }

    def of(
        self,
        event: Mapping[str, Any],
        muons: list[dict[str, Any]],
        electrons: list[dict[str, Any]],
        jets: list[dict[str, Any]],
    ) -> dict[str, float]:
        """Return variation → weight, without the normalisation of the dataset."""
        factors = {"pileup": [self._pileup(event, kind) for kind in ("nominal", "up", "down")]}
        muon_corrections = {
            "sf_mu_id": "NUM_TightID_DEN_TrackerMuons",
            "sf_mu_iso": "NUM_TightRelIso_DEN_TightIDandIPCut",
            "sf_mu_trigger": "NUM_IsoMu24_DEN_CutBasedIdTight_and_PFIsoTight",
        }
        for name, correction in muon_corrections.items():
            factors[name] = [self._muons(correction, muons, kind) for kind in ("nominal", "systup", "systdown")]
        for name, identification in (("sf_ele_reco", False), ("sf_ele_id", True)):
            factors[name] = [self._electrons(identification, electrons, kind) for kind in ("sf", "sfup", "sfdown")]
        factors["sf_btag_lf"] = [self.of_jets(jets, kind) for kind in ("central", "up_lf", "down_lf")]
        nominal = event["genWeight"] * math.prod(values[0] for values in factors.values())
        variations = {"nominal": nominal}
        for name, (central, up, down) in factors.items():
            variations |= {f"{name}Up": nominal / central * up, f"{name}Down": nominal / central * down}
        return variations

    def _pileup(self, event: Mapping[str, Any], kind: str) -> float:
        correction = self._files["puWeights"]["Collisions18_UltraLegacy_goldenJSON"]
        return float(correction.evaluate(event["Pileup_nTrueInt"], kind))

    def _muons(self, name: str, muons: list[dict[str, Any]], kind: str) -> float:
        correction = self._files["muon_Z"][name]
        return math.prod(correction.evaluate(abs(muon["eta"]), muon["pt"], kind) for muon in muons)

    def _electrons(self, identification: bool, electrons: list[dict[str, Any]], kind: str) -> float:
        correction = self._files["electron"]["UL-Electron-ID-SF"]
        product = 1.0
        for electron in electrons:
            reco = "RecoBelow20" if electron["pt"] < 20 else "RecoAbove20"
            working_point = "wp80iso" if identification else reco
            product *= correction.evaluate("toys", kind, working_point, _supercluster_eta(electron), electron["pt"])
        return product

    def of_jets(self, jets: list[dict[str, Any]], kind: str) -> float:
        """Return the weight of the jets' scores of b tagging."""
        correction, product = self._files["btagging"]["deepJet_shape"], 1.0
        for jet in jets:
            flavour = jet["hadronFlavour"]
            systematic = "central" if flavour == 4 else kind
            product *= correction.evaluate(systematic, flavour, abs(jet["eta"]), jet["pt"], jet["btagDeepFlavB"])
        return product


def _events(path: Path, is_mc: bool) -> Iterator[dict[str, Any]]:
    with uproot.open(f"{path}:Events") as tree:
        flags = [name for name in tree.keys(recursive=False) if name.startswith("Flag_")]
        branches = [*BRANCHES, *flags, *(SIMULATED if is_mc else [])]
        columns = [tree[branch].array(library="np") for branch in branches]
    for values in zip(*columns, strict=True):
        yield {branch: value.tolist() for branch, value in zip(branches, values, strict=True)}


def _passes_skim(event: Mapping[str, Any]) -> bool:
    return (
        event["PV_npvsGood"] >= 1
        and all(value for name, value in event.items() if name.startswith("Flag_"))
        and (event["run"] == 1 or _certified(event["run"], event["luminosityBlock"]))
        and (event["HLT_IsoMu24"] or event["HLT_Ele32_WPTight_Gsf"])
        and sum(pt >= 20 for pt in event["Jet_pt"]) >= 4
    )


def _certified(run: int, section: int) -> bool:
    ranges = {315257: [(1, 88), (91, 92)], 315259: [(1, 172)], 315420: [(28, 921), (924, 942)]}
    return any(first <= section <= last for first, last in ranges.get(run, []))


def _good_muon(muon: Mapping[str, Any]) -> bool:
    isolated = muon["pfRelIso04_all"] < single(MUON_ISOLATION)
    return muon["pt"] > 15 and abs(muon["eta"]) < single(2.4) and muon["tightId"] and isolated


def _good_electron(electron: Mapping[str, Any]) -> bool:
    eta = abs(_supercluster_eta(electron))
    outside_transition = eta < single(1.4442) or eta > single(1.5660)
    accepted = electron["pt"] > 15 and abs(electron["eta"]) < single(2.4)
    isolated = electron["pfRelIso03_all"] < single(ELECTRON_ISOLATION)
    return accepted and electron["mvaFall17V2Iso_WP80"] and isolated and outside_transition


def _supercluster_eta(electron: Mapping[str, Any]) -> float:
    return float(np.float32(electron["eta"]) + np.float32(electron["deltaEtaSC"]))


def _good_jet(jet: Mapping[str, Any], leptons: list[dict[str, Any]]) -> bool:
    return (
        jet["pt"] > 30
        and abs(jet["eta"]) < single(2.4)
        and jet["jetId"] >= 2
        and (jet["puId"] >= 4 or jet["pt"] >= 50)
        and all(distance(jet, lepton) > 0.4 for lepton in leptons)
    )


def _additional_flavour(event: Mapping[str, Any]) -> int:
    particles = objects(event, "GenPart")
    quarks = [
        particle
        for particle in particles
        if abs(particle["pdgId"]) in (4, 5)
        and particle["genPartIdxMother"] >= 0
        and abs(particles[particle["genPartIdxMother"]]["pdgId"]) in (6, 24)
    ]
    heaviest = 0
    for jet in objects(event, "GenJet"):
        additional = all(distance(jet, quark) > 0.4 for quark in quarks)
        if jet["pt"] > 20 and abs(jet["eta"]) < single(2.4) and additional:
            heaviest = max(heaviest, jet["hadronFlavour"])
    return int(heaviest)
