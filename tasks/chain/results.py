"""Results in few words, for the end of a run: yields of a plot, and ranges of a scale factor."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pocket.scale_factors.measurement.result import ScaleFactorResult


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
    return f"{values.min():.3f} … {values.max():.3f}   ± {errors.min():.1f} … {errors.max():.1f} %{without}"


def _agreement(found: Mapping[str, Any]) -> str:
    """Return the yield of simulation, and how it agrees with data.

    Example:
        >>> _agreement({"mc_yield": 56884.9, "mc_stat": 300.0, "mc_syst": 400.0, "chi2": 35.159, "ndf": 60})
        'simulation 56,885 ± 500   χ²/ndf 35.2/60'
    """
    error = math.hypot(found["mc_stat"], found["mc_syst"])
    return f"simulation {found['mc_yield']:,.0f} ± {error:,.0f}   χ²/ndf {found['chi2']:.1f}/{found['ndf']}"


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content
