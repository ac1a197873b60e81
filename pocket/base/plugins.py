"""Plugins: installed packages that add parameters, eras, definitions of datasets, tasks, batch systems and sites.

A package is one if it has an entry point of the group ``pocketlaw.plugins``, whose value names a package. Its folder
may have ``params/``, ``params/eras/`` and ``datasets/`` as a project has, and a ``law.cfg`` with tasks, batch systems
and sites. What a plugin has as Python, such as weights, is imported from it.
"""

from __future__ import annotations

import configparser
import functools
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from pocket.base.fingerprint.modules import locate
from pocket.errors import ConfigError

GROUP = "pocketlaw.plugins"
_EXPECTED = "expected [modules], [site_NAME], and batch_systems in [pocketlaw]"


@functools.cache
def plugin_folders() -> Mapping[str, Path]:
    """Return the names of plugins, sorted, with the folders of their packages.

    Raises:
        ConfigError: if two plugins have one name, or the package of one isn't there.
    """
    found: dict[str, EntryPoint] = {}
    for plugin in sorted(entry_points(group=GROUP), key=lambda plugin: plugin.name):
        other = found.setdefault(plugin.name, plugin)
        if other.value != plugin.value:
            raise ConfigError(f"two plugins are called {plugin.name!r}, {other.value} and {plugin.value}: remove one")
    return {name: _folder(plugin) for name, plugin in found.items()}


def _folder(plugin: EntryPoint) -> Path:
    location = locate(plugin.value)
    if location is None or not location.folders:
        raise ConfigError(f"plugin {plugin.name!r}: there is no package {plugin.value}, which its entry point names")
    return Path(location.folders[0])


@functools.cache
def plugin_settings() -> Mapping[str, Mapping[str, str | None]]:
    """Return section → option → value of what all plugins add to law.cfg; batch systems are joined by commas.

    Raises:
        ConfigError: if the file of a plugin can't be read, has something else, or a site that another one has.
    """
    found: dict[str, dict[str, str | None]] = {}
    for name, folder in plugin_folders().items():
        for section, options in _read_settings(name, folder / "law.cfg").items():
            known = found.setdefault(section, {})
            if known and section.startswith("site_"):
                raise ConfigError(f"two plugins have the site {section.removeprefix('site_')!r}, one is {name!r}")
            systems = [known.get("batch_systems"), options.get("batch_systems")]
            known.update(options)
            if any(systems):
                known["batch_systems"] = ",".join(filter(None, systems))
    return found


def _read_settings(name: str, file: Path) -> dict[str, dict[str, str | None]]:
    """Return the sections of a plugin's file, none if there is no file."""
    parser = configparser.RawConfigParser(allow_no_value=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read(file, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError) as error:
        raise ConfigError(f"plugin {name!r}: {file} can't be read: {error}") from None
    sections: dict[str, dict[str, str | None]] = {section: {**parser[section]} for section in parser.sections()}
    for section, options in sections.items():
        is_known = section == "modules" or section.startswith("site_")
        if not is_known and (section, [*options]) != ("pocketlaw", ["batch_systems"]):
            raise ConfigError(f"plugin {name!r}: {file} has [{section}] with {', '.join(options)}, {_EXPECTED}")
    return sections
