from __future__ import annotations

from typing import Any

import pytest

from pocket.datasets.definition_checks import metadata_without_effect
from pocket.datasets.metadata import read_metadata, text
from pocket.datasets.skim_sums import BeforeSkim
from pocket.errors import DatasetError, UnknownNameError
from tests.entries import check_each

MC = {"year": "2018", "isMC": True, "xsec": 6077.22}
READ: dict[str, Any] = {
    "year": "2018",
    "is_mc": True,
    "xsec": 6077.22,
    **dict.fromkeys(("era", "part", "primary_dataset", "before_skim", "varies")),
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
    without = {name: value for name, value in MC.items() if name != meant}
    with pytest.raises(UnknownNameError, match=f"unknown metadata key '{key}' in here, did you mean .*'{meant}'"):
        read_metadata({**without, key: "1"}, "here")


def test_a_key_beside_the_one_that_it_resembles_is_free() -> None:
    assert read_metadata({**MC, "xsecs": [1.0]}, "here") == {**READ, "free": {"xsecs": [1.0]}}


@check_each("true", [True, 1, "1", "yes", "True", " true"])
@check_each("false", [False, 0, "0", "No", "False"])
def test_spellings_of_true_and_false(true: object, false: object) -> None:
    assert read_metadata({**MC, "isMC": true, "isSkim": false}, "here") == READ
    assert not read_metadata({"year": "2018", "isMC": false}, "here")["is_mc"]


def test_keys_without_effect() -> None:
    of_files = {"sum_genweights": "12.5", "sum_signOf_genweights": 3}
    assert read_metadata({**MC, **of_files}, "here") == READ
    assert metadata_without_effect({**MC, **of_files}) == list(of_files)
    assert metadata_without_effect({**MC, **of_files, "isSkim": "yes"}) == []
    data = {"year": "2018", "isMC": "no", "era": "A"}
    assert read_metadata({**data, "xsec": 1}, "here") == read_metadata(data, "here")
    assert metadata_without_effect({**data, "xsec": 1}) == ["xsec"]
    # Without another sign of data, isMC may be wrong.
    assert read_metadata({"year": "2018", "isMC": False, "xsec": 1}, "here")["xsec"] == 1


@check_each(
    ("metadata", "message"),
    [
        ({"year": "2018"}, "here: metadata lacks 'isMC'"),
        ({"xsec": 1.0}, "here: metadata lacks 'year' and 'isMC'"),
        ({**MC, "sample": "DY"}, "here: 'sample' is said by the dataset, not by the metadata of its files"),
        ({**MC, "nano_version": "NanoAODv9"}, "here: 'nano_version' is 'NanoAODv9', expected a number"),
        ({**MC, "nano_version": "nan"}, "here: 'nano_version' is 'nan', expected an integer"),
        ({**MC, "nano_version": 9.5}, "here: 'nano_version' is 9.5, expected an integer"),
        ({**MC, "nevents_before_skim": 3}, "'nevents_before_skim', which only a skim has"),
        ({**MC, "isMC": 2}, "here: 'isMC' is 2, expected true or false"),
    ],
)
def test_wrong_metadata(metadata: dict[str, Any], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        read_metadata(metadata, "here")


def test_text() -> None:
    assert text({"year": 2018}, "year", "here") == "2018"
    with pytest.raises(DatasetError, match="here: 'year' is True, expected a string"):
        text({"year": True}, "year", "here")
