"""The choice of slow tests: what each change asks for, in repositories made for the purpose."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from tests.selection import SHARE, Selection

DAY = 24 * 3600
NOW = 1_750_000_000
FILES = [
    "README.md",
    "analysis/zmumu/config.py",
    "docs/how-to/blind.md",
    "params/eras/2018.yaml",
    "pocket/weights/base.py",
    "pocket/cuts/library.py",
    "tasks/chain/plotting.py",
    "tests/law_runner.py",
    "tests/pocket/weights/objects.py",
    *(test := [
        "tests/analysis/test_zmumu.py",
        "tests/pocket/test_public.py",
        "tests/pocket/weights/test_base.py",
        "tests/pocket/weights/test_jets.py",
        "tests/pocket/cuts/test_library.py",
        "tests/tasks/chain/test_plotting.py",
        "tests/tasks/mutations/test_table.py",
        "tests/test_chain.py",
        "tests/wheel/test_contents.py",
    ]),
]  # fmt: skip
TESTS = [PurePosixPath(path) for path in test]


class Repository:
    """A repository of a few files, to which commits with chosen dates are added."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git("init", "-q")
        self.commit(FILES, days=10)

    def git(self, *arguments: str, date: int = NOW) -> str:
        names = {f"GIT_{who}_{what}": "a" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        dates = {f"GIT_{who}_DATE": f"@{date} +0000" for who in ("AUTHOR", "COMMITTER")}
        command = ["git", "-c", "commit.gpgsign=false", *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env={**os.environ, **names, **dates}, check=True, capture_output=True, text=True
        )
        return done.stdout

    def write(self, *files: str) -> None:
        for file in files:
            path = self.folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a") as stream:
                stream.write("changed\n")

    def commit(self, files: list[str], days: float = 0) -> None:
        self.write(*files)
        self.git("add", "-A")
        self.git("commit", "-qm", "Change files", date=NOW - int(days * DAY))

    def concerned(self) -> list[str]:
        """Return the tests that run because of what has changed."""
        selection = Selection.of_checkout(self.folder)
        assert not selection.reason
        return [str(file) for file in TESTS if selection.is_concerned(file)]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("README.md", []),
        ("analysis/zmumu/config.py", ["tests/analysis/test_zmumu.py"]),
        # tests at the top of a folder of tests mirror all of its packages
        (
            "pocket/weights/base.py",
            ["tests/pocket/test_public.py", "tests/pocket/weights/test_base.py", "tests/pocket/weights/test_jets.py"],
        ),
        ("pocket/cuts/library.py", ["tests/pocket/test_public.py", "tests/pocket/cuts/test_library.py"]),
        # and a folder without a package of its own mirrors the one above
        ("tasks/chain/plotting.py", ["tests/tasks/chain/test_plotting.py", "tests/tasks/mutations/test_table.py"]),
        (
            "tests/pocket/weights/objects.py",
            ["tests/pocket/weights/test_base.py", "tests/pocket/weights/test_jets.py"],
        ),
        ("tests/test_chain.py", ["tests/test_chain.py"]),
    ],
)
def test_tests_of_a_changed_package_run(repository: Repository, file: str, expected: list[str]) -> None:
    repository.commit([file], days=1.9)
    repository.commit(["README.md"])
    assert repository.concerned() == expected


def test_tests_that_name_a_changed_helper_run(repository: Repository) -> None:
    """A helper of all tests is named in one, in another helper, and in one of a folder."""
    for file, line in {
        "tests/test_chain.py": "from tests.law_runner import Law",
        "tests/tools.py": "from tests import entries, law_runner",
        "tests/pocket/cuts/objects.py": 'HELPER = ROOT / "tests" / "tools.py"',
        "tests/wheel/test_contents.py": "from tests.law_runners import Law",
    }.items():
        (repository.folder / file).write_text(f"{line}\n")
    repository.git("add", "-A")
    repository.git("commit", "-qm", "Name a helper", date=NOW - 8 * DAY)
    repository.commit(["README.md"], days=3)
    assert repository.concerned() == []
    repository.commit(["tests/law_runner.py"])
    assert repository.concerned() == ["tests/pocket/cuts/test_library.py", "tests/test_chain.py"]


