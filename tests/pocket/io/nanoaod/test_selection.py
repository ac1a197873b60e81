from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from pocket.io.nanoaod.events import NanoTree
from pocket.io.nanoaod.selection import select_events
from pocket.io.remote.client import open_root
from tests.pocket.engine.root_files import write_nano
from tests.real_files import real_file


def same(first: Any, second: Any) -> bool:
    return bool(ak.array_equal(first, second, check_parameters=False, equal_nan=True))


def test_events_with_something_added_keep_it(tmp_path: Path) -> None:
    columns = write_nano(tmp_path / "a.root")
    with uproot.open(tmp_path / "a.root") as file:
        events = NanoTree(file, "Events", {}).events(0, 100)
        events["double"] = 2 * events.x
        mask = np.asarray(columns["x"] > 1)
        selected = select_events(events, mask)
        assert selected.double.to_list() == (2 * columns["x"][mask]).tolist()
        assert same(selected.Muon.pt, columns["Muon"].pt[mask])


def counted(nano: NanoTree) -> list[str]:
    """Return the branches that are read from here on, in the order of reading."""
    read, column = [], nano.column

    def counting(name: str) -> Any:
        read.append(name)
        return column(name)

    nano.column = counting  # type: ignore[method-assign]
    return read


@pytest.mark.parametrize("skim", [False, True])
def test_late_columns_are_read_of_the_last_events_alone(skim: bool) -> None:
    path = str(real_file("nano_dy.root"))
    with uproot.open(path) as file:
        size = int(file["Events"].num_entries)
        whole = {
            name: file["Events"][name].array() for name in ("GenPart_pdgId", "Muon_pt", "Jet_pt", "Muon_genPartIdx")
        }
    rng = np.random.default_rng(1)
    passes, chosen = rng.random(size) < 0.7, rng.random(size) < 0.4
    passes = passes if skim else np.ones(size, dtype=np.bool_)
    for attempt in range(2):
        # the second chunk knows what the first one needed
        with open_root(path) as file:
            nano = NanoTree(file, "Events", {"dataset": f"late {skim}"})
            events = select_events(nano.events(0, size), passes) if skim else nano.events(0, size)
            events["MuonGood"] = events.Muon[events.Muon.pt > 5]
            last = select_events(events, chosen[passes], last=True)
            keep = passes & chosen
            read = counted(nano)
            assert same(last.GenPart.pdgId, whole["GenPart_pdgId"][keep])
            assert same(last.MuonGood.pt, whole["Muon_pt"][whole["Muon_pt"] > 5][keep])
            # what was read of all events before, and references from one collection to another
            assert same(last.Muon.pt, whole["Muon_pt"][keep])
            expected = whole["GenPart_pdgId"][whole["Muon_genPartIdx"].mask[whole["Muon_genPartIdx"] >= 0]]
            assert same(ak.fill_none(last.Muon.matched_gen.pdgId, 0), ak.fill_none(expected[keep], 0))
            assert same(last.GenPart.children.pdgId[:, :1], events.GenPart.children.pdgId[chosen[passes]][:, :1])
            assert same(last.Jet.pt, whole["Jet_pt"][keep])
            assert "GenPart_pdgId" in read
            layout = last.layout.content("GenPart")
            assert isinstance(layout, ak.contents.ListOffsetArray) == (attempt == 1)


def test_a_part_of_the_events_of_a_chunk(tmp_path: Path) -> None:
    columns = write_nano(tmp_path / "a.root")
    with uproot.open(tmp_path / "a.root") as file:
        events = NanoTree(file, "Events", {}).events(0, 100)
        part = events[20:60]
        part["objects"] = part.Muon[part.Muon.pt > 0]
        mask = np.arange(40) % 2 == 0
        for last in (False, True):
            selected = select_events(part, mask, last=last)
            assert same(selected.Muon.pt, columns["Muon"].pt[20:60][mask])
            assert same(selected.objects.pt, columns["Muon"].pt[columns["Muon"].pt > 0][20:60][mask])


def test_selected_once_more_with_nothing_added(tmp_path: Path) -> None:
    columns = write_nano(tmp_path / "a.root")
    first, second = np.arange(100) % 3 > 0, np.arange(66) % 2 == 0
    with uproot.open(tmp_path / "a.root") as file:
        events = select_events(NanoTree(file, "Events", {}).events(0, 100), first)
        selected = select_events(events, second)
        assert same(selected.Muon.pt, columns["Muon"].pt[:100][first][second])
        assert selected.x.to_list() == columns["x"][:100][first][second].tolist()


def test_any_other_events() -> None:
    events = ak.Array({"x": [1, 2, 3], "lists": [[1], [], [2, 3]], "none": [None, 1, 2]})
    selected = select_events(events, np.array([True, False, True]))
    assert selected.to_list() == events[[0, 2]].to_list()
    assert select_events(events[[2, 1, 0]], np.array([True, True, False])).to_list() == events[[2, 1]].to_list()
