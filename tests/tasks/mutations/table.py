"""Parts that the modules of the mutation table share: the finished study, and what is asserted of a row.

A row that is stale, one that doesn't run a task again although its output is another one, always fails. One that runs
too much again fails unless docs/explanation/fingerprints.md lists it with the reason, at most ten of them.
"""

from __future__ import annotations

import functools
import gc
import pkgutil
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from pocket.base.fingerprint import code_closure
from tests.law_runner import ROOT
from tests.tasks.mutations.row import Edit, Row
from tests.tasks.mutations.rows_of_the_engine import EngineRow
from tests.tasks.mutations.world import ENVIRONMENT, World, restore

known_closure = functools.cache(code_closure)


@functools.cache
def needless_rows() -> Mapping[str, str]:
    """Return the rows that may run too much again, with the reason: a list in docs/explanation/fingerprints.md."""
    text = (ROOT / "docs" / "explanation" / "fingerprints.md").read_text(encoding="utf-8")
    _, _, section = text.partition("## Outputs that run again needlessly\n")
    section, _, _ = section.partition("\n#")
    return dict(re.findall(r"^- (.*?): (.*)$", section, re.MULTILINE))


def finish(folder: Path) -> tuple[World, Path]:
    """Run the chain of the study in a folder to the end; return the study, and a copy of its folder beside it."""
    with pytest.MonkeyPatch.context() as patch:
        enter(patch, folder)
        world = World.make(folder)
        made = world.run()
        assert world.incomplete() == {}, made
    # what exists by now stays: to look through it again and again takes a tenth of the time
    gc.freeze()
    return world, Path(shutil.copytree(folder, folder.with_name(f"{folder.name}-copy"), symlinks=True))


def enter(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let tasks in this process see the store, and do what takes long and doesn't matter here once, or not at all."""
    patch.setenv("POCKET_STORE", str(folder / "store"))
    for name, value in ENVIRONMENT.items():
        patch.setenv(name, value)
    Path(ENVIRONMENT["STUDY_SHARED"]).write_text("3")
    patch.setattr(sys, "path", [*sys.path])
    # another process knows no analysis from before
    patch.setattr("pocket.base.fingerprint.places._outside", {})
    # no row changes the engine in this process
    for module in [*sys.modules.values()]:
        # names of PocketCoffea that aren't here refuse to be looked up
        if vars(module).get("code_closure") is code_closure:
            patch.setattr(module, "code_closure", known_closure)
    # times of files are exact here
    patch.setattr("tasks.chain.datasets.STEP", 0.0)
    # what is drawn doesn't matter here, and drawing takes longest
    for module in ("figure_jobs", "plotting"):
        patch.setattr(f"tasks.chain.{module}.save_plots", save_names)


def save_names(plots: object, folder: Path, parameters: object) -> None:
    """Write a file instead of plots."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plots.txt").write_text("plots")


def check_row(world: World, row: Row, patch: pytest.MonkeyPatch) -> None:
    """Edit the study and assert what its next run makes again."""
    for name in row.patched:
        # the analysis replaces it, for good
        holder, _, attribute = name.rpartition(".")
        patch.setattr(name, getattr(pkgutil.resolve_name(holder), attribute))
    if row.before:
        sentence = prepare(world, row.before)
        if sentence is not None:
            assert re.search(row.refused or "$^", sentence), sentence
            return
    row.edit(world)
    for name, value in row.environment.items():
        patch.delenv(name) if value is None else patch.setenv(name, value)
    if row.must_refuse:
        sentence = world.refusal()
        assert sentence is not None, "nothing was refused"
        assert re.search(row.refused, sentence), sentence
        return
    for task, count in row.waiting.items():
        assert world.waiting(task) == count
    made = world.remade(row.reruns, exactly=bool(row.branches))
    counts = {task: made[task] for task in row.branches}
    assert all(counts[task] >= count for task, count in row.branches.items()), f"stale: branches {counts}"
    assert_row(row, set(made), {task: count for task, count in counts.items() if count > row.branches[task]})


def prepare(world: World, before: Edit) -> str | None:
    """Run the chain of the study with what some rows add to it; return the sentence by which that is refused.

    What several rows begin with is run once.
    """
    copy = world.folder.with_name(f"{world.folder.name}-{id(before)}")
    if copy.exists():
        restore(copy, world.folder)
        return None
    before(world)
    sentence = world.refusal()
    if sentence is None:
        shutil.copytree(world.folder, copy, symlinks=True)
    return sentence


def assert_row(row: Row | EngineRow, made: set[str], too_many: Mapping[str, int] = MappingProxyType({})) -> None:
    """Assert that what is made again is what must be, and no more than docs/explanation/fingerprints.md explains.

    Args:
        row: the row.
        made: the tasks that run again.
        too_many: task → how many of its branches run again, where that is more than must be.
    """
    assert not row.reruns - made, f"stale: {sorted(row.reruns - made)}"
    needless = made - row.reruns - row.tolerated
    if row.name in needless_rows():
        assert needless or too_many, "nothing needless any more: docs/explanation/fingerprints.md needn't list this row"
        return
    assert not needless, f"needless: {sorted(needless)}"
    assert not too_many, f"needless: branches {dict(too_many)}"
