from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest

from tasks.core.log import ENGINE, VARIABLE, heed_option, log_to_terminal

MODULE = "pocket.engine.chunking"


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("SECRET", "s3cret")
    yield
    os.environ.pop(VARIABLE, None)
    log_to_terminal()
    logging.getLogger(ENGINE).setLevel(logging.INFO)


def test_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_terminal()
    logger = logging.getLogger(MODULE)
    logger.info("%d files", 3)
    logger.warning("a file is missing")
    logger.debug("hidden")
    assert capsys.readouterr().err == "3 files\nwarning: a file is missing\n"


def test_once_only(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_terminal()
    log_to_terminal()
    logging.getLogger(MODULE).info("said")
    assert capsys.readouterr().err == "said\n"


@pytest.mark.parametrize(
    ("words", "level"),
    [
        (["--log-level", "DEBUG"], logging.DEBUG),
        (["--log-level=warning"], logging.WARNING),
        (["--version", "v1"], logging.INFO),
        (["--log-level"], logging.INFO),
    ],
)
def test_option(words: list[str], level: int) -> None:
    log_to_terminal()
    heed_option(words)
    assert logging.getLogger(ENGINE).level == level
    # as a process does that the command starts
    log_to_terminal()
    assert logging.getLogger(MODULE).getEffectiveLevel() == level


def test_debugging_says_where_it_is_from(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_terminal()
    heed_option(["--log-level", "DEBUG"])
    logging.getLogger(MODULE).debug("of %s took 3 MB", "root://host//f.root")
    assert capsys.readouterr().err == f"debug: {MODULE}: of root://host//f.root took 3 MB\n"
