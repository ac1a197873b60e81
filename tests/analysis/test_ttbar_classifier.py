from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import onnx
import pytest
import xgboost
from onnx import numpy_helper

from analysis.ttbar import classifier, training
from analysis.ttbar.training import logistic_regression, train, training_sample, write_onnx
from pocket.columns.parquet import write_columns
from pocket.models.backends import OnnxModel, XGBoostModel
from tests.pocket.models.test_backends import tree_scores


def test_features() -> None:
    pt, btag = [[30.0, 90.0, 50.0, 40.0, 35.0], [60.0, 45.0]], [[0.5, 0.1, 0.9, 0.2, 0.3], [0.4, 0.6]]
    events = ak.zip(
        {"JetGood": ak.zip({"pt": pt, "btagDeepFlavB": btag}), "MET": ak.zip({"pt": [20.0, 70.0]})}, depth_limit=1
    )
    expected = [
        [90.0, 50.0, 40.0, 35.0, 0.9, 0.5, 0.3, 0.2, 5.0, 245.0, 20.0],
        [60.0, 45.0, 0.0, 0.0, 0.6, 0.4, 0.0, 0.0, 2.0, 105.0, 70.0],
    ]
    found = classifier.inputs(events, {})
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.array(expected, dtype=np.float32))
    assert classifier.inputs(events[:0], {}).shape == (0, 11)


@pytest.fixture
def columns(tmp_path: Path) -> Path:
    """Columns of tt̄ whose additional b jets have a high score, some of them with a negative weight."""
    random = np.random.default_rng(3)
    folder = tmp_path / "columns"
    folder.mkdir()
    for sample, size, power in ((training.SIGNAL, 60, 1.0), *((name, 200, 4.0) for name in training.BACKGROUND)):
        jets = 4 + random.integers(0, 3, size)
        records = ak.zip(
            {
                "weight": np.where(random.uniform(size=size) < 0.1, -2.0, 2.0),
                "JetGood_pt": ak.unflatten(30 + random.exponential(40, jets.sum()), jets),
                "JetGood_btagDeepFlavB": ak.unflatten(random.uniform(size=jets.sum()) ** power, jets),
                "MET_pt": random.exponential(50, size),
            },
            depth_limit=1,
        )
        write_columns(folder, {sample: {"tt": {training.CATEGORY: {"nominal": [records]}}}})
    return folder


def test_training_sample_has_both_classes_alike(columns: Path) -> None:
    values, labels, weights = training_sample(columns)
    assert values.shape == (460, 11)
    assert labels.sum() == 60
    assert weights[labels == 1].sum() == pytest.approx(0.5)
    assert weights[labels == 0].sum() == pytest.approx(0.5)
    assert weights.min() > 0


def test_models_tell_the_classes_apart_and_are_the_same_each_time(columns: Path, tmp_path: Path) -> None:
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        folder.mkdir()
        train(columns, folder)
    values, labels, _ = training_sample(columns)
    for name, model in (("logistic.onnx", OnnxModel), ("trees.ubj", XGBoostModel)):
        first, second = ((folder / name).read_bytes() for folder in folders)
        assert first == second
        scores = model(folders[0] / name)(values, {})
        assert 0 < scores.min() < scores.max() < 1
        assert scores[labels == 1].mean() > scores[labels == 0].mean() + 0.2


def test_regression_finds_the_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "PENALTY", 0.0)
    random = np.random.default_rng(5)
    values = random.normal([10.0, -3.0], [4.0, 0.5], size=(40_000, 2))
    logit = 0.3 * values[:, 0] - 2.0 * values[:, 1] - 8.0
    labels = (random.uniform(size=len(values)) < 1 / (1 + np.exp(-logit))).astype(float)
    coefficients, constant = logistic_regression(values, labels, np.full(len(values), 1 / len(values)))
    # the inverse of the Fisher information gives the errors: 0.003, 0.03 and 0.1
    assert coefficients == pytest.approx([0.3, -2.0], rel=0.05)
    assert constant == pytest.approx(-8.0, abs=0.4)


def test_penalty_makes_coefficients_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    values, labels = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0.0, 0.0, 1.0, 1.0])
    found = []
    for penalty in (0.01, 1.0):
        monkeypatch.setattr(training, "PENALTY", penalty)
        found.append(logistic_regression(values, labels, np.full(4, 0.25))[0][0])
    assert found[0] > found[1] > 0


def test_onnx_is_the_logistic_function(tmp_path: Path) -> None:
    write_onnx(tmp_path / "model.onnx", np.array([0.5, -1.0]), 0.25)
    scores = OnnxModel(tmp_path / "model.onnx")(np.array([[1.0, 0.0], [2.0, 3.0]], dtype=np.float32), {})
    assert scores.tolist() == pytest.approx([1 / (1 + math.exp(-0.75)), 1 / (1 + math.exp(1.75))], rel=1e-6)


def test_shipped_models() -> None:
    """The scores of the models in the analysis, from the numbers that are in them."""
    rng = np.random.default_rng(7)
    jets, scores, rest = rng.uniform(20, 200, (50, 4)), rng.uniform(0, 1, (50, 4)), rng.uniform(4, 300, (50, 3))
    values = np.column_stack([jets, scores, rest]).astype(np.float32)
    by_name: dict[str, Any] = {column.name: column.evaluate(values, {}) for column in classifier.columns}
    graph = onnx.load(str(classifier.MODELS / "logistic.onnx")).graph
    coefficients, constant = (numpy_helper.to_array(initializer) for initializer in graph.initializer)
    logit = values.astype(float) @ coefficients[:, 0].astype(float) + constant[0]
    np.testing.assert_allclose(by_name["score_onnx"], 1 / (1 + np.exp(-logit)), rtol=1e-4)
    booster = xgboost.Booster(model_file=str(classifier.MODELS / "trees.ubj"))
    np.testing.assert_allclose(by_name["score_xgboost"], tree_scores(booster, values), rtol=1e-5)
