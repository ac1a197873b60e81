from __future__ import annotations

import math

import pytest

from pocket.toys.lepton_corrections import (
    ELECTRON,
    ERA,
    MUON_ID,
    MUON_ISO,
    MUON_TRIGGER,
    electron_corrections,
    muon_corrections,
)

POINTS = [(0.3, 16.0), (1.0, 33.0), (1.5, 45.0), (2.3, 500.0)]
ELECTRON_POINTS = {"RecoBelow20": 15.0, "RecoAbove20": 60.0, "wp80iso": 60.0, "wp90iso": 500.0}


@pytest.fixture(scope="module")
def muons(config):
    return {made.name: made.to_evaluator() for made in muon_corrections(config.truth)}


@pytest.fixture(scope="module")
def electrons():
    (made,) = electron_corrections()
    assert made.name == ELECTRON
    return made.to_evaluator()


def test_layout_of_the_muon_group(muons):
    assert list(muons) == [MUON_ID, MUON_ISO, MUON_TRIGGER]
    for correction in muons.values():
        inputs = [(variable.name, variable.type) for variable in correction.inputs]
        assert inputs == [("abseta", "real"), ("pt", "real"), ("scale_factors", "string")]


def test_layout_of_the_electron_group(electrons):
    names = [variable.name for variable in electrons.inputs]
    assert names == ["year", "ValType", "WorkingPoint", "eta", "pt"]


def test_muon_id_is_the_truth(muons):
    # 0.98, and 0.02 less beyond |eta| of 1.2
    values = [muons[MUON_ID].evaluate(*point, "nominal") for point in POINTS]
    assert values == pytest.approx([0.98, 0.98, 0.96, 0.96])


def test_muon_trigger_is_the_truth_at_the_centres_of_the_bins(muons):
    def efficiency(pt, threshold, plateau):
        return plateau / 2 * (1 + math.erf((pt - threshold) / (math.sqrt(2) * 1.2)))

    for pt in (26.25, 27.75, 29.5, 31.0, 45.0):
        truth = efficiency(pt, 26.5, 0.90) / efficiency(pt, 26.0, 0.93)
        assert muons[MUON_TRIGGER].evaluate(1.0, pt, "nominal") == pytest.approx(truth)
    assert muons[MUON_TRIGGER].evaluate(1.0, 1000.0, "nominal") == pytest.approx(0.90 / 0.93)


def test_what_is_the_same_in_data_and_simulation_has_scale_factors_of_one(muons, electrons):
    assert [muons[MUON_ISO].evaluate(*point, "nominal") for point in POINTS] == [1.0] * len(POINTS)
    for working_point, pt in ELECTRON_POINTS.items():
        for eta in (-2.4, -1.5, 0.0, 1.0, 2.0):
            assert electrons.evaluate(ERA, "sf", working_point, eta, pt) == 1.0


def test_uncertainties_are_symmetric_and_depend_on_eta_and_pt(muons, electrons):
    seen = set()
    for correction in muons.values():
        for abseta, pt in ((0.3, 33.0), (1.0, 33.0), (1.5, 45.0), (2.3, 55.0)):
            nominal, up, down = (correction.evaluate(abseta, pt, kind) for kind in ("nominal", "systup", "systdown"))
            assert up - nominal == pytest.approx(nominal - down)
            assert 0.001 < up - nominal < 0.01
            seen.add(round(up - nominal, 6))
    assert len(seen) >= 4
    shifts = [electrons.evaluate(ERA, "sfup", point, 1.0, pt) - 1 for point, pt in ELECTRON_POINTS.items()]
    downs = [electrons.evaluate(ERA, "sfdown", point, 1.0, pt) - 1 for point, pt in ELECTRON_POINTS.items()]
    assert shifts == pytest.approx([-down for down in downs])
    assert len(set(shifts)) == len(shifts)
