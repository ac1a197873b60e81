from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pocket.datasets.definition_checks import (
    BUILT_KEYS,
    DATASET_KEYS,
    ENTRY_KEYS,
    check_keys,
    metadata_without_effect,
    remark_on,
)
from pocket.datasets.definition_files import read_definitions
from pocket.datasets.metadata import check_spelling
from pocket.errors import UnknownNameError


@pytest.mark.parametrize(
    ("known", "content", "message"),
    [
        (DATASET_KEYS, {"sampel": "DY"}, "unknown key 'sampel' in here, did you mean 'sample'"),
        (ENTRY_KEYS, {"das_name": []}, "unknown key 'das_name' in here, did you mean 'das_names'"),
        (BUILT_KEYS, {"metadatas": {}}, "unknown key 'metadatas' in here, did you mean 'metadata'"),
    ],
)
def test_misspelt_keys(known: tuple[str, ...], content: dict[str, Any], message: str) -> None:
    with pytest.raises(UnknownNameError, match=message):
        check_keys("key", content, known, "here")


def test_misspelt_metadata() -> None:
    with pytest.raises(UnknownNameError, match="unknown metadata key 'xsecs' in here, did you mean 'xsec'"):
        check_spelling({"xsecs": 1}, "here")


def test_other_keys() -> None:
    check_keys("key", {"description": "Drell-Yan", "comment": ""}, DATASET_KEYS, "here")
    check_keys("key", {"das_parents_names": [], "comment": ""}, ENTRY_KEYS, "here")
    check_keys("key", {"treename": "Events"}, BUILT_KEYS, "here")
    check_spelling({"campaign": "Summer20", "xsec": 1, "xsecs": 1}, "here")


def test_metadata_without_effect() -> None:
    assert metadata_without_effect({"isMC": "True", "sum_genweights": 1.0, "xsec": 2}) == ["sum_genweights"]
    assert metadata_without_effect({"isMC": False, "era": "A", "xsec": 2}) == ["xsec"]
    assert metadata_without_effect({"isMC": True, "isSkim": "yes", "sum_genweights": 1.0}) == []


def test_filesets_have_remarks_too(caplog: pytest.LogCaptureFixture) -> None:
    content = {"DY_2018": {"metadata": {"isMC": "True", "sum_genweights": "1"}, "files": [], "treename": "Events"}}
    remark_on(content, Path("built.json"), [])
    assert caplog.messages == [
        "built.json: 'treename', 'sum_genweights' of datasets have no effect, so they are ignored"
    ]


def entry(source: str, *values: str, **metadata: object) -> dict[str, object]:
    return {source: list(values), "metadata": {"year": "2018", "isMC": True, "xsec": 2.0, **metadata}}


DY, EXT, TT = "/DY_M-50/UL18-v1/NANOAODSIM", "/DY_M-50/UL18_ext1-v1/NANOAODSIM", "/TT_M-50/UL18-v1/NANOAODSIM"


@pytest.mark.parametrize(
    ("entries", "twice"),
    [
        (
            [entry("das_names", DY, part="M-50"), entry("das_names", EXT, part="M-50_ext1")],
            ["DY_M-50_2018", "DY_M-50_ext1_2018"],
        ),
        ([entry("paths", "a.root", part="a"), entry("paths", "b.root", part="a")], ["DY_a_2018", "DY_a_2018_2"]),
        ([entry("das_names", DY, EXT)], []),
        ([entry("das_names", DY, part="a"), entry("das_names", TT, part="b")], []),
        ([entry("das_names", DY, part="a"), entry("das_names", EXT, part="b", year="2017")], []),
        ([entry("das_names", DY, part="a", xsec=0.5), entry("das_names", EXT, part="b", xsec=1.5)], []),
        ([entry("das_names", "root://h//s/A", part="a"), entry("das_names", "root://h//s/B", part="b")], []),
    ],
)
def test_one_process_in_two_datasets(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, entries: list[dict[str, object]], twice: list[str]
) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"DY": {"sample": "DY", "files": entries}}))
    datasets = read_definitions([path])
    said = [record.getMessage() for record in caplog.records if "cross section" in record.getMessage()]
    assert all(name in datasets for name in twice)
    expected = (
        f"{path}: {', '.join(twice)} are of one process, and each of them is scaled to its whole cross section: name "
        "their files in one entry, or it counts more than once"
    )
    assert said == ([expected] if twice else [])


def test_one_process_in_two_filesets_of_pocketcoffea(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "x.json"
    metadata = {"sample": "DY", "year": "2018", "isMC": "True", "xsec": "2.0"}
    built = {
        f"DY_{part}_2018": {"metadata": {**metadata, "part": part, "das_names": str([name])}, "files": [f"{part}.root"]}
        for part, name in {"a": DY, "b": EXT, "c": TT}.items()
    }
    path.write_text(json.dumps(built))
    read_definitions([path])
    assert f"{path}: DY_a_2018, DY_b_2018 are of one process" in caplog.text
