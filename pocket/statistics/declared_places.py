"""Lines of an analysis at which parts of a model are declared, for errors that are found later.

An error about one of forty regions is found when the analysis is made, whose own line would be shown.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from pocket.base.fingerprint.modules import owner
from pocket.errors import PocketError
from pocket.parameters.explaining import shown_file

#: name of the attribute; it is no field, so that neither equality nor fingerprints know it
_ATTRIBUTE = "_declared_at"


def remember_place(declaration: object) -> None:
    """Keep the line of the analysis that makes a declaration with it.

    Code of this package may make it for the analysis, so the line is the innermost one of the user's code, if any.
    """
    if hasattr(declaration, _ATTRIBUTE):
        return  # It is a copy with other names, as of a point of a grid.
    frame = sys._getframe(1)
    while owner(frame.f_globals.get("__name__", "")) != "user":
        if frame.f_back is None:
            return
        frame = frame.f_back
    object.__setattr__(declaration, _ATTRIBUTE, (frame.f_code.co_filename, frame.f_lineno))


def place_of(declaration: object) -> str:
    """Return the line at which something is declared, ``file:line``; empty if it isn't known."""
    place = getattr(declaration, _ATTRIBUTE, None)
    return f"{shown_file(place[0])}:{place[1]}" if place else ""


@contextlib.contextmanager
def declared_at(declaration: object) -> Iterator[None]:
    """Add the line of a declaration to errors that are raised in the block, unless they name one already."""
    try:
        yield
    except PocketError as error:
        place = place_of(declaration)
        if place and "(declared in " not in str(error):
            error.args = (f"{error} (declared in {place})",)
        raise
