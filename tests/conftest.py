"""The option that runs the tests that need a service."""

from __future__ import annotations

import pytest

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
