"""Modules made from source text for the tests: pytest rewrites the code of test modules themselves."""

from __future__ import annotations

import contextlib
import importlib
import sys
import tempfile
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from pocket.base.fingerprint import digest


def write_modules(folder: Path, sources: Mapping[str, str]) -> None:
    """Write modules, dotted name → source, into a folder."""
    for name, source in sources.items():
        path = folder.joinpath(*name.split(".")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source))


@contextlib.contextmanager
def loaded(sources: str | Mapping[str, str]) -> Iterator[ModuleType]:
    """Import the first of some modules from a folder of its own; a single source is that of ``lib``."""
    sources = {"lib": sources} if isinstance(sources, str) else sources
    with tempfile.TemporaryDirectory() as folder:
        write_modules(Path(folder), sources)
        before = set(sys.modules)
        sys.path.insert(0, folder)
        importlib.invalidate_caches()
        try:
            yield importlib.import_module(next(iter(sources)))
        finally:
            sys.path.remove(folder)
            for name in set(sys.modules) - before:
                if getattr(sys.modules[name], "__file__", None) and str(sys.modules[name].__file__).startswith(folder):
                    del sys.modules[name]


def digest_in(expression: str, sources: str | Mapping[str, str]) -> str:
    """Return the digest of an expression evaluated in the first of some modules."""
    with loaded(sources) as module:
        value: Any = eval(expression, vars(module))
        return digest(value)
