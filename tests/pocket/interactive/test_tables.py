"""Tables in a terminal, in a notebook, and as dictionaries."""

from __future__ import annotations

import io
import math

import pytest
from rich.console import Console

from pocket.errors import UnknownNameError
from pocket.interactive import Table, Yield

TABLE = Table("A <b>", "Cut", {"[red]x": {"a": 1234567, "b": 0.123456789}, "y": {"b": Yield(5.0, 0.5), "c": "<i>"}})


def test_dictionary() -> None:
    assert TABLE["y"]["c"] == "<i>"
    assert TABLE.columns == ("a", "b", "c")
    assert {row: dict(values) for row, values in TABLE.items()}["[red]x"]["a"] == 1234567
    with pytest.raises(UnknownNameError, match="unknown row 'z' in table 'A <b>'"):
        TABLE["z"]
    with pytest.raises(UnknownNameError, match="unknown column 'd' in row 'y' of table 'A <b>'; known: b, c"):
        TABLE["y"]["d"]
    assert TABLE.get("z") is TABLE["y"].get("d") is None
    assert "z" not in TABLE


def test_text_keeps_everything() -> None:
    text = repr(TABLE)
    assert "[red]x" in text
    assert "1,234,567" in text
    assert "0.123457" in text
    wide = Table("wide", "Row", {"row": {f"column_{i}": "x" * 30 for i in range(30)}})
    assert repr(wide).count("x" * 30) == 30


def test_terminal_of_rich() -> None:
    console = Console(file=io.StringIO(), width=80)
    with console.capture() as capture:
        console.print(TABLE)
    assert "[red]x" in capture.get()


def test_notebook_escapes_html() -> None:
    html = TABLE._repr_html_()
    assert "<caption>A &lt;b&gt;</caption>" in html
    assert "&lt;i&gt;" in html
    assert html.count("<tr>") == 3


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (1234.567, 12.3, "1,235 ± 12"),
        (0.01234, 0.00056, "0.01234 ± 0.00056"),
        (5.0, 0.5, "5.00 ± 0.50"),
        (9.96, 0.996, "9.96 ± 1.00"),
        (6.6e7, 3.3e7, "66,000,000 ± 33,000,000"),
        (3.0, 0.0, "3"),
        (3.0, math.nan, "3"),
    ],
)
def test_yields_are_rounded_to_their_errors(value: float, error: float, text: str) -> None:
    assert str(Yield(value, error)) == text
