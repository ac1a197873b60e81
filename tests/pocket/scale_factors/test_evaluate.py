from __future__ import annotations

from typing import Any

import awkward as ak
import correctionlib
import correctionlib.schemav2 as schema
import numpy as np
import pytest

from pocket.errors import ScaleFactorError
from pocket.scale_factors.evaluate import any_of_weight, object_weight
from pocket.scale_factors.writer import dumps
from tests.pocket.scale_factors.test_writer import result


@pytest.fixture(scope="module")
def corrections() -> correctionlib.CorrectionSet:
    return correctionlib.CorrectionSet.from_string(dumps(result(flow={"pt": "clamp", "abseta": "error"})))


@pytest.fixture(scope="module")
def muons() -> list[Any]:
    rng = np.random.default_rng(1)
    counts = rng.integers(0, 4, 200)
    pt = rng.exponential(30, counts.sum()).astype(np.float32)
    return [ak.unflatten(pt, counts), ak.unflatten(rng.uniform(0, 2.4, counts.sum()), counts)]


@pytest.mark.parametrize("systematic", ["nominal", "up", "stat_down"])
def test_product_over_objects(corrections: correctionlib.CorrectionSet, muons: list[Any], systematic: str) -> None:
    expected = []
    for pts, absetas in zip(*(array.to_list() for array in muons), strict=True):
        weight = 1.0
        for pt, abseta in zip(pts, absetas, strict=True):
            weight *= corrections["muon_id"].evaluate(pt, abseta, systematic)
        expected.append(weight)
    weights = object_weight(corrections["muon_id"], muons, systematic)
    assert weights.dtype == np.float64
    assert weights == pytest.approx(expected, rel=1e-12)
    assert expected.count(1.0) == np.sum(ak.num(muons[0]) == 0) > 0


@pytest.mark.parametrize("systematic", ["nominal", "down"])
def test_any_of_the_objects(corrections: correctionlib.CorrectionSet, muons: list[Any], systematic: str) -> None:
    data, mc = (corrections[f"muon_id_efficiency_{of}"] for of in ("data", "mc"))
    expected = []
    for pts, absetas in zip(*(array.to_list() for array in muons), strict=True):
        none_data = none_mc = 1.0
        for pt, abseta in zip(pts, absetas, strict=True):
            none_data *= 1 - data.evaluate(pt, abseta, systematic)
            none_mc *= 1 - mc.evaluate(pt, abseta)
        expected.append((1 - none_data) / (1 - none_mc) if pts else 1.0)
    assert any_of_weight(data, mc, muons, systematic) == pytest.approx(expected, rel=1e-12)


def test_no_events(corrections: correctionlib.CorrectionSet) -> None:
    empty = [ak.Array([[1.0]])[:0]] * 2
    data, mc = (corrections[f"muon_id_efficiency_{of}"] for of in ("data", "mc"))
    assert object_weight(corrections["muon_id"], empty, "nominal").shape == (0,)
    assert any_of_weight(data, mc, empty, "nominal").shape == (0,)


def test_no_efficiency_in_simulation() -> None:
    zero = schema.Correction(
        name="zero",
        version=1,
        inputs=[schema.Variable(name="pt", type="real")],
        output=schema.Variable(name="efficiency", type="real"),
        data=0.0,
    ).to_evaluator()
    with pytest.raises(ScaleFactorError, match="'zero': an event has no object with efficiency above zero"):
        any_of_weight(zero, zero, [ak.Array([[30.0], []])], "nominal")


@pytest.mark.parametrize(
    ("inputs", "systematic", "text"),
    [
        ([[[30.0]]], "nominal", r"'muon_id' needs 2 inputs \(pt, abseta\), not 1"),
        ([[[30.0]], [[1.0, 2.0]]], "nominal", "differ in their numbers of objects"),
        ([[[float("nan")]], [[1.0]]], "nominal", "input 'pt' has NaN"),
        ([[[30.0]], [[2.5]]], "nominal", "'muon_id', systematic 'nominal': Index above bounds"),
        ([[[30.0]], [[1.0]]], "upp", "'muon_id', systematic 'upp': Index not available"),
    ],
)
def test_refused(corrections: correctionlib.CorrectionSet, inputs: list[Any], systematic: str, text: str) -> None:
    with pytest.raises(ScaleFactorError, match=text):
        object_weight(corrections["muon_id"], [ak.Array(values) for values in inputs], systematic)
