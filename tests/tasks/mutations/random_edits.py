"""Edits of the study at random moments of a run, and what they leave in the store.

``python -m tests.tasks.mutations.random_edits --rounds 50`` tries fifty of them. A seed decides what is edited, in
which chain, and at which moment: a number of outputs or of temporary folders, never a time. Afterwards each output that
counts as complete, for the study before or after the edit, must have the content that a run of its own has in which
nobody edits anything.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import luigi

from tests.law_runner import ROOT, Law

# law reads its configuration when it is imported
os.environ.setdefault("LAW_CONFIG_FILE", str(ROOT / "law.cfg"))

from pocket.io.store import manifest_of
from tasks.chain.merging import MergeOutputs
from tasks.core.targets import are_complete
from tests.tasks.mutations.row import Edit, edit, parameter, write
from tests.tasks.mutations.world import ENVIRONMENT, World, one_question, restore, write_correction, write_events

EVENTS_PER_BRANCH = 20
#: what these hold that nothing in the output depends on may be older
_MAY_BE_OLDER = frozenset({"config.json", "parameters.yaml"})
#: a file of events beside the study
OTHER_EVENTS = "other.root"

EDITS: Mapping[str, Mapping[str, Edit]] = {
    "corrected": {
        "a cut": edit("leading", "> params", "> 20 + params"),
        "a cut of the measurement": edit("probe", ">= params", ">= 20 + params"),
        "a constant of the workflow": edit("SOFTEST", "10.0", "20.0"),
        "a calibrator": edit("Scale.calibrate", "1.01", "1.5"),
        "a weight": edit("Slope.compute", "self.params.slope.size", "2 * self.params.slope.size"),
        "the bins of the measurement": edit("muon_pt", "(10, 30, 200)", "(10, 40, 200)"),
        "a parameter of a cut": parameter("probe.pt", 25.0),
        "a parameter of a weight": parameter("slope.size", 0.02),
        "the luminosity": parameter("lumi.picobarns.2018.tot", 1000.0),
        "a correction": lambda world: write_correction(world.analysis / "corrections.json", 1.9),
        "the events of a file": lambda world: shutil.copy(
            world.folder.parent / OTHER_EVENTS, world.files / "dy_2.root"
        ),
    },
    "main": {
        "a constant": edit("idioms:LEAST", "3", "30"),
        "a module that is imported late": edit("late:LEAST", "3", "30"),
        "a parameter": parameter("read_by_a_cut.least", 30),
        "a number in a file": write("number.txt", "30"),
        "a model": write("model.json", '{"least": 30}'),
        "a correction": lambda world: write_correction(world.analysis / "thresholds.json", 30.0),
        "the golden JSON": write("golden.json", '{"1": [[1, 30]]}'),
    },
}


@dataclass(frozen=True)
class Moment:
    """A state of the store: as many manifests, or as many temporary folders seen so far."""

    what: str
    number: int

    def __str__(self) -> str:
        return f"{self.what} {self.number}"

    def wait(self, store: Path, process: subprocess.Popen[str]) -> None:
        """Wait until the store is in the state, or the process has ended."""
        seen: set[str] = set()
        while process.poll() is None:
            for path, folders, files in os.walk(store):
                if self.what == "output" and "/." not in path:
                    seen.update(f"{path}/{file}" for file in files if file.endswith((".zip", "manifest.json")))
                if self.what == "temporary folder":
                    seen.update(f"{path}/{folder}" for folder in folders if folder.startswith("."))
            if len(seen) >= self.number:
                return
            # the state is what counts; without a pause, looking for it would take the CPU from the process
            time.sleep(0.002)


@dataclass(frozen=True)
class Round:
    """What is tried.

    Args:
        config: the configuration whose templates are asked for.
        name: name of the edit.
        moment: when it is made.
        cores: processes of the run.
    """

    config: str
    name: str
    moment: Moment
    cores: int

    @classmethod
    def of(cls, seed: int) -> Round:
        """Return what a seed stands for."""
        choose = random.Random(seed)
        config = choose.choice(sorted(EDITS))
        branches = 3 * 3 * (2 if config == "corrected" else 1)
        what = choose.choice(["output", "temporary folder"])
        moment = Moment(what, choose.randint(0, branches + 3))
        return cls(config, choose.choice(sorted(EDITS[config])), moment, choose.choice([1, 2]))

    @property
    def edit(self) -> Edit:
        """The edit."""
        return EDITS[self.config][self.name]

    def __str__(self) -> str:
        return f"{self.config}: {self.name}, at {self.moment}, {self.cores} processes"


@dataclass(frozen=True)
class Laboratory:
    """Runs of the study in a folder, always the same one: filesets hold paths.

    Args:
        world: the study.
        copy: the study as it was at first, with an empty store.
        clean: what runs gave in which nobody edited anything, by configuration and name of the edit before.
    """

    world: World
    copy: Path
    clean: dict[tuple[str, str], dict[str, dict[str, str]]]

    @classmethod
    @contextmanager
    def make(cls) -> Iterator[Laboratory]:
        """Write the study into a temporary folder."""
        top = Path(tempfile.mkdtemp())
        before = {name: os.environ.get(name) for name in ("POCKET_STORE", *ENVIRONMENT)}
        path = [*sys.path]
        try:
            (top / "folder").mkdir()
            world = World.make(top / "folder")
            # each file that is written has another UUID
            write_events(top / OTHER_EVENTS, 40, is_mc=True)
            os.environ.update(ENVIRONMENT, POCKET_STORE=str(world.store))
            shutil.copytree(world.folder, top / "copy", symlinks=True)
            yield cls(world, top / "copy", {})
        finally:
            sys.path[:] = path
            for name, value in before.items():
                os.environ.pop(name, None)
                os.environ.update({name: value} if value is not None else {})
            shutil.rmtree(top)

    def start(self, config: str, cores: int) -> subprocess.Popen[str]:
        """Start ``law run`` for the templates of a configuration."""
        options = {
            "version": "v1",
            "analysis": self.world.analysis,
            "config": config,
            "events-per-branch": EVENTS_PER_BRANCH,
            "chunk-memory": 0,
            "cores": cores,
        }
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        return Law(self.world.folder).start("MergeOutputs", *words)

    def begin(self) -> None:
        """Bring everything into the state before the edit, with an empty store."""
        law = self.world.folder / "law"
        if law.exists():
            # its index takes long to make
            shutil.copytree(law, self.copy / "law", dirs_exist_ok=True)
        restore(self.copy, self.world.folder)

    def contents(self, config: str) -> dict[str, dict[str, str]]:
        """Return the complete outputs of the chain as they are found now: folder → file → checksum."""
        found: dict[str, dict[str, str]] = {}
        parts = [part for task, *_ in self.end(config).walk_deps() for part in _parts(task)]
        with one_question():
            for part in parts:
                folder = part.output().directory
                manifest = manifest_of(folder)
                if manifest is not None and are_complete(part):
                    files = {
                        name: record.sha256 for name, record in manifest.files.items() if name not in _MAY_BE_OLDER
                    }
                    found[str(folder.relative_to(self.world.store))] = files
        return found

    def run_in_fork(self, config: str) -> bool:
        """Run a chain in a process that has read nothing yet, and tell whether it succeeded."""
        if not (child := os.fork()):
            code = 1
            try:
                quiet = os.open(self.world.folder / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
                os.dup2(quiet, 1)
                os.dup2(quiet, 2)
                code = 0 if luigi.build([self.end(config)], local_scheduler=True, log_level="WARNING") else 1
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status) == 0

    def end(self, config: str) -> Any:
        """Return the task that has the templates of a configuration, as everything is now."""
        self.world.forget()
        return self.world.task(MergeOutputs, config=config, events_per_branch=EVENTS_PER_BRANCH)

    def clean_run(self, config: str, name: str = "") -> dict[str, dict[str, str]]:
        """Return what a run gives after an edit, or without one, in which nobody edits anything."""
        if (config, name) not in self.clean:
            self.begin()
            if name:
                EDITS[config][name](self.world)
            assert self.run_in_fork(config), f"{config} doesn't run after the edit of {name}"
            self.clean[config, name] = self.contents(config)
        return self.clean[config, name]

    def try_out(self, tried: Round) -> list[str]:
        """Make an edit while a chain runs; return what is wrong afterwards, one sentence each."""
        unedited = self.clean_run(tried.config)
        edited = self.clean_run(tried.config, tried.name)
        assert edited != unedited, f"{tried.name} changes nothing"
        self.begin()
        process = self.start(tried.config, tried.cores)
        tried.moment.wait(self.world.store, process)
        tried.edit(self.world)
        text, _ = process.communicate()
        wrong = []
        if process.returncode != 0 and "error: " not in text:
            wrong.append(f"the run failed without a sentence: {text[-2000:]}")
        wrong += _compared("after the edit", self.contents(tried.config), edited)
        # whoever takes the edit back finds what was made before it
        restore_sources(self.copy, self.world)
        wrong += _compared("before the edit", self.contents(tried.config), unedited)
        # and whoever makes it again gets what a run of its own gives
        tried.edit(self.world)
        if not self.run_in_fork(tried.config):
            wrong.append("the next run fails")
        now = self.contents(tried.config)
        wrong += _compared("after the next run", now, edited)
        if set(now) != set(edited):
            wrong.append("after the next run: outputs are missing")
        return wrong


def _parts(task: Any) -> list[Any]:
    """Return a task, or the branches of a workflow if they are known."""
    if not getattr(task, "is_workflow", lambda: False)():
        return [task]
    return list(task.get_branch_tasks().values()) if task.workflow_condition() else []


def _compared(when: str, found: Mapping[str, Mapping[str, str]], clean: Mapping[str, Mapping[str, str]]) -> list[str]:
    wrong = []
    for folder, files in found.items():
        if folder not in clean:
            wrong.append(f"{when}: {folder} is complete, but no clean run has it")
        elif files != clean[folder]:
            names = [name for name in {**files, **clean[folder]} if files.get(name) != clean[folder].get(name)]
            wrong.append(f"{when}: {', '.join(names)} in {folder} isn't what a clean run gives")
    # one cause is in many outputs
    return [*wrong[:3], *([f"{when}: {len(wrong) - 3} more"] if len(wrong) > 3 else [])]


def restore_sources(copy: Path, world: World) -> None:
    """Take back what was edited; the store stays."""
    for part in ("study", "files"):
        restore(copy / part, world.folder / part)


def main() -> int:
    """Try out many rounds; return 1 if something was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="number of rounds")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first round; the others follow")
    arguments = parser.parse_args()
    failed = 0
    with Laboratory.make() as laboratory:
        for seed in range(arguments.seed, arguments.seed + arguments.rounds):
            tried = Round.of(seed)
            wrong = laboratory.try_out(tried)
            failed += bool(wrong)
            print(f"seed {seed}: {tried}: {'; '.join(wrong) or 'fine'}", flush=True)
    print(f"{arguments.rounds - failed} of {arguments.rounds} rounds are fine")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
