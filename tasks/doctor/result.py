"""Result of a check."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Status(Enum):
    """Severity of a result."""

    OK = "ok"
    #: jobs may work nevertheless
    WARNING = "warning"
    #: jobs would fail
    PROBLEM = "problem"


@dataclass(frozen=True)
class Result:
    """The result of a check."""

    name: str
    status: Status
    found: str
    advice: str = ""

    @property
    def line(self) -> str:
        return f"{self.status.value:<8} {self.name:<12} {self.found}{f' → {self.advice}' if self.advice else ''}"


def of_text(name: str, text: str, status: Status = Status.PROBLEM) -> Result:
    """Return the result for a sentence that ends with the remedy, after a colon or semicolon."""
    cut = max(text.rfind(": "), text.rfind("; "))
    return Result(name, status, text[:cut], text[cut + 2 :])
