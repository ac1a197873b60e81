from __future__ import annotations

import numpy as np
import pytest

from pocket.errors import FitError
from pocket.statistics import FreeParameter, Likelihood, Model, RegionModel, analyses
from pocket.statistics.analyses import Choice, find_results
from tasks.statistics.fitting import result_lines


@pytest.mark.parametrize(
    ("function", "result", "line"),
    [
        ("find_significance", "significance", "no significance of r: no minimum"),
        ("find_upper_limit", "limits", "no limit on r: no minimum"),
    ],
)
def test_a_result_that_is_not_found_leaves_the_fit(
    monkeypatch: pytest.MonkeyPatch, function: str, result: str, line: str
) -> None:
    def fail(likelihood: Likelihood, poi: str) -> None:
        raise FitError("no minimum")

    monkeypatch.setattr(analyses, function, fail)
    region = RegionModel("sr", ("signal",), np.array([[100.0]]), np.zeros((1, 1)), factors={"signal": ("r",)})
    model = Model((region,), pois={"r": FreeParameter(0, 10)})
    results = find_results(model, Choice(results=("significance", "limits")))
    assert results.fit.value("r") == pytest.approx(1)
    assert results.others[result] == [{"poi": "r", "error": "no minimum"}]
    assert line in result_lines(results, "asimov")
