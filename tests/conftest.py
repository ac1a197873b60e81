"""The option that runs the tests that need a service, and PocketCoffea's environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.peer.environment import PeerUnavailableError, default_location, peer_python

SERVICES = {
    "mount": "a file system of their own",
    "htcondor": "HTCondor",
    "slurm": "Slurm",
    "xrootd": "an XRootD server",
    "rucio": "a Rucio server",
    "openssl": "openssl and voms-clients",
}

# outputs of tests don't go where those of the user do
os.environ.pop("POCKET_REMOTE_STORE", None)


def pytest_addoption(parser: pytest.Parser) -> None:
    names = " or ".join(SERVICES.values())
    parser.addoption("--services", action="store_true", help=f"run also the tests that need {names}")


# before pytest-xdist reads the groups
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.xdist_group(group(item)))
    if config.getoption("--services"):
        return
    for item in items:
        for marker, service in SERVICES.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=f"needs {service}: run with --services"))


def group(item: pytest.Item) -> str:
    """Return what a test shares with others, which with ``-n`` run in the same process: a service, else fixtures."""
    names = [name for name in ("htcondor", "slurm", "rucio") if item.get_closest_marker(name)]
    names += ["peer"] * ("peer" in getattr(item, "fixturenames", ()))
    return names[0] if names else item.nodeid.partition("::")[0]


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
