from __future__ import annotations

from typing import Any

import pytest

from pocket.corrections.unfolding import absolute_inputs, unfolded
from tests.pocket.scale_factors.correction_trees import binning, category, evaluator, published, value_at

INPUTS = {"eta": "real", "genmatch": "int"}
ABSOLUTE = {"nodetype": "formula", "expression": "abs(x)", "parser": "TFormula", "variables": ["eta"]}


def transform(name: str, rule: Any, content: Any) -> dict[str, Any]:
    return {"nodetype": "transform", "input": name, "rule": rule, "content": content}


def of_eta(*values: float) -> dict[str, Any]:
    return transform("eta", ABSOLUTE, binning("eta", [0.0, 1.0, 2.4], values, "error"))


def test_bins_of_the_absolute_value() -> None:
    correction = published(category("genmatch", {1: of_eta(0.9, 1.1), 5: 1.0}), INPUTS)
    assert absolute_inputs(correction) == {"eta": "|eta|"}
    plain = unfolded(correction)
    assert [axis["name"] for axis in plain["inputs"]] == ["|eta|", "genmatch"]
    assert "transform" not in str(plain)
    before, after = evaluator(correction), evaluator(plain)
    for eta in (0.0, 0.5, 1.0, 2.3, 2.4, 3.0):
        for genmatch in (1, 5, 6):
            for sign in (-1, 1):
                assert value_at(before, sign * eta, genmatch) == value_at(after, eta, genmatch)


def test_an_input_that_is_used_as_it_is_keeps_its_meaning() -> None:
    correction = published(binning("eta", [-3.0, 0.0, 3.0], [of_eta(0.9, 1.1), 1.0]), INPUTS)
    assert absolute_inputs(correction) == {}
    assert unfolded(correction) == {**correction, "inputs": unfolded(correction)["inputs"]}


def test_an_input_that_a_formula_elsewhere_uses_keeps_its_meaning() -> None:
    formula = {"nodetype": "formularef", "index": 0, "parameters": [0.1]}
    correction = {
        **published(category("genmatch", {1: of_eta(0.9, 1.1), 5: formula}), INPUTS),
        "generic_formulas": [
            {"nodetype": "formula", "expression": "1+[0]*x", "parser": "TFormula", "variables": ["eta"]}
        ],
    }
    assert absolute_inputs(correction) == {}
    before, after = evaluator(correction), evaluator(unfolded(correction))
    for genmatch in (1, 5):
        assert [value_at(before, eta, genmatch) for eta in (-0.5, 0.5)] == [
            value_at(after, eta, genmatch) for eta in (-0.5, 0.5)
        ]
    assert value_at(before, -0.5, 5) != value_at(before, 0.5, 5)


@pytest.mark.parametrize("default", [None, 2])
def test_keys_for_other_keys(default: int | None) -> None:
    # as in the corrections of taus: 1 and 3 are electrons, 2 and 4 muons
    rule = category("genmatch", {1: 1, 3: 1, 2: 2, 4: 2, 7: 9}, default)
    content = category("genmatch", {1: of_eta(0.9, 1.1), 2: 1.3}, 1.0)
    correction = published(transform("genmatch", rule, content), INPUTS)
    plain = unfolded(correction)
    assert "transform" not in str(plain)
    before, after = evaluator(correction), evaluator(plain)
    for eta in (0.5, 1.5, 2.5):
        for genmatch in range(9):
            assert value_at(before, eta, genmatch) == value_at(after, eta, genmatch)
