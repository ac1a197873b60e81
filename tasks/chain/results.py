"""Results in few words, for the end of a run: yields of a plot, ranges of a scale factor, and what a fit finds."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pocket.base.typing import Floats, Mask
    from pocket.scale_factors.measurement.result import ScaleFactorResult

#: standard deviations from which on a signal is seen
EVIDENCE = 3.0


def describe_yields(folder: Path, variable: str, before: str) -> list[tuple[str, str]]:
    """Return data and simulation of a variable, and how they agree, as label and text; nothing if data aren't shown."""
    found = _read(folder / f"{variable}.json").get("comparison")
    if not found:
        return []
    rows = [(f"{variable}, {folder.name}", f"data {found['data_yield']:,.0f}   {_agreement(found)}")]
    earlier = _read(folder / f"{variable}_vs_{before}.json").get("before", {}).get("comparison")
    return [*rows, (f"before ({before})", _agreement(earlier))] if earlier else rows


def describe_ranges(result: ScaleFactorResult) -> str:
    """Return the smallest and largest value and relative error in percent, of a calibration for each parameter."""
    import numpy as np

    from pocket.corrections.keys import PARAMETER
    from pocket.scale_factors.measurement.binning import bin_text

    up, down, value = result.total_up, result.total_down, result.scale_factor.value
    if PARAMETER in result.axes:
        position = list(result.axes).index(PARAMETER)
        parts = zip(*(np.moveaxis(part, position, 0) for part in (value, up, down, result.valid)), strict=True)
        axis = result.axes[PARAMETER]
        return ", ".join(f"{bin_text(axis, number)} {_described(*part)}" for number, part in enumerate(parts))
    return _described(value, up, down, result.valid)


def _described(value: Floats, up: Floats, down: Floats, valid: Mask) -> str:
    import numpy as np

    values = value[valid]
    if not values.size:
        return "no bin is valid"
    errors = np.maximum(up, down)[valid] / np.abs(values) * 100
    invalid = int((~valid).sum())
    without = f"  {invalid} without a value" if invalid else ""
    low, high = (f"{value:.3f}" if value >= 0.01 else f"{value:.3g}" for value in (values.min(), values.max()))
    smallest, largest = (f"{error:.1f}" if error >= 0.1 else f"{error:.2g}" for error in (errors.min(), errors.max()))
    return f"{low} … {high}   ± {smallest} … {largest} %{without}"


def describe_fit(folder: Path, limits_asked: bool = False) -> list[tuple[str, str]]:
    """Return each parameter of interest of a fit with its errors, significance and limit, as label and text.

    Nobody wants a limit on a signal that is seen, so it is left out where the significance is :data:`EVIDENCE` or more.
    """
    found = _read(folder / "fit.json")
    is_observed = found.get("data") == "observed"
    expected, without = ("", "") if is_observed else ("expected ", " without signal")
    significances = significances_of(folder)
    by_toys = {name: _read(folder / f"{name}.json") for name in ("toy_limits", "toy_significance", "feldman_cousins")}
    of_toys = {record["poi"]: record for record in by_toys["toy_limits"]}
    limits = {record["poi"]: record for record in _read(folder / "limits.json")} | of_toys
    without_limit = set() if limits_asked else seen_signals(folder) - set(of_toys)
    rows = []
    for poi, interval in found.get("intervals", {}).items():
        value, low, high = (_number(interval[key]) for key in ("value", "low", "high"))
        parts = [interval_text(value, low, high, interval["bounded"])]
        # What can't be found has no record.
        if poi in significances:
            parts.append(f"{expected}{significance_text(significances[poi])}")
        for record in by_toys["toy_significance"]:
            if record["poi"] == poi:
                parts.append(f"{expected}{'' if record['above'] else '> '}{record['significance']:.1f} σ by toys")
        if (record := limits.get(poi)) and poi not in without_limit:
            found_limits = (_number(record["observed"]), _number(record["expected"][2]))
            observed, median = (f"{value:.3g}" if math.isfinite(value) else "?" for value in found_limits)
            level = f"at {100 * record['level']:g} % CL{' by toys' if poi in of_toys else ''}{without}"
            numbers = f"{observed} {level}, expected {median}" if is_observed else f"{observed} {level}"
            parts.append(f"{expected}< {numbers}")
        rows.append((poi if is_observed else f"{poi} ({found.get('label', 'Asimov')})", "   ".join(parts)))
        ends = [record for record in by_toys["feldman_cousins"] if record["poi"] == poi]
        texts = [f"{each['low']:.3g} to {each['high']:.3g} at {100 * each['level']:.3g} % CL" for each in ends]
        rows += [("Feldman–Cousins", "   ".join(texts).replace("-", "−"))] if texts else []
    return rows


