from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

from pocket.datasets.build import inspect_file
from pocket.datasets.generated import generated_notes
from tests.real_files import real_file


def write_skim(path: Path, weights: list[float], counts: list[int], sums: list[float], end: str = "") -> Path:
    """Write a file as NanoAODTools and hadd leave it: some events, and one entry of Runs for each merged file."""
    with uproot.recreate(path) as file:
        file["Events"] = {"genWeight": np.array(weights, dtype=np.float32)}
        file["Runs"] = {
            "run": np.ones(len(counts), dtype=np.uint32),
            f"genEventCount{end}": np.array(counts, dtype=np.int64),
            f"genEventSumw{end}": np.array(sums),
        }
    return path


def test_generated_events_of_a_file(tmp_path: Path) -> None:
    for end in ("", "_"):
        skim = write_skim(tmp_path / "skim.root", [2.0, -2.0, 2.0], [5, 7], [6.0, 10.0], end)
        assert inspect_file(skim)[0].get("generated") == [12, 16.0]
    whole = write_skim(tmp_path / "whole.root", [2.0, -2.0, 2.0], [1, 2], [2.0, 0.0])
    assert "generated" not in inspect_file(whole)[0]
    with uproot.recreate(tmp_path / "none.root") as file:
        file["Events"] = {"x": np.zeros(3)}
        file["Runs"] = {"run": np.ones(1, dtype=np.uint32)}
    assert "generated" not in inspect_file(tmp_path / "none.root")[0]
    with uproot.open(real_file("nano_dy.root")) as file:
        runs = file["Runs"].arrays(["genEventCount_", "genEventSumw_"], library="np")
    dy = inspect_file(real_file("nano_dy.root"))[0]
    assert dy.get("generated") == [runs["genEventCount_"].sum(), runs["genEventSumw_"].sum()]
    assert "generated" not in inspect_file(real_file("nano_dimuon.root"))[0]


@pytest.mark.parametrize(
    ("metadata", "files", "end"),
    [
        (
            {"isMC": True},
            {"a": {"num_entries": 3, "generated": [12, 16.0]}, "b": {"num_entries": 4, "generated": [5, -0.5]}},
            "2 of 2 files have fewer events than were generated, 7 of 17, so it is a skim, but normalised by the "
            'events that are left; its metadata need "isSkim": true, "nevents_before_skim": 17, "sum_genweights": 15.5',
        ),
        (
            {"isMC": True, "isSkim": True},
            {"a": {"num_entries": 3, "generated": [12, 16.0]}, "b": {"num_entries": 4}},
            "1 of 2 files has fewer events than were generated, 3 of 12, so it is a skim, but normalised by the events "
            'that are left; its metadata need "isSkim": true and the sums before it',
        ),
        (
            {"isMC": True, "isSkim": True, "sum_genweights": 16.0},
            {"a": {"num_entries": 3, "generated": [12, 16.0]}},
            "",
        ),
        ({"isMC": False}, {"a": {"num_entries": 3, "generated": [12, 16.0]}}, ""),
        ({"isMC": True}, {"a": {"num_entries": 3}}, ""),
    ],
)
def test_notes(metadata: dict[str, Any], files: dict[str, Any], end: str) -> None:
    notes = list(generated_notes({"DY": {"metadata": metadata, "files": files}}))
    assert notes == ([f"dataset DY: {end}"] if end else [])
