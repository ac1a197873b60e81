"""Closures that pass, and mistakes, each of which fails the check that is for it, with a sentence of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import hist
import numpy as np
import pytest

from pocket.scale_factors import Closure, EfficiencyRatio, TagAndProbeFit
from pocket.scale_factors.files.measured import ALL_YEARS
from pocket.scale_factors.files.writer import dumps
from pocket.scale_factors.measurement.measure import measure, measure_by_year
from pocket.scale_factors.measurement.result import ScaleFactorResult
from pocket.scale_factors.measurement.systematic_shifts import Sources
from pocket.scale_factors.validation.validate import Evidence, validate
from tests.pocket.scale_factors import toys
from tests.pocket.scale_factors.methods.pass_fail_template.test_measure import declaration as tagger
from tests.pocket.scale_factors.methods.pass_fail_template.test_measure import histograms as tagged
from tests.pocket.scale_factors.validation import events
from tests.pocket.scale_factors.validation.events import outcomes, scaled

NO_SUMS: Mapping[str, Any] = {"toys": {}}
BY_YEAR = EfficiencyRatio(**toys.DECLARED, years=("2017", "2018"))


def one(result: ScaleFactorResult) -> ScaleFactorResult:
    """A scale factor of 1."""
    return scaled(result, 1 / result.scale_factor.value)


def results(evidence: Evidence) -> dict[str, bool | None]:
    return {check.name: check.passed for check in validate(evidence).checks}


def by_year() -> tuple[dict[str, Sources], ScaleFactorResult]:
    """Templates of two years with different efficiencies in data, and the measurement."""
    sources: dict[str, Sources] = {}
    for number, year in enumerate(BY_YEAR.years):
        histograms = toys.counting(seed=number)
        sources[year] = {("toys", "probes"): histograms}
    result = measure_by_year(
        "sf", BY_YEAR, {year: of[BY_YEAR.input, "probes"] for year, of in sources.items()}, sources
    )
    return sources, result


def test_norm_ratio_closes() -> None:
    evidence = events.norm_ratio().evidence()
    names = ("values", "file", "truth", "same_events", "split", "yields", "events")
    assert results(evidence) == dict.fromkeys(names, True)
    numbers = {check.name: [number.label for number in check.numbers] for check in validate(evidence).checks}
    assert len(numbers["same_events"]) == 2 * 6 * 3
    assert "sample dy, njet [2, 3) (hf_up)" in numbers["same_events"]
    assert numbers["yields"] == [
        f"sample {s}, {v}" for s in ("tt", "dy") for v in ("nominal", "btag_hfUp", "btag_hfDown")
    ]


def test_data_mc_ratio_closes() -> None:
    names = ("values", "file", "truth", "same_events", "remeasured", "split", "yields", "events")
    assert results(events.data_mc_ratio().evidence()) == dict.fromkeys(names, True)


def test_efficiency_map_closes() -> None:
    assert results(events.tagging()) == {
        **dict.fromkeys(("values", "file", "truth", "yields", "events"), True),
        "split": None,
    }


def test_without_a_closure_only_what_needs_none() -> None:
    sources, result = by_year()
    evidence = Evidence("sf", BY_YEAR, result, dumps(result), sources, NO_SUMS)
    nothing = dict.fromkeys(("same_events", "all_objects", "remeasured", "split"))
    assert results(evidence) == {"values": True, "file": True, "truth": True, **nothing}


def test_fits_are_compared_with_the_file() -> None:
    declaration = TagAndProbeFit(**toys.DECLARED, mass_range=(60, 120), alternative_fits=())
    histograms = toys.tag_and_probe(seed=3)
    result = measure("sf", declaration, histograms)
    sources = {ALL_YEARS: {("toys", "probes"): histograms}}
    evidence = Evidence("sf", declaration, result, dumps(result), sources, NO_SUMS)
    done = dict.fromkeys(("values", "file", "fits", "truth"), True)
    assert results(evidence) == {**done, "all_objects": None, "remeasured": None, "split": None}
    wrong = dataclasses.replace(evidence, correction=dumps(scaled(result, 1.001)))
    assert "a relative difference of 0.001" in outcomes(wrong)["file"]


@pytest.mark.parametrize("toy", [events.norm_ratio(), events.data_mc_ratio()], ids=["norm_ratio", "data_mc_ratio"])
def test_scale_factor_of_one(toy: events.Toys) -> None:
    failed = outcomes(toy.evidence(one))
    assert (
        set(failed) == {"file", "same_events", "yields"}
        if toy.declaration is events.BTAG
        else {"file", "same_events", "remeasured"}
    )
    assert "a relative difference of" in failed["same_events"]
    report = validate(toy.evidence(one))
    assert report.sentence.startswith("scale factor 'sf' doesn't close: check 'file' failed: ")


def test_scale_factor_that_is_written_but_not_applied() -> None:
    """The file is right, and the weight in the configuration is not it."""
    right = events.norm_ratio().evidence()
    unapplied = events.norm_ratio().evidence(one)
    evidence = dataclasses.replace(right, sources=unapplied.sources)
    failed = outcomes(evidence)
    assert set(failed) == {"same_events", "yields"}
    nominal, (up, down) = right.result.scale_factor.value, right.result.coupled["hf"]
    off = np.stack([(1 + shift) / (nominal + shift) - 1 for shift in (0 * up, up, down)])
    worst = off.ravel()[np.abs(off).argmax()]
    assert f"a relative difference of {worst:.2g}, above 1e-09" in failed["same_events"]


def test_map_that_is_a_tenth_too_large() -> None:
    failed = outcomes(events.tagging(lambda result: scaled(result, 1.1)))
    assert set(failed) == {"file", "yields"}
    assert "a relative difference of 0.1, above 1e-09" in failed["file"]
    assert "instead of 1 in sample tt, a pull of" in failed["yields"]


def test_swapped_years() -> None:
    sources, result = by_year()
    value = result.scale_factor.value
    swapped = dumps(scaled(result, value[::-1] / value))
    failed = outcomes(Evidence("sf", BY_YEAR, result, swapped, sources, NO_SUMS))
    assert set(failed) == {"file"}
    assert "in year 201" in failed["file"]


def test_year_that_is_not_there() -> None:
    sources, result = by_year()
    del sources["2018"]
    failed = outcomes(Evidence("sf", BY_YEAR, result, dumps(result), sources, NO_SUMS))
    sentence = "unknown year '2018' in the templates of variable 'probes', did you mean '2017'?"
    assert failed == {"file": sentence, "truth": sentence}


def test_dropped_correlation() -> None:
    failed = outcomes(events.norm_ratio(correlated=False).evidence())
    assert set(failed) == {"split"}
    assert "too good for independent numbers, the errors are too large" in failed["split"]


def test_missing_sample() -> None:
    evidence = events.norm_ratio().evidence()
    del evidence.sources[ALL_YEARS]["calibrated", "njet"]["dy"]  # type: ignore[attr-defined]
    del evidence.sums["calibrated"]["datasets_metadata"]["dy_2018"]
    failed = outcomes(evidence)
    assert set(failed) == {"same_events", "yields", "events"}
    assert failed["events"] == "dy_2018 of derivation isn't in calibrated"
    assert failed["same_events"].startswith("unknown sample 'dy' in the templates of variable 'njet' in configuration")


def test_sample_that_the_file_lacks() -> None:
    evidence = events.norm_ratio().evidence()
    evidence = dataclasses.replace(evidence, correction=evidence.correction.replace('"dy"', '"ww"'))
    assert "has no value for systematic nominal, sample dy" in outcomes(evidence)["file"]


def test_measured_again_with_another_efficiency() -> None:
    """Simulation whose passing entries got the scale factor gives 1; with half of it it doesn't."""
    declaration = EfficiencyRatio(
        **toys.DECLARED, closure=Closure(same_events={"input": "after"}, remeasured={"input": "after"})
    )
    before = toys.counting(seed=5)
    result = measure("sf", declaration, before)

    def evidence(power: float) -> Evidence:
        efficiency, factor = result.efficiencies["mc"].value, result.scale_factor.value**power
        dy = before["dy"].copy()
        failing = (1 - factor * efficiency) / (1 - efficiency)
        dy.view().value[0, 0] *= np.stack([failing, factor])
        sums = {"toys": events.sums({}), "after": events.sums({})}
        sources = {ALL_YEARS: {("toys", "probes"): before, ("after", "probes"): {**before, "dy": dy}}}
        return Evidence("sf", declaration, result, dumps(result), sources, sums)

    failed = outcomes(evidence(1.0))
    # there are no datasets in these sums
    assert set(failed) == {"events"}
    failed = outcomes(evidence(0.0))
    assert set(failed) == {"same_events", "remeasured", "events"}
    assert "± " in failed["remeasured"]


