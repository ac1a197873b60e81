"""Plugin of pytest that runs PocketCoffea's own tests through :mod:`pocket.compat`.

Their modules are imported as they are. A test that isn't about behaviour is skipped with the reason. Files behind
XRootD are replaced by local ones, which ``$FOREIGN_FILES`` has.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from coffea.nanoevents import NanoEventsFactory

import pocket.compat
from benchmarks.foreign.pocketcoffea_tests import reason

_from_root = NanoEventsFactory.from_root


def _local(file: Any, treepath: str = "Events", **options: Any) -> Any:
    """Open a file as coffea 0.7 does, with its local stand-in if it is behind XRootD."""
    if isinstance(file, str):
        metadata = options.get("metadata") or {}
        if file.startswith("root://"):
            data = str(metadata.get("isMC", "True")) != "True"
            run = 2 if str(metadata.get("year", "2018"))[:4] in ("2016", "2017", "2018") else 3
            file = str(Path(os.environ["FOREIGN_FILES"]) / f"{'data' if data else 'mc'}_run{run}.root")
        file = {file: treepath.strip("/")}
    return _from_root(file, mode="virtual", **options)


def pytest_configure(config: pytest.Config) -> None:
    """Install the import names, and let coffea open files as its old version does."""
    assert pocket.compat
    NanoEventsFactory.from_root = _local


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out whole files that aren't about behaviour, whose imports may not be here."""
    return True if reason(str(collection_path)) else None


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Skip the tests that aren't about behaviour."""
    for item in items:
        if sentence := reason(item.nodeid):
            item.add_marker(pytest.mark.skip(reason=sentence))
