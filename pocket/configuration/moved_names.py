"""Names of earlier releases, for errors: the tables *Moved …* and *Renamed …* of CHANGELOG.md, their only place."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping

from pocket.parameters.shipped import shipped_root

_TABLES = re.compile(r"^### (?:Moved|Renamed) .*?(?=^##|\Z)", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\| `([^|`]+)` \| (.+) \|$", re.MULTILINE)
_CALL = re.compile(r"(\w+)\(.+\)")
_SEVERAL = re.compile(r"(.*)\{(.+)\}(.*)")


def name_now(name: str) -> str:
    """Return where what had a name is now, in words; empty if no table has it."""
    return _former().get(name, "")


@functools.cache
def _former() -> Mapping[str, str]:
    try:
        text = (shipped_root() / "CHANGELOG.md").read_text(encoding="utf-8")
    except OSError:
        return {}
    rows = [row for table in _TABLES.findall(text) for row in _ROW.findall(table)]
    # The newest release comes first.
    return {old: now for former, new in reversed(rows) for old, now in _of_row(former, new.replace("`", ""))}


def _of_row(old: str, new: str) -> Iterator[tuple[str, str]]:
    """Yield each former name of a row, and the one that it has now."""
    if several := _SEVERAL.fullmatch(old):
        begin, names, end = several.groups()
        yield from ((f"{begin}{name}{end}", new.replace("*", name)) for name in names.split(", "))
    elif (call := _CALL.fullmatch(old)) and (now := _CALL.match(new)):
        # Former arguments are known where they are declared.
        if call[1] != now[1]:
            yield call[1], now[1]
    else:
        yield old.removesuffix("()"), new
