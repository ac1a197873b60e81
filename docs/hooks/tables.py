"""Tables that are made of the code: arguments of classes, options of tasks, errors and exit codes.

They stand in the pages, between a line such as ``<!-- arguments of pocket.Configurator -->``,
``<!-- options of tasks -->``, ``<!-- errors -->`` or ``<!-- exit codes -->`` and ``<!-- end of the table -->``. After a
change of the code, ``python docs/hooks/tables.py`` writes them again.

The shipped parameters are on their page when it is built: they replace ``<!-- shipped parameters -->`` and the sentence
in italics behind it.
"""

from __future__ import annotations

import functools
import importlib
import re
import warnings
from collections import defaultdict
from html import escape
from pathlib import Path
from typing import Any

from api_pages import public_names
from docstrings import without_roles

ROOT = Path(__file__).parents[2]

_PLACE = re.compile(
    r"^<!-- (?P<what>arguments of (?P<name>[\w.]+)|options of tasks|errors|exit codes) -->\n"
    r".*?^<!-- end of the table -->$",
    re.MULTILINE | re.DOTALL,
)
_PARAMETERS = re.compile(r"^<!-- shipped parameters -->\n\n_.*_$", re.MULTILINE)
#: default of a dataclass that a lambda makes
_MADE = re.compile(r"^\(lambda: (.*)\)\(\)$")
#: code, or a bar outside of code
_BAR = re.compile(r"`(?P<code>[^`]*)`|\|")
#: choices of an option in luigi's words
_CHOICES = re.compile(r"Choices: \{([^}]*)\}")

#: class that options come from → heading of their table
SHARED = {
    "AnalysisTask": "Of all tasks of an analysis",
    "BaseWorkflow": "Branches of a workflow",
    "BaseRemoteWorkflow": "Batch jobs, law's own",
    "Task": "law's own",
}
#: key of [luigi_retcode] → when a command ends with this code
CODES = {
    "already_running": "the command runs already; only with `no_lock: False` in `[luigi_core]` of `law.cfg`",
    "missing_data": "an input that no task makes is missing",
    "not_run": "some tasks weren't run, such as when a worker was stopped",
    "task_failed": "a task failed",
    "scheduling_error": "a task can't be scheduled: an error while its requirements or its outputs are determined",
    "unhandled_exception": (
        "an error before tasks are scheduled, such as an unknown name, a wrong configuration or an analysis that can't "
        "be imported; also an unexpected error of law or luigi"
    ),
}


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a table in Markdown."""
    lines = ["| " + " | ".join(map(cell, row)) + " |" for row in (head, ("---",) * len(head), *rows)]
    return "\n".join(lines)


def cell(text: str) -> str:
    """Return a text as a cell, in one line and without vertical bars that would end it."""

    def escaped(found: re.Match[str]) -> str:
        code = found["code"]
        if code is None:
            return r"\|"
        # Markdown's dialects don't agree on a bar within code, but on HTML.
        return f"<code>{escape(code, quote=False).replace('|', '&#124;')}</code>" if "|" in code else found[0]

    return _BAR.sub(escaped, text.replace("\n", " ").replace("``", "`"))


@functools.cache
def package(name: str) -> Any:
    """Return a package as griffe reads it, without importing it."""
    import griffe

    return griffe.load(name, search_paths=[str(ROOT)], resolve_aliases=True)


def read(name: str) -> Any:
    """Return what griffe reads of a public name, such as ``pocket.Cut``."""
    top, _, rest = name.partition(".")
    return package(top)[rest]


def described(thing: Any) -> dict[str, str]:
    """Return the meaning of the arguments of a class or function, also of those that its bases describe."""
    texts: dict[str, str] = {}
    for each in (thing, *(thing.mro() if thing.is_class else ())):
        sections = each.docstring.parse("google", warnings=False) if each.docstring else ()
        for entry in (entry for section in sections if section.kind == "parameters" for entry in section.value):
            for name in entry.name.split(", "):
                texts.setdefault(name, without_roles(entry.description))
    return texts


def arguments(name: str) -> str:
    """Return the table of the arguments of a class: name, type, default and meaning."""
    thing = read(name)
    texts = described(thing)
    rows = []
    for parameter in thing.parameters:
        if parameter.name == "self" or parameter.name.startswith("_"):
            continue
        kind = re.sub(r"^dataclasses\.InitVar\[(.*)\]$", r"\1", str(parameter.annotation))
        made = _MADE.sub(r"\1", str(parameter.default))
        default = "" if parameter.default is None else f"`{made}`"
        rows.append((f"`{parameter.name}`", f"`{kind}`", default, texts.get(parameter.name, "")))
    return table(("Argument", "Type", "Default", "Meaning"), rows)


def shipped_parameters() -> str:
    """Return the files of shipped parameters, with their comments, which have the sources."""
    parts = []
    folder = ROOT / "params"
    for file in (*sorted(folder.glob("*.yaml")), *sorted(folder.glob("eras/*.yaml"))):
        parts.append(f"## `{file.relative_to(folder)}`\n\n```yaml\n{file.read_text(encoding='utf-8').rstrip()}\n```\n")
    return "\n".join(parts)


def imported_law() -> Any:
    """Return law, whose import of luigi warns about a setting that only matters for luigi's range tasks."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return importlib.import_module("law")


