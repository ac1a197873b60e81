"""Result of a check."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from pocket.errors import PocketError


class Status(Enum):
    """How it looks."""

    OK = "ok"
    #: it may do as it is
    WARNING = "warning"
    #: jobs would fail
    PROBLEM = "problem"


@dataclass(frozen=True)
class Result:
    """What a check found.

    Args:
        name: what was checked.
        status: how it looks.
        found: what was found.
        advice: what to do if that isn't right.
    """

    name: str
    status: Status
    found: str
    advice: str = ""

    @property
    def line(self) -> str:
        """The result in one line."""
        return f"{self.status.value:<8} {self.name:<12} {self.found}{f' → {self.advice}' if self.advice else ''}"


def of_error(name: str, error: PocketError, status: Status = Status.PROBLEM) -> Result:
    """Return the result for an error that ends, behind a colon or semicolon, with what to do."""
    text = str(error)
    cut = max(text.rfind(": "), text.rfind("; "))
    return Result(name, status, text[:cut], text[cut + 2 :])
