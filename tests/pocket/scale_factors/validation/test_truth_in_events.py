"""Closures in events: right measurements pass, and each mistake that templates can't show fails for its reason."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pocket.scale_factors import Closure, ScaleFactor, TagAndProbeCount, TagAndProbeFit
from pocket.scale_factors.validation.checks import Check
from pocket.scale_factors.validation.report import Report
from tests.pocket.scale_factors.validation.probe_events import PT, World, declare, generate, joined

FACTORS = (0.94, 0.97, 1.0)
CLOSURE = Closure(remeasured={"input": "closure"}, events=True)


def check(report: Report, name: str = "truth_in_events") -> Check:
    return [one for one in report.checks if one.name == name][-1]


def by_loop(tag: str, factors: tuple[float, ...] = FACTORS) -> list[float]:
    """Return the scale factors that are measured in weighted events, by loops without any of the package's code."""
    events = generate("DY")
    muons = [
        [(int(np.searchsorted(PT, pt, side="right")) - 1, bool(tight)) for pt, tight in zip(*event, strict=True)]
        for event in zip(events["Muon"]["pt"].tolist(), events["Muon"]["tight"].tolist(), strict=True)
    ]

    def efficiencies(known: list[float] | None) -> list[float]:
        sums = np.zeros((len(PT) - 1, 2))
        for event in muons:
            tight_ones = [tight for _, tight in event]
            first = [tight and not any(tight_ones[:place]) for place, tight in enumerate(tight_ones)]
            tags = {"tight": tight_ones, "any": [any(tight_ones)] * 2, "first": first}[tag]
            # Both muons are in a pair if one of them is a tag.
            weight = 1.0
            for number, tight in event if any(tags) and known else []:
                rate = known[number] if known else 0.0
                varied = factors[number] * rate
                weight *= varied / rate if tight else (1 - varied) / (1 - rate)
            for is_tag, (number, tight) in zip(tags, reversed(event), strict=True):
                sums[number, int(tight)] += weight * is_tag
        return [float(passing / (failing + passing)) for failing, passing in sums]

    before = efficiencies(None)
    return [after / rate for after, rate in zip(efficiencies(before), before, strict=True)]


def test_right_measurement(tmp_path: Path) -> None:
    report = World(tmp_path).report(declare())
    assert report.failed == {}
    found = check(report)
    assert [number.expected for number in found.numbers] == list(FACTORS)
    assert [number.found for number in found.numbers] == pytest.approx(by_loop("tight"), rel=1e-6)
    assert found.compared.startswith(
        "the scale factor measured in simulated events to which known ones are applied, and these; "
    )
    # Events without a muon that passes have no pairs.
    some = [int(np.asarray(generate(sample)["Muon"]["tight"]).any(axis=1).sum()) for sample in ("DATA", "DY")]
    assert check(report, "events").outcome == f"each of {sum(some)} events is in one dataset"


@pytest.mark.parametrize(("tag", "factors", "worst"), [("any", FACTORS, 0), ("first", (0.85, 0.92, 1.0), 1)])
def test_biased_tag(tmp_path: Path, tag: str, factors: tuple[float, ...], worst: int) -> None:
    """An event needs a muon that passes, which may be the probe alone; or the first one that passes is the only tag."""
    closure = dataclasses.replace(CLOSURE, injected=factors)
    report = World(tmp_path, tag=tag).report(declare(closure=closure))
    assert set(report.failed) == {"truth_in_events"}
    expected = by_loop(tag, factors)
    assert [number.found for number in check(report).numbers] == pytest.approx(expected, rel=1e-6)
    where = f" instead of {factors[worst]:g} in pt [{PT[worst]:g}, {PT[worst + 1]:g}), a pull of"
    assert report.failed["truth_in_events"].startswith(f"{expected[worst]:.5g} ± ")
    assert where in report.failed["truth_in_events"]


@pytest.mark.parametrize("axis", ["medium", "failing"])
def test_axis_that_is_not_what_the_weight_takes(tmp_path: Path, axis: str) -> None:
    report = World(tmp_path, axis=axis).report(declare())
    assert "instead of 0.94 in pt [20, 30), a pull of" in report.failed["truth_in_events"]


def test_injected_factors_and_joined_bins(tmp_path: Path) -> None:
    closure = Closure(remeasured={"input": "closure"}, events=True, injected=(0.9, 0.95))
    report = World(tmp_path).report(declare(closure=closure, min_n_eff=12_000))
    assert report.failed == {}
    # The last two bins are joined, and have one efficiency.
    assert [number.expected for number in check(report).numbers] == [0.9, 0.95]


@pytest.mark.parametrize(
    ("samples", "role", "count"),
    [
        ({"data": ("DATA", "OTHER_DATA")}, "data", 3000),
        ({"mc": ("DY", "OTHER_DY")}, "mc", 3000),
    ],
)
def test_overlapping_samples(tmp_path: Path, samples: dict[str, Any], role: str, count: int) -> None:
    """Some events of the first sample are in the second one, too."""
    one, other = samples[role]
    events = joined(generate(other, 5000), generate(one), count)
    report = World(tmp_path, events={other: events}).report(declare(**samples))
    outcome = report.failed["events"]
    found = int(outcome.partition(" ")[0])
    # Events without a muon that passes aren't selected.
    tight = np.asarray(generate(one)["Muon"]["tight"][:count])
    assert found == int(tight.any(axis=1).sum())
    assert f"events of {role} count twice, such as " in outcome
    assert outcome.endswith(f" in {one}_2018 and in {other}_2018")


def test_simulation_with_equal_numbers_is_no_overlap(tmp_path: Path) -> None:
    """Different processes have the same runs and numbers of events."""
    report = World(tmp_path).report(declare(mc=("DY", "OTHER_DY")))
    assert report.failed == {}


def fits() -> list[ScaleFactor]:
    """Return what measures with a mass."""
    settings = {"input": "tnp", "variable": "masses", "category": "pairs", "axes": ("pt",), "data": ("DATA",)}
    common: dict[str, Any] = {**settings, "mc": ("DY",), "closure": CLOSURE}
    return [
        TagAndProbeFit(**common, mass_range=(60, 120), alternative_fits=()),
        TagAndProbeCount(**common, peak=(80, 102), sidebands=((60, 75), (107, 120))),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("declaration", fits(), ids=lambda one: type(one).__name__)
def test_measurements_with_a_mass(tmp_path: Path, declaration: ScaleFactor) -> None:
    found = check(World(tmp_path).report(declaration))
    assert found.passed
    assert [number.found for number in found.numbers] == pytest.approx(FACTORS, abs=0.002)
