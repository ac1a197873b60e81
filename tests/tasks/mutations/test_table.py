"""The mutation table: what each edit of the study makes run again.

A row that is stale, one that doesn't run a task again although its output is another one, always fails. One that runs
too much again fails unless docs/store.md lists it with the reason, at most ten of them.
"""

from __future__ import annotations

import functools
import os
import pkgutil
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from pocket.fingerprint import code_closure
from tests.law_runner import ROOT
from tests.tasks.mutations.clones import Clone, Questions
from tests.tasks.mutations.row import Row
from tests.tasks.mutations.rows_of_code import DYNAMIC, IDIOMS, UNCHANGED
from tests.tasks.mutations.rows_of_configurations import FILLED, SCALE_FACTORS, SELECTIONS
from tests.tasks.mutations.rows_of_datasets import DEFINITIONS, FILES
from tests.tasks.mutations.rows_of_files import PARAMETERS, READ, REFUSED
from tests.tasks.mutations.rows_of_the_engine import ENGINE, EngineRow
from tests.tasks.mutations.world import ENVIRONMENT, World, restore

TABLE = [
    *UNCHANGED, *IDIOMS, *DYNAMIC, *SELECTIONS, *FILLED, *SCALE_FACTORS, *PARAMETERS, *READ, *REFUSED, *DEFINITIONS,
    *FILES,
]  # fmt: skip
MOST_NEEDLESS = 10
known_closure = functools.cache(code_closure)


def needless_rows() -> dict[str, str]:
    """Return the rows that may run too much again, with the reason: a list in docs/store.md."""
    text = (ROOT / "docs" / "store.md").read_text(encoding="utf-8")
    _, _, section = text.partition("### Runs again though it need not\n")
    section, _, _ = section.partition("\n#")
    return dict(re.findall(r"^- (.*?): (.*)$", section, re.MULTILINE))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Path]:
    """The study with its chain run to the end, and a copy of its folder."""
    with pytest.MonkeyPatch.context() as patch:
        enter(patch, tmp_path_factory.mktemp("mutations"))
        world = World.make(Path(os.environ["POCKET_STORE"]).parent)
        made = world.run()
        assert world.incomplete() == {}, made
    copy = tmp_path_factory.mktemp("copy") / "folder"
    shutil.copytree(world.folder, copy, symlinks=True)
    return world, copy


