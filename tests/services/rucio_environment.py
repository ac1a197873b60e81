"""The environment that the Rucio server runs in: it needs other versions of some packages than this project."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from pocket.parameters.defaults import project_root

#: names a ready environment, which is used as it is
VARIABLE = "POCKET_RUCIO_VENV"
PACKAGE = "rucio==41.5.1"
#: written last, so that an interrupted installation doesn't count
STAMP = ".rucio-server"


def rucio_python() -> Path:
    """Return the Python that has the server, ``cache/rucio`` in the store; it is installed there unless it is."""
    if VARIABLE in os.environ:
        return Path(os.environ[VARIABLE]) / "bin" / "python"
    location = Path(os.environ.get("POCKET_STORE") or project_root() / "store") / "cache" / "rucio"
    python = location / "bin" / "python"
    stamp = location / STAMP
    wanted = f"{PACKAGE} {sys.version_info[:2]}"
    if not (stamp.exists() and stamp.read_text() == wanted):
        shutil.rmtree(location, ignore_errors=True)
        location.parent.mkdir(parents=True, exist_ok=True)
        if uv := shutil.which("uv"):
            commands = [
                [uv, "venv", "--quiet", "--python", sys.executable, str(location)],
                [uv, "pip", "install", "--quiet", "--python", str(python), PACKAGE],
            ]
        else:
            commands = [
                [sys.executable, "-m", "venv", str(location)],
                [str(python), "-m", "pip", "install", "--quiet", PACKAGE],
            ]
        for command in commands:
            subprocess.run(command, check=True)
        stamp.write_text(wanted)
    return python
