"""Eras of data-taking: names of their files, from the section ``era`` of the files in ``params/eras``.

The other sections of these files are parameters, which :mod:`pocket.parameters.defaults` composes. Patterns are those
of a shell: ``*`` stands for any characters, ``[A-D]`` for one of these letters.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from pocket.errors import ConfigError, check_known
from pocket.parameters.locations import project_root
from pocket.parameters.shipped import find_files, shipped_root

#: Folder with a file for each era.
FOLDER = "params/eras"
#: Section with what the parameters don't need.
SECTION = "era"
_OWN_LINES = re.compile(rf"^{SECTION}:.*?(?=^[^\s#\]}}]|\Z)", re.MULTILINE | re.DOTALL)
_TEXT, _LIST = (str, "a string"), (list, "a list of strings")
#: Key of the section → the kind of its value, and the name of the kind in errors.
_KEYS: Mapping[str, tuple[type, str]] = {
    **dict.fromkeys(("folder", "period"), _TEXT),
    **dict.fromkeys(("simulation", "data", "files"), _LIST),
    "borrowed": (dict, "a table of strings"),
}


@dataclasses.dataclass(frozen=True)
class Era:
    """Names by which files belong to an era, and group → the era whose corrections it borrows."""

    folder: str = ""
    period: str = ""
    simulation: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    borrowed: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @classmethod
    def read(cls, content: Any, where: str) -> Era:
        """Return the era that a section declares, checked."""
        if not isinstance(content, dict):
            raise ConfigError(f"section {SECTION!r} in {where} is {content!r}, expected a table")
        check_known("key", map(str, content), _KEYS, f"section {SECTION!r} in {where}")
        values: dict[str, Any] = {}
        for key, value in content.items():
            kind, name = _KEYS[key]
            texts = (*value, *value.values()) if isinstance(value, dict) else value
            if not isinstance(value, kind) or not all(isinstance(text, str) for text in texts):
                raise ConfigError(f"{SECTION}.{key} in {where} is {value!r}, expected {name}")
            values[key] = tuple(value) if isinstance(value, list) else value
        return cls(**values)


def era_files() -> list[Path]:
    """Return the files of all eras, the project's before the shipped one of the same era."""
    return find_files(FOLDER, "*.yaml")


def eras() -> Mapping[str, Era]:
    """Return the eras by name, in the order of their data; those without names of data are last."""
    return _eras(project_root(), shipped_root())


@functools.lru_cache(maxsize=16)
def _eras(project: Path, shipped: Path) -> Mapping[str, Era]:
    found = {file.stem: Era.read(_section(file), str(file)) for file in era_files()}
    # Run2016[A-E] is before Run2016F.
    return dict(
        sorted(found.items(), key=lambda item: (not item[1].data, "".join(item[1].data).replace("[", ""), item[0]))
    )


def _section(file: Path) -> Any:
    try:
        text = file.read_text(encoding="utf-8")
        # The other sections are long, and parsed with the parameters.
        own = _OWN_LINES.search(text)
        content = yaml.load(own[0] if own else text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (UnicodeDecodeError, yaml.YAMLError):
        return {}  # That is said when the file is read as parameters.
    # A folder such as 2026-01-01 is a date in YAML.
    return json.loads(json.dumps(content.get(SECTION, {}), default=str)) if isinstance(content, dict) else {}
