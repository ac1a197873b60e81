"""The option that runs the tests that need a service, and PocketCoffea's environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.peer.environment import PeerUnavailableError, default_location, peer_python

SERVICES = {"htcondor": "HTCondor", "xrootd": "an XRootD server"}


def pytest_addoption(parser: pytest.Parser) -> None:
    names = " or ".join(SERVICES.values())
    parser.addoption("--services", action="store_true", help=f"run also the tests that need {names}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--services"):
        return
    for item in items:
        for marker, service in SERVICES.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=f"needs {service}: run with --services"))


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
