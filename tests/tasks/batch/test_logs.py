from __future__ import annotations

from pathlib import Path

import pytest

from pocket.errors import PocketError
from tasks.batch.logs import LOGS, pack_logs
from tests.law_runner import job_logs


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_logs_go_into_one_archive(tmp_path: Path) -> None:
    texts = {f"stdall_{n}To{n + 1}.txt": f"log {n}\n" * 1000 for n in range(20)}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    for name in ("htcondor_jobs_0To20.json", "jobs.log", "job_0To1.out"):
        (tmp_path / name).write_text("…")
    failed = tmp_path / "stdall_3To4.txt"
    assert pack_logs(tmp_path, [failed]) == 19
    assert names(tmp_path) == ["htcondor_jobs_0To20.json", "job_0To1.out", "jobs.log", LOGS, failed.name]
    assert job_logs(tmp_path) == texts
    assert (tmp_path / LOGS).stat().st_size < sum(map(len, texts.values())) / 10
    # later ones join them, or replace those of the same branches
    (tmp_path / "stdall_0To1.txt").write_text("again")
    assert pack_logs(tmp_path) == 2
    assert job_logs(tmp_path) == {**texts, "stdall_0To1.txt": "again"}
    assert not list(tmp_path.glob("stdall_*"))
    assert pack_logs(tmp_path) == 0


def test_damaged_archive_is_replaced(tmp_path: Path) -> None:
    (tmp_path / LOGS).write_bytes(b"PK")
    (tmp_path / "stdall_0To1.txt").write_text("log")
    assert pack_logs(tmp_path) == 1
    assert job_logs(tmp_path) == {"stdall_0To1.txt": "log"}


def test_interrupted_packing_loses_no_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(3):
        (tmp_path / f"stdall_{n}To{n + 1}.txt").write_text(f"log {n}")
    expected = job_logs(tmp_path)
    for name in ("replace", "unlink"):
        with monkeypatch.context() as patch:

            def stop(*arguments: object, **options: object) -> None:
                raise KeyboardInterrupt

            patch.setattr(Path, name, stop)
            with pytest.raises(KeyboardInterrupt):
                pack_logs(tmp_path)
        assert job_logs(tmp_path) == expected
    for left in tmp_path.glob(".*"):
        left.unlink()
    assert pack_logs(tmp_path) == 3
    assert job_logs(tmp_path) == expected
    assert names(tmp_path) == [LOGS]


def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "stdall_0To1.txt").write_text("log")
    (tmp_path / LOGS / "in the way").mkdir(parents=True)
    with pytest.raises(PocketError, match=f"^the logs in {tmp_path} can't be packed: "):
        pack_logs(tmp_path)
