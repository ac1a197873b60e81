"""What the configuration ``real_samples`` of zmumu must give, from a plain loop over events.

Nothing here comes from awkward, coffea or pocket: uproot reads the branches, they become lists, and every step of the
selection is written out once more. Parameters are taken as numbers, binnings are repeated.
"""

from __future__ import annotations

import math
import struct
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uproot

YEAR = "2018"
MUON_MASS_FIELDS = ("pt", "eta", "phi", "mass")


@dataclass
class Histogram:
    """Sums of weights and of their squares in bins of equal width, the flow bins first and last."""

    bins: int
    start: float
    stop: float
    sumw: list[float] = field(init=False)
    sumw2: list[float] = field(init=False)
    entries: int = 0

    def __post_init__(self) -> None:
        width = (self.stop - self.start) / self.bins
        self.edges = [self.start + number * width for number in range(self.bins)] + [self.stop]
        self.sumw = [0.0] * (self.bins + 2)
        self.sumw2 = [0.0] * (self.bins + 2)

    def fill(self, value: float, weight: float) -> None:
        """Add an entry; a lower edge belongs to its bin."""
        position = bisect_right(self.edges, value)
        self.entries += 1
        self.sumw[position] += weight
        self.sumw2[position] += weight**2


@dataclass
class Sums:
    """Raw sums over the events of a file."""

    histograms: dict[str, Histogram]
    initial: int = 0
    skim: int = 0
    presel: int = 0
    genweights: float = 0.0
    signs: float = 0.0
    sumw: float = 0.0
    sumw2: float = 0.0


def empty_histograms(params: Mapping[str, Any]) -> dict[str, Histogram]:
    """Return the histograms of the configuration."""
    pt, eta = (48, 24.0, 120.0), (50, -2.5, 2.5)
    return {
        "mll": Histogram(60, params["dimuon"]["mass_low"], params["dimuon"]["mass_high"]),
        "ptll": Histogram(50, 0.0, 150.0),
        **{f"MuonGood_pt{which}": Histogram(*pt) for which in ("", "_1", "_2")},
        **{f"MuonGood_eta{which}": Histogram(*eta) for which in ("", "_1", "_2")},
        "nJetGood": Histogram(8, 0.0, 8.0),
        "npvs": Histogram(60, 0.0, 60.0),
    }


def event_loop(path: Path, params: Mapping[str, Any], *, is_mc: bool) -> Sums:
    """Select the events of a file and fill the histograms.

    Args:
        path: NanoAOD.
        params: parameters of the configuration as plain dictionaries.
        is_mc: whether the events have generator weights.
    """
    sums = Sums(empty_histograms(params))
    for event in _events(path, params, is_mc):
        weight = event["genWeight"] if is_mc else 1.0
        sums.initial += 1
        sums.genweights += weight
        sums.signs += math.copysign(1.0, weight) if weight else 0.0
        if not _passes_skim(event, params):
            continue
        sums.skim += 1
        muons = [muon for muon in objects(event, "Muon") if _good_muon(muon, params["object_preselection"]["Muon"])]
        if len(muons) < 2 or not muons[0]["pt"] > single(params["dimuon"]["leading_pt"]):
            continue
        # sorted() is stable: of two muons with the same pt the first in the file leads
        first, second = sorted(muons, key=lambda muon: -float(muon["pt"]))[:2]
        mass, pt = _pair(first, second)
        if first["charge"] + second["charge"] != 0:
            continue
        if not params["dimuon"]["mass_low"] < mass < params["dimuon"]["mass_high"]:
            continue
        sums.presel += 1
        sums.sumw += weight
        sums.sumw2 += weight**2
        jets = [jet for jet in objects(event, "Jet") if _good_jet(jet, muons, params)]
        fills = [("mll", mass), ("ptll", pt), ("nJetGood", len(jets)), ("npvs", event["PV_npvsGood"])]
        for which in ("pt", "eta"):
            fills += [(f"MuonGood_{which}", muon[which]) for muon in muons]
            fills += [(f"MuonGood_{which}_{number + 1}", muons[number][which]) for number in (0, 1)]
        for name, value in fills:
            sums.histograms[name].fill(value, weight)
    return sums


