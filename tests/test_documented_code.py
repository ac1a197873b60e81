"""All code and all commands of README and docs: walked, tested elsewhere, or looked at here."""

from __future__ import annotations

import contextlib
import importlib
import io
import re
import warnings
from pathlib import Path

import law
import luigi
import pytest

from tests.entries import check_each
from tests.fragments import names_of_a_page, options_in, run_fragment
from tests.not_executed import LIST, NEEDS, commands, listed
from tests.pages import ROOT, SHELLS, all_pages, is_walked, read_blocks, read_marks

#: pages whose code has tests of its own, which know the files that it needs
ELSEWHERE = {"interactive": "tests/test_notebooks.py"}
#: options of law and luigi that all tasks have
EVERYWHERE = {
    "--help",
    "--local-scheduler",
    "--log-level",
    "--print-deps",
    "--print-status",
    "--remove-output",
    "--scheduler-host",
    "--scheduler-port",
    "--workers",
}
PAGES = all_pages()
WALKED = [page for page in PAGES if is_walked(page)]
REST = [page for page in PAGES if page not in WALKED]


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.slow
@check_each("page", [page for page in REST if page.stem not in ELSEWHERE], ids=named)
def test_fragments_name_what_there_is(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    names = names_of_a_page()
    for block in read_blocks(page):
        if block.kind == "python" and block.is_executed:
            with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(action="ignore"):
                try:
                    run_fragment(block.text, names)
                except Exception as error:
                    raise AssertionError(f"{named(page)}:{block.line}: {error}") from error


@check_each("page", PAGES, ids=named)
def test_commands_have_the_options_that_tasks_have(page: Path) -> None:
    for module in law.config.options("modules"):
        importlib.import_module(module)
    mistakes = []
    for number, line in enumerate(joined_lines(page), 1):
        for task, options in options_in(line).items():
            if task in {"TASK", "WriteShapes", "WriteYields"}:
                continue
            parameters = luigi.task_register.Register.get_task_cls(task).get_params()
            known = EVERYWHERE | {"--" + name.replace("_", "-") for name, _ in parameters}
            mistakes += [f"{named(page)}:{number}: {task} has no {option}" for option in options if option not in known]
    assert not mistakes, "\n".join(mistakes)


def joined_lines(page: Path) -> list[str]:
    """Return the lines of a page, those that a backslash joins as one."""
    return re.sub(r"\\\n *", " ", page.read_text(encoding="utf-8")).splitlines()


@check_each("page", PAGES, ids=named)
def test_commands_are_run(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    languages = re.findall(r"^ *```+(\w+)", text, re.MULTILINE)
    assert not set(languages) & set(SHELLS[1:]), "commands of pages are shell"
    outputs = re.findall(r"^ *```(?:shell|python)\n(?:(?! *```).*\n)*? *```\n\n? *```$", text, re.MULTILINE)
    assert not outputs, "what commands print is text, else it isn't compared"
    if "shell" in languages:
        assert is_walked(page) or "commands" in read_marks(page), "the page needs <!-- walk: commands after PAGE -->"


def test_what_is_not_executed_is_listed() -> None:
    advice = "python -m tests.not_executed >tests/not_executed.md writes it"
    assert LIST.read_text(encoding="utf-8") == listed(), advice
    assert {need for *_, needs in commands() for need in needs.split(", ")} == set(NEEDS)
    steps = [step.removesuffix(" &") for step in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()]
    assert [
        command for _, command, needs in commands() if needs == "CI" and set(command.split(" && ")) - set(steps)
    ] == []
    named = {path for _, instead in NEEDS.values() for path in re.findall(r"`([^`]+)`", instead)}
    assert not [path for path in named if not (ROOT / path).exists()]
