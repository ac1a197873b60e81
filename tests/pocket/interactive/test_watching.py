from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from pocket.calibrators import Calibrator
from pocket.calibrators.base import NOMINAL
from pocket.calibrators.sequence import CalibratorSequence
from pocket.configuration.configurator import Configurator
from pocket.cuts.cut import Cut
from pocket.cuts.library import passthrough
from pocket.engine import chunk, coffea_processor, compiled, filling, run, weighting
from pocket.engine.masks import CutMasks
from pocket.engine.resources import Resources
from pocket.engine.run import run_branch
from pocket.histograms.config import Axis, HistConf
from pocket.histograms.raw import write_raw
from pocket.interactive.watching import Watched, watching
from pocket.weights.base import WeightLambda
from tests.pocket.configs import DATA, DY, TT, configure, metadata, planned
from tests.pocket.engine.declarations import Declaration, Event
from tests.pocket.engine.generated_configurations import EVENTS, declarations
from tests.pocket.engine.jet_analysis import configuration, to_awkward
from tests.pocket.engine.root_files import branches, write_nano

DATASETS = {"TT": TT, "DY": DY, "DATA": DATA}


def watch(config: Configurator, events: list[Event], dataset: str) -> Watched:
    """Process events, and compare all of them."""
    meta = metadata(config, dataset)
    with watching(len(events), len(events), seed=1) as watched:
        coffea_processor.process_chunk(config.workflow(planned(config)), to_awkward(events, meta["isMC"]), meta)
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


def findings(
    config: Configurator, folder: Path, size: int = 400, number: int = 100, chunk_size: int = 10**6
) -> list[str]:
    """Process a file, and return what is found for some of its events, and in what is written."""
    write_nano(folder / "events.root", size)
    (branch,) = branches(DY, [folder / "events.root"])
    with watching(number, size, seed=1) as watched:
        result = run_branch(
            config.plan(), branch, config.definitions[DY].metadata(), Resources(), chunk_size=chunk_size
        )
    (folder / "output").mkdir()
    write_raw(folder / "output", result.output)
    watched.compare_output(folder / "output")
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


class Scale(Calibrator):
    """Scales x."""

    name, has_variations = "scale", True
    calibrated_collections = ("x",)
    inputs = ()
    _variations = ("scaleUp", "scaleDown")

    def calibrate(self, events: Any, original: Any, variation: str, already_applied: Any) -> Mapping[str, Any]:
        """Scale."""
        return {"x": events.x * {"scaleUp": 1.2, "scaleDown": 0.8}.get(variation, 1.0)}


def calibrated() -> Configurator:
    """Return a configuration with a skim, a shape variation, and a histogram of objects."""
    weight = WeightLambda.wrap_func("by_x", by_x, has_variations=True)
    return made(
        skim=[Cut("skim", {"x": 0.5}, above)],
        calibrators=[Scale],
        variations={"weights": {"common": {"inclusive": [weight]}}, "shape": {"common": {"inclusive": ["scale"]}}},
        weights={"common": {"inclusive": ["genWeight", weight]}},
        variables={
            "x": HistConf([Axis(field="x", bins=8, start=0.25, stop=1.5)]),
            "pt": HistConf([Axis(coll="Muon", field="pt", bins=6, start=0.25, stop=2.5)]),
        },
    )


@pytest.mark.parametrize("chunk_size", [10**6, 150])
def test_nothing_is_found_in_shape_variations(chunk_size: int, tmp_path: Path) -> None:
    assert findings(calibrated(), tmp_path, chunk_size=chunk_size) == []


def nominal_weights_in_a_category(weigh: Callable[..., Any]) -> Callable[..., Any]:
    def changed(*arguments: Any) -> Any:
        weights = {}
        for sample, right in weigh(*arguments).items():
            nominal = np.broadcast_to(right.matrices[:, :, :1], right.matrices.shape)
            classes = {**right.class_of, "high": right.class_of["high"] + len(nominal)}
            weights[sample] = replace(right, matrices=np.concatenate([right.matrices, nominal]), class_of=classes)
        return weights

    return changed


def inverted_in_a_category(all_of: Callable[..., Any]) -> Callable[..., Any]:
    def changed(masks: Any, cuts: Any, *size: Any) -> Any:
        mask = all_of(masks, cuts, *size)
        return ~mask if any(cut.name.startswith("high") for cut in cuts) else mask

    return changed


