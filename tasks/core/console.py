"""Lines on the terminal: what fits into its width, colours where they are wanted, and numbers in few characters."""

from __future__ import annotations

import codecs
import io
import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocket.executors.proxy import in_words
from pocket.io.store.paths import store_root

if TYPE_CHECKING:
    from rich.console import RenderableType

#: name for Python's codecs of what happens to characters that an encoding lacks
_REPLACED = "pocketlaw.replaced"
#: names of colours → their codes
_CODES = {"red": "31", "green": "32"}
#: characters of a line from which on a terminal isn't narrow
WIDE = 100
#: characters of a line that has no end
_ENDLESS = 100_000
#: largest number of characters of a column with names
_NAMES = 44


def is_terminal(stream: Any) -> bool:
    """Tell whether a stream is a terminal that can move its cursor."""
    return bool(stream.isatty()) and os.environ.get("TERM", "dumb") not in ("", "dumb")


def discard_output() -> None:
    """Discard what is printed from now on, because the reader of a pipe, such as ``head``, has closed it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _replacement(error: UnicodeError) -> tuple[str, int]:
    """Return what stands for characters that an encoding lacks, and where the text goes on; numbers keep a minus."""
    assert isinstance(error, UnicodeEncodeError)
    lacking = error.object[error.start : error.end]
    return "".join("-" if sign == "−" else "?" for sign in lacking), error.end


codecs.register_error(_REPLACED, _replacement)


def replace_what_encodings_lack() -> None:
    """Let characters that the terminal's encoding lacks be replaced: a sign such as ± would end a command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "backslashreplace"):
            stream.reconfigure(errors=_REPLACED)


def width_of(stream: Any) -> int:
    """Return the number of characters in a line of a stream, 0 if lines may have any length."""
    return shutil.get_terminal_size().columns if stream.isatty() else 0


def wrapping_width(stream: Any) -> int:
    """Return :func:`width_of` for text that is wrapped and not cut, which may also be as wide as ``COLUMNS`` says."""
    is_given = os.environ.get("COLUMNS", "").isdigit()
    return shutil.get_terminal_size().columns if is_given else width_of(stream)


def colored(text: str, color: str, stream: Any) -> str:
    """Return a text in a colour, if it has one and the stream is a terminal without NO_COLOR (https://no-color.org)."""
    if not color or not is_terminal(stream) or os.environ.get("NO_COLOR"):
        return text
    return f"\033[{_CODES[color]}m{text}\033[0m"


def fitted(text: str, width: int) -> str:
    """Return a text that is cut where a line ends; a width of 0 has no end.

    >>> fitted("MergeOutputs", 8), fitted("MergeOutputs", 0)
    ('MergeOu…', 'MergeOutputs')
    """
    return text if not width or len(text) <= width else f"{text[: max(width - 1, 0)]}…"


def drawn(what: RenderableType, stream: Any, width: int) -> list[str]:
    """Return the lines of a table or a tree; a width of 0 has no end."""
    from rich.console import Console

    console = Console(file=stream, width=width or _ENDLESS, markup=False, emoji=False, highlight=False)
    with console.capture() as captured:
        console.print(what)
    return [line.rstrip() for line in captured.get().splitlines()]


def some_names(names: Sequence[str], most: int = _NAMES) -> str:
    """Return names with commas in between, the first ones and their number if all take too many characters.

    >>> some_names(["tnp", "nominal", "calibrated"], 16)
    'tnp, … (3)'
    """
    text = ", ".join(names)
    shown = list(names)
    while len(text) > most and len(shown) > 1:
        shown.pop()
        text = f"{', '.join(shown)}, … ({len(names)})"
    return text


def short(number: float) -> str:
    """Return a number in few characters.

    >>> [short(number) for number in (7, 950, 4210, 388_000, 2_340_000, 12_000_000_000)]
    ['7', '950', '4.2k', '388k', '2.3M', '12G']
    """
    for factor, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        # What would be rounded to the next thousand has its letter.
        if number >= 0.9995 * factor:
            return f"{number / factor:.{0 if number >= 9.95 * factor else 1}f}{letter}"
    return f"{number:.0f}"


def counted(number: int, one: str, several: str = "") -> str:
    """Return a number with a noun.

    >>> counted(1, "bin"), counted(1200, "branch", "branches")
    ('1 bin', '1,200 branches')
    """
    return f"{number:,} {one if number == 1 else several or one + 's'}"


def duration(seconds: float) -> str:
    """Return a duration, with tenths of seconds below a minute.

    >>> duration(1.28), duration(83), duration(7300)
    ('1.3 s', '1 min 23 s', '2 h 1 min')
    """
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{in_words(whole)} {whole % 60} s" if whole < 3600 else in_words(whole)


def short_path(path: Path | str) -> str:
    """Return a path relative to the working directory if it is below it; of a link to another store, the path there."""
    try:
        for link in (Path(path), Path(path).parent):
            if link.is_symlink() and store_root() in link.parents:
                path = link.readlink() / Path(path).relative_to(link)
        return str(Path(path).relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def wrapped(text: str, stream: Any) -> str:
    """Return a sentence that is broken between words where a line of a terminal ends."""
    width = width_of(stream)
    if not width:
        return text
    lines = (
        textwrap.fill(line, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
        for line in text.splitlines()
    )
    return "\n".join(lines)


def write_line(text: str, stream: Any) -> None:
    """Write a line to a stream at once; characters that its encoding lacks are replaced."""
    # print() writes the end of a line by itself, so that another process could write between both.
    try:
        stream.write(f"{text}\n")
    except UnicodeEncodeError:
        encoding = getattr(stream, "encoding", None) or "ascii"
        stream.write(f"{text.encode(encoding, _REPLACED).decode(encoding)}\n")
    stream.flush()


def say(text: str) -> None:
    """Write a line about the progress of a command, which isn't its result."""
    write_line(text, sys.stderr)
