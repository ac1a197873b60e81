"""Edits of Python source by the positions of its syntax tree, so that comments and formatting stay."""

from __future__ import annotations

import ast
import io
import re
import textwrap
import tokenize
from collections.abc import Iterator, Sequence
from pathlib import Path

from pocket.errors import ConfigError

#: Longest line of a new import statement.
_WIDTH = 100


class Source:
    """Source of a module, and edits of it that don't overlap."""

    def __init__(self, path: Path) -> None:
        try:
            self._read(path.read_text(encoding="utf-8"), str(path))
        except (SyntaxError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path} can't be parsed: {error}") from None

    @classmethod
    def of(cls, text: str) -> Source:
        """Return the source with a text."""
        made = cls.__new__(cls)
        made._read(text, "source")
        return made

    def _read(self, text: str, name: str) -> None:
        self.text = text
        self.tree = ast.parse(text, name)
        self._bytes = text.encode()
        # A form feed doesn't end a line of a syntax tree.
        lines = self._bytes.split(b"\n")
        self._starts = [0]
        for line in lines:
            self._starts.append(self._starts[-1] + len(line) + 1)
        self._edits: dict[tuple[int, int], str] = {}
        self.parents = {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Return where a node begins and ends, in bytes."""
        start, stop = node.lineno, node.end_lineno  # type: ignore[attr-defined]
        columns = node.col_offset, node.end_col_offset  # type: ignore[attr-defined]
        return self._starts[start - 1] + columns[0], self._starts[stop - 1] + columns[1]

    def part(self, start: int, stop: int) -> str:
        """Return the text between two positions."""
        return self._bytes[start:stop].decode()

    def replace(self, node: ast.AST, text: str) -> None:
        """Replace a node."""
        self._edits[self.span(node)] = text

    def replace_part(self, start: int, stop: int, text: str) -> None:
        """Replace the text between two positions; nothing, if they are the same."""
        self._edits[start, stop] = self._edits.get((start, stop), "") + text

    def add_argument(self, call: ast.Call, argument: str) -> None:
        """Add an argument to a call, on a line of its own if the last one has one."""
        last = max((*call.args, *(keyword.value for keyword in call.keywords)), key=self.span, default=None)
        if last is None:
            end = self.span(call)[1] - 1
            self.replace_part(end, end, argument)
            return
        keyword = self.parents[last]
        begin, end = self.span(keyword if isinstance(keyword, ast.keyword) else last)[0], self.span(last)[1]
        before, rest = self.part(self._line_of(begin), begin), self.part(end, self.span(call)[1] - 1)
        # The position of an argument leaves out parentheses around it; only comments may hold others.
        parentheses = [found.end() for found in re.finditer(r"#.*|\)", rest) if found[0] == ")"]
        end += len(rest[: max(parentheses, default=0)].encode())
        self.replace_part(end, end, f",\n{before}{argument}" if not before.strip() else f", {argument}")

    def replace_import(self, node: ast.Import | ast.ImportFrom, statements: Sequence[str]) -> None:
        """Replace an import statement by others, or by nothing."""
        start, stop = self.span(node)
        line = self._line_of(start)
        before, after = self.part(line, start), self.part(stop, self._end_of_line(stop))
        shares_line = bool(before.strip()) or after.lstrip().startswith(";")
        if not statements:
            self._remove(node, shares_line)
            return
        text = [*self._comments(start, stop), *statements]
        if shares_line:
            text = [statement.partition("  #")[0] for statement in statements]
        elif after.strip():
            text[-1] = text[-1].partition("  #")[0]
        self.replace(node, "; ".join(text) if shares_line else textwrap.indent("\n".join(text), before).lstrip())

    def remove(self, node: ast.stmt) -> None:
        """Remove a statement, and comments above it that name the same library."""
        start, stop = self.span(node)
        before, after = self.part(self._line_of(start), start), self.part(stop, self._end_of_line(stop))
        self._remove(node, bool(before.strip()) or after.lstrip().startswith(";"))

    def _remove(self, node: ast.stmt, shares_line: bool) -> None:
        siblings = next(
            value for _, value in ast.iter_fields(self.parents[node]) if isinstance(value, list) and node in value
        )
        if shares_line or (len(siblings) == 1 and not isinstance(self.parents[node], ast.Module)):
            self.replace(node, "pass")
            return
        start, stop = self.span(node)
        begin = self._line_of(start)
        while begin and (above := self.part(self._line_of(begin - 1), begin)).lstrip().startswith("#"):
            if "cloudpickle" not in above:
                break
            begin = self._line_of(begin - 1)
        self.replace_part(begin, min(self._end_of_line(stop) + 1, len(self._bytes)), "")

    def insert_import(self, statement: str) -> None:
        """Insert an import statement before all others, but after those from ``__future__``."""
        first = next((node for node in self.tree.body if not _comes_first(node)), None)
        at = len(self._bytes) if first is None else self._line_of(self.span(first)[0])
        self.replace_part(at, at, f"{statement}\n")

    def result(self) -> str:
        """Return the edited text."""
        parts, done = [], 0
        for (start, stop), text in sorted(self._edits.items()):
            parts += [self._bytes[done:start].decode(), text]
            done = max(done, stop)
        return "".join([*parts, self._bytes[done:].decode()])

    def _line_of(self, position: int) -> int:
        return self._bytes.rfind(b"\n", 0, position) + 1

    def _end_of_line(self, position: int) -> int:
        end = self._bytes.find(b"\n", position)
        return len(self._bytes) if end < 0 else end

    def _comments(self, start: int, stop: int) -> Iterator[str]:
        """Yield the comments between two positions."""
        if "#" in (text := self.part(start, stop)):
            tokens = tokenize.generate_tokens(io.StringIO(text).readline)
            yield from (token.string for token in tokens if token.type == tokenize.COMMENT)


def _comes_first(node: ast.stmt) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def from_import(module: str, names: Sequence[tuple[str, str]], comment: str = "") -> str:
    """Return an import statement, on several lines if it is long.

    Examples:
        >>> from_import("pocket", [("Cut", "Cut"), ("Axis", "A")])
        'from pocket import Cut, Axis as A'
    """
    listed = ", ".join(name if name == own else f"{name} as {own}" for name, own in names)
    end = f"  # {comment}" if comment else ""
    line = f"from {module} import {listed}"
    if len(line) <= _WIDTH:
        return f"{line}{end}"
    wrapped = textwrap.fill(listed, _WIDTH, initial_indent="    ", subsequent_indent="    ")
    return f"from {module} import (\n{wrapped},\n){end}"
