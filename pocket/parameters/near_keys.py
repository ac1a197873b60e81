"""Probable mistakes in tables of parameters that are open to keys of the user: near names, and tables without keys."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig

from pocket.base.runtime.remarks import remark
from pocket.errors import nearest
from pocket.parameters.schema import SCHEMA

#: Similarity from which longer keys count as near each other; of short ones, one letter may differ.
_LIKENESS = 0.85
#: Sections with names that the user chooses, or whose keys are checked where they are read.
_OTHERS = ("plotting_style", "toys")


def warn_of_near_keys(part: DictConfig, main: DictConfig, where: str) -> None:
    """Warn of keys that are new in a table of parameters and near a key that the table has, and of tables without keys."""
    for section in part:
        if section in SCHEMA and section not in _OTHERS and section in main:
            nodes = part._get_node(section), main._get_node(section)
            for path in _emptied(*nodes, (str(section),)):
                remark(
                    f"{'.'.join(path)} in {line_of(where, path)} is null, which removes all of its keys: leave out the "
                    "line unless that is meant"
                )
            for path, meant in _near(*nodes, (str(section),)):
                remark(
                    f"key {'.'.join(path)!r} in {line_of(where, path)} is taken as one of your own, "
                    f"did you mean {meant!r}?"
                )


def _near(part: Any, main: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    tables = [node._content if isinstance(node, DictConfig) else None for node in (part, main)]
    new, known = tables
    if not (isinstance(new, dict) and isinstance(known, dict)):
        return
    for key, value in new.items():
        if key in known:
            yield from _near(value, known[key], (*path, str(key)))
        # Whoever sets both of them means both of them.
        elif meant := near_key(key, [name for name in known if name not in new]):
            yield (*path, str(key)), meant


def _emptied(part: Any, main: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the tables that become null, as when all lines below a key of a file are comments."""
    known = main._content if isinstance(main, DictConfig) else None
    if not isinstance(known, dict) or not known:
        return
    content = part._content if isinstance(part, DictConfig) else getattr(part, "_val", part)
    if content is None:
        yield path
    elif isinstance(part, DictConfig) and isinstance(content, dict):
        for key, value in content.items():
            if key in known:
                yield from _emptied(value, known[key], (*path, str(key)))


def near_key(key: Any, known: Collection[Any]) -> str:
    """Return the known key that a key may be a misspelling of, empty if there is none."""
    if not isinstance(key, str):
        return ""
    names = [name for name in known if isinstance(name, str) and _may_be(key.lower(), name.lower())]
    return next(iter(nearest(key, names, 1, 0)), "")


def _may_be(key: str, name: str) -> bool:
    if re.sub(r"\d", "", key) == re.sub(r"\d", "", name) and key != name:
        return False
    if key.startswith(f"{name}_") or (key[:1] != name[:1] and sorted(key) != sorted(name)):
        return False
    # Of names such as sf_mu_id and sf_mu_iso, only what differs is compared.
    words = [text.split("_") for text in (key, name)]
    if len(words[0]) == len(words[1]) > 1:
        pairs = [(one, other) for one, other in zip(*words, strict=True) if one != other]
        return len(pairs) <= 1 and all(_are_near(one, other) for one, other in pairs)
    return _are_near(key, name)


def _are_near(one: str, other: str) -> bool:
    return bool(nearest(one, [other], 1, _LIKENESS)) or (min(len(one), len(other)) > 2 and _one_letter_off(one, other))


def _one_letter_off(one: str, other: str) -> bool:
    """Tell whether two strings differ in one letter, or in the order of two neighbours."""
    short, long = sorted((one, other), key=len)
    begin = next((i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if len(short) != len(long):
        return short[begin:] == long[begin + 1 :]
    rest, others = short[begin:], long[begin:]
    return rest[1:] == others[1:] or (rest[:2] == others[:2][::-1] and rest[2:] == others[2:])


def line_of(where: str, path: Sequence[str]) -> str:
    """Return a file and the line of a key in it, ``file:line``."""
    try:
        node = yaml.compose(Path(where).read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return where
    line = None
    for key in path:
        entries = node.value if isinstance(node, yaml.MappingNode) else ()
        found = [(name, value) for name, value in entries if name.value == key]
        if not found:
            return where
        line, node = found[-1][0].start_mark.line + 1, found[-1][1]
    return where if line is None else f"{where}:{line}"
