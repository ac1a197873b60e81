from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocket.errors import ConfigError
from pocket.models.delayed_columns import DelayedColumn, DelayedColumns, check_delayed_columns

#: name → the inputs x and y of the events and which of them are selected, in one shape variation
Variation = tuple[list[float], list[float], list[bool]]

few_values = st.sampled_from([0.0, -0.0, 1.0, 2.5, float("nan")])


@st.composite
def variations(draw: st.DrawFn) -> list[Variation]:
    size = draw(st.integers(1, 6))

    def columns(values: st.SearchStrategy[Any]) -> Any:
        return draw(st.lists(values, min_size=size, max_size=size))

    return [(columns(few_values), columns(few_values), columns(st.booleans())) for _ in range(draw(st.integers(1, 5)))]


def x_and_y(events: Any, params: Any) -> Any:
    return np.column_stack([events.x, events.y])


def formula(x: float, y: float) -> float:
    return float(np.float32(-1.0 if np.isnan(x) or np.isnan(y) else 3 * x - y))


class Recorder:
    """A model that remembers what it was asked."""

    def __init__(self) -> None:
        self.calls: list[list[tuple[float, ...]]] = []

    def __call__(self, features: Any, params: Any) -> Any:
        self.calls.append([tuple(row) for row in features.tolist()])
        return np.array([formula(*row) for row in features])


def bits(x: float, y: float) -> bytes:
    return np.array([x, y], dtype=np.float32).tobytes()


@given(variations())
@settings(max_examples=100)
def test_each_event_and_its_inputs_are_evaluated_once(given_variations: list[Variation]) -> None:
    model = Recorder()
    columns = DelayedColumns([DelayedColumn("score", x_and_y, model)])
    wanted: set[tuple[int, bytes]] = set()
    for xs, ys, selected in given_variations:
        index = np.flatnonzero(selected)
        events = ak.Array({"x": [xs[i] for i in index], "y": [ys[i] for i in index]})
        new = {(int(i), bits(xs[i], ys[i])) for i in index} - wanted
        calls = len(model.calls)
        columns.fill(events, index, {})
        assert events.score.tolist() == [formula(xs[i], ys[i]) for i in index]
        # all of them in one call
        asked = [row for call in model.calls[calls:] for row in call]
        assert len(model.calls) - calls <= 1
        assert sorted(bits(*row) for row in asked) == sorted(inputs for _, inputs in new)
        wanted |= new


def test_a_row_per_event_keeps_all_values() -> None:
    def classes(features: Any, params: Any) -> Any:
        return features[:, :1] * np.array([1.0, params["factor"], 0.0])

    events = ak.Array({"x": [1.0, 2.0], "y": [0.0, 0.0]})
    DelayedColumns([DelayedColumn("probabilities", x_and_y, classes)]).fill(events, np.array([3, 7]), {"factor": 5.0})
    assert events.probabilities.tolist() == [[1.0, 5.0, 0.0], [2.0, 10.0, 0.0]]
    assert events.probabilities[:, 1].tolist() == [5.0, 10.0]


def test_without_events_nothing_is_evaluated() -> None:
    model = Recorder()
    columns = DelayedColumns([DelayedColumn("score", x_and_y, model)])
    for xs in ([], [1.0], []):
        events = ak.Array({"x": np.array(xs), "y": np.array(xs)})
        columns.fill(events, np.arange(len(xs)), {})
        assert events.score.tolist() == [formula(x, x) for x in xs]
    assert model.calls == [[(1.0, 1.0)]]


@pytest.mark.parametrize(
    ("inputs", "values", "message"),
    [
        (lambda e, p: e.x, None, r"inputs returned an array of shape \(2,\), expected \(2 events, n features\)"),
        (lambda e, p: np.zeros((3, 2)), None, r"inputs returned an array of shape \(3, 2\)"),
        (lambda e, p: np.zeros((2, 0)), None, r"inputs returned an array of shape \(2, 0\)"),
        (lambda e, p: ak.Array([[1.0], [1.0, 2.0]]), None, "inputs returned an array that is jagged"),
        (lambda e, p: ak.Array([[1.0], [None]]), None, "inputs returned an array that is jagged, has None"),
        (x_and_y, lambda f, p: np.zeros(1), r"evaluate returned an array of shape \(1,\), expected \(2,\) or"),
        (x_and_y, lambda f, p: ["a", "b"], "evaluate returned an array that is jagged, has None in it or isn't of num"),
    ],
)
def test_wrong_arrays(inputs: Any, values: Any, message: str) -> None:
    events = ak.Array({"x": [1.0, 2.0], "y": [0.0, 0.0]})
    columns = DelayedColumns([DelayedColumn("score", inputs, values or (lambda features, params: features[:, 0]))])
    with pytest.raises(ConfigError, match=f"^delayed column 'score': {message}"):
        columns.fill(events, np.arange(2), {})


def test_a_column_must_not_replace_another() -> None:
    events = ak.Array({"x": [1.0], "y": [0.0]})
    with pytest.raises(ConfigError, match="delayed column 'x': the events have a column or collection of that name"):
        DelayedColumns([DelayedColumn("x", x_and_y, formula)]).fill(events, np.arange(1), {})


def test_declarations() -> None:
    column = DelayedColumn("score", x_and_y, Recorder())
    assert check_delayed_columns([column]) == (column,)
    for wrong, message in [
        (column, "delayed_columns must be a list of DelayedColumn"),
        ([column, "score"], r"delayed_columns\[1\] must be a DelayedColumn, not 'score'"),
        ([column, DelayedColumn("score", x_and_y, formula)], "two columns are named 'score'"),
    ]:
        with pytest.raises(ConfigError, match=message):
            check_delayed_columns(wrong)
    with pytest.raises(ConfigError, match="a delayed column needs a name"):
        DelayedColumn("", x_and_y, formula)
    with pytest.raises(ConfigError, match=r"delayed column 'score': evaluate must be callable, not 'model\.onnx'"):
        DelayedColumn("score", x_and_y, "model.onnx")  # type: ignore[arg-type]
