from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pocket.base.fingerprint import fingerprint, specification
from pocket.io.store import write_output
from pocket.io.store.records import keep_specification
from tasks.core.graph import Node
from tasks.core.targets import COMPLETE, WOULD_RUN, State, StoreTarget
from tasks.core.tree import print_deps, print_status


class Task:
    """A task with an output in the store."""

    task_family = "Merge"

    def __init__(self, folder: Path, spec: Any, required: tuple[Task, ...] = (), part: str = "main") -> None:
        self.spec, self.required, self.part = spec, required, part
        self.directory = folder / part / fingerprint(spec)

    @property
    def progress_label(self) -> str:
        return f"{self.task_family} {self.part}"

    def fingerprint_spec(self) -> Any:
        return self.spec

    def requires(self) -> tuple[Task, ...]:
        return self.required

    def to_str_params(self, only_significant: bool) -> dict[str, str]:
        return {}

    def awaited(self) -> str:
        return next((task.progress_label for task in self.required if not task.complete()), "")

    def output(self) -> StoreTarget:
        return StoreTarget(self.directory, dict, awaited=self.awaited)

    def complete(self) -> bool:
        return self.output().exists()

    def make(self) -> Task:
        keep_specification(fingerprint(self.spec), lambda: specification(self.spec))
        with write_output(self.directory, task="Merge", inputs={}) as folder:
            (folder / "file").write_text("content")
        return self


@pytest.fixture(autouse=True)
def _store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_STORE", str(tmp_path / "store"))
    monkeypatch.delenv("COLUMNS", raising=False)


def test_all_differences_to_the_newest_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def shown(task: Task) -> list[str]:
        print_status(task)
        return capsys.readouterr().out.splitlines()[:-3]

    before = {"config": {"parameters": {"pt": 20.0}, "cut": "a"}, "upstream": "a" * 12}
    after = {"config": {"parameters": {"pt": 26}, "cut": "b"}, "upstream": "b" * 12}
    assert shown(Task(tmp_path, after)) == ["Merge main  would run  no output yet"]
    Task(tmp_path, before).make()
    assert [line.strip() for line in shown(Task(tmp_path, after))] == [
        "Merge main  would run  parameter pt: 20.0 → 26",
        "cut a → b",
    ]
    only_upstream = {**before, "upstream": "c" * 12}
    assert shown(Task(tmp_path, only_upstream)) == ["Merge main  would run  what it is made from has changed"]


def test_status_of_a_chain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = Task(tmp_path, {"cut": 1}, part="first").make()
    changed = Task(tmp_path, {"cut": 2}, part="first")
    root = Task(tmp_path, {"plot": 1}, (changed,), "plot")
    print_status(root, "-1")
    assert capsys.readouterr().out == (
        "Merge plot      would run  after Merge first\n"
        "└─ Merge first  would run  cut 1 → 2\n"
        "\n"
        "2 tasks: 2 would run\n"
        f"output: {root.directory}\n"
    )
    root = Task(tmp_path, {"plot": 1}, (first,), "plot").make()
    print_status(root, "-1")
    assert capsys.readouterr().out.splitlines()[:4] == [
        "Merge plot      complete",
        "└─ Merge first  complete",
        "",
        "2 tasks: 2 complete",
    ]
    # The output of the root exists, but a required task has to run again.
    print_status(Task(tmp_path, {"plot": 1}, (changed,), "plot"))
    out = capsys.readouterr().out
    assert out.splitlines()[0] == "Merge plot  may run  unless the result of Merge first stays the same"
    assert "1 task: 1 may run" in out


def test_dependencies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_deps(Task(tmp_path, {}, (Task(tmp_path, {}, part="first"),), "plot"))
    assert capsys.readouterr().out == "Merge plot\n└─ Merge first\n\n2 tasks\n"


class Workflow(Task):
    """A workflow whose branches are made from files by name, ``one`` at first; a missing branch has none."""

    branches_are_known, work_unit = True, "events"

    def __init__(self, folder: Path, *files: str | None, enough: bool = False) -> None:
        super().__init__(folder, {"branches": 1})
        self.enough = enough
        for number, file in enumerate(files):
            if file is not None:
                with write_output(self.directory / str(number), task="Run", inputs={"file": file}) as place:
                    (place / "file").write_text("content")
        self.branch_outputs = {
            number: StoreTarget(self.directory / str(number), lambda: {"file": "one"}) for number in range(len(files))
        }

    def is_workflow(self) -> bool:
        return True

    def branch_size(self, branch: int) -> int:
        return 100 * (branch + 1)

    def complete(self) -> bool:
        return self.enough


@pytest.mark.parametrize(
    ("files", "state", "amount"),
    [
        (("one", "other", None), State(WOULD_RUN, ("input file has changed",), (1, 2), 3), "500 events"),
        (("one", None), State(WOULD_RUN, (), (1,), 2), "200 events"),
        (("one", "one"), State(COMPLETE, (), (), 2), ""),
        ((None,), State(WOULD_RUN, (), (0,), 1), "100 events"),
        ((), State(WOULD_RUN), ""),
    ],
)
def test_states_of_branches(tmp_path: Path, files: tuple[str | None, ...], state: State, amount: str) -> None:
    node = Node(Workflow(tmp_path, *files))
    assert (node.state, node.reasons, node.amount) == (state, state.reasons, amount)


def test_some_branches_may_be_enough(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = {
        enough: Node(Workflow(tmp_path / str(enough), "one", None, enough=enough)).state for enough in (True, False)
    }
    assert {enough: (state.kind, state.name) for enough, state in names.items()} == {
        True: (COMPLETE, "1 of 2 branches"),
        False: (WOULD_RUN, "1 of 2 branches"),
    }
    print_status(Workflow(tmp_path / "all", "one", "one"))
    assert capsys.readouterr().out == "Merge main  complete  2 branches\n\n1 task: 1 complete\n"
