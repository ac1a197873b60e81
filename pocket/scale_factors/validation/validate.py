"""Closure checks of a measured scale factor.

Every check is a function of the :class:`Evidence`, which returns its findings, or nothing if it doesn't apply to this
kind of scale factor. ``values``, ``file``, ``fits`` and ``truth`` need nothing else; the others need places that the
declaration names, see :class:`~pocket.scale_factors.declarations.closure.Closure`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from correctionlib import CorrectionSet
from scipy.linalg import block_diag

from pocket.base.typing import Floats
from pocket.corrections.derived import injected
from pocket.errors import PocketError, ScaleFactorError
from pocket.histograms.files import read_sums
from pocket.histograms.sums import Sums, read_part
from pocket.scale_factors.declarations.base import UpstreamOutputs, find_function
from pocket.scale_factors.declarations.closure import closure_sources, places
from pocket.scale_factors.declarations.measured import ScaleFactor
from pocket.scale_factors.files.measured import read_sources
from pocket.scale_factors.files.writer import EFFICIENCY_MARGIN
from pocket.scale_factors.measurement.binning import bin_labels
from pocket.scale_factors.measurement.result import FROZEN, VALID, Measured, ScaleFactorResult
from pocket.scale_factors.measurement.systematic_shifts import Sources
from pocket.scale_factors.measurement.templates import NOMINAL, Templates
from pocket.scale_factors.methods.efficiency.measure import simulated_efficiency
from pocket.scale_factors.methods.yields.declaration import DataMCRatio, NormRatio
from pocket.scale_factors.validation.algebra import Sides
from pocket.scale_factors.validation.checks import Check, exactly, not_made, within_errors
from pocket.scale_factors.validation.fits import check_fits
from pocket.scale_factors.validation.overlaps import Selected, check_overlaps, read_selected
from pocket.scale_factors.validation.pseudo_data import PseudoExperiments, with_expected
from pocket.scale_factors.validation.report import Report
from pocket.scale_factors.validation.sums import check_events, check_preserved_yields
from pocket.scale_factors.validation.truth import TOLERATED, in_pseudo_data
from pocket.scale_factors.validation.units import Unit, evaluate, units
from pocket.scale_factors.validation.values import check_values
from pocket.scale_factors.validation.yields import check_corrected_yields, check_weighted_yields

#: effective entries that bins of the histogram are joined for
FINER_ENTRIES = 100.0


@dataclass(frozen=True, eq=False)
class Evidence:
    """Inputs of the closure checks of a scale factor.

    Args:
        sources: year → histograms of :func:`~pocket.scale_factors.declarations.closure.closure_sources`.
        sums: sums of :func:`~pocket.scale_factors.declarations.closure.closure_configs`.
        simulated: all simulated samples of the configuration in which it was measured.
        selected: events that a closure in events selects.
    """

    name: str
    declaration: ScaleFactor
    result: ScaleFactorResult
    correction: str
    sources: Mapping[str, Sources]
    sums: Mapping[str, Sums]
    simulated: tuple[str, ...] = ()
    selected: Selected = dataclasses.field(default_factory=dict)

    def units(self, place: ScaleFactor | None = None) -> list[Unit]:
        """Return the units that are measured separately, where the scale factor was measured or in another place."""
        own = list(units(self.name, self.declaration, self.sources))
        return own if place is None else [unit.elsewhere(place, self.sources) for unit in own]

    def places(self, argument: str) -> list[tuple[str, ScaleFactor]]:
        """Return the places of an argument of the closure, each with a description and the declaration there."""
        changes = self.declaration.closure.changes().get(argument, ())
        words = [", ".join(f"{name}={value!r}" for name, value in one.items()) for one in changes]
        return list(zip(words, places(self.declaration).get(argument, ()), strict=True))


def validate_from(
    name: str, declaration: ScaleFactor, outputs: UpstreamOutputs, correction: str, result: ScaleFactorResult
) -> Report:
    """Return the report of all closure checks of a scale factor, with outputs on disk."""
    simulated = outputs.simulated(declaration.input)
    readings = declaration.closure_readings(simulated)
    place = places(declaration).get("events")
    return validate(
        Evidence(
            name=name,
            declaration=declaration,
            result=result,
            correction=correction,
            sources=read_sources(
                closure_sources(declaration),
                declaration.years,
                outputs.template_folders,
                outputs.dataset_years,
                readings,
            ),
            sums={
                config: read_part(read_sums(folder), config, readings)
                for config, folder in outputs.template_folders.items()
            },
            simulated=simulated,
            selected=read_selected(outputs.template_folders[place[0].input], declaration) if place else {},
        )
    )


def validate(evidence: Evidence) -> Report:
    """Return the report of all closure checks; a check that can't be made for lack of inputs counts as failed."""
    functions: dict[str, Callable[[], list[Check]]] = {
        "values": lambda: [check_values(evidence.declaration, evidence.result)],
        "file": lambda: [check_file(evidence)],
        "same_events": lambda: check_same_events(evidence),
        "fits": lambda: check_fits(evidence.result, evidence.declaration.closure.accept),
        "truth": lambda: check_truth(evidence),
        "truth_in_events": lambda: check_truth_in_events(evidence),
        "all_objects": lambda: check_all_objects(evidence),
        "remeasured": lambda: check_remeasured(evidence),
        "finer_bins": lambda: check_finer_bins(evidence),
        "split": lambda: check_split(evidence),
        "yields": lambda: check_yields(evidence),
        "events": lambda: check_datasets(evidence),
    }
    checks: list[Check] = []
    for name, function in functions.items():
        try:
            checks += function()
        except PocketError as error:
            checks.append(Check(name, False, "nothing could be compared", str(error)))
    return Report(evidence.name, tuple(checks))


