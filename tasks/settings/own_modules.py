"""Modules that law.cfg names: those of tasks and of batch systems, and whether jobs find them."""

from __future__ import annotations

import os
from pathlib import Path

import law

from pocket.base.fingerprint.modules import OWN_PACKAGES, is_library, locate, top_level
from pocket.base.plugins import plugin_settings
from pocket.base.snapshots.process import original
from pocket.errors import ConfigError
from pocket.parameters.locations import project_root


def batch_system_modules() -> list[str]:
    """Return the modules of batch systems that law.cfg and plugins name, beside the shipped ones."""
    of_plugins = plugin_settings().get("pocketlaw", {}).get("batch_systems") or ""
    named = f"{law.config.get_expanded('pocketlaw', 'batch_systems', default='') or ''},{of_plugins}"
    return list(dict.fromkeys(name.strip() for name in named.split(",") if name.strip()))


def named_modules() -> dict[str, str]:
    """Return all modules that law.cfg names, with where it does."""
    tasks = dict.fromkeys(law.config.options("modules"), "[modules]")
    return {**tasks, **dict.fromkeys(batch_system_modules(), "batch_systems")}


def indexed_files(checkout: Path) -> list[Path]:
    """Return the files that law's index depends on, as ``setup.sh`` sees it."""
    own = [locate(name) for name in law.config.options("modules") if top_level(name) not in OWN_PACKAGES]
    files = [Path(location.file) for location in own if location and location.file]
    return [checkout / "law.cfg", *(checkout / "tasks").rglob("*.py"), *files]


def check_modules(system: str, environment: str, keeps_environment: bool) -> None:
    """Check that jobs find all modules that law.cfg names."""
    root = project_root().absolute()
    own_paths = {Path(path).absolute() for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path}
    for name, where in named_modules().items():
        location = locate(top_level(name))
        # One that isn't there is an error when it is imported.
        if location is None or top_level(name) in OWN_PACKAGES or is_library(name):
            continue
        place = Path(location.folders[0] if location.folders else str(location.file)).absolute()
        if place.is_relative_to(root) or place.is_relative_to(original(root)):
            continue
        # What another path leads to, such as a package that was installed to be edited, is found at nodes, too.
        if environment == "shared" and (keeps_environment or place.parent not in own_paths):
            continue
        raise ConfigError(
            f"jobs on {system} wouldn't find {name}, which {where} of law.cfg names: it is in {place.parent}, and jobs "
            f"have the checkout and the installed packages; move it into {original(root)}, or install it"
        )
