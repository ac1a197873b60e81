"""Static import graph: the digest of a module together with all it imports, without importing any of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable

from pocket.errors import ConfigError
from pocket.fingerprint.graph import hash_of
from pocket.fingerprint.modules import Location, locate
from pocket.fingerprint.sources import loaded_modules, read_source, with_parents


def code_closure(module_name: str, package: str | Collection[str] = "pocket") -> str:
    """Return the digest of a module's code and of all modules it imports, directly or not.

    Imports count wherever they stand, also in functions, but not under ``if TYPE_CHECKING``. Importing a module
    runs its parent packages, so they count too. Imports by a name computed at run time can't be seen.

    Args:
        module_name: absolute name of the module.
        package: the package or packages to follow; others are left out.

    Raises:
        ConfigError: if the module isn't found, or one of the sources can't be parsed.
    """
    packages = (package,) if isinstance(package, str) else tuple(package)
    if locate(module_name) is None:
        raise ConfigError(f"module {module_name!r} can't be found on the Python path")
    return closure_digest([module_name], lambda name: any(f"{name}.".startswith(f"{top}.") for top in packages))


def closure_digest(modules: Iterable[str], follow: Callable[[str], bool]) -> str:
    """Return the digest of the code of modules and of all that they import.

    Args:
        modules: absolute names; names that aren't modules are left out.
        follow: tells whether an imported module counts.

    Raises:
        ConfigError: if one of the sources can't be parsed.
    """
    to_do = list(modules)
    digests: dict[str, str] = {}
    seen = set(to_do)
    locations: dict[str, Location | None] = {}
    while to_do:
        name = to_do.pop()
        location = locate(name, locations)
        if location is None or location.file is None:
            continue
        stat = os.stat(location.file)  # noqa: PTH116, as in locate
        file = location.file, stat.st_mtime_ns, stat.st_size
        digests[name] = read_source(*file).digest
        new = loaded_modules(*file, name if location.folders else name.rpartition(".")[0]) | set(with_parents(name))
        to_do += [module for module in new - seen if follow(module)]
        seen |= new
    return hash_of("modules", [f"{name} {digests[name]}" for name in sorted(digests)])
