from __future__ import annotations

from typing import Any

import pytest

from pocket.datasets.metadata import read_metadata, text
from pocket.datasets.skim_sums import BeforeSkim
from pocket.errors import DatasetError, UnknownNameError

MC = {"year": "2018", "isMC": True, "xsec": 6077.22}
READ: dict[str, Any] = {
    "year": "2018",
    "is_mc": True,
    "xsec": 6077.22,
    **dict.fromkeys(("era", "part", "primary_dataset", "before_skim")),
    "free": {},
}


def test_values_and_their_texts() -> None:
    assert read_metadata(MC, "here") == READ
    assert read_metadata({"year": 2018, "isMC": "True", "xsec": "6077.22"}, "here") == READ
    data = {"year": "2018", "isMC": "False", "era": "A", "primaryDataset": "SingleMuon"}
    assert read_metadata(data, "here") == {
        **READ,
        "is_mc": False,
        "xsec": None,
        "era": "A",
        "primary_dataset": "SingleMuon",
    }
    skim = {**MC, "isSkim": "True", "sum_genweights": "12.5"}
    assert read_metadata(skim, "here")["before_skim"] == BeforeSkim(None, 12.5, None)


def test_an_empty_text_counts_as_absent() -> None:
    assert read_metadata({**MC, "part": "", "era": "", "campaign": ""}, "here") == READ
    with pytest.raises(DatasetError, match="here: 'isMC' is '', expected true or false"):
        read_metadata({**MC, "isMC": ""}, "here")


def test_free_metadata() -> None:
    free = {
        "nano_version": 9,
        "das_names": "['/DY/x/NANOAODSIM']",
        "das_parents_names": ["/DY/x/MINIAODSIM"],
        "campaign": "Summer20",
        "kfactor": 1.2,
    }
    assert read_metadata({**MC, **free, "nevents": "40", "size": "352599"}, "here") == {**READ, "free": free}
    assert read_metadata({**MC, "nano_version": "12"}, "here")["free"] == {"nano_version": 12}


@pytest.mark.parametrize(
    ("key", "meant"),
    [("xsecs", "xsec"), ("isMc", "isMC"), ("primary_dataset", "primaryDataset"), ("nanoversion", "nano_version")],
)
def test_misspelt_keys(key: str, meant: str) -> None:
    with pytest.raises(UnknownNameError, match=f"unknown metadata key '{key}' in here, did you mean .*'{meant}'"):
        read_metadata({**MC, key: "1"}, "here")


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"year": "2018"}, "here: metadata lacks 'isMC'"),
        ({"xsec": 1.0}, "here: metadata lacks 'year' and 'isMC'"),
        ({**MC, "sample": "DY"}, "here: 'sample' is said by the dataset, not by the metadata of its files"),
        ({**MC, "nano_version": "NanoAODv9"}, "here: 'nano_version' is 'NanoAODv9', expected a number"),
        ({**MC, "sum_genweights": 3.0}, "'sum_genweights', which only a skim has"),
    ],
)
def test_wrong_metadata(metadata: dict[str, Any], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        read_metadata(metadata, "here")


def test_text() -> None:
    assert text({"year": 2018}, "year", "here") == "2018"
    with pytest.raises(DatasetError, match="here: 'year' is True, expected a string"):
        text({"year": True}, "year", "here")