def without_the_skim(all_of: Callable[..., Any]) -> Callable[..., Any]:
    return lambda masks, cuts, *size: all_of(masks, [c for c in cuts if not c.name.startswith("skim")], *size)


def without_overflow(set_sums: Callable[..., Any]) -> Callable[..., Any]:
    def changed(histogram: Any, *sums: Any) -> None:
        for array in sums:
            array[..., -1] = 0
        set_sums(histogram, *sums)

    return changed


def once_per_event(entries: Callable[..., Any]) -> Callable[..., Any]:
    def changed(*arguments: Any) -> Any:
        found = entries(*arguments)
        if found.object is None:
            return found
        event, first = np.unique(found.event, return_index=True)
        return replace(found, event=event, object=found.object[first], values=[one[first] for one in found.values])

    return changed


def not_squared(set_sums: Callable[..., Any]) -> Callable[..., Any]:
    return lambda histogram, sumw, sumw2: set_sums(histogram, sumw, sumw)


def twice(generator_sums: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arguments: tuple(2 * one for one in generator_sums(*arguments))


def yields_too_large(count: Callable[..., Any]) -> Callable[..., Any]:
    def changed(layout: Any, variation: str, masks: Any, weights: Any, output: Any) -> None:
        count(layout, variation, masks, weights, output)
        for by_sample in output["sumw"]["high"].values():
            by_sample["DY"][variation] *= 1.01

    return changed


def nominal_instead_of_down(calibrate: Callable[..., Any]) -> Callable[..., Any]:
    return lambda sequence, events, name: calibrate(sequence, events, NOMINAL if name == "scaleDown" else name)


def first_chunk_twice(accumulate: Callable[..., Any]) -> Callable[..., Any]:
    def changed(parts: Any, output: Any) -> Any:
        return accumulate(parts, {**output, "variables": accumulate([output["variables"], output["variables"]])})

    return changed


@pytest.mark.parametrize(
    ("owner", "name", "fault", "expected"),
    [
        (chunk, "compute_weights", nominal_weights_in_a_category, "the weight of DY in category high, by_xUp, is "),
        (CutMasks, "all_of", inverted_in_a_category, "category high of DY takes it"),
        (CutMasks, "all_of", without_the_skim, "the skim takes it in its chunk, but not alone"),
        (filling, "set_sums", without_overflow, "histogram x of DY (cat baseline, variation nominal, bin 9 of x)"),
        (filling, "entries", once_per_event, "histogram pt of DY (cat "),
        (filling, "set_sums", not_squared, "squares of weights): the engine fills "),
        (chunk, "generator_sums", twice, "the sum of generator weights of "),
        (chunk, "_count", yields_too_large, "sumw of DY in category high, nominal, of "),
        (CalibratorSequence, "calibrate", nominal_instead_of_down, ", variation scaleDown: weight by_x is "),
        (run, "accumulate", first_chunk_twice, "raw.h5 doesn't have the sum of all chunks in variables x DY "),
    ],
)
def test_blindly_chosen_faults_of_the_engine_are_found(
    owner: Any, name: str, fault: Any, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, name, fault(getattr(owner, name)))
    found = findings(calibrated(), tmp_path, chunk_size=200)
    assert any(expected in sentence for sentence in found), found


def test_variations_of_weights_of_data_are_not_filled() -> None:
    weight = WeightLambda.wrap_func("by_x", by_x, has_variations=True, isMC_only=False)
    config = made(
        weights={"common": {"inclusive": [weight]}}, variations={"weights": {"common": {"inclusive": [weight]}}}
    )
    events = [{"event": 1, "x": 0.5, "k": 0.0, "hidden": False, "Jet": [], "Muon": [], "genWeight": 1.0}]
    assert watch(config, events, DATA).findings() == []


def test_upper_edge_without_overflow(tmp_path: Path) -> None:
    """The last bin of an axis without overflow has its upper edge, too."""
    edge = float(write_nano(tmp_path / "same.root", 400)["x"].max())
    variables = {
        "regular": HistConf([Axis(field="x", bins=8, start=0, stop=edge, overflow=False)]),
        "variable": HistConf([Axis(field="x", bins=[0, edge / 2, edge], overflow=False)]),
    }
    assert findings(made(variables=variables), tmp_path, number=400) == []


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
