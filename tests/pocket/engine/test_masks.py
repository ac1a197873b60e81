from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocket.cuts.categories import StandardSelection
from pocket.cuts.cut import Cut
from pocket.engine.masks import CutMasks, category_masks, evaluator, to_bits

SIZE = 5


def make_cut(number: int) -> Cut:
    """Return a cut on column ``number``, with a name that all share."""
    return Cut("same", {"number": number}, lambda events, params, **kwargs: events[str(params["number"])])


@settings(max_examples=30)
@given(
    columns=st.lists(
        st.lists(st.sampled_from([True, False, None]), min_size=SIZE, max_size=SIZE), min_size=1, max_size=6
    ),
    data=st.data(),
)
def test_categories_are_the_logical_and(columns: list[list[bool | None]], data: st.DataObject) -> None:
    events = ak.Array([{str(n): column[i] for n, column in enumerate(columns)} for i in range(SIZE)])
    cuts = [make_cut(number) for number in range(len(columns))]
    chosen = data.draw(st.lists(st.lists(st.integers(0, len(cuts) - 1)), min_size=1, max_size=80))
    selection = StandardSelection({f"c{n}": [cuts[k] for k in numbers] for n, numbers in enumerate(chosen)})
    evaluate = evaluator(events, {}, {"year": "2018", "sample": "DY", "isMC": True})
    masks = category_masks(selection, CutMasks(evaluate, SIZE), events)
    words = masks.event_words
    assert words.shape == (SIZE, -(-len(chosen) // 64))
    for number, (category, numbers) in enumerate(zip(selection, chosen, strict=True)):
        for event in range(SIZE):
            expected = all(columns[k][event] for k in numbers)
            assert masks.of(category)[event] == expected
            assert bool(int(words[event, number // 64]) >> (number % 64) & 1) == expected


@pytest.mark.parametrize("number", [1, 63, 64, 65, 128, 129])
def test_bits_of_many_categories(number: int) -> None:
    masks = [np.array([k % 2 == 0, k % 3 == 0]) for k in range(number)]
    words = to_bits(masks, 2)
    assert words.dtype == np.uint64
    for event in range(2):
        whole = sum(int(word) << (64 * n) for n, word in enumerate(words[event]))
        assert whole == sum(int(mask[event]) << k for k, mask in enumerate(masks))


def test_no_events() -> None:
    assert to_bits([np.zeros(0, dtype=bool)] * 70, 0).shape == (0, 2)
    assert CutMasks(lambda cut: np.zeros(0, dtype=bool), 0).all_of([]).tolist() == []


def test_a_cut_is_evaluated_once() -> None:
    evaluated: list[Any] = []

    def evaluate(cut: Cut) -> Any:
        evaluated.append(cut.params["number"])
        return np.array([True, False, True, True, False])

    first, twin, second = make_cut(1), make_cut(1), make_cut(2)
    selection = StandardSelection({"a": [first, second], "b": [second], "c": [first, twin]})
    masks = category_masks(selection, CutMasks(evaluate, SIZE), ak.Array({"x": np.zeros(SIZE)}))
    # equal cuts are two cuts: their functions may hold different things
    assert evaluated == [1, 2, 1]
    # the masks of cuts stay as they are when they are combined
    assert masks.of("b").tolist() == [True, False, True, True, False]
    assert masks.of("a").tolist() == [True, False, True, True, False]


def test_evaluator_hands_over_the_dataset() -> None:
    seen: dict[str, Any] = {}

    def function(events: Any, params: Any, **kwargs: Any) -> Any:
        seen.update(kwargs)
        return events.x > 0

    metadata = {"year": 2018, "sample": "DY", "isMC": True, "era": "A"}
    mask = evaluator(ak.Array({"x": [1.0, -1.0]}), {"p": 1}, metadata)(Cut("x", {}, function))
    assert mask.tolist() == [True, False]
    assert seen == {"processor_params": {"p": 1}, "year": "2018", "sample": "DY", "isMC": True, "metadata": metadata}


def test_an_event_without_objects_is_in_no_category_per_object() -> None:
    events = ak.Array({"Jet": [[{"pt": 10.0}, {"pt": 30.0}], [], [{"pt": 40.0}]]})
    hard = Cut("hard", {}, lambda events, params, **kwargs: events.Jet.pt > 20, collection="Jet")
    every = Cut("every", {}, lambda events, params, **kwargs: np.ones(len(events), dtype=bool))
    evaluate = evaluator(events, {}, {"year": "2018", "sample": "DY", "isMC": True})
    masks = category_masks(StandardSelection({"all": [every], "hard": [hard]}), CutMasks(evaluate, 3), events)

    def inside(mode: str) -> list[list[bool]]:
        patterns = masks.collapsed(mode, "histogram")
        rows = [int(word) for word in patterns.words[patterns.of_row, 0]]
        return [[bool(word >> bit & 1) for word in rows] for bit in range(2)]

    assert inside("OR") == [[True, True, True], [True, False, True]]
    assert inside("AND") == [[True, True, True], [False, False, True]]
