"""The option that runs the tests that need a service, and PocketCoffea's environment."""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

if importlib.util.find_spec("hypothesis") is None:
    raise pytest.UsageError("the tests need the packages of developers: POCKET_DEV=yes source setup.sh")

import hypothesis

from benchmarks.peer.environment import PeerUnavailableError, default_location, peer_python

SERVICES = {
    "root": "the rights of root",
    "htcondor": "HTCondor",
    "slurm": "Slurm",
    "xrootd": "an XRootD server",
    "rucio": "a Rucio server",
    "openssl": "openssl and voms-clients",
    "container": "buildah and mmdebstrap",
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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # what takes longest goes first, so that it doesn't go on alone in one of several processes
    items.sort(key=rank)
    if not config.getoption("--slow"):
        slow = [item for item in items if item.get_closest_marker("slow")]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]
    if config.getoption("--services"):
        return
    for item in items:
        for marker, service in SERVICES.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=f"needs {service}: run with --services"))


def pytest_collection_finish() -> None:
    # tests change modules twice in a second, which Python doesn't notice when it takes what it compiled
    sys.dont_write_bytecode = True


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
