from __future__ import annotations

from typing import Any

import pytest

from pocket.errors import ConfigError, PocketError
from tasks.batch.queues import QueueError, QueueManager, ask, branches_of


class Manager:
    """Of law, in short."""

    FAILED = "failed"

    def job_status_dict(self, **state: Any) -> dict[str, Any]:
        return state


class Queue(QueueManager, Manager):
    pause = 5.0

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.waits: list[float] = []
        self.wait = self.waits.append
        self.observe = lambda states: None

    def query(self, job_id: Any, **kwargs: Any) -> Any:
        if self.failures:
            self.failures -= 1
            raise QueueError("the schedd is down")
        return dict.fromkeys(job_id, "running")


def test_a_queue_that_does_not_answer_is_asked_again_and_said_so_once(capsys: pytest.CaptureFixture[str]) -> None:
    queue = Queue(failures=3)
    assert queue.query_batch(["1", "2"]) == {"1": "running", "2": "running"}
    assert queue.waits == [5.0] * 3
    assert capsys.readouterr().out.splitlines() == [
        "the schedd is down; it is asked again every 5 s",
        "the queue answers again",
    ]


def test_a_queue_that_never_answers_is_given_up() -> None:
    queue = Queue(failures=100)
    with pytest.raises(QueueError, match="the schedd is down"):
        queue.query_batch(["1"])
    assert len(queue.waits) == queue.most_failures - 1


def test_what_the_queue_tells_is_observed() -> None:
    queue, seen = Queue(), []
    queue.observe = seen.append
    assert queue.query_batch(["1", "2"]) == {"1": "running", "2": "running"}
    # nothing is asked for
    assert queue.query_batch([]) == {}
    assert seen == [{"1": "running", "2": "running"}, {}]
    with pytest.raises(NotImplementedError):
        queue.waiting_or_running()


def test_state_of_a_job_that_failed() -> None:
    expected = {"job_id": "1", "status": "failed", "code": 60, "extra": {"failure": {"code": 60}, "remote_host": "a"}}
    assert Queue().failed("1", "a", code=60) == expected
    assert Queue().failed("1", found=False) == {
        "job_id": "1",
        "status": "failed",
        "code": 1,
        "extra": {"failure": {"found": False}},
    }


def test_commands() -> None:
    assert ask(["echo", "all is well"]) == "all is well\n"
    with pytest.raises(QueueError, match=r"^sh failed with exit code 3: it is closed$"):
        ask(["sh", "-c", "echo 'it is\n closed' >&2; exit 3"])
    with pytest.raises(QueueError, match="pocketlaw-none can't be run: "):
        ask(["pocketlaw-none"])
    assert issubclass(QueueError, PocketError)
    assert not issubclass(QueueError, ConfigError)


def test_branches() -> None:
    assert branches_of("_0To2") == (0, 1)
    assert branches_of("_7To8") == (7,)
    assert branches_of("") == branches_of("_0To") == ()
