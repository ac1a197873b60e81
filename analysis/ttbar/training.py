"""Training of the models in ``models/``, on the columns that the configuration ``columns`` exports.

Run ``python -m analysis.ttbar.training FOLDER`` with the output folder of ``law run MergeOutputs --analysis ttbar
--config columns --version v1``. Equal columns give equal models.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import xgboost
from onnx import TensorProto, helper, numpy_helper
from scipy import optimize, special

from analysis.ttbar.classifier import MODELS, features
from analysis.ttbar.workflow import TTBAR
from pocket.columns import read_columns

Floats = npt.NDArray[Any]

SIGNAL, BACKGROUND = f"{TTBAR}__ttB", (f"{TTBAR}__ttC", f"{TTBAR}__ttLF")
CATEGORY = "inclusive"
#: strength of the penalty on large coefficients, in units of the mean loss
PENALTY = 0.01
TREES = 20
BOOSTING = {"objective": "binary:logistic", "max_depth": 2, "eta": 0.2, "nthread": 1, "seed": 1}


def training_sample(folder: Path) -> tuple[Floats, Floats, Floats]:
    """Return features, labels and weights of simulated tt̄; the labels 0 and 1 have the same sum of weights.

    Args:
        folder: output of ``MergeOutputs`` for the configuration ``columns``.

    Returns:
        Arrays of shape (n events, n features), (n events,) and (n events,).
    """
    parts = []
    for sample in (SIGNAL, *BACKGROUND):
        events = read_columns(folder, sample, CATEGORY)
        values = features(events.JetGood_pt, events.JetGood_btagDeepFlavB, events.MET_pt)
        # A likelihood needs positive weights.
        parts.append((values, np.full(len(values), float(sample == SIGNAL)), np.abs(np.asarray(events.weight))))
    values, labels, weights = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    for label in (0, 1):
        weights[labels == label] /= 2 * weights[labels == label].sum()
    return values, labels, weights


def logistic_regression(values: Floats, labels: Floats, weights: Floats) -> tuple[Floats, float]:
    """Return the fit of the logit of label 1's probability as a linear function, with a penalty on large coefficients.

    Returns:
        Coefficients of shape (n features,) and the constant, for unscaled features.
    """
    mean = np.average(values, axis=0, weights=weights)
    width = np.sqrt(np.average((values - mean) ** 2, axis=0, weights=weights))
    scaled = (values - mean) / width

    def loss(parameters: Floats) -> tuple[float, Floats]:
        logit = scaled @ parameters[1:] + parameters[0]
        residual = weights * (special.expit(logit) - labels)
        value = np.sum(weights * (np.logaddexp(0, logit) - labels * logit)) + PENALTY * np.sum(parameters[1:] ** 2)
        return value, np.array([residual.sum(), *(residual @ scaled + 2 * PENALTY * parameters[1:])])

    found = optimize.minimize(loss, np.zeros(values.shape[1] + 1), jac=True, method="L-BFGS-B")
    coefficients = found.x[1:] / width
    return coefficients, float(found.x[0] - coefficients @ mean)


def write_onnx(path: Path, coefficients: Floats, constant: float) -> None:
    """Write a logistic regression as an ONNX model."""
    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["features", "coefficients", "constant"], ["logit"]),
            helper.make_node("Sigmoid", ["logit"], ["probability"]),
        ],
        "logistic_regression",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", len(coefficients)])],
        [helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["n", 1])],
        [
            numpy_helper.from_array(coefficients[:, None].astype(np.float32), "coefficients"),
            numpy_helper.from_array(np.array([constant], dtype=np.float32), "constant"),
        ],
    )
    # The version is older than the library's default, so that older runtimes can read the model.
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def train(folder: Path, target: Path) -> None:
    """Train both models and write ``logistic.onnx`` and ``trees.ubj``.

    Args:
        folder: see :func:`training_sample`.
        target: an existing folder.
    """
    values, labels, weights = training_sample(folder)
    write_onnx(target / "logistic.onnx", *logistic_regression(values, labels, weights))
    # The options of trees refer to numbers of events, so the mean weight is 1 here.
    data = xgboost.DMatrix(values, label=labels, weight=weights * len(weights))
    xgboost.train(BOOSTING, data, TREES).save_model(target / "trees.ubj")


if __name__ == "__main__":
    train(Path(sys.argv[1]), MODELS)