def check_file(evidence: Evidence) -> Check:
    """Return the check of the written correction, applied to the templates or else compared with the measurement."""
    correction = CorrectionSet.from_string(evidence.correction)[evidence.name]
    result = evidence.result
    if not evidence.declaration.algebra:
        compared = "the written correction and the measured values"
        values = result.scale_factor.value
        if result.quantity == "efficiency":
            values = np.clip(values, EFFICIENCY_MARGIN, 1 - EFFICIENCY_MARGIN)
        written = evaluate(correction, result.axes, {"systematic": NOMINAL})
        return exactly("file", compared, bin_labels(result.axes), written.ravel(), values.ravel())
    compared = "the written correction times the sums that it corrects, and what these must be, where it was measured"
    labels, found, expected = [], [], []
    for unit in evidence.units():
        expand = unit.templates.binning.expand
        for sides in _sides(evidence, unit):
            labels += _varied(unit.bins, sides)
            found.append((expand(sides.corrected) * unit.evaluate(correction, sides.systematic)).ravel())
            expected.append(expand(sides.expected).ravel())
    return exactly("file", compared, labels, np.concatenate(found), np.concatenate(expected))


def check_same_events(evidence: Evidence) -> list[Check]:
    """Return the comparison of sums with the scale factor applied to the same events that it was measured with."""
    declaration = evidence.declaration
    if not declaration.algebra or declaration.quantity == "efficiency":
        return []
    if not evidence.places("same_events"):
        return [not_made("same_events", "sums with the scale factor applied", "same_events=")]
    ((words, place),) = evidence.places("same_events")
    compared = f"sums where the scale factor is applied ({words}), and what these must be"
    labels, found, expected = [], [], []
    for unit in evidence.units(place):
        for sides in _sides(evidence, unit):
            labels += _varied(unit.labels, sides)
            found.append(sides.corrected)
            expected.append(sides.expected)
    return [exactly("same_events", compared, labels, np.concatenate(found), np.concatenate(expected))]


def check_truth(evidence: Evidence) -> list[Check]:
    """Return the check of the measurement in pseudo-data whose scale factors are known."""
    declaration = evidence.declaration
    if not declaration.injection:
        return []
    measurements = []
    for unit in evidence.units():
        part = unit.templates.declaration
        repeated = dataclasses.replace(part.bare(), systematics=part.fitted_systematics())
        templates = dataclasses.replace(unit.templates, declaration=repeated)
        experiments = PseudoExperiments(
            templates=templates,
            others=tuple(name for name in part.other_samples(evidence.simulated) if name in templates.histograms),
            factors=np.resize(declaration.known_factors(), templates.binning.size),
            inject=find_function(declaration.injection),
            variations=tuple(f"{stem}{side}" for stem in part.read_variations() for side in ("Up", "Down")),
        )
        measurements.append((unit.labels, experiments))
    return [in_pseudo_data(measurements)]


