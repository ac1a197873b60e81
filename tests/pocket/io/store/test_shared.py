"""A store of a group: two members with the umask 002, in a folder whose group everything in it gets."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.law_runner import ROOT

pytestmark = pytest.mark.root

GROUP, FIRST, SECOND = 61000, 61001, 61002


@dataclass(frozen=True)
class Member:
    """A process of somebody in the group."""

    process: subprocess.Popen[str]

    def begin(self, action: str, *arguments: object) -> None:
        """Ask for something."""
        assert self.process.stdin is not None
        print(json.dumps([action, *map(_plain, arguments)]), file=self.process.stdin, flush=True)

    def end(self) -> Any:
        """Return what came of it."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        return json.loads(line) if line else None

    def do(self, action: str, *arguments: object) -> Any:
        """Ask for something, and return what came of it."""
        self.begin(action, *arguments)
        return self.end()


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Path) else value


@pytest.fixture
def store() -> Iterator[Path]:
    # Folders of pytest are closed to others.
    folder = Path(tempfile.mkdtemp(prefix="pocketlaw-shared-"))
    shutil.chown(folder, FIRST, GROUP)
    folder.chmod(0o2775)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def member() -> Iterator[Callable[..., Member]]:
    with ExitStack() as stack:

        def start(user: int, umask: int = 0o002) -> Member:
            command = [sys.executable, "-m", "tests.pocket.io.store.group_member", str(user), str(GROUP), f"{umask:o}"]
            process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            stack.enter_context(process)
            return Member(process)

        yield start


@pytest.fixture
def first(member: Callable[..., Member]) -> Member:
    return member(FIRST)


@pytest.fixture
def second(member: Callable[..., Member]) -> Member:
    return member(SECOND)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_each_uses_and_replaces_what_the_other_made(store: Path, first: Member, second: Member) -> None:
    place = store / "zmumu" / "Write" / "main" / "v1" / "aa"
    for number, (writer, reader) in enumerate([(first, second), (second, first), (first, second)]):
        assert writer.do("write", place, number) is None
        assert reader.do("holds", place) == number
        assert names(place.parent) == ["aa"]
    owners = {path.stat().st_uid for path in (place, *place.rglob("*"))}
    assert owners == {FIRST}
    # Beside it, in a folder that the other one made.
    assert second.do("write", place.with_name("bb") / "branch", 7) is None
    assert first.do("write", place.with_name("bb") / "other", 8) is None
    assert first.do("write", place.with_name("bb") / "branch", 9) is None
    assert names(place.with_name("bb")) == ["branch", "other"]
    for path in (store, *store.rglob("*")):
        assert path.stat().st_gid == GROUP
        assert path.stat().st_mode & stat.S_IWGRP


def test_both_at_once(store: Path, first: Member, second: Member) -> None:
    place = store / "zmumu" / "Write" / "main" / "v1" / "aa"
    for member, number, own in ((first, 1000, "cc"), (second, 2000, "dd")):
        member.begin("write", place, number, 20)
        member.begin("write", place.with_name(own), number, 5)
    assert [member.end() for member in (first, second) * 2] == [None] * 4
    assert first.do("holds", place) == second.do("holds", place)
    assert first.do("holds", place) in (1019, 2019)
    assert (second.do("holds", place.with_name("cc")), first.do("holds", place.with_name("dd"))) == (1004, 2004)
    assert names(place.parent) == ["aa", "cc", "dd"]


@pytest.mark.parametrize(("umask", "stays"), [(0o002, False), (0o022, True)])
def test_what_a_dead_process_of_the_other_left(
    store: Path, second: Member, member: Callable[..., Member], umask: int, stays: bool
) -> None:
    assert second.do("write", store / "v1" / "aa", 1) is None
    first = member(FIRST, umask)
    assert first.do("die", store / "v1" / "bb") is None
    assert first.process.wait() == 9
    assert len(names(store / "v1")) == 2
    # It is no obstacle if it can't be removed.
    assert second.do("write", store / "v1" / "cc", 1) is None
    assert [name for name in names(store / "v1") if not name.startswith(".")] == ["aa", "cc"]
    assert len(names(store / "v1")) == 2 + stays


def test_what_can_not_be_replaced_is_a_clear_error(store: Path, first: Member, member: Callable[..., Member]) -> None:
    second = member(SECOND, 0o022)
    assert second.do("write", store / "v1" / "aa", 1) is None
    message = first.do("write", store / "v1" / "aa", 2)
    assert message.startswith(f"PocketError: can't write {store}/v1/aa in the store: Permission denied")
    assert first.do("holds", store / "v1" / "aa") == 1


def test_records_and_answers(store: Path, first: Member, second: Member) -> None:
    path = store / "jobs.json"
    assert [first.do("record", path, "one"), second.do("record", path, "two"), first.do("record", path, "")] == [
        "",
        "one",
        "two",
    ]
    assert names(store) == ["jobs.json"]
    for name, member, other in (("one", first, second), ("two", second, first)):
        assert member.do("remember", store / "cache", name) is None
        assert other.do("remembered", store / "cache", name) == [name, name]


def test_jobs_of_two_have_two_folders(store: Path, first: Member, second: Member) -> None:
    folder = store / ".htcondor"
    for _ in range(2):
        assert first.do("make_own", folder) == ".htcondor"
        assert second.do("make_own", folder) == f".htcondor-{SECOND}"
