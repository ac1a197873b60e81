"""Templates of generated files: text with names to fill in, and parts that only some analyses have.

``{{name}}`` stands for a value. ``{% if part %}…{% else %}…{% end %}`` stays if the part is chosen, in a line or around
several lines; such parts aren't nested.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

FOLDER = Path(__file__).with_name("skeleton")
#: end of the names of templates, so that no tool takes them for code
SUFFIX = ".in"
_VALUE = re.compile(r"\{\{(\w+)\}\}")
# Around lines, a mark is alone in its line, which goes as well.
_LINES = re.compile(r"^\{% if ([\w-]+) %\}\n(.*?)(?:^\{% else %\}\n(.*?))?^\{% end %\}\n", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"\{% if ([\w-]+) %\}(.*?)(?:\{% else %\}(.*?))?\{% end %\}")


def fill(text: str, parts: Collection[str], values: Mapping[str, str]) -> str:
    """Return the text of a template with its parts chosen and its values filled in.

    >>> fill("a {{thing}}{% if more %} and more{% end %}", [], {"thing": "muon"})
    'a muon'
    """

    def choose(match: re.Match[str]) -> str:
        return match[2] if match[1] in parts else match[3] or ""

    chosen = _INLINE.sub(choose, _LINES.sub(choose, text))
    return _VALUE.sub(lambda match: values[match[1]], chosen)


def read(name: str, parts: Collection[str], values: Mapping[str, str]) -> str:
    """Return the text that a template gives, whose path in :data:`FOLDER` is given without its suffix."""
    text = (FOLDER / f"{name}{SUFFIX}").read_text(encoding="utf-8")
    return fill(text, parts, values)
