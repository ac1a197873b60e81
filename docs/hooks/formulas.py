"""Formulas as MathML, which browsers draw themselves: ```` ```math ```` blocks, and ``$`…`$`` within a line."""

from __future__ import annotations

import re
from typing import Any

_BLOCK = re.compile(r"^```math\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"\$`([^`\n]+)`\$")


def to_mathml(formula: str, display: str) -> str:
    """Return a formula of LaTeX as MathML."""
    from latex2mathml.converter import convert

    return str(convert(formula, display=display))


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Replace formulas by places that Markdown leaves alone; mkdocs calls this."""
    page.meta["formulas"] = found = []

    def kept(match: re.Match[str]) -> str:
        display = "block" if match.re is _BLOCK else "inline"
        found.append(to_mathml(match[1].strip(), display))
        place = f"@formula{len(found) - 1}@"
        return f'<div class="formula">{place}</div>' if display == "block" else place

    return _INLINE.sub(kept, _BLOCK.sub(kept, markdown))


def on_page_content(html: str, page: Any, **_: Any) -> str:
    """Put the formulas into the page; mkdocs calls this."""
    formulas = page.meta.get("formulas", [])
    return re.sub(r"@formula(\d+)@", lambda place: formulas[int(place[1])], html)
