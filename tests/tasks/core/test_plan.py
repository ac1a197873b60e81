from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tasks.core.plan import described, plan_lines


@dataclass
class Step:
    """A task, as far as a plan looks at it."""

    task_family: str
    config_part: str
    work: tuple[str, str] = ("", "")
    reason: str = ""

    @property
    def task_id(self) -> str:
        """Its id."""
        return f"{self.task_family}_{self.config_part}"

    def describe_work(self) -> tuple[str, str]:
        """Return what there is to do."""
        return self.work

    def describe_reason(self) -> str:
        """Return why it runs."""
        return self.reason


STEPS = (
    Step("Plot", "b", ("", "3 variables")),
    Step("Merge", "b"),
    Step("Run", "b", ("2 of 6 branches", "10k events")),
    Step("Factor", "f", reason="never shown, since it waits"),
    Step("Merge", "a"),
    Step("Run", "a", ("6 branches", "30k events"), "cut 1 → 2"),
    Step("Run", "c", ("6 branches", "30k events"), "cut 1 → 2"),
)
REQUIRED = {
    "Plot_b": {"Merge_b", "Factor_f", "Closed_f"},
    "Merge_b": {"Run_b"},
    "Run_b": {"Factor_f"},
    "Factor_f": {"Merge_a"},
    "Merge_a": {"Run_a"},
}


def lines(width: int = 0) -> list[str]:
    """Return the lines of the plan without spaces that align them."""
    found = plan_lines({step.task_id: step for step in STEPS}, REQUIRED, width)
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


def test_narrow_lines_have_less() -> None:
    assert lines(80)[0] == "Run a, c · 30k events each · cut 1 → 2"


def test_a_reason_that_does_not_fit_is_broken_between_words() -> None:
    reason = "parameter muon.trigger.path: 'HLT_IsoMu24' → 'HLT_IsoMu24_eta2p1', cut dimuon: leading_pt 27.0 → 28"
    steps = (Step("Run", "a", ("6 branches", "30k events"), reason), Step("Merge", "a"))
    for width in (60, 80, 120):
        found = plan_lines({step.task_id: step for step in steps}, {"Merge_a": {"Run_a"}}, width)
        assert all(len(line) <= width for line in found)
        column = found[-1].index("after")
        assert " ".join(line[column:] for line in found[:-1]) == reason
        assert found[0][:column].split() == ["Run", "a", *(["6", "branches,"] if width > 100 else []), "30k", "events"]
        assert not "".join(line[:column] for line in found[1:-1]).strip()
        assert found[-1].split() == ["Merge", "a", "after", "Run"]
    assert len(plan_lines({step.task_id: step for step in steps}, {"Merge_a": {"Run_a"}}, 200)) == 2


def test_a_description_never_makes_a_run_fail() -> None:
    class Broken(Step):
        def describe_reason(self) -> Any:
            raise OSError("no store")

    assert described(Broken("Run", "a"), "describe_reason", "") == ""
    assert described(object(), "describe_reason", "none") == "none"
