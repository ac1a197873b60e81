"""Whole commands: what each of them reads, how its times are taken, and that templates are compared."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.throughput import parts
from benchmarks.throughput.command import main
from benchmarks.throughput.commands import BareCommand, Command, LawCommand, PocketCoffeaCommand, make_commands
from benchmarks.throughput.flows import find
from benchmarks.throughput.given_files import correction_files, definitions_of
from benchmarks.throughput.running import EngineError, Pass
from tests.benchmarks.throughput.conftest import EVENTS

FILESET = {
    "tt_toys": {"metadata": {"nevents": 20, "xsec": 365.0}, "files": {"/data/a.root": {}, "/data/b.root": {}}},
}
REQUEST = {"config": "ttbar_large", "flow": "ttbar_large", "fileset": FILESET, "chunk_size": 400_000}


class Script(Command):
    """A command of Python that takes some CPU time in a process of its own, and writes a file."""

    text = """
import os, subprocess, sys, time
from pathlib import Path
print(Path(os.environ["BENCHMARK_REQUEST"]).name)
end = time.process_time() + 0.1
while time.process_time() < end: pass
if len(sys.argv) == 1:
    subprocess.run([sys.executable, sys.argv[0], "inner"], check=True)
"""

    @property
    def environment(self) -> dict[str, str]:
        """No variables."""
        return {}

    def arguments(self) -> Sequence[str]:
        """Run the script."""
        script = self.folder / "script.py"
        script.write_text(self.text)
        return [sys.executable, str(script)]


class Broken(Script):
    """A command that fails."""

    text = "raise ValueError('out of events')"


def test_times_are_of_all_processes(tmp_path: Path) -> None:
    command = Script({"events": 10}, tmp_path / "script")
    found = command.run()
    assert found.cpu >= 0.2
    assert found.wall >= 0.2
    assert found.peak > 3
    assert (command.folder / "log.txt").read_text() == "request.json\n" * 2
    assert json.loads(command.request_path.read_text()) == {"events": 10, "output": str(command.folder)}


def test_failure_tells_what_the_command_said(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"(?s)script\.py failed.*out of events"):
        Broken({}, tmp_path / "broken").run()


def test_pocketcoffea_has_its_own_chunks_by_default(tmp_path: Path) -> None:
    python = Path("/peer/bin/python")
    made = make_commands({"pocketcoffea-default": python, "pocketcoffea": python}, REQUEST, tmp_path)
    assert all(isinstance(command, PocketCoffeaCommand) for command in made.values())
    usual, large = (list(command.arguments()) for command in made.values())
    assert usual[:3] == ["/peer/bin/python", "-m", "pocket_coffea.scripts.runner"]
    assert "--chunksize" not in usual
    assert large[large.index("--chunksize") + 1] == "400000"


def test_least_command_reads_all_events(data: Path, tmp_path: Path) -> None:
    options = parts.Options(["zmumu"], ["bare"], EVENTS, 1, EVENTS, data)
    command = BareCommand(options.request("zmumu"), tmp_path / "bare")
    found = command.run()
    assert found.cpu > 0.5
    assert command.templates() == {}
    ((_, dataset),) = options.request("zmumu")["fileset"].items()
    (command.folder / "request.json").write_text(json.dumps({**command.content(REQUEST), "config": "zmumu"}))
    assert dataset["files"]
    with pytest.raises(EngineError, match=r"/data/a\.root"):
        command.run()


def test_dataset_is_defined_by_its_files() -> None:
    assert definitions_of(find("ttbar_large").configuration(), FILESET) == {
        "TTToSemiLeptonic": {
            "sample": "TTToSemiLeptonic",
            "files": [
                {
                    "paths": ["/data/a.root", "/data/b.root"],
                    "metadata": {"year": "toys", "isMC": True, "xsec": 365.0},
                }
            ],
        }
    }


def test_corrections_are_those_that_exist(tmp_path: Path) -> None:
    (tmp_path / "pileup.json").touch()
    parameters = {"pileup": {"toys": {"file": "toys://pileup.json"}, "2018": {"file": "other://pileup.json"}}}
    missing = {"jets": {"file": "toys://jets.json"}}
    assert correction_files({**parameters, **missing}, str(tmp_path)) == {
        "pileup.toys.file": str(tmp_path / "pileup.json")
    }


class Finished:
    """A command that takes no time to say how long it took: each run takes as long again as the first."""

    def __init__(self, seconds: float, templates: Mapping[str, Any]) -> None:
        self._seconds = seconds
        self._templates = templates
        self.environments: list[dict[str, str]] = []

    def run(self, **environment: str) -> Pass:
        """Return the time."""
        self.environments.append(environment)
        return Pass(self._seconds * 2, self._seconds * len(self.environments), 1.0)

    def templates(self) -> Mapping[str, Any]:
        """Return the templates."""
        return self._templates


def run_part(
    data: Path, monkeypatch: pytest.MonkeyPatch, theirs: float
) -> tuple[dict[str, Any], list[dict[str, Finished]]]:
    """Run the part with commands that take no time; PocketCoffea's template has the given content."""
    made: list[dict[str, Finished]] = []

    def make(found: Mapping[str, Path], request: Mapping[str, Any], folder: Path) -> dict[str, Finished]:
        contents = {"ours": 2.0, "ours-large": 2.0, "pocketcoffea": theirs}
        seconds = {"ours": 1.0, "ours-large": 0.5, "pocketcoffea": 5.0, "bare": 0.2}
        size = request["events"] / EVENTS
        templates = {name: {"entries/tt/all": np.array([content])} for name, content in contents.items()}
        made.append({name: Finished(seconds[name] * size, templates.get(name, {})) for name in found})
        return made[-1]

    monkeypatch.setattr(parts, "make_commands", make)
    monkeypatch.setattr(parts, "pythons", lambda names: ({name: Path("python") for name in names}, {}))
    options = parts.Options(["ttbar_large"], ["ours", "pocketcoffea", "bare"], EVENTS, 2, 1000, data)
    return parts.commands(options), made


