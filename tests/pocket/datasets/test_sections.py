from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot
from hypothesis import given
from hypothesis import strategies as st

from pocket.datasets.sections import (
    Overlap,
    keys_in,
    overlaps,
    primary_datasets,
    ranges,
    read_sections,
    section_keys,
    section_notes,
)

PAIRS = st.lists(st.tuples(st.integers(1, 2**32 - 1), st.integers(1, 300)), min_size=1, max_size=60)


@given(PAIRS)
def test_ranges_hold_the_same_sections(pairs: list[tuple[int, int]]) -> None:
    keys = section_keys(*(np.array(column, dtype=np.uint32) for column in zip(*pairs, strict=True)))
    found = ranges(keys)
    listed = {
        (int(run), section)
        for run, several in found.items()
        for first, last in several
        for section in range(first, last + 1)
    }
    assert listed == set(pairs)
    assert set(keys_in(found).tolist()) == set(keys.tolist())


def test_ranges_are_as_in_certified_data() -> None:
    keys = section_keys([315257, 315257, 315257, 315257, 315259], [1, 2, 3, 91, 4])
    assert ranges(keys) == {"315257": [[1, 3], [91, 91]], "315259": [[4, 4]]}


@pytest.mark.parametrize(
    ("runs", "expected"),
    [([5, 5], {"5": [[1, 2]]}), ([1, 1], None), ([], None), ([1, 5], {"1": [[1, 1]], "5": [[2, 2]]})],
)
def test_sections_of_a_file(tmp_path: Path, runs: list[int], expected: Any) -> None:
    numbers = np.arange(1, len(runs) + 1, dtype=np.uint32)
    with uproot.recreate(tmp_path / "file.root") as file:
        file["LuminosityBlocks"] = {"run": np.array(runs, dtype=np.uint32), "luminosityBlock": numbers}
    with uproot.open(tmp_path / "file.root") as file:
        assert read_sections(file) == expected


def test_a_file_may_have_none(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "file.root") as file:
        file["Events"] = {"run": np.array([5])}
    with uproot.open(tmp_path / "file.root") as file:
        assert read_sections(file) is None


def fileset(**datasets: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {
            "metadata": {"sample": "DATA", "isMC": name.startswith("mc"), "primaryDataset": name.partition("_")[0]},
            "files": {path: {"sections": sections} if sections else {} for path, sections in files.items()},
        }
        for name, files in datasets.items()
    }


def test_overlaps_between_files_of_a_primary_dataset() -> None:
    found = overlaps(
        fileset(
            mu_A={"a": {"5": [[1, 10]]}, "b": {"5": [[11, 20]]}},
            # another era of the same one, and another primary dataset with the same sections
            mu_B={"c": {"5": [[20, 21]], "6": [[1, 2]]}, "d": {"6": [[2, 2]]}, "e": None},
            el_A={"f": {"5": [[1, 20]]}},
            mc={"g": {"5": [[1, 20]]}, "h": {"5": [[1, 20]]}},
        )
    )
    (overlap,) = found
    assert overlap == Overlap("mu", 2, 5, 20, ("b", "c"))
    assert str(overlap) == (
        "primary dataset mu: 2 luminosity sections in more than one file, such as 20 of run 5 in b and c"
    )


def test_files_whose_sections_are_not_known() -> None:
    remedy = "BuildDatasets --check-duplicates tells whether events are there twice"
    datasets = fileset(mu_A={"a": {"5": [[1, 10]]}, "b": None}, mu_B={"c": None}, el_A={"d": None}, mc={"e": None})
    assert list(section_notes(datasets)) == [
        "primary dataset mu: the luminosity sections of 2 of 3 files can't be compared, such as those of b, which has "
        f"no tree LuminosityBlocks; {remedy}"
    ]
    datasets = fileset(mu_A={"a": {"5": [[1, 10]]}, "b": {"5": [[10, 11]]}})
    assert list(section_notes(datasets)) == [f"{next(overlaps(datasets))}; {remedy}"]


def test_the_sample_stands_for_a_primary_dataset_that_isnt_named() -> None:
    datasets = fileset(mu_A={"a": None})
    del datasets["mu_A"]["metadata"]["primaryDataset"]
    assert primary_datasets(datasets) == {"DATA": {"a": {}}}
    assert list(overlaps(datasets)) == []
