from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot
from hypothesis import given
from hypothesis import strategies as st

from pocket.datasets.duplicates import find_duplicates, read_numbers
from pocket.errors import BadFileError, DatasetError
from tests.pocket.datasets.files import write_root

Events = list[tuple[int, int, int]]
EVENTS = st.lists(st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(2**63, 2**63 + 8)), max_size=30)


def fileset(files: Mapping[str, Events], primary: str = "mu", is_mc: bool = False) -> dict[str, Any]:
    metadata = {"sample": "DATA", "isMC": is_mc, "primaryDataset": primary}
    return {primary: {"metadata": metadata, "files": {path: {} for path in files}}}


def reader(files: Mapping[str, Events], step: int = 7) -> Any:
    def read(path: str) -> Iterator[Mapping[str, Any]]:
        events = files[path]
        for start in range(0, len(events), step):
            columns = zip(*events[start : start + step], strict=True)
            types = (np.uint32, np.uint32, np.uint64)
            yield {
                name: np.array(column, dtype=dtype)
                for name, column, dtype in zip(("run", "luminosityBlock", "event"), columns, types, strict=True)
            }

    return read


@given(st.dictionaries(st.sampled_from("abcd"), EVENTS, max_size=4), st.integers(1, 40))
def test_as_many_as_a_plain_count_finds(files: dict[str, Events], most: int) -> None:
    counted = Counter(event for events in files.values() for event in events)
    expected = sum(count - 1 for count in counted.values())
    found = list(find_duplicates(fileset(files), read=reader(files), most=most))
    assert sum(duplicates.count for duplicates in found) == expected
    for duplicates in found:
        assert counted[duplicates.event] > 1
        one, other = duplicates.files
        if one == other:
            assert files[one].count(duplicates.event) > 1
        else:
            assert duplicates.event in files[one]
            assert duplicates.event in files[other]


def test_only_so_many_events_are_compared_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"a": [(5, section, event) for section in range(1, 9) for event in range(10)], "b": [(5, 3, 4)]}
    sizes = []
    concatenate = np.concatenate

    def noted(arrays: Any, *args: Any, **kwargs: Any) -> Any:
        result = concatenate(arrays, *args, **kwargs)
        if result.dtype.names:
            sizes.append(len(result))
        return result

    monkeypatch.setattr("pocket.datasets.duplicates.np.concatenate", noted)
    (found,) = find_duplicates(fileset(files), read=reader(files), most=25)
    assert (found.count, found.event, found.files) == (1, (5, 3, 4), ("a", "b"))
    assert max(sizes) <= 25
    assert sum(sizes) == 81


def test_simulation_and_other_primary_datasets_are_left_out() -> None:
    files = {"a": [(1, 1, 1), (1, 1, 1)]}
    assert list(find_duplicates(fileset(files, is_mc=True), read=reader(files))) == []
    others = {"a": [(5, 1, 1)], "b": [(5, 1, 1)]}
    datasets = {**fileset({"a": others["a"]}, "mu"), **fileset({"b": others["b"]}, "el")}
    assert list(find_duplicates(datasets, read=reader(others))) == []


def test_files_and_progress(tmp_path: Path) -> None:
    paths = [str(tmp_path / name) for name in ("a.root", "b.root")]
    for path, first in zip(paths, (0, 5), strict=True):
        with uproot.recreate(path) as file:
            numbers = np.arange(first, first + 10, dtype=np.uint64)
            ones = np.ones(10, dtype=np.uint32)
            file["Events"] = {"run": 7 * ones, "luminosityBlock": 3 * ones, "event": numbers, "other": numbers}
    assert sum(len(part["event"]) for part in read_numbers(paths[0])) == 10
    steps: list[tuple[int, int]] = []
    datasets = fileset({path: [] for path in paths})
    # The first place of a file may be gone.
    datasets["mu"]["files"] = {str(tmp_path / "gone.root"): {"replicas": [paths[0]]}, paths[1]: {}}
    paths[0] = str(tmp_path / "gone.root")
    (found,) = find_duplicates(datasets, progress=lambda done, total: steps.append((done, total)))
    assert str(found) == f"primary dataset mu: 5 events too many, such as 7:3:5 in {paths[0]} and {paths[1]}"
    assert steps == [(1, 2), (2, 2)]


def test_files_that_cannot_be_compared(tmp_path: Path) -> None:
    def compare(path: Path) -> None:
        list(find_duplicates(fileset({str(path): []})))

    with pytest.raises(BadFileError, match=r"^file .*/gone\.root doesn't exist$"):
        compare(tmp_path / "gone.root")
    (tmp_path / "bad.root").write_bytes(b"root" + bytes(500))
    with pytest.raises(BadFileError, match=r"^file .*/bad\.root can't be read, it is truncated or corrupt: "):
        compare(tmp_path / "bad.root")
    lacking = r"^events of .*/x\.root can't be compared: they have no run and no luminosityBlock and no event$"
    with pytest.raises(DatasetError, match=lacking):
        compare(write_root(tmp_path / "x.root", 3))
