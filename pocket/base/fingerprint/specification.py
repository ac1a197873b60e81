"""Specifications of fingerprints: the hashed content by place, to be stored and compared."""

from __future__ import annotations

import functools
import linecache
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import CodeType, FunctionType
from typing import Any

from pocket.base.fingerprint.graph import Node, digest_of
from pocket.base.fingerprint.imports import Closure
from pocket.base.fingerprint.places import portable
from pocket.base.fingerprint.syntax import function_form, nested_codes
from pocket.base.fingerprint.values import describe

#: Number of the rules by which code and values are hashed; under other rules, equal code has another digest.
SCHEME = 3
#: Longest string of a value that is stored in full; a fingerprint counts all of it.
_LONGEST = 2000


@dataclass(frozen=True)
class Specification:
    """Content that a digest was computed from."""

    digest: str
    values: dict[str, str] = field(default_factory=dict)  # Place → content, e.g. ``"float 15.0"``.
    closures: dict[str, dict[str, str]] = field(default_factory=dict)  # Place → module → digest of what counts.
    functions: dict[str, tuple[str, int, str]] = field(default_factory=dict)  # Place → file, line and source.
    scheme: int = SCHEME

    def to_json(self) -> dict[str, Any]:
        return {
            "digest": self.digest,
            "scheme": self.scheme,
            "values": self.values,
            "closures": self.closures,
            "functions": {place: list(function) for place, function in self.functions.items()},
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Specification:
        functions = {place: (file, line, source) for place, (file, line, source) in content["functions"].items()}
        scheme = content.get("scheme", 1)
        return cls(content["digest"], dict(content["values"]), dict(content["closures"]), functions, scheme)


def specification(obj: object) -> Specification:
    """Return the content that the digest of an object is computed from, see :func:`pocket.base.fingerprint.digest`.

    >>> specification({"cut": {"pt": 25.0}}).values["cut.pt"]
    'float 25.0'
    """
    found = Specification("")

    def note(place: str, obj: object, node: Node) -> None:
        place = place.lstrip(".")
        label = node.label
        if isinstance(obj, Closure):
            found.closures[place] = {**obj.modules, **dict.fromkeys(obj.libraries, "")}
        elif isinstance(obj, FunctionType) and label.startswith("function "):
            source = _source_of(obj)
            if source is not None:
                found.functions[place] = source
        # The key and the value of a dict's entry have the same place; the value comes last and stays.
        found.values[place] = label if len(label) <= _LONGEST else f"{label[:_LONGEST]}…"

    digest = digest_of(obj, describe, note)
    return Specification(digest, found.values, found.closures, found.functions)


@dataclass(frozen=True)
class Difference:
    """A difference of two specifications, where a content may be missing; of a function, its file and line."""

    place: str
    before: str = ""
    after: str = ""
    source: str = ""
    is_module: bool = False

    def __str__(self) -> str:
        """Return the difference as ``place: one → other``; of a function, its file and line."""
        if self.is_module:
            return f"{self.place}: module {self.after or self.before} differs"
        if self.source:
            how = "differs" if self.before and self.after else "is new" if self.after else "is gone"
            return f"{self.place}: {self.source} {how}"
        return f"{self.place}: {self.before or 'nothing'} → {self.after or 'nothing'}"


def differences(one: Specification, other: Specification) -> Iterator[Difference]:
    """Yield the differences of two specifications: functions, then values, then modules.

    >>> before, after = (specification({"cut": {"pt": pt}}) for pt in (20.0, 15.0))
    >>> [str(difference) for difference in differences(before, after)]
    ['cut.pt: float 20.0 → float 15.0']
    """
    functions = [
        (place, one.functions.get(place), other.functions.get(place)) for place in {**one.functions, **other.functions}
    ]
    changed = {
        place
        for place, before, after in functions
        # Sources may differ in what doesn't count.
        if (before and before[2]) != (after and after[2]) and one.values.get(place) != other.values.get(place)
    }
    for place, before, after in functions:
        if place in changed:
            file, line, _ = after or before or ("", 0, "")
            yield Difference(place, one.values.get(place, ""), other.values.get(place, ""), f"{file}:{line}")
    seen = changed | set(one.closures) | set(other.closures)
    for place in {**one.values, **other.values}:
        before_value, after_value = one.values.get(place, ""), other.values.get(place, "")
        if before_value != after_value and place not in seen:
            yield Difference(place, before_value, after_value)
    for place in {**one.closures, **other.closures}:
        of_one, of_other = one.closures.get(place, {}), other.closures.get(place, {})
        for module in {**of_one, **of_other}:
            if of_one.get(module) != of_other.get(module):
                before_name, after_name = (module if module in known else "" for known in (of_one, of_other))
                yield Difference(place, before_name, after_name, is_module=True)


# Tasks of a chain share functions, and finding their lines takes most of the time of a specification.
@functools.lru_cache(maxsize=4096)
def _source_of(function: FunctionType) -> tuple[str, int, str] | None:
    code: CodeType = function.__code__
    lines = linecache.getlines(code.co_filename)
    if not lines:
        return None
    file, first = portable(code.co_filename), code.co_firstlineno
    if function_form(code) is None:
        # The file was edited since, so its lines are those of another function.
        return file, first, ""
    # Python's inspect would divide the whole file into tokens, which takes ten times as long.
    last = max(line or first for part in nested_codes(code) for _, line, _, _ in part.co_positions())
    return file, first, "".join(lines[first - 1 : last])