def check_truth_in_events(evidence: Evidence) -> list[Check]:
    """Return the check of the measurement in simulated events to which known scale factors are applied."""
    if not evidence.places("events"):
        return []
    ((_, place),) = evidence.places("events")
    declaration = evidence.declaration
    compared = (
        "the scale factor measured in simulated events to which known ones are applied, and these; of the error of a "
        f"measurement, the same events leave {declaration.same_events_error:g}, and each bin may be off by "
        f"{TOLERATED:g}"
    )
    others = declaration.other_samples(evidence.simulated)
    efficiency = CorrectionSet.from_string(evidence.correction)[f"{evidence.name}_efficiency_mc"]
    weighted, known = [], []
    for unit, elsewhere in zip(evidence.units(), evidence.units(place), strict=True):
        bins = unit.evaluate(efficiency, NOMINAL).ravel()
        _, first = np.unique(unit.templates.binning.groups, return_index=True)
        known.append(injected(bins[first], bins, declaration.known_factors()))
        templates = with_expected(unit.templates, elsewhere.templates.histograms, others)
        weighted.append(dataclasses.replace(unit, templates=templates))
    labels, found, covariance = _measured(evidence.name, weighted)
    covariance = declaration.same_events_error**2 * covariance + TOLERATED**2 * np.diag(np.diag(covariance))
    values = (labels, found, np.concatenate(known), covariance)
    return [within_errors("truth_in_events", compared, *values, independent=False)]


def check_all_objects(evidence: Evidence) -> list[Check]:
    """Return the comparison of the simulated efficiency that was measured with that of all simulated objects."""
    declaration = evidence.declaration
    if not declaration.injects_events:
        return []
    if not evidence.places("all_objects"):
        return [not_made("all_objects", "the efficiency of all simulated objects", "all_objects=")]
    ((words, place),) = evidence.places("all_objects")
    tolerance = declaration.closure.tolerance
    # Measured objects of the same samples are some of all, so the efficiencies fluctuate together. The variances are
    # those of one efficiency in both: a mistake must not change its own error.
    are_nested = set(place.samples()) <= set(declaration.samples())
    compared = (
        f"the efficiency in simulation of what was measured, and that of all objects ({words}), which may differ by "
        f"{tolerance:g} in each bin besides"
    )
    labels: list[str] = []
    found, expected, variances = [], [], []
    for unit, elsewhere in zip(evidence.units(), evidence.units(place), strict=True):
        measured, of_all = (simulated_efficiency(one.templates).value for one in (unit, elsewhere))
        labels += unit.labels
        found.append(measured)
        expected.append(of_all)
        of_one, of_another = (1 / _effective_entries(one.templates) for one in (unit, elsewhere))
        share = abs(of_one - of_another) if are_nested else of_one + of_another
        variances.append(of_all * (1 - of_all) * share + (tolerance * of_all) ** 2)
    values = (np.concatenate(found), np.concatenate(expected), np.diag(np.concatenate(variances)))
    together = tuple(f"probes beside a tag pass {how} often than all objects" for how in ("more", "less"))
    return [within_errors("all_objects", compared, labels, *values, independent=False, together=together)]


def _effective_entries(templates: Templates) -> Floats:
    """Return (Σw)²/Σw² of the simulated objects in each bin."""
    counts = templates.counts_in_range(templates.declaration.mc)
    return (counts.passing + counts.failing) ** 2 / (counts.passing_variance + counts.failing_variance)


def check_remeasured(evidence: Evidence) -> list[Check]:
    """Return the check that the scale factor is 1 when it is measured again where it is applied."""
    if not evidence.declaration.becomes_one:
        return []
    if not evidence.places("remeasured"):
        return [not_made("remeasured", "the scale factor measured again", "remeasured=")]
    ((words, place),) = evidence.places("remeasured")
    share = evidence.declaration.same_events_error
    compared = (
        f"the scale factor measured again where it is applied ({words}), and 1; the same events are in both, so the "
        f"error of the difference is {share:g} of that of a measurement"
    )
    return [_equals_one("remeasured", compared, evidence.name, evidence.units(place), share)]


def check_finer_bins(evidence: Evidence) -> list[Check]:
    """Return the check that a counted scale factor in ``bins`` is 1 in all bins of the histogram where it is applied.

    Bins that are too wide, or don't reach as far as the objects do, agree with themselves.
    """
    declaration = evidence.declaration
    if not (declaration.bins and declaration.counts_entries and evidence.places("remeasured")):
        return []
    ((words, place),) = evidence.places("remeasured")
    compared = f"the scale factor measured again where it is applied ({words}), in the bins of the histogram, and 1"
    finer = dataclasses.replace(place, bins={}, min_n_eff=max(place.min_n_eff, FINER_ENTRIES))
    return [_equals_one("finer_bins", compared, evidence.name, units(evidence.name, finer, evidence.sources))]


