"""Classifier scores of tt̄ with an additional b jet, computed once per event for all variations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from pocket import DelayedColumn
from pocket.models import OnnxModel, XGBoostModel

MODELS = Path(__file__).parent / "models"
LEADING = 4


def features(jet_pt: ak.Array, jet_btag: ak.Array, met_pt: ak.Array) -> npt.NDArray[np.float32]:
    """Return the inputs of the models: pt and b-tag score of four jets, number and summed pt of all, missing momentum.

    Args:
        jet_pt: pt of the jets in GeV, a list per event; if there are fewer than four, zeros are added.
        jet_btag: their b-tag scores.
        met_pt: missing transverse momentum in GeV, one per event.

    Returns:
        Shape (n events, 11), in single precision: the leading jets by pt, then the largest scores.
    """
    leading = [_leading(values) for values in (jet_pt, jet_btag)]
    jets = [np.asarray(ak.num(jet_pt)), np.asarray(ak.sum(jet_pt, axis=1))]
    return np.column_stack([*leading, *jets, np.asarray(met_pt)]).astype(np.float32)


def _leading(values: ak.Array) -> npt.NDArray[Any]:
    largest = ak.sort(values, axis=1, ascending=False)
    return ak.to_numpy(ak.fill_none(ak.pad_none(largest, LEADING, axis=1, clip=True), 0))


def inputs(events: Any, params: Any) -> npt.NDArray[np.float32]:
    """Return the features of preselected events."""
    return features(events.JetGood.pt, events.JetGood.btagDeepFlavB, events.MET.pt)


#: scores of the models, which were trained by :mod:`analysis.ttbar.training`
columns = [
    DelayedColumn("score_onnx", inputs, OnnxModel(MODELS / "logistic.onnx")),
    DelayedColumn("score_xgboost", inputs, XGBoostModel(MODELS / "trees.ubj")),
]
