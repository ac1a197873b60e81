from __future__ import annotations

import gzip
import itertools
import json
import math
from typing import Any

import correctionlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocket.corrections.cells import Side, compare
from pocket.corrections.regions import EVERYWHERE, Interval, Key, OtherKeys, parts_of
from tests.group_files import ROOT
from tests.pocket.scale_factors.correction_trees import FORMULAS, POINTS, YEARS, published, trees

POG = ROOT / "POG"


def side(correction: dict[str, Any]) -> Side:
    content = json.dumps({"schema_version": 2, "corrections": [correction]})
    return Side(correction, correctionlib.CorrectionSet.from_string(content)[correction["name"]].evaluate)


def contains(part: Any, value: Any) -> bool:
    if isinstance(part, Interval):
        return part.low <= value < part.high
    return part.key == value if isinstance(part, Key) else isinstance(part, OtherKeys) and value not in part.than


def of_bins(edges: list[float], content: list[Any], flow: Any = "clamp", name: str = "pt") -> dict[str, Any]:
    floats = [float(edge) for edge in edges]
    return {"nodetype": "binning", "input": name, "edges": floats, "content": content, "flow": flow}


def correction(tree: Any, **inputs: str) -> dict[str, Any]:
    axes = [{"name": name, "type": kind} for name, kind in inputs.items()]
    return {"name": "sf", "version": 1, "inputs": axes, "output": {"name": "w", "type": "real"}, "data": tree}


@settings(max_examples=40, deadline=None)
@given(data=st.data(), points=POINTS, year=st.sampled_from(YEARS), kind=st.sampled_from(["nominal", "up", "down"]))
def test_each_point_is_in_one_cell_with_the_values_of_both(data: Any, points: Any, year: str, kind: str) -> None:
    flows = ("clamp", "error")
    one, other = (data.draw(trees(flows, functions=False)) for _ in range(2))
    sides = [side(published(tree, generic_formulas=FORMULAS)) for tree in (one, other)]
    cells = list(compare(*sides))
    names = [axis["name"] for axis in sides[0].correction["inputs"]]
    for point in points:
        values = dict(zip(names, (*point, year, kind), strict=True))
        found = []
        for each in sides:
            try:
                found.append(each.evaluate(*values.values()))
            except (IndexError, RuntimeError, ValueError):
                found.append(None)
        inside = [cell for cell in cells if all(contains(part, values[name]) for name, part in cell.region.items())]
        if found == [None, None]:
            assert len(inside) <= 1
            continue
        (cell,) = inside
        assert [value is None for value in found] == [cell.left is None, cell.right is None]
        if None not in found:
            # correctionlib reads some numbers differently in the last bit
            assert [cell.left, cell.right] == pytest.approx(found, rel=1e-15)


def test_bins_that_differ_have_the_edges_of_both() -> None:
    left = side(correction(of_bins([10, 20, 50], [0.9, 1.1]), pt="real"))
    right = side(correction(of_bins([10, 30, 50, 80], [0.9, 1.1, 1.2], "error"), pt="real"))
    found = [(cell.region["pt"].text, cell.left, cell.right) for cell in compare(left, right)]
    assert sorted(map(str, found)) == sorted(
        map(
            str,
            [
                ("below 10", 0.9, None),
                ("10 to 20", 0.9, 0.9),
                ("20 to 30", 1.1, 0.9),
                ("30 to 50", 1.1, 1.1),
                ("50 to 80", 1.1, 1.2),
                ("from 80", 1.1, None),
            ],
        )
    )


def test_a_key_of_one_side() -> None:
    def tree(*keys: str) -> dict[str, Any]:
        content = [{"key": key, "value": of_bins([0, 1, 2], [1.0, 2.0], name="eta")} for key in keys]
        return {"nodetype": "category", "input": "syst", "content": content}

    sides = [side(correction(tree(*keys), syst="string", eta="real")) for keys in (("a", "b"), ("b", "c"))]
    cells = [cell for cell in compare(*sides) if not cell.is_same]
    assert [(cell.region, cell.left is None, cell.right is None) for cell in cells] == [
        ({"syst": Key("a")}, False, True),
        ({"syst": Key("c")}, True, False),
    ]
    assert sum(cell.is_same for cell in compare(*sides)) == 2


