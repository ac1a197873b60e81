"""The study in a folder of its own: its files, its store, and what of its tasks is there."""

from __future__ import annotations

import json
import logging
import os
import pickle
import re
import shutil
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from logging.handlers import BufferingHandler
from pathlib import Path
from typing import Any

import awkward as ak
import awkward_cpp
import luigi
import numpy as np
import uproot
import yaml
from luigi.task_register import Register

from pocket.base.containers import is_container
from pocket.configuration.loading import _load
from pocket.errors import PocketError
from pocket.io.store import manifest_id
from tasks.chain.plotting import PlotScaleFactors, PlotTemplates
from tasks.core import targets
from tasks.framework.base import StoreTask, TemplateTask
from tests.pocket.correction_files import binned, write_corrections
from tests.tasks.mutations import sources

STUDY = Path(__file__).with_name("study")
EVENTS = 60
#: what the cuts of ``reading`` find in the environment
ENVIRONMENT = {
    **dict.fromkeys(("STUDY_KEPT", "STUDY_ENVIRON", "STUDY_ENVIRON_GET", "STUDY_GETENV"), "3"),
    **dict.fromkeys(("STUDY_BYTES", "STUDY_TEMPLATE", "STUDY_OMEGACONF"), "3"),
    "STUDY_SHARED": f"/dev/shm/pocketlaw-study-{os.getpid()}",
}