def test_all_run_if_a_helper_sets_them_up(repository: Repository) -> None:
    (repository.folder / "tests" / "conftest.py").write_text("from tests.law_runner import Law\n")
    repository.git("add", "-A")
    repository.git("commit", "-qm", "Set up", date=NOW - 5 * DAY)
    repository.commit(["tests/law_runner.py"])
    assert Selection.of_checkout(repository.folder).reason == "what sets up all tests has changed"


def test_older_changes_ask_for_nothing(repository: Repository) -> None:
    repository.commit(["pocket/cuts/library.py"], days=2.1)
    repository.commit(["README.md"])
    assert repository.concerned() == []


def test_what_a_merge_brings_counts(repository: Repository) -> None:
    repository.git("checkout", "-qb", "side")
    repository.commit(["pocket/cuts/library.py"], days=1)
    repository.git("checkout", "-q", "-")
    # an older commit between the merge and the new one doesn't hide it
    repository.commit(["README.md"], days=5)
    repository.git("merge", "-q", "--no-ff", "side")
    assert "tests/pocket/cuts/test_library.py" in repository.concerned()


def test_what_is_not_committed_counts(repository: Repository) -> None:
    repository.commit(["README.md"])
    repository.write("pocket/cuts/library.py", "pocket/weights/a file.py")
    assert repository.concerned() == [str(file) for file in TESTS if file.parts[1] == "pocket"]


def edit(file: str) -> Callable[[Repository], object]:
    return lambda repository: repository.commit([file])


def make_shallow(repository: Repository) -> None:
    (repository.folder / ".git" / "shallow").write_text(repository.git("rev-parse", "HEAD"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        *(
            (edit(file), f"{file} has changed")
            for file in (
                ".ci/run",
                "conftest.py",
                "datasets/toys.json",
                "law.cfg",
                "params/eras/2018.yaml",
                "pyproject.toml",
                "requirements-dev.lock",
                "tests/pocket/cuts/conftest.py",
            )
        ),
        (make_shallow, "the history of two days isn't there"),
        (lambda repository: repository.git("commit", "-q", "--amend", "-mRoot"), "the history of two days isn't there"),
    ],
)
def test_all_run(repository: Repository, change: Callable[[Repository], object], reason: str) -> None:
    change(repository)
    selection = Selection.of_checkout(repository.folder)
    assert selection.reason == reason
    assert all(selection.takes(file) for file in TESTS)


def test_all_run_where_there_is_no_repository(tmp_path: Path) -> None:
    selection = Selection.of_checkout(tmp_path)
    assert selection.reason
    assert selection.takes(TESTS[0])


def test_a_fifth_of_the_others_runs_another_one_at_each_commit() -> None:
    drawn = {
        commit: {file for file in range(1000) if selection.takes(PurePosixPath(f"tests/test_{file}.py"))}
        for commit in ("first", "second")
        for selection in [Selection(commit, frozenset(), frozenset())]
    }
    assert all(abs(len(files) * SHARE - 1000) < 150 for files in drawn.values())
    assert len(drawn["first"] & drawn["second"]) < 80


def test_a_changed_page_is_walked() -> None:
    page, other = PurePosixPath("docs/how-to/blind.md"), PurePosixPath("docs/how-to/fit.md")
    file = PurePosixPath("tests/test_how_to.py")
    # a commit at which the file isn't drawn
    commits = (Selection(str(number), frozenset({page}), frozenset()) for number in range(100))
    selection = next(found for found in commits if not found.is_drawn(file))
    assert selection.takes(file, [page])
    assert not selection.takes(file, [other])
