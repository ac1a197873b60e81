"""Comparison of the code and parameters loaded in a job with those of the process that scheduled it.

Only code that was hashed may run. Like the jobs, this module travels to worker processes and imports no law.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocket.base.fingerprint import code_closure, digest, reads, specification
from pocket.errors import ChangedCodeError
from pocket.io.store.records import read_specification
from pocket.parameters import used_files
from tasks.core.changes import changes

if TYPE_CHECKING:
    from pocket.configuration.analysis import Analysis
    from pocket.datasets.restriction import Restriction


@dataclass(frozen=True)
class Expected:
    """The code, parameters and definitions that jobs of a task must have for a configuration, by their digest."""

    task: str
    name: str
    digest: str
    specification: Path | None = None

    @classmethod
    def of(cls, task: str, analysis: Analysis, name: str, specification: Path | None = None) -> Expected:
        """Return the requirement on jobs of a task, computed from what this process has loaded."""
        return cls(task, name, loaded_digest(task, analysis, name), specification)

    def check(self, analysis: Analysis) -> None:
        """Check that this process has loaded the expected code, parameters and definitions."""
        if loaded_digest(self.task, analysis, self.name) != self.digest:
            parts = PARTS[self.task](analysis, self.name)
            raise ChangedCodeError(changed_sentence(f"{self.task} {self.name}", parts, self.specification))


@dataclass(frozen=True, kw_only=True)
class AnalysisJob:
    """Work for a configuration that travels to worker processes; without ``expected``, nothing is checked there."""

    analysis: str
    overrides: tuple[str, ...]
    config: str
    expected: Expected | None = None
    restriction: Restriction | None = None

    def load(self) -> Analysis:
        """Return the analysis with the expected code, loaded again if files have changed whose content it may keep."""
        from pocket.configuration.loading import forget_analyses, load_analysis

        analysis = load_analysis(self.analysis, self.overrides, self.restriction)
        if reads.EARLIER.is_out_of_date(analysis) or used_files.EARLIER.is_out_of_date(analysis):
            forget_analyses()
            analysis = load_analysis(self.analysis, self.overrides, self.restriction)
        if self.expected is not None:
            self.expected.check(analysis)
        return analysis


def processing_code() -> dict[str, Any]:
    """Return the engine's code that branches run and that writes their outputs."""
    return {
        "engine": code_closure("pocket.engine.run"),
        "files": [code_closure("pocket.histograms.raw"), code_closure("pocket.columns.parquet")],
    }


def _skimming(analysis: Analysis, name: str) -> dict[str, Any]:
    plan = analysis.config(name).plan()
    return {**analysis.skim_of(name).plan().spec(plan), "engine": code_closure("pocket.skims.run")}


def _plotting(module: str) -> Callable[[Analysis, str], dict[str, Any]]:
    def parts(analysis: Analysis, name: str) -> dict[str, Any]:
        return {"style": analysis.config(name).figure_plan().style, "code": code_closure(module)}

    return parts


def _plotting_templates(analysis: Analysis, name: str) -> dict[str, Any]:
    from pocket.plots.specification import plot_specs

    parts = _plotting("pocket.plots.templates.figures")(analysis, name)
    return {**parts, "plots": plot_specs(analysis.all_plots)}


#: clause in the message of a :class:`ChangedCodeError`
CHANGED = "isn't what this run began with"
#: environment variable of batch jobs: family of the task and its fingerprint at submission
VARIABLE = "POCKET_EXPECTED"

#: family of a task → the loaded parts that its jobs use, named as in the task's specification
PARTS: Mapping[str, Callable[[Analysis, str], dict[str, Any]]] = {
    "RunProcessor": lambda analysis, name: {"config": analysis.config(name).plan().spec(), **processing_code()},
    "SkimEvents": _skimming,
    "PlotTemplates": _plotting_templates,
    "PlotEfficiencies": _plotting("pocket.plots.templates.efficiencies"),
    "PlotShapes": _plotting("pocket.plots.templates.shapes"),
    "PlotSystematics": _plotting("pocket.plots.systematics"),
}


class _Same:
    """An analysis that is only equal to itself."""

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.analysis is self.analysis

    def __hash__(self) -> int:
        return id(self.analysis)


def loaded_digest(task: str, analysis: Analysis, name: str) -> str:
    """Return the digest of what jobs of a task use of an analysis, cached per process and loaded analysis."""
    return _digest(task, _Same(analysis), name)


@functools.lru_cache(maxsize=64)
def _digest(task: str, same: _Same, name: str) -> str:
    return digest(PARTS[task](same.analysis, name))


def changed_sentence(label: str, parts: Any, file: Path | None) -> str:
    """Return the message of :class:`ChangedCodeError`, with the first difference to another process's specification."""
    found: list[str] = []
    if file is not None and (known := read_specification(file)) is not None:
        # Only the parts that the job uses are compared.
        tops = "|".join(re.escape(str(place).partition(".")[0].partition("[")[0]) for place in parts)
        found = changes(known, specification(parts), without=rf"^(?!(?:{tops})\b)")
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    where = f": {found[0]}{more}" if found else ""
    return f"what {label} would run here {CHANGED}{where}; run it again"
