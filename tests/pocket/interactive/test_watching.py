from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from pocket.configuration.configurator import Configurator
from pocket.cuts.cut import Cut
from pocket.cuts.library import passthrough
from pocket.engine import coffea_processor, compiled, filling, weighting
from pocket.engine.resources import Resources
from pocket.engine.run import run_branch
from pocket.histograms.config import Axis, HistConf
from pocket.interactive.watching import Watched, watching
from pocket.weights.base import WeightLambda
from tests.pocket.configs import DATA, DY, TT, configure, metadata
from tests.pocket.engine.declarations import Declaration, Event
from tests.pocket.engine.generated_configurations import EVENTS, declarations
from tests.pocket.engine.jet_analysis import configuration, to_awkward
from tests.pocket.engine.root_files import branches, write_nano

DATASETS = {"TT": TT, "DY": DY, "DATA": DATA}


def watch(config: Configurator, events: list[Event], dataset: str) -> Watched:
    """Process events, and compare all of them."""
    meta = metadata(config, dataset)
    with watching(len(events), len(events), seed=1) as watched:
        coffea_processor.process_chunk(config.workflow(config), to_awkward(events, meta["isMC"]), meta)
    return watched


@settings(max_examples=15)
@given(declared=declarations(), events=EVENTS)
def test_single_events_agree_with_chunks(declared: Declaration, events: list[Event]) -> None:
    watched = watch(configuration(declared), events, DATASETS[declared.sample])
    assert watched.findings() == []
    assert watched.events >= len(events) // 2


def above(events: Any, params: Any, **kwargs: Any) -> Any:
    return events.x > params["x"]


def above_the_mean(events: Any, params: Any, **kwargs: Any) -> Any:
    return events.x > np.mean(np.asarray(events.x))


def first_half(events: Any, params: Any, **kwargs: Any) -> Any:
    return np.arange(len(events)) < max(1, len(events) // 2)


def by_x(params: Any, metadata: Any, events: Any, size: int, shape_variation: str) -> Any:
    x = 1 + np.asarray(events.x, dtype=np.float64)
    return x, 1.1 * x, 0.9 * x


def shifted(params: Any, metadata: Any, events: Any, size: int, shape_variation: str) -> Any:
    return tuple(np.roll(values, 1) for values in by_x(params, metadata, events, size, shape_variation))


def shifted_up(params: Any, metadata: Any, events: Any, size: int, shape_variation: str) -> Any:
    nominal, up, down = by_x(params, metadata, events, size, shape_variation)
    return nominal, np.roll(up, 1), down


def made(**changes: Any) -> Configurator:
    """Return a configuration with a cut, a weight and a histogram, with some settings changed."""
    weight = WeightLambda.wrap_func("by_x", changes.pop("weight", by_x), has_variations=True)
    parts = {
        "preselections": [Cut("above", {"x": 0.2}, above)],
        "categories": {"baseline": [passthrough], "high": [Cut("high", {"x": 1.0}, above)]},
        "weights": {"common": {"inclusive": ["genWeight", weight]}},
        "variations": {"weights": {"common": {"inclusive": [weight]}}},
        "variables": {"x": HistConf([Axis(field="x", bins=8, start=0.25, stop=2)])},
    }
    return configure(**parts | changes)


def findings(config: Configurator, folder: Path, size: int = 400, number: int = 100) -> list[str]:
    """Process a file, and return what is found for some of its events."""
    write_nano(folder / "events.root", size)
    (branch,) = branches(DY, [folder / "events.root"])
    with watching(number, size, seed=1) as watched:
        run_branch(config, branch, config.definitions[DY].metadata(), Resources(), chunk_size=10**6)
    assert 0.7 * number <= watched.events <= number
    return watched.findings()


@pytest.mark.parametrize("size", [400, 20_000])
def test_nothing_is_found_where_nothing_is_wrong(size: int, tmp_path: Path) -> None:
    assert findings(made(), tmp_path, size, number=20) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"weight": shifted}, "weight by_x is "),
        ({"weight": shifted_up}, "weight by_x (by_xUp) is "),
        ({"skim": [Cut("mean", {}, above_the_mean)]}, "the skim takes it"),
        ({"preselections": [Cut("half", {}, first_half)]}, "the preselection of nominal takes it alone"),
        ({"categories": {"mean": [Cut("mean", {}, above_the_mean)]}}, "category mean of DY takes it"),
    ],
)
def test_functions_that_need_other_events_are_found(changes: dict[str, Any], expected: str, tmp_path: Path) -> None:
    found = findings(made(**changes), tmp_path)
    assert any(expected in sentence for sentence in found)
    assert all(f"of {tmp_path / 'events.root'}" in sentence for sentence in found)


def one_later(flat_bins: Callable[..., Any]) -> Callable[..., Any]:
    def changed(axes: Any, values: Any, where: str, nan: str) -> Any:
        # the lower edge of the fifth bin, 1.125, is too high, which concerns few events
        return flat_bins(axes, [np.where((x > 1.125) & (x < 1.13), x - 0.2, x) for x in values], where, nan)

    return changed


def of_the_next_event(add: Callable[..., Any]) -> Callable[..., Any]:
    def changed(event: Any, *rest: Any) -> Any:
        return add(np.roll(event, 1), *rest)

    return changed


@pytest.mark.parametrize(
    ("name", "fault", "size"),
    [
        ("flat_bins", one_later, 400),
        ("flat_bins", one_later, 20_000),
        ("add_weights", of_the_next_event, 20),
        ("add_once", of_the_next_event, 20_000),
    ],
)
def test_faults_of_the_filling_are_found(
    name: str, fault: Any, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, name, fault(getattr(filling, name)))
    found = findings(made(), tmp_path, size, number=min(size, 100))
    assert any(sentence.startswith("histogram x of DY (cat") for sentence in found)


def test_faults_of_the_product_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    products = weighting._products

    def changed(*arguments: Any) -> Any:
        return [(before, np.roll(factor, 1), after) for before, factor, after in products(*arguments)]

    monkeypatch.setattr(weighting, "_products", changed)
    assert any(
        "is the weight of DY" in one or "the weight of DY in category" in one for one in findings(made(), tmp_path)
    )


def test_functions_that_fail_alone_are_found(tmp_path: Path) -> None:
    def needs_two(events: Any, params: Any, **kwargs: Any) -> Any:
        return events.x > np.asarray(events.x)[1]

    found = findings(made(skim=[Cut("two", {}, needs_two)]), tmp_path)
    assert any("can't be computed alone: IndexError" in sentence for sentence in found)


def test_the_engine_is_as_before_afterwards() -> None:
    before = coffea_processor.process_chunk, filling.HistogramFiller.fill
    with watching(1, 1, seed=1):
        assert coffea_processor.process_chunk is not before[0]
    assert (coffea_processor.process_chunk, filling.HistogramFiller.fill) == before
    assert compiled.add_weights is filling.add_weights
