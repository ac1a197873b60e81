"""A finished chain of the small analysis, and copies to change."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.facility import facility, scheduler
from tests.law_runner import ROOT

# law reads its configuration when it is imported
os.environ.setdefault("LAW_CONFIG_FILE", str(ROOT / "law.cfg"))

from pocket.configuration.loading import forget_analyses
from tests.tasks.small_chain import Chain

__all__ = ["facility", "scheduler"]

# analyses are copied to where their definitions are
collect_ignore = ["eras", "plain", "years"]


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Chain, Path]:
    """A chain that has run to its end, and a copy of its folder as it was then."""
    chain = Chain.make(tmp_path_factory.mktemp("chain"))
    run = chain.run("PlotTemplates")
    assert run.code == 0, run.text
    copy = tmp_path_factory.mktemp("copy") / "folder"
    shutil.copytree(chain.folder, copy)
    return chain, copy


def enter(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tasks in this process see the chain's store, until the end of the test."""
    monkeypatch.setenv("POCKET_STORE", str(chain.store))
    # loading the analysis adds its folder
    monkeypatch.setattr(sys, "path", [*sys.path])


@pytest.fixture
def chain(finished: tuple[Chain, Path], monkeypatch: pytest.MonkeyPatch) -> Chain:
    """The finished chain, to be changed: it stays at one place, because filesets hold paths."""
    chain, copy = finished
    shutil.rmtree(chain.folder)
    shutil.copytree(copy, chain.folder)
    # An earlier test may have loaded what it has changed, from the same place.
    forget_analyses()
    enter(chain, monkeypatch)
    return chain


def make_on_files(copy: Path, folder: Path) -> Chain:
    """Return the small analysis on files of its own, with nothing run: two of simulation, one of data."""
    chain = Chain.make(folder, copy / "law" / "index")
    toys = copy / "store" / "shared" / "MakeToySamples" / "toys" / "v1"
    for name, toy in {"dy_0.root": "dy_000", "dy_1.root": "dy_001", "data.root": "data_000"}.items():
        (path,) = toys.glob(f"*/{toy}/events.root")
        shutil.copy(path, chain.analysis / name)
    chain.define({"paths": ["dy_0.root", "dy_1.root"]})
    return chain


@pytest.fixture
def on_files(finished: tuple[Chain, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Chain:
    """The small analysis on files of its own, with nothing run."""
    _, copy = finished
    chain = make_on_files(copy, tmp_path)
    enter(chain, monkeypatch)
    return chain


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Have commands that are started take Ctrl-C, which a shell has its background jobs ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
