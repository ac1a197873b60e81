"""Files of models: HDF5 with the arrays of each region, and names as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pocket.base.typing import Floats
from pocket.errors import StatisticsError
from pocket.statistics.formulas import Formula
from pocket.statistics.model import FreeParameter, McStat, Model, RegionModel, nested

#: of the layout of the file; another one can't be read
VERSION = 1
#: arrays of a region that are datasets of that name
ARRAYS = ("nominal", "sumw2", "data", "edges")


def save_model(model: Model, path: Path | str) -> None:
    """Write a model, of which each number keeps its bits.

    Args:
        model: the model.
        path: the file, replaced if it is there.

    >>> region = RegionModel("sr", ("signal",), np.array([[5.0]]), np.array([[0.1]]), factors={"signal": ("r",)})
    >>> save_model(Model((region,), pois={"r": FreeParameter(0, 10)}), "model.h5")
    >>> load_model("model.h5").region("sr").nominal.tolist()
    [[5.0]]
    """
    description = {
        "version": VERSION,
        "regions": [region.name for region in model.regions],
        "pois": _free_to_json(model.pois),
        "free": _free_to_json(model.free),
        "nuisances": model.nuisances,
        "formulas": {name: [formula.expression, formula.arguments] for name, formula in model.formulas.items()},
        "groups": model.groups,
        "smallest_norm": model.smallest_norm,
    }
    # The order of creation is that of the file, so equal models have equal files.
    with h5py.File(path, "w", track_order=True) as file:
        file["names"] = json.dumps(description)
        for number, region in enumerate(model.regions):
            _write_region(file.create_group(f"region{number}", track_order=True), region)


def load_model(path: Path | str) -> Model:
    """Return the model of a file.

    Args:
        path: the file, as :func:`save_model` writes it.

    Raises:
        StatisticsError: if the file can't be read, or holds something else.
    """
    try:
        with h5py.File(path) as file:
            description = json.loads(file["names"][()])
            if description["version"] != VERSION:
                raise StatisticsError(f"{path} has version {description['version']} of models, but {VERSION} is known")
            regions = tuple(
                _read_region(file[f"region{number}"], name) for number, name in enumerate(description["regions"])
            )
    except (OSError, KeyError, ValueError) as error:
        raise StatisticsError(f"{path} isn't a file of a model: {error}") from None
    return Model(
        regions=regions,
        pois=_free_from_json(description["pois"]),
        nuisances=tuple(description["nuisances"]),
        free=_free_from_json(description["free"]),
        formulas={name: Formula(text, tuple(arguments)) for name, (text, arguments) in description["formulas"].items()},
        groups={name: tuple(members) for name, members in description["groups"].items()},
        smallest_norm=description["smallest_norm"],
    )


def _write_region(group: Any, region: RegionModel) -> None:
    for name in ARRAYS:
        value = getattr(region, name)
        if value is not None:
            group[name] = value
    shapes = [(nuisance, process) for nuisance, effects in region.shapes.items() for process in effects]
    factors = [(nuisance, process) for nuisance, effects in region.log_normals.items() for process in effects]
    group["shapes"] = _stack([np.stack(region.shapes[name][process]) for name, process in shapes], (2, region.bins))
    group["log_normals"] = _stack([np.array(region.log_normals[name][process]) for name, process in factors], (2,))
    described: dict[str, Any] = {
        "processes": region.processes,
        "shapes": shapes,
        "log_normals": factors,
        "factors": region.factors,
        "mc_stat": region.mc_stat and [region.mc_stat.threshold, region.mc_stat.include_signal],
    }
    if region.weighted:
        described["weighted"] = True
    if region.logarithmic:
        described["logarithmic"] = region.logarithmic
    # Attributes hold 64 kB at most, which the names of many variations exceed.
    group["names"] = json.dumps(described)


def _read_region(group: Any, name: str) -> RegionModel:
    described = json.loads(group["names"][()])
    shapes, kappas = group["shapes"][()], group["log_normals"][()].tolist()
    arrays: dict[str, Any] = {array: group[array][()] for array in ARRAYS if array in group}
    return RegionModel(
        name=name,
        processes=tuple(described["processes"]),
        shapes=nested((*names, (up, down)) for names, (up, down) in zip(described["shapes"], shapes, strict=True)),
        log_normals=nested(
            (*names, (down, up)) for names, (down, up) in zip(described["log_normals"], kappas, strict=True)
        ),
        factors={process: tuple(names) for process, names in described["factors"].items()},
        mc_stat=McStat(*described["mc_stat"]) if described["mc_stat"] else None,
        weighted=described.get("weighted", False),
        logarithmic=tuple(described.get("logarithmic", ())),
        **arrays,
    )


def _stack(values: list[Floats], shape: tuple[int, ...]) -> Floats:
    return np.stack(values) if values else np.zeros((0, *shape))


def _free_to_json(parameters: Mapping[str, FreeParameter]) -> dict[str, list[float | None]]:
    """Return ranges and initial values; JSON has no infinity, so ends without a bound are null."""
    return {
        name: [*(end if math.isfinite(end) else None for end in (entry.low, entry.high)), entry.initial]
        for name, entry in parameters.items()
    }


def _free_from_json(values: Mapping[str, list[Any]]) -> dict[str, FreeParameter]:
    return {
        name: FreeParameter(-math.inf if low is None else low, math.inf if high is None else high, initial)
        for name, (low, high, initial) in values.items()
    }
