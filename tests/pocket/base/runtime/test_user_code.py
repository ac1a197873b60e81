from __future__ import annotations

import pytest

from pocket.base.runtime.user_code import EventRange, UserCall, call_of, events_of, is_noted, note_file, take_file


def test_an_exception_passes_with_what_was_called_and_the_events() -> None:
    error = ValueError("no")
    with (
        pytest.raises(ValueError, match=r"^no$") as caught,
        EventRange("DY", 0, 40),
        UserCall("workflow", "Mine"),
        UserCall("cut", "dimuon"),
    ):
        raise error
    assert caught.value is error
    assert call_of(error) == "cut 'dimuon'"
    assert events_of(error, "a.root") == "DY, entries 0:40 of file a.root"
    assert events_of(error, "") == "DY, entries 0:40"
    assert is_noted(error)


def test_an_exception_from_elsewhere() -> None:
    error = ValueError("no")
    assert (call_of(error), events_of(error, "a.root"), events_of(error, ""), is_noted(error)) == (
        "",
        "file a.root",
        "",
        False,
    )


def test_the_end_of_a_program_is_not_noted() -> None:
    with pytest.raises(KeyboardInterrupt) as caught, UserCall("cut", "dimuon"):
        raise KeyboardInterrupt
    assert not is_noted(caught.value)


class SlotsError(Exception):
    """An exception that takes no attributes."""

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(name)


def test_an_exception_that_takes_no_attributes() -> None:
    with pytest.raises(SlotsError), UserCall("cut", "dimuon"):
        raise SlotsError


def test_the_file_is_noted_once() -> None:
    error = ValueError("no")
    note_file(error, "a.root")
    note_file(error, "b.root")
    assert (take_file(error), take_file(error)) == ("a.root", "")
    slots = SlotsError()
    note_file(slots, "a.root")
    assert take_file(slots) == ""
