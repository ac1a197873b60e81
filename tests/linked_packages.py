"""A stand-in for uv, which ``setup.sh`` calls: environments get the packages of the running Python by a link.

Pocketlaw itself is installed as its wheel would be, from the checkout that ``requirements.txt`` names. So a clone and a
new repository have their environments in a second, without a network.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote

#: the commands of packages that a new environment has, with the functions that they call
COMMANDS = {
    "correction": "correctionlib.cli:main",
    "dask": "dask.__main__:main",
    "law": "law.cli:run",
    "pre-commit": "pre_commit.main:main",
    "pytest": "pytest:console_main",
}


def main(arguments: Sequence[str]) -> None:
    """Do what uv does for ``setup.sh``, in the working directory."""
    match arguments:
        case ["venv", *_]:
            subprocess.run([sys.executable, "-m", "venv", "--without-pip", ".venv"], check=True)
        case ["pip", "sync", *_]:
            site_packages().joinpath("packages.pth").write_text(sysconfig.get_path("purelib") + "\n")
            for name, function in COMMANDS.items():
                add_command(name, function)
        case ["pip", "install", *_]:
            install_pocketlaw(Path("requirements.txt").read_text(encoding="utf-8"))
        case ["--version"]:
            print("uv 0")
        case _:
            sys.exit(f"this stand-in for uv doesn't know {arguments}")


def site_packages() -> Path:
    """Return the folder of packages of the environment."""
    (folder,) = Path(".venv/lib").glob("python*/site-packages")
    return folder


def add_command(name: str, target: str) -> None:
    """Add a command to the environment, which calls a function: ``module:name``."""
    module, _, function = target.partition(":")
    path = Path(".venv/bin", name)
    # Processes that are spawned import what runs, so the call needs its condition.
    call = f'if __name__ == "__main__":\n    sys.exit({function}())\n'
    path.write_text(f"#!{path.parent.absolute()}/python -P\nimport sys\n\nfrom {module} import {function}\n\n{call}")
    path.chmod(0o755)


def install_pocketlaw(requirements: str) -> None:
    """Install Pocketlaw from the checkout in a requirement, with the folders that its wheel has inside."""
    found = re.search(r"^pocketlaw @ file://(.*)$", requirements, re.MULTILINE)
    assert found is not None, requirements
    checkout = Path(unquote(found[1]))
    wheel = tomllib.loads((checkout / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    for package in wheel["packages"]:
        # What Python and numba have compiled comes with the packages, which takes half a minute.
        shutil.copytree(checkout / package, site_packages() / package)
    for source, place in wheel["force-include"].items():
        target = site_packages() / place
        target.parent.mkdir(exist_ok=True)
        if (checkout / source).is_dir():
            shutil.copytree(checkout / source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(checkout / source, target)
    add_command("pocketlaw", "tasks.command.main:main")


if __name__ == "__main__":
    main(sys.argv[1:])
