"""Publication of the results: the short table in the README, everything in ``docs/explanation/performance.md``."""

from __future__ import annotations

import re
from pathlib import Path

from pocket.errors import PocketError

BEGIN, END = "<!-- results of python -m benchmarks -->", "<!-- end of the results -->"
_SHORT = re.compile(r"^### Throughput\n\n.*?\n\n(\|.*?)\n\n", re.DOTALL | re.MULTILINE)


class NoResultsError(PocketError):
    """There are no results to publish, or no place for them."""


def publish(text: str, project: Path) -> None:
    """Replace the published report.

    Args:
        text: the report.
        project: folder of README.md and docs.

    Raises:
        NoResultsError: if the report has no throughput, or a file lacks the two marks around the results.
    """
    short = _SHORT.search(text)
    if short is None:
        raise NoResultsError("the report has no throughput to put into README.md: run that part first")
    _replace(project / "README.md", short[1])
    _replace(project / "docs" / "explanation" / "performance.md", text.strip())


def _replace(path: Path, text: str) -> None:
    before, begin, rest = path.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise NoResultsError(f"{path} has no lines {BEGIN!r} and {END!r} for the results to go between")
    path.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")
