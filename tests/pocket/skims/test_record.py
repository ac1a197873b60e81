from __future__ import annotations

from pathlib import Path

from pocket.datasets.fileset import FileInfo
from pocket.skims.record import SkimRecord


def test_there_and_back(tmp_path: Path) -> None:
    files = {"events_0001.root": FileInfo(object_path="Events", num_entries=3, uuid="u")}
    record = SkimRecord(10, 0.1 + 0.2, -3.0, files, 1234, {"/data/bad.root": "it is damaged"})
    record.write(tmp_path)
    assert SkimRecord.read(tmp_path) == record


def test_nothing_read(tmp_path: Path) -> None:
    SkimRecord().write(tmp_path)
    assert SkimRecord.read(tmp_path) == SkimRecord(0, 0.0, 0.0, {}, 0, {})
