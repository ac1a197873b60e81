from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocket.corrections.tree import Fixing, combine, edges_of, keys_of
from pocket.errors import ScaleFactorError
from tests.pocket.scale_factors.correction_trees import (
    ETA,
    FLAVOURS,
    FORMULAS,
    KINDS,
    POINTS,
    PT,
    UNIFORM,
    YEARS,
    around,
    binning,
    category,
    evaluator,
    multibinning,
    published,
    trees,
    value_at,
)


def added(nominal: Any, error: Any, sign: int) -> Any:
    return combine(lambda value, size: value + sign * size, [nominal, error], "sf")


FORMULA = {**FORMULAS[0], "parameters": [0.9, 0.01]}


@settings(max_examples=30)
@given(tree=trees(("clamp", "error", "wrap"), functions=True), points=POINTS, year=st.sampled_from(YEARS))
def test_texts_are_fixed_and_inputs_renamed_without_changing_a_value(tree: Any, points: Any, year: str) -> None:
    original = evaluator(published(tree, generic_formulas=FORMULAS))
    names = {"eta": "abseta"}
    for kind in KINDS:
        fixing = Fixing({"year": year, "kind": kind}, names, "the correction")
        inputs = {"abseta": "real", "pt": "real", "flavor": "int"}
        formulas = [fixing.apply(formula) for formula in FORMULAS]
        fixed = evaluator(published(fixing.apply(tree), inputs, generic_formulas=formulas))
        for point in points:
            assert value_at(fixed, *point) == value_at(original, *point, year, kind)


@settings(max_examples=30)
@given(
    tree=trees(("clamp",), functions=False),
    points=POINTS,
    pt=st.one_of(st.sampled_from(around(*PT, 10.0, 25.0, 80.0)), st.floats(0, 200)),
    flavor=st.sampled_from(FLAVOURS),
)
def test_numbers_are_looked_up_as_the_library_does(tree: Any, points: Any, pt: float, flavor: int) -> None:
    original = evaluator(published(tree))
    fixing = Fixing({"pt": pt, "flavor": flavor}, {}, "the correction")
    fixed = evaluator(published(fixing.apply(tree), {"eta": "real", "year": "string", "kind": "string"}))
    for eta, _, _ in points:
        for kind in KINDS:
            assert value_at(fixed, eta, "2017", kind) == value_at(original, eta, pt, flavor, "2017", kind)


@pytest.mark.parametrize("flow", ["error", "wrap"])
def test_number_beyond_the_bins(flow: str) -> None:
    for pt in (19.0, 120.0):
        with pytest.raises(ScaleFactorError, match=rf"^sf: pt {pt} is out of range$"):
            Fixing({"pt": pt}, {}, "sf").apply(binning("pt", list(PT), [1.0, 2.0, 3.0], flow))
    assert Fixing({"pt": 20.0}, {}, "sf").apply(binning("pt", list(PT), [1.0, 2.0, 3.0], flow)) == 1.0


def test_key_that_some_bins_lack() -> None:
    tree = binning("pt", [20.0, 30.0, 40.0], [category("flavor", {4: 1.1, 5: 1.2}), category("flavor", {5: 1.2})])
    assert Fixing({"flavor": 5}, {}, "sf").apply(tree)["content"] == [1.2, 1.2]
    with pytest.raises(ScaleFactorError, match="sf: flavor 4 isn't covered everywhere"):
        Fixing({"flavor": 4}, {}, "sf").apply(tree)


@pytest.mark.parametrize(
    ("node", "kind"),
    [
        (FORMULA, "formula"),
        ({"nodetype": "transform", "input": "pt", "rule": 1.0, "content": 1.0}, "transform"),
        ({"nodetype": "hashprng", "inputs": ["eta", "pt"], "distribution": "normal"}, "hashprng"),
    ],
)
def test_number_where_nothing_is_looked_up(node: Any, kind: str) -> None:
    with pytest.raises(ScaleFactorError, match=rf"^sf: input 'pt' is in a {kind}, it can't be always 30$"):
        Fixing({"pt": 30}, {}, "sf").apply(category("year", {"2018": node}))


