"""Cuts whose threshold is read where they run: from files and from the environment; each is a category of ``main``."""

from __future__ import annotations

import functools
import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from pocket.corrections.files import load_correction
from pocket.cuts.cut import Cut
from pocket.parameters.locations import local_path

localdir = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120  the commonest way
MODEL = f"{localdir}/model.json"
TABLE = Path(__file__).parent / "table.json"
NETWORK = f"{localdir}/network.bin"


def read_model(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with a file that a string of the module names."""
    with open(MODEL) as file:  # noqa: PTH123
        return events.PV.npvsGood > json.load(file)["least"]


def read_table(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with a file that a path of the module names."""
    return events.PV.npvsGood > json.loads(TABLE.read_text())["least"]


def read_text(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with a file whose name is made here."""
    with open(os.path.join(localdir, "number" + ".txt")) as file:  # noqa: PTH118, PTH123
        return events.PV.npvsGood > int(file.read())


def read_pickle(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with a pickled number."""
    with Path(localdir, "number.pickle").open("rb") as file:
        return events.PV.npvsGood > pickle.load(file)


def read_yaml(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with a number in YAML."""
    import yaml

    with Path(localdir, "number.yaml").open() as file:
        return events.PV.npvsGood > yaml.load(file, yaml.SafeLoader)["least"]


def read_numpy(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with an array's element."""
    return events.PV.npvsGood > np.load(f"{localdir}/number.npy")[0]


def read_correction(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with what correctionlib says."""
    import correctionlib

    corrections = correctionlib.CorrectionSet.from_file(f"{localdir}/thresholds.json")
    return events.PV.npvsGood > corrections["vertices"].evaluate(1.0, "nominal")


def read_network(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with a file that is read outside of Python, as onnxruntime.InferenceSession(path) does."""
    import pyarrow

    with pyarrow.OSFile(NETWORK) as file:
        return events.PV.npvsGood > file.read()[0]


def read_local_path(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with a file by the name that it has in parameters."""
    return events.PV.npvsGood > json.loads(Path(local_path("study://numbers.json")).read_bytes())["least"]


def read_through_a_link(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with a file that a link leads to."""
    return events.PV.npvsGood > int(Path(localdir, "link.txt").read_text())


def read_environ(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with a variable of the environment."""
    return events.PV.npvsGood > int(os.environ["STUDY_ENVIRON"])


def read_environ_get(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with a variable of the environment, which needn't be there."""
    return events.PV.npvsGood > int(os.environ.get("STUDY_ENVIRON_GET", "0"))


def read_getenv(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with a variable of the environment, asked for in another way."""
    return events.PV.npvsGood > int(os.getenv("STUDY_GETENV", "0"))


def read_presence(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with a number that depends on whether there is a variable."""
    return events.PV.npvsGood > (5 if "STUDY_PRESENCE" in os.environ else 3)


@functools.lru_cache
def kept_text() -> int:
    """Return the number in a file, which is opened once."""
    return int(Path(localdir, "kept.txt").read_text())


def read_kept_text(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with what was kept of a file."""
    return events.PV.npvsGood > kept_text()


@functools.cache
def kept_correction() -> Any:
    """Return a correction, which is loaded once."""
    return load_correction(f"{localdir}/kept.json", "vertices")


def read_kept_correction(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with what a correction says that was kept."""
    return events.PV.npvsGood > kept_correction().evaluate(1.0, "nominal")


@functools.cache
def kept_variable() -> int:
    """Return a variable of the environment, which is looked up once."""
    return int(os.environ["STUDY_" + "KEPT"])


def read_kept_variable(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with what was kept of a variable."""
    return events.PV.npvsGood > kept_variable()


cuts = [
    Cut(name=function.__name__, params={}, function=function)
    for function in (
        read_model,
        read_table,
        read_text,
        read_pickle,
        read_yaml,
        read_numpy,
        read_correction,
        read_network,
        read_local_path,
        read_through_a_link,
        read_environ,
        read_environ_get,
        read_getenv,
        read_presence,
        read_kept_text,
        read_kept_correction,
        read_kept_variable,
    )
]
