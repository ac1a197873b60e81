"""Efficiencies of pairs beside those of all simulated objects: a selection of pairs that has a bias fails."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pocket.base.typing import Floats
from pocket.scale_factors import Closure, EfficiencyRatio, ScaleFactor, TagAndProbeCount
from pocket.scale_factors.validation.checks import Check
from pocket.scale_factors.validation.report import Report
from tests.pocket.scale_factors.validation.probe_events import PT, World, declare, generate

PLACE = {"input": "all", "variable": "all", "category": "pairs"}


def closure(**changes: Any) -> Closure:
    return Closure(remeasured={"input": "closure"}, all_objects=PLACE, **changes)


def ratio(**changes: Any) -> EfficiencyRatio:
    return declare(closure=closure(), **changes)


def check(report: Report) -> Check:
    (found,) = (one for one in report.checks if one.name == "all_objects")
    return found


def efficiencies() -> tuple[Floats, Floats]:
    """Return the efficiencies of probes beside a tight tag, and of all muons, in numpy alone."""
    muons = generate("DY")["Muon"]
    tight, pt = (np.array(muons[field].tolist()) for field in ("tight", "pt"))
    number = np.searchsorted(PT, pt, side="right") - 1
    with_tag = tight[:, ::-1]
    bins = range(len(PT) - 1)
    pairs = np.array([tight[(number == one) & with_tag].mean() for one in bins])
    return pairs, np.array([tight[number == one].mean() for one in bins])


def test_right_selection(tmp_path: Path) -> None:
    report = World(tmp_path).report(ratio())
    assert report.failed == {}
    found = check(report)
    pairs, every = efficiencies()
    np.testing.assert_allclose([number.found for number in found.numbers], pairs, rtol=1e-12)
    np.testing.assert_allclose([number.expected for number in found.numbers], every, rtol=1e-12)
    assert found.noticed is not None
    assert f"its selection is unbiased within {100 * found.noticed:.2g} %" in report.statements


def test_errors_are_those_of_weighted_events_and_the_tolerance(tmp_path: Path) -> None:
    found = check(World(tmp_path).report(declare(closure=closure(tolerance=0.01))))
    muons = generate("DY")["Muon"]
    tight, pt = (np.array(muons[field].tolist()) for field in ("tight", "pt"))
    number = np.searchsorted(PT, pt, side="right") - 1
    for one, (of_all, compared) in enumerate(zip(efficiencies()[1], found.numbers, strict=True)):
        # Probes are some of all muons, so their efficiencies fluctuate together.
        difference = of_all * (1 - of_all) * (1 / np.sum((number == one) & tight[:, ::-1]) - 1 / np.sum(number == one))
        assert compared.error == pytest.approx(np.sqrt(difference + (0.01 * of_all) ** 2), rel=1e-6)


@pytest.mark.parametrize("wrong", [{"window": 1.5}, {"axis": "far"}], ids=str)
def test_biased_selection(tmp_path: Path, wrong: dict[str, Any]) -> None:
    """Failing pairs are selected by their mass; or the tag makes a probe beside it pass."""
    report = World(tmp_path, **wrong).report(ratio())
    assert set(report.failed) == {"all_objects"}
    assert "in pt [20, 30), a pull of" in report.failed["all_objects"]
    assert not any("unbiased" in statement for statement in report.statements)


def test_small_bias_of_all_bins(tmp_path: Path) -> None:
    """Each bin agrees within errors, and all are off to one side."""
    found = check(World(tmp_path, window=8.0).report(ratio()))
    assert found.passed is False
    assert max(abs(number.off) for number in found.numbers) < 3
    assert re.match(
        r"probes beside a tag pass more often than all objects, in 3 of 3 bins and by 0\.63 % on average, not below",
        found.outcome,
    )


def test_large_tolerance(tmp_path: Path) -> None:
    assert World(tmp_path, axis="far").report(declare(closure=closure(tolerance=0.1))).failed == {}


@pytest.mark.slow
def test_measurement_with_a_mass(tmp_path: Path) -> None:
    """Pairs count in the peak, and all objects have no mass."""
    settings: dict[str, Any] = {"input": "tnp", "variable": "masses", "category": "pairs", "axes": ("pt",)}
    windows: dict[str, Any] = {"peak": (80, 102), "sidebands": ((60, 75), (107, 120))}
    declaration: ScaleFactor = TagAndProbeCount(
        **settings, **windows, data=("DATA",), mc=("DY",), closure=closure(), min_n_eff=12_000
    )
    report = World(tmp_path).report(declaration)
    assert report.failed == {}
    # The last two bins are joined.
    assert len(check(report).numbers) == 2


def test_not_made_without_a_place(tmp_path: Path) -> None:
    report = World(tmp_path).report(declare(closure=Closure(remeasured={"input": "closure"})))
    assert check(report).passed is None
    assert check(report).outcome == "not made: the declaration's closure has no all_objects="
