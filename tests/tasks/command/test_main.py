from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pocket import __version__
from pocket.base.runtime.kept import forget_tables, kept_table
from tasks.command.main import main
from tests.law_runner import ROOT, Law, index_of

HELP = """
import sys
from tasks.command.main import main
try:
    main(["--help"])
except SystemExit:
    print(*sys.modules)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, where no analysis is set up."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("POCKET_ROOT", raising=False)
    return tmp_path


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"pocketlaw {__version__}\n"


def test_help_is_light() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    output = subprocess.run([sys.executable, "-c", HELP], env=environment, capture_output=True, text=True, check=True)
    text, _, modules = output.stdout.rstrip("\n").rpartition("\n")
    assert "doctor" in text
    loaded = {name.partition(".")[0] for name in modules.split()}
    assert "tasks" in loaded
    assert loaded & {"law", "luigi", "numpy", "omegaconf", "awkward"} == set()


def test_the_code_of_an_error_is_that_of_the_process(folder: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tasks.command", "new", "not a name"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == main(["new", "not a name"]) != 0
    assert "not a name" in done.stderr
    assert list(folder.iterdir()) == []


def test_an_interrupt_while_modules_are_imported(tmp_path: Path) -> None:
    law = Law(tmp_path)
    index = index_of((law.environment["LAW_CONFIG_FILE"], law.environment["PYTHONPATH"]))
    (tmp_path / "law" / "index").write_bytes(index)
    (tmp_path / "modules" / "luigi").mkdir(parents=True)
    (tmp_path / "modules" / "luigi" / "__init__.py").write_text("raise KeyboardInterrupt")
    environment = {**law.environment, "PYTHONPATH": f"{tmp_path / 'modules'}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-P", "-m", "tasks.command", "run", "PlotTemplates"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "stopped by Ctrl-C\n")


def test_new(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "muons", "--with", "columns,skim"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"made {folder}/muons, a repository for the analysis muons",
        "next: cd muons && source setup.sh && law run PlotTemplates --version v1",
    ]
    assert "Skim(" in (folder / "muons" / "muons" / "__init__.py").read_text()
    assert main(["new", "muons"]) == 1
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == (
        "",
        f"error: {folder}/muons exists already: choose another name, or remove it\n",
    )


def test_new_here(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "analysis").mkdir()
    (folder / "analysis" / "__init__.py").touch()
    assert main(["new", "muons", "--here"]) == 0
    assert [path.name for path in folder.iterdir()] == ["analysis"]
    assert (folder / "analysis" / "muons" / "params" / "selection.yaml").is_file()
    assert "--analysis muons" in capsys.readouterr().out


def test_update(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    main(["new", "muons"])
    monkeypatch.setenv("POCKET_ROOT", str(folder / "muons"))
    (folder / "muons" / "requirements.lock").unlink()
    assert main(["update"]) == 0
    assert f"replaced requirements.lock by those of Pocketlaw {__version__}" in capsys.readouterr().out
    assert main(["update"]) == 0
    assert "are those of" in capsys.readouterr().out


def test_doctor_needs_an_analysis(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 1
    assert capsys.readouterr().err == (
        "error: no analysis is set up in this shell: source setup.sh of its repository first\n"
    )


def test_doctor_is_the_task(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[list[str]] = []

    def execute(path: str, arguments: list[str]) -> None:
        called.append([path, *arguments])
        raise SystemExit(0)

    monkeypatch.setenv("POCKET_ROOT", str(folder))
    monkeypatch.setattr("tasks.command.main.shutil.which", lambda name: f"/bin/{name}")
    monkeypatch.setattr("tasks.command.main.os.execv", execute)
    with pytest.raises(SystemExit):
        main(["doctor", "--site", "lxplus"])
    assert called == [["/bin/law", "/bin/law", "run", "Doctor", "--site", "lxplus"]]


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "new" in capsys.readouterr().out


def test_a_command_keeps_what_it_finds_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "index").write_text("tasks.chain.show:ShowConfig:\n")
    monkeypatch.setenv("LAW_HOME", str(folder))
    monkeypatch.setattr("sys.argv", ["pocketlaw"])
    try:
        with pytest.raises(SystemExit):
            main(["run", "ShowConfig", "--help"])
        assert kept_table("of this test") is kept_table("of this test")
        assert not gc.isenabled()
    finally:
        # What a task would do that runs.
        forget_tables()
        gc.enable()


def test_unknown_task(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("LAW_HOME", str(folder))
    assert main(["run", "ShowConfg"]) == 2
    assert capsys.readouterr().err == "error: there is no index of the tasks: source setup.sh, or run law index\n"
    (folder / "index").write_text("tasks.chain.show:ShowConfig:\n")
    assert main(["run", "ShowConfg"]) == 2
    assert capsys.readouterr().err == "error: unknown task 'ShowConfg', did you mean 'ShowConfig'?\n"
