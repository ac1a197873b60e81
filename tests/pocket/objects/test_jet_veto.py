"""Veto maps of all eras, jet by jet with correctionlib."""

from __future__ import annotations

import math
from typing import Any

import awkward as ak
import correctionlib
import numpy as np
import pytest

from pocket.cuts import get_JetVetoMap
from pocket.errors import UnknownNameError
from pocket.objects import jet_selection, vetoed_jets
from pocket.parameters.defaults import get_default_parameters
from pocket.parameters.plain import to_plain
from tests.pocket.calibrators.jme_files import FOLDERS, ROOT, RUN_2, file_of, needs_files

PUID = {"2016_PreVFP": 1, "2016_PostVFP": 1, "2017": 4, "2018": 4}


def generated(year: str, n_events: int = 3000) -> ak.Array:
    rng = np.random.default_rng(9)
    counts = rng.integers(0, 8, n_events)
    n = int(counts.sum())
    jets = {
        "pt": rng.uniform(10, 70, n),
        "eta": rng.uniform(-5.3, 5.3, n),
        "phi": rng.uniform(-np.pi, np.pi, n),
        **{name: rng.uniform(0, 0.6, n) for name in ("neEmEF", "chEmEF", "neHEF", "muEF")},
    }
    # lower and upper edges of the maps' bins, and both ends
    jets["eta"][:500] = rng.choice([-5.191, -2.5, -1.305, 0.0, 0.087, 1.305, 2.5, 2.964, 5.19], 500)
    jets["phi"][500:1000] = rng.choice([-np.pi, np.pi, 0.0, -1.5708, 2 * np.pi / 72], 500)
    arrays = {name: values.astype(np.float32) for name, values in jets.items()}
    jet = ak.zip({**arrays, "jetId": rng.choice([0, 2, 6], n), "puId": rng.choice([0, 1, 4, 7], n)})
    muon_counts = rng.integers(0, 3, n_events)
    m = int(muon_counts.sum())
    # Muons near the first jets, so that some overlap.
    muon = {
        "eta": rng.uniform(-2.4, 2.4, m).astype(np.float32),
        "phi": rng.uniform(-np.pi, np.pi, m).astype(np.float32),
        "isPFcand": rng.random(m) < 0.7,
    }
    muon = ak.unflatten(ak.zip({**muon, "pt": np.full(m, 20.0)}), muon_counts)
    jet = ak.unflatten(jet, counts)
    has_jets = counts > 0
    first = ak.flatten(jet[:, :1])
    near = ak.zip({"eta": first.eta + 0.05, "phi": first.phi, "isPFcand": first.pt > 20, "pt": first.pt})
    muon = ak.concatenate([muon, ak.unflatten(near, has_jets.astype(int))], axis=1)
    density = (
        {"fixedGridRhoFastjetAll": np.ones(n_events)} if year in RUN_2 else {"Rho": ak.zip({"x": np.ones(n_events)})}
    )
    return ak.zip({"Jet": jet, "Muon": muon, **density}, depth_limit=1)


def identified(jet: dict[str, Any], year: str) -> int:
    """Return the identification of the file, mended in NanoAODv12."""
    if year in RUN_2:
        return int(jet["jetId"])
    eta = abs(np.float32(jet["eta"]))
    tight = jet["jetId"] & 2 and (
        eta <= 2.7 or (jet["neHEF"] < 0.99 if eta <= 3.0 else np.float32(jet["neEmEF"]) < 0.4)
    )
    veto = tight and (eta > 2.7 or (np.float32(jet["muEF"]) < 0.8 and np.float32(jet["chEmEF"]) < 0.8))
    return 2 * bool(tight) + 4 * bool(veto)


def expected_veto(event: Any, year: str, selection: str, kind: str, correction: Any) -> list[bool]:
    found = []
    for jet in event["Jet"]:
        good = (
            jet["pt"] > 15
            and abs(np.float32(jet["eta"])) < 5.19
            and np.float32(jet["neEmEF"]) + np.float32(jet["chEmEF"]) < 0.9
        )
        good = good and identified(jet, year) >= (2 if selection == "loose" else 6)
        if selection == "loose":
            if year in RUN_2 and jet["pt"] < 50:
                good = good and jet["puId"] >= PUID[year]
            for muon in event["Muon"]:
                delta = math.hypot(jet["eta"] - muon["eta"], math.remainder(jet["phi"] - muon["phi"], 2 * math.pi))
                assert abs(delta - 0.2) > 1e-7
                good = good and not (muon["isPFcand"] and delta < 0.2)
        # The map ends a little below pi in single precision.
        phi = min(max(jet["phi"], -3.14159), 3.14159)
        found.append(bool(good and correction.evaluate(kind, jet["eta"], phi) != 0))
    return found


@needs_files
@pytest.mark.parametrize("year", FOLDERS)
def test_mask_and_cut_of_every_era(year: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_CORRECTIONS", str(ROOT))
    params = to_plain(get_default_parameters())
    events = generated(year)
    assert ak.sum(ak.num(events.Jet)) >= 10_000
    loop = ak.to_list(events[["Jet", "Muon"]])
    correction = correctionlib.CorrectionSet.from_file(file_of(year, "jetvetomaps.json.gz"))[
        params["jet_scale_factors"]["vetomaps"][year]["name"]
    ]
    for selection, kind in (
        ("loose", "jetvetomap"),
        ("tight_lepton_veto", "jetvetomap"),
        ("loose", "jetvetomap_hot"),
        ("loose", "jetvetomap_all"),
    ):
        expected = [expected_veto(event, year, selection, kind, correction) for event in loop]
        assert vetoed_jets(events, params, year, "Jet", selection, kind).to_list() == expected
        assert 0.0002 < np.mean([veto for event in expected for veto in event]) < 0.3
        cut = get_JetVetoMap("veto", selection=selection, map_type=kind)
        mask = cut.get_mask(events, params, year=year, isMC=True)
        assert mask.tolist() == [not any(event) for event in expected]
    assert get_JetVetoMap().params == {}
    # selected jets are those without the vetoed ones, of the same selection otherwise
    params["object_preselection"]["Jet"] = {"pt": 20.0, "eta": 5.0, "jetId": 2}
    before = jet_selection(events, "Jet", params, year)[1]
    params["object_preselection"]["Jet"]["vetoMap"] = "loose"
    after = jet_selection(events, "Jet", params, year)[1]
    assert after.to_list() == (before & ~vetoed_jets(events, params, year)).to_list()
    assert ak.sum(after) < ak.sum(before)
    with pytest.raises(UnknownNameError, match="unknown type 'jetvetomaps' in correction"):
        vetoed_jets(events, params, year, "Jet", "loose", "jetvetomaps")


def test_mistakes() -> None:
    with pytest.raises(UnknownNameError, match="unknown selection 'losse' in cut 'x', did you mean 'loose'"):
        get_JetVetoMap("x", selection="losse")
    params = to_plain(get_default_parameters())
    with pytest.raises(UnknownNameError, match=r"unknown parameter 'toys' in jet_scale_factors\.vetomaps"):
        vetoed_jets(generated("2018", 1000), params, "toys")