def test_formulas_are_compared_where_they_count() -> None:
    def formula(*parameters: float) -> dict[str, Any]:
        form = {"nodetype": "formula", "expression": "[0]+[1]*x", "parser": "TFormula", "variables": ["pt"]}
        return {**form, "parameters": list(parameters)}

    left, right = (
        side(
            correction(
                of_bins([0, 1, 2], [formula(1.0, 0.1), of_bins([20, 40], [formula(1.0, slope)])], name="eta"),
                eta="real",
                pt="real",
            )
        )
        for slope in (0.2, 0.3)
    )
    same, differs = compare(left, right)
    assert same.is_same
    assert math.isnan(same.difference)
    # the largest relative difference is at the upper edge of the bin
    assert differs.point == {"pt": np.nextafter(40.0, 0.0)}
    assert (differs.left, differs.right) == pytest.approx((9.0, 13.0))
    assert differs.ratio == pytest.approx(13 / 9)
    assert [point["pt"] for point, _, _ in differs.points] == pytest.approx([20.0, 30.0, 40.0])


def test_parts_cover_a_region_once() -> None:
    node = {
        "nodetype": "multibinning",
        "inputs": ["eta", "pt"],
        "edges": [{"n": 2, "low": 0.0, "high": 2.0}, [10.0, 20.0, 50.0]],
        "content": [1, 2, 3, 4],
        "flow": 7.0,
    }
    parts = parts_of(node, {"pt": Interval(15.0, 60.0, 15.0, 60.0)})
    for eta, pt in itertools.product((-1.0, 0.0, 0.5, 1.0, 2.0, 3.0), (15.0, 20.0, 49.0, 50.0, 59.0)):
        values = [
            value
            for region, value in parts
            if contains(region["pt"], pt) and contains(region.get("eta", EVERYWHERE), eta)
        ]
        inside = 0 <= eta < 2 and pt < 50
        assert values == ([1 + 2 * (eta >= 1) + (pt >= 20)] if inside else [7.0])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "name", "path"),
    [
        ("EGM/2022_Summer22/electron.json.gz", "Electron-ID-SF", (0, "value", 0, "value", 3, "value")),
        ("LUM/2018_UL/puWeights.json.gz", "Collisions18_UltraLegacy_goldenJSON", (1, "value")),
    ],
)
def test_one_bin_of_a_real_file(file: str, name: str, path: tuple[Any, ...]) -> None:
    if not (POG / file).exists():
        pytest.skip("the groups' files aren't beside the checkout")
    content = json.loads(gzip.decompress((POG / file).read_bytes()))
    (original,) = (one for one in content["corrections"] if one["name"] == name)
    changed = json.loads(json.dumps(original))
    node, keys = changed["data"], {}
    for step in path:
        if isinstance(step, int):
            keys[node["input"]] = node["content"][step]["key"]
            node = node["content"][step]
        else:
            node = node[step]
    number = len(node["content"]) // 2
    before = node["content"][number]
    node["content"][number] = before * 1.01
    cells = list(compare(side(original), side(changed)))
    (cell,) = (cell for cell in cells if not cell.is_same)
    assert (cell.left, cell.right) == (before, before * 1.01)
    assert {part.key for part in cell.region.values() if isinstance(part, Key)} == set(keys.values())
    # correctionlib finds the difference in the middle of that bin, and in no other one
    inputs = [axis["name"] for axis in original["inputs"]]
    for each in cells:
        point = [
            part.key if isinstance(part, Key) else part.middle
            for part in (each.region[input_] for input_ in inputs)
            if not isinstance(part, OtherKeys)
        ]
        if len(point) == len(inputs) and each.left is not None:
            values = [one.evaluate(*point) for one in (side_of(original), side_of(changed))]
            assert (values[0] != values[1]) == (each is cell)


_known: dict[int, Side] = {}


def side_of(one: dict[str, Any]) -> Side:
    return _known.setdefault(id(one), side(one))


def test_a_point_without_a_number_on_one_side_is_the_largest_difference() -> None:
    def formula(expression: str) -> dict[str, Any]:
        return {"nodetype": "formula", "expression": expression, "parser": "TFormula", "variables": ["pt"]}

    sides = (
        side(correction(of_bins([20, 40], [formula(expression)]), pt="real")) for expression in ("sqrt(x-25)", "x/2")
    )
    (differs,) = compare(*sides)
    assert not differs.is_same
    assert differs.point == {"pt": 20.0}
    assert (math.isnan(differs.left or 0.0), differs.right) == (True, 10.0)
