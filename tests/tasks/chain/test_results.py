from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from pocket.scale_factors.measurement.result import Measurement, ScaleFactorResult
from tasks.chain.results import describe_ranges, describe_yields

COMPARISON = {"data_yield": 1234.0, "mc_yield": 1200.4, "mc_stat": 3.0, "mc_syst": 4.0, "chi2": 12.34, "ndf": 10}


def write(folder: Path, name: str, content: Any) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(content))


def test_yields_of_a_plot_and_of_the_one_before(tmp_path: Path) -> None:
    folder = tmp_path / "baseline"
    write(folder, "mll", {"comparison": COMPARISON})
    after = ("mll, baseline", "data 1,234   simulation 1,200 ± 5   χ²/ndf 12.3/10")
    assert describe_yields(folder, "mll", "none") == [after]
    write(folder, "mll_vs_nominal", {"before": {"comparison": {**COMPARISON, "mc_yield": 1300.0, "chi2": 99.0}}})
    before = ("before (nominal)", "simulation 1,300 ± 5   χ²/ndf 99.0/10")
    assert describe_yields(folder, "mll", "nominal") == [after, before]


def test_a_plot_without_data_has_no_yields(tmp_path: Path) -> None:
    write(tmp_path, "mll", {"processes": {}})
    assert describe_yields(tmp_path, "mll", "none") == []
    assert describe_yields(tmp_path, "absent", "none") == []


def test_ranges_of_a_scale_factor() -> None:
    values, errors = np.array([0.9, 1.0, 5.0]), np.array([0.009, 0.03, 1.0])
    result = ScaleFactorResult(
        name="sf",
        method="",
        description="",
        quantity="weight",
        axes={"pt": (0.0, 1.0, 2.0, 3.0)},
        flow={"pt": "clamp"},
        scale_factor=Measurement(values, errors, errors),
        # a shift to one side counts there, and the larger side is what is shown
        systematics={"tag": (np.array([0.012, 0.0, 0.0]), np.array([0.0, 0.0, 0.0]))},
        groups=np.arange(3),
        status=("valid", "valid", "failed"),
    )
    assert describe_ranges(result) == "0.900 … 1.000   ± 1.7 … 3.0 %  1 without a value"
