from __future__ import annotations

from pathlib import Path

import pytest

from tasks.command.known_tasks import describe_tasks, read_index
from tests.law_runner import ROOT

INDEX = """\
tasks.chain.plotting:PlotTemplates:version
mine.steps:Print:version
tasks.chain.toys:MakeToySamples:version
broken
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an index and a module of its own."""
    (tmp_path / "index").write_text(INDEX)
    (tmp_path / "mine").mkdir()
    text = 'class Print:\n    """Prints numbers: all ``--cores`` of them.\n\n    And more.\n    """\n'
    (tmp_path / "mine" / "steps.py").write_text(text)
    monkeypatch.setenv("LAW_HOME", str(tmp_path))
    monkeypatch.setenv("LAW_CONFIG_FILE", str(ROOT / "law.cfg"))
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("place")
def test_tasks_are_in_the_order_of_a_chain() -> None:
    assert [task for _, task in read_index()] == ["MakeToySamples", "PlotTemplates", "Print"]


def test_order_of_an_analysis_that_inherits_its_modules(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_ENGINE", str(ROOT))
    (place / "law.cfg").write_text("[core]\ninherit: $POCKET_ENGINE/law.cfg\n\n[modules]\nmine.steps\n")
    (place / "index").write_text("\n".join(reversed(INDEX.splitlines())))
    monkeypatch.setenv("LAW_CONFIG_FILE", str(place / "law.cfg"))
    assert [task for _, task in read_index()] == ["MakeToySamples", "PlotTemplates", "Print"]


@pytest.mark.usefixtures("place")
def test_each_task_has_a_line_that_fits() -> None:
    lines = describe_tasks(read_index(), width=80).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[3:6] == [
        "  MakeToySamples  Generates toy NanoAOD with a known truth",
        "  PlotTemplates   Draws data over stacked simulation",
        "  Print           Prints numbers: all --cores of them",
    ]
    assert describe_tasks(read_index(), width=30).splitlines()[5] == "  Print           Prints …"


def test_without_an_index_there_are_no_tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAW_HOME", str(tmp_path))
    assert read_index() == []
    assert "tasks" in describe_tasks([], width=80)
