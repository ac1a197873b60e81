from __future__ import annotations

import fcntl
import io
import json
import logging
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from tasks.core import report
from tasks.core.report import Journal, amount_of, rate_of, show_error
from tasks.core.run_log import RUN_LOG
from tasks.framework import pool
from tests.law_runner import Law
from tests.tasks.small_chain import Chain
from tests.waiting import wait_for

pytestmark = pytest.mark.slow

#: what moves the cursor or gives a colour
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLOR = re.compile(r"\x1b\[[0-9;]+m")
LUIGI = re.compile(r"Informed scheduler|Worker\(|Execution Summary|This progress looks|^INFO", re.MULTILINE)


@dataclass(frozen=True)
class Ended:
    """A command that has ended.

    Args:
        code: exit code.
        out: standard output.
        err: standard error.
    """

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """The lines of standard error."""
        return self.err.splitlines()


def run(chain: Chain, task: str, *options: str, **environment: str) -> Ended:
    """Run a task without a terminal."""
    process = subprocess.run(
        ["law", "run", *chain.arguments(task, "--cores", "2", *options)],
        env={**chain.law.environment, **environment},
        cwd=chain.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=900,
    )
    return Ended(process.returncode, process.stdout, process.stderr)


def run_in_terminal(chain: Chain, width: int, task: str, *options: str, **environment: str) -> Ended:
    """Run a task in a terminal of some width; standard output and error are one."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    kept = {name: value for name, value in chain.law.environment.items() if name not in ("COLUMNS", "NO_COLOR")}
    process = subprocess.Popen(
        ["law", "run", *chain.arguments(task, "--cores", "2", *options)],
        env={**kept, "TERM": "xterm", **environment},
        cwd=chain.folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    text = b""
    while True:
        try:
            read = os.read(ours, 65536)
        except OSError:  # the other side is closed
            break
        if not read:
            break
        text += read
    os.close(ours)
    return Ended(process.wait(timeout=60), "", text.decode())


def forget(chain: Chain, *tasks: str) -> None:
    """Remove all outputs of some tasks."""
    for task in tasks or (
        "RunProcessor",
        "MergeOutputs",
        "ComputeScaleFactors",
        "ValidateScaleFactors",
        "PlotTemplates",
    ):
        shutil.rmtree(chain.store / "small" / task, ignore_errors=True)


def logs(chain: Chain) -> list[Path]:
    """Return the log files."""
    return sorted((chain.store / ".logs").glob("*"))


def test_a_run_without_a_terminal(chain: Chain) -> None:
    shutil.rmtree(chain.store)
    ended = run(chain, "PlotTemplates")
    assert ended.code == 0, ended.err
    assert ended.out == ""
    assert "\x1b" not in ended.err
    assert "\r" not in ended.err
    assert not LUIGI.search(ended.err)
    assert len(ended.lines) < 40
    (log,) = logs(chain)
    assert ended.lines[0] == f"small v1 · store: store · log: store/.logs/{log.name}"
    patterns = [
        r"Plan: 11 tasks to run",
        r"  MakeToySamples        toys +7 branches, 3.9k events",
        r"  RunProcessor          probes, main +after BuildDatasets",
        r"  PlotTemplates         corrected +2 variables +after MergeOutputs, ValidateScaleFactors",
        r"✓ MakeToySamples toys +3,858 events +\d+\.\d s +\S+/s",
        r"✓ RunProcessor probes, main +2 × 3,158 events +\d+\.\d s +\S+/s",
        r"✓ ComputeScaleFactors tight_id +2 bins +\d+\.\d s",
        r"✓ ValidateScaleFactors tight_id +measures the truth within \S+ % +\d+\.\d s",
        r"✓ PlotTemplates corrected +4 figures +\d+\.\d s",
        r"Results",
        r"  muon_pt, baseline  data 1,497   simulation 1,064 ± 42   χ²/ndf \d+\.\d/2",
        r"  before \(main\)      simulation 1,127 ± 28   χ²/ndf \d+\.\d/2",
        r"  tight_id           2 bins  0\.\d{3} … 0\.\d{3}   ± 1\.\d … 1\.\d %",
        r" +its selection is unchecked",
        r" +measures the truth within \S+ %",
        r"  plots              store/small/PlotTemplates/corrected/v1/\w{12}/",
        r"Done in \d+.*",
    ]
    found = iter(ended.lines)
    assert [pattern for pattern in patterns if not any(re.fullmatch(pattern, line) for line in found)] == []
    text = log.read_text()
    assert "Informed scheduler that task" in text
    assert "MergeOutputs main: divided by the sum of genWeight" in text
    assert re.search(r"closure of scale factor tight_id: its selection is unchecked\n +measures the truth within", text)
    assert all(line in text for line in ended.lines if line.strip())

    again = run(chain, "PlotTemplates")
    assert (again.code, again.out) == (0, "")
    (line,) = again.lines
    assert re.fullmatch(r"small v1: complete, 11 tasks, store/small/PlotTemplates/corrected/v1/\w{12}", line)
    assert logs(chain) == [log]


@pytest.mark.parametrize(("width", "colored"), [(80, True), (200, False)])
def test_a_run_in_a_terminal(chain: Chain, width: int, colored: bool) -> None:
    forget(chain)
    ended = run_in_terminal(chain, width, "PlotTemplates", **({} if colored else {"NO_COLOR": "1"}))
    assert ended.code == 0, ended.err
    assert not LUIGI.search(ended.err)
    # bars are drawn over and over
    assert "━" in ended.err
    plain = CONTROL.sub("", ended.err)
    assert [line for line in re.split(r"[\r\n]+", plain) if len(line) > width] == []
    # the end of a colour is none
    assert bool(COLOR.search(ended.err.replace("\x1b[0m", ""))) is colored
    assert ("\x1b[32m✓\x1b[0m" if colored else "✓") + " MergeOutputs main" in ended.err
    assert "✓ PlotTemplates corrected" in plain
    assert re.search(r"^Done in ", plain, re.MULTILINE)


def fail(chain: Chain) -> None:
    """Let a cut fail."""
    chain.edit("cuts.py", "    # without", "    raise ValueError('no muons')\n    # without")


def test_the_error_comes_last(chain: Chain) -> None:
    fail(chain)
    ended = run(chain, "PlotTemplates")
    assert ended.code == 30
    assert not LUIGI.search(ended.err)
    assert "Traceback" not in ended.err
    assert (
        "  RunProcessor          probes, main             4 branches, 3.2k events each  cut leading_muon: " in ended.err
    )
    assert re.search(r"^✗ RunProcessor (main|probes) +failed after \d", ended.err, re.MULTILINE)
    assert "9 of 9 tasks were not made. The same command goes on from here." in ended.lines
    assert re.match(r"error: configuration '(main|probes)': cut 'leading_muon' failed in ", ended.lines[-1])
    assert "ValueError: no muons" in ended.lines[-1]
    log = max(logs(chain), key=lambda path: path.stat().st_mtime_ns).read_text()
    assert "Traceback (most recent call last)" in log
    assert "This progress looks :(" in log


def test_a_command_that_runs_nothing_does_not_go_on(chain: Chain) -> None:
    ended = run(chain, "RunProcessor", "--config", "main", "--branch", "99")
    assert ended.code == 35
    assert "goes on from here" not in ended.err
    assert ended.lines[-1].startswith("error: RunProcessor main has no branch 99")


def test_errors_in_a_terminal_are_broken_between_words(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(RUN_LOG, "path", None)
    monkeypatch.setattr(sys, "stderr", shown := Terminal())
    words = "error: configuration 'main': cut 'leading_muon' failed in the events of a file: ValueError: no muons"
    show_error(words.removeprefix("error: "), "", True)
    lines = CONTROL.sub("", shown.getvalue()).splitlines()
    assert len(lines) == 2
    assert max(map(len, lines)) <= 80
    assert " ".join(" ".join(lines).split()) == words


def test_an_error_of_ours(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    whole = f'failed\nTraceback (most recent call last):\n  File "{tmp_path}/a.py", line 3, in f\nValueError: a bug'
    monkeypatch.setattr(RUN_LOG, "path", tmp_path / "run.log")
    show_error("ValueError: a bug", whole, False)
    assert capsys.readouterr().err.splitlines() == ["error: ValueError: a bug", "  at a.py:3", "  traceback: run.log"]
    # A worker's traceback comes before that of this process, and a library may be where it ends.
    for last in (pool.__file__, json.__file__):
        show_error("ValueError: a bug", f'{whole}\n  File "{last}", line 9, in run', False)
        assert capsys.readouterr().err.splitlines()[1] == "  at a.py:3"
    monkeypatch.setattr(RUN_LOG, "path", None)
    show_error("ValueError: a bug", whole, False)
    assert capsys.readouterr().err.splitlines() == [*whole.splitlines(), "error: ValueError: a bug"]


def test_luigis_lines_and_others(chain: Chain) -> None:
    forget(chain, "RunProcessor", "MergeOutputs")
    # a store without a place for logs
    shutil.rmtree(chain.store / ".logs", ignore_errors=True)
    (chain.store / ".logs").write_text("in the way")
    arguments = ("MergeOutputs", "--config", "main")
    more = run(chain, *arguments, "--log-level", "DEBUG")
    assert more.code == 0, more.err
    assert "small v1 · store: store" in more.lines
    assert "INFO: Informed scheduler that task" in more.err
    assert "Execution Summary" not in more.err
    # workers log at the level of the command
    assert "debug: pocket.engine.chunking: " in more.err
    assert more.lines[-1].startswith("Done in ")
    forget(chain, "MergeOutputs")
    less = run(chain, *arguments, "--log-level", "WARNING")
    assert (less.code, less.out, less.err) == (0, "", "")


def test_a_job_has_luigis_lines_and_no_other_log(chain: Chain) -> None:
    forget(chain, "MergeOutputs")
    before = logs(chain)
    ended = run(chain, "MergeOutputs", "--config", "main", POCKET_HOST_KIND="htcondor")
    assert ended.code == 0, ended.err
    assert "INFO: Informed scheduler that task" in ended.err
    assert "Plan:" not in ended.err
    assert logs(chain) == before


def test_processes_of_luigi_write_one_journal() -> None:
    journal = Journal()
    journal.add(done="first")
    process = os.fork()
    if not process:
        journal.add(error=["sentence", "trace", True])
        os._exit(0)
    os.waitpid(process, 0)
    journal.add(done="second")
    assert journal.entries("done") == ["first", "second"]
    assert journal.entries("error") == [["sentence", "trace", True]]
    assert journal.entries("failed") == []
    journal.close()


@pytest.fixture
def interrupted(chain: Chain, interruptible: None) -> Iterator[subprocess.Popen[str]]:
    """A command that waits in a cut."""
    begun = chain.folder / "begun"
    wait = f"    import pathlib, time\n    pathlib.Path({str(begun)!r}).touch()\n    time.sleep(60)\n"
    chain.edit("cuts.py", "    # without", f"{wait}    # without")
    law: Law = chain.law
    process = law.start(*chain.arguments("MergeOutputs", "--config", "main", "--cores", "2"))
    wait_for(lambda: begun.exists() or process.poll() is not None)
    yield process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)


def test_ctrl_c(interrupted: subprocess.Popen[str]) -> None:
    os.killpg(interrupted.pid, signal.SIGINT)
    text, _ = interrupted.communicate(timeout=60)
    assert interrupted.returncode == 130
    lines = text.splitlines()
    assert lines[-1] == "stopped by Ctrl-C: finished outputs stay; run the same command again to go on"
    assert "Results" not in lines
    assert "Traceback" not in text


def test_amounts() -> None:
    assert amount_of(3000, "events") == "3,000 events"
    assert amount_of(3000, "events", 1500) == "2 × 1,500 events"
    # only some branches are shared
    assert amount_of(3000, "events", 2000) == "3,000 events"
    assert [rate_of(1000, 2), rate_of(1000, 0.01), rate_of(0, 2)] == ["500/s", "", ""]


def test_luigis_lines_are_shown_where_there_is_no_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    record = logging.LogRecord(report.LUIGI, logging.INFO, "", 0, "Done scheduling tasks", (), None)
    for found, expected in ((None, "INFO: Done scheduling tasks\n"), (SimpleNamespace(shown=None), "")):
        monkeypatch.setattr(report, "_report", found)
        report.LuigiHandler().emit(record)
        assert capsys.readouterr().err == expected
