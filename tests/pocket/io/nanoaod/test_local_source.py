from __future__ import annotations

import queue
from pathlib import Path

import pytest
import uproot

from pocket.io.nanoaod.local_source import LocalSource, open_local
from tests.real_files import real_file


def test_ranges_of_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a:b.bin"
    path.write_bytes(bytes(range(100)))
    with LocalSource(str(path)) as source:
        notifications: queue.Queue[object] = queue.Queue()
        chunks = source.chunks([(0, 4), (90, 100), (5, 5)], notifications)
        assert [bytes(chunk.raw_data) for chunk in chunks] == [bytes(range(4)), bytes(range(90, 100)), b""]
        assert [notifications.get() for _ in chunks] == chunks
        assert bytes(source.chunk(10, 12).raw_data) == b"\x0a\x0b"
        assert source.read([(98, 104)]) == [b"bc"]
        with pytest.raises(OSError, match="expected Chunk of length 10"):
            _ = source.chunk(95, 105).raw_data
        assert source.num_bytes == 100
        assert source.num_requested_bytes == 14 + 2 + 6 + 10
        assert not source.closed
    assert source.closed
    with pytest.raises(ValueError, match="closed file"):
        source.read([(0, 1)])


def test_files_are_closed(tmp_path: Path) -> None:
    with open_local(real_file("nano_dy.root")) as file:
        source = file.file.source
        assert isinstance(source, LocalSource)
        with uproot.open(real_file("nano_dy.root")) as other:
            assert file["Events"]["Muon_pt"].array().to_list() == other["Events"]["Muon_pt"].array().to_list()
    assert source.closed
    path = tmp_path / "no.root"
    path.write_bytes(b"no ROOT file" * 100)
    # what is left open gives a warning, which is an error in tests
    with pytest.raises(ValueError, match="not a ROOT file"), open_local(path):
        pass
