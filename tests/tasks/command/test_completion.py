from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import law
import pytest

from pocket.configuration.loading import load_analysis
from tasks.core.completion import FOLDER, file_name, keep_names, names_of
from tests.law_runner import ROOT

LAW = Path(law.__file__).parent / "cli" / "completion.sh"
SHELLS = ["bash", pytest.param("zsh", marks=pytest.mark.slow)]
CALL = """
{complete_of_zsh}
source '{law}' ""
source '{ours}'
completed() {{
    {emulate}
    COMP_WORDS=("$@")
    COMP_CWORD=$(( $# - 1 ))
    _pocketlaw_complete
    echo "${{COMPREPLY[@]}}"
}}
completed {words}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of law with the names of two analyses."""
    folder = tmp_path / "a home"
    folder.mkdir()
    monkeypatch.setenv("LAW_HOME", str(folder))
    monkeypatch.setenv("LAW_CONFIG_FILE", str(ROOT / "law.cfg"))
    monkeypatch.delenv("POCKET_RECORDS", raising=False)
    for name in ("zmumu", "ttbar"):
        keep_names(name, load_analysis(name))
    (folder / "index").write_text("tasks.chain.plotting:PlotTemplates:config variables version\n")
    return folder


def run(shell: str, script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([shell, "-c", script], env=os.environ, cwd=ROOT, capture_output=True, text=True, timeout=60)


def complete(shell: str, words: str) -> list[str]:
    """Return what a shell offers for the words of a command."""
    of_zsh = {
        "complete_of_zsh": "autoload -Uz +X compinit && compinit -u -D; autoload -Uz +X bashcompinit && bashcompinit",
        "emulate": "emulate -L sh; setopt kshglob braceexpand",
    }
    values = of_zsh if shell == "zsh" else dict.fromkeys(of_zsh, ":")
    done = run(shell, CALL.format(law=LAW, ours=ROOT / "tasks/command/completion.sh", words=words, **values))
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("law run PlotTemplates --config cal", ["calibrated", "calibrated_root"]),
        ("law run PlotTemplates --config nominal,cal", ["nominal,calibrated", "nominal,calibrated_root"]),
        ("law run PlotTemplates --analysis ttbar --config c", ["columns", "classified"]),
        ("law run PlotTemplates --config = cal", ["calibrated", "calibrated_root"]),
        ("law run PlotTemplates --config=cal", ["--config=calibrated", "--config=calibrated_root"]),
        ("law run PlotTemplates --analysis t", ["ttbar"]),
        ("law run PlotScaleFactors --scale-factor ''", ["muon_id", "trigger", "dy_pt"]),
        ("law run FitModel --model z_xsec_", ["z_xsec_count"]),
        ("law run PlotTemplates --variables mll,n", ["mll,nJetGood", "mll,npvs"]),
        ("law run PlotTemplates --categories base", ["baseline"]),
        ("law run PlotTemplates --resources s", ["small"]),
        ("law run PlotTemplates --analysis nothing --config c", []),
    ],
)
def test_names_of_an_analysis(shell: str, words: str, offered: list[str]) -> None:
    assert complete(shell, words) == offered


@pytest.mark.usefixtures("home")
def test_all_else_is_completed_by_law() -> None:
    assert complete("bash", "law run PlotTemplates --vari") == ["--variables"]
    assert complete("bash", "law run PlotT") == ["PlotTemplates"]


@pytest.mark.slow
@pytest.mark.usefixtures("home")
def test_all_else_is_completed_by_law_in_zsh() -> None:
    # zsh itself drops what doesn't begin with the word
    assert "--variables" in complete("zsh", "law run PlotTemplates --vari")
    assert "PlotTemplates" in complete("zsh", "law run PlotT")


@pytest.mark.usefixtures("home")
def test_law_completes_commands_without_an_index(home: Path) -> None:
    (home / "index").unlink()
    assert complete("bash", "law ind") == ["index"]
    assert complete("bash", "law run PlotT") == []


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("shell", SHELLS)
def test_mistyped_task(shell: str) -> None:
    zsh = "autoload -Uz +X compinit && compinit -u -D; autoload -Uz +X bashcompinit && bashcompinit;"
    script = 'PATH=$PWD/tasks/command/bin:$PATH; law run PlotTemplats --version v1; echo "exit code $?"'
    done = run(shell, f"{zsh if shell == 'zsh' else ''} {script}")
    assert done.stdout == "exit code 2\n"
    assert done.stderr == "error: unknown task 'PlotTemplats', did you mean 'PlotTemplates'?\n"


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("words", ["law run", "law run --help", "law run -h"])
def test_no_task(words: str) -> None:
    done = run("bash", f"PATH=$PWD/tasks/command/bin:$PATH; {words}")
    assert done.stderr == ""
    assert re.search("\n  PlotTemplates +Draws data over stacked simulation", done.stdout)
    assert "--help prints the options of a task" in " ".join(done.stdout.split())


def test_names_are_written_when_they_change(home: Path) -> None:
    path = home / FOLDER / "zmumu"
    before = path.stat().st_mtime_ns
    keep_names("zmumu", load_analysis("zmumu"))
    assert path.stat().st_mtime_ns == before
    path.write_text("")
    keep_names("zmumu", load_analysis("zmumu"))
    assert "--scale-factor muon_id trigger dy_pt\n" in path.read_text()


def test_jobs_and_read_only_folders_write_none(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "file").write_text("")
    monkeypatch.setenv("LAW_HOME", str(home / "file"))
    keep_names("zmumu", load_analysis("zmumu"))
    monkeypatch.setenv("LAW_HOME", str(home / "jobs"))
    monkeypatch.setenv("POCKET_RECORDS", "lock:1")
    keep_names("zmumu", load_analysis("zmumu"))
    assert not (home / "jobs").exists()


def test_names_of_the_analysis() -> None:
    analysis = load_analysis("zmumu")
    names = names_of(analysis)
    assert names["--config"] == list(analysis.configs)
    assert names["--scale-factor"] == list(analysis.scale_factors)
    assert names["--model"] == list(analysis.models)
    assert set(names["--variables"]) == {name for config in analysis.configs.values() for name in config.variables}
    assert file_name("/path/to/mine") == "%path%to%mine"
