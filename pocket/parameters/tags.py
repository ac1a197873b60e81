"""Tags of the corrections that are read: a version of each physics object group's files, or another root of them.

The section ``correction_tags`` of the parameters names them, for one group or for all:

>>> rename("corrections://POG/JME/2022_Summer22/jet_jerc.json.gz", {"JME": "2025-09-23"})
'corrections://JME/Run3-22CDSep23-Summer22-NanoAODv12/2025-09-23/jet_jerc.json.gz'
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from pocket.base.dialects import dialect
from pocket.errors import ConfigError, check_known
from pocket.parameters.locations import project_path
from pocket.parameters.public_places import LATEST, CorrectionPlace
from pocket.parameters.schema import SCHEMA

#: Section of the parameters with the tags.
SECTION = "correction_tags"
#: Key of the tag of all groups that have none of their own.
ALL = "all"
_SCHEME = "corrections://"
_DATED = re.compile(r"\d[\w.-]*")

#: Group, or :data:`ALL` → tag.
Tags = Mapping[str, str]


def groups() -> list[str]:
    """Return the groups that may have a tag."""
    return [key for key in SCHEMA[SECTION] if key != ALL]


def read_tags(options: Iterable[str], where: str) -> dict[str, str]:
    """Return the tags that options name, ``TAG`` or ``GROUP=TAG``, in a fixed order."""
    tags: dict[str, str] = {}
    for option in options:
        group, equals, tag = option.partition("=")
        if not equals or "/" in group:
            group, tag = ALL, option
        check_known("group", [group], [ALL, *groups()], where)
        if group in tags:
            raise ConfigError(f"{where} has two tags for {group}: {tags[group]} and {tag}")
        tags[group] = check_tag(tag, where)
    return {group: tags[group] for group in (ALL, *groups()) if group in tags}


def check_tag(tag: str, where: str) -> str:
    """Return a tag."""
    if not isinstance(tag, str) or not (tag == LATEST or _is_root(tag) or _DATED.fullmatch(tag)):
        raise ConfigError(
            f"{where}: the tag {tag!r} is neither a folder such as 2025-09-23, nor {LATEST!r}, nor the path of a "
            "folder with corrections, such as ./jsonpog-new"
        )
    return tag


def rename(name: str, tags: Tags) -> str:
    """Return the name of a correction's file with the tag of its group; other names stay as they are."""
    place = CorrectionPlace.of(name)
    tag = tags.get(place.group if place else ALL, tags.get(ALL))
    if tag is None:
        return name
    if _is_root(tag):
        root = str(_absolute(tag))
        if place is not None:
            return dataclasses.replace(place, root=root).name
        relative = name.removeprefix(_SCHEME)
        return f"{_SCHEME}{root}/{relative}" if relative != name and not relative.startswith("/") else name
    return name if place is None or not place.period else dataclasses.replace(place, tag=tag, root="").name


def tags_of(parameters: DictConfig) -> dict[str, str]:
    """Return the tags that parameters name."""
    section = OmegaConf.select(parameters, SECTION)
    named = {} if section is None else {str(key): section[key] for key in section if section[key] is not None}
    return {group: check_tag(tag, f"{SECTION}.{group}") for group, tag in named.items()}


def with_tags(parameters: DictConfig) -> DictConfig:
    """Return parameters in which files of corrections have names with their tags; the same if there are none."""
    tags = tags_of(parameters)
    if not tags:
        return parameters
    plain = OmegaConf.to_container(parameters, resolve=False)
    in_full = dialect().correction_name
    renamed: DictConfig = OmegaConf.create(_renamed(plain, lambda name: rename(in_full(name), tags)))
    return renamed


def assignments(tags: Tags) -> tuple[str, ...]:
    """Return the tags as parameters on the command line have them; paths are absolute."""
    return tuple(f"{SECTION}.{group}={_absolute(tag) if _is_root(tag) else tag}" for group, tag in tags.items())


def without_tags(params: Sequence[str]) -> tuple[str, ...]:
    """Return the parameters on the command line but those that name tags."""
    return tuple(text for text in params if not text.startswith(f"{SECTION}."))


def label_of(params: Sequence[str]) -> str:
    """Return a description of the tags among parameters of the command line, for a folder; empty without tags."""
    pairs = [text.removeprefix(f"{SECTION}.").split("=", 1) for text in params if text.startswith(f"{SECTION}.")]
    return re.sub(r"[^\w.+=,@-]", "_", describe({group.strip(): tag for group, tag in pairs}), flags=re.ASCII)


def describe(tags: Tags) -> str:
    """Return a short description of tags, with the folder's name for a path; empty without tags."""
    shown = {group: Path(tag).name if _is_root(tag) else tag for group, tag in tags.items()}
    return ",".join(tag if group == ALL else f"{group}={tag}" for group, tag in shown.items())


def _is_root(tag: str) -> bool:
    return "/" in tag or tag.startswith(("~", "."))


def _absolute(tag: str) -> Path:
    path = Path(tag).expanduser()
    # The working directory of a command isn't that of its jobs.
    return path if path.is_absolute() else project_path(path)


def _renamed(node: Any, rename_one: Callable[[str], str]) -> Any:
    if isinstance(node, dict):
        return {key: _renamed(value, rename_one) for key, value in node.items()}
    if isinstance(node, list):
        return [_renamed(value, rename_one) for value in node]
    return rename_one(node) if isinstance(node, str) else node
