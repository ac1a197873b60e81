"""Results in few words, for the end of a run: yields of a plot, ranges of a scale factor, and what a fit finds."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pocket.scale_factors.measurement.result import ScaleFactorResult

#: standard deviations from which on a signal is seen
EVIDENCE = 3.0


def describe_yields(folder: Path, variable: str, before: str) -> list[tuple[str, str]]:
    """Return data and simulation of a variable, and how they agree, as label and text; nothing if data aren't shown.

    Args:
        folder: folder of the plots of a category.
        variable: the histogram.
        before: configuration that it is compared with, if any.
    """
    found = _read(folder / f"{variable}.json").get("comparison")
    if not found:
        return []
    rows = [(f"{variable}, {folder.name}", f"data {found['data_yield']:,.0f}   {_agreement(found)}")]
    earlier = _read(folder / f"{variable}_vs_{before}.json").get("before", {}).get("comparison")
    return [*rows, (f"before ({before})", _agreement(earlier))] if earlier else rows


def describe_ranges(result: ScaleFactorResult) -> str:
    """Return the smallest and largest value of a scale factor, and its relative errors in percent."""
    import numpy as np

    valid = result.valid
    values = result.scale_factor.value[valid]
    if not values.size:
        return "no bin is valid"
    errors = np.maximum(result.total_up, result.total_down)[valid] / np.abs(values) * 100
    invalid = int((~valid).sum())
    without = f"  {invalid} without a value" if invalid else ""
    low, high = (f"{value:.3f}" if value >= 0.01 else f"{value:.3g}" for value in (values.min(), values.max()))
    return f"{low} … {high}   ± {errors.min():.1f} … {errors.max():.1f} %{without}"


def describe_fit(folder: Path, limits_asked: bool = False) -> list[tuple[str, str]]:
    """Return each parameter of interest of a fit with its errors, significance and limit, as label and text.

    Nobody wants a limit on a signal that is seen, so it is left out where the significance is :data:`EVIDENCE` or more.

    Args:
        folder: folder of the fit; that of toys has no single result.
        limits_asked: whether limits were asked for by name, which are shown then.
    """
    found = _read(folder / "fit.json")
    is_observed = found.get("data") == "observed"
    end, expected = ("", "") if is_observed else (" (Asimov)", "expected ")
    significances = significances_of(folder)
    limits = {record["poi"]: record for record in _read(folder / "limits.json")}
    without_limit = set() if limits_asked else seen_signals(folder)
    rows = []
    for poi, interval in found.get("intervals", {}).items():
        value, low, high = (interval[key] for key in ("value", "low", "high"))
        parts = [with_errors(value, value - low, high - value)]
        # What can't be found has a reason in its place.
        significance = significances.get(poi)
        if significance is not None:
            parts.append(f"{expected}{significance:.1f} σ")
        if "expected" in (record := limits.get(poi, {})) and poi not in without_limit:
            median, level = record["expected"][2], f"at {100 * record['level']:g} % CL"
            numbers = (
                f"{record['observed']:.3g} {level}, expected {median:.3g}" if is_observed else f"{median:.3g} {level}"
            )
            parts.append(f"{expected}< {numbers}")
        rows.append((f"{poi}{end}", "   ".join(parts)))
    return rows


def significances_of(folder: Path) -> dict[str, float]:
    """Return parameter of interest → significance of a fit, as far as there are some."""
    records = _read(folder / "significance.json")
    return {record["poi"]: record["significance"] for record in records if record.get("significance") is not None}


def seen_signals(folder: Path) -> set[str]:
    """Return the parameters of interest whose significance is :data:`EVIDENCE` or more, which need no limit."""
    return {poi for poi, significance in significances_of(folder).items() if significance >= EVIDENCE}


def with_errors(value: float, down: float, up: float) -> str:
    """Return a value with its errors, of which the smaller one has two digits.

    >>> with_errors(-0.6, 0.6034, 0.6112)
    '−0.60 −0.60 +0.61'
    """
    digits = digits_of(min(down, up))
    return f"{value:.{digits}f} −{down:.{digits}f} +{up:.{digits}f}".replace("-", "−")


def digits_of(error: float) -> int:
    """Return the number of decimals with two digits of an error, at least two.

    >>> digits_of(0.0123), digits_of(12.3), digits_of(0.0)
    (3, 2, 2)
    """
    return max(2, 1 - math.floor(math.log10(error))) if error > 0 else 2


def _agreement(found: Mapping[str, Any]) -> str:
    """Return the yield of simulation, and how it agrees with data.

    Example:
        >>> _agreement({"mc_yield": 56884.9, "mc_stat": 300.0, "mc_syst": 400.0, "chi2": 35.159, "ndf": 60})
        'simulation 56,885 ± 500   χ²/ndf 35.2/60'
    """
    error = math.hypot(found["mc_stat"], found["mc_syst"])
    # With few events, there is no chi-square, as plots say.
    chi2 = f"χ²/ndf {found['chi2']:.1f}/{found['ndf']}" if found["ndf"] else "χ²: too few events"
    return f"simulation {found['mc_yield']:,.0f} ± {error:,.0f}   {chi2}"


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
