from __future__ import annotations

from pathlib import Path

from pocket.datasets.build import inspect_file, inspect_listed
from pocket.datasets.check import Finding, Problem, check_fileset
from pocket.datasets.fileset import FileInfo, Fileset
from pocket.datasets.listing import DatasetFile
from pocket.errors import DatasetError
from tests.pocket.datasets.files import write_root


def make(folder: Path, *names: str) -> Fileset:
    files: dict[str, FileInfo] = {}
    for number, name in enumerate(names):
        path = write_root(folder / name, number + 1)
        files[str(path)] = inspect_file(path)[0]
    return {"DY": {"metadata": {}, "files": files}}


def check(fileset: Fileset, *now: Path, skipped: dict[str, str] | None = None) -> list[Finding]:
    listed = {"DY": [DatasetFile(str(path)) for path in now]}
    return check_fileset(fileset, listed, skipped or {}, inspect_listed)


def problems(findings: list[Finding]) -> list[tuple[str, Problem]]:
    return [(Path(finding.url).name, finding.problem) for finding in findings]


def test_nothing_is_wrong(tmp_path: Path) -> None:
    fileset = make(tmp_path, "a.root", "b.root")
    seen = []
    listed = {"DY": [DatasetFile(path) for path in fileset["DY"]["files"]]}
    findings = check_fileset(
        fileset, listed, {}, inspect_listed, progress=lambda done, total: seen.append((done, total))
    )
    assert findings == []
    assert seen == [(1, 2), (2, 2)]


def test_every_problem(tmp_path: Path) -> None:
    fileset = make(tmp_path, "gone.root", "broken.root", "other.root", "longer.root", "unlisted.root", "fine.root")
    (tmp_path / "gone.root").unlink()
    (tmp_path / "broken.root").write_bytes(b"no ROOT file")
    write_root(tmp_path / "other.root", 3)
    write_root(tmp_path / "longer.root", 9)
    added = write_root(tmp_path / "new.root", 7)
    now = [Path(path) for path in fileset["DY"]["files"] if "unlisted" not in path]
    findings = check(fileset, *now, added)
    assert problems(findings) == [
        ("gone.root", Problem.VANISHED),
        ("broken.root", Problem.UNREADABLE),
        ("other.root", Problem.CHANGED),
        ("longer.root", Problem.CHANGED),
        ("unlisted.root", Problem.UNLISTED),
        ("new.root", Problem.NEW),
    ]
    _, _, other, longer, _, new = findings
    assert other.detail.startswith("UUID ")
    assert longer.detail.startswith("events: 9 instead of 4, UUID ")
    assert new.detail == "not in the fileset; 7 events"


def test_dataset_that_cannot_be_listed(tmp_path: Path) -> None:
    fileset = make(tmp_path, "a.root", "b.root")
    (tmp_path / "b.root").unlink()
    findings = check_fileset(fileset, {"DY": DatasetError("no such dataset")}, {}, inspect_listed)
    assert findings[0] == Finding("DY", "", Problem.UNLISTED, "no such dataset")
    assert problems(findings[1:]) == [("b.root", Problem.VANISHED)]


def test_other_places_of_a_file(tmp_path: Path) -> None:
    """A file is the same wherever it is read from: at a place of its replicas, or known by its UUID."""
    fileset = make(tmp_path, "a.root", "b.root")
    (first, info), _ = fileset["DY"]["files"].items()
    replica = tmp_path / "replica.root"
    Path(first).rename(replica)
    info["replicas"] = [str(replica)]
    assert check(fileset, replica, tmp_path / "b.root") == []
    moved = tmp_path / "moved.root"
    (tmp_path / "b.root").rename(moved)
    assert check(fileset, replica, moved) == []
    moved.unlink()
    assert problems(check(fileset, replica)) == [("b.root", Problem.VANISHED)]


def test_sites_are_unknown_today(tmp_path: Path) -> None:
    """Without Rucio the catalogue gives other places, which may not answer; the name is the same."""
    (tmp_path / "store").mkdir()
    fileset = make(tmp_path / "store", "a.root")
    elsewhere = str(tmp_path / "redirector" / "store" / "a.root")
    listed = {"DY": [DatasetFile(elsewhere, name="/store/a.root")]}
    assert check_fileset(fileset, listed, {}, inspect_listed) == []
    (tmp_path / "store" / "a.root").unlink()
    assert problems(check_fileset(fileset, listed, {}, inspect_listed)) == [("a.root", Problem.VANISHED)]


def test_files_that_were_left_out(tmp_path: Path) -> None:
    fileset = make(tmp_path, "a.root")
    bad = tmp_path / "bad.root"
    bad.write_bytes(b"no ROOT file")
    now = [tmp_path / "a.root", bad]
    assert check(fileset, *now, skipped={str(bad): "unreadable"}) == []
    assert problems(check(fileset, *now)) == [("bad.root", Problem.NEW)]
    write_root(bad, 5)
    (finding,) = check(fileset, *now, skipped={str(bad): "unreadable"})
    assert finding.detail == "left out when the fileset was built; 5 events"


def test_catalogue_says_otherwise(tmp_path: Path) -> None:
    fileset = make(tmp_path, "a.root")
    listed = {"DY": [DatasetFile(str(tmp_path / "a.root"), entries=2)]}
    (finding,) = check_fileset(fileset, listed, {}, inspect_listed)
    assert finding.problem is Problem.UNREADABLE
    assert "has 1 events, but its catalogue says that it has 2" in finding.detail
