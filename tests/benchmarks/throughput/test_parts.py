"""The benchmark itself, on few events: what matters is that the engines do the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.peer import environment
from benchmarks.throughput import parts
from benchmarks.throughput.command import main
from benchmarks.throughput.grown import GROWN
from benchmarks.throughput.ours import part_of
from benchmarks.throughput.running import Pass
from benchmarks.throughput.stages import RULES
from tests.benchmarks.throughput.conftest import EVENTS

pytestmark = pytest.mark.slow

FEW = ["--events", str(EVENTS), "--repeat", "1", "--chunk-size", "1500"]


def test_engines_do_the_same(
    peer: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(environment.VARIABLE, str(peer.parents[1]))
    arguments = ["throughput", *FEW, "--data", str(data), "--output", str(tmp_path), "--flows", "ttbar_medium"]
    assert main([*arguments, "--engines", "ours", "pocketcoffea", "coffea", "coffea-default", "bare"]) == 0, (
        capsys.readouterr().err
    )
    found = json.loads((tmp_path / "throughput.json").read_text())["flows"]["ttbar_medium"]
    # 5 variables in 15 variations and the numbers of entries, in 4 categories of 3 subsamples
    compared = 4 * 3 * (5 * 15 + 1)
    assert found["agreement"] == {
        "coffea": {"compared": compared, "moved": 0},
        "coffea-default": {"compared": compared, "moved": 0},
        "pocketcoffea": {"compared": compared, "moved": 0},
    }
    assert all(engine["rate"]["median"] > 0 for engine in found["engines"].values())


def test_parts_of_our_engine(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kinds = {"usual": lambda events: {}, "300 branches": lambda events: {"branches": 300}}
    monkeypatch.setattr(parts, "FILES", {**kinds, "2 files": lambda events: {"events_per_file": events // 2}})
    arguments = [*FEW, "--data", str(data), "--output", str(tmp_path), "--flows", "ttbar_small"]
    assert main(["stages", "files", "skim", *arguments]) == 0, capsys.readouterr().err
    found = {part: json.loads((tmp_path / f"{part}.json").read_text()) for part in ("stages", "files", "skim")}
    assert list(found["files"]["flows"]["ttbar_small"]["engines"]) == list(parts.FILES)
    flow = found["skim"]["flows"]["ttbar_small"]
    assert 0.05 < flow["kept"] < 0.5
    assert set(found["stages"]["flows"]["ttbar_small"]["seconds"]) == set(RULES)


class Finished:
    """An engine that takes no time to say how long it took."""

    def __init__(self, name: str, wall: float) -> None:
        self.name = name
        self._pass = Pass(wall, wall, 1.0)

    def run(self) -> Pass:
        """Return the time."""
        return self._pass


def test_two_workers_take_as_long_as_the_slower(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def start(requests: dict[str, dict[str, Any]], folder: Path, stack: Any) -> list[Finished]:
        asked.extend(request["part"] for request in requests.values())
        return [Finished(name, wall) for name, wall in zip(requests, (8.0, 4.0, 5.0), strict=True)]

    monkeypatch.setattr(parts, "start_ours", start)
    found = parts.workers(parts.Options(["ttbar_large"], [], EVENTS, 3, 1000, data))["flows"]["ttbar_large"]
    assert asked == [[0, 1], [0, 2], [1, 2]]
    assert found["gain"]["median"] == 8.0 / 5.0
    assert found["wall_rate"]["median"] == parts.MANY * EVENTS / 5.0


def test_growth_runs_every_number(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(requests: dict[str, dict[str, Any]], folder: Path, stack: Any) -> list[Finished]:
        return [Finished(name, float(name)) for name in requests]

    monkeypatch.setattr(parts, "start_ours", start)
    found = parts.growth(parts.Options([], [], EVENTS, 1, 1000, data))["seconds"]
    assert {what: [int(number) for number in points] for what, points in found.items()} == {
        "events": [125, 500, 2000],
        **{what: list(numbers) for what, numbers in GROWN.items()},
    }
    assert found["histograms"]["100"] == {"median": 100.0, "low": 100.0, "high": 100.0, "peak": 1.0}


def test_parts_of_a_fileset_cover_it() -> None:
    files = {name: {"object_path": "Events", "num_entries": 40, "uuid": ""} for name in ("a", "b")}
    fileset = {"tt": {"metadata": {"nevents": 80}, "files": files}}
    assert [(part.start, part.stop) for part in (part_of(fileset, 100, number, 2) for number in (0, 1))] == [
        (0, 40),
        (40, 80),
    ]
    assert part_of(fileset, 20).stop == 20
