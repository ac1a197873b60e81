"""Tables of rows: for the terminal, as CSV and as JSON."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
#: Width of the terminal's table, and of a column in it, in characters.
WIDTH, COLUMN = 160, 60


def as_text(rows: Sequence[Row], columns: Sequence[str], most: int = 0) -> str:
    """Return a table for the terminal, without columns that are empty, with at most some rows (0 for all).

    >>> print(as_text([{"bin": "pt 20 to 30", "left": 1.0, "ratio": 0.98}], ["bin", "left", "ratio"]))
    bin          left  ratio
    pt 20 to 30     1   0.98
    """
    shown = rows[:most] if most else rows
    used = [name for name in columns if any(_text(row.get(name)) for row in shown)]
    cells = [[_shortened(_text(row.get(name))) for name in used] for row in shown]
    widths = [max([len(name), *(len(line[i]) for line in cells)]) for i, name in enumerate(used)]
    right = [all(isinstance(row.get(name), int | float | None) for row in shown) for name in used]
    lines = [
        "  ".join(
            text.rjust(width) if is_number else text.ljust(width)
            for text, width, is_number in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in (used, *cells)
    ]
    if len(shown) < len(rows):
        lines.append(f"and {len(rows) - len(shown)} more")
    return "\n".join(lines)


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _shortened(text: str) -> str:
    # Names of corrections differ at their end.
    return text if len(text) <= COLUMN else f"…{text[1 - COLUMN :]}"


def as_csv(rows: Sequence[Row], columns: Sequence[str]) -> str:
    """Return rows as CSV; numbers have all digits, and what is missing is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        values = (row.get(name) for name in columns)
        writer.writerow("" if _is_missing(value) else value for value in values)
    return text.getvalue()


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def as_json(content: Any) -> str:
    """Return rows, or what has them, as JSON; numbers that aren't finite become null."""
    return json.dumps(_plain(content), indent=1, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
