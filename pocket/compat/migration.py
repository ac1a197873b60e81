"""Report on a configuration file of PocketCoffea: names that it uses, where they are here, and which are refused."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pocket.base.runtime.import_names import PACKAGE, install_import_names
from pocket.base.snapshots.siblings import repository_of
from pocket.errors import ConfigError

#: Headings of the report by the kind of a name, in order.
_HEADINGS = {
    "refused": "refused, with the replacement:",
    "unknown": "not in PocketCoffea's head either:",
    "ours": "the same here, by another name:",
    "theirs": "here with PocketCoffea's name only:",
}


@dataclass(frozen=True)
class Use:
    """A name of PocketCoffea in a file.

    Args:
        name: the name with its module; ``*`` for a star import.
        place: file and line of the import.
        kind: key of the headings of the report.
        text: the name here, or the replacement.
    """

    name: str
    place: str
    kind: str
    text: str


def uses_of(path: Path) -> list[Use]:
    """Return the names of PocketCoffea that a configuration file uses, also in the modules that it imports.

    Args:
        path: the file.

    Raises:
        ConfigError: if a file can't be parsed.
    """
    install_import_names()
    folders = list(dict.fromkeys([path.parent, repository_of(path)]))
    waiting, seen, found = [path], {path}, []
    while waiting:
        file = waiting.pop(0)
        for module, name, line in _imports(file):
            place = f"{file.relative_to(folders[-1])}:{line}"
            if module.partition(".")[0] == PACKAGE:
                kind, text = _find(module, name)
                found.append(Use(f"{module}.{name}" if name else module, place, kind, text))
                continue
            for beside in _files(module, name, folders):
                if beside not in seen:
                    seen.add(beside)
                    waiting.append(beside)
    return found


def _imports(file: Path) -> Iterator[tuple[str, str, int]]:
    """Yield module, name and line of the imports of a file; the name is empty for a whole module."""
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"), str(file))
    except (SyntaxError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} can't be parsed: {error}") from None
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "", node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.module, alias.name, node.lineno) for alias in node.names)


def _files(module: str, name: str, folders: Sequence[Path]) -> Iterator[Path]:
    """Yield the files of a module of the user and its packages, and of the name in it if that is a module."""
    parts = module.split(".")
    for folder in folders:
        base = folder.joinpath(*parts)
        packages = [folder.joinpath(*parts[:number], "__init__.py") for number in range(1, len(parts) + 1)]
        places = [*packages, base.with_suffix(".py"), base / f"{name or '__init__'}.py"]
        if found := [place for place in places if place.is_file()]:
            yield from dict.fromkeys(found)
            return


def _find(module: str, name: str) -> tuple[str, str]:
    """Return the kind of a name, and where it is here or what replaces it."""
    try:
        found = importlib.import_module(module)
        if not name or name == "*":
            return "theirs", ""
        value = getattr(found, name)
    except ConfigError as error:
        return "refused", str(error).partition("isn't here: ")[2]
    except ModuleNotFoundError:
        return "unknown", f"there is no module {module}"
    except AttributeError:
        try:
            importlib.import_module(f"{module}.{name}")
        except ConfigError as error:
            return "refused", str(error).partition("isn't here: ")[2]
        except ModuleNotFoundError:
            return "unknown", f"there is no {name} in {module}"
        return "theirs", ""
    home, own = str(getattr(value, "__module__", "")), getattr(value, "__qualname__", "")
    if own and home.startswith("pocket.") and not home.startswith("pocket.compat."):
        return "ours", f"{home}.{own}"
    return "theirs", ""


def report(uses: Sequence[Use], loading: str) -> str:
    """Return the report on a configuration file.

    Args:
        uses: the names that it uses.
        loading: a sentence that says whether it loads.
    """
    lines = [loading]
    for kind, heading in _HEADINGS.items():
        chosen: dict[tuple[str, str], list[str]] = {}
        for use in uses:
            if use.kind == kind:
                chosen.setdefault((use.name, use.text), []).append(use.place)
        if chosen:
            lines.append(heading)
        for (name, text), places in chosen.items():
            at = ", ".join(places if kind in ("refused", "unknown") else places[:1])
            lines.append(f"  {at}: {name}{f': {text}' if text else ''}")
    lines.append('what differs in numbers and why: docs/pocketcoffea.md, "What is different on purpose"')
    return "\n".join(lines)
