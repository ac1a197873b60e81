"""Files that are read several times in one block: nothing is read twice, and the numbers are uproot's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from pocket.io.nanoaod import kept_reads
from pocket.io.nanoaod.events import NanoTree
from pocket.io.nanoaod.kept_reads import KeptReads, keeping_reads
from pocket.io.nanoaod.local_source import LocalSource
from pocket.io.nanoaod.sharing import Open, shared_bytes, shared_file, shared_reads
from pocket.io.remote.client import open_root

META = {"dataset": "d", "sample": "s", "isMC": True}
LIMIT = 10**8


COMPRESSIONS = {"none": None, "zlib": uproot.ZLIB(1), "lzma": uproot.LZMA(1), "zstd": uproot.ZSTD(1)}


@pytest.fixture(params=COMPRESSIONS)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A file with three baskets of each column."""
    path = tmp_path / "a.root"
    with uproot.recreate(path, compression=COMPRESSIONS[request.param]) as file:
        file.mktree(
            "Events", {"x": "float32", "OtherPV": ak.types.from_datashape('var * {"z": float32}', highlevel=False)}
        )
        for part in range(3):
            z = np.arange(300, dtype=np.float32) + part
            vertices = ak.unflatten(ak.zip({"z": z}), np.tile([1, 2, 3], 50))
            file["Events"].extend({"x": np.arange(150, dtype=np.float32) * part, "OtherPV": vertices})
    return path


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The places that are read from files."""
    found: list[tuple[int, int]] = []
    read = LocalSource.read

    def noting(self: LocalSource, places: Any) -> Any:
        found.extend(places)
        return read(self, places)

    monkeypatch.setattr(LocalSource, "read", noting)
    return found


def sums(path: Path, mask: Any = None, open_file: Open = open_root) -> tuple[float, float]:
    """Return the sums of both columns, of all events or the selected ones."""
    with shared_file(str(path), open_file) as file:
        events = NanoTree(file, "Events", META).events(0, 450)
        events = events if mask is None else events[mask]
        return float(ak.sum(events.x)), float(ak.sum(events.OtherPV.z))


def expected(path: Path) -> tuple[float, float]:
    """Return the sums that uproot reads."""
    with uproot.open(path) as file:
        arrays = file["Events"].arrays()
        return float(ak.sum(arrays.x)), float(ak.sum(arrays.OtherPV_z))


def test_what_was_read_is_not_read_again(path: Path, places: list[tuple[int, int]]) -> None:
    with keeping_reads(LIMIT):
        assert sums(path) == expected(path)
        first = len(places)
        assert first > 0
        assert sums(path) == expected(path)
        assert len(places) == first
        assert shared_bytes() > 0
    assert sums(path) == expected(path)
    assert len(places) == 2 * first


def test_nothing_is_kept_beyond_the_limit(path: Path, places: list[tuple[int, int]]) -> None:
    with keeping_reads(0):
        sums(path)
        places.clear()
        assert sums(path) == expected(path)
        assert shared_bytes() == 0
    assert places


def test_what_others_read_serves_those_who_want_other_entries(path: Path, places: list[tuple[int, int]]) -> None:
    mask = np.arange(450) % 7 == 0
    alone = sums(path, mask)
    with keeping_reads(LIMIT):
        sums(path)
        places.clear()
        assert sums(path, mask) == alone
    assert places == []


def test_a_file_is_opened_once(path: Path) -> None:
    opened: list[str] = []

    def noting(location: str) -> Any:
        opened.append(location)
        return open_root(location)

    with keeping_reads(LIMIT):
        sums(path, open_file=noting)
        sums(path, open_file=noting)
        assert opened == [str(path)]
        with pytest.raises(OSError, match="gone"), shared_file(str(path), noting):
            raise OSError("gone")
        # After a failure the file may work again if it is opened again.
        assert sums(path, open_file=noting) == expected(path)
    assert opened == [str(path)] * 2


def test_many_files_are_not_held_open(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_reads, "MOST_FILES", 0)
    with keeping_reads(LIMIT):
        with shared_file(str(path), open_root) as file:
            pass
        assert file.closed


def test_files_are_closed_at_the_end(path: Path) -> None:
    with keeping_reads(LIMIT):
        with shared_file(str(path), open_root) as file:
            pass
        assert not file.closed
        assert shared_reads(str(path)) is not None
    assert file.closed
    assert shared_reads(str(path)) is None


def test_copies_are_separate_and_cannot_be_written_to() -> None:
    kept = KeptReads(100)
    copies = [kept.copy(bytes([number]) * 40) for number in (1, 2)]
    assert [copy and bytes(copy) for copy in copies] == [b"\1" * 40, b"\2" * 40]
    assert all(copy is not None and copy.readonly for copy in copies)
    assert kept.copy(bytes(40)) is None
    assert kept.size == 80
