from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import pytest
import uproot

from pocket.base.arrays.fields import branch
from pocket.configuration.user_errors import explaining
from pocket.engine.reading import nano_events, open_file, reading
from pocket.errors import BadFileError, DatasetError, HistogramError, MissingBranchError, UnknownNameError
from pocket.io.nanoaod.events import NanoTree
from tests.entries import check_each
from tests.pocket.engine.root_files import damage, segment, write_nano


def read(path: Path, use: Callable[[Any], Any], start: int = 0, stop: int = 100) -> Any:
    """Open a file and use a range of its events."""
    part = segment(path)
    with open_file(part) as file:
        return use(nano_events(NanoTree(file, part.object_path, {"sample": "DY"}), part, start, stop))


def test_ranges_of_entries(tmp_path: Path) -> None:
    columns = write_nano(tmp_path / "a.root")
    for start, stop in ((0, 100), (0, 1), (37, 61), (99, 100)):
        x, muons = read(
            tmp_path / "a.root",
            lambda events: (events.x.tolist(), events.Muon[["pt", "charge"]].tolist()),
            start,
            stop,
        )
        assert x == columns["x"][start:stop].tolist()
        assert muons == columns["Muon"][["pt", "charge"]][start:stop].tolist()


def test_metadata_come_along(tmp_path: Path) -> None:
    write_nano(tmp_path / "a.root")
    assert read(tmp_path / "a.root", lambda events: events.metadata)["sample"] == "DY"


def test_columns_are_read_when_they_are_used(tmp_path: Path) -> None:
    columns = write_nano(tmp_path / "a.root")
    damage(tmp_path / "a.root", "Muon_eta")
    found = read(tmp_path / "a.root", lambda events: (events.Muon.pt.tolist(), events.x.tolist()))
    assert found == (columns["Muon"].pt.tolist(), columns["x"].tolist())


@check_each(
    ("use", "message"),
    [
        (
            lambda events: events.Muon.ptt,
            r"^\S*test_reading\.py:\d+ in .*: no branch for field 'ptt' in .*; nearest branches: Muon_pt$",
        ),
        (lambda events: events.Muon["ptt"], r"field 'ptt' in .*a\.root; nearest branches: Muon_pt"),
        (lambda events: events.genWieght, r"field 'genWieght' in .*a\.root; nearest branches: genWeight"),
        (lambda events: events["Moun"], r"field 'Moun' in .*a\.root; nearest branches: Muon_"),
        (lambda events: events.HLT, r"field 'HLT' in .*a\.root; none of its 8 branches is close"),
        (lambda events: events.Muon.superGood, r"field .superGood. in .*a\.root; Muon has \w+, \w+"),
        (lambda events: events.run, "no branch for field 'run'"),
        (lambda events: events.Muon.ppt, r"nearest branches: Muon_pt(?!.*Muon_pt)"),
        (lambda events: events.Muon[events.Muon.pt > 1].etaa, r"nearest branches: Muon_eta(?!.*Muon_eta)"),
        (lambda events: events.Muon_ptt, r"nearest branches: Muon_pt(?!.*Muon_pt)"),
        (lambda events: branch(events.Muon, "etaa", "Muon"), r"'Muon_etaa' .*nearest: Muon_eta \(file .*a\.root\)"),
    ],
)
def test_missing_branch(tmp_path: Path, use: Callable[[Any], Any], message: str) -> None:
    write_nano(tmp_path / "a.root")
    with pytest.raises(MissingBranchError, match=message), explaining():
        read(tmp_path / "a.root", use)


def with_pair(events: Any) -> Any:
    events["pair"] = ak.zip({"mass": events.x, "charge": events.x})
    return events


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda events: with_pair(events).pair.charg, r": no field 'charg' in a record; did you mean 'charge'\?$"),
        (lambda events: with_pair(events).pair.phi, r": no field 'phi' in a record; it has \w+, \w+$"),
        (
            lambda events: with_pair(events).pairr,
            r": no branch for field 'pairr' in .*a\.root; nearest branches: pair$",
        ),
    ],
)
def test_missing_field_of_what_code_has_made(tmp_path: Path, use: Callable[[Any], Any], message: str) -> None:
    write_nano(tmp_path / "a.root")
    with pytest.raises(MissingBranchError, match=message), explaining():
        read(tmp_path / "a.root", use)


