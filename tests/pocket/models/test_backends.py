from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import xgboost
from onnx import TensorProto, helper, numpy_helper

from pocket.base.fingerprint import digest
from pocket.errors import ChangedFileError, ConfigError, UnknownNameError
from pocket.models.backends import OnnxModel, XGBoostModel
from pocket.models.delayed_columns import DelayedColumn
from pocket.parameters.used_files import recording_files

WEIGHTS, BIAS = np.array([[0.5], [-2.0], [0.1]], dtype=np.float32), np.array([0.25], dtype=np.float32)


@pytest.fixture
def features() -> Any:
    return np.random.default_rng(4).normal(size=(500, 3)).astype(np.float32)


def logistic_regression(path: Path, weights: Any = WEIGHTS) -> Path:
    """Write sigmoid(x · weights + bias) as ONNX, with the argument of the sigmoid as a second output."""
    nodes = [
        helper.make_node("Gemm", ["features", "weights", "bias"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["probability"]),
    ]
    shape = ["n", weights.shape[1]]
    graph = helper.make_graph(
        nodes,
        "logistic_regression",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", len(weights)])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("probability", "logit")],
        [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(BIAS, "bias")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def boosted_trees(path: Path, features: Any, **settings: Any) -> xgboost.Booster:
    """Train trees that tell whether the first feature is larger than the second, and write them."""
    data = xgboost.DMatrix(features, label=features[:, 0] > features[:, 1])
    parameters = {"objective": "binary:logistic", "base_score": 0.5, "max_depth": 3, "nthread": 1, **settings}
    booster = xgboost.train(parameters, data, 10)
    booster.save_model(path)
    return booster


def tree_scores(booster: xgboost.Booster, features: Any) -> Any:
    """Return the sigmoid of the sum over the trees, from a dump of them."""
    trees = [json.loads(tree) for tree in booster.get_dump(dump_format="json")]
    margins = np.array([sum(leaf(tree, row) for tree in trees) for row in features])
    return 1 / (1 + np.exp(-margins))


def leaf(node: dict[str, Any], row: Any) -> float:
    """Walk down a tree of a dump."""
    while "children" in node:
        value = row[int(node["split"].removeprefix("f"))]
        below = np.isfinite(value) and value < np.float32(node["split_condition"])
        chosen = node["missing"] if np.isnan(value) else node["yes"] if below else node["no"]
        node = next(child for child in node["children"] if child["nodeid"] == chosen)
    return float(node["leaf"])


def test_onnx_model_gives_the_closed_formula(tmp_path: Path, features: Any) -> None:
    path = logistic_regression(tmp_path / "model.onnx")
    logit = features.astype(float) @ WEIGHTS[:, 0].astype(float) + float(BIAS[0])
    assert OnnxModel(path)(features, {}) == pytest.approx(1 / (1 + np.exp(-logit)), rel=1e-5)
    assert OnnxModel(path, output="logit")(features, {}) == pytest.approx(logit, rel=1e-5, abs=1e-6)


def test_onnx_model_with_several_values(tmp_path: Path, features: Any) -> None:
    weights = np.hstack([WEIGHTS, -WEIGHTS])
    model = OnnxModel(logistic_regression(tmp_path / "model.onnx", weights), output="logit")
    assert model(features, {}) == pytest.approx(features @ weights + BIAS, rel=1e-5, abs=1e-6)


def test_xgboost_model_is_the_sum_over_its_trees(tmp_path: Path, features: Any) -> None:
    features[::7, 0] = np.nan
    booster = boosted_trees(tmp_path / "model.ubj", features)
    scores = XGBoostModel(tmp_path / "model.ubj")(features, {})
    assert scores == pytest.approx(tree_scores(booster, features), rel=1e-5)
    assert len(set(scores.tolist())) > 10


@pytest.mark.parametrize("kind", [OnnxModel, XGBoostModel])
def test_a_row_does_not_depend_on_the_others(tmp_path: Path, features: Any, kind: Callable[..., Any]) -> None:
    path = tmp_path / ("model.onnx" if kind is OnnxModel else "model.json")
    if kind is OnnxModel:
        logistic_regression(path)
    else:
        boosted_trees(path, features)
    model = pickle.loads(pickle.dumps(kind(path)))
    whole = model(features, {})
    for size in (1, 3, 64):
        parts = [model(features[start : start + size], {}) for start in range(0, len(features), size)]
        assert np.concatenate(parts).tolist() == whole.tolist()


def test_fingerprint_is_that_of_the_content(tmp_path: Path) -> None:
    first = logistic_regression(tmp_path / "a.onnx")
    same = logistic_regression(tmp_path / "b.onnx")
    other = logistic_regression(tmp_path / "c.onnx", 2 * WEIGHTS)

    def fingerprint(model: OnnxModel, within: bool) -> str:
        def evaluate(features: Any, params: Any) -> Any:
            return 2 * model(features, params)

        return digest(DelayedColumn("score", np.asarray, evaluate if within else model))

    for within in (False, True):
        assert fingerprint(OnnxModel(first), within) == fingerprint(OnnxModel(str(same)), within)
        different = [OnnxModel(first), OnnxModel(other), OnnxModel(first, output="logit")]
        assert len({fingerprint(model, within) for model in different}) == 3


def test_errors(tmp_path: Path, features: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = logistic_regression(tmp_path / "model.onnx")
    with pytest.raises(ConfigError, match=r"model file .*nowhere.onnx does not exist"):
        digest(OnnxModel(tmp_path / "nowhere.onnx"))
    with pytest.raises(UnknownNameError, match=r"unknown output 'logits' in model .*, did you mean 'logit'"):
        OnnxModel(path, output="logits")(features, {})
    with pytest.raises(ConfigError, match=r"model\.onnx can't be evaluated with 2 features: .*dimension"):
        OnnxModel(path)(features[:, :2], {})
    with pytest.raises(ConfigError, match=r"model\.onnx is no XGBoost model"):
        XGBoostModel(path)(features, {})
    booster = tmp_path / "model.json"
    boosted_trees(booster, features)
    with pytest.raises(ConfigError, match=r"model\.json can't be evaluated with 2 features: .*mismatch"):
        XGBoostModel(booster)(features[:, :2], {})
    with pytest.raises(ConfigError, match=r"model\.json is no ONNX model"):
        OnnxModel(booster)(features, {})
    other = logistic_regression(tmp_path / "other.onnx")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ConfigError, match=r"other\.onnx needs onnxruntime, which the extra 'ml'"):
        OnnxModel(other)(features, {})


def test_model_that_is_replaced(tmp_path: Path, features: Any) -> None:
    path = logistic_regression(tmp_path / "model.onnx")
    first = OnnxModel(path)(features, None)
    logistic_regression(path, -WEIGHTS)
    assert not np.allclose(OnnxModel(path)(features, None), first)
    with recording_files() as used:
        second = OnnxModel(path)(features, None)
        logistic_regression(path, WEIGHTS)
        assert np.array_equal(OnnxModel(path)(features, None), second)
        with pytest.raises(ChangedFileError, match="was changed while it was used"):
            used.checksums()
