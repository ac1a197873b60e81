from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from benchmarks.compare_commits import all_configs, difference, files_of, renamed


def write_histogram(path: Path, values: list[float], note: str = "") -> Path:
    with h5py.File(path, "w") as file:
        file["x/values"] = np.array(values)
        file.attrs["note"] = note
    return path


def test_arrays_are_compared(tmp_path: Path) -> None:
    first = write_histogram(tmp_path / "a.h5", [1.0, 2.0])
    assert difference(first, write_histogram(tmp_path / "b.h5", [1.0, 2.0])) == ""
    assert difference(first, write_histogram(tmp_path / "c.h5", [1.0, 2.5])) == "other arrays x/values"
    other = write_histogram(tmp_path / "d.h5", [1.0, 2.0], "another")
    assert difference(first, other) == "the same arrays in other bytes"


def test_renamed_keys_are_mapped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    content = {"old": [{"old": 1}], "other": 2}
    assert renamed(content, {"old": "new"}) == {"new": [{"new": 1}], "other": 2}
    check = {"name": "old", "outcome": "it has no old= of an old one", "compared": "older=1"}
    now = {"name": "new", "outcome": "it has no new= of an old one", "compared": "older=1"}
    assert renamed(check, {"old": "new"}) == now
    before, after = tmp_path / "a.json", tmp_path / "b.json"
    before.write_text(json.dumps(content))
    after.write_text(json.dumps(content, indent=1))
    assert difference(before, after) == ""
    after.write_text(json.dumps({**content, "other": 3}))
    assert difference(before, after) == "other numbers or keys"


def test_files_with_numbers(tmp_path: Path) -> None:
    output = tmp_path / "zmumu" / "MergeOutputs" / "tnp" / "compare" / "abc"
    (output / "columns").mkdir(parents=True)
    for name in ("manifest.json", "histograms.h5", "columns/a.parquet", "config.json", "log.txt"):
        (output / name).write_bytes(b"")
    assert set(files_of(tmp_path)) == {
        "zmumu/MergeOutputs/tnp/histograms.h5",
        "zmumu/MergeOutputs/tnp/columns/a.parquet",
    }


def test_all_configurations() -> None:
    assert {"zmumu/calibrated", "ttbar/medium"} <= set(all_configs())
