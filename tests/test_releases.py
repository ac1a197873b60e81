"""Outputs stay when modules change that have no part in them, as most do in a release."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import pocket
from tests.house import REPOSITORY

pytestmark = pytest.mark.slow

PARTS = ("analysis", "datasets", "params", "pocket", "tasks")
DIGESTS = """
import json
from pocket.base.fingerprint import code_closure, digest
from pocket.configuration.loading import load_analysis

engine = code_closure("pocket.engine.run")
configs = {
    f"{name}/{config}": digest(configurator.plan().spec())
    for name in ("ttbar", "zmumu")
    for config, configurator in load_analysis(name).configs.items()
}
print(json.dumps({"engine": engine, "modules": list(engine.modules), "configs": configs}))
"""


def digests(checkout: Path) -> dict[str, Any]:
    """Return the digest of the engine with its modules, and those of all configurations, of a checkout."""
    environment = {**os.environ, "PYTHONPATH": str(checkout), "POCKET_ROOT": str(checkout)}
    run = subprocess.run(
        [sys.executable, "-c", DIGESTS], cwd=checkout, env=environment, capture_output=True, text=True, timeout=600
    )
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def test_a_constant_outside_of_the_engine_changes_no_processor(tmp_path: Path) -> None:
    for part in PARTS:
        shutil.copytree(REPOSITORY / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    before = digests(tmp_path)
    inside = {tmp_path / module.replace(".", "/") for module in before["modules"]}
    others = [
        path
        for part in ("pocket", "tasks")
        for path in (tmp_path / part).rglob("*.py")
        if path.with_suffix("") not in inside
    ]
    assert len(others) > 200
    for path in others:
        path.write_text(path.read_text(encoding="utf-8") + "\nADDED_BY_A_RELEASE = 1\n", encoding="utf-8")
    # nor does a new version with another public name
    names, code = tmp_path / "pocket" / "__init__.pyi", tmp_path / "pocket" / "__init__.py"
    names.write_text(f"{names.read_text(encoding='utf-8')}from .errors import PocketError as PocketError\n")
    version = code.read_text(encoding="utf-8")
    code.write_text(version.replace(f'__version__ = "{pocket.__version__}"', '__version__ = "99"'))
    assert code.read_text(encoding="utf-8") != version
    assert digests(tmp_path) == before
    # and one inside does
    entry = tmp_path / "pocket" / "engine" / "run.py"
    entry.write_text(entry.read_text(encoding="utf-8") + "\nADDED_BY_A_RELEASE = 1\n", encoding="utf-8")
    assert digests(tmp_path)["engine"] != before["engine"]
