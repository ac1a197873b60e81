"""Results in few words, for the end of a run: yields of a plot, and ranges of a scale factor."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pocket.scale_factors.measurement.result import ScaleFactorResult


def describe_yields(folder: Path, variable: str, before: str) -> str:
    """Return data and simulation of a variable, and how they agree; empty if the plot doesn't show both.

    Args:
        folder: folder of the plots of a category.
        variable: the histogram.
        before: configuration that it is compared with, if any.
    """
    shown = _read(folder / f"{variable}.json")
    found = shown.get("comparison")
    if not found:
        return ""
    error = (found["mc_stat"] ** 2 + max(map(abs, _numbers(found["mc_syst"]))) ** 2) ** 0.5
    text = f"data {found['data_yield']:,.0f}   simulation {found['mc_yield']:,.0f} ± {error:,.0f}   {_agreement(found)}"
    earlier = _read(folder / f"{variable}_vs_{before}.json").get("before", {}).get("comparison")
    return f"{text}   ({before}: {_agreement(earlier)})" if earlier else text


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
    return f"{values.min():.3f} … {values.max():.3f}   ± {errors.min():.1f} … {errors.max():.1f} %{without}"


def _agreement(found: Mapping[str, Any]) -> str:
    """Return how data and simulation agree.

    Example:
        >>> _agreement({"chi2": 35.159, "ndf": 60})
        'χ²/ndf 35.2/60'
    """
    return f"χ²/ndf {found['chi2']:.1f}/{found['ndf']}"


def _numbers(value: Any) -> list[float]:
    return [float(each) for each in value] if isinstance(value, list) else [float(value)]


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content