@functools.cache
def tasks() -> dict[str, Any]:
    """Return the tasks that law.cfg names, by name."""
    law = imported_law()
    found = {}
    for name in law.config.options("modules"):
        module = importlib.import_module(name)
        for task in vars(module).values():
            is_task = isinstance(task, type) and issubclass(task, law.Task) and task.__module__ == name
            if is_task and not vars(task).get("exclude_index", False):
                found[task.__name__] = task
    return found


def shared_heading(task: Any, option: str) -> str:
    """Return the heading of a table that tasks share, for an option of a task; empty if it is the task's own."""
    parameter = getattr(task, option)
    for group in task.option_groups:
        if group.parameters.get(option) is parameter:
            return str(group.heading)
    return SHARED.get(next(base.__name__ for base in task.__mro__ if option in vars(base)), "")


def option_rows(options: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return the rows of a table of options: name, and the description, which has the default."""

    # luigi lists choices in the order of a set, another one in each process.
    def ordered(choices: re.Match[str]) -> str:
        return f"Choices: {{{', '.join(sorted(choices[1].split(', ')))}}}"

    texts = {name: _CHOICES.sub(ordered, option.description or "").strip() for name, option in options.items()}
    return [(f"`--{name.replace('_', '-')}`", text) for name, text in texts.items()]


def options() -> str:
    """Return the tables of the options: those of each task, then those that tasks share."""
    shared: dict[str, dict[str, Any]] = defaultdict(dict)
    parts = ["## By task\n"]
    for name, task in tasks().items():
        own = {}
        # luigi's order is that of imports.
        for option, parameter in sorted(task.get_params()):
            if heading := shared_heading(task, option):
                shared[heading].setdefault(option, parameter)
            elif getattr(parameter, "description", None):
                own[option] = parameter
        summary = without_roles((task.__doc__ or "").strip().partition("\n\n")[0].replace("\n", " "))
        parts.append(f"### `{name}`\n\n{' '.join(summary.split())}\n")
        if own:
            parts.append(table(("Option", "Meaning"), option_rows(own)) + "\n")
    parts.append("## Shared options\n")
    for heading in sorted(shared, key=lambda heading: heading.endswith("law's own")):
        parts.append(f"### {heading}\n\n{table(('Option', 'Meaning'), option_rows(shared[heading]))}\n")
    return "\n".join(parts)


def errors() -> str:
    """Return the table of the errors that are raised on purpose, with the class that each derives from."""
    module = importlib.import_module("pocket.errors")
    rows = []
    for name in public_names("pocket.errors"):
        value = getattr(module, name)
        if isinstance(value, type):
            doc = without_roles((value.__doc__ or "").strip().partition("\n\n")[0])
            rows.append((f"`{name}`", f"`{value.__bases__[0].__name__}`", doc))
    return table(("Error", "Derives from", "Raised when"), rows)


def exit_codes() -> str:
    """Return the table of exit codes: those of law.cfg, and those of wrong command lines and signals."""
    law = imported_law()
    rows = [("`0`", "all tasks are complete")]
    rows += [("`1`", "an unknown task, or an error of the command `pocketlaw`")]
    rows += [("`2`", "a wrong option or a wrong value of one, an unknown analysis, a missing `--version`")]
    codes = {law.config.get("luigi_retcode", key): meaning for key, meaning in CODES.items()}
    rows += [(f"`{code}`", meaning) for code, meaning in sorted(codes.items(), key=lambda item: int(item[0]))]
    rows += [("`130`, `143`", "stopped by Ctrl-C, or by SIGTERM")]
    return table(("Exit code", "When"), rows)


def with_tables(page: str) -> str:
    """Return a page with its tables as the code has them now."""
    makers = {"options of tasks": options, "errors": errors, "exit codes": exit_codes}

    def made(found: re.Match[str]) -> str:
        text = arguments(found["name"]) if found["name"] else makers[found["what"]]()
        return f"<!-- {found['what']} -->\n\n{text.strip()}\n\n<!-- end of the table -->"

    return _PLACE.sub(made, page)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Show the shipped parameters on their page; mkdocs calls this."""
    return _PARAMETERS.sub(lambda place: shipped_parameters(), markdown)


if __name__ == "__main__":
    for path in sorted((ROOT / "docs").rglob("*.md")):
        before = path.read_text(encoding="utf-8")
        if (after := with_tables(before)) != before:
            path.write_text(after, encoding="utf-8")
            print(path.relative_to(ROOT))
