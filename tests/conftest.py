"""The option that runs the tests that need a service, and PocketCoffea's environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.peer.environment import PeerUnavailableError, default_location, peer_python

SERVICES = {"htcondor": "HTCondor", "xrootd": "an XRootD server", "rucio": "a Rucio server", "openssl": "openssl"}

# outputs of tests don't go where those of the user do
os.environ.pop("POCKET_REMOTE_STORE", None)


def pytest_addoption(parser: pytest.Parser) -> None:
    names = " or ".join(SERVICES.values())
    parser.addoption("--services", action="store_true", help=f"run also the tests that need {names}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        for name in shared_by(item):
            item.add_marker(pytest.mark.xdist_group(name))
    if config.getoption("--services"):
        return
    for item in items:
        for marker, service in SERVICES.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=f"needs {service}: run with --services"))


def shared_by(item: pytest.Item) -> list[str]:
    """Return what of which there is only one the test needs: such tests run one after another, also with ``-n``."""
    fixtures = getattr(item, "fixturenames", ())
    return [name for name in ("htcondor", "rucio") if item.get_closest_marker(name)] + ["peer"] * ("peer" in fixtures)


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
