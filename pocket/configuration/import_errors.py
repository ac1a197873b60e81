"""Error messages for failed imports of an analysis, with the line and the name that was probably meant."""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import re
import sys
import traceback
from collections.abc import Iterable, Iterator, Sequence
from importlib import metadata
from pathlib import Path

from pocket.base.fingerprint.modules import top_level
from pocket.configuration.moved_names import name_now
from pocket.configuration.user_errors import describe, suggestion, user_lines
from pocket.errors import ConfigError, PocketError, nearest
from pocket.parameters.explaining import shown_file

#: packages of Pocketlaw, whose names people's own may have as well
_ENGINE = ("pocket", "tasks")
_NO_NAME = re.compile(r"cannot import name '(\w+)' from (?:partially initialized module )?'([\w.]+)'")


def add_lines(error: PocketError) -> None:
    """Add lines of the analysis to an error of its import: the innermost one, and the one at the top of a module.

    A function may make several configurations, so the configuration is named if that line is part of
    ``Analysis(configs={...})``.
    """
    lines = user_lines(error)
    # The line of the part that is wrong says more than that of the analysis.
    if not lines or "(declared in " in str(error):
        return
    if (name := _configuration_at(error, {place for place, _ in lines})) and repr(name) not in str(error):
        error.args = (f"configuration {name!r}: {error}",)
    (inner, _), (outer, _) = lines[-1], lines[_begin(lines)]
    led_from = f", called in {outer}" if outer != inner else ""
    error.args = (f"{error} (in {inner}{led_from})",)


def _configuration_at(error: PocketError, places: Iterable[str]) -> str:
    """Return the name of the configuration that was made when an error was raised, empty if it isn't known."""
    for frame in traceback.extract_tb(error.__traceback__):
        line = frame.lineno or 0
        if frame.name == "<module>" and f"{shown_file(frame.filename)}:{line}" in places:
            # A file that can't be read any more has no names.
            with contextlib.suppress(OSError, SyntaxError, ValueError):
                for name, node in _configurations(ast.parse(Path(frame.filename).read_text(encoding="utf-8"))):
                    if node.lineno <= line <= (node.end_lineno or 0):
                        return name
    return ""


def _configurations(module: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Yield the names of the configurations in ``Analysis(configs={...})``, and the expressions that make them."""
    assigned = {
        target.id: node.value
        for node in module.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "Analysis":
            for configs in (word.value for word in node.keywords if word.arg == "configs"):
                if isinstance(configs, ast.Dict):
                    for key, value in zip(configs.keys, configs.values, strict=True):
                        if isinstance(key, ast.Constant):
                            made = assigned.get(value.id) if isinstance(value, ast.Name) else None
                            yield str(key.value), made or value


def explain_import(reference: str, package: str, error: BaseException, beside: Iterable[str] = ()) -> ConfigError:
    """Return the error with the reason why an analysis can't be imported."""
    lines = user_lines(error)
    where = f" in {lines[-1][0]}" if lines else ""
    text = describe(error)
    if isinstance(error, SyntaxError) and error.filename:
        where = f" in {shown_file(error.filename)}:{error.lineno}"
        written = f": {error.text.strip()}" if error.text else ""
        text = f"{type(error).__name__}: {error.msg}{written}"
    elif isinstance(error, SystemExit):
        # Nobody would learn that nothing was done, least of all with exit code 0.
        text = f"it ends the program with exit code {error.code or 0}"
    elif isinstance(error, ModuleNotFoundError) and error.name:
        text = f"{describe(error)}; {_module_hint(error.name, package, beside)}"
    elif isinstance(error, ImportError) and (match := _NO_NAME.search(str(error))):
        text = f"{type(error).__name__}: {match.group(0)}{_name_hint(match[1], match[2], str(error))}"
    else:
        text += suggestion(error)
    return ConfigError(f"analysis {reference!r} can't be imported, because of an error{where}: {text}")


def _begin(lines: Sequence[tuple[str, str]]) -> int:
    """Return the index of the last line that is at the top level of a module."""
    return max((number for number, (_, function) in enumerate(lines) if function == "<module>"), default=0)


def _module_hint(name: str, package: str, beside: Iterable[str]) -> str:
    """Return a hint whether a module moved, or belongs to the analysis or to a package, with the nearest name."""
    if now := name_now(name):
        return f"it is {now} now"
    parent, _, last = name.rpartition(".")
    if top_level(name) == top_level(package) and parent:
        close = nearest(last, _modules_in(parent))
        hint = f", did you mean {' or '.join(f'{parent}.{other}' for other in close)}?" if close else ""
        return f"there is no such module in {parent}{hint}"
    top = top_level(name)
    own = _modules_in(package)
    if top in own:
        return f"it is a module of the analysis, which others import as {package}.{name}, or from . in the same folder"
    if parent and importlib.util.find_spec(top) is not None:
        close = nearest(last, _modules_in(parent))
        hint = f", did you mean {' or '.join(f'{parent}.{other}' for other in close)}?" if close else ""
        if top in _ENGINE:
            rename = "" if close else ": give a package of yours another name"
            return f"{top} is a package of Pocketlaw, which has no such module{hint}{rename}"
        return f"the package {top} has no such module{hint}"
    close = nearest(top, [*own, *beside, *sys.stdlib_module_names, *metadata.packages_distributions()])
    meant = " or ".join(f"{package}.{other}" if other in own else other for other in close)
    hint = f", or did you mean {meant}?" if meant else ""
    return f"it is no module of the analysis, and no package of that name is installed in {sys.prefix}{hint}"


def _modules_in(package: str) -> list[str]:
    """Return the names of the modules in a package, which isn't imported because the import may fail."""
    spec = importlib.util.find_spec(top_level(package))
    roots = list((spec and spec.submodule_search_locations) or ())
    folders = [Path(root, *package.split(".")[1:]) for root in roots]
    found = {path.stem for folder in folders for path in folder.glob("*.py") if path.stem != "__init__"}
    return sorted(found | {path.parent.name for folder in folders for path in folder.glob("*/__init__.py")})


def _name_hint(name: str, module: str, text: str) -> str:
    if "circular import" in text:
        return ", which isn't complete yet: the two modules import each other"
    if now := name_now(name):
        return f"; {name} is {now} now"
    # Packages load the modules of their names when these are used, so only dir() has all of them.
    close = nearest(name, [known for known in dir(sys.modules.get(module, object)) if not known.startswith("__")])
    if close:
        return f", did you mean {' or '.join(map(repr, close))}?"
    now = name_now(module)
    if now.startswith("stays; "):
        return now.removeprefix("stays")
    return f"; what {module} had is {now} now" if now else ""
