from __future__ import annotations

import os
import stat
import tarfile
from pathlib import Path

import pytest

from pocket.errors import PocketError
from tasks.batch import archive
from tasks.batch.archive import Archive, make_archive


@pytest.fixture
def members(tmp_path: Path) -> dict[str, Path]:
    source = tmp_path / "source"
    source.mkdir()
    (source / "cuts.py").write_text("pt = 25")
    (source / "run.sh").write_text("echo")
    (source / "run.sh").chmod(0o750)
    return {"code/run.sh": source / "run.sh", "code/cuts.py": source / "cuts.py"}


def make(folder: Path, members: dict[str, Path]) -> Archive:
    return make_archive(folder / "bundles", "code", members)


def test_content(tmp_path: Path, members: dict[str, Path]) -> None:
    made = make(tmp_path, members)
    assert made.path.name.startswith("code-")
    assert made.size == made.path.stat().st_size
    assert made.unpacked == len("pt = 25") + len("echo")
    with tarfile.open(made.path) as opened:
        found = [(info.name, info.mode, info.mtime, info.uid, info.uname) for info in opened.getmembers()]
        assert found == [("code/cuts.py", 0o644, 0, 0, ""), ("code/run.sh", 0o755, 0, 0, "")]
        cuts = opened.extractfile("code/cuts.py")
        assert cuts
        assert cuts.read() == b"pt = 25"


@pytest.mark.parametrize(("of_a_file", "of_the_archive"), [(0o600, 0o600), (0o640, 0o640), (0o444, 0o644)])
def test_who_can_not_read_a_file_can_not_read_the_archive(
    tmp_path: Path, members: dict[str, Path], of_a_file: int, of_the_archive: int
) -> None:
    members["code/run.sh"].chmod(0o755)
    members["code/cuts.py"].chmod(of_a_file)
    before = os.umask(0o022)
    try:
        made = make(tmp_path, members)
    finally:
        os.umask(before)
    assert stat.S_IMODE(made.path.stat().st_mode) == of_the_archive


def test_same_content_makes_the_same_archive(tmp_path: Path, members: dict[str, Path]) -> None:
    first = make(tmp_path / "first", members)
    for path in members.values():
        os.utime(path, (1, 1))
    second = make(tmp_path / "second", dict(reversed(members.items())))
    assert first.path.name == second.path.name
    assert first.path.read_bytes() == second.path.read_bytes()
    # and isn't made twice
    before = second.path.stat()
    assert make(tmp_path / "second", members) == second
    assert second.path.stat() == before


@pytest.mark.parametrize("change", ["content", "mode", "name", "more"])
def test_other_content_makes_another_archive(tmp_path: Path, members: dict[str, Path], change: str) -> None:
    first = make(tmp_path, members)
    cuts = members["code/cuts.py"]
    times = (cuts.stat().st_atime_ns, cuts.stat().st_mtime_ns)
    if change == "content":
        # of the same length, and at the same time
        cuts.write_text("pt = 26")
        os.utime(cuts, ns=times)
    elif change == "mode":
        cuts.chmod(0o755)
    elif change == "name":
        members["code/cut.py"] = members.pop("code/cuts.py")
    else:
        members["code/more.py"] = cuts
    assert make(tmp_path, members).path != first.path


@pytest.mark.parametrize("damage", [b"", b"other", None])
def test_damaged_archive_is_made_anew(tmp_path: Path, members: dict[str, Path], damage: bytes | None) -> None:
    made = make(tmp_path, members)
    whole = made.path.read_bytes()
    if damage is None:
        made.path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    else:
        made.path.write_bytes(damage)
    assert make(tmp_path, members) == made
    assert made.path.read_bytes() == whole
    made.path.with_name(made.path.name.replace(".tar.gz", ".json")).write_text("{")
    assert make(tmp_path, members) == made


def test_file_that_changes_meanwhile(tmp_path: Path, members: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def edit(path: Path, record: Path) -> None:
        members["code/cuts.py"].write_text("pt = 99")

    # it is asked for between the two readings
    monkeypatch.setattr(archive, "_recorded", edit)
    with pytest.raises(PocketError, match=r"cuts.py was changed while it was put into a bundle: run this again"):
        make(tmp_path, members)
    assert list((tmp_path / "bundles").iterdir()) == []


def test_errors_name_the_file(tmp_path: Path, members: dict[str, Path]) -> None:
    gone = {**members, "gone": tmp_path / "gone"}
    with pytest.raises(PocketError, match="/gone can't be put into a bundle: No such file"):
        make(tmp_path, gone)
    (tmp_path / "bundles").write_text("")
    with pytest.raises(PocketError, match=r"the bundle .*/bundles/code-\w+.tar.gz can't be written: "):
        make(tmp_path, members)