def check_output(output: Mapping[str, Any], dataset: str, sample: str, sums: Sums, factor: float = 1.0) -> None:
    """Compare a processor's output with the loop.

    Args:
        output: raw or merged output, or one read back.
        dataset: name of the dataset.
        sample: its sample.
        sums: what the loop gave.
        factor: normalisation of the output, 1 for raw sums and data.
    """
    cutflow = output["cutflow"]
    assert cutflow["initial"][dataset] == sums.initial
    assert cutflow["skim"][dataset] == sums.skim
    assert cutflow["presel"][dataset] == {"nominal": sums.presel}
    assert cutflow["baseline"][dataset] == {sample: {"nominal": sums.presel}}
    assert output["sumw"]["baseline"][dataset][sample]["nominal"] == pytest.approx(factor * sums.sumw, rel=1e-12)
    assert output["sumw2"]["baseline"][dataset][sample]["nominal"] == pytest.approx(factor**2 * sums.sumw2, rel=1e-12)
    assert set(output["variables"]) == set(sums.histograms)
    for name, expected in sums.histograms.items():
        view = output["variables"][name][sample][dataset].view(flow=True)
        # category, then for simulation variation
        sumw, sumw2 = (view[part].reshape(-1).tolist() for part in ("value", "variance"))
        assert sumw == pytest.approx([factor * value for value in expected.sumw], rel=1e-12, abs=0), name
        assert sumw2 == pytest.approx([factor**2 * value for value in expected.sumw2], rel=1e-12, abs=0), name


def _events(path: Path, params: Mapping[str, Any], is_mc: bool) -> Iterator[dict[str, Any]]:
    """Yield the events with the branches that the selection needs, as Python numbers and lists of them."""
    cuts = params["object_preselection"]
    branches = [
        "PV_npvsGood",
        *(f"Flag_{flag}" for flag in params["event_flags"][YEAR]),
        *(f"HLT_{trigger}" for trigger in params["HLT_triggers"][YEAR]["DoubleMuon"]),
        *(f"Muon_{name}" for name in (*MUON_MASS_FIELDS, "charge", "pfRelIso04_all", cuts["Muon"]["id"])),
        *(f"Jet_{name}" for name in ("pt", "eta", "phi", "jetId", "puId")),
        *(["genWeight"] if is_mc else []),
    ]
    with uproot.open(f"{path}:Events") as tree:
        columns = [tree[branch].array(library="np") for branch in branches]
    for values in zip(*columns, strict=True):
        yield {branch: value.tolist() for branch, value in zip(branches, values, strict=True)}


def objects(event: Mapping[str, Any], collection: str) -> list[dict[str, Any]]:
    columns = {key.partition("_")[2]: value for key, value in event.items() if key.startswith(f"{collection}_")}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def single(value: float) -> float:
    """Round to float32: NumPy compares a float32 column with a Python number in single precision.

    pt, eta, phi, mass and isolation are float32 in the file, and their values are exact as Python numbers. Distances
    and masses are compared in double precision; the engine computes distances in single precision, which no jet of
    these files is close enough to the limit to notice.
    """
    return float(struct.unpack("f", struct.pack("f", value))[0])


def _passes_skim(event: Mapping[str, Any], params: Mapping[str, Any]) -> bool:
    return (
        event["PV_npvsGood"] >= 1
        and all(event[f"Flag_{flag}"] for flag in params["event_flags"][YEAR])
        and any(event[f"HLT_{trigger}"] for trigger in params["HLT_triggers"][YEAR]["DoubleMuon"])
        and sum(pt >= 4.0 for pt in event["Muon_pt"]) >= 2
    )


def _good_muon(muon: Mapping[str, Any], cuts: Mapping[str, Any]) -> bool:
    return bool(
        muon["pt"] > single(cuts["pt"])
        and abs(muon["eta"]) < single(cuts["eta"])
        and muon[cuts["id"]]
        and muon["pfRelIso04_all"] < single(cuts["iso"])
    )


def _good_jet(jet: Mapping[str, Any], muons: list[dict[str, Any]], params: Mapping[str, Any]) -> bool:
    cuts = params["object_preselection"]["Jet"]
    lowest = params["jet_scale_factors"]["jet_puId"][YEAR]["working_point"][cuts["puId"]["wp"]]
    return (
        jet["pt"] > single(cuts["pt"])
        and abs(jet["eta"]) < single(cuts["eta"])
        and jet["jetId"] >= cuts["jetId"]
        and (jet["puId"] >= lowest or jet["pt"] >= single(cuts["puId"]["maxpt"]))
        and all(distance(jet, muon) > cuts["dr_lepton"] for muon in muons)
    )


def distance(first: Mapping[str, Any], second: Mapping[str, Any]) -> float:
    delta_phi = abs(first["phi"] - second["phi"])
    return math.hypot(first["eta"] - second["eta"], min(delta_phi, 2 * math.pi - delta_phi))


def _pair(first: Mapping[str, Any], second: Mapping[str, Any]) -> tuple[float, float]:
    """Return invariant mass and pt of two particles, in double precision."""
    momenta = []
    for particle in (first, second):
        pt, eta, phi, mass = (particle[name] for name in MUON_MASS_FIELDS)
        x, y, z = pt * math.cos(phi), pt * math.sin(phi), pt * math.sinh(eta)
        momenta.append((math.sqrt(x * x + y * y + z * z + mass * mass), x, y, z))
    energy, x, y, z = (sum(components) for components in zip(*momenta, strict=True))
    return math.sqrt(energy * energy - x * x - y * y - z * z), math.hypot(x, y)
