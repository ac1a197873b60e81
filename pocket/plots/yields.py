"""Tables of the yields of processes in categories, with statistical and systematic errors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pocket.errors import ConfigError
from pocket.plan.figures import FigurePlan
from pocket.plots.specification import figure_style
from pocket.plots.statistics import total_of
from pocket.plots.style import PlotStyle
from pocket.plots.templates.figures import split_templates
from pocket.plots.templates.processes import drawn_processes

#: relative difference of sums that are the same but for rounding
_SAME = 1e-6
#: name of the row of all simulation, and of that of data
TOTAL, DATA = "simulation", "data"
COLUMNS = ("category", "process", "yield", "stat", "syst_up", "syst_down")


@dataclass(frozen=True)
class Yield:
    """The events of a process (a sample, subsample or group), of ``simulation`` or of ``data`` in a category.

    The value is ``None`` for data that are blinded. Systematic errors are up and down, each source fully correlated
    between processes.
    """

    category: str
    process: str
    value: float | None
    stat: float
    syst: tuple[float, float] = (0.0, 0.0)

    def row(self) -> dict[str, Any]:
        """Return the columns of a table."""
        entries = (self.category, self.process, self.value, self.stat, *self.syst)
        return dict(zip(COLUMNS, entries, strict=True))


def yields_of(
    plan: FigurePlan, variable: str, category: str, templates: Mapping[str, Any], *, blind: bool = False
) -> list[Yield]:
    """Return the yields of each process, of their sum and of data in a category, from one histogram with one axis.

    Processes are those of its plots: samples as the style groups, scales and orders them. Underflow and overflow count.
    """
    found = []
    (axis,) = plan.variables[variable].axes
    style = PlotStyle.from_parameters(figure_style(plan, variable, category))
    data, mc = split_templates(plan, variable, category, templates)[axis.name]
    if mc:
        processes = drawn_processes({name: _whole(histogram) for name, histogram in mc.items()}, style)
        named = [(process.name, process.prediction) for process in processes]
        for name, prediction in [*named, (TOTAL, total_of(prediction for _, prediction in named))]:
            up, down = (float(side[0]) for side in prediction.syst)
            # Adding nothing makes a zero of -0.0.
            errors = abs(up) + 0.0, abs(down) + 0.0
            found.append(Yield(category, name, float(prediction.values[0]), float(prediction.stat[0]), errors))
    if data is not None:
        hidden = blind or style.blind_hists.hidden(category, variable, _ends(data.axes[0])).any()
        # Data may be weighted; for counts, the sum of squares is their number.
        counted, squares = (float(part.sum()) for part in (data.values(flow=True), data.variances(flow=True)))
        found.append(Yield(category, DATA, None if hidden else counted, 0.0 if hidden else math.sqrt(squares)))
    return found


def _ends(axis: Any) -> tuple[float, float]:
    """Return the ends of what an axis counts, with its underflow and overflow."""
    low, high = (
        -math.inf if axis.traits.underflow else axis.edges[0],
        math.inf if axis.traits.overflow else axis.edges[-1],
    )
    return low, high


def counted_by(sums: Mapping[str, Mapping[str, Any]], templates: Mapping[str, Mapping[str, Any]], category: str) -> str:
    """Return a histogram that has one entry for each event of a category, so that its sum is the yield.

    It is the first one of those with the most samples, so that no process is left out without need. ``sums`` has
    dataset → sample → sums of weights of the category by variation, ``templates`` variable → sample → merged histogram.
    """
    expected: dict[str, float] = {}
    for samples in sums.values():
        for sample, by_variation in samples.items():
            expected[sample] = expected.get(sample, 0.0) + float(by_variation["nominal"])
    for variable, histograms in sorted(templates.items(), key=lambda item: -len(item[1])):
        found = {sample: _nominal_sum(histogram, category) for sample, histogram in histograms.items()}
        if all(
            math.isclose(value, expected.get(sample, 0.0), rel_tol=_SAME, abs_tol=_SAME)
            for sample, value in found.items()
        ):
            return variable
    raise ConfigError(
        f"{' and '.join(map(repr, templates))} in category {category!r} don't have one entry for each event, so their "
        "sums are no yields: choose another histogram with --variable, or add one with one value per event, such as "
        "the number of jets"
    )


def _nominal_sum(histogram: Any, category: str) -> float:
    in_category = histogram[{"cat": category}]
    if "variation" in in_category.axes.name:
        in_category = in_category[{"variation": "nominal"}]
    return float(in_category.sum(flow=True).value)


def _whole(histogram: Any) -> Any:
    """Return a histogram whose dense axis has one bin with everything, so that flow bins count."""
    import hist

    one = hist.axis.Integer(0, 1, name="all", underflow=False, overflow=False)
    has_variations = "variation" in histogram.axes.name
    axes = [histogram.axes["variation"], one] if has_variations else [one]
    whole = hist.Hist(*axes, storage=histogram.storage_type())
    contents: Any = histogram.view(flow=True)
    dense = histogram.axes.name.index(next(name for name in histogram.axes.name if name != "variation"))
    view: Any = whole.view(flow=True)
    for part in ("value", "variance"):
        summed = np.asarray(contents[part]).sum(axis=dense, keepdims=True)
        view[part] = summed if dense == contents.ndim - 1 else np.moveaxis(summed, dense, -1)
    return whole


def as_table(yields: Sequence[Yield], form: str) -> str:
    """Return yields as a table in a form of :func:`render`.

    >>> print(as_table([Yield("sr", "tt", 1234.2, 3.2, (61.0, 58.0)), Yield("sr", "data", 1250.0, 35.4)], "md"))
    | process | sr |
    |---|---|
    | tt | 1234 ± 3 (stat) +61 −58 (syst) |
    | data | 1250 |
    """
    categories = list(dict.fromkeys(each.category for each in yields))
    processes = list(dict.fromkeys(each.process for each in yields))
    cells = {(each.process, each.category): _cell(each, form) for each in yields}
    lines = [[process, *(cells.get((process, category), "–") for category in categories)] for process in processes]
    return render(["process", *categories], lines, form)


def render(head: Sequence[str], lines: Sequence[Sequence[str]], form: str, names: int = 1) -> str:
    """Return a table as ``text`` (for the terminal), ``md`` (Markdown) or ``tex`` (LaTeX with booktabs).

    The first columns have as many ``names``, which LaTeX puts to the left.
    """
    if form == "md":
        rows_md = [f"| {' | '.join(line)} |" for line in lines]
        return "\n".join([f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *rows_md])
    if form == "tex":
        return _latex(head, lines, names)
    widths = [max(len(line[column]) for line in [head, *lines]) for column in range(len(head))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in [head, *lines]
    )


def _cell(one: Yield, form: str) -> str:
    if one.value is None:
        return "blinded"
    if one.process == DATA:
        return f"{one.value:.0f}" if one.value == round(one.value) else f"{one.value:.1f}"
    value, stat, up, down = with_digits(max(one.stat, *one.syst), one.value, one.stat, *one.syst)
    if form == "tex":
        return rf"${value} \pm {stat}\,^{{+{up}}}_{{-{down}}}$" if any(one.syst) else rf"${value} \pm {stat}$"
    text = f"{value} ± {stat}".replace("-", "−")
    return f"{text} (stat) +{up} −{down} (syst)" if any(one.syst) else text


def with_digits(error: float, *numbers: float) -> tuple[str, ...]:
    """Return numbers with the decimals with which an error has two digits or more.

    >>> with_digits(0.234, 10.0, 0.234), with_digits(123.4, 1234.5)
    (('10.00', '0.23'), ('1234',))
    """
    digits = 0 if error >= 100 or error <= 0 else max(0, 1 - math.floor(math.log10(error)))
    return tuple(f"{number:.{digits}f}" for number in numbers)


def _latex(head: Sequence[str], lines: Sequence[Sequence[str]], names: int) -> str:
    def escaped(text: str) -> str:
        return text if text.startswith("$") else text.replace("_", r"\_").replace("%", r"\%").replace("&", r"\&")

    body = [" & ".join(map(escaped, line)) + r" \\" for line in [head, *lines]]
    begin = rf"\begin{{tabular}}{{{'l' * names}{'r' * (len(head) - names)}}}"
    rules = r"\toprule", r"\midrule", r"\bottomrule"
    return "\n".join([begin, rules[0], body[0], rules[1], *body[1:], rules[2], r"\end{tabular}"])
