"""Names that can't be those of files and folders."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pocket.configuration.analysis import Analysis
from pocket.cuts.library import passthrough
from pocket.histograms.config import Axis, HistConf
from tests.mistakes.table import Row
from tests.pocket.configs import configure

X = Axis(field="x", bins=4, start=0, stop=2)
#: what is wrong → a name that is wrong so, and the reason
NAMES = {
    "one level up": ("..", "begins with a dot"),
    "hidden": (".x", "begins with a dot"),
    "another folder": ("a/b", "has a slash"),
    "NUL": ("a\0b", "has a character that can't be printed"),
    "two lines": ("a\nb", "has a character that can't be printed"),
    "too long": ("x" * 300, "has 300 bytes, more than 110"),
    "empty": ("", "is empty"),
}


def dataset(name: str, sample: str) -> Callable[[Path], Any]:
    """Return what reads the definition of a dataset."""

    def make(folder: Path) -> Any:
        entry = {"paths": ["a.root"], "metadata": {"year": "2018", "isMC": True, "xsec": 1.0}}
        path = folder / "datasets.json"
        path.write_text(json.dumps({name: {"sample": sample, "files": [entry]}}))
        return configure(datasets={"jsons": [path]})

    return make


def histogram(name: str) -> Callable[[Path], Any]:
    """Return what makes a configuration with a histogram of a name."""
    return lambda folder: configure(variables={name: HistConf([X])})


def category(name: str) -> Callable[[Path], Any]:
    """Return what makes a configuration with a category of a name."""
    return lambda folder: configure(categories={name: [passthrough]})


def subsample(name: str) -> Callable[[Path], Any]:
    """Return what makes a configuration with a subsample of a name."""
    return lambda folder: configure(subsamples={"TT": {name: [passthrough]}})


def analysis(configs: tuple[str, ...] = ("main",), **settings: Any) -> Callable[[Path], Any]:
    """Return what makes an analysis with configurations of some names."""

    def make(folder: Path) -> Any:
        return Analysis(**{"name": "mine", "default_config": "main"} | settings, configs=dict.fromkeys(configs, None))

    return make


IN_STORE = "can't be part of a path in the store: use up to 128 letters, digits and .*"

ROWS = [
    *(
        Row(f"{kind}: {what}", rf"{where}: {kind} .* can't be part of a file name: it {reason}", make(name))
        for what, (name, reason) in NAMES.items()
        for kind, where, make in (
            ("histogram", "variables", histogram),
            ("category", "categories", category),
            ("subsample", "subsamples of 'TT'", subsample),
        )
    ),
    *(
        Row(f"configuration: {what}", rf"analysis 'mine': configuration '.*' {IN_STORE}", analysis(("main", name)))
        for what, (name, _) in NAMES.items()
    ),
    *(
        Row(
            f"scale factor: {what}",
            rf"analysis 'mine': scale factor '.*' {IN_STORE}",
            analysis(scale_factors={name: None}),
        )
        for what, (name, _) in NAMES.items()
    ),
    Row("analysis: one level up", rf"analysis '\.\.' {IN_STORE}", analysis(name="..")),
    Row(
        "dataset: hidden",
        r"dataset '\.x_2018' in .*: dataset '\.x_2018' can't be part of a file name: it begins with a dot",
        dataset(".x", "X"),
    ),
    Row(
        "sample: one level up",
        r"dataset 'X_2018' in .*: sample '\.\.' can't be part of a file name: it begins with a dot",
        dataset("X", ".."),
    ),
    Row(
        "dataset: another folder", ".* a dataset name may hold letters, digits and any of .* only", dataset("a/b", "X")
    ),
    Row(
        "sample: too long",
        r".*: sample 'x+…' can't be part of a file name: it has 300 bytes, more than 110",
        dataset("X", "x" * 300),
    ),
    Row(
        "axis: another folder",
        "histogram of 'x', 'a/b': axis 'a/b' can't be part of a file name: it has a slash",
        lambda folder: HistConf([X, Axis(field="y", name="a/b", bins=4, start=0, stop=2)]),
    ),
]