@dataclass(frozen=True)
class World:
    """The study and what it reads, with a store beside it.

    Args:
        folder: holds the copy ``study`` of the analysis, ``files`` and ``store``.
    """

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> World:
        """Copy the study into a folder and write what it reads."""
        shutil.copytree(STUDY, folder / "study", ignore=shutil.ignore_patterns("__pycache__"))
        world = cls(folder)
        (folder / "files").mkdir()
        for seed, name in enumerate(("dy_1", "dy_2", "data_1")):
            world.write_events(name, seed)
        world.write_definitions()
        write_correction(world.analysis / "corrections.json")
        for name in ("thresholds", "kept"):
            write_correction(world.analysis / f"{name}.json", 3.0)
        (world.analysis / "golden.json").write_text(json.dumps({"1": [[1, 80]]}))
        for name in ("model", "table", "numbers"):
            (world.analysis / f"{name}.json").write_text(json.dumps({"least": 3}))
        for name in ("number.txt", "kept.txt", "by_thread.txt", "by_pool.txt", "number.py", "number.so"):
            (world.analysis / name).write_text("3")
        (world.analysis / "least.csv").write_text("least\n3\n")
        (world.analysis / "least.jsonl").write_text('{"least": 3}\n')
        for name in ("sized.bin", "stated.bin"):
            (world.analysis / name).write_bytes(b"123")
        (library,) = Path(awkward_cpp.__file__).parent.rglob("libawkward-cpu-kernels.so")
        shutil.copy(library, world.analysis / "library.so")
        (world.analysis / "lists").mkdir()
        (world.analysis / "lists" / "one.txt").write_text("1")
        (world.analysis / "linked.txt").write_text("3")
        (world.analysis / "link.txt").symlink_to("linked.txt")
        (world.analysis / "number.pickle").write_bytes(pickle.dumps(3))
        (world.analysis / "number.yaml").write_text("least: 3\n")
        np.save(world.analysis / "number.npy", np.array([3]))
        for name in ("network.bin", "mapped.bin"):
            (world.analysis / name).write_bytes(b"\x03")
        return world

    @property
    def analysis(self) -> Path:
        """The copy of the analysis."""
        return self.folder / "study"

    @property
    def files(self) -> Path:
        """The folder of the ROOT files."""
        return self.folder / "files"

    @property
    def store(self) -> Path:
        """The store."""
        return self.folder / "store"

    # what is edited

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text in the definition of an object, see :func:`tests.tasks.mutations.sources.replace`."""
        sources.replace(self.analysis, name, old, new)

    def insert(self, name: str, text: str) -> None:
        """Insert lines in front of an object."""
        sources.insert_before(self.analysis, name, text)

    def append(self, name: str, text: str) -> None:
        """Append lines to the module that defines an object."""
        sources.append(self.analysis, name, text)

    def write(self, file: str, content: str | bytes) -> None:
        """Write a file of the analysis."""
        content = content.encode() if isinstance(content, str) else content
        (self.analysis / file).write_bytes(content)

    def set_parameter(self, key: str, value: Any) -> None:
        """Set a parameter in the analysis' YAML; ``None`` removes it."""
        path = self.analysis / "parameters.yaml"
        content = yaml.safe_load(path.read_text())
        *sections, last = key.split(".")
        section = content
        for name in sections:
            section = section.setdefault(name, {})
        section[last] = value
        if value is None:
            del section[last]
        path.write_text(yaml.safe_dump(content, sort_keys=False))

    def write_events(self, name: str, seed: int) -> Path:
        """Write one of the ROOT files."""
        path = self.files / f"{name}.root"
        write_events(path, seed, is_mc=not name.startswith("data"))
        return path

    def write_definitions(self, *dy: str, xsec: float = 2000.0, **metadata: Any) -> None:
        """Define the datasets: which files simulation has, and further metadata of it."""
        dy = dy or ("dy_1", "dy_2")
        of_dy = {"year": "2018", "isMC": True, "xsec": xsec, "generator": "a", **metadata}
        of_data = {"year": "2018", "isMC": False, "era": "A", "generator": "none"}
        content = {
            "DY": {"sample": "DY", "files": [{"paths": [f"../files/{name}.root" for name in dy], "metadata": of_dy}]},
            "DATA": {"sample": "DATA", "files": [{"paths": ["../files/data_1.root"], "metadata": of_data}]},
        }
        (self.analysis / "datasets.json").write_text(json.dumps(content))

    # what becomes of it

    def roots(self) -> list[Any]:
        """Return the tasks at the end of the chain, which see the analysis and the store as they are now."""
        return [self.task(PlotTemplates), self.task(PlotScaleFactors, scale_factor="tight")]

    def task(self, cls: type[StoreTask], **params: Any) -> Any:
        """Return a task of the study."""
        default: dict[str, Any] = {"version": "v1", "analysis": str(self.analysis), "cores": 1}
        if issubclass(cls, TemplateTask):
            default |= {"events_per_branch": EVENTS, "chunk_memory": 0}
            # of few events errors are large
            default["accept_closure"] = True
        known = {name for name, _ in cls.get_params()}
        return cls(**{name: value for name, value in default.items() if name in known} | params)

    def tasks(self) -> list[StoreTask]:
        """Return all tasks of the chain, once the analysis is loaded anew."""
        self.forget()
        found: dict[str, StoreTask] = {}
        for root in self.roots():
            for task, *_ in root.walk_deps():
                found.setdefault(label(task), task)
        return list(found.values())

    @staticmethod
    def forget() -> None:
        """Load the analysis anew, as another process would."""
        Register.clear_instance_cache()
        _load.cache_clear()

    def incomplete(self) -> dict[str, StoreTask]:
        """Return the tasks that aren't complete, or can't be before others are."""
        tasks = self.tasks()
        with one_question():
            return {label(task): task for task in tasks if not targets.are_complete(task)}

    def waiting(self, name: str) -> int:
        """Return how many branches of a workflow aren't complete."""
        (workflow,) = (task for task in self.tasks() if label(task) == name)
        with one_question():
            branches = workflow.get_branch_tasks().values()
            return sum(not branch.complete() for branch in branches)

    def is_complete(self, cls: type[StoreTask], **params: Any) -> bool:
        """Whether a task is complete, and all that it requires."""
        self.forget()
        task = self.task(cls, **params)
        if not task.directory.exists():
            return False
        with one_question():
            return targets.are_complete(task)

    def remade(self, expected: Collection[str], exactly: bool = False) -> Counter[str]:
        """Return what the next run makes again: task → number of outputs.

        It is run only where the truth can't be told without: where a task is incomplete only because one that it
        requires is, which may turn out as it was.

        Args:
            expected: the tasks that are expected to be made again.
            exactly: whether the numbers of outputs are wanted.
        """
        missing = self.incomplete()
        moved = {name for name, task in missing.items() if not task.directory.exists()}
        if not exactly and set(missing) in (moved, set(expected)):
            return Counter(dict.fromkeys(missing, 1))
        return self.run() if missing else Counter()

    def run(self, *roots: Any) -> Counter[str]:
        """Run the chain, or tasks of it; return how many outputs each task wrote."""
        before = self.written()
        self.forget()
        assert luigi.build(list(roots) or self.roots(), local_scheduler=True, log_level="WARNING")
        return Counter(
            f"{path.parts[1]} {path.parts[2]}" for path, when in self.written().items() if before.get(path) != when
        )

    def refusal(self, make: Callable[[], list[Any]] | None = None) -> str | None:
        """Run the chain; return the sentence of the error that it ends in, ``None`` if it doesn't."""
        self.forget()
        log = BufferingHandler(10_000)
        logging.getLogger("luigi-interface").addHandler(log)
        try:
            done = luigi.build((make or self.roots)(), local_scheduler=True, log_level="INFO")
        except PocketError as error:
            return str(error)
        finally:
            logging.getLogger("luigi-interface").removeHandler(log)
        if done:
            return None
        text = "\n".join(record.getMessage() for record in log.buffer)
        return " ".join(re.findall(r"^error: (.*)$", text, re.MULTILINE))

    def written(self) -> dict[Path, tuple[str | None, int]]:
        """Return the outputs below the store with the id of their manifest, and when it was written."""
        manifests = [
            path
            for path in (*self.store.rglob("manifest.json"), *self.store.rglob("*.zip"))
            if not any(part.startswith(".") for part in path.relative_to(self.store).parts)
        ]
        outputs = {(path if is_container(path) else path.parent): path.stat().st_ctime_ns for path in manifests}
        return {output.relative_to(self.store): (manifest_id(output), time) for output, time in outputs.items()}

    def outputs(self, task: str, part: str) -> list[Path]:
        """Return the outputs of a task for a configuration or scale factor."""
        return [self.store / path for path in sorted(self.written()) if path.parts[1:3] == (task, part)]

    def output(self, task: str, part: str) -> Path:
        """Return the only output of a task for a configuration or scale factor."""
        (path,) = self.outputs(task, part)
        return path


