"""Scale factors of muons of all years, with the real files and the shipped parameters."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import awkward as ak
import correctionlib
import numpy as np
import pytest

from pocket.parameters.defaults import get_default_parameters
from pocket.weights import MuonId, MuonIso, MuonReco, MuonTrigger
from tests.group_files import ROOT, a_year_of_each_run, group_files, needs_files

#: year → folder, and the correction of the trigger, whose threshold differs
YEARS = {
    "2016_PreVFP": ("2016preVFP_UL", "NUM_IsoMu24_or_IsoTkMu24_DEN_CutBasedIdTight_and_PFIsoTight"),
    "2016_PostVFP": ("2016postVFP_UL", "NUM_IsoMu24_or_IsoTkMu24_DEN_CutBasedIdTight_and_PFIsoTight"),
    "2017": ("2017_UL", "NUM_IsoMu27_DEN_CutBasedIdTight_and_PFIsoTight"),
    "2018": ("2018_UL", "NUM_IsoMu24_DEN_CutBasedIdTight_and_PFIsoTight"),
    **{
        year: (folder, "NUM_IsoMu24_DEN_CutBasedIdTight_and_PFIsoTight")
        for year, folder in (
            ("2022_preEE", "2022_Summer22"),
            ("2022_postEE", "2022_Summer22EE"),
            ("2023_preBPix", "2023_Summer23"),
            ("2023_postBPix", "2023_Summer23BPix"),
        )
    },
}
SIDES = {"nominal": "nominal", "Up": "systup", "Down": "systdown"}
__all__ = ["group_files"]


def binnings(node: Any) -> Iterator[tuple[str, list[float]]]:
    """Yield variable and edges of all binnings in a correction."""
    if isinstance(node, dict):
        if node.get("nodetype") == "binning":
            yield node["input"], node["edges"]
        for value in node.values():
            yield from binnings(value)
    elif isinstance(node, list):
        for value in node:
            yield from binnings(value)


def names_of(year: str) -> dict[Any, str | None]:
    run_2 = year[:4] < "2022"
    return {
        MuonId: "NUM_TightID_DEN_TrackerMuons",
        MuonIso: "NUM_LooseRelIso_DEN_TightIDandIPCut" if run_2 else "NUM_LoosePFIso_DEN_TightID",
        MuonReco: "NUM_TrackerMuons_DEN_genTracks" if run_2 else None,
        MuonTrigger: YEARS[year][1],
    }


@needs_files
@pytest.mark.parametrize("year", a_year_of_each_run(YEARS))
def test_values_of_every_muon(year: str, group_files: Path) -> None:
    file = ROOT / "POG" / "MUO" / YEARS[year][0] / "muon_Z.json.gz"
    trees = {each["name"]: each["data"] for each in json.loads(gzip.decompress(file.read_bytes()))["corrections"]}
    known, rng = correctionlib.CorrectionSet.from_file(str(file)), np.random.default_rng(1)
    counts = rng.integers(0, 4, 8000)
    size = int(counts.sum())
    assert size > 10_000
    for weight, name in names_of(year).items():
        edges = dict(binnings(trees[name])) if name else {"pt": [15], "eta": [-2.4]}
        pt, eta = rng.uniform(3, 250, size), rng.uniform(-2.5, 2.5, size)
        # edges of all bins on both sides of the detector, and beyond
        for column, values in (
            (pt, [*edges["pt"], 1e4]),
            (eta, [*edges["eta"], *(-np.array(edges["eta"])), -9.0, 9.0]),
        ):
            at = rng.choice(size, 50 * len(values), replace=False)
            column[at] = np.resize(np.where(np.isfinite(values), values, 1e6), len(at))
        pt, eta = pt.astype(np.float32), eta.astype(np.float32)
        events = ak.Array({"MuonGood": ak.unflatten(ak.zip({"pt": pt, "eta": eta}), counts)})
        found = weight(get_default_parameters(), {"year": year, "isMC": True})
        nominal, varied = found.evaluate(events, len(counts), "nominal")
        columns = {"nominal": nominal, **{side: varied[f"{weight.name}{side}"] for side in ("Up", "Down")}}
        for side, kind in SIDES.items():
            expected = np.ones(len(counts))
            if name:
                low, high = edges["eta"][0], edges["eta"][-1]
                inside = np.clip(np.abs(eta).astype(float) if low == 0 else eta.astype(float), low, high - 1e-9)
                above = np.maximum(pt.astype(float), edges["pt"][0])
                assert np.isinf(edges["pt"][-1])
                factors = iter(known[name].evaluate(inside, above, kind).tolist())
                expected = np.array([math.prod(next(factors) for _ in range(count)) for count in counts])
            np.testing.assert_allclose(columns[side], expected, rtol=1e-14, err_msg=f"{weight.name} {side}")
        if name:
            assert (columns["Down"] <= columns["nominal"]).all()
            assert (columns["nominal"] <= columns["Up"]).all()
            assert found.corrections() == [(f"corrections://POG/MUO/{YEARS[year][0]}/muon_Z.json.gz", name)]
        else:
            assert found.corrections() == []


def test_parameters_of_later_years() -> None:
    # there are no files of these here; PocketCoffea has the same names
    names = get_default_parameters()["lepton_scale_factors"]["muon_sf"]["sf_name"]
    for year in ("2024", "2025"):
        expected = {cls.what: name for cls, name in names_of("2022_preEE").items()}
        assert dict(names[year]) == {"trigger": YEARS["2022_preEE"][1], **expected}
