"""Checks of an imported scale factor: whether its numbers are possible, and equal to the published ones."""

from __future__ import annotations

import numpy as np
from correctionlib import CorrectionSet

from pocket.corrections.files import load_correction
from pocket.errors import PocketError
from pocket.scale_factors.declarations.base import UpstreamOutputs
from pocket.scale_factors.declarations.imported import SYSTEMATIC, Imported, signed
from pocket.scale_factors.measurement.binning import bin_labels
from pocket.scale_factors.measurement.result import ScaleFactorResult
from pocket.scale_factors.validation.checks import Check, exactly, problems_in
from pocket.scale_factors.validation.report import Report
from pocket.scale_factors.validation.units import evaluate


def validate(
    name: str, declaration: Imported, outputs: UpstreamOutputs, correction: str, result: ScaleFactorResult | None
) -> Report:
    """Return the report of all checks of an imported scale factor; without bins none can be made."""
    if result is None:
        return Report(name, (Check("values", None, "each bin", "not made: it isn't binned in its inputs"),))
    try:
        file = check_file(name, declaration, outputs.resolve_file(declaration.file), correction, result)
    except PocketError as error:
        file = Check("file", False, "nothing could be compared", str(error))
    return Report(name, (check_values(result), file))


def check_values(result: ScaleFactorResult) -> Check:
    """Return the check for values that aren't finite and positive, and for errors larger than the value or all zero."""
    compared = "value and total error of each bin"
    value, labels = result.scale_factor.value.ravel(), bin_labels(result.axes)
    largest = np.maximum(result.total_up, result.total_down).ravel()
    problems = {
        "the value isn't finite and positive": ~(np.isfinite(value) & (value > 0)),
        "the total error isn't finite": ~np.isfinite(largest),
        "the total error is larger than the value": largest > np.abs(value),
    }
    if failed := problems_in(labels, problems):
        return Check("values", False, compared, "; ".join(failed))
    if not result.systematics and not largest.any():
        return Check("values", True, compared, f"{value.size} bins, no errors are imported")
    without = [label for label, error in zip(labels, largest, strict=True) if not error]
    if len(without) == value.size:
        return Check("values", False, compared, "all errors that are imported are zero")
    relative = largest / value
    outcome = f"{value.size} bins, relative total errors up to {relative.max():.2g} (in {labels[relative.argmax()]})"
    return Check("values", True, compared, outcome + (f"; no error in {'; '.join(without)}" if without else ""))


def check_file(name: str, declaration: Imported, file: str, correction: str, result: ScaleFactorResult) -> Check:
    """Return the comparison of the written correction with the published one, in each bin and for each systematic."""
    published = load_correction(file, declaration.correction)
    written = CorrectionSet.from_string(correction)[name]
    old = {new: old for old, new in declaration.rename.items()}
    axes = {old.get(axis, axis): bins for axis, bins in result.axes.items()}
    labels = bin_labels(result.axes)
    names: list[str] = []
    found, expected = [], []
    for key in declaration.systematics_written():
        sign, value = signed(declaration.keys.get(key, ""))
        numbers = evaluate(published, axes, {**declaration.inputs, declaration.systematic: value})
        if sign:
            nominal = {**declaration.inputs, declaration.systematic: declaration.keys["nominal"]}
            numbers = evaluate(published, axes, nominal) + sign * numbers
        names += [f"{label} ({key})" for label in labels]
        found.append(evaluate(written, result.axes, {SYSTEMATIC: key}).ravel())
        expected.append(numbers.ravel())
    compared = "the written correction and the published one"
    return exactly("file", compared, names, np.concatenate(found), np.concatenate(expected))
