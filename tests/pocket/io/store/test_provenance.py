from __future__ import annotations

import platform
import re
from importlib import metadata

import pytest

from pocket.io.store.provenance import revision, software


def test_versions_are_those_installed() -> None:
    versions = software()
    assert versions["python"] == platform.python_version()
    assert versions["numpy"] == metadata.version("numpy")


def test_revision_is_a_commit_or_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    found = revision()
    assert found is None or re.fullmatch("[0-9a-f]{40}(-dirty)?", found)
    monkeypatch.setenv("PATH", "/nowhere")
    assert revision.__wrapped__() is None
