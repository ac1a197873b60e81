"""The shift of jets in the modules that lost power in 2018, jet by jet."""

from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np
import pytest

from pocket.calibrators import HEMCalibrator
from pocket.calibrators.sequence import CalibratorSequence
from pocket.configuration.stored_variations import _one_sided
from pocket.errors import UnknownNameError
from pocket.objects import event_share

METADATA = {"year": "2018", "isMC": True}


def generated(n_events: int = 3000) -> ak.Array:
    rng = np.random.default_rng(5)
    counts = rng.integers(0, 8, n_events)
    n = int(counts.sum())
    eta = rng.uniform(-3.5, 0, n)
    eta[:200] = rng.choice([-3.2, -3.0, -2.5, -1.3], 200)
    phi = rng.uniform(-1.8, -0.6, n)
    phi[200:400] = rng.choice([-1.57, -0.87], 200)
    jets = {
        "pt": rng.uniform(10, 60, n),
        "mass": rng.uniform(1, 10, n),
        "eta": eta,
        "phi": phi,
        "rawFactor": rng.uniform(-0.1, 0.2, n),
    }
    arrays = {name: values.astype(np.float32) for name, values in jets.items()}
    jet = ak.unflatten(ak.zip({**arrays, "jetId": rng.choice([0, 2, 6], n), "tag": np.arange(n)}), counts)
    events = {
        "run": np.ones(n_events, dtype=np.uint32),
        "luminosityBlock": rng.integers(1, 3000, n_events),
        "event": rng.integers(1, 1 << 40, n_events),
        "fixedGridRhoFastjetAll": np.ones(n_events),
        "Jet": jet,
    }
    return ak.zip(events, depth_limit=1)


@pytest.mark.parametrize("options", [{}, {"HEM": {"fraction": 1.0}}])
def test_shift_jet_by_jet(options: dict[str, Any]) -> None:
    events = generated()
    chain = CalibratorSequence([HEMCalibrator], options, METADATA, [HEMCalibrator.name])
    assert chain.variations == ("HEM_2018Down",)
    found = chain.calibrate(events, "HEM_2018Down").events.Jet.to_list()
    share = event_share(events)
    shifted = 0
    for before, after, own in zip(events.Jet.to_list(), found, share, strict=True):
        for jet, new in zip(before, after, strict=True):
            factor = 1.0
            eta, phi = np.float32(jet["eta"]), np.float32(jet["phi"])
            affected = "HEM" in options or own < 0.6475
            if affected and -1.57 <= phi <= -0.87 and jet["pt"] > 15 and jet["jetId"] & 2:
                factor = 0.65 if -3.0 <= eta <= -2.5 else 0.8 if -2.5 < eta <= -1.3 else 1.0
            shifted += factor < 1
            assert new["pt"] == pytest.approx(jet["pt"] * factor, rel=2e-7)
            assert new["mass"] == pytest.approx(jet["mass"] * factor, rel=2e-7)
            # the raw pt stays
            raw = jet["pt"] * (1 - jet["rawFactor"])
            assert new["pt"] * (1 - new["rawFactor"]) == pytest.approx(raw, rel=1e-6)
    assert shifted > 500
    assert np.mean(share < 0.6475) == pytest.approx(0.6475, abs=0.03)
    assert chain.calibrate(events).events.Jet.pt.to_list() == events.Jet.pt.to_list()
    # in any chunk and order
    jets = chain.calibrate(events[::-1], "HEM_2018Down").events.Jet.pt
    assert jets.to_list() == [[jet["pt"] for jet in event] for event in found[::-1]]


def test_sorted_jets_stay_sorted() -> None:
    events = generated(300)
    order = ak.argsort(events.Jet.pt, axis=1, ascending=False)
    jets = ak.with_field(events.Jet[order], order, "pocket_sortidx")
    ordered = ak.with_field(events, jets, "Jet")
    chain = CalibratorSequence([HEMCalibrator], {"HEM": {"fraction": 1.0}}, METADATA, [HEMCalibrator.name])
    found = chain.calibrate(ordered, "HEM_2018Down").events.Jet
    assert ak.all(found.pt[:, 1:] <= found.pt[:, :-1])
    as_in_file = chain.calibrate(events, "HEM_2018Down").events.Jet
    assert found[ak.argsort(found.pocket_sortidx)].pt.to_list() == as_in_file.pt.to_list()
    assert found[ak.argsort(found.pocket_sortidx)].tag.to_list() == events.Jet.tag.to_list()


def test_which_datasets_have_it() -> None:
    assert HEMCalibrator({}, {"year": "2017", "isMC": True}).variations == ()
    assert CalibratorSequence([HEMCalibrator], {}, {"year": "2018", "isMC": False}).calibrators == ()
    # its other side is nominal
    assert _one_sided(("HEM_2018Down",), HEMCalibrator.symmetrise, "x") == {"HEM_2018Down": "none"}
    with pytest.raises(UnknownNameError, match="unknown key 'fractoin' in HEM"):
        HEMCalibrator({"HEM": {"fractoin": 1}}, METADATA)
