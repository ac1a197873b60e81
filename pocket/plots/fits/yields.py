"""Tables of the yields of regions before and after a fit, with their errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pocket.plots.yields import DATA, render, with_digits
from pocket.statistics.predictions import Prediction

TOTAL = "total"
#: forms of tables, by the suffixes of their files
FORMS = {"txt": "text", "md": "md", "tex": "tex"}
COLUMNS = ("region", "process", "prefit", "prefit_error", "postfit", "postfit_error", "background", "background_error")


@dataclass(frozen=True)
class FittedYield:
    """The events of a process, of the sum (``total``) or of ``data`` in a region before and after the fit.

    Data have no error. ``background`` is that after a fit without signal; empty if there is none.
    """

    region: str
    process: str
    prefit: tuple[float, float | None]
    postfit: tuple[float, float | None]
    background: tuple[float, float | None] | tuple[()] = ()

    def row(self) -> dict[str, Any]:
        """Return the columns of a table."""
        values = self.region, self.process, *self.prefit, *self.postfit, *self.background
        return dict(zip(COLUMNS[: len(values)], values, strict=True))


def fitted_yields(predictions: Mapping[str, Mapping[str, Prediction]], *, is_data: bool) -> list[FittedYield]:
    """Return the yields of each process, of their sum and of observed data, region by region.

    Errors are those of all parameters and of simulation, with their correlations between bins and processes.
    ``predictions`` has ``"prefit"``, ``"postfit"`` and, for a fit without signal, ``"background"`` → region →
    expectation.
    """
    found, alone = [], predictions.get("background", {})
    for region, before in predictions["prefit"].items():
        after = predictions["postfit"][region]
        names = sorted(before.processes, key=lambda name: -before.yields[name][0])
        for name in [*names, TOTAL]:
            background = alone[region].yields[name] if alone else ()
            found.append(FittedYield(region, name, before.yields[name], after.yields[name], background))
        if is_data and after.data is not None:
            counted = float(after.data.sum()), None
            found.append(FittedYield(region, DATA, counted, counted, counted if alone else ()))
    return found


def as_table(yields: Sequence[FittedYield], form: str, fitted: str = "") -> str:
    """Return yields as a table, see :func:`pocket.plots.yields.render`; ``fitted`` names what isn't observed data.

    >>> print(as_table([FittedYield("sr", "total", (103.0, 12.3), (98.41, 4.56))], "md"))
    | region | process | before the fit | after the fit |
    |---|---|---|---|
    | sr | total | 103 ± 12 | 98.4 ± 4.6 |
    """
    heads = ["region", "process", "before the fit", f"after the fit{f' to {fitted}' if fitted else ''}"]
    if any(one.background for one in yields):
        heads.append("after a fit without signal")
    lines = [
        [one.region, one.process, *(_cell(entry, form) for entry in (one.prefit, one.postfit, one.background) if entry)]
        for one in yields
    ]
    return render(heads, lines, form, names=2)


def _cell(entry: tuple[float, float | None], form: str) -> str:
    value, error = entry
    if error is None:
        return f"{value:.0f}" if value == round(value) else f"{value:.1f}"
    number, spread = with_digits(error, value, error)
    return rf"${number} \pm {spread}$" if form == "tex" else f"{number} ± {spread}"
