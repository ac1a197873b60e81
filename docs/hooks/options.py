"""Options of commands within a line, such as ``--version``, which browsers must not break after their dashes."""

from __future__ import annotations

import re
from typing import Any

# Code blocks begin with <pre>, and the theme puts an empty element between.
_INLINE = re.compile(r"(?<!<pre>)(?<!<span></span>)<code>([^<]*)</code>")
_OPTION = re.compile(r"--?\w[\w-]*")


def unbroken(html: str) -> str:
    """Return a page with each option in inline code as one piece.

    Example:
        >>> unbroken("<code>law run --print-status 0</code>")
        '<code>law run <span class="option">--print-status</span> 0</code>'
    """
    return _INLINE.sub(lambda code: f"<code>{_OPTION.sub(_marked, code[1])}</code>", html)


def _marked(option: re.Match[str]) -> str:
    inside = option.start() and not option.string[option.start() - 1].isspace()
    return option[0] if inside else f'<span class="option">{option[0]}</span>'


def on_page_content(html: str, **_: Any) -> str:
    """Keep options together; mkdocs calls this."""
    return unbroken(html)
