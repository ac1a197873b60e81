from __future__ import annotations

from pathlib import Path

import pytest

from tasks.batch.causes import (
    Cause,
    Failure,
    Needs,
    back_off,
    error_of_log,
    is_about_proxy,
    is_common,
    is_final,
    kind_of,
    was_killed,
)
from tasks.core.loaded import CHANGED, changed_sentence


@pytest.mark.parametrize(
    ("failure", "cause"),
    [
        (Failure(held=True, hold_code=34, reason="Job has gone over cgroup memory limit of 2048 megabytes"), "MEMORY"),
        (Failure(held=True, hold_code=26, reason="memory usage exceeded request_memory"), "MEMORY"),
        (Failure(held=True, hold_code=46, reason="The job exceeded allowed job duration of 3:00:00"), "RUNTIME"),
        (Failure(reason="Job removed by SYSTEM_PERIODIC_REMOVE due to wall time exceeded allowed max."), "RUNTIME"),
        (Failure(held=True, hold_code=4, reason="Proxy about to expire"), "PROXY"),
        (Failure(held=True, hold_code=4, reason="The job's credentials are invalid"), "HELD"),
        (Failure(held=True, hold_code=13, reason="Transfer input files failure at execution point"), "HELD"),
        (Failure(held=True, hold_code=13, reason="Transfer input files failure … Details: operation timeout"), "HELD"),
        (Failure(held=True, hold_code=12, reason="Transfer output files failure: /data/memory.root"), "HELD"),
        (Failure(reason="via condor_rm (by user someone)"), "REMOVED"),
        (Failure(found=False), "LOST"),
        (Failure(signal=9), "MEMORY"),
        (Failure(code=137), "MEMORY"),
        (Failure(code=60), "FAILED"),
        (Failure(signal=11), "FAILED"),
        (Failure(), "FAILED"),
    ],
)
def test_causes(failure: Failure, cause: str) -> None:
    assert failure.cause is Cause[cause]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("OSError: [FATAL] Auth failed: No protocols left; Seckrb5: secgsi: proxy file expired", True),
        ("ssl.SSLError: certificate verify failed: certificate has expired", True),
        ("proxy lifetime too short", True),
        ("error: expired VOMS proxy", True),
        ("OSError: [ERROR] Operation expired", False),
        ("KeyError: 'proxy'", False),
    ],
)
def test_errors_about_proxies(error: str, expected: bool) -> None:
    assert is_about_proxy(error) is expected


def test_what_is_asked_for_next() -> None:
    needs, most = Needs(2000.0, 3.0), Needs(5000.0, 4.0)
    assert needs.after(Cause.MEMORY, most) == Needs(4000.0, 3.0)
    assert needs.after(Cause.MEMORY, most).after(Cause.MEMORY, most) == Needs(5000.0, 3.0)
    assert needs.after(Cause.RUNTIME, most) == Needs(2000.0, 4.0)
    assert needs.after(Cause.FAILED, most) == needs
    # never less than before, where a person asked for more than the limit
    assert Needs(9000.0, 9.0).after(Cause.MEMORY, most) == Needs(9000.0, 9.0)


@pytest.mark.parametrize(
    ("failed", "done", "expected"), [(2, 0, False), (3, 0, True), (3, 12, True), (3, 13, False), (100, 1900, False)]
)
def test_failures_that_tell_of_the_others(failed: int, done: int, expected: bool) -> None:
    assert is_common(failed, done) is expected


def test_back_off_doubles_up_to_a_limit() -> None:
    assert [back_off(attempt) for attempt in (1, 2, 3, 20)] == [30.0, 60.0, 120.0, 1800.0]
    assert back_off(2, 0.5) == 1.0


def test_error_of_a_log(tmp_path: Path) -> None:
    log = tmp_path / "stdall_0To1.txt"
    log.write_text(
        "INFO: running\nTraceback (most recent call last):\n  File x\nKeyError: 'first'\n\nDuring handling\n"
        "Traceback (most recent call last):\n  File y\npocket.errors.BadFileError: /f12.root: 17 bytes at 0xAFf1\n"
        "job exit code : 60\n"
    )
    assert error_of_log(log) == "pocket.errors.BadFileError: /f12.root: 17 bytes at 0xAFf1"
    log.write_text("ERROR: task failed\nerror: unknown weight 'sf_mu', did you mean 'sf_mu_id'?\nend\n")
    assert error_of_log(log) == "unknown weight 'sf_mu', did you mean 'sf_mu_id'?"
    log.write_text("error: error: cut 'dimuon' (cuts.py:16) raised KeyError: 'pT'\n")
    assert error_of_log(log) == "cut 'dimuon' (cuts.py:16) raised KeyError: 'pT'"
    log.write_text("all is well\n")
    assert error_of_log(log) == ""
    assert error_of_log(tmp_path / "none") == error_of_log(None) == ""


def test_log_of_a_task_that_was_killed(tmp_path: Path) -> None:
    log = tmp_path / "stdall_0To1.txt"
    log.write_text("one_start.sh: line 5: 640959 Killed    command law\ntask exit code: 137\njob exit code : 60\n")
    assert was_killed(log)
    log.write_text("task exit code: 137\nonce more\ntask exit code: 30\njob exit code : 60\n")
    assert not was_killed(log)
    assert not was_killed(tmp_path / "none")
    assert not was_killed(None)


def test_errors_of_two_jobs_are_the_same_but_for_numbers_and_paths() -> None:
    one, other = (f"BadFileError: /f{number}.root: {number} bytes at 0xAF{number}" for number in (12, 17))
    assert kind_of(one) == kind_of(other) == "BadFileError: … … bytes at …"
    assert kind_of("KeyError: 'pt'") != kind_of("KeyError: 'eta'")


def test_an_error_that_is_final(tmp_path: Path) -> None:
    sentence = changed_sentence("RunProcessor main", {}, None)
    log = tmp_path / "stdall_0To1.txt"
    log.write_text(f"ERROR: task failed\nerror: {sentence.replace(CHANGED, CHANGED + ': /here/cuts.py:16')}\n")
    assert "/here/cuts.py:16" in error_of_log(log)
    assert is_final(error_of_log(log))
    assert not is_final("pocket.errors.BadFileError: /f12.root: 17 bytes at 0xAFf1")
