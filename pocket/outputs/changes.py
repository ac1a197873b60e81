"""Report on what other versions of corrections change: tables of corrections, of templates, and of their bins."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pocket.corrections.comparison import DIFFERENT, IDENTICAL, SAME_FILE, CorrectionComparison
from pocket.histograms.comparison import NOMINAL, TemplateComparison, of_variations
from pocket.outputs.tables import as_csv, as_json, as_text

CORRECTIONS = (
    *("file", "correction", "used by", "outcome", "bins", "differing", "only left", "only right"),
    *("at", "left", "right", "difference", "ratio", "note"),
)
CORRECTION_BINS = ("file", "correction", "bin", "left", "right", "difference", "ratio")
NAMES = ("file", "correction", "outcome")
TEMPLATES = (
    *("sample", "category", "variable", "variation", "left", "right", "difference", "ratio", "change"),
    *("bins", "differing", "largest at", "largest difference"),
)
TEMPLATE_BINS = (
    *("sample", "category", "variable", "variation", "bin", "left", "right", "difference", "ratio"),
    "statistical error",
)
#: Columns that the terminal has room for.
_CORRECTIONS_SHOWN = ("correction", "outcome", "bins", "differing", "at", "left", "right", "ratio", "note")
_BINS_SHOWN = ("correction", "bin", "left", "right", "difference", "ratio")
_TEMPLATES_SHOWN = (
    *("sample", "category", "variable", "left", "right", "difference", "ratio", "change"),
    *("largest at", "largest difference"),
)
_VARIATIONS_SHOWN = ("sample", "category", "variation", "variable", "left", "right", "ratio", "change")


def _size(row: Mapping[str, Any]) -> float:
    """Return the size of a difference; bins of one side alone have none."""
    difference = float(row["difference"])
    return 0.0 if math.isnan(difference) else abs(difference)


@dataclass(frozen=True)
class Changes:
    """Everything that differs between two versions of corrections.

    ``names`` are corrections that only one side's files have, used or not; templates are ``None`` if they aren't
    compared.
    """

    config: str
    left: str
    right: str
    corrections: Sequence[CorrectionComparison]
    names: Sequence[Mapping[str, Any]]
    templates: Sequence[TemplateComparison] | None

    def text(self, most: int) -> str:
        """Return the tables for the terminal."""
        counts = Counter(one.outcome for one in self.corrections)
        counted = ", ".join(f"{number} {outcome}" for outcome, number in sorted(counts.items()))
        blocks = [
            f"corrections of {self.config}: {self.left} (left) and {self.right} (right)\n"
            f"{len(self.corrections)} used, with the parts of compound ones: {counted or 'none'}"
        ]
        shown = [one for one in self.corrections if one.outcome not in (IDENTICAL, SAME_FILE)]
        if shown:
            rows = [one.row() for one in shown]
            blocks.append(
                f"corrections that differ, at their largest difference\n{as_text(rows, _CORRECTIONS_SHOWN, most)}"
            )
        bins = [row for one in shown if one.outcome == DIFFERENT for row in one.bin_rows()]
        if bins:
            bins.sort(key=_size, reverse=True)
            blocks.append(f"bins that differ: {len(bins)}\n{as_text(bins, _BINS_SHOWN, most)}")
        if self.names:
            blocks.append(f"in the files of one side only: {len(self.names)}\n{as_text(self.names, NAMES, most)}")
        if self.templates is not None:
            blocks += self._of_templates(self.templates, most)
        return "\n\n".join(blocks) + "\n"

    def _of_templates(self, templates: Sequence[TemplateComparison], most: int) -> list[str]:
        nominal = [one for one in templates if one.variation == NOMINAL]
        differing = [one for one in nominal if one.differs]
        blocks = [f"templates: {len(differing)} of {len(nominal)} differ"]
        if differing:
            rows = [one.row() for one in sorted(differing, key=lambda one: -one.change)]
            blocks[0] += f"\n{as_text(rows, _TEMPLATES_SHOWN, most)}"
        varied = [one for one in of_variations(templates) if one.differs]
        if varied:
            varied.sort(key=lambda one: -one.change)
            rows = [one.row() for one in varied]
            blocks.append(f"variations, in the histogram that differs most\n{as_text(rows, _VARIATIONS_SHOWN, most)}")
        return blocks

    def files(self) -> dict[str, str]:
        """Return file name → content of all tables."""
        corrections = [one.row() for one in self.corrections]
        bins = [row for one in self.corrections for row in one.bin_rows()]
        content: dict[str, Any] = {
            "config": self.config,
            "left": self.left,
            "right": self.right,
            "corrections": corrections,
            "correction_bins": bins,
            "names": list(self.names),
        }
        tables = {
            "corrections.csv": as_csv(corrections, CORRECTIONS),
            "correction_bins.csv": as_csv(bins, CORRECTION_BINS),
            "names.csv": as_csv(self.names, NAMES),
        }
        if self.templates is not None:
            nominal = [one for one in self.templates if one.variation == NOMINAL]
            rows = {
                "templates": [one.row() for one in nominal],
                "template_bins": [row for one in nominal for row in one.bin_rows()],
                "variations": [one.row() for one in of_variations(self.templates)],
            }
            columns = {"templates": TEMPLATES, "template_bins": TEMPLATE_BINS, "variations": TEMPLATES}
            content |= rows
            tables |= {f"{name}.csv": as_csv(rows[name], columns[name]) for name in rows}
        return {**tables, "changes.json": as_json(content)}
