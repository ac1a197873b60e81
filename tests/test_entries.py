"""One item for a list names each entry that fails, and only those."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from tests.entries import check_each


def test_every_entry_that_fails_is_named() -> None:
    seen = []

    @check_each(
        ("number", "error"), [(1, ValueError), pytest.param(2, KeyError, id="two"), (3, KeyError), (4, OSError)]
    )
    def check(number: int, error: type[Exception]) -> None:
        seen.append(number)
        with pytest.raises(KeyError):
            raise {1: ValueError("first"), 4: KeyError("right")}.get(number) or error("x") if number != 2 else KeyError
        assert number != 4

    with pytest.raises(AssertionError) as caught:
        check()
    assert seen == [1, 2, 3, 4]
    assert str(caught.value).splitlines()[0] == "2 of 4 entries fail:"
    assert "1, ValueError: test_entries.py:" in str(caught.value)
    assert "ValueError: first" in str(caught.value)
    assert "4, OSError: test_entries.py:" in str(caught.value)


def test_what_does_not_raise_and_the_chosen_names() -> None:
    @check_each("number", [1, 2], ids=lambda number: f"number {number}")
    def check(number: int) -> None:
        with pytest.raises(ZeroDivisionError):
            _ = 1 / (number - 1)

    with pytest.raises(AssertionError, match=r"^1 of 2 entries fail:\nnumber 2: .*DID NOT RAISE"):
        check()


@check_each("number", [1, 2])
def test_each_entry_has_its_fixtures(
    number: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert list(tmp_path.iterdir()) == []
    assert "POCKET_OF_AN_ENTRY" not in os.environ
    (tmp_path / "file").touch()
    monkeypatch.setenv("POCKET_OF_AN_ENTRY", str(number))
    logging.getLogger(__name__).warning(number)
    assert caplog.messages == [str(number)]
    print(number)
    assert capsys.readouterr().out == f"{number}\n"


@pytest.mark.parametrize("entries", [[], [(1, 2)], [pytest.param(1, marks=pytest.mark.slow)]])
def test_lists_that_are_refused(entries: list[object]) -> None:
    with pytest.raises(AssertionError):
        check_each(("number",), entries)