def test_tagger_measured_again() -> None:
    """Simulation that passes gets the scale factor of its flavour, what fails the rest."""
    declaration = tagger(closure=Closure(remeasured={"input": "after"}))
    before, _ = tagged(1)
    result = measure("sf", declaration, before)

    def evidence(power: float) -> Evidence:
        tt = before["tt"].copy()
        for flavour, number in {"b": 0, "c": 1}.items():
            position = {"b": 2, "c": 1}[flavour]
            factor = result.scale_factor.value[number] ** power
            for key, square in (("value", 1), ("variance", 2)):
                failing, passing = before["tt"].view().value[0, 0, :, :, position].sum(axis=-1)
                scale = np.stack([1 + (1 - factor) * passing / failing, factor]) ** square
                tt.view()[key][0, :, :, :, position] *= scale[:, :, np.newaxis]
        sums = dict.fromkeys(("tagged", "after"), events.sums({}))
        sources = {ALL_YEARS: {("tagged", "sv_mass"): before, ("after", "sv_mass"): {**before, "tt": tt}}}
        return Evidence("sf", declaration, result, dumps(result), sources, sums)

    (again,) = (check for check in validate(evidence(1.0)).checks if check.name == "remeasured")
    assert again.passed is True
    assert [number.label for number in again.numbers] == [
        f"flavor {flavour}, pt {bounds}" for flavour in (5, 4) for bounds in ("[30, 60)", "[60, 200)")
    ]
    assert [number.found for number in again.numbers] == pytest.approx([1.0] * 4, abs=0.01)
    assert outcomes(evidence(0.0))["remeasured"].startswith("0.9")


