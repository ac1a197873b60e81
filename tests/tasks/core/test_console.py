from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from tasks.core.console import (
    colored,
    duration,
    fitted,
    replace_what_encodings_lack,
    short,
    short_path,
    some_names,
    width_of,
    wrapped,
    wrapping_width,
    write_line,
)
from tests.law_runner import Law


class Terminal(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        """Tell that it is one."""
        return True


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Terminal()


def test_labels_end_where_a_line_does() -> None:
    assert [fitted("abc", width) for width in (0, 1, 2, 3)] == ["abc", "…", "a…", "abc"]


def test_names() -> None:
    assert some_names(["a", "b"]) == "a, b"
    assert some_names(["nominal", "calibrated", "tnp"], 20) == "nominal, … (3)"
    # one name is never cut
    assert some_names(["a_very_long_name"], 4) == "a_very_long_name"


def test_numbers_and_times() -> None:
    assert [short(number) for number in (0, 999, 1000, 9940, 9960, 999_400, 999_600, 2.5e9)] == [
        "0",
        "999",
        "1.0k",
        "9.9k",
        "10k",
        "999k",
        "1.0M",
        "2.5G",
    ]
    assert [duration(seconds) for seconds in (0.04, 59.9, 59.96, 3599, 3600)] == [
        "0.0 s",
        "59.9 s",
        "1 min 0 s",
        "59 min 59 s",
        "1 h 0 min",
    ]


def test_colours_only_where_they_are_wanted(narrow: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    assert colored("✓", "green", narrow) == "\033[32m✓\033[0m"
    assert colored("✓", "", narrow) == colored("✓", "green", io.StringIO()) == "✓"
    monkeypatch.setenv("TERM", "dumb")
    assert colored("✓", "green", narrow) == "✓"
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert colored("✓", "green", narrow) == "✓"


def test_widths(narrow: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (width_of(narrow), wrapping_width(narrow)) == (20, 20)
    # Nothing is cut in a file.
    assert (width_of(io.StringIO()), wrapping_width(io.StringIO())) == (0, 20)
    monkeypatch.delenv("COLUMNS")
    assert wrapping_width(io.StringIO()) == 0


def test_sentences_are_broken_between_words(narrow: Terminal) -> None:
    text = "error: no file /a/long/path/to/file.root is there"
    assert wrapped(text, narrow) == "error: no file\n  /a/long/path/to/file.root\n  is there"
    assert wrapped(text, io.StringIO()) == text


def test_paths_below_the_working_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert short_path(tmp_path / "store" / "a") == "store/a"
    assert short_path("/elsewhere/a") == "/elsewhere/a"


def test_the_encoding_of_a_terminal_ends_no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, io.TextIOWrapper(io.BytesIO(), encoding="latin-1"))
    replace_what_encodings_lack()
    print("1 − 2 ± 3", file=sys.stdout)
    print("1 − 2 ± 3", file=sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        stream.seek(0)
        assert stream.read() == "1 - 2 ± 3\n"


def test_help_on_a_terminal_with_another_encoding(tmp_path: Path) -> None:
    run = Law(tmp_path, {"PYTHONIOENCODING": "latin-1"}).run("ShowYields", "--help")
    assert run.code == 0, run.text
    assert "--print-status D" in run.text


def test_characters_that_an_encoding_lacks() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    write_line("✓ 1 ± 2", stream)
    stream.seek(0)
    assert stream.read() == "? 1 ? 2\n"
