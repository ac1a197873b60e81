"""Report on a scale factor's closure, with all checks as JSON, as a table and as one sentence."""

from __future__ import annotations

import json
import math
import textwrap
from dataclasses import asdict, dataclass
from typing import Any

from pocket.scale_factors.validation.checks import Check

_WIDTH = 118
_NAME_WIDTH = 11
_RESULTS = {True: "passed", False: "FAILED", None: "-"}
#: checks of the values and of the written file, which say nothing of the closure
_WITHOUT_CLOSURE = ("values", "file", "fits", "events")
#: what is said of fits that describe the data
DESCRIBED = "fits describe the data"
#: checks that the scale factor is applied as it was measured
_APPLICATION = ("same_events", "remeasured", "finer_bins", "split", "yields")


@dataclass(frozen=True)
class Report:
    """All checks of a scale factor's closure."""

    scale_factor: str
    checks: tuple[Check, ...]

    @property
    def failed(self) -> dict[str, str]:
        """Name → outcome of the checks that failed."""
        failed: dict[str, str] = {}
        for check in self.checks:
            if check.passed is False:
                before = f"{failed[check.name]}; " if check.name in failed else ""
                failed[check.name] = f"{before}{check.outcome}"
        return failed

    @property
    def tested(self) -> bool:
        """Whether a test of the closure was made, beyond the checks of the values, of the file and of fits."""
        return any(check.passed is not None and check.name not in _WITHOUT_CLOSURE for check in self.checks)

    @property
    def statements(self) -> tuple[str, ...]:
        """What the checks that passed say: of its application, of the truth, and of fits."""
        passed = {check.name: check for check in self.checks if check.passed}
        found = ["applied consistently"] if set(passed) & set(_APPLICATION) - set(self.failed) else []
        if (every := passed.get("all_objects")) and every.noticed is not None:
            found.append(f"its selection is unbiased within {100 * every.noticed:.2g} %")
        elif any(check.name == "all_objects" and check.passed is None for check in self.checks):
            found.append("its selection is unchecked")
        if (truth := passed.get("truth")) and truth.noticed is not None:
            found.append(f"measures the truth within {100 * truth.noticed:.2g} %")
        if (fits := passed.get("fits")) is not None:
            number = len(fits.accepted)
            but = f", except for {number} that {'is' if number == 1 else 'are'} accepted" if number else ""
            found.append(f"{DESCRIBED}{but}")
        return tuple(found)

    @property
    def verdict(self) -> str:
        """What the checks say together; without a test of the closure, they don't say that it closes."""
        if self.failed:
            return "FAILED"
        if self.tested:
            return ", ".join(self.statements)
        compared = any(check.name == "file" and check.passed for check in self.checks)
        return f"no closure test declared{', values as in the file' if compared else ''}"

    @property
    def sentence(self) -> str:
        """Sentence about the first failure: scale factor, check, bin and size."""
        (name, outcome), *others = self.failed.items()
        more = f"; {', '.join(other for other, _ in others)} failed as well" if others else ""
        return f"scale factor {self.scale_factor!r} doesn't close: check {name!r} failed: {outcome}{more}"

    def to_json(self, *, accepted: bool) -> str:
        """Return all compared numbers; numbers that aren't finite are strings."""
        content = {
            "scale_factor": self.scale_factor,
            "passed": not self.failed,
            "tested": self.tested,
            "verdict": self.verdict,
            "statements": self.statements,
            # The last one but that of fits says most.
            "short": next((one for one in reversed(self.statements) if not one.startswith(DESCRIBED)), ""),
            "accepted": accepted,
            "checks": [asdict(check) for check in self.checks],
        }
        return json.dumps(_plain(content), indent=1, allow_nan=False)

    def table(self) -> str:
        """Return the table for the terminal."""
        told = self.statements if self.tested and not self.failed else (self.verdict,)
        start = f"closure of scale factor {self.scale_factor}: "
        width = max([_NAME_WIDTH, *(len(check.name) for check in self.checks)])
        lines = [f"{' ' * len(start) if number else start}{one}" for number, one in enumerate(told)]
        for check in self.checks:
            start = f"  {check.name:<{width}} {_RESULTS[check.passed]:<8} "
            text = f"{check.outcome} (compared: {check.compared})" if check.passed is False else check.outcome
            lines += textwrap.wrap(text, _WIDTH, initial_indent=start, subsequent_indent=" " * len(start))
        return "\n".join(lines) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
