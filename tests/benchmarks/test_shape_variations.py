from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from benchmarks.foreign.running import Outcome, Side
from benchmarks.shape_variations import CLOCKS, FOLDER, HERE, PEER, Round, disagreements, run_round, text
from pocket.errors import PocketError
from pocket.histograms.files import write_sums_and_histograms
from tests.benchmarks.peer import sides

#: A side whose passes take 1, 5 and 2 s of nominal events, and ten times as long with shape variations.
SCRIPT = """
import json, pathlib, sys
request = json.loads(pathlib.Path(sys.argv[1]).read_text())
unit = 10 if request["name"].endswith("shapes.py") else 1
passes = [{"cpu": unit * seconds, "wall": 2 * unit * seconds} for seconds in (1, 5, 2)]
output = pathlib.Path(request["output"])
(output / "timing.json").write_text(json.dumps({"passes": passes[: request["passes"]]}))
(output / "result.json").write_text(json.dumps({"stages": ["import", "load", "process"]}))
"""


def scripted(name: str, script: str = SCRIPT) -> Side:
    return Side(name, (sys.executable, "-c", script), {"PYTHONPATH": ""})


def test_the_middle_pass_of_each_process_counts(tmp_path: Path) -> None:
    found = run_round({PEER: scripted("upstream"), HERE: scripted("ours")}, {"passes": 3}, tmp_path, timeout=60)
    expected = {(side, name): unit for side in (PEER, HERE) for name, unit in (("nominal", 2), ("shapes", 20))}
    assert found.times("cpu") == expected
    assert found.times("wall") == {key: 2 * seconds for key, seconds in expected.items()}


def test_a_configuration_that_does_not_run_is_an_error(tmp_path: Path) -> None:
    broken = scripted("ours", "raise SystemExit(3)")
    with pytest.raises(PocketError, match="nominal doesn't run in Pocketlaw: ended with 3"):
        run_round({HERE: broken}, {"passes": 1}, tmp_path, timeout=60)


def test_ratios_are_taken_round_by_round() -> None:
    def times(slowness: float) -> dict[tuple[str, str], float]:
        here = {(HERE, "nominal"): 0.5 * slowness, (HERE, "shapes"): 3.0 * slowness}
        return {(PEER, "nominal"): 2.0 * slowness, (PEER, "shapes"): 30.0 * slowness, **here}

    # The machine was twice as slow in the second round, which no ratio shows.
    lines = text([dict.fromkeys(CLOCKS, times(1)), dict.fromkeys(CLOCKS, times(2))], 200).splitlines()
    assert lines[0].startswith("200 events")
    assert lines[2].split() == ["PocketCoffea", "3.000", "45.000", "15.0", "(15.0–15.0)"]
    assert lines[3].split() == ["Pocketlaw", "0.750", "4.500", "6.0", "(6.0–6.0)"]
    assert lines[4].split() == ["ratio", "4.0", "(4.0–4.0)", "nominal,", "10.0", "(10.0–10.0)", "with", "shapes"]


def output(folder: Path, scale: float = 1.0, shapes: tuple[str, ...] = ("JERUp", "JERDown")) -> Outcome:
    """Return a trial that wrote numbers."""
    folder.mkdir(parents=True)
    counts = {"inclusive": {sides.MC: {"DY": dict.fromkeys(("nominal", *shapes), 3)}}, "initial": {sides.MC: 10}}
    histograms = {"x": {"DY": {sides.MC: sides.histogram(["a"], ["nominal"], scale)}}}
    written: dict[str, Any] = {**sides.side().output, "cutflow": counts, "variables": histograms}
    write_sums_and_histograms(folder, written)
    np.savez(folder / "columns.npz")
    (folder / "timing.json").write_text("{}")
    return Outcome(folder, ("import", "load", "process"))


def test_numbers_of_both_sides_are_compared(tmp_path: Path) -> None:
    def found(name: str, **changes: Any) -> list[str]:
        outcomes = {
            (side, configuration): output(tmp_path / name / side / configuration, **changes if side == HERE else {})
            for side in (PEER, HERE)
            for configuration in ("nominal", "shapes")
        }
        return disagreements([Round(outcomes)], {})

    same = found("same")
    assert len(same) == 2
    assert all("with 2 shape variations" in line for line in same)
    other = found("other", scale=1.001)
    assert other[0].startswith("UNEXPLAINED nominal: sumw of x / DY")
    fewer = found("fewer", shapes=("JERUp",))
    assert "numbers of shape variations: {'PocketCoffea': 2, 'Pocketlaw': 1}" in " ".join(fewer)


def test_the_configuration_asks_for_28_variations() -> None:
    parameters = yaml.safe_load((FOLDER / "parameters.yaml").read_text())
    sources = parameters["jets_calibration"]["variations"]["AK4PFPuppi"]["2022_postEE"]
    assert len(set(sources)) == 14
    assert "JER" in sources
