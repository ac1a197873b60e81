"""The small analysis in a folder of its own, with a store beside it."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import shutil
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from logging.handlers import BufferingHandler
from pathlib import Path
from typing import Any

import luigi
from luigi.cmdline_parser import CmdlineParser
from luigi.task_register import Register

from pocket.base.containers import folder_of
from pocket.configuration.loading import _load
from pocket.errors import PocketError
from pocket.histograms.files import read_templates
from pocket.io.store import manifest_id
from pocket.io.store.manifest import written
from pocket.io.store.packing import contents_of_output
from tasks.chain.plotting import PlotTemplates
from tasks.command.run import make_task, parse
from tasks.framework.base import StoreTask, TemplateTask
from tests.law_runner import Law, Run

SMALL = Path(__file__).with_name("small")


@dataclass(frozen=True)
class Chain:
    """Runs the tasks for a copy of the small analysis.

    Args:
        folder: holds the copy and the store.
    """

    folder: Path

    @classmethod
    def make(cls, folder: Path, index: Path | None = None) -> Chain:
        """Copy the analysis into a folder, and law's index if there is one already."""
        shutil.copytree(SMALL, folder / "small", ignore=shutil.ignore_patterns("__pycache__"))
        if index is not None:
            (folder / "law").mkdir()
            shutil.copy(index, folder / "law" / "index")
        return cls(folder)

    @property
    def law(self) -> Law:
        """The caller of law."""
        return Law(self.folder)

    @property
    def analysis(self) -> Path:
        """The copy of the analysis."""
        return self.folder / "small"

    @property
    def store(self) -> Path:
        """The store."""
        return self.law.store

    def arguments(self, task: str, *options: str) -> list[str]:
        """Return the arguments of ``law run`` for a task of the analysis; given options come last."""
        return [task, "--version", "v1", "--analysis", str(self.analysis), "--events-per-branch", "1000", *options]

    def run(self, task: str, *options: str) -> Run:
        """Run a task in one process."""
        return self.law.run(*self.arguments(task, "--cores", "1", *options))

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace a text in the copy."""
        path = self.analysis / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def define(self, dy: dict[str, Any], xsec: float = 2000.0, data: str = "data.root") -> None:
        """Define the simulation by a source of files, instead of toys; data are in one file."""
        metadata = {"year": "toys", "isMC": True, "xsec": xsec}
        of_data = {"paths": [data], "metadata": {"year": "toys", "isMC": False}}
        definitions = {"DYJetsToMuMu": {**dy, "metadata": metadata}, "DATA_SingleMuon": of_data}
        content = {name: {"sample": name, "files": [entry]} for name, entry in definitions.items()}
        (self.analysis / "datasets.json").write_text(json.dumps(content))

    def task(self, cls: type[StoreTask] = PlotTemplates, **params: Any) -> Any:
        """Return a task in this process, which sees the analysis and the store as they are now."""
        Register.clear_instance_cache()
        _load.cache_clear()
        default: dict[str, Any] = {"version": "v1", "analysis": str(self.analysis)}
        if issubclass(cls, TemplateTask):
            default["events_per_branch"] = 1000
        return cls(**default | params)

    def build(self, cls: type[StoreTask] = PlotTemplates, **params: Any) -> list[str]:
        """Run a task in this process and return what ran, as task and configuration."""
        return run_here(self.task(cls, **{"cores": 1, **params}))

    def wanted(self, task: str, *options: str) -> Any:
        """Return the task that the words of a command line ask for, as ``law run`` does before it runs anything."""
        Register.clear_instance_cache()
        _load.cache_clear()
        parser: Any = CmdlineParser
        family, *words = self.arguments(task, "--cores", "1", *options)
        given = parse(family, words)
        with parser.global_instance([family, *given.others]):
            return make_task(family, given.own)

    def ask(self, task: str, *options: str) -> Run:
        """Parse the words of a command line that ends there, in this process; return its exit code and what it says."""
        # signs of the tree depend on the encoding
        text = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
        with redirect_stdout(text), redirect_stderr(text):
            try:
                found = self.wanted(task, *options)
            except SystemExit as end:
                text.seek(0)
                return Run(int(end.code or 0), text.read())
        raise AssertionError(f"the command would run {found}")

    def error(self, cls: type[StoreTask] = PlotTemplates, **params: Any) -> str:
        """Run a task in this process, which must fail with one error that is meant for people; return its text."""
        return error_here(lambda: self.task(cls, **{"cores": 1, **params}))

    def missing(self) -> set[str]:
        """Return what running PlotTemplates would run, as task and configuration."""
        found = self.task().walk_deps()
        return {name(task) for task, *_ in found if not task.complete()}

    def outputs(self, task: str, part: str = "") -> list[Path]:
        """Return the outputs of a task, for one configuration or all."""
        return [path for path in self.law.outputs(task, "small") if part in path.relative_to(self.store).parts[2]]

    def output(self, task: str, part: str) -> Path:
        """Return the only output of a task."""
        (path,) = self.outputs(task, part)
        return path

    def ids(self, task: str, part: str = "") -> dict[Path, str]:
        """Return the outputs of a task with what tells each from one that is made again."""
        return {path: written(path) for path in self.outputs(task, part)}

    def contents(self, task: str, part: str = "") -> dict[Path, str | None]:
        """Return the outputs of a task with their ids, which are the same for the same content."""
        return {path: manifest_id(path) for path in self.outputs(task, part)}

    def templates(self, part: str = "main", variable: str = "muon_pt") -> dict[str, bytes]:
        """Return the contents of the merged templates, bit by bit."""
        templates = read_templates(self.output("MergeOutputs", part), variable)
        return {sample: histogram.view(flow=True).tobytes() for sample, histogram in templates.items()}


def run_here(task: Any) -> list[str]:
    """Run a task in this process, which must succeed; return what ran, as task and configuration."""
    ran: list[str] = []
    note = StoreTask.event_handler(luigi.Event.START)(lambda task: ran.append(name(task)))
    try:
        assert luigi.build([task], local_scheduler=True)
    finally:
        StoreTask.remove_event_handler(luigi.Event.START, note)
    return ran


def error_here(make: Callable[[], Any]) -> str:
    """Make and run a task in this process, which must fail with one error meant for people; return its text."""
    log = BufferingHandler(10_000)
    logging.getLogger("luigi-interface").addHandler(log)
    try:
        assert not luigi.build([make()], local_scheduler=True)
    except PocketError as error:
        return str(error)
    finally:
        logging.getLogger("luigi-interface").removeHandler(log)
    text = "\n".join(record.getMessage() for record in log.buffer)
    (sentence,) = re.findall(r"^error: (.*)$", text, re.MULTILINE)
    return str(sentence)


def name(task: StoreTask) -> str:
    """Return how tests call a task."""
    return f"{task.task_family} {task.config_part}"


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files of an output, without its manifest: path → content."""
    return {name: content for name, content in contents_of_output(folder).items() if name != "manifest.json"}


def unpack_branches(store: Path) -> list[Path]:
    """Turn all branches into folders, as versions before containers wrote them, and return these."""
    folders = []
    for container in sorted(store.rglob("*.zip")):
        time = container.stat().st_mtime_ns
        folders.append(folder := Path(folder_of(container)))
        for name, content in contents_of_output(container).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            os.utime(path, ns=(time, time))
        container.unlink()
    return folders


def unfinished(store: Path) -> list[Path]:
    """Return what is in a store but belongs to no output."""
    outputs = {path.parent for path in store.rglob("manifest.json")} | {*store.rglob("*.zip")}
    files = [path for path in store.rglob("*") if path.is_file()]
    hidden = list(store.rglob(".*"))
    found = hidden + [path for path in files if not outputs & {path, *path.parents}]
    apart = {store / ".records", store / ".logs"}
    return [path for path in found if not apart & {path, *path.parents}]
