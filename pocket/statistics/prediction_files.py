"""Files of predictions: HDF5 with the expectations of each region before and after a fit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pocket.errors import StatisticsError
from pocket.statistics.predictions import Prediction

#: arrays of a prediction that are datasets of that name, if there are any
ARRAYS = ("edges", "data", "total", "covariance")


def save_predictions(predictions: Mapping[str, Mapping[str, Prediction]], path: Path | str) -> None:
    """Write predictions.

    Args:
        predictions: ``"prefit"``, ``"postfit"`` or other names → region → prediction.
        path: the file, replaced if it is there.

    >>> one = Prediction("sr", None, None, {"s": np.ones(1)}, {"s": np.ones(1)}, np.ones(1), np.ones((1, 1)), {})
    >>> save_predictions({"postfit": {"sr": one}}, "postfit.h5")
    >>> load_predictions("postfit.h5")["postfit"]["sr"].total.tolist()
    [1.0]
    """
    with h5py.File(path, "w", track_order=True) as file:
        for name, by_region in predictions.items():
            group = file.create_group(name, track_order=True)
            for region, prediction in by_region.items():
                _write(group.create_group(region, track_order=True), prediction)


def load_predictions(path: Path | str) -> dict[str, dict[str, Prediction]]:
    """Return the predictions of a file.

    Args:
        path: the file, as :func:`save_predictions` writes it.

    Raises:
        StatisticsError: if the file can't be read, or holds something else.
    """
    try:
        with h5py.File(path) as file:
            return {
                name: {region: _read(group, region) for region, group in by_region.items()}
                for name, by_region in file.items()
            }
    except (OSError, KeyError, ValueError) as error:
        raise StatisticsError(f"{path} isn't a file of predictions: {error}") from None


def _write(group: Any, prediction: Prediction) -> None:
    for name in ARRAYS:
        if (value := getattr(prediction, name)) is not None:
            group[name] = value
    group["processes"] = np.array(list(prediction.processes.values()))
    group["errors"] = np.array([prediction.errors[process] for process in prediction.processes])
    group["names"] = json.dumps({"processes": list(prediction.processes), "yields": prediction.yields})


def _read(group: Any, region: str) -> Prediction:
    described = json.loads(group["names"][()])
    arrays: dict[str, Any] = {name: group[name][()] if name in group else None for name in ARRAYS}
    processes, errors = (
        dict(zip(described["processes"], group[name][()], strict=True)) for name in ("processes", "errors")
    )
    yields = {name: (value, error) for name, (value, error) in described["yields"].items()}
    return Prediction(region=region, processes=processes, errors=errors, yields=yields, **arrays)
