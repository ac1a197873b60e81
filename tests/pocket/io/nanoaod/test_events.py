from __future__ import annotations

import contextlib
import functools
import itertools
import threading
import warnings
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from coffea.nanoevents import NanoAODSchema, NanoEventsFactory
from hypothesis import given
from hypothesis import strategies as st

from pocket.datasets.build import inspect_file
from pocket.io.nanoaod.baskets import read_numbers
from pocket.io.nanoaod.events import NanoTree, needed_ranges
from pocket.io.nanoaod.selection import select_events
from tests.pocket.engine.root_files import write_nano
from tests.real_files import LARGEST, real_file
from tests.waiting import wait_for

#: what coffea's schema makes of branches: values, and references from one collection to another
COLUMNS = (
    lambda events: events.Muon.pt,
    lambda events: events.Jet.btagDeepFlavB,
    lambda events: events.HLT.IsoMu24,
    lambda events: events.MET.pt,
    lambda events: events.Muon.matched_gen.pt,
    lambda events: events.Muon.matched_jet.pt,
    lambda events: events.GenPart.distinctParent.pdgId,
    lambda events: events.GenPart.distinctChildren.pdgId,
    lambda events: events.Jet[events.Jet.pt > 20].matched_gen.eta,
)


@functools.cache
def by_coffea(path: Path, start: int, stop: int) -> Any:
    NanoAODSchema.warn_missing_crossrefs = False
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Branch Photon_", category=RuntimeWarning)
        factory = NanoEventsFactory.from_root(
            {str(path): "Events"}, entry_start=start, entry_stop=stop, schemaclass=NanoAODSchema, mode="virtual"
        )
    return factory.events()


def same(first: Any, second: Any) -> bool:
    return bool(ak.array_equal(first, second, check_parameters=False, equal_nan=True))


@pytest.mark.parametrize("name", ["nano_dy.root", "nano_tt_v12.root", LARGEST])
@pytest.mark.parametrize("keep", [0.0, 0.5, 1.0])
def test_selected_events_against_coffea(name: str, keep: float) -> None:
    path = real_file(name)
    with uproot.open(path) as file:
        nano = NanoTree(file, "Events", {"dataset": name})
        start, stop = 3, nano.num_entries - 2
        mask = np.random.default_rng(1).random(stop - start) < keep
        whole, expected = nano.events(start, stop), by_coffea(path, start, stop)
        # what has been read before the selection, and what hasn't
        assert same(
            whole.Jet.btagDeepFlavB if "btagDeepFlavB" in whole.Jet.fields else whole.Jet.pt,
            expected.Jet["btagDeepFlavB" if "btagDeepFlavB" in whole.Jet.fields else "pt"],
        )
        selected = select_events(whole, mask)
        assert len(selected) == mask.sum()
        assert selected.metadata["dataset"] == name
        for column in COLUMNS:
            try:
                wanted = column(expected[mask])
            except AttributeError:  # not in this version
                continue
            assert same(column(selected), wanted)
            # and of events that are selected once more
            again = np.arange(len(selected)) % 2 == 0
            assert same(column(selected[again]), wanted[again])


def test_schema_is_made_once_for_files_alike(tmp_path: Path) -> None:
    paths = [tmp_path / "a.root", tmp_path / "b.root", real_file("nano_dy.root")]
    for seed, path in enumerate(paths[:2]):
        write_nano(path, seed=seed)
    schemas = []
    for path in paths:
        with uproot.open(path) as file:
            nano = NanoTree(file, "Events", {"dataset": "d"})
            schemas.append(nano.schema)
            assert ("HLT" in nano.events(0, 10).fields) == (path == paths[2])
    assert schemas[0] is schemas[1]
    assert schemas[0] is not schemas[2]
    with uproot.open(paths[0]) as file:
        assert NanoTree(file, "Events", {"dataset": "other"}).events(0, 5).metadata["dataset"] == "other"


