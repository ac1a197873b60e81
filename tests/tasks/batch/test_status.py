from __future__ import annotations

import pytest

from tasks.batch.status import Status


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (
            Status(jobs=4, queued=4, all_events=2000),
            "main [--------------------] 0 %: 0 of 4 jobs done, 0 running, 4 queued; 0 of 2,000 events",
        ),
        (
            Status(jobs=4, done=2, running=1, waiting=1, held=1, events=1100, all_events=2000, rate=10.0),
            "main [###########---------] 55 %: 2 of 4 jobs done, 1 running, 0 queued, 1 on hold, 1 to be tried again; "
            "1,100 of 2,000 events, 10 events/s, about 1 min left",
        ),
        # of 1999 events not all are done, and nothing is left to wait for
        (
            Status(jobs=2, done=1, failed=1, events=1999, all_events=2000, causes={"needed more memory": 3}),
            "main [###################-] 99 %: 1 of 2 jobs done, 0 running, 0 queued, 1 failed; 1,999 of 2,000 events; "
            "failed attempts: 3 needed more memory",
        ),
        (
            Status(jobs=1, done=1, events=5, all_events=5, rate=2.0),
            "main [####################] 100 %: 1 of 1 jobs done, 0 running, 0 queued; 5 of 5 events",
        ),
        (
            Status(jobs=2, done=1, running=1, events=100, all_events=200, unit="toys", rate=5.0),
            "main [##########----------] 50 %: 1 of 2 jobs done, 1 running, 0 queued; 100 of 200 toys, 5 toys/s, about "
            "20 s left",
        ),
        (Status(jobs=1, running=1), "main: 0 of 1 jobs done, 1 running, 0 queued"),
        (Status(jobs=4, running=1, new=3), "main: 0 of 4 jobs done, 1 running, 0 queued, 3 to be submitted"),
    ],
)
def test_line(status: Status, line: str) -> None:
    assert status.line("main") == line