def check_split(evidence: Evidence) -> list[Check]:
    """Return the comparison of measurements in two independent halves of the events."""
    if not evidence.places("split"):
        return [not_made("split", "the scale factor in halves of the events", "split=")]
    (words, one), (other_words, other) = evidence.places("split")
    compared = f"the scale factor measured in halves of the events ({words} and {other_words}), which are independent"
    labels, found, covariance = _measured(evidence.name, evidence.units(one))
    _, expected, other_covariance = _measured(evidence.name, evidence.units(other))
    return [within_errors("split", compared, labels, found, expected, covariance + other_covariance, independent=True)]


def check_yields(evidence: Evidence) -> list[Check]:
    """Return the comparison of yields that must be preserved."""
    declaration = evidence.declaration
    preserved = declaration.closure.preserved
    checks = [check_preserved_yields(declaration, one, evidence.sums[one.config]) for one in preserved]
    for _, place in evidence.places("same_events"):
        match place:
            case NormRatio():
                checks.append(check_weighted_yields(place, evidence.units(place)))
            case DataMCRatio(keep_yield=True):
                checks.append(check_corrected_yields(place, evidence.units(), evidence.units(place)))
    if not checks and declaration.quantity == "efficiency":
        checks.append(not_made("yields", "the mean weight", "preserved="))
    return checks


def check_datasets(evidence: Evidence) -> list[Check]:
    """Return the comparison of the events where the scale factor was measured with those of its closure."""
    declaration = evidence.declaration
    # Other selections keep other events after the skim, so only all events are compared there.
    samples = {one.config: (one.samples or declaration.mc, False) for one in declaration.closure.preserved}
    samples |= {config: (declaration.samples(), True) for config, _ in closure_sources(declaration)}
    samples |= {place.input: (place.mc, False) for _, place in evidence.places("all_objects")}
    before = declaration.input
    checks = []
    for config, (names, skimmed) in samples.items():
        common = [name for name in names if name in declaration.samples()]
        if config != before and common:
            outputs = (before, evidence.sums[before]), (config, evidence.sums[config])
            checks.append(check_events(*outputs, common, declaration.years, skimmed=skimmed))
    return [*checks, check_overlaps(evidence.selected)] if evidence.selected else checks


def _equals_one(check: str, compared: str, name: str, parts: Iterable[Unit], share: float = 1.0) -> Check:
    """Return the check that a measurement gives 1; the error of the difference is a share of that of a measurement."""
    labels, values, covariance = _measured(name, parts)
    ones = np.ones_like(values)
    return within_errors(check, compared, labels, values, ones, share**2 * covariance, independent=False)


def _measured(name: str, parts: Iterable[Unit]) -> tuple[list[str], Floats, Floats]:
    """Return labels, values and statistical covariance of a measurement in units.

    Frozen values aren't measured and are left out.
    """
    labels: list[str] = []
    values, covariances = [], []
    for unit in parts:
        declaration = unit.templates.declaration
        measured: Measured = find_function(declaration.method)(declaration, unit.templates)
        of_unit, status = measured.labels(unit.labels), measured.statuses
        failed = [f"{label} ({one})" for label, one in zip(of_unit, status, strict=True) if one not in (VALID, FROZEN)]
        if failed:
            raise ScaleFactorError(f"{name} isn't valid in {'; '.join(failed)}")
        own = [number for number, one in enumerate(status) if one == VALID]
        labels += [of_unit[number] for number in own]
        values.append(measured.values.value[own])
        independent = np.diag((measured.values.up + measured.values.down) ** 2 / 4)
        covariances.append((independent if measured.covariance is None else measured.covariance)[np.ix_(own, own)])
    return labels, np.concatenate(values), block_diag(*covariances)


def _sides(evidence: Evidence, unit: Unit) -> Iterator[Sides]:
    function = find_function(evidence.declaration.algebra)
    yield from function(unit.templates.declaration, unit.templates)


def _varied(labels: list[str], sides: Sides) -> list[str]:
    """Return labels with the systematic appended, if it isn't the nominal one."""
    return labels if sides.systematic == NOMINAL else [f"{label} ({sides.systematic})" for label in labels]