def test_missing_part_of_a_momentum(tmp_path: Path) -> None:
    write_nano(tmp_path / "a.root", without=("phi",))
    with pytest.raises(MissingBranchError, match=r"a\.root lacks branches .* momenta: MuonArray: missing azimuthal"):
        read(tmp_path / "a.root", lambda events: events.Muon.pt)


@pytest.mark.parametrize(
    "use",
    [
        lambda events: (events.Muon.pt > 1).tolist(),
        lambda events: ak.to_numpy(ak.flatten(events.Muon.pt)),
        lambda events: events[ak.any(events.Muon.pt > 1, axis=1)].x,
        lambda events: events.Muon.px,
    ],
)
def test_corrupt_basket(tmp_path: Path, use: Callable[[Any], Any]) -> None:
    write_nano(tmp_path / "a.root")
    damage(tmp_path / "a.root", "Muon_pt")
    with pytest.raises(BadFileError, match=r"a\.root can't be read, it is truncated or corrupt: ") as caught:
        read(tmp_path / "a.root", use)
    assert "\n" not in str(caught.value)


def test_file_that_vanished(tmp_path: Path) -> None:
    write_nano(tmp_path / "a.root")
    part = segment(tmp_path / "a.root")
    (tmp_path / "a.root").unlink()
    with pytest.raises(BadFileError, match=r"a\.root can't be read: it does not exist"), open_file(part):
        pass


def test_replaced_file(tmp_path: Path) -> None:
    write_nano(tmp_path / "a.root")
    part = segment(tmp_path / "a.root")
    write_nano(tmp_path / "a.root")
    new = segment(tmp_path / "a.root")
    message = rf"a\.root was replaced .*: its UUID is {new.uuid}, not {part.uuid}; make the fileset again "
    # the fileset is wrong, not the file: it mustn't be skipped as a bad one
    with pytest.raises(DatasetError, match=message), open_file(part):
        pass


def test_file_with_fewer_entries(tmp_path: Path) -> None:
    write_nano(tmp_path / "a.root")
    for start, stop, found in ((90, 110, 10), (100, 101, 0)):
        message = rf"a\.root: {found} entries in \[{start}, {stop}\), expected {stop - start}"
        with pytest.raises(BadFileError, match=message):
            read(tmp_path / "a.root", len, start, stop)


def test_file_without_the_tree(tmp_path: Path) -> None:
    write_nano(tmp_path / "a.root")
    part = dataclasses.replace(segment(tmp_path / "a.root"), object_path="Event")
    with pytest.raises(BadFileError, match=r"a\.root can't be read.*Event"), open_file(part) as file:
        NanoTree(file, part.object_path, {})


@pytest.mark.parametrize(
    "error",
    [
        UnknownNameError("weight", "a", ["b"]),
        FileNotFoundError("model.onnx"),
        KeyError("pt"),
        ValueError("wrong"),
        AttributeError("'list' object has no attribute 'pt'"),
    ],
)
def test_what_is_not_the_fault_of_the_file(tmp_path: Path, error: Exception) -> None:
    def use(events: Any) -> None:
        raise error

    write_nano(tmp_path / "a.root")
    with pytest.raises(type(error)) as caught:
        read(tmp_path / "a.root", use)
    assert caught.value is error


def test_lack_of_memory_is_not_the_files_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise MemoryError

    monkeypatch.setattr("uproot.reading.ReadOnlyFile", fail)
    with pytest.raises(MemoryError), reading("some.root"):
        uproot.open("some.root")


@pytest.mark.parametrize(
    "error",
    [UnknownNameError("collection", "Muons", ["Muon"], "the events"), HistogramError("histogram 'x': 1 value is NaN")],
)
def test_errors_of_the_contents_name_the_file(error: Exception) -> None:
    text = str(error)
    with pytest.raises(type(error)) as caught, explaining(), reading("some.root"):
        raise error
    assert str(caught.value) == f"{text} (file some.root)"
