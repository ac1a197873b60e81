"""Mistakes in dataset definitions and in the choice of datasets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.mistakes.table import Row
from tests.pocket.configs import DEFINITIONS, configure

METADATA = {"year": "2018", "isMC": True, "xsec": 1.0}


def datasets(**changes: Any) -> Callable[[Path], Any]:
    """Return what makes a configuration with another setting of datasets."""
    return lambda folder: configure(datasets={"jsons": [DEFINITIONS], **changes})


def definition(text: str = "", **entry: Any) -> Callable[[Path], Any]:
    """Return what reads a definition with one entry, or a text."""

    def make(folder: Path) -> Any:
        path = folder / "mine.json"
        files = [{"paths": ["a.root"], "metadata": METADATA, **entry}]
        content = {"DY": {"sample": "DY", "files": [{key: v for key, v in files[0].items() if v is not None}]}}
        path.write_text(text or json.dumps(content))
        return configure(datasets={"jsons": [path]})

    return make


def without(key: str) -> dict[str, Any]:
    """Return the metadata without a key."""
    return {name: value for name, value in METADATA.items() if name != key}


DY = r"dataset 'DY(_2018)?'(, files\[0\])? in .*mine\.json"

ROWS = [
    Row(
        "a text instead of a list of files",
        r"datasets\.jsons must be a list of dataset definition files, not 'a\.json'",
        datasets(jsons="a.json"),
    ),
    Row(
        "a definition file that there isn't",
        r"dataset definition .*nothing\.json can't be read: No such file or directory",
        datasets(jsons=["nothing.json"]),
    ),
    Row(
        "a misspelt key of the setting",
        "unknown key 'filters' in datasets, did you mean 'filter'.",
        datasets(filters={}),
    ),
    Row(
        "a misspelt key of the filter",
        r"unknown key 'sample' in datasets\.filter, did you mean 'samples'.*",
        datasets(filter={"sample": ["DY"]}),
    ),
    Row(
        "a text instead of a list of samples",
        r"datasets\.filter\.samples must be a list, not 'DY'",
        datasets(filter={"samples": "DY"}),
    ),
    Row(
        "a sample that there isn't",
        "unknown sample 'DYY' in 'samples' of the dataset filter, did you mean 'DY'.",
        datasets(filter={"samples": ["DYY"]}),
    ),
    Row(
        "a year that there isn't",
        "unknown year '2081' in 'year' of the dataset filter, did you mean '2018'.",
        datasets(filter={"year": ["2081"]}),
    ),
    Row(
        "a filter that leaves nothing",
        "the dataset filter .* leaves no dataset of .*",
        datasets(filter={"samples": ["TT"], "samples_exclude": ["TT"]}),
    ),
    Row("no JSON", r"dataset definition .*mine\.json is not JSON: .*", definition("{")),
    Row("no datasets", r".*mine\.json defines no dataset", definition("{}")),
    Row(
        "a key that is there twice",
        r".*mine\.json: key 'DY' appears twice",
        definition('{"DY": {"sample": "a"}, "DY": {"sample": "b"}}'),
    ),
    Row(
        "a misspelt key of a dataset",
        r"unknown dataset key 'smple' in dataset 'DY' in .*mine\.json, did you mean 'sample'.",
        definition('{"DY": {"smple": "DY", "files": []}}'),
    ),
    Row(
        "a dataset without files", r"dataset 'DY' in .*mine\.json lacks 'files'", definition('{"DY": {"sample": "DY"}}')
    ),
    Row(
        "a misspelt source",
        rf"unknown key 'glob' in {DY}, did you mean 'globs'.",
        definition(paths=None, glob="*.root"),
    ),
    Row(
        "two sources",
        rf"{DY} must name its files by exactly one of .*; it has 'paths' and 'globs'",
        definition(globs=["*"]),
    ),
    Row(
        "a misspelt metadatum",
        rf"unknown metadata key 'xsex' in {DY}, did you mean 'xsec'.*",
        definition(metadata={**without("xsec"), "xsex": 1.0}),
    ),
    Row("no year", rf"{DY}: metadata lacks 'year'", definition(metadata=without("year"))),
    Row(
        "no cross section",
        rf"{DY}: metadata lacks 'xsec' \(required for MC\)",
        definition(metadata=without("xsec")),
    ),
    Row(
        "a cross section of zero",
        rf"{DY}: 'xsec' is 0, expected a positive .*",
        definition(metadata=METADATA | {"xsec": 0}),
    ),
    Row(
        "a cross section in words",
        rf"{DY}: 'xsec' is 'many', expected a number",
        definition(metadata=METADATA | {"xsec": "many"}),
    ),
    Row(
        "a cross section of data",
        rf"{DY}: metadata give an 'xsec', which data don't have; is 'isMC' right\?",
        definition(metadata=METADATA | {"isMC": False}),
    ),
    Row(
        "neither data nor simulation",
        rf"{DY}: 'isMC' is 'maybe', expected true or false",
        definition(metadata=METADATA | {"isMC": "maybe"}),
    ),
    Row(
        "a dataset that varies a sample which isn't there",
        rf"unknown sample 'TT' in 'varies' of {DY}.*",
        definition(metadata={**METADATA, "varies": {"sample": "TT", "variation": "hdampUp"}}),
    ),
    Row(
        "a variation from a dedicated sample without its side",
        rf"{DY}: 'varies': variation 'hdamp' ends in neither 'Up' nor 'Down'",
        definition(metadata={**METADATA, "varies": {"sample": "TT", "variation": "hdamp"}}),
    ),
]
