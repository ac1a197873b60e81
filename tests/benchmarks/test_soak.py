"""The conclusions of the soak, from what a pool and a record of jobs may tell."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.soak.report import Attempts, attempts, complaints, table


def job(branch: int, starts: int = 1) -> dict[str, Any]:
    return {"PocketlawBranches": f"_{branch}To{branch + 1}", "NumJobStarts": starts}


def test_what_there_was_of_each_branch() -> None:
    found = attempts(
        [job(10), job(2), job(2, starts=2)],
        {2: [("was held", "was held: too much disk")]},
        {2: "disk"},
    )
    assert found == {2: Attempts(2, 3, ("was held",), "disk"), 10: Attempts(1, 1)}
    # in the order of the branches
    assert list(found) == [2, 10]


@pytest.mark.parametrize(
    ("found", "explained"),
    [
        (Attempts(1, 1), True),
        (Attempts(2, 2, ("was held",), "disk"), True),
        # HTCondor begins it again by itself
        (Attempts(1, 2, (), "vacate"), True),
        # the pool failed a job that nobody struck, and Pocketlaw says so
        (Attempts(2, 2, ("vanished",)), True),
        (Attempts(2, 2), False),
        (Attempts(1, 2), False),
        (Attempts(3, 3, ("was held",), "disk"), False),
        # it ended before HTCondor could take it away
        (Attempts(2, 2, ("needed more memory",), "vacate"), True),
        (Attempts(2, 2, (), "vacate"), False),
    ],
)
def test_jobs_without_a_reason_are_found(found: Attempts, explained: bool) -> None:
    assert found.is_explained is explained


def test_complaints() -> None:
    found = {0: Attempts(1, 1), 1: Attempts(2, 2, ("ran too long",), "disk"), 2: Attempts(2, 2)}
    assert complaints({0: Attempts(1, 1)}, 1, {}) == []
    assert complaints(found, 4, {0: "kill", 1: "disk"}) == [
        "there were jobs of 3 branches, but there are 4",
        "branch 1: ran too long was named, expected was held",
        "branch 2: nothing explains Attempts(jobs=2, starts=2, causes=(), fault='')",
        "branch 0: kill was planned, but didn't happen",
    ]


def test_table() -> None:
    found = {
        0: Attempts(1, 1),
        1: Attempts(2, 2, ("was held",), "disk"),
        2: Attempts(2, 2, (), "disk"),
        3: Attempts(1, 2, (), "vacate"),
        4: Attempts(2, 2, ("vanished",)),
    }
    rows = table(found, {1: "disk", 2: "disk", 3: "vacate"}).splitlines()
    assert "| takes more disk than the pool allows, and is held | 2 | 1 × (nothing); 1 × was held | 2 | 0 |" in rows
    assert "| sent away from its node (condor_vacate_job) | 1 | 1 × (nothing) | 0 | 1 |" in rows
    assert rows[-2:] == ["| nothing, yet it failed | 1 | 1 × vanished | 1 | 0 |", "| nothing | 1 | (nothing) | 0 | 0 |"]
