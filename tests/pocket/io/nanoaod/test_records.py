"""Events whose fields are made on first access, against those that coffea makes at once."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from typing import Any

import awkward as ak
import numpy as np
import pytest
from coffea.nanoevents import NanoEventsFactory

from pocket.io.nanoaod.events import NanoTree
from pocket.io.nanoaod.records import LazyRecords
from pocket.io.remote.client import open_root
from tests.real_files import real_file

SIZE = 30


@pytest.fixture(params=["nano_dy.root", "nano_tt_v12.root"])
def both(request: pytest.FixtureRequest) -> Iterator[tuple[Any, Any]]:
    """Return events of ours, and those that coffea's factory makes of the same form and columns."""
    with open_root(str(real_file(request.param))) as file:
        nano = NanoTree(file, "Events", {"dataset": request.param})
        events = nano.events(0, SIZE)
        yield events, NanoEventsFactory.events(nano.events(0, SIZE).attrs["@events_factory"])


def count(layout: Any) -> int:
    """Return the number of fields of all records that were made, at any depth."""
    if isinstance(layout, LazyRecords):
        made = [content for content in layout.contents._made if content is not None]
        return len(made) + sum(map(count, made))
    return count(layout.content) if isinstance(layout, ak.contents.ListOffsetArray) else 0


def test_only_what_is_used_is_made(both: tuple[Any, Any]) -> None:
    events, eager = both
    assert count(events.layout) == 0
    events.Muon.tightId.to_list()
    # the collection and its field, not even the number of its objects looks at another field
    assert count(events.layout) == 2
    assert events.layout.minmax_depth == eager.layout.minmax_depth
    assert events.layout.branch_depth == eager.layout.branch_depth
    with_more = ak.with_field(events, np.arange(SIZE), "more")
    # a field more needs the collections, and nothing in them
    assert count(events.layout) == 1 + len(eager.fields)
    assert with_more.fields == [*eager.fields, "more"]
    assert with_more.more.to_list() == list(range(SIZE))


def test_names_and_types_are_all_there(both: tuple[Any, Any]) -> None:
    events, eager = both
    assert events.fields == ak.fields(events) == eager.fields
    assert len(events.fields) > 40
    for name in eager.fields:
        assert events[name].fields == eager[name].fields
        assert (name in dir(events)) == (name in dir(eager))
    assert hasattr(events, "Muon")
    assert not hasattr(events, "Muons")
    assert not hasattr(events.Muon, "nothing")
    assert hasattr(events.Muon, "tightId")
    with pytest.raises(ak.errors.FieldNotFoundError, match="no field 'nothing'"):
        events["Muon", "nothing"]
    assert events.layout.form == eager.layout.form
    assert str(events.type) == str(eager.type)


def test_operations_on_whole_records(both: tuple[Any, Any]) -> None:
    events, eager = both
    mask = np.arange(SIZE) % 3 == 0

    def same(first: Any, second: Any) -> bool:
        return bool(ak.array_equal(first, second, equal_nan=True))

    for name in ("Muon", "Jet", "Flag", "HLT", "MET"):
        if name not in eager.fields:
            continue
        assert same(events[name], eager[name])
        assert same(events[mask][name], eager[mask][name])
        assert same(events[5:20][name], eager[5:20][name])
    assert same(events.Muon[events.Muon.pt > 10], eager.Muon[eager.Muon.pt > 10])
    assert same(ak.firsts(events.Jet), ak.firsts(eager.Jet))
    assert same(ak.concatenate([events.Jet, events.Jet], axis=1), ak.concatenate([eager.Jet, eager.Jet], axis=1))
    assert same(ak.zip({"jet": events.Jet, "met": events.MET.pt}), ak.zip({"jet": eager.Jet, "met": eager.MET.pt}))
    assert same(
        ak.with_field(events.Muon, events.Muon.pt * 2, "pt"), ak.with_field(eager.Muon, eager.Muon.pt * 2, "pt")
    )
    assert same(events.Muon[["pt", "eta"]], eager.Muon[["pt", "eta"]])
    assert events[3].Muon.to_list() == eager[3].Muon.to_list()
    assert same(ak.to_packed(events.Electron), ak.to_packed(eager.Electron))
    for copied in (copy.copy(events), copy.deepcopy(events.layout)):
        assert same(ak.Array(copied)["Muon"].pt, eager.Muon.pt)
    assert same(ak.Array(pickle.loads(pickle.dumps(ak.Array(events.Muon.layout)))), ak.Array(eager.Muon.layout))
    assert ak.is_valid(events.Jet)