def significances_of(folder: Path) -> dict[str, float]:
    """Return parameter of interest → significance of a fit, as far as there are some."""
    records = _read(folder / "significance.json")
    return {record["poi"]: _number(record["significance"]) for record in records}


def seen_signals(folder: Path) -> set[str]:
    """Return the parameters of interest whose significance is :data:`EVIDENCE` or more, which need no limit."""
    return {poi for poi, significance in significances_of(folder).items() if significance >= EVIDENCE}


def significance_text(significance: float) -> str:
    """Return a significance in standard deviations.

    >>> significance_text(2.345), significance_text(math.inf)
    ('2.3 σ', 'unbounded significance (data where nothing is expected without signal)')
    """
    if math.isinf(significance):
        return "unbounded significance (data where nothing is expected without signal)"
    return f"{significance:.1f} σ"


def interval_text(value: float, low: float, high: float, bounded: Sequence[bool] = (False, False)) -> str:
    """Return a value with its errors, and which of them end at a bound of the parameter's range.

    >>> interval_text(0.0, 0.0, 3.12, (True, False)), interval_text(1.0, -5.0, 5.0, (True, True))
    ('0.00 +3.12 (at its lower bound)', '1.00 −6.00 +4.00 (both ends are bounds of its range)')
    """
    down, up = value - low, high - value
    if (down == 0 and bounded[0]) or (up == 0 and bounded[1]):
        digits = digits_of(max(down, up))
        error = f" +{up:.{digits}f}" if up else f" −{down:.{digits}f}" if down else ""
        side = "lower" if down == 0 else "upper"
        return f"{value:.{digits}f}".replace("-", "−") + f"{error} (at its {side} bound)"
    ends = {
        (True, True): " (both ends are bounds of its range)",
        (True, False): " (the lower end is a bound of its range)",
        (False, True): " (the upper end is a bound of its range)",
    }
    return with_errors(value, down, up) + ends.get((bool(bounded[0]), bool(bounded[1])), "")


def with_errors(value: float, down: float, up: float) -> str:
    """Return a value with its errors, of which the smaller one has two digits.

    >>> with_errors(-0.6, 0.6034, 0.6112)
    '−0.60 −0.60 +0.61'
    """
    digits = digits_of(min(down, up) or max(down, up))
    return f"{value:.{digits}f} −{down:.{digits}f} +{up:.{digits}f}".replace("-", "−")


def digits_of(error: float) -> int:
    """Return the number of decimals with two digits of an error, at least two.

    >>> digits_of(0.0123), digits_of(12.3), digits_of(0.0)
    (3, 2, 2)
    """
    return max(2, 1 - math.floor(math.log10(error))) if error > 0 else 2


def _agreement(found: Mapping[str, Any]) -> str:
    """Return the yield of simulation, and how it agrees with data.

    >>> _agreement({"mc_yield": 56884.9, "mc_stat": 300.0, "mc_syst": 400.0, "chi2": 35.159, "ndf": 60})
    'simulation 56,885 ± 500   χ²/ndf 35.2/60'
    """
    error = math.hypot(found["mc_stat"], found["mc_syst"])
    # With few events, there is no chi-square, as plots say.
    chi2 = f"χ²/ndf {found['chi2']:.1f}/{found['ndf']}" if found["ndf"] else "χ²: too few events"
    return f"simulation {found['mc_yield']:,.0f} ± {error:,.0f}   {chi2}"


def _number(value: Any) -> float:
    """Return a number of a record, of which those that aren't finite are written as text."""
    return float(value["number"] if isinstance(value, dict) else value)


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
