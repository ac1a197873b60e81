from __future__ import annotations

import dataclasses

import pytest

from pocket.scale_factors import DataMCRatio, NormRatio
from pocket.scale_factors.declarations.closure import places
from pocket.scale_factors.files.measured import ALL_YEARS
from pocket.scale_factors.validation.validate import Evidence
from pocket.scale_factors.validation.yields import check_corrected_yields, check_weighted_yields
from tests.pocket.scale_factors.validation import events


def weighted(evidence: Evidence) -> tuple[NormRatio, Evidence]:
    (place,) = places(evidence.declaration)["same_events"]
    assert isinstance(place, NormRatio)
    return place, evidence


def test_yields_of_each_sample_in_each_variation() -> None:
    toy = events.norm_ratio()
    place, evidence = weighted(toy.evidence())
    check = check_weighted_yields(place, evidence.units(place))
    assert check.passed is True
    expected = {number.label: number.expected for number in check.numbers}
    for sample in ("tt", "dy"):
        for variation in ("nominal", "btag_hfUp", "btag_hfDown"):
            assert expected[f"sample {sample}, {variation}"] == pytest.approx(toy.events[sample]["weight"].sum())


def test_entries_outside_of_the_bins_count() -> None:
    place, evidence = weighted(events.norm_ratio().evidence())
    histogram = evidence.sources[ALL_YEARS]["calibrated", "njet"]["tt"]
    histogram.fill(cat="closed", variation="btag_hfUp", njet=100, weight=50)
    check = check_weighted_yields(place, evidence.units(place))
    assert check.passed is False
    assert "in sample tt, btag_hfUp" in check.outcome


def test_samples_together() -> None:
    toy = events.norm_ratio()
    together = dataclasses.replace(events.BTAG, together=True)
    place = dataclasses.replace(together, input="calibrated", weighted="closed")
    evidence = dataclasses.replace(toy.evidence(), declaration=together)
    check = check_weighted_yields(place, evidence.units(place))
    assert [number.label for number in check.numbers] == ["nominal", "btag_hfUp", "btag_hfDown"]
    total = sum(one["weight"].sum() for one in toy.events.values())
    assert check.numbers[0].expected == pytest.approx(total)


def test_yield_that_a_correction_keeps() -> None:
    toy = events.data_mc_ratio()
    evidence = toy.evidence()
    (place,) = places(evidence.declaration)["same_events"]
    assert isinstance(place, DataMCRatio)
    check = check_corrected_yields(place, evidence.units(), evidence.units(place))
    assert check.passed is True
    (number,) = check.numbers
    assert number.expected == pytest.approx(sum(toy.events[sample]["weight"].sum() for sample in ("tt", "dy")))
    lost = toy.evidence(lambda result: events.scaled(result, 0.99))
    check = check_corrected_yields(place, lost.units(), lost.units(place))
    assert "a relative difference of -0.01, above 1e-09" in check.outcome