def test_kind_of_node_that_is_not_known() -> None:
    with pytest.raises(ScaleFactorError, match="sf: a node of the kind 'lwtnn' can't be imported"):
        Fixing({}, {}, "sf").apply({"nodetype": "lwtnn", "opaque": {}})


def test_keys_and_edges() -> None:
    tree = binning("pt", list(PT), [category("year", {"2017": 1.0}), 1.0, 1.0], category("year", {"2018": 1.0}, 2.0))
    assert keys_of(tree, "year") == {"2017", "2018"}
    assert keys_of(tree, "pt") == set()
    assert edges_of(["-inf", 0, "inf"]) == [-float("inf"), 0.0, float("inf")]
    assert edges_of(UNIFORM["eta"]) == pytest.approx([-2.4, -0.8, 0.8, 2.4])


def renumbered(tree: Any, values: Any) -> Any:
    """A tree with other numbers, but the same rules of transformations."""
    if isinstance(tree, float):
        return next(values)
    if not isinstance(tree, dict):
        return tree
    if tree["nodetype"] == "category":
        content = [{**item, "value": renumbered(item["value"], values)} for item in reversed(tree["content"])]
        return {**tree, "content": content, "default": renumbered(tree["default"], values)}
    if tree["nodetype"] == "transform":
        return {**tree, "content": renumbered(tree["content"], values)}
    content = [renumbered(child, values) for child in tree["content"]]
    return {**tree, "content": content, "flow": renumbered(tree["flow"], values)}


@settings(max_examples=30)
@given(
    tree=trees(("clamp", "error", "wrap"), functions=False),
    points=POINTS,
    random=st.randoms(use_true_random=False),
    transformed=st.booleans(),
    sign=st.sampled_from((1, -1)),
)
def test_errors_are_added(tree: Any, points: Any, random: Any, transformed: bool, sign: int) -> None:
    if transformed:
        tree = {"nodetype": "transform", "input": "pt", "rule": FORMULA, "content": tree}
    sizes = renumbered(tree, iter(random.random, None))
    nominal, errors, total = (evaluator(published(data)) for data in (tree, sizes, added(tree, sizes, sign)))
    for point in points:
        value, error = (value_at(of, *point, "2017", "sf") for of in (nominal, errors))
        found = value_at(total, *point, "2017", "sf")
        if value is None or error is None:
            assert found is None
        else:
            # the library reads numbers up to rounding
            assert found == pytest.approx(value + sign * error, rel=1e-14)


BINS = binning("pt", list(PT), [1.0, 1.1, 1.2])
BOTH = multibinning({"pt": [20.0, 30.0], "eta": list(ETA)}, [1.0, 1.1, 1.2])


@pytest.mark.parametrize(
    ("nominal", "error"),
    [
        (BINS, 0.1),
        (1.0, BINS),
        (BINS, binning("pt", [20.0, 30.0, 45.5, 121.0], [0.1, 0.1, 0.1])),
        (BINS, {**BINS, "input": "eta"}),
        (BINS, {**BINS, "flow": "error"}),
        ({**BINS, "flow": 1.0}, BINS),
        (BOTH, {**BOTH, "inputs": ["eta", "pt"]}),
        (category("year", {"2017": 1.0}), category("year", {"2018": 0.1})),
        (category("year", {"2017": 1.0}), category("year", {"2017": 0.1}, 0.2)),
        (FORMULA, FORMULA),
        (
            {"nodetype": "transform", "input": "pt", "rule": 1.0, "content": 1.0},
            {"nodetype": "transform", "input": "pt", "rule": 2.0, "content": 0.1},
        ),
    ],
)
def test_errors_elsewhere_are_refused(nominal: Any, error: Any) -> None:
    with pytest.raises(ScaleFactorError, match="sf: errors can only be added to values in the same bins, and not to"):
        added(nominal, error, 1)
