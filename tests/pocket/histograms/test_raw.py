from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from coffea.processor import accumulate

from pocket.histograms.files import HISTOGRAMS, SUMS, read_output, relabel, write_sums_and_histograms
from pocket.histograms.raw import add_raw, read_raw, write_raw
from tests.pocket.configs import DATA, DY, DY_LOW, TT
from tests.pocket.histograms.test_files import some_output


def write(folder: Path, output: dict[str, Any]) -> Path:
    folder.mkdir()
    write_raw(folder, output)
    return folder


def through_other_files(folder: Path, output: dict[str, Any]) -> dict[str, Any]:
    """Return an output as it comes back from the files of merged outputs, without labels."""
    folder.mkdir()
    write_sums_and_histograms(folder, output)
    found = read_output(folder)
    relabel(found, {})
    return found


def check_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    """Check that two outputs have the same content to the last bit, in the same order."""
    relabel(found, {})
    assert {key: value for key, value in found.items() if key != "variables"} == {
        key: value for key, value in expected.items() if key != "variables"
    }
    assert repr(found["sumw"]) == repr(expected["sumw"])
    names = [list(output["variables"]) for output in (found, expected)]
    assert sorted(names[0]) == sorted(names[1])
    for variable, samples in expected["variables"].items():
        assert set(found["variables"][variable]) == set(samples)
        for sample, datasets in samples.items():
            assert set(found["variables"][variable][sample]) == set(datasets)
            for dataset, histogram in datasets.items():
                other = found["variables"][variable][sample][dataset]
                assert other.view(flow=True).tobytes() == histogram.view(flow=True).tobytes()
                assert other == histogram


def test_raw_output_is_read_as_it_was_written(tmp_path: Path) -> None:
    output = some_output()
    found = read_raw(write(tmp_path / "raw", output))
    expected = through_other_files(tmp_path / "other", output)
    check_same(found, expected)
    # Merged templates have the same bytes, whichever form the branches had.
    for name, one in (("a", found), ("b", expected)):
        (tmp_path / name).mkdir()
        write_sums_and_histograms(tmp_path / name, one)
    for file in (HISTOGRAMS, SUMS):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_sums_of_branches_are_those_of_their_outputs(tmp_path: Path) -> None:
    """Branches of several datasets in turn, whose layouts differ."""
    branches = [some_output((dataset,)) for dataset in (DY, TT, DY, DATA, DY_LOW, DY, TT)]
    # The same numbers in all branches could hide a wrong order.
    for number, branch in enumerate(branches, start=1):
        for samples in branch["variables"].values():
            for datasets in samples.values():
                for histogram in datasets.values():
                    histogram.view(flow=True)[...] = (number * histogram).view(flow=True)
    folders = [write(tmp_path / f"{number}", branch) for number, branch in enumerate(branches)]
    added = list(add_raw(folders))
    assert len(added) == 4
    expected: dict[str, Any] = accumulate(
        (through_other_files(tmp_path / f"other {number}", branch) for number, branch in enumerate(branches)), {}
    )
    check_same(accumulate(added, {}), expected)


def test_kinds_of_numbers_stay(tmp_path: Path) -> None:
    output = {"cutflow": {"initial": {"a": 3}}, "sumw": {"a": 0.1, "b": {}}, "variables": {}}
    (found,) = add_raw([write(tmp_path / "raw", output)] * 3)
    assert repr(found) == repr(
        {"cutflow": {"initial": {"a": 9}}, "sumw": {"a": 0.1 + 0.1 + 0.1, "b": {}}, "variables": {}}
    )


def test_nothing_is_added_without_a_branch() -> None:
    assert list(add_raw([])) == []


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"raw\.h5"):
        read_raw(tmp_path)
