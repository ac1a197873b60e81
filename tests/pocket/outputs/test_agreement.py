from __future__ import annotations

import json
import math
from pathlib import Path

import h5py
import hist
import numpy as np
import pytest

from pocket.histograms.raw import RAW, write_raw
from pocket.outputs.agreement import compare_outputs


def write(folder: Path, shift: float = 0.0, count: int = 3) -> Path:
    """Write an output with a histogram, a table and a picture."""
    folder.mkdir()
    histogram = hist.new.Reg(4, 0, 4, name="x").Weight().fill([0.5, 1.5, 1.6], weight=[1.0, 2.0, 4.0 + shift])
    write_raw(folder, {"cutflow": {"initial": count}, "variables": {"x": {"DY": {"DY_2018": histogram}}}})
    (folder / "sums.json").write_text(json.dumps({"sumw": 7.0 + shift}))
    (folder / "plot.png").write_bytes(b"picture")
    (folder / "manifest.json").write_text(json.dumps({"created": shift}))
    return folder


def test_same_outputs(tmp_path: Path) -> None:
    assert compare_outputs(write(tmp_path / "one"), write(tmp_path / "other")) == []


@pytest.mark.parametrize(("shift", "is_rounding"), [(1e-13, True), (1e-7, False), (math.nan, False)])
def test_numbers(shift: float, is_rounding: bool, tmp_path: Path) -> None:
    found = compare_outputs(write(tmp_path / "one"), write(tmp_path / "other", shift))
    assert [difference.file for difference in found] == [RAW, "sums.json"]
    assert [difference.is_rounding for difference in found] == [is_rounding, is_rounding]
    assert found[0].place.startswith("differs in variables x DY DY_2018 (v")
    assert found[1].place.startswith("differs in sumw")
    if not math.isnan(shift):
        # the second bin has 6
        assert found[1].relative == pytest.approx(shift / 7, rel=0.1)
        assert found[0].relative >= shift / 6.1


def test_everything_else(tmp_path: Path) -> None:
    one, other = write(tmp_path / "one"), write(tmp_path / "other", count=4)
    (other / "plot.png").write_bytes(b"pictura")
    (other / "new.txt").write_text("")
    (one / "old.txt").write_text("")
    found = {difference.file: difference for difference in compare_outputs(one, other)}
    assert {name: difference.place for name, difference in found.items() if name != RAW} == {
        "new.txt": "is missing",
        "old.txt": "isn't made any more",
        "plot.png": "differs in its bytes",
    }
    assert found[RAW].place == "differs in cutflow initial by 2.5e-01 of the largest number"
    assert not any(difference.is_rounding for difference in found.values())
    (other / RAW).write_bytes(b"nothing")
    assert any("can't be read" in difference.place for difference in compare_outputs(one, other))
    assert np.isinf(found["plot.png"].relative)


def test_other_numbers_of_values_are_no_rounding(tmp_path: Path) -> None:
    one, other = write(tmp_path / "one"), write(tmp_path / "other")
    # A number beside several would be compared with each, and these differ by rounding alone.
    for folder, values in ((one, [7.0]), (other, [7.0, 7.0 + 1e-13, 7.0])):
        (folder / "sums.json").write_text(json.dumps({"sumw": values}))
        with h5py.File(folder / "arrays.h5", "w") as file:
            file["sumw"] = np.array(values)
    found = compare_outputs(one, other)
    assert [(difference.file, difference.relative) for difference in found] == [
        ("arrays.h5", math.inf),
        ("sums.json", math.inf),
    ]
    assert not any(difference.is_rounding for difference in found)
