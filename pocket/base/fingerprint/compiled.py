"""Names of numba's cache files for user code, by digests of all that the compiled code depends on.

numba finds a function that it has compiled by the content of the one file that defines it. But values of globals and
functions of other files are compiled in, so the file of the cache may hold an outdated function. With a digest in its
name, processes that compile different code read and write different files. Functions of the engine use none of other
files, so they and those of libraries keep numba's names: an edit of an analysis doesn't compile them again.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import FunctionType, ModuleType
from typing import Any

from pocket.base.fingerprint.code import module_of
from pocket.base.fingerprint.graph import digest_of, hash_of
from pocket.base.fingerprint.modules import owner
from pocket.base.fingerprint.references import module_code, modules_with_numba
from pocket.base.fingerprint.values import describe
from pocket.errors import ConfigError

_CACHING = "numba.core.caching"
#: Characters of a digest in the name of a file.
_LENGTH = 24


def name_compiled_code() -> None:
    """Name numba's files of user code by digests from now on, in this process. Nothing is imported for that."""
    if _CACHING in sys.modules:
        _rename_files(sys.modules[_CACHING])
    elif not any(isinstance(finder, _CachingFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _CachingFinder())


class _CachingFinder(MetaPathFinder):
    """Finder of numba's module that caches, which changes the module when it is loaded."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> Any:
        spec: ModuleSpec | None = PathFinder.find_spec(fullname, path, target) if fullname == _CACHING else None
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def run_and_rename(module: ModuleType) -> None:
                run(module)
                _rename_files(module)

            vars(spec.loader)["exec_module"] = run_and_rename
        return spec


def _rename_files(caching: Any) -> None:
    """Let numba's caches of user code load from files of our names; it loads before it compiles and saves."""
    # A snapshot loads this module again, which replaces what it has replaced before.
    original = getattr(caching.Cache._load_overload, "__wrapped__", caching.Cache._load_overload)

    @functools.wraps(original)
    def load_overload(cache: Any, signature: object, context: object) -> Any:
        function, files = cache._py_func, cache._cache_file
        if isinstance(files, caching.IndexDataCacheFile) and owner(module_of(function)) == "user":
            name = cache._impl.filename_base
            cache._cache_file = _Files(
                function, lambda digest: caching.IndexDataCacheFile(cache.cache_path, f"{name}-{digest}", digest)
            )
        return original(cache, signature, context)

    caching.Cache._load_overload = load_overload


class _Files:
    """Files of a function's compiled code; ``find`` returns numba's pair of files, an index and data, for a digest."""

    def __init__(self, function: FunctionType, find: Callable[[str], Any]) -> None:
        self._function, self._find = function, find
        self._found: dict[object, Any] = {}

    def load(self, key: object) -> Any:
        """Return the compiled code for a machine and types of arguments, ``None`` if it isn't there."""
        # What has no digest is compiled in each process.
        self._found[key] = None
        with contextlib.suppress(ConfigError):
            self._found[key] = self._find(_digest(self._function, key))
        return self._found[key] and self._found[key].load(key)

    def save(self, key: object, data: object) -> None:
        """Store compiled code under the digest from before it was compiled."""
        if (files := self._found.get(key)) is not None:
            files.save(key, data)

    def flush(self) -> None:
        """Do nothing, since a changed function has another digest."""


def _digest(function: FunctionType, key: object) -> str:
    """Return a digest of all that compiled code depends on."""
    # This is the function with all that it uses, whose values count as they are now; the modules that may decide how it
    # is compiled, by arguments of a decorator or by numba.extending; and the machine with the types of arguments.
    modules = {module_of(function), *(name for name, _ in modules_with_numba())}
    # With a function that is called for each object, no digest is kept, since values may be set later in an import.
    uses = digest_of(function, describe, lambda *_: None)
    return hash_of("compiled", [uses, *(module_code(name) for name in sorted(modules)), repr(key)])[:_LENGTH]
