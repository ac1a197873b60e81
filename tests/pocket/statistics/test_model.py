"""Models: what is checked when they are built, combination, and files that keep each bit."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from pocket.errors import PocketError
from pocket.statistics.formulas import Formula
from pocket.statistics.likelihood import Likelihood
from pocket.statistics.model import FreeParameter, McStat, Model, RegionModel, combine_models
from pocket.statistics.model_files import load_model, save_model
from tests.entries import check_each
from tests.pocket.statistics import models

NOMINAL = np.array([[1.0, 5.0], [20.0, 10.0]])
REGION: dict[str, Any] = {
    "name": "sr",
    "processes": ("signal", "other"),
    "nominal": NOMINAL,
    "sumw2": NOMINAL / 10,
    "data": np.array([22.0, 13.0]),
    "edges": np.array([0.0, 50.0, 100.0]),
    "shapes": {"jes": {"other": (NOMINAL[1] * 1.1, NOMINAL[1] * 0.9)}},
    "log_normals": {"lumi": {"signal": (0.98, 1.02)}},
    "factors": {"signal": ("r",)},
    "mc_stat": McStat(),
}
MODEL: dict[str, Any] = {
    "regions": (RegionModel(**REGION),),
    "pois": {"r": FreeParameter(0, 10)},
    "nuisances": ("jes", "lumi"),
}
HALF = np.array([10.0, math.nan])


@check_each(
    ("change", "message"),
    [
        ({"nominal": NOMINAL[:1]}, "nominal of region 'sr' has shape (1, 2), but there are 2 processes"),
        ({"processes": ("other", "other")}, "a process appears twice in region 'sr'"),
        ({"sumw2": NOMINAL[:1]}, "sumw2 of region 'sr' has shape (1, 2), not (2, 2) as nominal"),
        ({"data": np.array([1.0])}, "data of region 'sr' has shape (1,), but there are 2 bins"),
        ({"edges": None}, "region 'sr' is a counting region without edges, but has 2 bins"),
        ({"edges": np.array([0.0, 1.0, 1.0])}, "the edges of region 'sr' must be 3 numbers that increase"),
        (
            {"nominal": NOMINAL * [[1], [-1]]},
            "the nominal template of process 'other' in region 'sr' is negative in bin 0, [0, 50): -20.0",
        ),
        (
            {"nominal": np.stack([NOMINAL[0], HALF])},
            "process 'other' in region 'sr' isn't a number in bin 1, [50, 100): nan",
        ),
        ({"nominal": NOMINAL * [[0], [1]]}, "process 'signal' in region 'sr' is empty, so it must be left out"),
        ({"sumw2": -NOMINAL}, "sumw2 of process 'signal' in region 'sr' is negative in bin 0, [0, 50)"),
        ({"data": np.array([22.0, 1.5])}, "the data of region 'sr' aren't whole: 1.5 events in bin 1, [50, 100)"),
        ({"data": np.array([22.0, -1.0])}, "the data of region 'sr' is negative in bin 1, [50, 100): -1.0"),
        (
            {"shapes": {"jes": {"othr": (NOMINAL[1], NOMINAL[1])}}},
            "unknown process 'othr' in the shapes of nuisance 'jes' in region 'sr', did you mean 'other'?",
        ),
        (
            {"shapes": {"jes": {"other": (NOMINAL[1], NOMINAL[1, :1])}}},
            "the template down of nuisance 'jes' of process 'other' in region 'sr' has shape (1,), but",
        ),
        (
            {"shapes": {"jes": {"other": (-NOMINAL[1], NOMINAL[1])}}},
            "the template up of nuisance 'jes' of process 'other' in region 'sr' is negative in bin 0, [0, 50): -20.0",
        ),
        (
            {"shapes": {"jes": {"other": (0 * NOMINAL[1], NOMINAL[1])}}},
            "the template up of nuisance 'jes' of process 'other' in region 'sr' is empty",
        ),
        (
            {"log_normals": {"lumi": {"signal": (0.0, 1.02)}}},
            "the factors (0.0, 1.02) of nuisance 'lumi' of process 'signal' in region 'sr' must be positive",
        ),
        (
            {"factors": {"sgnal": ("r",)}},
            "unknown process 'sgnal' in the factors of region 'sr', did you mean 'signal'?",
        ),
    ],
)
def test_wrong_regions(change: dict[str, Any], message: str) -> None:
    with pytest.raises(PocketError) as error:
        RegionModel(**REGION | change)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@check_each(
    ("change", "message"),
    [
        ({"regions": ()}, "the model has no region"),
        ({"pois": {}}, "the model has no parameter of interest"),
        ({"regions": MODEL["regions"] * 2}, "two regions of the model are named 'sr'"),
        ({"free": {"lumi": FreeParameter()}}, "two parameters or formulas of the model are named 'lumi'"),
        ({"nuisances": ("jes",)}, "unknown nuisance 'lumi' in region 'sr'; known: jes"),
        ({"nuisances": ("jes", "lumi", "pileup")}, "the parameter 'pileup' changes no process of any region"),
        ({"pois": {"mu": FreeParameter()}}, "unknown factor 'r' in process 'signal' of region 'sr'; known: mu"),
        ({"formulas": {"f": Formula("@0", ("x",))}}, "unknown parameter 'x' in the formula 'f'"),
        ({"groups": {"theory": ("jet",)}}, "unknown parameter 'jet' in group 'theory', did you mean 'jes'?"),
        ({"groups": {"theory": ("r",)}}, "unknown parameter 'r' in group 'theory'"),
    ],
)
def test_wrong_models(change: dict[str, Any], message: str) -> None:
    with pytest.raises(PocketError) as error:
        Model(**MODEL | change)
    assert message in str(error.value)


def test_wrong_parameters() -> None:
    with pytest.raises(PocketError, match="the range from 2 to 1 of a parameter is empty"):
        FreeParameter(2, 1)
    with pytest.raises(PocketError, match="the initial value 1 is outside of 2 to 3"):
        FreeParameter(2, 3)
    with pytest.raises(PocketError, match="the threshold of McStat is -1, but must not be negative"):
        McStat(-1)


def test_names_of_a_model() -> None:
    model = Model(**MODEL)
    assert model.parameters == ("r", "jes", "lumi")
    assert model.processes == ("signal", "other")
    assert model.signals(model.region("sr")) == ("signal",)
    assert model.blind == ()
    assert model.without_data(["sr"]).blind == ("sr",)
    with pytest.raises(PocketError, match="unknown region 'cr' in the model; known: sr"):
        model.region("cr")


def test_models_are_combined_by_name() -> None:
    first = Model(**MODEL, groups={"experimental": ("jes",)})
    changes = {"name": "cr", "log_normals": {"rate": {"other": (0.8, 1.2)}}}
    second = Model(
        regions=(RegionModel(**REGION | changes),),
        pois=MODEL["pois"],
        nuisances=("jes", "rate"),
        groups={"experimental": ("jes",), "theory": ("rate",)},
    )
    both = combine_models(first, second)
    assert both.parameters == ("r", "jes", "lumi", "rate")
    assert both.groups == {"experimental": ("jes",), "theory": ("rate",)}
    values = {"r": 1.3, "jes": 0.4, "lumi": -0.7, "rate": 1.2}
    likelihoods = [Likelihood(model) for model in (first, second, both)]
    deviances = [
        likelihood.deviance(np.array([values[name] for name in likelihood.parameters.names]))
        for likelihood in likelihoods
    ]
    # The constraint of what both have counts once.
    assert deviances[2] == pytest.approx(deviances[0] + deviances[1] - 0.4**2, rel=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, "two regions of the model are named 'sr'"),
        ({"pois": {"r": FreeParameter(0, 5)}}, "the parameter of interest 'r' is FreeParameter(low=0, high=10"),
        ({"smallest_norm": 0.0}, "their smallest_norm differs"),
    ],
)
def test_models_that_do_not_fit_together(change: dict[str, Any], message: str) -> None:
    with pytest.raises(PocketError) as error:
        combine_models(Model(**MODEL), Model(**MODEL | change))
    assert message in str(error.value)


def same(left: Any, right: Any) -> bool:
    """Whether two values are equal to the bit."""
    if dataclasses.is_dataclass(left) and not isinstance(left, type):
        return type(left) is type(right) and all(
            same(getattr(left, field.name), getattr(right, field.name)) for field in dataclasses.fields(left)
        )
    if isinstance(left, np.ndarray):
        return isinstance(right, np.ndarray) and left.shape == right.shape and left.tobytes() == right.tobytes()
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, tuple):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


@pytest.mark.parametrize("seed", range(5))
def test_files_keep_each_bit(tmp_path: Path, seed: int) -> None:
    model = models.random(seed)
    model = dataclasses.replace(model.without_data(["region0"]), free={**model.free, "norm": FreeParameter()})
    save_model(model, tmp_path / "model.h5")
    assert same(load_model(tmp_path / "model.h5"), model)


def test_files_of_equal_models_are_equal(tmp_path: Path) -> None:
    for name in ("one.h5", "two.h5"):
        save_model(models.random(1), tmp_path / name)
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "two.h5").read_bytes()


def test_files_of_something_else(tmp_path: Path) -> None:
    with pytest.raises(PocketError, match=r"none\.h5 isn't a file of a model"):
        load_model(tmp_path / "none.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["names"] = '{"version": 0}'
    with pytest.raises(PocketError, match="has version 0 of models, but 1 is known"):
        load_model(tmp_path / "other.h5")
