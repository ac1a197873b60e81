from __future__ import annotations

from pocket.errors import ConfigError
from tasks.doctor.checks import Result, Status, of_text


def test_line() -> None:
    assert Result("store", Status.OK, "all is well").line == "ok       store        all is well"
    line = Result("store", Status.PROBLEM, "it is full", "make room").line
    assert line == "problem  store        it is full → make room"


def test_error_is_cut_where_the_advice_begins() -> None:
    error = ConfigError("X509 proxy /p: No such file or directory; make one with voms-proxy-init")
    assert of_text("proxy", str(error)) == Result(
        "proxy", Status.PROBLEM, "X509 proxy /p: No such file or directory", "make one with voms-proxy-init"
    )
    error = ConfigError("proxy expired at 2026-01-01 10:00 UTC: voms-proxy-init -valid 192:00")
    assert of_text("proxy", str(error), Status.WARNING).advice == "voms-proxy-init -valid 192:00"
