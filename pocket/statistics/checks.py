"""Checks of a model for what is probably a mistake: the tests of combine's ``ValidateDatacards.py``, and more.

Each finding is a warning, not an error. Source of the limits: ``ValidateDatacards.py`` of combine, apart from those of
statistical noise and of effective events.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from pocket.base.typing import Floats
from pocket.statistics.model import Model, RegionModel
from pocket.statistics.treatment import at_yield, largest_shape

#: changes of a yield above this share are large
LARGE_RATE = 0.1
#: changes of bins at the same yield below this share are no shape
NO_SHAPE = 1e-3
#: changes of a yield below this share have no direction
NO_DIRECTION = 1e-3
#: share of all signal below which a signal process is small
SMALL_SIGNAL = 0.01
#: effective events of all simulation below which a bin has few
FEW_EVENTS = 10.0
#: bins that a test for noise needs, and the largest ratio of squared steps to squared changes of a smooth shape
NOISE_BINS, NOISE = 8, 1.4


@dataclass(frozen=True)
class Finding:
    """Something about a model that is probably a mistake.

    Args:
        check: name of the check.
        text: a sentence.
        region: name of the region, empty for the model.
        process: name of the process, empty for all.
        nuisance: name of the parameter, empty if it is about none.
        bins: numbers of the bins, empty for all.
        value: the number that the check is about.

    >>> Finding("left_out", "process 'DY' is left out of region 'sr': its yield is −1.2", "sr", "DY").check
    'left_out'
    """

    check: str
    text: str
    region: str = ""
    process: str = ""
    nuisance: str = ""
    bins: tuple[int, ...] = ()
    value: float | None = None


def find_mistakes(model: Model) -> tuple[Finding, ...]:
    """Return all that is probably a mistake in a model.

    Args:
        model: the model.

    >>> from pocket.statistics.model import FreeParameter
    >>> region = RegionModel("sr", ("signal",), np.array([[50.0, 0.0]]), np.array([[0.5, 0.0]]),
    ...     edges=np.array([0.0, 1, 2]), factors={"signal": ("r",)})
    >>> [finding.check for finding in find_mistakes(Model((region,), pois={"r": FreeParameter(0, 10)}))]
    ['empty_bin']
    """
    findings: list[Finding] = []
    for region in model.regions:
        findings += _of_bins(region, set(model.signals(region)))
        findings += _of_signals(region, model.signals(region))
        findings += _of_shapes(region)
        findings += _of_factors(region)
    return tuple(findings)


def effective_events(region: RegionModel) -> Floats:
    """Return the number of effective events, (Σn)²/Σe², of all processes in each bin; 0 where there are none."""
    total, squares = region.nominal.sum(axis=0), region.sumw2.sum(axis=0)
    return _ratio(total**2, squares)


def write_checks(model: Model, findings: Iterable[Finding]) -> str:
    """Return the text of ``checks.json``: findings, and the effective events of each bin."""
    events = {
        region.name: {
            "total": _finite(effective_events(region)),
            **{
                process: _finite(_ratio(region.nominal[row] ** 2, region.sumw2[row]))
                for row, process in enumerate(region.processes)
            },
        }
        for region in model.regions
    }
    content = {"warnings": [dataclasses.asdict(finding) for finding in findings], "effective_events": events}
    return json.dumps(content, indent=1, allow_nan=False)


def _finite(values: Floats) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.asarray(np.divide(above, below, out=np.where(above > 0, np.inf, 0.0), where=below > 0))


def read_checks(text: str) -> tuple[Finding, ...]:
    """Return the findings of ``checks.json``.

    >>> from pocket.statistics.model import FreeParameter
    >>> region = RegionModel("sr", ("s",), np.array([[5.0]]), np.zeros((1, 1)), factors={"s": ("r",)})
    >>> found = (Finding("few_events", "few", "sr", bins=(1,)),)
    >>> read_checks(write_checks(Model((region,), pois={"r": FreeParameter(0, 10)}), found)) == found
    True
    """
    return tuple(Finding(**{**plain, "bins": tuple(plain["bins"])}) for plain in json.loads(text)["warnings"])


def _of_bins(region: RegionModel, signals: set[str]) -> Iterator[Finding]:
    backgrounds = [row for row, process in enumerate(region.processes) if process not in signals]
    rows = backgrounds or list(range(len(region.processes)))
    what = "background" if backgrounds else "simulation"
    empty = tuple(map(int, np.flatnonzero(region.nominal[rows].sum(axis=0) <= 0)))
    if empty:
        text = f"region {region.name!r} has no {what} in {region.describe_bins(empty)}"
        yield Finding("empty_bin", text, region.name, bins=empty)
    if not backgrounds and region.mc_stat is not None and not region.mc_stat.include_signal and region.sumw2.any():
        text = f"region {region.name!r} has only signals, whose statistical errors McStat needs include_signal=True for"
        yield Finding("no_statistics", text, region.name)
    total = region.nominal.sum(axis=0)
    if region.data is not None:
        odd = tuple(map(int, np.flatnonzero((total <= 0) & (region.data > 0))))
        if odd:
            text = f"region {region.name!r} has data but no simulation in {region.describe_bins(odd)}"
            yield Finding("data_alone", text, region.name, bins=odd)
    events = effective_events(region)
    few = tuple(map(int, np.flatnonzero((events < FEW_EVENTS) & (total > 0))))
    if few:
        shown = region.describe_bins(few)
        text = f"region {region.name!r} has less than {FEW_EVENTS:g} effective simulated events in {shown}"
        yield Finding("few_events", text, region.name, bins=few, value=float(events[list(few)].min()))


def _of_signals(region: RegionModel, signals: tuple[str, ...]) -> Iterator[Finding]:
    yields = {process: float(region.nominal[region.row(process)].sum()) for process in signals}
    total = sum(yields.values())
    for process, events in yields.items():
        if events < SMALL_SIGNAL * total:
            text = f"process {process!r} is {events / total:.2g} of the signal in region {region.name!r}"
            yield Finding("small_signal", text, region.name, process, value=events / total)


def _of_shapes(region: RegionModel) -> Iterator[Finding]:
    for nuisance, effects in region.shapes.items():
        for process, (up, down) in effects.items():
            row = region.row(process)
            nominal = region.nominal[row]
            of = f"of nuisance {nuisance!r} of process {process!r} in region {region.name!r}"
            place = (region.name, process, nuisance)
            factors = float(down.sum() / nominal.sum()), float(up.sum() / nominal.sum())
            yield from _of_pair(factors, of, place)
            shape = largest_shape(nominal, (up, down))
            if np.array_equal(up, down):
                yield Finding("equal_templates", f"both templates {of} are equal", *place)
            elif shape < NO_SHAPE:
                text = f"the templates {of} change no bin by {NO_SHAPE:g} at the same yield, a factor would do"
                yield Finding("no_shape", text, *place, value=shape)
            elif (noise := _noise(nominal, region.sumw2[row], up, down)) > NOISE:
                text = f"the templates {of} fluctuate from bin to bin, smooth= or fewer bins may help"
                yield Finding("noise", text, *place, value=noise)


def _of_factors(region: RegionModel) -> Iterator[Finding]:
    for nuisance, effects in region.log_normals.items():
        for process, factors in effects.items():
            of = f"of nuisance {nuisance!r} of process {process!r} in region {region.name!r}"
            yield from _of_pair(factors, of, (region.name, process, nuisance))


def _of_pair(factors: tuple[float, float], of: str, place: tuple[str, str, str]) -> Iterator[Finding]:
    changes = [factor - 1 for factor in factors]
    shown = " and ".join(f"{100 * change:+.1f} %" for change in reversed(changes))
    if min(changes) > NO_DIRECTION or max(changes) < -NO_DIRECTION:
        yield Finding("same_direction", f"both sides {of} change the yield in one direction, by {shown}", *place)
    largest = max(changes, key=abs)
    if abs(largest) > LARGE_RATE:
        yield Finding("large_rate", f"the sides {of} change the yield by {shown}", *place, value=largest)


def _noise(nominal: Floats, variances: Floats, up: Floats, down: Floats) -> float:
    """Return the mean squared step between bins over the mean square of the changes, 2 for noise and near 0 if smooth.

    Changes that are small beside the statistical errors are no noise that matters, and return 0. Source: J. von
    Neumann, Ann. Math. Stat. 12 (1941) 367.
    """
    filled = nominal > 0
    if filled.sum() < NOISE_BINS:
        return 0.0
    total = nominal.sum()
    change = ((at_yield(up, total) - at_yield(down, total)) / 2)[filled] / nominal[filled]
    errors = np.sqrt(variances[filled]) / nominal[filled]
    square = float(np.mean(change**2))
    if square < NO_SHAPE**2 or square < 0.01 * float(np.mean(errors**2)):
        return 0.0
    return float(np.mean(np.diff(change) ** 2)) / square
