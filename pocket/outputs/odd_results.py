"""Results that are rarely meant: nothing passes, few events count for many, data are far from simulation.

Data of hidden categories are never used, nor those of histograms with hidden ranges.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from pocket.base.runtime.remarks import some_of
from pocket.base.typing import Floats
from pocket.outputs.normalisation import has_luminosity
from pocket.plan.merging import MergingPlan

NOMINAL = "nominal"
#: steps before the categories, and what an event does there
STEPS = {"initial": "is in the files", "skim": "passes the skim", "presel": "passes the preselection"}
#: share of the simulated yield from which a sample needs as many effective events, (Σw)²/Σw²
SHARE, EFFECTIVE = 0.2, 10.0
#: range of data/simulation, smallest number of data events in a bin, and share of such bins that may be outside
RATIO, ENTRIES, MOST = (0.5, 2.0), 25, 0.5
#: factor between pb and fb, or between pb⁻¹ and fb⁻¹, and largest ratio that isn't taken as one
UNIT, CLOSE = 1000.0, 5.0

#: whether data of a category (and of a histogram, unless it is empty) are hidden
Hidden = Callable[[str, str], bool]


def odd_results(
    plan: MergingPlan, merged: Mapping[str, Any], cuts: Mapping[str, Sequence[str]], hidden: Hidden
) -> Iterator[str]:
    """Yield what is odd in merged outputs, a sentence each.

    Args:
        merged: sums and histograms, normalised.
        cuts: step or category → names of its cuts, for the sentences.
        hidden: tells whether data of a category, or of a histogram there, are hidden; no data are used beyond the skim
            if a category is hidden.
    """
    names = {name: sample for sample in _samples(plan) for name in plan.stored_samples(sample)}
    yield from _empty(plan, merged["cutflow"], names, cuts, hidden)
    yield from _years(plan)
    yields = _Yields(plan, merged, names)
    for category in plan.categories:
        yield from yields.few_events(category)
    if not has_luminosity(plan):
        # That is said by itself, and explains that data are far from simulation.
        return
    far = _far_bins(plan, merged["variables"], names, hidden)
    for category in plan.categories:
        if not hidden(category, ""):
            yield from yields.far(category, far.get(category, []))


def _samples(plan: MergingPlan) -> dict[str, bool]:
    """Return the samples, and whether each is simulated."""
    return {str(one["sample"]): bool(one["isMC"]) for one in plan.datasets.values()}


def _datasets(plan: MergingPlan, sample: str) -> list[str]:
    return [name for name, one in plan.datasets.items() if one["sample"] == sample]


def _empty(
    plan: MergingPlan, cutflow: Any, names: Mapping[str, str], cuts: Mapping[str, Sequence[str]], hidden: Hidden
) -> Iterator[str]:
    """Yield samples without events, the step that no event passes, and categories without any event."""
    is_mc = _samples(plan)
    if absent := [sample for sample in is_mc if not _passing(cutflow, "initial", _datasets(plan, sample))]:
        yield f"no event of {some_of(absent)} {STEPS['initial']}"
    is_blind = any(hidden(category, "") for category in plan.categories)
    shown = {sample: _datasets(plan, sample) for sample in is_mc if is_mc[sample] or not is_blind}
    left = {step: sum(_passing(cutflow, step, datasets) for datasets in shown.values()) for step in STEPS}
    within = {
        category: sum(_in_category(cutflow, category, shown.get(sample, ()), name) for name, sample in names.items())
        for category in plan.categories
    }
    left["category"] = sum(within.values())
    for before, step in itertools.pairwise(left):
        if not left[step]:
            # A selection may well leave nothing of a background, so this isn't asked of each sample.
            if left[before]:
                what = STEPS.get(step, "is in a category")
                yield f"no event of any sample {what}{_named(cuts.get(step))}: {left[before]:,} are left before"
            return
    for category, number in within.items():
        if not number:
            yield f"no event of any sample is in category {category!r}{_named(cuts.get(category))}"


def _passing(cutflow: Any, step: str, datasets: Sequence[str]) -> int:
    """Return the number of events of datasets that pass a step before the categories."""
    return sum(int(_events(cutflow[step].get(dataset, 0))) for dataset in datasets)


def _named(cuts: Sequence[str] | None) -> str:
    return f" ({some_of(cuts)})" if cuts else ""


def _in_category(counts: Any, category: str, datasets: Sequence[str], name: str) -> Any:
    """Return a sum over the datasets of a sample or subsample in a category."""
    return sum(_events(counts[category].get(dataset, {}).get(name, 0)) for dataset in datasets)


def _events(count: Any) -> Any:
    """Return a count, of nominal events where variations have their own."""
    return count.get(NOMINAL, 0) if isinstance(count, Mapping) else count


def _years(plan: MergingPlan) -> Iterator[str]:
    """Yield years with simulation and without data, and the reverse, if there are both in some year."""
    years = {
        kind: {str(one["year"]): None for one in plan.datasets.values() if bool(one["isMC"]) is kind}
        for kind in (True, False)
    }
    if not all(years.values()):
        return
    for kind, what, lacks in ((True, "simulation", "data"), (False, "data", "simulation")):
        for year in years[kind]:
            if year not in years[not kind]:
                yield f"there is {what} of {year}, but no {lacks} of this year"


class _Yields:
    """Yields by category, and what is odd about them."""

    def __init__(self, plan: MergingPlan, merged: Mapping[str, Any], names: Mapping[str, str]) -> None:
        self._plan, self._merged, self._names = plan, merged, names
        self._is_mc = _samples(plan)

    def _simulated(self, key: str, category: str) -> dict[str, float]:
        """Return sample or subsample → sum of weights, or of their squares."""
        sums = self._merged[key]
        return {
            name: float(_in_category(sums, category, _datasets(self._plan, sample), name))
            for name, sample in self._names.items()
            if self._is_mc[sample]
        }

    def few_events(self, category: str) -> Iterator[str]:
        """Yield simulated samples that are much of the yield by few effective events."""
        yields, squares = (self._simulated(key, category) for key in ("sumw", "sumw2"))
        total = sum(yields.values())
        for name, value in yields.items():
            if squares[name] > 0 and value > SHARE * total > 0 and (number := value**2 / squares[name]) < EFFECTIVE:
                yield (
                    f"{name} is {100 * value / total:.0f} % of the simulation in category {category!r}, by "
                    f"{number:.2g} effective events"
                )

    def far(self, category: str, histograms: Sequence[str]) -> Iterator[str]:
        """Yield what is odd about data beside simulation, for histograms most of whose bins are far apart."""
        simulated = self._simulated("sumw", category)
        total = sum(simulated.values())
        data = sum(
            float(_in_category(self._merged["sumw"], category, _datasets(self._plan, sample), name))
            for name, sample in self._names.items()
            if not self._is_mc[sample]
        )
        if not histograms or total <= 0 or data < ENTRIES or _has_alternatives(data, simulated):
            return
        sentence = (
            f"data and simulation differ by more than a factor of {RATIO[1]:g} in most bins of {some_of(histograms)} "
            f"in category {category!r} (data/simulation {data / total:.2g})"
        )
        if remedy := _unit(data, simulated):
            sentence += f": {remedy}"
        yield sentence


def _agree(data: float, simulated: float) -> bool:
    return simulated > 0 and RATIO[0] < data / simulated < RATIO[1]


def _has_alternatives(data: float, simulated: Mapping[str, float]) -> bool:
    """Return whether two samples may be of one process, such as two generators in a configuration for tag and probe."""
    total = sum(simulated.values())
    return any(_agree(data, value) and _agree(data, total - value) for value in simulated.values())


def _unit(data: float, simulated: Mapping[str, float]) -> str:
    """Return which factor of 1000 explains a ratio of data and simulation, if one does."""
    total = sum(simulated.values())
    if 1 / CLOSE < data / total < CLOSE:
        return ""
    totals = {}
    for factor, how in ((UNIT, "too small"), (1 / UNIT, "too large")):
        looks = f"{UNIT:g} times {how}"
        totals[f"the luminosity (pb⁻¹) or all cross sections (pb) look {looks}"] = factor * total
        for name, value in simulated.items():
            totals[f"the cross section (pb) of {name} looks {looks}"] = total + (factor - 1) * value
    explained = {sentence: value for sentence, value in totals.items() if _agree(data, value)}
    return min(explained, key=lambda sentence: abs(math.log(explained[sentence] / data)), default="")


def _far_bins(
    plan: MergingPlan, histograms: Mapping[str, Any], names: Mapping[str, str], hidden: Hidden
) -> dict[str, list[str]]:
    """Return category → histograms in most of whose bins with data these are far from simulation."""
    is_mc = _samples(plan)
    found: dict[str, list[str]] = {}
    for variable, templates in histograms.items():
        if plan.variables[variable].no_weights:
            continue
        sums: dict[bool, dict[str, Floats]] = {True: {}, False: {}}
        for name, by_dataset in templates.items():
            of_kind = sums[is_mc[names[name]]] if name in names else {}
            for histogram in by_dataset.values():
                for category, values in _nominal(histogram):
                    of_kind[category] = of_kind.get(category, 0.0) + values
        for category, data in sums[False].items():
            if category in sums[True] and not hidden(category, variable) and _are_far(data, sums[True][category]):
                found.setdefault(category, []).append(variable)
    return found


def _nominal(histogram: Any) -> Iterator[tuple[str, Floats]]:
    """Yield category, and nominal contents without overflow."""
    if "variation" in histogram.axes.name:
        if NOMINAL not in histogram.axes["variation"]:
            return
        histogram = histogram[{"variation": NOMINAL}]
    contents = np.moveaxis(histogram.values(), histogram.axes.name.index("cat"), 0)
    yield from zip(histogram.axes["cat"], contents, strict=True)


def _are_far(data: Floats, simulated: Floats) -> bool:
    counted = data >= ENTRIES
    if not counted.any():
        return False
    low, high = (edge * simulated[counted] for edge in RATIO)
    outside = (data[counted] < low) | (data[counted] > high)
    return bool(outside.mean() > MOST)


def hidden_data(categories: Collection[str], hidden_ranges: Mapping[str, Any]) -> Hidden:
    """Return the test for data that are hidden.

    Args:
        categories: blind categories.
        hidden_ranges: ``plotting_style.blind_hists`` of the parameters.
    """
    where = hidden_ranges.get("categories") or ()
    histograms = hidden_ranges.get("histograms") or ()

    def is_hidden(category: str, histogram: str) -> bool:
        in_range = category in where and any(one == histogram or one.startswith(f"{histogram}_") for one in histograms)
        return category in categories or bool(histogram and in_range)

    return is_hidden
