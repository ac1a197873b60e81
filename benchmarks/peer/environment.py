"""The environments of peers, which need other versions of packages than this project, or large packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from pocket.errors import PocketError
from pocket.parameters.defaults import project_root


@dataclass(frozen=True)
class Environment:
    """An environment of a peer.

    Args:
        peer: name of the peer, with its version.
        packages: requirements.
        folder: name of its folder in the store's cache.
        variable: environment variable with the path of an existing environment, which is used unchanged.
    """

    peer: str
    packages: tuple[str, ...]
    folder: str
    variable: str


VERSION = "0.9.13"
POCKETCOFFEA = Environment(
    f"PocketCoffea {VERSION}",
    # PocketCoffea uses the compressors without requiring them.
    (f"pocket-coffea=={VERSION}", "zstandard", "lz4"),
    "pocketcoffea",
    "POCKET_PEER_VENV",
)
ROOT = Environment("ROOT", ("root==0.1a12", "correctionlib>=2.7"), "root", "POCKET_ROOT_VENV")
VARIABLE = POCKETCOFFEA.variable
#: file that is written last, so that an interrupted installation doesn't count
STAMP = ".installed"


class PeerUnavailableError(PocketError):
    """The peer's environment doesn't exist and can't be made."""


def default_location(environment: Environment = POCKETCOFFEA) -> Path:
    """Return the folder of an environment: the one in its variable, else one in the store's ``cache``."""
    if environment.variable in os.environ:
        return Path(os.environ[environment.variable])
    store = os.environ.get("POCKET_STORE")
    return (Path(store) if store else project_root() / "store") / "cache" / environment.folder


def peer_python(location: Path, environment: Environment = POCKETCOFFEA) -> Path:
    """Return the Python executable of an environment, which is built if it doesn't exist.

    Args:
        location: folder of the environment.
        environment: the environment with its requirements.

    Raises:
        PeerUnavailableError: if a package can't be installed, or there is no Python 3.11.
    """
    python = location / "bin" / "python"
    if os.environ.get(environment.variable) == str(location):
        if not python.exists():
            raise PeerUnavailableError(f"${environment.variable} is {location}, where there is no bin/python")
        return python
    stamp = location / STAMP
    wanted = " ".join(environment.packages)
    if not (stamp.exists() and stamp.read_text() == wanted):
        shutil.rmtree(location, ignore_errors=True)
        location.parent.mkdir(parents=True, exist_ok=True)
        for command in _commands(location, python, environment):
            _run(command, environment)
        stamp.write_text(wanted)
    return python


def _commands(location: Path, python: Path, environment: Environment) -> list[list[str]]:
    uv = shutil.which("uv")
    if uv:
        install = [uv, "pip", "install", "--python", str(python)]
        return [[uv, "venv", "--python", "3.11", str(location)], [*install, *environment.packages]]
    python311 = sys.executable if sys.version_info[:2] == (3, 11) else shutil.which("python3.11")
    if python311 is None:
        raise PeerUnavailableError(
            f"{environment.peer} needs Python 3.11, and there is neither uv nor python3.11 on PATH"
        )
    return [
        [str(python311), "-m", "venv", str(location)],
        [str(python), "-m", "pip", "install", "--quiet", *environment.packages],
    ]


def _run(command: list[str], environment: Environment) -> None:
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        last = (result.stderr.strip() or result.stdout.strip() or "no message").splitlines()[-1]
        raise PeerUnavailableError(f"{' '.join(command[:3])} … failed, so {environment.peer} isn't there: {last}")
