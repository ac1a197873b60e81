from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import hist
import numpy as np
import pytest

from pocket.histograms.axes import build_axis, category_axis
from pocket.histograms.config import Axis
from pocket.histograms.files import HISTOGRAMS, SUMS, read_output, relabel, write_sums_and_histograms
from pocket.histograms.raw import RAW, read_raw, write_raw
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
    without_labels(found)
    return found


def without_labels(output: dict[str, Any]) -> None:
    for samples in output["variables"].values():
        relabel(samples, {})


def check_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    """Check that two outputs have the same content to the last bit, in the same order."""
    without_labels(found)
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


def test_edges_may_be_infinite(tmp_path: Path) -> None:
    output = some_output()
    pt = build_axis(Axis("pt", bins=(-np.inf, 0, 20, np.inf)))
    filled = hist.Hist(category_axis("cat", ["baseline"]), pt, storage=hist.storage.Weight())
    filled.fill(cat="baseline", pt=[-5.0, 1.0, 19.0, 1000.0], weight=0.5)
    output["variables"]["pt"] = {"DY": {"DY_2018": filled}}
    found = read_raw(write(tmp_path / "raw", output))
    assert found["variables"]["pt"]["DY"]["DY_2018"].axes["pt"].edges.tolist() == [-np.inf, 0.0, 20.0, np.inf]
    check_same(found, through_other_files(tmp_path / "other", output))


def sparse_output() -> dict[str, Any]:
    """Return an output in which few bins are filled, one of them with a negative zero."""
    output = some_output()
    for samples in output["variables"].values():
        for datasets in samples.values():
            for histogram in datasets.values():
                view = histogram.view(flow=True)
                view[np.arange(view.size).reshape(view.shape) % 7 != 3] = np.zeros((), view.dtype)
                if view.dtype.names:
                    view["value"][(0,) * view.ndim] = -0.0
    return output


def test_empty_bins_are_left_out(tmp_path: Path) -> None:
    output = sparse_output()
    folder = write(tmp_path / "raw", output)
    with h5py.File(folder / RAW) as file:
        numbers = sum(len(file[kind]) for kind in ("integers", "floats"))
    check_same(read_raw(folder), through_other_files(tmp_path / "other", output))
    dense = write(tmp_path / "dense", some_output())
    with h5py.File(dense / RAW) as file:
        assert numbers < 0.25 * sum(len(file[kind]) for kind in ("integers", "floats"))


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"raw\.h5"):
        read_raw(tmp_path)