@contextmanager
def one_question() -> Iterator[None]:
    """Ask whether several tasks are complete as one question, in which each is asked once."""
    token = targets._found.set({})
    try:
        yield
    finally:
        targets._found.reset(token)


def label(task: StoreTask) -> str:
    """Return how the table calls a task."""
    return f"{task.task_family} {task.config_part}"


def write_events(path: Path, seed: int, is_mc: bool, size: int = EVENTS) -> None:
    """Write events with muons and vertices.

    Args:
        path: the file.
        seed: seed of the values.
        is_mc: whether there are weights of a generator.
        size: number of events.
    """
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 4, size)
    total = int(counts.sum())
    muons: Mapping[str, Any] = {
        "pt": rng.uniform(11, 60, total).astype(np.float32),
        "eta": rng.uniform(-2.4, 2.4, total).astype(np.float32),
        "phi": rng.uniform(-3, 3, total).astype(np.float32),
        "mass": np.full(total, 0.1, dtype=np.float32),
        "charge": rng.choice([-1, 1], total).astype(np.int32),
        "looseId": np.ones(total, dtype=np.bool_),
        "tightId": rng.uniform(size=total) < 0.8,
    }
    columns: dict[str, Any] = {
        "run": np.ones(size, dtype=np.uint32),
        "luminosityBlock": np.arange(1, size + 1, dtype=np.uint32),
        "event": np.arange(seed * size, (seed + 1) * size, dtype=np.uint64),
        "PV_npvsGood": rng.integers(1, 60, size).astype(np.int32),
        **{f"PV_{axis}": np.zeros(size, dtype=np.float32) for axis in "xyz"},
        "Muon": ak.unflatten(ak.zip(muons), counts),
    }
    if is_mc:
        # sums of these are exact, in whatever order they are added
        columns["genWeight"] = rng.choice(np.array([-0.5, 1.0, 2.5], dtype=np.float32), size)
    with uproot.recreate(path, compression=uproot.ZLIB(1)) as file:
        file.mktree("Events", {name: ak.type(ak.Array(values)).content for name, values in columns.items()})
        file["Events"].extend(columns)


def write_correction(path: Path, value: float = 1.1) -> None:
    """Write the correction file of the study, with one value everywhere."""
    write_corrections(path, binned("vertices", {"vertices": [0, 100]}, lambda kind, bin: value, "kind"))


def restore(copy: Path, folder: Path) -> None:
    """Bring a folder into the state of its copy; files that are as they were stay the same files."""
    there, wanted = (
        {path.relative_to(top) for path in top.rglob("*") if "__pycache__" not in path.parts} for top in (folder, copy)
    )
    for path in sorted(there - wanted, reverse=True):
        remove(folder / path)
    for path in sorted(wanted):
        source, target = copy / path, folder / path
        if not _same(source, target):
            if target.is_symlink() or target.exists():
                remove(target)
            shutil.copytree(source, target, symlinks=True) if source.is_dir() else shutil.copy2(
                source, target, follow_symlinks=False
            )


def remove(path: Path) -> None:
    """Remove a file, a link or a folder with all in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _same(one: Path, other: Path) -> bool:
    if not other.exists() or one.is_symlink() != other.is_symlink() or one.is_dir() != other.is_dir():
        return False
    if one.is_symlink():
        return one.readlink() == other.readlink()
    if one.is_dir():
        return True
    return one.stat().st_mtime_ns == other.stat().st_mtime_ns and one.read_bytes() == other.read_bytes()
