from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pocket.errors import ScaleFactorError, UnknownNameError
from pocket.scale_factors.methods.pass_fail_template.inputs import Nuisance, TemplateInputs, bins_where


def templates(**changes: Any) -> TemplateInputs:
    inputs: dict[str, Any] = {
        "label": "pt [30, 50)",
        "data": np.array([[10.0, 60], [50, 20]]),
        "nominal": {"b": np.array([[5.0, 50], [10, 20]]), "c": np.array([[6.0, 5], [40, 10]])},
        "sumw2": {"b": np.ones((2, 2)), "c": np.ones((2, 2))},
        "flavours": {"b": None, "c": 1.0},
    }
    return TemplateInputs(**{**inputs, **changes})


def array(region: int, index: int, value: float) -> Any:
    content = np.full((2, 2), 10.0)
    content[region, index] = value
    return content


def variation(up: Any, down: Any) -> dict[str, Nuisance]:
    return {"jes": Nuisance(shape={"b": (up, down)})}


ZERO, ONE = np.zeros((2, 2)), np.ones((2, 2))


def test_templates() -> None:
    one = templates()
    assert one.floating == ("b",)
    assert one.total.tolist() == [[11, 55], [50, 30]]
    assert one.filled.all()


def test_bins_without_anything_are_left_out() -> None:
    nominal = {"b": array(0, 0, 0), "c": array(0, 0, 0)}
    one = templates(data=array(0, 0, 0), nominal=nominal)
    assert one.filled.tolist() == [[False, True], [True, True]]


def test_a_bin_of_one_process_may_be_negative() -> None:
    nominal = {"b": array(0, 0, 5), "c": array(0, 0, -4.9)}
    assert templates(nominal=nominal).total[0, 0] == pytest.approx(0.1)


def test_bins_where() -> None:
    assert bins_where(np.array([[False, True], [True, False]])) == "pass bin 1, fail bin 0"
    assert bins_where(np.ones((2, 9), dtype=bool)).endswith("pass bin 4, …")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"flavours": {"b": None, "s": 1.0}}, "unknown process 's' in flavours of pt"),
        ({"sumw2": {"b": ONE, "c": ONE, "d": ONE}}, "unknown process 'd' in sums of squared weights"),
        ({"nuisances": {"x": Nuisance(rate={"g": 1.1})}}, "unknown process 'g' in nuisance 'x'"),
        ({"nuisances": {"x": Nuisance(shape={"g": (ONE, ONE)})}}, "unknown process 'g'"),
        ({"nuisances": {"x": Nuisance(scale={"b": 1.1})}}, "unknown frozen flavour 'b'"),
    ],
)
def test_unknown_name(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(UnknownNameError, match=text):
        templates(**changes)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"flavours": {"b": 1.0}}, "no flavour floats"),
        ({"nuisances": {"SF_b": Nuisance()}}, "'SF_b' has the name of another parameter"),
        ({"nuisances": {"log_normalisation": Nuisance()}}, "has the name of another parameter"),
        ({"sumw2": {"b": ONE}}, "no sums of squared weights of 'c'"),
        ({"data": np.ones(4)}, r"data have shape \(4,\)"),
        ({"data": np.ones((2, 0))}, r"data have shape \(2, 0\)"),
        ({"data": array(0, 1, -1)}, "data are -1 in pass bin 1"),
        ({"data": array(1, 0, np.nan)}, "data are nan in fail bin 0"),
        ({"nominal": {"b": np.ones((2, 3)), "c": ONE}}, r"sums of weights of 'b' have shape \(2, 3\), data \(2, 2\)"),
        ({"nominal": {"b": ONE, "c": array(1, 1, np.inf)}}, "sums of weights of 'c' are inf in fail bin 1"),
        ({"sumw2": {"b": array(1, 0, -2), "c": ONE}}, "squared weights of 'b' are -2 in fail bin 0"),
        ({"nuisances": variation(array(0, 0, np.nan), ONE)}, "'b', jes up, are nan in pass bin 0"),
        ({"nuisances": variation(ONE, ZERO)}, "jes down of 'b' is empty"),
        ({"nuisances": {"x": Nuisance(rate={"b": 0.0})}}, "κ of 'x' for 'b' is 0"),
        ({"nuisances": {"x": Nuisance(scale={"c": np.nan})}}, "κ of 'x' for 'c' is nan"),
        ({"flavours": {"b": None, "c": -1.0}}, "'c' is frozen at -1"),
        ({"data": np.array([[0.0, 0], [1, 1]])}, "no data in pass"),
        ({"data": np.array([[1.0, 1], [0, 0]])}, "no data in fail"),
        ({"nominal": {"b": array(0, 1, 0), "c": array(0, 1, 0)}}, "data but no simulation in pass bin 1; join bins"),
        ({"nominal": {"b": array(1, 1, 3), "c": array(1, 1, -5)}}, "all processes sum to -2 in fail bin 1"),
        ({"nominal": {"b": array(1, 1, 3), "c": array(1, 1, -3)}}, "all processes sum to 0 in fail bin 1"),
        ({"nominal": {"b": np.array([[0.0, 0], [9, 9]]), "c": ONE}}, "'b' floats but has no passing yield"),
        ({"nominal": {"b": np.array([[1.0, -2], [9, 9]]), "c": 9 * ONE}}, r"'b' floats .* no passing yield \(-1\)"),
        ({"nominal": {"b": ONE, "c": np.array([[9.0, 9], [0, 0]])}}, "'c' has no failing yield"),
        (
            {"data": ONE[:, :1], **{key: {"b": ONE[:, :1], "c": ONE[:, :1]} for key in ("nominal", "sumw2")}},
            "2 bins with data or simulation for 3 free parameters",
        ),
    ],
)
def test_impossible_input(changes: dict[str, Any], text: str) -> None:
    if "free" in text:
        changes = {**changes, "flavours": {"b": None, "c": None}, "free_normalisation": True}
    with pytest.raises(ScaleFactorError, match=f"^pt .*{text}"):
        templates(**changes)
