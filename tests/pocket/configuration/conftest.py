"""A folder outside of the project for the package of an analysis."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    """A folder for a package, which is forgotten at the end."""
    before, path = set(sys.modules), list(sys.path)
    folder = tmp_path / "outside_analysis"
    folder.mkdir()
    yield folder
    sys.path[:] = path
    for name in set(sys.modules) - before:
        if name.startswith("outside"):
            del sys.modules[name]
