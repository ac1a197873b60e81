"""Keys that a Python dictionary of an analysis has twice, of which Python keeps the last value without a word."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator

from pocket.base.runtime.remarks import remark
from pocket.base.snapshots.process import original


def warn_of_repeated_keys(modules: Iterable[str]) -> None:
    """Warn of keys that a dictionary in the source of a module has twice, with file and line."""
    for name in modules:
        file = getattr(sys.modules.get(name), "__file__", None)
        if file and file.endswith(".py"):
            with open(file, "rb") as source:  # noqa: PTH123  Strings are faster, and each command does this.
                content = source.read()
            for line, key in repeated_keys(content):
                remark(f"{original(file)}:{line}: key {key!r} is in this table before, whose value there is lost")


def repeated_keys(source: str | bytes) -> Iterator[tuple[int, object]]:
    """Yield line and key of each entry of a dictionary that has the constant key of an earlier entry."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Dict):
            known = set()
            for key in node.keys:
                if isinstance(key, ast.Constant):
                    constant = type(key.value), key.value
                    if constant in known:
                        yield key.lineno, key.value
                    known.add(constant)
