from __future__ import annotations

import itertools
from typing import Any

import pytest

from pocket.configuration.loading import load_analysis
from pocket.plan.figures import FigurePlan
from pocket.plots.cutflow import cutflow_numbers, draw_cutflows

LONG = "a_category_with_a_long_name"


@pytest.fixture(scope="module")
def plan() -> FigurePlan:
    return load_analysis("zmumu").config("calibrated").figure_plan()


def sums_of(plan: FigurePlan, categories: list[str], first: int = 4_000_000) -> dict[str, Any]:
    """Return the cutflow and sums of weights in which each step leaves half of the events."""
    steps = ["initial", "skim", "presel", *categories]
    cutflow: dict[str, Any] = {step: {} for step in steps}
    sumw: dict[str, Any] = {category: {} for category in categories}
    for key, sample in plan.datasets.items():
        for position, step in enumerate(steps):
            events = first // 2**position
            nominal = {"nominal": events, "other": -1}
            within = dict.fromkeys(plan.counted_samples(sample), nominal)
            cutflow[step][key] = events if position < 2 else nominal if position == 2 else within
            if position > 2:
                sumw[step][key] = {name: {"nominal": 0.5 * events} for name in within}
    return {"cutflow": cutflow, "sumw": sumw}


def test_numbers_are_sums_over_datasets(plan: FigurePlan) -> None:
    sums = sums_of(plan, ["a", "b"], first=32)
    numbers = cutflow_numbers(plan, sums, ["a", "b"])
    assert set(numbers) == {name for sample in plan.samples for name in plan.counted_samples(sample)}
    for sample, found in numbers.items():
        number = sum(each == sample for each in plan.datasets.values())
        assert found["steps"] == ["initial", "skim", "presel", "a", "b"]
        assert found["events"] == [number * events for events in (32, 16, 8, 4, 2)]
        assert found["fractions"] == [1, 0.5, 0.25, 0.125, 0.0625]
        assert found["yields"] == {"a": 2.0 * number, "b": 1.0 * number}


def test_data_of_blind_categories_have_no_numbers(plan: FigurePlan) -> None:
    sums = sums_of(plan, ["a", "b"], first=32)
    shown, hidden = cutflow_numbers(plan, sums, ["a", "b"]), cutflow_numbers(plan, sums, ["a", "b"], ["b"])
    for sample, found in hidden.items():
        if plan.samples[sample]:
            assert found == shown[sample]
            continue
        assert found["events"] == [*shown[sample]["events"][:-1], None]
        assert found["fractions"] == [*shown[sample]["fractions"][:-1], None]
        assert found["yields"] == {**shown[sample]["yields"], "b": None}
    texts = {
        name: [text.get_text() for ax in figure.axes for text in ax.texts]
        for name, figure, _ in draw_cutflows(plan, sums, ["a", "b"], ["b"])
    }
    assert all(("blinded" in found) is not plan.samples[name] for name, found in texts.items())


def test_steps_with_the_events_of_a_blind_category_are_hidden(plan: FigurePlan) -> None:
    sums = sums_of(plan, ["a"], first=32)
    for key, within in sums["cutflow"]["a"].items():
        sums["cutflow"]["presel"][key] = next(iter(within.values()))
    for sample, found in cutflow_numbers(plan, sums, ["a"], ["a"]).items():
        if not plan.samples[sample]:
            assert found["events"][2:] == [None, None]
            assert None not in found["events"][:2]


def test_categories_with_the_events_of_a_blind_category_are_hidden(plan: FigurePlan) -> None:
    sums = sums_of(plan, ["a", "b", "c"], first=64)
    sums["cutflow"]["b"] = sums["cutflow"]["a"]
    for sample, found in cutflow_numbers(plan, sums, ["a", "b", "c"], ["a"]).items():
        if not plan.samples[sample]:
            assert [name for name, value in found["yields"].items() if value is None] == ["a", "b"]
            assert [number is None for number in found["events"][3:]] == [True, True, False]


def test_samples_without_events(plan: FigurePlan) -> None:
    plots = list(draw_cutflows(plan, sums_of(plan, ["a"], first=0), ["a"]))
    assert all(numbers["fractions"] == [None] * 4 for _, _, numbers in plots)


@pytest.mark.parametrize(("categories", "scale"), [("a", "linear"), ("abcdef", "log")])
def test_small_fractions_can_be_seen(plan: FigurePlan, categories: str, scale: str) -> None:
    for _, figure, numbers in draw_cutflows(plan, sums_of(plan, list(categories)), list(categories)):
        lower, _ = figure.axes
        assert lower.get_yscale() == scale
        low, high = lower.get_ylim()
        assert low < min(numbers["fractions"]) < max(numbers["fractions"]) < high


@pytest.mark.slow
def test_figures_leave_room_for_names_and_numbers(plan: FigurePlan) -> None:
    categories = [f"{LONG}_{number}" for number in range(15)]
    for name, figure, numbers in draw_cutflows(plan, sums_of(plan, categories), categories):
        figure.draw_without_rendering()
        lower, main = figure.axes
        assert numbers["sample"] == name
        assert "Simulation" in str([text.get_text() for text in main.texts]) or not plan.samples[name]
        names = [label.get_text() for label in lower.get_xticklabels()]
        assert names == ["initial", "skim", "presel", *categories]
        assert min(label.get_window_extent().y0 for label in lower.get_xticklabels()) > 0
        counts = [text for text in main.texts if text.get_text().replace(",", "").isdigit()]
        assert len(counts) == len(names)
        boxes = [text.get_window_extent() for text in counts]
        assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))
        assert max(box.y1 for box in boxes) < main.get_window_extent().y1
