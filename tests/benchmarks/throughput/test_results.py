from __future__ import annotations

import pytest

from benchmarks.throughput.results import EngineResult, Measured, engine_results
from benchmarks.throughput.running import Pass


def test_rates_and_ratios_are_medians_with_their_range() -> None:
    passes = {
        "ours": [Pass(2.0, 1.0, 300.0), Pass(4.0, 2.0, 310.0), Pass(2.0, 1.0, 305.0)],
        "other": [Pass(8.0, 4.0, 100.0), Pass(8.0, 6.0, 100.0), Pass(8.0, 5.0, 100.0)],
    }
    found = engine_results(passes, 1000, "ours")
    assert found["ours"].rate == Measured(1000.0, 500.0, 1000.0)
    assert found["ours"].wall_rate == Measured(500.0, 250.0, 500.0)
    assert found["ours"].speedup == Measured(1.0, 1.0, 1.0)
    assert found["ours"].peak == 310.0
    # round by round: 4/1, 6/2, 5/1
    assert found["other"].speedup == Measured(4.0, 3.0, 5.0)
    assert EngineResult.of_json(found["other"].as_json()) == found["other"]


def test_rounds_must_be_complete() -> None:
    with pytest.raises(ValueError, match=r"zip\(\) argument 2"):
        engine_results({"ours": [Pass(1, 1, 1), Pass(1, 1, 1)], "other": [Pass(1, 1, 1)]}, 10, "ours")
