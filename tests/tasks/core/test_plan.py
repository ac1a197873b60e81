from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tasks.core.graph import Node
from tasks.core.plan import described, plan_lines
from tasks.core.targets import WOULD_RUN, State

UNMADE = State(WOULD_RUN)


@dataclass
class Step:
    """A task, as far as a plan looks at it."""

    task_family: str
    config_part: str


def known(family: str, part: str, required: Sequence[Node] = (), state: State = UNMADE, amount: str = "") -> Node:
    """Return a node of which all is known."""
    node = Node(Step(family, part), [*required])
    vars(node).update(state=state, reasons=state.reasons, amount=amount)
    return node


SIX = State(WOULD_RUN, ("cut 1 → 2",), tuple(range(6)), 6)
RUN_A, RUN_C = (known("Run", part, state=SIX, amount="30k events") for part in "ac")
MERGE_A = known("Merge", "a", [RUN_A])
FACTOR = known("Factor", "f", [MERGE_A], State(WOULD_RUN, ("never shown, since it waits",)))
RUN_B = known("Run", "b", [FACTOR], State(WOULD_RUN, (), (3, 4), 6), "10k events")
MERGE_B = known("Merge", "b", [RUN_B])
PLOT = known("Plot", "b", [MERGE_B, FACTOR], amount="3 variables")


def lines(width: int = 0) -> list[str]:
    """Return the lines of the plan without spaces that align them."""
    found = plan_lines([PLOT, MERGE_B, RUN_B, FACTOR, MERGE_A, RUN_A, RUN_C], width)
    assert all(len(line) <= width for line in found if width)
    return [" · ".join(filter(None, (part.strip() for part in line.split("  ")))) for line in found]


def test_tasks_of_a_kind_with_one_reason_share_a_line_in_the_order_of_running() -> None:
    assert lines() == [
        "Run · a, c · 6 branches, 30k events each · cut 1 → 2",
        "Merge · a, b · after Run",
        "Factor · f · after Merge",
        "Run · b · 2 of 6 branches, 10k events · after Factor",
        # the factor is before the templates, and what isn't to run isn't waited for
        "Plot · b · 3 variables · after Merge",
    ]


def test_what_no_task_has_takes_no_space() -> None:
    found = plan_lines([known("Merge", "a"), known("Plot", "b", [known("Merge", "a")])], 0)
    assert found == ["  Merge  a", "  Plot   b  after Merge"]


def test_narrow_lines_have_less() -> None:
    assert lines(80)[0] == "Run a, c · 30k events each · cut 1 → 2"


def test_a_reason_that_does_not_fit_is_broken_between_words() -> None:
    reason = "parameter muon.trigger.path: 'HLT_IsoMu24' → 'HLT_IsoMu24_eta2p1', cut dimuon: leading_pt 27.0 → 28"
    run = known("Run", "a", state=SIX._replace(reasons=(reason,)), amount="30k events")
    nodes = run, known("Merge", "a", [run])
    for width in (60, 80, 120):
        found = plan_lines(nodes, width)
        assert all(len(line) <= width for line in found)
        column = found[-1].index("after")
        assert " ".join(line[column:] for line in found[:-1]) == reason
        assert found[0][:column].split() == ["Run", "a", *(["6", "branches,"] if width > 100 else []), "30k", "events"]
        assert not "".join(line[:column] for line in found[1:-1]).strip()
        assert found[-1].split() == ["Merge", "a", "after", "Run"]
    assert len(plan_lines(nodes, 200)) == 2


def test_reasons_are_counted_beyond_two() -> None:
    (line,) = plan_lines([known("Run", "a", state=State(WOULD_RUN, ("x", "y", "z", "w")))], 0)
    assert line.split("  ")[-1] == "x, y (and 2 more, shown by --print-status -1)"


def test_a_description_never_makes_a_run_fail() -> None:
    class Broken(Step):
        def describe_work(self) -> Any:
            raise OSError("no store")

        def output(self) -> Any:
            raise OSError("no store")

    assert described(Broken("Run", "a"), "describe_work", "") == ""
    assert described(object(), "describe_work", "none") == "none"
    assert plan_lines([Node(Broken("Run", "a"))], 0) == ["  Run  a"]
