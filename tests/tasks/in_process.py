"""Commands without a process of their own: what ``law run`` prints, and the code that it ends with.

Words, plan, report, errors and exit code come from the same functions as in a process. What only a process has, such as
signals, a snapshot of the code, a terminal or the state of libraries at its start, is for ``tests/law_runner.py``.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from unittest import mock

from luigi.setup_logging import InterfaceLogging
from luigi.task_register import Register

from pocket.configuration.loading import forget_analyses
from pocket.errors import PocketError
from tasks.command.run import run
from tasks.core import log, report, terminal
from tasks.core.run_log import RunLog
from tasks.settings.own_modules import named_modules
from tests.law_runner import Law, Run
from tests.tasks.small_chain import Chain

#: variables that other tests and libraries of this process rely on
_OF_PROCESS = ("PATH", "PYTHONPATH")

# This has no type annotations.
_registered: Any = Register


class Here(Law):
    """Calls law in this process."""

    def run(self, *arguments: str, timeout: float = 0) -> Run:
        """Do what ``law run …`` does, without a limit of time."""
        for module in named_modules():
            importlib.import_module(module)
        # What is printed depends on whether the encoding has its characters.
        text = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
        variables = {name: value for name, value in self.environment.items() if name not in _OF_PROCESS}
        with (
            mock.patch.dict(os.environ, {**variables, **self.extra}),
            contextlib.chdir(self.folder),
            _as_command(),
            contextlib.redirect_stdout(text),
            contextlib.redirect_stderr(text),
        ):
            try:
                code: Any = run(arguments[0], arguments[1:])
            except SystemExit as end:
                code = end.code
        return Run(int(code or 0), text.buffer.getvalue().decode())


@contextlib.contextmanager
def _as_command() -> Iterator[None]:
    """Have tasks take this process for a new one of law, as far as it concerns what they print."""
    logger, engine = logging.getLogger(report.LUIGI), logging.getLogger(log.ENGINE)
    known = logger.handlers, logger.propagate, logger.level, engine.level
    _registered.clear_instance_cache()
    forget_analyses()
    terminal.print_note.cache_clear()
    for handler in engine.handlers:
        for each in handler.filters:
            if isinstance(each, log.Once):
                each._seen.clear()
    logger.handlers, logger.propagate = [report.LuigiHandler()], False
    logger.setLevel(logging.INFO)
    try:
        with (
            mock.patch.object(report, "is_command", return_value=True),
            mock.patch.object(report, "RUN_LOG", RunLog()),
            mock.patch.object(report, "copy_stdout"),
            mock.patch.object(report, "_report", None),
            mock.patch.object(InterfaceLogging, "_configured", True),
        ):
            yield
    finally:
        logger.handlers, logger.propagate = known[:2]
        logger.setLevel(known[2])
        engine.setLevel(known[3])
        _registered.clear_instance_cache()


def run_here(chain: Chain, task: str, *options: str) -> Run:
    """Do in this process what :meth:`Chain.run` does in one of its own."""
    return Here(chain.folder).run(*chain.arguments(task, "--cores", "1", *options))


def not_refused(
    make: Callable[..., Any], cases: Iterable[tuple[Mapping[str, Any], str]], kind: type[PocketError]
) -> dict[str, str]:
    """Return what is wrong with the errors that options give, for all that aren't refused as they must be.

    Args:
        make: gets the options.
        cases: options, with a regular expression that is found in the sentence of their error.
        kind: kind of the errors.
    """
    wrong = {}
    for options, sentence in cases:
        try:
            make(**options)
        except PocketError as error:
            if not isinstance(error, kind) or not re.search(sentence, str(error)):
                wrong[str(options)] = f"{type(error).__name__}: {error}"
        else:
            wrong[str(options)] = "is not refused"
    return wrong
