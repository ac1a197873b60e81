"""Docstrings as Markdown: roles of Sphinx become code, and examples become code blocks."""

from __future__ import annotations

import re
from typing import Any

import griffe

_ROLE = re.compile(r":(?:class|func|meth|mod|data|attr|exc):`(~?)([^`]+)`")
_SECTION = re.compile(r"^(\s*)Examples?:\s*$")


def without_roles(text: str) -> str:
    """Return a text with Sphinx roles as code, which a tilde shortens to the last part of the name."""
    return _ROLE.sub(lambda found: f"`{found[2].rpartition('.')[2] if found[1] else found[2]}`", text)


def with_examples(text: str) -> str:
    """Return a docstring whose examples outside of a section of examples are code blocks."""
    lines: list[str] = []
    inside = section = False
    for line in text.splitlines():
        if found := _SECTION.match(line):
            # griffe knows the plural only.
            line = f"{found[1]}Examples:"
            section = True
        elif section and line.strip() and not line.startswith(" "):
            section = False
        if not section and not inside and line.lstrip().startswith(">>> "):
            if lines and lines[-1].strip():
                lines.append("")
            lines.append(f"{line[: len(line) - len(line.lstrip())]}```pycon")
            inside = True
        elif inside and not line.strip():
            lines.append("```")
            inside = False
        lines.append(line)
    if inside:
        lines.append("```")
    return "\n".join(lines)


class Docstrings(griffe.Extension):
    """Extension of griffe that rewrites docstrings when they are found."""

    def on_object(self, *, obj: Any, **_: Any) -> None:
        """Rewrite the docstring of an object."""
        if obj.docstring:
            obj.docstring.value = with_examples(without_roles(obj.docstring.value))
