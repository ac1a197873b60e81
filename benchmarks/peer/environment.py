"""The environment that PocketCoffea runs in: it needs older versions of coffea and awkward than this project."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from pocket.errors import PocketError
from pocket.parameters.defaults import project_root

#: names a ready environment, which is used as it is
VARIABLE = "POCKET_PEER_VENV"
VERSION = "0.9.13"
#: PocketCoffea uses the compressors without requiring them
PACKAGES = (f"pocket-coffea=={VERSION}", "zstandard", "lz4")
#: written last, so that an interrupted installation doesn't count
STAMP = ".pocket-coffea"


class PeerUnavailableError(PocketError):
    """The peer's environment is neither there nor can it be made."""


def default_location() -> Path:
    """Return the folder of the environment: ``$POCKET_PEER_VENV``, else ``cache/pocketcoffea`` in the store."""
    if VARIABLE in os.environ:
        return Path(os.environ[VARIABLE])
    store = os.environ.get("POCKET_STORE")
    return (Path(store) if store else project_root() / "store") / "cache" / "pocketcoffea"


def peer_python(location: Path) -> Path:
    """Return the Python that has PocketCoffea; its environment is built unless it is there.

    Args:
        location: folder of the environment.

    Raises:
        PeerUnavailableError: if a package can't be installed, or there is no Python 3.11.
    """
    python = location / "bin" / "python"
    if os.environ.get(VARIABLE) == str(location):
        if not python.exists():
            raise PeerUnavailableError(f"${VARIABLE} is {location}, where there is no bin/python")
        return python
    stamp = location / STAMP
    wanted = " ".join(PACKAGES)
    if not (stamp.exists() and stamp.read_text() == wanted):
        shutil.rmtree(location, ignore_errors=True)
        location.parent.mkdir(parents=True, exist_ok=True)
        for command in _commands(location, python):
            _run(command)
        stamp.write_text(wanted)
    return python


def _commands(location: Path, python: Path) -> list[list[str]]:
    uv = shutil.which("uv")
    if uv:
        install = [uv, "pip", "install", "--python", str(python)]
        return [[uv, "venv", "--python", "3.11", str(location)], [*install, *PACKAGES]]
    python311 = sys.executable if sys.version_info[:2] == (3, 11) else shutil.which("python3.11")
    if python311 is None:
        raise PeerUnavailableError("PocketCoffea needs Python 3.11, and there is neither uv nor python3.11 on PATH")
    return [
        [str(python311), "-m", "venv", str(location)],
        [str(python), "-m", "pip", "install", "--quiet", *PACKAGES],
    ]


def _run(command: list[str]) -> None:
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        last = (result.stderr.strip() or result.stdout.strip() or "no message").splitlines()[-1]
        raise PeerUnavailableError(f"{' '.join(command[:3])} … failed, so PocketCoffea {VERSION} isn't there: {last}")
