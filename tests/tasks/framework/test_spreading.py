from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from functools import partial
from multiprocessing import parent_process
from pathlib import Path

import pytest

from pocket.errors import ProcessDiedError, ScaleFactorError
from tasks.framework import pool, spreading
from tasks.framework.spreading import spread_over
from tests.waiting import wait_for


def negate(number: int) -> int:
    return -number


def find_process(number: int) -> int:
    return os.getpid()


def meet(folder: Path) -> int:
    """Return the number of this process when two processes have come here."""
    (folder / str(os.getpid())).touch()
    wait_for(lambda: len(list(folder.iterdir())) >= 2)
    return os.getpid()


def refuse(number: int) -> int:
    if number == 7:
        raise ScaleFactorError("the fit fails in bin 7")
    return number


def die_in_a_worker(folder: Path, times: int, number: int) -> int:
    if parent_process() is not None and number == 11 and len(list(folder.iterdir())) < times:
        (folder / str(os.getpid())).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return -number


@pytest.fixture(autouse=True)
def no_workers_of_before() -> Iterator[None]:
    pool._end()
    yield
    pool._end()


def count_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have all calls count as long, so that workers are started for them."""
    monkeypatch.setattr(spreading, "_SECONDS_HERE", -1)
    monkeypatch.setattr(spreading, "_WORTH", -1)


def test_few_calls_that_are_left_stay_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreading, "_SECONDS_HERE", 0)
    monkeypatch.setattr(spreading, "_call_in_workers", lambda function, arguments, number: [0] * len(arguments))
    # Each call takes a second or two, so three that are left aren't worth it, and nineteen are.
    for number, here in ((4, 4), (20, 1)):
        monkeypatch.setattr(spreading.time, "monotonic", iter(range(100)).__next__)
        assert spread_over(2)(find_process, range(number)).count(os.getpid()) == here


def test_short_work_stays_here() -> None:
    assert set(spread_over(2)(find_process, range(20))) == {os.getpid()}
    assert not pool.are_there()


def test_long_work_goes_to_workers_in_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    count_as_long(monkeypatch)
    assert spread_over(2)(negate, range(21)) == [-number for number in range(21)]
    assert pool.are_there()
    assert len(set(spread_over(2)(meet, [tmp_path] * 2)) - {os.getpid()}) == 2


@pytest.mark.parametrize(("cores", "arguments"), [(1, range(5)), (2, range(1)), (2, ())])
def test_nothing_is_sent_without_need(cores: int, arguments: range, monkeypatch: pytest.MonkeyPatch) -> None:
    count_as_long(monkeypatch)
    assert spread_over(cores)(find_process, arguments) == [os.getpid()] * len(arguments)
    assert not pool.are_there()


def test_functions_that_cannot_travel_run_here(monkeypatch: pytest.MonkeyPatch) -> None:
    count_as_long(monkeypatch)
    assert spread_over(2)(lambda number: number + 1, range(5)) == [1, 2, 3, 4, 5]


def test_the_error_of_a_call_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    count_as_long(monkeypatch)
    with pytest.raises(ScaleFactorError, match="bin 7"):
        spread_over(2)(refuse, range(20))
    assert spread_over(2)(negate, range(20)) == [-number for number in range(20)]


def test_calls_of_a_killed_worker_are_made_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    count_as_long(monkeypatch)
    assert spread_over(2)(partial(die_in_a_worker, tmp_path, 1), range(20)) == [-number for number in range(20)]
    with pytest.raises(ProcessDiedError, match=r"^part \d of the fits: its process was killed"):
        spread_over(2)(partial(die_in_a_worker, tmp_path, 100), range(20))