EDGES = (24.0, 26.0, 28.0, 30.0, 40.0, 60.0)
TURN_ON = EfficiencyRatio(
    input="before",
    variable="probes",
    category="baseline",
    axes=("pt",),
    data=("data",),
    mc=("dy",),
    closure=Closure(remeasured={"variable": "applied"}),
)


def turn_on(factors: tuple[float, ...], **arguments: Any) -> dict[str, str]:
    """Return what fails for scale factors of the bins in ``EDGES``, measured in bins that may be coarser."""
    declaration = dataclasses.replace(TURN_ON, **arguments)
    rng, entries, efficiency = np.random.default_rng(1), 4000.0, 0.8

    def filled(passing: Any, failing: Any, is_mc: bool) -> hist.Hist[Any]:
        axes: list[Any] = [hist.axis.StrCategory(["baseline"], name="cat")]
        axes += [hist.axis.StrCategory(["nominal"], name="variation")] if is_mc else []
        axes += [hist.axis.Integer(0, 2, name="passing"), hist.axis.Variable(EDGES, name="pt")]
        made = hist.Hist(*axes, storage=hist.storage.Weight())
        values = np.stack([failing, passing])
        view: Any = made.view()
        view["value"] = view["variance"] = values[None, None] if is_mc else values[None]
        return made

    data = rng.binomial(int(entries), np.minimum(efficiency * np.array(factors), 1)).astype(float)
    before = {
        "data": filled(data, entries - data, is_mc=False),
        "dy": filled(np.full(5, entries * efficiency), np.full(5, entries * (1 - efficiency)), is_mc=True),
    }
    result = measure("sf", declaration, before)
    edges = np.array(result.axes["pt"])
    inside = np.clip(np.searchsorted(edges, np.array(EDGES[:-1]), side="right") - 1, 0, len(edges) - 2)
    applied = result.scale_factor.value[inside]
    after = before | {"dy": filled(entries * efficiency * applied, entries * (1 - efficiency * applied), is_mc=True)}
    sources = {ALL_YEARS: {("before", "probes"): before, ("before", "applied"): after}}
    return outcomes(Evidence("sf", declaration, result, dumps(result), sources, {"before": {}}))


def test_bins_that_are_too_wide_or_too_short() -> None:
    flat, rising = (0.95,) * 5, (0.6, 0.8, 0.95, 0.96, 0.96)
    assert turn_on(rising) == {}
    assert turn_on(flat, bins={"pt": (24.0, 30.0, 60.0)}) == {}
    for bins in ((24.0, 30.0, 60.0), (30.0, 40.0, 60.0)):
        failed = turn_on(rising, bins={"pt": bins})
        assert set(failed) == {"finer_bins"}, failed
        assert "instead of 1 in pt [24, 26)" in failed["finer_bins"]