def enter(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let tasks in this process see the store, and do what takes long and doesn't matter here once, or not at all."""
    patch.setenv("POCKET_STORE", str(folder / "store"))
    for name, value in ENVIRONMENT.items():
        patch.setenv(name, value)
    patch.setattr(sys, "path", [*sys.path])
    # another process knows no analysis from before
    patch.setattr("pocket.fingerprint.places._outside", {})
    # no row changes the engine in this process
    for module in [*sys.modules.values()]:
        if getattr(module, "code_closure", None) is code_closure:
            patch.setattr(module, "code_closure", known_closure)
    # times of files are exact here
    patch.setattr("tasks.datasets.STEP", 0.0)
    # what is drawn doesn't matter here, and drawing takes longest
    patch.setattr("tasks.jobs.save_plots", save_names)


def save_names(plots: object, folder: Path, parameters: object) -> None:
    """Write a file instead of plots."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plots.txt").write_text("plots")


@pytest.fixture
def world(finished: tuple[World, Path], monkeypatch: pytest.MonkeyPatch) -> World:
    """The study as it was when its chain had run."""
    world, copy = finished
    restore(copy, world.folder)
    enter(monkeypatch, world.folder)
    return world


def test_names_differ() -> None:
    names = [row.name for row in (*TABLE, *ENGINE)]
    assert sorted(set(names)) == sorted(names)
    assert len(names) >= 80


def test_needless_rows_have_a_reason() -> None:
    needless = needless_rows()
    assert set(needless) <= {row.name for row in (*TABLE, *ENGINE)}
    assert len(needless) <= MOST_NEEDLESS
    assert all(needless.values())


@pytest.fixture(scope="module")
def clone(
    tmp_path_factory: pytest.TempPathFactory, finished: tuple[World, Path]
) -> Iterator[tuple[Path, Path, Questions]]:
    """A clone of the checkout that finds the outputs of this one, a copy, and the process that says what it runs."""
    world, _ = finished
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        clone = Clone.make(tmp_path_factory.mktemp("clone") / "a checkout", world.store)
        copy = shutil.copytree(clone.folder, tmp_path_factory.mktemp("copy") / "checkout")
        with clone.asked() as questions:
            yield clone.folder, copy, questions


@pytest.mark.parametrize("row", ENGINE, ids=lambda row: row.name.replace(" ", "-"))
def test_row_of_the_engine(world: World, clone: tuple[Path, Path, Questions], row: EngineRow) -> None:
    folder, copy, questions = clone
    restore(copy, folder)
    row.edit(folder)
    incomplete = questions.ask(str(world.analysis), incomplete=True)[str(world.analysis)]
    # what is incomplete at its old place waits for others, which may turn out as they were
    moved = {name for name, folder in incomplete.items() if not (world.store / folder).exists()}
    assert_row(row, moved | (set(incomplete) & row.reruns))


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name.replace(" ", "-"))
def test_row(world: World, row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in row.patched:
        # the analysis replaces it, for good
        holder, _, attribute = name.rpartition(".")
        monkeypatch.setattr(name, getattr(pkgutil.resolve_name(holder), attribute))
    if row.before:
        row.before(world)
        sentence = world.refusal()
        if sentence is not None:
            assert re.search(row.refused or "$^", sentence), sentence
            return
    row.edit(world)
    for name, value in row.environment.items():
        monkeypatch.delenv(name) if value is None else monkeypatch.setenv(name, value)
    if row.must_refuse:
        sentence = world.refusal()
        assert sentence is not None, "nothing was refused"
        assert re.search(row.refused, sentence), sentence
        return
    made = world.remade(row.reruns, exactly=bool(row.branches))
    counts = {task: made[task] for task in row.branches}
    assert all(counts[task] >= count for task, count in row.branches.items()), f"stale: branches {counts}"
    assert_row(row, set(made), {task: count for task, count in counts.items() if count > row.branches[task]})


def assert_row(row: Row | EngineRow, made: set[str], too_many: Mapping[str, int] = MappingProxyType({})) -> None:
    """Assert that what is made again is what must be, and no more than docs/store.md explains.

    Args:
        row: the row.
        made: the tasks that run again.
        too_many: task → how many of its branches run again, where that is more than must be.
    """
    assert not row.reruns - made, f"stale: {sorted(row.reruns - made)}"
    needless = made - row.reruns - row.tolerated
    if row.name in needless_rows():
        assert needless or too_many, "nothing needless any more: docs/store.md needn't list this row"
        return
    assert not needless, f"needless: {sorted(needless)}"
    assert not too_many, f"needless: branches {dict(too_many)}"


@pytest.mark.parametrize(
    ("read", "reader"),
    [
        ("RunProcessor main", "MergeOutputs main"),
        ("MergeOutputs probes", "ComputeScaleFactors tight"),
        ("MergeOutputs corrected", "PlotTemplates corrected"),
        ("ComputeScaleFactors tight", "RunProcessor corrected"),
        ("ComputeScaleFactors tight", "PlotScaleFactors tight"),
        ("BuildDatasets datasets", "RunProcessor main"),
    ],
)
def test_bit_rot_is_noticed_by_whoever_reads_it(world: World, read: str, reader: str) -> None:
    """A file that was altered with its size and time kept is made again, or refused by its name."""
    for output in world.outputs(*reader.split()):
        shutil.rmtree(output)
    damaged = {}
    before = world.written()
    for path in world.outputs(*read.split())[0].iterdir():
        if path.name != "manifest.json" and path.is_file():
            damaged[path] = path.read_bytes()
            alter(path)
    sentence = world.refusal()
    if sentence is not None:
        assert any(path.name in sentence or str(path.parent) in sentence for path in damaged), sentence
        assert world.outputs(*reader.split()) == []
        return
    folders = {path.parent.relative_to(world.store) for path in damaged}
    assert all(world.written()[folder] != before[folder] for folder in folders), "stale: it was read as it is"
    assert {path: path.read_bytes() for path in damaged} == damaged


def alter(path: Path) -> None:
    """Flip a byte in the middle of a file that keeps its size and its time."""
    stat = path.stat()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x55
    path.write_bytes(content)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