def test_baskets_without_selected_events_are_not_read(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    x, y = rng.random((2, 400)).astype(np.float32)
    with uproot.recreate(tmp_path / "a.root", compression=None) as file:
        file.mktree("Events", {"x": np.float32, "y": np.float32})
        for first in range(0, 400, 100):
            file["Events"].extend({"x": x[first : first + 100], "y": y[first : first + 100]})
    with uproot.open(tmp_path / "a.root") as file:
        seeks = [int(seek) for seek in file["Events"]["y"].member("fBasketSeek")[:4]]
    content = bytearray((tmp_path / "a.root").read_bytes())
    for basket in (1, 3):
        # its header, so that reading it fails
        content[seeks[basket] : seeks[basket] + 40] = b"\xff" * 40
    (tmp_path / "a.root").write_bytes(content)
    mask = np.zeros(390, dtype=np.bool_)
    mask[[0, 50, 200, 289]] = True
    with uproot.open(tmp_path / "a.root") as file:
        events = NanoTree(file, "Events", {}).events(5, 395)
        assert events.x.to_list() == x[5:395].tolist()
        selected = select_events(events, mask)
        assert selected.y.to_list() == y[5:395][mask].tolist()
        assert selected.x.to_list() == x[5:395][mask].tolist()
        mask[100] = True
        with pytest.raises(Exception, match=r"."):
            select_events(events, mask).y.to_list()


def test_what_chunks_before_needed_is_asked_for_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = dict(zip("xyz", np.random.default_rng(3).random((3, 400)).astype(np.float32), strict=True))
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mktree("Events", dict.fromkeys(columns, np.float32))
        for first in range(0, 400, 50):
            file["Events"].extend({name: column[first : first + 50] for name, column in columns.items()})
    mask = np.arange(100) < 50

    def check(nano: NanoTree, start: int) -> list[list[int]]:
        """Process a chunk; return how many baskets each request was for, of the chunk, of the selection, in between."""
        stages = []
        events = nano.events(start, start + 100, then=400)
        stages.append(list(requests))
        assert events.x.to_list() == columns["x"][start : start + 100].tolist()
        assert events.y.to_list() == columns["y"][start : start + 100].tolist()
        stages.append(list(requests))
        selected = select_events(events, mask)
        stages.append(list(requests))
        assert selected.z.to_list() == columns["z"][start : start + 100][mask].tolist()
        stages.append(list(requests))
        return [after[len(before) :] for before, after in itertools.pairwise([[], *stages])]

    with uproot.open(tmp_path / "a.root") as file, contextlib.closing(NanoTree(file, "Events", {})) as nano:
        requests: list[int] = []
        source, chunks = file.file.source, type(file.file.source).chunks

        def counting(self: Any, ranges: list[Any], notifications: Any) -> Any:
            requests.append(len(ranges))
            return chunks(self, ranges, notifications)

        monkeypatch.setattr(type(source), "chunks", counting)
        # nothing is known before the first chunk
        assert check(nano, 0) == [[], [2, 2], [], [1]]
        requests.clear()
        # of this chunk and of the next one, two columns with two baskets each; of the selection one
        assert check(nano, 100) == [[4, 4], [], [1], []]
        requests.clear()
        assert check(nano, 200) == [[4], [], [1], []]
        requests.clear()
        # the last one
        assert check(nano, 300) == [[], [], [1], []]


def test_helpers_read_what_chunks_before_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = dict(zip("xy", np.random.default_rng(4).random((2, 300)).astype(np.float32), strict=True))
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mktree("Events", dict.fromkeys(columns, np.float32))
        file["Events"].extend(columns)
    mask = np.arange(100) % 3 == 0
    by_helpers: list[bool] = []

    def noting(*args: Any) -> Any:
        column = read_numbers(*args)
        by_helpers.append(threading.current_thread() is not threading.main_thread())
        return column

    def wait_for_columns(number: int) -> None:
        wait_for(lambda: len(by_helpers) >= number)

    monkeypatch.setattr("pocket.io.nanoaod.events.read_numbers", noting)
    metadata = {"dataset": "helped"}
    with (
        uproot.open(tmp_path / "a.root") as file,
        contextlib.closing(NanoTree(file, "Events", metadata, threads=3)) as nano,
    ):
        for start, expected in ((0, [False, False]), (100, [True, True]), (200, [True, True])):
            by_helpers.clear()
            events = nano.events(start, start + 100, then=300)
            wait_for_columns(1 if start else 0)
            assert events.x.to_list() == columns["x"][start : start + 100].tolist()
            selected = select_events(events, mask)
            wait_for_columns(2 if start else 0)
            assert selected.y.to_list() == columns["y"][start : start + 100][mask].tolist()
            # each column once
            assert by_helpers == expected
        # nobody wants what they read in the end
        nano.events(0, 300)


def test_events_of_an_rntuple(tmp_path: Path) -> None:
    values = ak.Array([[1.0], [], [2.0, 3.0], [4.0], []])
    momenta = {f"Muon_{name}": values for name in ("pt", "eta", "phi", "mass")}
    charges = {"Muon_charge": ak.values_astype(values, "int32"), "nMuon": ak.num(values)}
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mkrntuple("Events", {"x": np.arange(5), **momenta, **charges})
    assert inspect_file(tmp_path / "a.root")[0]["num_entries"] == 5
    with uproot.open(tmp_path / "a.root") as file:
        events = NanoTree(file, "Events", {}).events(1, 5)
        assert events.x.to_list() == [1, 2, 3, 4]
        assert events.Muon.pt.to_list() == values[1:].to_list()
        selected = select_events(events, np.array([False, True, True, False]))
        assert selected.x.to_list() == [2, 3]
        assert selected.Muon.eta.to_list() == [[2.0, 3.0], [4.0]]


@given(st.data())
def test_needed_ranges_against_a_loop(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=8))
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    start = data.draw(st.integers(0, int(offsets[-1]) - 1))
    stop = data.draw(st.integers(start + 1, int(offsets[-1])))
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=stop - start, max_size=stop - start)))
    ranges = needed_ranges(offsets, start, stop, mask)
    basket = np.searchsorted(offsets, np.arange(start, stop), side="right")
    needed = {int(number) for number in basket[mask]}
    read = [entry for first, last in ranges for entry in range(first, last)]
    assert read == [entry for entry in range(start, stop) if int(basket[entry - start]) in needed]
    assert all(second[0] > first[1] for first, second in itertools.pairwise(ranges))
