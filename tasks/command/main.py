"""Entry point of the command ``pocketlaw``."""

from __future__ import annotations

import argparse
import importlib
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import NoReturn

from pocket import __version__
from pocket.errors import ConfigError, PocketError, UnknownNameError
from tasks.command.known_tasks import describe_tasks, read_index
from tasks.core.console import discard_output, replace_what_encodings_lack

_EPILOG = "An analysis runs by law: source setup.sh && law run PlotTemplates --version v1"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    replace_what_encodings_lack()
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if given[:1] == ["doctor"]:
            _doctor(given[1:])
        if given[:1] == ["run"]:
            return _run(given[1:])
        if given[:1] == ["tasks"]:
            return _show_tasks()
        options = _parser().parse_args(given)
        if options.command == "new":
            return _new(options)
        if options.command == "update":
            return _update()
    except PocketError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    _parser().print_help()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pocketlaw", description="Analyses with Pocketlaw.", epilog=_EPILOG)
    parser.add_argument("--version", action="version", version=f"pocketlaw {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    new = commands.add_parser("new", help="make a new analysis that runs on toys", description="Make a new analysis.")
    new.add_argument("name", metavar="NAME", help="name of the analysis and of its package")
    new.add_argument("--here", action="store_true", help="make analysis/NAME in this checkout, not a repository NAME")
    new.add_argument(
        "--with",
        dest="parts",
        action="append",
        default=[],
        metavar="PART,…",
        help="add parts: columns, scale-factor, shape-variation, skim",
    )
    new.add_argument("--source", default="", help="where Pocketlaw comes from: wheel, folder, URL or release; as here")
    new.add_argument("--ci", default="gitlab", help="continuous integration: gitlab (default), github or none")
    replaces = "replace requirements.lock and setup.sh of an analysis by those of this release"
    commands.add_parser("update", help=replaces, description=f"{replaces.capitalize()}.")
    commands.add_parser("tasks", help="list the tasks that law run knows; as law run alone")
    commands.add_parser("doctor", help="look for what would keep jobs from running; options as of law run Doctor")
    return parser


def _show_tasks() -> int:
    try:
        print(describe_tasks(read_index()), flush=True)
    except BrokenPipeError:
        discard_output()
    return 0


def _run(words: Sequence[str]) -> int:
    """Do what ``law run`` does, with the modules of a snapshot from here on."""
    name, *options = words or ["--help"]
    if name in ("-h", "--help"):
        return _show_tasks()
    index = {task: module for module, task in read_index()}
    module, _, family = name.rpartition(".")
    if not module and name not in index:
        missing = "there is no index of the tasks: source setup.sh, or run law index"
        print(f"error: {UnknownNameError('task', name, list(index)) if index else missing}", file=sys.stderr)
        return 2
    sys.excepthook = _end_early
    # The tasks take the process for one of law.
    sys.argv[:] = ["law", "run", *words]
    from tasks.core.snapshot import begin

    begin()
    # What is imported from here on comes from the snapshot.
    importlib.import_module(module or index[name])
    from tasks.command.run import run
    from tasks.core.startup import collect_when_tasks_run, notice_hidden

    collect_when_tasks_run()
    notice_hidden()
    return run(family, options)


def _end_early(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Say that Ctrl-C came while modules were imported; with those of the tasks comes what handles all errors."""
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    print("stopped by Ctrl-C", file=sys.stderr)
    raise SystemExit(128 + signal.SIGINT)


def _new(options: argparse.Namespace) -> int:
    from tasks.command.scaffold import chosen_parts, new_package, new_repository

    parts = chosen_parts(options.parts)
    if options.here:
        folder = new_package(options.name, _project(), parts)
        print(f"made {folder}")
        print(f"next: law run PlotTemplates --analysis {options.name} --version v1")
        return 0
    folder = new_repository(options.name, Path.cwd(), parts, options.source, options.ci)
    print(f"made {folder}, a repository for the analysis {options.name}")
    print(f"next: cd {options.name} && source setup.sh && law run PlotTemplates --version v1")
    return 0


def _project() -> Path:
    """Return the checkout or repository that this shell belongs to, else the working directory."""
    return Path(os.environ.get("POCKET_ROOT") or Path.cwd())


def _update() -> int:
    from tasks.command.scaffold import update

    changed = update(_project())
    if changed:
        print(f"replaced {' and '.join(changed)} by those of Pocketlaw {__version__}")
        print("next: source setup.sh")
    else:
        print(f"requirements.lock and setup.sh are those of Pocketlaw {__version__} already")
    return 0


def _doctor(arguments: Sequence[str]) -> NoReturn:
    """Run the task Doctor in place of this process."""
    law = shutil.which("law")
    if not os.environ.get("POCKET_ROOT") or law is None:
        raise ConfigError("no analysis is set up in this shell: source setup.sh of its repository first")
    os.execv(law, [law, "run", "Doctor", *arguments])
