"""Names that become parts of paths: of analyses, configurations, datasets, samples, categories and histograms."""

from __future__ import annotations

import re

from pocket.errors import ConfigError, PocketError

#: Longest name in bytes: two of them, such as a histogram's and an axis's, and a suffix must fit into one file name.
MOST_BYTES = 110
#: Slashes are excluded, and dots and dashes in front: dots are for temporary files, dashes look like options.
_IN_STORE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+=,@-]{0,127}")


def check_file_name(kind: str, name: object, where: str, error: type[PocketError] = ConfigError) -> str:
    """Return the name of a thing, such as of a ``"histogram"``, if it can be the name of a file or folder.

    >>> check_file_name("histogram", "muon_pt", "variables")
    'muon_pt'
    """
    reason = _reason(name)
    if reason or not isinstance(name, str):
        shown = name if not isinstance(name, str) or len(name) <= 50 else f"{name[:20]}…"
        raise error(f"{where}: {kind} {shown!r} can't be part of a file name: it {reason}")
    return name


def check_store_name(kind: str, name: str, where: str = "") -> str:
    """Return the name of a thing, such as of a ``"configuration"``, if it can be a folder in the path of an output."""
    if not (isinstance(name, str) and _IN_STORE.fullmatch(name)):
        place = f"{where}: " if where else ""
        raise ConfigError(
            f"{place}{kind} {name!r} can't be part of a path in the store: use up to 128 letters, digits and _.+=,@-, "
            "with a letter, digit or _ in front"
        )
    return name


def _reason(name: object) -> str:
    """Return why a name can't be used, empty if it can."""
    if not isinstance(name, str):
        return f"is of type {type(name).__name__}, not a string"
    if not name:
        return "is empty"
    if name.startswith("."):
        return "begins with a dot"
    if "/" in name:
        return "has a slash"
    if not name.isprintable():
        return "has a character that can't be printed"
    if len(name.encode()) > MOST_BYTES:
        return f"has {len(name.encode())} bytes, more than {MOST_BYTES}"
    return ""
