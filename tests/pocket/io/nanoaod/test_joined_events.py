"""Events of several files as one array, against the whole that they were divided from, as coffea reads it."""

from __future__ import annotations

import contextlib
import itertools
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from pocket.io.nanoaod.events import NanoTree, Piece, events_of
from pocket.io.nanoaod.selection import select_events
from pocket.io.remote.client import open_root
from tests.pocket.io.nanoaod.test_events import COLUMNS, by_coffea, same
from tests.real_files import real_file


def joined(stack: contextlib.ExitStack, path: Path, edges: list[int], threads: int = 1) -> Any:
    """Return ranges of a file as if each were one of a file of its own."""
    pieces = []
    for start, stop in itertools.pairwise(edges):
        file = stack.enter_context(open_root(str(path)))
        nano = NanoTree(file, "Events", {"dataset": "joined"}, threads)
        stack.enter_context(contextlib.closing(nano))
        pieces.append(Piece(nano, start, stop))
    return events_of(pieces)


@pytest.mark.parametrize("name", ["nano_dy.root", "nano_tt_v12.root"])
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("keep", [0.0, 0.4, 1.0])
def test_ranges_are_the_whole_again(name: str, threads: int, keep: float) -> None:
    path = real_file(name)
    expected = by_coffea(path, 2, 36)
    mask = np.random.default_rng(1).random(34) < keep
    # none of the events of the second range passes
    mask[8:9] = False
    with contextlib.ExitStack() as stack:
        # those that earlier events needed are read ahead by helpers
        for _ in range(2):
            events = joined(stack, path, [2, 10, 11, 36], threads)
            assert len(events) == 34
            assert same(events.Jet.pt, expected.Jet.pt)
            selected = select_events(events, mask)
            last = select_events(selected, np.arange(len(selected)) % 2 == 0, last=True)
            for column in COLUMNS:
                try:
                    wanted = column(expected)
                except AttributeError:  # not in this version
                    continue
                assert same(column(events), wanted)
                assert same(column(selected), wanted[mask])
                assert same(column(last), wanted[mask][::2])


def test_columns_that_uproot_reads(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    fixed, names = rng.random((20, 3)), [f"event {'x' * (number % 5)}" for number in range(20)]
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mktree("Events", {"fixed": "3 * float64", "name": "string", "x": "float32"})
        file["Events"].extend({"fixed": fixed, "name": ak.Array(names), "x": np.arange(20, dtype=np.float32)})
    with contextlib.ExitStack() as stack:
        events = joined(stack, tmp_path / "a.root", [1, 5, 20])
        selected = select_events(events, np.arange(19) % 3 == 0)
        assert np.asarray(events.fixed).tolist() == fixed[1:].tolist()
        assert np.asarray(selected.fixed).tolist() == fixed[1:][::3].tolist()
        assert selected.x.to_list() == list(range(1, 20, 3))
