"""The slow tests of a run of CI: those of what has changed in two days, and a fifth of the others."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

#: files and folders with which everything may have changed
EVERYTHING = (".ci", "conftest.py", "datasets", "law.cfg", "params", "pyproject.toml", "setup.sh")
SECONDS = 2 * 24 * 3600
#: one of so many files runs whatever has changed
SHARE = 5


@dataclass(frozen=True)
class Selection:
    """The slow tests that run.

    Args:
        commit: decides which fifth of the unchanged files runs.
        changed: paths relative to the repository; None where the history doesn't tell, so that all tests run.
        packages: folders of the repository, which those of the tests mirror.
    """

    commit: str
    changed: frozenset[PurePosixPath] | None
    packages: frozenset[PurePosixPath]

    @classmethod
    def of_checkout(cls, repository: Path) -> Selection:
        """Return what the commits of the last two days before HEAD ask for, and what isn't committed."""
        try:
            commit = _git(repository, "rev-parse", "HEAD").strip()
            tracked = _git(repository, "ls-files", "-z").split("\0")
            packages = frozenset(folder for path in tracked for folder in PurePosixPath(path).parents)
            return cls(commit, changed_files(repository), packages)
        except (OSError, subprocess.CalledProcessError):
            return cls("", None, frozenset())

    @cached_property
    def reason(self) -> str:
        """Why all slow tests run; empty if a part of them does."""
        if self.changed is None:
            return "the history of two days isn't there"
        found = sorted(str(path) for path in self.changed if concerns_all(path))
        return f"{found[0]} has changed" if found else ""

    @cached_property
    def helpers(self) -> frozenset[PurePosixPath]:
        """Folders of changed files that tests beside them, or below, are run with."""
        return frozenset(path.parent for path in self.changed or () if path.parts[0] == "tests" and not is_test(path))

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
    is_helper = path.parent == PurePosixPath("tests") and path.suffix == ".py" and not is_test(path)
    return path.parts[0] in EVERYTHING or path.name == "conftest.py" or path.suffix == ".lock" or is_helper


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
