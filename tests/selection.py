"""The slow tests of a run of CI: those of what has changed in two days, and a fifth of the others."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

#: files and folders with which everything may have changed
EVERYTHING = (".ci", "conftest.py", "datasets", "law.cfg", "params", "pyproject.toml", "setup.sh")
SECONDS = 2 * 24 * 3600
#: one of so many files runs whatever has changed
SHARE = 5
TESTS = PurePosixPath("tests")
#: what sets up all tests
SET_UP = (PurePosixPath("conftest.py"), TESTS / "conftest.py")


@dataclass(frozen=True)
class Selection:
    """The slow tests that run.

    Args:
        commit: decides which fifth of the unchanged files runs.
        changed: paths relative to the repository; None where the history doesn't tell, so that all tests run.
        packages: folders of the repository, which those of the tests mirror.
        users: files that import or run a changed helper of tests, or one that does.
    """

    commit: str
    changed: frozenset[PurePosixPath] | None
    packages: frozenset[PurePosixPath]
    users: frozenset[PurePosixPath] = frozenset()

    @classmethod
    def of_checkout(cls, repository: Path) -> Selection:
        """Return what the commits of the last two days before HEAD ask for, and what isn't committed."""
        try:
            commit = _git(repository, "rev-parse", "HEAD").strip()
            tracked = _git(repository, "ls-files", "-z").split("\0")
            packages = frozenset(folder for path in tracked for folder in PurePosixPath(path).parents)
            changed = changed_files(repository)
            texts = {
                path: (repository / path).read_text("utf-8") for path in map(PurePosixPath, tracked) if is_code(path)
            }
            return cls(commit, changed, packages, users_of_helpers(changed or frozenset(), texts))
        except (OSError, subprocess.CalledProcessError):
            return cls("", None, frozenset())

    @cached_property
    def reason(self) -> str:
        """Why all slow tests run; empty if a part of them does."""
        if self.changed is None:
            return "the history of two days isn't there"
        if found := sorted(str(path) for path in self.changed if concerns_all(path)):
            return f"{found[0]} has changed"
        return "what sets up all tests has changed" if self.users & {*SET_UP} else ""

    @cached_property
    def helpers(self) -> frozenset[PurePosixPath]:
        """Folders of changed files that tests beside them, or below, are run with."""
        changed = (self.changed or frozenset()) | self.users
        beside = (path for path in changed if path.is_relative_to(TESTS) and not is_test(path))
        return frozenset(path.parent for path in beside if path.parent != TESTS)

    @cached_property
    def touched(self) -> frozenset[PurePosixPath]:
        """Folders with a change in them, or below."""
        return frozenset(folder for path in self.changed or () for folder in path.parents)

    def takes(self, file: PurePosixPath, named: Iterable[PurePosixPath] = ()) -> bool:
        """Whether the slow tests of a file run.

        Args:
            file: the file with tests, relative to the repository.
            named: files that a test is about, such as a page.
        """
        if self.changed is None or self.reason:
            return True
        return self.is_concerned(file) or not self.changed.isdisjoint(named) or self.is_drawn(file)

    def is_concerned(self, file: PurePosixPath) -> bool:
        """Whether a change lies in the package that a file mirrors, or in what the file is run with."""
        package = PurePosixPath(*file.parts[1:-1])
        while package.parts and package not in self.packages:
            package = package.parent
        return (
            file in (self.changed or ())
            or file in self.users
            or not self.helpers.isdisjoint(file.parents)
            or (bool(package.parts) and package in self.touched)
        )

    def is_drawn(self, file: PurePosixPath) -> bool:
        """Whether a file is of the fifth that runs at this commit."""
        digest = hashlib.sha256(f"{self.commit}:{file}".encode()).digest()
        return int.from_bytes(digest[:8]) % SHARE == 0


def is_test(path: PurePosixPath) -> bool:
    """Whether a file holds tests."""
    return path.name.startswith("test_") and path.suffix == ".py"


def concerns_all(path: PurePosixPath) -> bool:
    """Whether a change of a file may change what any test gives."""
    return path.parts[0] in EVERYTHING or path.name == "conftest.py" or path.suffix == ".lock"


def is_code(path: PurePosixPath) -> bool:
    """Whether a file is code of the tests, or sets them up."""
    return path.suffix == ".py" and (path.is_relative_to(TESTS) or path in SET_UP)


def users_of_helpers(changed: Iterable[PurePosixPath], texts: Mapping[PurePosixPath, str]) -> frozenset[PurePosixPath]:
    """Return the files that import or run a changed helper in the folder of all tests, or a helper that does.

    Args:
        texts: code of the tests.
    """
    found: set[PurePosixPath] = set()
    new = set(changed)
    while names := [path.stem for path in new if path.parent == TESTS and path.suffix == ".py" and not is_test(path)]:
        one = "|".join(map(re.escape, names))
        imports = rf"^\s*(from|import) tests\.({one})\b|^\s*from tests import .*\b({one})\b"
        names_it = re.compile(rf"{imports}|-m\W+tests\.({one})\b|\b({one})\.py\b", re.MULTILINE)
        new = {path for path, text in texts.items() if path not in found and names_it.search(text)}
        found |= new
    return frozenset(found)


def changed_files(repository: Path) -> frozenset[PurePosixPath] | None:
    """Return the files that the commits of the last two days before HEAD changed, and those that aren't committed.

    Returns:
        None where the history ends within these two days.
    """
    if _git(repository, "rev-parse", "--is-shallow-repository").strip() != "false":
        return None
    since = int(_git(repository, "log", "-1", "--format=%ct")) - SECONDS
    if int(_git(repository, "log", "--max-parents=0", "--format=%ct").split()[-1]) >= since:
        return None
    # Dates may go back and forth along the history, so git looks at every commit.
    committed = _git(repository, "log", "-m", "-z", "--format=", "--name-only", f"--since-as-filter=@{since}")
    status = _git(repository, "status", "-z", "--porcelain", "--no-renames", "--untracked-files=all")
    names = [*committed.split("\0"), *(entry[3:] for entry in status.split("\0"))]
    return frozenset(PurePosixPath(name.strip("\n")) for name in names if name.strip("\n"))


def _git(repository: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=repository, check=True, capture_output=True, text=True)
    return done.stdout
