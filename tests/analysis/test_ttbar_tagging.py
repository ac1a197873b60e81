"""Templates of the tt̄ analysis for b tagging, against loops over events and jets."""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest

from analysis.ttbar.workflow import TTBAR, vertex_mass
from pocket.configuration.analysis import Analysis
from pocket.scale_factors.measurement.measure import measure
from tests.analysis.lepton_jets import BTAG_MEDIUM, Event, select
from tests.analysis.toy_files import DATA, EVENTS, only, run
from tests.oracle import distance, single

PT, ABSETA = (30, 50, 70, 100, 140, 200, 300), (0, 1.2, 2.4)
MASS = (-2, 0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6)
NJET, HT = (4, 5, 6, 7, 8), (120, 200, 300, 400)


def loop(toys: Path, process: str, least_jets: int) -> list[Event]:
    """Return the events that are selected without any b tag."""
    is_mc = process == "ttsemi"
    return select(toys / f"{process}.root", toys, is_mc=is_mc, least_jets=least_jets, least_tags=0).events


def test_configurations(analysis: Analysis) -> None:
    assert tuple(analysis.scale_factors) == ("btag_efficiency", "btag_wp", "btag_norm")
    for name in ("btag_closure", "btag_calibrated"):
        assert set(analysis.config(name).scale_factors) == set(analysis.scale_factors)
    assert DATA not in analysis.config("btag_norm").samples
    # all eight uncertainties of the score
    varied = analysis.config("btag_norm").weights
    assert len(varied.classes["sf_btag"](analysis.config("btag_norm").parameters, {"year": "toys"}).variations) == 8


def nearest_mass(jet: dict[str, Any], vertices: list[dict[str, Any]]) -> float:
    distances = [(distance(jet, vertex), vertex["mass"]) for vertex in vertices]
    near = min(distances, default=(math.inf, 0.0))
    return min(near[1], 5.9) if near[0] < 0.4 else -1.0


def test_mass_of_the_nearest_vertex() -> None:
    rng = np.random.default_rng(1)

    def objects(largest: int, **fields: Any) -> ak.Array:
        counts = rng.integers(0, largest, 200)
        return ak.zip({name: ak.unflatten(draw(counts.sum()), counts) for name, draw in fields.items()})

    direction: dict[str, Callable[[int], Any]] = {
        "eta": lambda n: rng.uniform(-0.5, 0.5, n),
        "phi": lambda n: rng.uniform(-np.pi, np.pi, n),
    }
    jets = objects(6, **direction)
    vertices = objects(20, mass=lambda n: rng.gamma(3, 1, n), **direction)
    expected = [
        [nearest_mass(jet, inside) for jet in event]
        for event, inside in zip(jets.to_list(), vertices.to_list(), strict=True)
    ]
    flat = list(itertools.chain(*expected))
    assert min(flat) == -1
    assert max(flat) == 5.9
    assert len(set(flat)) > 50
    found = vertex_mass(jets, vertices, 0.4, 5.9).to_list()
    assert list(itertools.chain(*found)) == pytest.approx(flat, rel=1e-12)
    assert list(map(len, found)) == list(map(len, expected))


@pytest.mark.parametrize("process", list(EVENTS))
def test_tagged_jets_agree_with_a_loop(analysis: Analysis, toys: Path, process: str) -> None:
    sample, is_mc = (TTBAR, True) if process == "ttsemi" else (DATA, False)
    filled = only(run(analysis.config("btag_jets"), toys, process)["variables"]["tagging"][sample])
    events = loop(toys, process, least_jets=2)
    for category, least in (("2j", 2), ("4j", 4)):
        expected: Counter[tuple[int, ...]] = Counter()
        for event in (event for event in events if len(event.jets) >= least):
            for jet in event.jets:
                key = (
                    int(jet["btagDeepFlavB"] > single(BTAG_MEDIUM)),
                    [0, 4, 5].index(jet["hadronFlavour"]) if is_mc else 3,
                    bisect_right(PT, jet["pt"]) - 1,
                    bisect_right(ABSETA, abs(jet["eta"])) - 1,
                    bisect_right(MASS, nearest_mass(jet, event.vertices)) - 1,
                )
                expected[key] += event.weights["nominal"] / event.btag
        where = {"cat": category, **({"variation": "nominal"} if is_mc else {})}
        content = filled[where].view(flow=True)["value"]
        # all axes but that of the flavour have an underflow
        found = {tuple((place - (1, 0, 1, 1, 1)).tolist()): content[tuple(place)] for place in np.argwhere(content)}
        assert found == pytest.approx(dict(expected), rel=1e-9)
        assert len(found) > 50


def sums(events: Iterable[Event], weight: Callable[[Event], float]) -> Any:
    """Return the sums of weights and of their squares by number of jets and HT, what is outside in the outer bins."""
    total = np.zeros((2, len(NJET) - 1, len(HT) - 1))
    for event in events:
        njet = min(bisect_right(NJET, len(event.jets)) - 1, len(NJET) - 2)
        ht = min(max(bisect_right(HT, event.ht) - 1, 0), len(HT) - 2)
        value = weight(event)
        total[:, njet, ht] += value, value**2
    return total


def test_normalisation_agrees_with_a_loop(analysis: Analysis, toys: Path) -> None:
    """Of the three categories, and of the scale factor and its error that are measured in them."""
    filled = only(run(analysis.config("btag_norm"), toys)["variables"]["njet_ht"][TTBAR])
    events = loop(toys, "ttsemi", least_jets=4)
    categories: dict[str, Callable[[Event], float]] = {
        "no_btagSF": lambda event: event.weights["nominal"] / event.btag,
        "btagSF": lambda event: event.weights["nominal"],
        "root_btagSF": lambda event: event.weights["nominal"] / math.sqrt(event.btag),
    }
    expected = {category: sums(events, weight) for category, weight in categories.items()}
    for category, (sumw, sumw2) in expected.items():
        view = filled[{"cat": category, "variation": "nominal"}].view(flow=True)
        assert view["value"].sum() == pytest.approx(sumw.sum(), rel=1e-9)
        assert view["variance"][:, 1].sum() == pytest.approx(sumw2[:, 0].sum(), rel=1e-9)
    lf = filled[{"cat": "btagSF", "variation": "sf_btag_lfUp"}].view(flow=True)["value"].sum()
    assert lf == pytest.approx(sum(event.weights["sf_btag_lfUp"] for event in events), rel=1e-9)

    declaration = analysis.scale_factor("btag_norm")
    result = measure("btag_norm", declaration.per_sample()[TTBAR], {TTBAR: filled})
    for group in range(result.binning.size):
        members = result.groups == group
        w, w2, ws, w2s2, w2s = (
            expected[category][power][members].sum()
            for category, power in (
                *(("no_btagSF", power) for power in (0, 1)),
                *(("btagSF", power) for power in (0, 1)),
                ("root_btagSF", 1),
            )
        )
        ratio = w / ws
        error = math.sqrt(w2 - 2 * ratio * w2s + ratio**2 * w2s2) / ws
        assert result.scale_factor.value[members] == pytest.approx(ratio, rel=1e-9)
        assert result.scale_factor.up[members] == pytest.approx(error, rel=1e-6)
