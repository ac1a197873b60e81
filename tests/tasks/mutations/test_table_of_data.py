"""The mutation table: edits of datasets, of the engine, and of outputs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from pocket.io.store.packing import remove_output
from tests.tasks.mutations.clones import Clone, Questions
from tests.tasks.mutations.row import Row
from tests.tasks.mutations.rows_of_datasets import DEFINITIONS, FILES
from tests.tasks.mutations.rows_of_the_engine import ENGINE, EngineRow
from tests.tasks.mutations.table import assert_row, check_row, needless_rows
from tests.tasks.mutations.test_table import TABLE
from tests.tasks.mutations.world import ENVIRONMENT, World, restore

pytestmark = pytest.mark.slow

DATA = [*DEFINITIONS, *FILES]
#: rows of the engine that only edit something, and must change nothing
QUIET = [row for row in ENGINE if row == EngineRow(row.name, row.edit) and row.name not in needless_rows()]
MOST_NEEDLESS = 10


def test_names_differ() -> None:
    names = [row.name for row in (*TABLE, *DATA, *ENGINE)]
    assert sorted(set(names)) == sorted(names)
    assert len(names) >= 80


def test_needless_rows_have_a_reason() -> None:
    needless = needless_rows()
    assert set(needless) <= {row.name for row in (*TABLE, *DATA, *ENGINE)}
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


@pytest.fixture(scope="module")
def quiet(finished: tuple[World, Path], clone: tuple[Path, Path, Questions]) -> frozenset[str]:
    """Names of rows of the engine that change nothing, because all of these edits together don't."""
    world, world_copy = finished
    folder, copy, questions = clone
    restore(world_copy, world.folder)
    restore(copy, folder)
    for row in QUIET:
        row.edit(folder)
    return frozenset() if remade_in(world, questions) else frozenset(row.name for row in QUIET)


def remade_in(world: World, questions: Questions, expected: Collection[str] = ()) -> set[str]:
    """Return what a clone would make again of the study.

    Args:
        world: the study.
        questions: the process that knows.
        expected: the tasks that are expected to be made again.
    """
    incomplete = questions.ask(str(world.analysis), incomplete=True)[str(world.analysis)]
    # what is incomplete at its old place waits for others, which may turn out as they were
    moved = {name for name, folder in incomplete.items() if not (world.store / folder).exists()}
    return moved | (set(incomplete) & set(expected))


@pytest.mark.parametrize("row", ENGINE, ids=lambda row: row.name.replace(" ", "-"))
def test_row_of_the_engine(
    quiet: frozenset[str], world: World, clone: tuple[Path, Path, Questions], row: EngineRow
) -> None:
    if row.name in quiet:
        return
    folder, copy, questions = clone
    restore(copy, folder)
    row.edit(folder)
    assert_row(row, remade_in(world, questions, row.reruns))


def test_rows_of_the_engine_that_change_nothing_are_looked_at_together(quiet: frozenset[str]) -> None:
    assert len(quiet) == len(QUIET) > 10


@pytest.mark.parametrize("row", DATA, ids=lambda row: row.name.replace(" ", "-"))
def test_row(world: World, row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    check_row(world, row, monkeypatch)


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
        remove_output(output)
    damaged = {}
    before = world.written()
    output = world.outputs(*read.split())[0]
    for path in [output] if output.is_file() else output.iterdir():
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
