"""Environments of servers that need other packages, or other versions of them, than this project."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from pocket.parameters.defaults import project_root

#: written last, so that an interrupted installation doesn't count
STAMP = ".pocketlaw-server"


def server_python(name: str, package: str, variable: str) -> Path:
    """Return the Python that has a server, ``cache/<name>`` in the store; it is installed there unless it is.

    Args:
        name: name of the environment.
        package: the package to install, with its version.
        variable: environment variable that names a ready environment, which is used as it is.
    """
    if variable in os.environ:
        return Path(os.environ[variable]) / "bin" / "python"
    location = Path(os.environ.get("POCKET_STORE") or project_root() / "store") / "cache" / name
    python = location / "bin" / "python"
    stamp = location / STAMP
    wanted = f"{package} {sys.version_info[:2]}"
    if not (stamp.exists() and stamp.read_text() == wanted):
        shutil.rmtree(location, ignore_errors=True)
        location.parent.mkdir(parents=True, exist_ok=True)
        if uv := shutil.which("uv"):
            commands = [
                [uv, "venv", "--quiet", "--python", sys.executable, str(location)],
                [uv, "pip", "install", "--quiet", "--python", str(python), package],
            ]
        else:
            commands = [
                [sys.executable, "-m", "venv", str(location)],
                [str(python), "-m", "pip", "install", "--quiet", package],
            ]
        for command in commands:
            subprocess.run(command, check=True)
        stamp.write_text(wanted)
    return python
