"""Report on a configuration file of PocketCoffea: names that it uses, where they are here, and which are refused."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from pocket.compat.import_names import PACKAGE, install_import_names
from pocket.compat.own_modules import OwnModules
from pocket.compat.package import Written
from pocket.compat.public_names import best_module, counterpart, public_places
from pocket.compat.refused_names import refusal

#: Headings of the report by the kind of a name, in order.
_HEADINGS = {
    "refused": "refused, with the replacement:",
    "unknown": "not in PocketCoffea's head either:",
    "ours": "the same here, by another name:",
    "similar": "nearly the same here, with other defaults:",
    "theirs": "here with PocketCoffea's name only:",
}


@dataclass(frozen=True)
class Use:
    """A name of PocketCoffea with its module (or ``*``), file and line of its import, and what replaces it."""

    name: str
    place: str
    kind: str
    text: str


def uses_of(path: Path) -> list[Use]:
    """Return the names of PocketCoffea that a configuration file uses, also in the modules that it imports."""
    install_import_names()
    own = OwnModules(path)
    found = []
    for module in own.modules.values():
        for node in module.imports():
            place = f"{module.path.relative_to(own.root)}:{node.lineno}"
            for name, inner in _names(node):
                if name.partition(".")[0] == PACKAGE:
                    kind, text = _find(name, inner)
                    found.append(Use(f"{name}.{inner}" if inner else name, place, kind, text))
    return found


def _names(node: ast.Import | ast.ImportFrom) -> list[tuple[str, str]]:
    """Return module and name of all that a statement imports; the name is empty for a whole module."""
    if isinstance(node, ast.Import):
        return [(alias.name, "") for alias in node.names]
    return [(node.module, alias.name) for alias in node.names] if node.module and not node.level else []


def _find(module: str, name: str) -> tuple[str, str]:
    """Return the kind of a name, and where it is here or what replaces it."""
    try:
        value: object = importlib.import_module(module)
        if name and name != "*":
            value = getattr(value, name)
    except ModuleNotFoundError:
        return "unknown", f"there is no module {module}"
    except AttributeError:
        try:
            value = importlib.import_module(f"{module}.{name}")
        except ModuleNotFoundError:
            return "unknown", f"there is no {name} in {module}"
    if sentence := refusal(value):
        return "refused", sentence
    if isinstance(value, ModuleType):
        return "theirs", ""
    places = public_places(value)
    home = best_module([places])
    if home is None:
        return "theirs", ""
    return "similar" if counterpart(value) else "ours", f"{home}.{places[home]}"


def copy_sentence(path: Path) -> str:
    """Return a line about PocketCoffea's code in the repository of a configuration file, empty if there is none."""
    copy = OwnModules(path).unused_copy
    return (
        f"\n{copy} isn't used, since {PACKAGE} is Pocketlaw's own here: what you changed there has no effect"
        if copy
        else ""
    )


def report(uses: Sequence[Use], loading: str, differences: Sequence[str] | None) -> str:
    """Return the report on a configuration file; ``differences`` of its numbers are ``None`` if they aren't known."""
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
    if differences is None:
        lines.append("what differs in numbers and why is said when it loads, and in docs/reference/pocketcoffea.md")
    elif differences:
        lines += ["what differs in numbers from PocketCoffea:", *(f"  {sentence}" for sentence in differences)]
    else:
        lines.append("nothing is known to differ in numbers from PocketCoffea")
    return "\n".join(lines)


def written_report(written: Written, reference: str) -> str:
    """Return the report on a written package, which ``--analysis`` names by a reference."""
    changes = written.rewriting
    lines = [
        f"wrote {written.folder}, which loads: {_counted(len(written.files), 'file')}",
        f"run it by: law run PlotTemplates --analysis {reference} --version v1",
        f"imported from pocket now: {_counted(len(changes.ours), 'name')}",
    ]
    if changes.theirs:
        lines.append("imported from pocket_coffea still:")
        lines += [f"  {name}{f': {reason}' if reason else ''}" for name, reason in changes.theirs.items()]
    if changes.written_out:
        lines.append("written out, since the defaults differ:")
        lines += [f"  {', '.join(places)}: {argument}" for argument, places in changes.written_out.items()]
    return "\n".join(lines)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
