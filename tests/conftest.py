"""The options that choose tests, their order, and PocketCoffea's environment."""

from __future__ import annotations

import functools
import gc
import importlib.util
import os
import re
import sys
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

if importlib.util.find_spec("hypothesis") is None:
    raise pytest.UsageError("the tests need the packages of developers: POCKET_DEV=yes source setup.sh")

import hypothesis

from benchmarks.peer.environment import PeerUnavailableError, default_location, peer_python
from tests.selection import Selection

SERVICES = {
    "root": "the rights of root",
    "htcondor": "HTCondor",
    "slurm": "Slurm",
    "xrootd": "an XRootD server",
    "rucio": "a Rucio server",
    "openssl": "openssl and voms-clients",
    "container": "buildah and mmdebstrap",
    "strace": "strace",
}

# outputs of tests don't go where those of the user do
os.environ.pop("POCKET_REMOTE_STORE", None)
# law is called hundreds of times, and each call keeps what it compiles for the next one, as pytest does
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# the first example of many tests waits for numba, and the machine may be shared
hypothesis.settings.register_profile("pocketlaw", deadline=None)
hypothesis.settings.load_profile("pocketlaw")


def pytest_addoption(parser: pytest.Parser) -> None:
    names = " or ".join(SERVICES.values())
    parser.addoption("--services", action="store_true", help=f"run also the tests that need {names}")
    parser.addoption("--slow", action="store_true", help="run also tests marked slow; with -m slow, them alone")
    parser.addoption(
        "--slow-changed",
        action="store_true",
        help="of the tests marked slow, run those of what has changed in two days, and a fifth of the others",
    )


def pytest_report_header(config: pytest.Config) -> str | None:
    if config.getoption("--slow") or not config.getoption("--slow-changed"):
        return None
    selection = Selection.of_checkout(config.rootpath)
    if reason := selection.reason:
        return f"slow tests: all, since {reason}"
    changed = sorted({str(path.parent) for path in selection.changed or ()})
    return f"slow tests: a fifth, by commit {selection.commit[:12]}, and those of {', '.join(changed) or 'no change'}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--slow"):
        selection = Selection.of_checkout(config.rootpath) if config.getoption("--slow-changed") else None
        left = [item for item in items if item.get_closest_marker("slow") and not is_selected(item, selection)]
        config.hook.pytest_deselected(items=left)
        dropped = set(left)
        items[:] = [item for item in items if item not in dropped]
    # What takes longest goes first, so that it doesn't go on alone in one of several processes.
    slow_tests = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: (rank(item), -slow_tests[item.path], str(item.path)))
    if config.getoption("--services"):
        return
    for item in items:
        for marker, service in SERVICES.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=f"needs {service}: run with --services"))


def is_selected(item: pytest.Item, selection: Selection | None) -> bool:
    """Whether a slow test runs, when not all do."""
    if selection is None:
        return False
    parameters = getattr(item, "callspec", None)
    # A page that a test walks is a path in its parameters.
    named = [value for value in parameters.params.values() if isinstance(value, Path)] if parameters else []
    root = item.config.rootpath
    inside = [PurePosixPath(path.relative_to(root)) for path in named if path.is_relative_to(root)]
    return selection.takes(PurePosixPath(item.path.relative_to(root)), inside)


def pytest_collection_finish() -> None:
    # tests change modules twice in a second, which Python doesn't notice when it takes what it compiled
    sys.dont_write_bytecode = True
    # Looking for garbage as often as Python does by default took a third of the time of tests in this process.
    gc.set_threshold(20_000, 10, 10)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hand out tests by file, and those that share a service together; xdist's groups need an older pytest."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return shared_by(config.rootpath / nodeid.partition("::")[0])

    if config.getoption("dist") != "loadfile":
        return None
    # in the order of the tests, instead of large files first
    config.option.loadscopereorder = False
    return Scheduling(config, log)


def rank(item: pytest.Item) -> int:
    """Return a number that is small for tests that take long, so that none of them is begun last.

    It is 0 for tests that share a service, 1 for those that walk pages, 2 for others that run servers or law.
    """
    if shared_by(item.path) != str(item.path):
        return 0
    if "tests.walk" in source_of(item.path):
        return 1
    return 2 if "services" in item.path.parts or runs_law(item.path) else 3


@functools.cache
def source_of(file: Path) -> str:
    """Return the text of a file with tests."""
    return file.read_text(encoding="utf-8")


@functools.cache
def runs_law(file: Path) -> bool:
    """Whether the tests of a file run tasks, in processes of their own or in this one."""
    return "tasks" in file.parts or "tests.law_runner" in source_of(file)


@functools.cache
def shared_by(file: Path) -> str:
    """Return what there is only one of that the tests of a file need, else the file."""
    found = re.search(r"mark\.(htcondor|slurm|rucio)\b|\b(peer): Path", source_of(file))
    return found[1] or found[2] if found else str(file)


@pytest.fixture(scope="session")
def peer() -> Path:
    """Return the Python that has PocketCoffea, installed if need be; only CI insists on it."""
    try:
        return peer_python(default_location())
    except PeerUnavailableError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


#: configurations in PocketCoffea's words, with its imports
collect_ignore = ["pocketcoffea"]
