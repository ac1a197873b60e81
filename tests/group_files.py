"""Real correction files of the physics object groups, which aren't part of the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).absolute().parents[2] / "shared" / "data" / "corrections"
#: The folder that POCKET_CORRECTIONS names, else ../shared/data/corrections beside the checkout.
ROOT = Path(os.environ.get("POCKET_CORRECTIONS") or _BESIDE)
#: Mark of tests that need them.
needs_files = pytest.mark.skipif(not (ROOT / "POG").is_dir(), reason="the groups' files aren't beside the checkout")


@pytest.fixture
def group_files(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Use these files for names with ``corrections://``."""
    monkeypatch.setenv("POCKET_CORRECTIONS", str(ROOT))
    return ROOT
