"""The benchmark itself, on few events: what matters is that the engines do the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.peer import environment
from benchmarks.throughput.command import main
from benchmarks.throughput.ours import part_of
from benchmarks.throughput.stages import RULES
from tests.benchmarks.throughput.conftest import EVENTS

FEW = ["--events", str(EVENTS), "--repeat", "1", "--chunk-size", "1500"]


def test_engines_do_the_same(
    peer: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(environment.VARIABLE, str(peer.parents[1]))
    arguments = ["throughput", *FEW, "--data", str(data), "--output", str(tmp_path), "--flows", "ttbar_large"]
    assert main([*arguments, "--engines", "ours", "pocketcoffea", "coffea", "bare"]) == 0, capsys.readouterr().err
    found = json.loads((tmp_path / "throughput.json").read_text())["flows"]["ttbar_large"]
    # 5 variables and the numbers of entries in 14 categories of 3 subsamples, 15 variations
    compared = 14 * 3 * (5 * 15 + 1)
    assert found["agreement"] == {
        "coffea": {"compared": compared, "moved": 0},
        "pocketcoffea": {"compared": compared, "moved": 0},
    }
    assert all(engine["rate"]["median"] > 0 for engine in found["engines"].values())


def test_parts_of_our_engine(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [*FEW, "--data", str(data), "--output", str(tmp_path), "--flows", "ttbar_large"]
    assert main(["workers", "stages", "skim", *arguments]) == 0, capsys.readouterr().err
    found = {part: json.loads((tmp_path / f"{part}.json").read_text()) for part in ("workers", "stages", "skim")}
    flow = found["skim"]["flows"]["ttbar_large"]
    assert 0.05 < flow["kept"] < 0.5
    assert set(found["stages"]["flows"]["ttbar_large"]["seconds"]) == set(RULES)
    assert found["workers"]["flows"]["ttbar_large"]["gain"]["median"] > 0


def test_parts_of_a_fileset_cover_it() -> None:
    files = {name: {"object_path": "Events", "num_entries": 40, "uuid": ""} for name in ("a", "b")}
    fileset = {"tt": {"metadata": {"nevents": 80}, "files": files}}
    assert [(part.start, part.stop) for part in (part_of(fileset, 100, number, 2) for number in (0, 1))] == [
        (0, 40),
        (40, 80),
    ]
    assert part_of(fileset, 20).stop == 20
