from __future__ import annotations

import pytest

from tasks.chain.plotting import PlotTemplates
from tasks.chain.processing import RunProcessor
from tasks.chain.show import ShowConfig
from tasks.chain.toys import MakeToySamples
from tasks.command.run import parse

#: tasks that are looked for among the options
TASKS = (PlotTemplates, RunProcessor, MakeToySamples, ShowConfig)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("--verson v1", "unknown option '--verson' in PlotTemplates, did you mean '--version'?"),
        ("--verson=v1 --cores 1", "unknown option '--verson' in PlotTemplates, did you mean '--version'?"),
        ("-version v1", "unknown option '-version' in PlotTemplates, did you mean '--version'?"),
        ("--version v1 --pilot", "unknown option '--pilot' in PlotTemplates, did you mean '--site'?"),
        ("--RunProcessor-corse 2", "unknown option '--RunProcessor-corse' in PlotTemplates, did you mean '--RunProc"),
        ("--version v1 npvs", "unexpected argument 'npvs' of PlotTemplates, options begin with --"),
        ("--version", "option --version of PlotTemplates needs a value"),
        ("--version v1 --print-status", "option --print-status of PlotTemplates needs a value, e.g. --print-status -1"),
        ("--cfg a.py", "PlotTemplates has no option --cfg: the configuration file is --analysis"),
        ("--version v1 --scaleout=3", "PlotTemplates has no option --scaleout: the number of workers of Dask is"),
        ("-lf 1", "PlotTemplates has no option -lf: a limit on files is --limit-files"),
        ("--co 1", "ambiguous option: --co could match "),
    ],
)
def test_wrong_option(arguments: str, sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    check("PlotTemplates", arguments, sentence, capsys)


@pytest.mark.parametrize("value", ["-1", "-1,1", "-1,PlotTemplates", "0,1", ""])
def test_values_that_begin_with_a_minus(value: str) -> None:
    found = parse("PlotTemplates", ["--version", "v1", "--print-status", value, "--cores", "1"]).own
    assert found["cores"] == 1
    assert found.get("print_status", ()) == tuple(filter(None, value.split(",")))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("--cores abc", "option --cores of RunProcessor is 'abc', expected an integer"),
        ("--memory lots", "option --memory of RunProcessor is 'lots', expected a size, e.g. 2GB"),
        ("--chunk-size=1e5", "option --chunk-size of RunProcessor is '1e5', expected an integer"),
        ("--RunProcessor-cores abc", "option --RunProcessor-cores of RunProcessor is 'abc', expected an integer"),
        ("--MakeToySamples-cores abc", "option --MakeToySamples-cores of RunProcessor is 'abc', expected an integer"),
        ("--workers two", "option --workers of RunProcessor is 'two', expected an integer"),
        ("--worker-wait-interval x", "option --worker-wait-interval of RunProcessor is 'x', expected a number"),
        ("--skip-bad-files maybe", "option --skip-bad-files of RunProcessor is 'maybe', expected True or False"),
        ("--branches a:b", "option --branches of RunProcessor is 'a:b', expected integers and ranges, e.g. 0,3:6"),
        (
            "--ShowConfig-what confg",
            "option --ShowConfig-what of RunProcessor is 'confg', expected one of config, parameters, did you mean",
        ),
        ("--ShowConfig-what x", "option --ShowConfig-what of RunProcessor is 'x', expected one of config, parameters"),
        ("--params \n", r"option --params of RunProcessor is '\n', expected values with commas in between"),
    ],
)
def test_wrong_value(arguments: str, sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    check("RunProcessor", arguments, sentence, capsys)


def check(task: str, arguments: str, sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as error:
        parse(task, arguments.split(" "))
    assert error.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {sentence}")


def test_a_task_without_outputs_needs_no_version(capsys: pytest.CaptureFixture[str]) -> None:
    check(
        "ShowConfig", "--version v1", "ShowConfig needs no --version, because it writes no output to the store", capsys
    )


def test_right_values(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = "--version v1 --cores -1 --skip-bad-files --branches 0,3:6 --params a=1,b=2 --MakeToySamples-cores 2"
    found, others = parse("RunProcessor", arguments.split())
    assert found == {
        "version": "v1",
        "cores": -1,
        "skip_bad_files": True,
        "params": ("a=1", "b=2"),
        "branches": ((0,), (3, 6)),
    }
    assert others == ["--MakeToySamples-cores=2"]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("task", TASKS[:3])
def test_only_options_that_change_something(
    task: type[PlotTemplates | RunProcessor | MakeToySamples], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse(task.task_family, ["--help"])
    text = capsys.readouterr().out
    assert "--version" in text
    assert [option for option in ("--tolerance", "--pilot", "--log-file") if option in text] == []
    assert ("--acceptance" in text) == (task is not MakeToySamples)
