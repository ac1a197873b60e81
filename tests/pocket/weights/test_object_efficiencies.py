from __future__ import annotations

import math

import awkward as ak
import numpy as np
import pytest

from pocket.errors import ScaleFactorError
from pocket.weights.objects import FlatObjects, any_of, each_of


def test_any_of_the_objects() -> None:
    rng = np.random.default_rng(1)
    counts = rng.integers(0, 4, 100)
    data, mc = rng.uniform(0, 1, (2, counts.sum()))
    events = ak.zip({"Muon": ak.unflatten(ak.zip({"data": data, "mc": mc}), counts)}, depth_limit=1)
    expected = [
        (1 - math.prod(1 - muon["data"] for muon in muons)) / (1 - math.prod(1 - muon["mc"] for muon in muons))
        if muons
        else 1.0
        for muons in events.Muon.to_list()
    ]
    assert any_of(data, mc, FlatObjects(events, "Muon"), "trigger") == pytest.approx(expected, rel=1e-12)


def test_each_of_the_objects() -> None:
    rng = np.random.default_rng(2)
    counts = rng.integers(0, 4, 100)
    data, mc = rng.uniform(0.1, 0.9, (2, counts.sum()))
    passing = rng.random(counts.sum()) < 0.5
    muons = ak.zip({"data": data, "mc": mc, "passing": passing})
    events = ak.zip({"Muon": ak.unflatten(muons, counts)}, depth_limit=1)
    expected = [
        math.prod(
            muon["data"] / muon["mc"] if muon["passing"] else (1 - muon["data"]) / (1 - muon["mc"]) for muon in muons
        )
        for muons in events.Muon.to_list()
    ]
    assert each_of(data, mc, passing, FlatObjects(events, "Muon")) == pytest.approx(expected, rel=1e-12)


def test_efficiency_of_probes_with_the_weight_is_that_of_data() -> None:
    passing = np.random.default_rng(3).random(500) < 0.8
    objects = FlatObjects(ak.Array({"Muon": [[{"passing": one}] for one in passing]}), "Muon")
    in_data = np.full(500, 0.7)
    weights = each_of(in_data, np.full(500, passing.mean()), passing, objects)
    assert weights[passing].sum() / weights.sum() == pytest.approx(0.7, rel=1e-12)
    assert weights.sum() == pytest.approx(500, rel=1e-12)


def test_no_efficiency_in_simulation() -> None:
    objects = FlatObjects(ak.Array([{"Muon": [{"pt": 30.0}]}, {"Muon": []}]), "Muon")
    with pytest.raises(ScaleFactorError, match="'trigger': an event has no object with efficiency above zero"):
        any_of(np.array([0.9]), np.array([0.0]), objects, "trigger")
