from __future__ import annotations

import importlib
import re

import law
import pytest
from luigi.task_register import Register

from tasks.command.run import parse, run
from tasks.core.help import help_of
from tasks.statistics.options import FitOptions

for module in law.config.options("modules"):
    importlib.import_module(module)


def tasks_of_users() -> list[type[law.Task]]:
    """Return the tasks that ``law run`` knows."""
    found: dict[str, type[law.Task]] = {}
    todo: list[type[law.Task]] = [law.Task]
    while todo:
        task = todo.pop()
        todo += task.__subclasses__()
        if task.__module__.startswith("tasks.") and not task.exclude_index:
            found[task.__name__] = task
    return [found[name] for name in sorted(found)]


TASKS = tasks_of_users()


def named(line: str) -> list[str]:
    """Return the options that a line is about: one with its description, or several without any."""
    if re.match(r"  --[\w-]+(, |,$| \()", line):
        return re.findall(r"--[\w-]+", line.partition("(")[0])
    return re.findall(r"^  (--[\w-]+)", line)


def groups(text: str) -> dict[str, list[str]]:
    """Return title of a group → its options."""
    found: dict[str, list[str]] = {}
    for part in text.split("\n\n"):
        title, *lines = part.splitlines()
        if title.startswith("options"):
            found[title] = [option for line in lines for option in named(line)]
    return found


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.__name__)
def test_help_fits_and_has_each_option_once(task: type[law.Task], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = help_of(task)
    lines = text.splitlines()
    assert len(lines) <= 120
    assert max(map(len, lines)) < 80
    shown = groups(text)
    options = [option for group in shown.values() for option in group]
    assert len(options) == len(set(options))
    explained = re.findall(r"^  --[\w-]+(?: D)?(?:   |$)", text, re.MULTILINE)
    assert len(explained) <= 30 or issubclass(task, FitOptions)
    of_groups = {parameter for group in task.option_groups for parameter in group.parameters.values() if group.title}
    own = [name for name, each in task.get_params() if vars(task).get(name) is each and each not in of_groups]
    (first, *_) = shown.values()
    assert {f"--{name.replace('_', '-')}" for name in own} <= set(first)
    assert all(lines.index(line) < 30 for line in lines if re.match(r"  --[\w-]+", line) and line.split()[0] in first)
    of_law = {name for name, _ in law.LocalWorkflow.get_params()} | {"no_poll", "walltime", "job_workers"}
    of_law |= {"shuffle_jobs", "cleanup_jobs", "pilot", "tolerance"}
    rest = {f"--{name.replace('_', '-')}" for name, _ in task.get_params() if name not in of_law}
    assert rest <= set(options)


def test_options_of_jobs_and_of_experts_have_their_own_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = groups(help_of(Register.get_task_cls("MergeOutputs")))
    for option, line in {
        "--help-batch": "  --memory             memory per job, e.g. 3GB\n",
        "--help-experts": "  --threads            threads per process that decompress columns [1]\n",
    }.items():
        with pytest.raises(SystemExit) as end:
            parse("MergeOutputs", [option])
        assert not end.value.code
        text = capsys.readouterr().out
        assert text.splitlines()[0] == "usage: law run MergeOutputs --version … [options]"
        assert line in text
        # All options of a group, which the usual help explains or names.
        assert {title: set(shown[title]) for title in groups(text)} == {
            title: set(options) for title, options in groups(text).items()
        }
    chain = Register.get_task_cls("ShowChain")
    assert "--help-batch" not in help_of(chain)
    assert help_of(chain, "batch") == "ShowChain runs no jobs and has no executors"


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.__name__)
def test_examples_have_options_of_the_task(task: type[law.Task]) -> None:
    text = help_of(task)
    _, _, examples = text.partition("\nexamples\n")
    found = re.findall(r"law run (\w+)(.*)", examples)
    of_law = {"--print-status"}
    known = {f"--{name.replace('_', '-')}" for name, _ in task.get_params()} | of_law
    assert {name for name, _ in found} <= {task.__name__}
    assert {option for _, words in found for option in re.findall(r"--[\w-]+", words)} <= known
    if task.__name__ in ("PlotTemplates", "FitModel", "RunProcessor"):
        assert 2 <= len(found) <= 3


def test_help_as_a_user_sees_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as end:
        parse("PlotScaleFactors", ["--help"])
    assert not end.value.code
    text = capsys.readouterr().out
    assert text == f"{help_of(Register.get_task_cls('PlotScaleFactors'))}\n"
    assert re.match(r"usage: law run PlotScaleFactors .*--version … \[options\]\n\nDraws ", text)
    assert next(iter(groups(text))) == "options of PlotScaleFactors"
    assert groups(text)["options of PlotScaleFactors"][-2:] == ["--analysis", "--params"]


def test_help_of_all_is_that_of_luigi(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run("MergeOutputs", ["--help-all"])
    assert "--RunProcessor-cores" in capsys.readouterr().out
