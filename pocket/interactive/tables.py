"""Tables that a terminal and a notebook show, and code reads like nested dictionaries."""

from __future__ import annotations

import html
import io
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from pocket.errors import ConfigError, UnknownKeyError

if TYPE_CHECKING:
    from rich.table import Table as RichTable


class Yield(NamedTuple):
    """Sum of weights with its statistical error.

    Example:
        >>> str(Yield(1234.567, 12.3))
        '1,235 ± 12'
    """

    value: float
    error: float

    def __str__(self) -> str:
        """Return value and error, rounded to two digits of the error."""
        if not (self.error > 0 and math.isfinite(self.error)):
            return f"{self.value:,.6g}"
        digits = max(0, 1 - math.floor(math.log10(self.error)))
        return f"{self.value:,.{digits}f} ± {self.error:,.{digits}f}"


class Named(dict[str, Any]):
    """Dictionary that tells which names it has when code looks for another one; ``empty`` is said if there are none.

    Example:
        >>> Named({"DY": 5}, "column", "table 'Events'")["DY"]
        5
    """

    def __init__(self, values: Mapping[str, Any], kind: str, where: str, empty: str = "") -> None:
        super().__init__(values)
        self.kind = kind
        self.where = where
        self.empty = empty

    def __missing__(self, name: str) -> Any:
        """Refuse an unknown name."""
        if not self and self.empty:
            raise ConfigError(self.empty)
        raise UnknownKeyError(self.kind, name, self, self.where)


class Table(Mapping[str, Mapping[str, Any]]):
    """Row → column → value.

    A terminal shows it by :mod:`rich` or as text, a notebook as HTML.

    Args:
        title: title of the table.
        corner: heading of the rows' names.
        rows: row → column → value, which may be missing.

    Example:
        >>> table = Table("Events", "Cut", {"initial": {"DY": 40}, "skim": {"DY": 12}})
        >>> table["skim"]["DY"]
        12
        >>> print(table)
             Events
        ┏━━━━━━━━━┳━━━━┓
        ┃ Cut     ┃ DY ┃
        ┡━━━━━━━━━╇━━━━┩
        │ initial │ 40 │
        │ skim    │ 12 │
        └─────────┴────┘
    """

    def __init__(self, title: str, corner: str, rows: Mapping[str, Mapping[str, Any]]) -> None:
        self.title = title
        self.corner = corner
        self._rows = {row: Named(values, "column", f"row {row!r} of table {title!r}") for row, values in rows.items()}

    def __getitem__(self, row: str) -> Mapping[str, Any]:
        """Return the values of a row."""
        if row not in self._rows:
            raise UnknownKeyError("row", row, self._rows, f"table {self.title!r}")
        return self._rows[row]

    def __iter__(self) -> Iterator[str]:
        """Yield the names of the rows."""
        return iter(self._rows)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._rows)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(dict.fromkeys(column for values in self._rows.values() for column in values))

    def _cells(self) -> Iterator[tuple[str, ...]]:
        """Yield the texts of each row."""
        for row, values in self._rows.items():
            yield row, *(_text(values.get(column)) for column in self.columns)

    def __rich__(self) -> RichTable:
        """Return the table for rich."""
        from rich.table import Table as RichTable
        from rich.text import Text

        # Text keeps brackets, which rich would take as markup.
        table = RichTable(title=Text(self.title), title_style="bold")
        table.add_column(Text(self.corner))
        for column in self.columns:
            table.add_column(Text(column), justify="right", no_wrap=True)
        for cells in self._cells():
            table.add_row(*map(Text, cells))
        return table

    def __repr__(self) -> str:
        """Return the table as text."""
        from rich.console import Console

        # No column is shortened, however many there are.
        console = Console(file=io.StringIO(), width=10_000, color_system=None, force_jupyter=False)
        with console.capture() as capture:
            console.print(self)
        return "\n".join(line.rstrip() for line in capture.get().rstrip().splitlines())

    def _repr_html_(self) -> str:
        """Return the table for notebooks."""

        def row(kind: str, cells: tuple[str, ...]) -> str:
            first, *others = map(html.escape, cells)
            right = "".join(f'<{kind} style="text-align: right">{cell}</{kind}>' for cell in others)
            return f'<tr><th style="text-align: left">{first}</th>{right}</tr>'

        head = row("th", (self.corner, *self.columns))
        body = "".join(row("td", cells) for cells in self._cells())
        caption = f"<caption>{html.escape(self.title)}</caption>"
        return f"<table>{caption}<thead>{head}</thead><tbody>{body}</tbody></table>"


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.6g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
