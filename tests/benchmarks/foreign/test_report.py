from __future__ import annotations

from pathlib import Path

from benchmarks.foreign.report import Trial, cause, text
from benchmarks.foreign.running import Outcome

PASSED = Outcome(Path("none"), ("import", "load", "process"))
REFUSED = Outcome(Path("none"), ("import",), "ConfigError: no file /home/me/analysis/datasets.json")


def test_the_same_cause_in_other_folders_is_counted_once() -> None:
    other = "ConfigError: no file /data/you/datasets.json"
    assert cause(REFUSED.error) == cause(other) == "ConfigError: no file …/datasets.json"


def test_a_trial_says_how_far_both_sides_came() -> None:
    lines = Trial("a/config.py", PASSED, REFUSED).lines().splitlines()
    assert lines[0] == "a/config.py"
    assert lines[1].split() == ["PocketCoffea:", "import,", "load,", "process"]
    assert lines[2].endswith("here:         import; then ConfigError: no file /home/me/analysis/datasets.json")


def test_the_summary_counts_what_passes_upstream() -> None:
    trials = [Trial("a", PASSED, REFUSED), Trial("b", REFUSED, None), Trial("c", None, REFUSED)]
    lines = text(trials).splitlines()
    assert "3 configurations" in lines
    assert "import   PocketCoffea    3, tried here    2, of which    2" in lines
    assert "load     PocketCoffea    2, tried here    2, of which    0" in lines
    assert lines[lines.index("refused here, by cause:") + 1].strip() == f"2 × {cause(REFUSED.error)}"
    assert lines[lines.index("refused by PocketCoffea:") + 1].strip() == f"1 × {cause(REFUSED.error)}"