def test_commands_take_turns(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, (many, few) = run_part(data, monkeypatch, 2.0)
    assert found["events"] == parts.MANY * EVENTS
    assert found["few"] == parts.FEW
    flow = found["flows"]["ttbar_large"]
    assert flow["agreement"] == {"ours-large": 1, "pocketcoffea": 1}
    theirs = flow["commands"]["pocketcoffea"]
    assert theirs["many"]["cpu"] == {"median": 30.0, "low": 20.0, "high": 40.0}
    assert theirs["many"]["cpu_ratio"] == {"median": 5.0, "low": 5.0, "high": 5.0}
    assert theirs["many"]["wall"]["median"] == 40.0
    # The first run with few events isn't counted, the last one has no caches.
    assert theirs["few"]["cpu"]["median"] == 5.0 * 2.5 * parts.FEW / EVENTS
    assert [len(command.environments) for command in (*many.values(), *few.values())] == [2] * 4 + [4] * 4
    assert [bool(environment) for environment in few["ours"].environments] == [False, False, False, True]


def test_other_templates_end_the_part(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EngineError, match="large chunks has other templates: entries/tt/all"):
        run_part(data, monkeypatch, 3.0)


@pytest.mark.slow
def test_our_command_makes_the_templates(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made: dict[str, Any] = {}
    agree = parts._agreement
    monkeypatch.setattr(
        parts,
        "_agreement",
        lambda name, commands: made.update(commands["ours"].templates()) or agree(name, commands),
    )
    monkeypatch.setattr(parts, "MANY", 1)
    arguments = ["commands", "--engines", "ours", "--events", str(EVENTS), "--repeat", "1", "--flows", "ttbar_large"]
    assert main([*arguments, "--data", str(data), "--output", str(tmp_path)]) == 0, capsys.readouterr().err
    times = json.loads((tmp_path / "commands.json").read_text())["flows"]["ttbar_large"]["commands"]["ours"]
    assert times["many"]["cpu"]["median"] > 0.5
    assert times["cold"] > times["few"]["cpu"]["median"]
    # 5 variables in 15 variations, and the numbers of entries, in 14 categories of 3 subsamples
    assert len(made) == 14 * 3 * (5 * 15 + 1)
    assert 0 < made["entries/TTToSemiLeptonic__ttLF/inclusive"][0] < EVENTS


@pytest.mark.slow
def test_our_command_makes_the_templates_of_zmumu(data: Path, tmp_path: Path) -> None:
    options = parts.Options(["zmumu"], ["ours"], EVENTS, 1, EVENTS, data)
    command = make_commands({"ours": Path(sys.executable)}, options.request("zmumu"), tmp_path)["ours"]
    assert command.run().cpu > 0.5
    made = command.templates()
    assert len(made) == 31
    assert 0 < made["entries/DYJetsToMuMu/baseline"][0] < EVENTS


def test_our_command_has_no_outputs_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LawCommand, "__init__", Command.__init__)
    monkeypatch.setattr(LawCommand, "content", Command.content)
    command = LawCommand(REQUEST, tmp_path / "ours")
    command._chunk_size = 400_000
    outputs = [command.law.store / "benchmark" / task for task in ("BuildDatasets", "RunProcessor", "MergeOutputs")]
    for output in outputs:
        output.mkdir(parents=True)
    arguments = list(command.arguments())
    assert arguments[:3] == ["law", "run", "MergeOutputs"]
    assert arguments[-6:] == ["--events-per-branch", "400000", "--chunk-size", "400000", "--chunk-memory", "0"]
    assert [output.exists() for output in outputs] == [True, False, False]
