from __future__ import annotations

import io
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from rich.text import Text

from pocket.errors import ConfigError
from tasks.core.graph import Node
from tasks.core.tree import draw, labels_of, line, nodes_of


@dataclass(eq=False)
class Task:
    task_family: str
    part: str = ""
    required: list[Any] = field(default_factory=list)
    params: Mapping[str, str] = field(default_factory=dict)

    @property
    def progress_label(self) -> str:
        return f"{self.task_family} {self.part}"

    def requires(self) -> list[Any]:
        return self.required

    def to_str_params(self, only_significant: bool) -> dict[str, str]:
        return dict(self.params)


class Stream(io.StringIO):
    def __init__(self, terminal: bool, encoding: str) -> None:
        super().__init__()
        self.terminal, self._encoding = terminal, encoding

    @property
    def encoding(self) -> str:
        return self._encoding

    def isatty(self) -> bool:
        return self.terminal


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COLUMNS", "NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "stdout", Stream(False, "utf-8"))


DATASETS = Task("Build", "data")
RUNS = {name: Task("Run", name, [DATASETS]) for name in ("a", "b")}
MEASURED = Task("Measure", "sf", [Task("Merge", "a", [RUNS["a"]])])
RUNS["b"].required.append(MEASURED)
PLOT = Task("Plot", "b", [Task("Merge", "b", [RUNS["b"]]), MEASURED, DATASETS])


def nothing(node: Node) -> list[Text]:
    return []


def drawn(root: Task, rows: Callable[[Node], list[Text]] = nothing) -> str:
    nodes = nodes_of(root)
    return draw(nodes[0], labels_of(node.task for node in nodes), rows)


def labels(root: Task, stop: str = "-1") -> list[str]:
    return sorted(labels_of(node.task for node in nodes_of(root, stop)).values())


def test_each_task_appears_once() -> None:
    assert drawn(PLOT).splitlines() == [
        "Plot b",
        "└─ Merge b",
        "   └─ Run b",
        "      ├─ Build data",
        "      └─ Measure sf",
        "         └─ Merge a",
        "            └─ Run a",
        "               └─ above: Build data",
    ]


@pytest.mark.parametrize(
    ("stop", "expected"),
    [
        ("0", ["Plot b"]),
        ("1", ["Plot b", "Merge b", "Measure sf", "Build data"]),
        ("Run", ["Plot b", "Merge b", "Run b", "Measure sf", "Merge a", "Run a", "Build data"]),
        ("Merge|Measure", ["Plot b", "Merge b", "Measure sf", "Build data"]),
        ("2|Run", ["Plot b", "Merge b", "Run b", "Measure sf", "Merge a", "Build data"]),
    ],
)
def test_depth_and_families(stop: str, expected: list[str]) -> None:
    assert labels(PLOT, stop) == sorted(expected)


def test_depth_that_is_none() -> None:
    with pytest.raises(ConfigError, match="'-x' is neither a depth, such as 2 or -1 for all, nor the name of a task"):
        nodes_of(PLOT, "-x")


def test_family_that_is_not_required() -> None:
    with pytest.raises(ConfigError, match="unknown task 'Marge' in what Plot requires, did you mean 'Merge'"):
        nodes_of(PLOT, "Marge")
    with pytest.raises(ConfigError, match="unknown task 'x'"):
        nodes_of(PLOT, "0|x")
    assert labels(PLOT, "0|Me*") == ["Plot b"]


def test_tasks_of_one_name_have_what_tells_them_apart() -> None:
    both = [Task("Merge", "a", params={"version": "v1", "params": value}) for value in ("", "tag=new")]
    assert labels(Task("Compare", "a", both)) == ["Compare a", "Merge a (params=)", "Merge a (params=tag=new)"]


def test_states_are_aligned() -> None:
    text = drawn(MEASURED, lambda node: [line("done") if node.task is DATASETS else line("would run", "", "why")])
    assert text.splitlines() == [
        "Measure sf           would run  why",
        "└─ Merge a           would run  why",
        "   └─ Run a          would run  why",
        "      └─ Build data  done",
    ]
    assert "\033" not in text


def test_lines_below_a_task() -> None:
    text = drawn(MEASURED, lambda node: [line("a"), line("branch 3")] if node.task.progress_label == "Merge a" else [])
    assert text.splitlines()[2].strip("│ ") == "branch 3"


def test_lines_fit_the_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    lines = drawn(PLOT, lambda node: [line("would run", "red", "because the selection has changed")]).splitlines()
    assert max(map(len, lines)) <= 44
    assert sum("would run" in line for line in lines) == 7
    assert " ".join(" ".join(line.split()[-2:]) for line in lines).count("changed") == 7


def test_colours_in_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Stream(True, "utf-8"))
    monkeypatch.setenv("TERM", "dumb")
    assert drawn(DATASETS, lambda node: [line("done", "green")]) == "Build data  done"
    monkeypatch.setenv("TERM", "xterm")
    assert drawn(DATASETS, lambda node: [line("done", "green", "now")]) == "Build data  \033[32mdone\033[0m  now"
    monkeypatch.setenv("NO_COLOR", "1")
    assert drawn(DATASETS, lambda node: [line("done", "green")]) == "Build data  done"


def test_plain_signs_where_others_cannot_be_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Stream(False, "ascii"))
    assert drawn(RUNS["a"]) == "Run a\n`- Build data"
