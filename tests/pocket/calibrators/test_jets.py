"""Calibrated jets against a loop that asks correctionlib for one jet at a time."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import awkward as ak
import correctionlib
import numpy as np
import pytest

from pocket.calibrators import Calibrator, JetsCalibrator
from pocket.calibrators import jet_corrections as jet_corrections_module
from pocket.calibrators.jets import JER
from pocket.calibrators.sequence import CalibratorSequence
from pocket.calibrators.smearing import normal_numbers
from pocket.errors import ConfigError, MissingBranchError, UnknownNameError
from tests.pocket.calibrators.conftest import DATA, JET_TYPE, MC, RESOLUTION, SCALE, YEAR

#: what corrections of the scale end in that are no uncertainties
LEVELS = ("L1FastJet", "L2Relative", "L3Absolute", "L2L3Residual")
#: float32 has 24 binary digits
FLOAT32 = 2.0**-23


class Row(NamedTuple):
    """A jet, the generated jet it is linked with, the energy density, and pt before and after the scale."""

    jet: dict[str, float]
    linked: dict[str, float] | None
    rho: float
    raw: float
    pt: float


def calibrate(events: ak.Array, params: Any, variation: str = "nominal", metadata: Mapping[str, Any] = MC) -> ak.Array:
    sequence = CalibratorSequence([JetsCalibrator], params, metadata, [JetsCalibrator.name])
    sequence.initialize(events)
    return sequence.calibrate(events, variation).events


def without(params: dict[str, Any], option: str) -> dict[str, Any]:
    params["jets_calibration"][option][YEAR][JET_TYPE] = False
    return params


def without_smearing(params: dict[str, Any]) -> dict[str, Any]:
    params["jets_calibration"]["variations"][JET_TYPE][YEAR].remove(JER)
    return without(params, "apply_jer_MC")


def loop(events: ak.Array, jerc: str, scale: str = f"{SCALE}_L1L2L3Res") -> Iterator[Row]:
    """Yield the jets one by one."""
    compound = correctionlib.CorrectionSet.from_file(jerc).compound[f"{scale}_{JET_TYPE}"]
    jets = events.Jet[["pt", "eta", "phi", "mass", "area", "rawFactor", "genJetIdx"]].tolist()
    gen_jets = events.GenJet[["pt", "eta", "phi"]].tolist()
    for in_event, gen_in_event, rho in zip(jets, gen_jets, events.Rho.fixedGridRhoFastjetAll.tolist(), strict=True):
        for jet in in_event:
            raw = jet["pt"] * (1 - jet["rawFactor"])
            index = jet["genJetIdx"]
            yield Row(
                jet=jet,
                linked=gen_in_event[index] if 0 <= index < len(gen_in_event) else None,
                rho=rho,
                raw=raw,
                pt=raw * compound.evaluate(jet["area"], jet["eta"], raw, rho),
            )


def assert_same(jets: ak.Array, field: str, expected: list[float]) -> None:
    np.testing.assert_allclose(ak.to_numpy(ak.flatten(jets[field])), expected, rtol=FLOAT32)


def test_scale_and_every_source_of_its_uncertainty(events: ak.Array, params: dict[str, Any], jerc: str) -> None:
    params = without(without_smearing(params), "sort_by_pt")
    corrections = correctionlib.CorrectionSet.from_file(jerc)
    names = [name.removeprefix(f"{SCALE}_").removesuffix(f"_{JET_TYPE}") for name in corrections if SCALE in name]
    sources = sorted({*names} - {*LEVELS})
    assert len(sources) == 64
    params["jets_calibration"]["variations"][JET_TYPE][YEAR] = [f"JES_{source}" for source in sources]
    expected: dict[str, list[float]] = {}
    masses: dict[str, list[float]] = {}
    raws = []
    for row in loop(events, jerc):
        raws.append(row.raw)
        factors = {"nominal": 1.0}
        for source in sources:
            shift = corrections[f"{SCALE}_{source}_{JET_TYPE}"].evaluate(row.jet["eta"], row.pt)
            factors |= {f"{JET_TYPE}_JES_{source}Up": 1 + shift, f"{JET_TYPE}_JES_{source}Down": 1 - shift}
        raw_mass = row.jet["mass"] * (1 - row.jet["rawFactor"])
        for variation, factor in factors.items():
            expected.setdefault(variation, []).append(row.pt * factor)
            masses.setdefault(variation, []).append(raw_mass * row.pt / row.raw * factor)
    assert len(expected) == 1 + 2 * len(sources)
    sequence = CalibratorSequence([JetsCalibrator], params, MC, [JetsCalibrator.name])
    for variation, values in expected.items():
        jets = sequence.calibrate(events, variation).events.Jet
        assert_same(jets, "pt", values)
        np.testing.assert_allclose(ak.to_numpy(ak.flatten(jets.mass)), masses[variation], rtol=2 * FLOAT32)
        assert_same(jets, "pt_raw", raws)
        # from the new pt and rawFactor one gets the raw pt
        np.testing.assert_allclose(ak.flatten(jets.pt * (1 - jets.rawFactor)), raws, rtol=1e-6)
    assert len(raws) > 1000


def test_smearing_and_its_uncertainty(events: ak.Array, params: dict[str, Any], jerc: str) -> None:
    params = without(params, "sort_by_pt")
    corrections = correctionlib.CorrectionSet.from_file(jerc)
    resolution, ratio = (corrections[f"{RESOLUTION}_{name}_{JET_TYPE}"] for name in ("PtResolution", "ScaleFactor"))
    normal = iter(normal_numbers(1, events, events.Jet))
    expected: dict[str, list[float]] = {"nom": [], "up": [], "down": []}
    total, gen_pts = [], []
    for row in loop(events, jerc):
        eta, pt, number = row.jet["eta"], row.pt, next(normal)
        width = resolution.evaluate(eta, pt, row.rho)
        gen_pt = 0.0
        if row.linked:
            delta_phi = math.remainder(row.jet["phi"] - row.linked["phi"], 2 * math.pi)
            close = math.hypot(eta - row.linked["eta"], delta_phi) < 0.2
            if close and abs(pt - row.linked["pt"]) < 3 * width * pt:
                gen_pt = row.linked["pt"]
        gen_pts.append(gen_pt)
        for systematic, values in expected.items():
            s = ratio.evaluate(eta, pt, systematic)
            if gen_pt:
                smeared = pt + (s - 1) * (pt - gen_pt)
            else:
                smeared = pt * (1 + number * width * math.sqrt(max(s * s - 1, 0)))
            values.append(max(smeared, 0.01))
        smeared = expected["nom"][-1]
        total.append(smeared * (1 + corrections[f"{SCALE}_Total_{JET_TYPE}"].evaluate(eta, smeared)))
    for variation, values in (
        ("nominal", expected["nom"]),
        (f"{JET_TYPE}_JERUp", expected["up"]),
        (f"{JET_TYPE}_JERDown", expected["down"]),
        (f"{JET_TYPE}_JES_TotalUp", total),
    ):
        assert_same(calibrate(events, params, variation).Jet, "pt", values)
    assert_same(calibrate(events, params).Jet, "pt_gen", gen_pts)
    assert 0.3 < np.mean(np.array(gen_pts) > 0) < 0.99


def test_jets_are_ordered_with_all_that_belongs_to_them(events: ak.Array, params: dict[str, Any]) -> None:
    ordered = calibrate(events, params, f"{JET_TYPE}_JERUp").Jet
    as_in_file = calibrate(events, without(params, "sort_by_pt"), f"{JET_TYPE}_JERUp").Jet
    assert ak.all(ordered.pt[:, 1:] <= ordered.pt[:, :-1])
    assert not ak.all(as_in_file.pt[:, 1:] <= as_in_file.pt[:, :-1])
    fields = ["pt", "eta", "btagDeepFlavB", "pt_l1"]
    for jets, expected in zip(ordered[fields].tolist(), as_in_file[fields].tolist(), strict=True):
        assert jets == sorted(expected, key=lambda jet: -jet["pt"])
    assert ak.all(ak.num(ordered.matched_gen) == ak.num(events.Jet))


def test_results_do_not_depend_on_chunks_or_order(events: ak.Array, params: dict[str, Any]) -> None:
    whole = calibrate(events, params).Jet.pt
    for start, stop in itertools.pairwise((0, 1, 70, 200)):
        assert calibrate(events[start:stop], params).Jet.pt.tolist() == whole[start:stop].tolist()
    assert calibrate(events[::-1], params).Jet.pt.tolist() == whole[::-1].tolist()
    params["jets_calibration"]["smearing_seed"] = 2
    assert calibrate(events, params).Jet.pt.tolist() != whole.tolist()


def test_other_events_need_no_new_sequence(events: ak.Array, params: dict[str, Any]) -> None:
    sequence = CalibratorSequence([JetsCalibrator], params, MC, [JetsCalibrator.name])
    sequence.initialize(events)
    for part in (events, events[::-1], events[:5]):
        for variation in ("nominal", f"{JET_TYPE}_JERUp"):
            found = sequence.calibrate(part, variation).events.Jet.pt
            assert found.tolist() == calibrate(part, params, variation).Jet.pt.tolist()


def test_empty_chunk(events: ak.Array, params: dict[str, Any]) -> None:
    assert len(calibrate(events[:0], params, f"{JET_TYPE}_JERUp").Jet) == 0
    nothing = ak.with_field(events[:2], events.Jet[:2, :0], "Jet")
    assert calibrate(nothing, params, f"{JET_TYPE}_JES_TotalUp").Jet.pt.tolist() == [[], []]


def test_data(events: ak.Array, params: dict[str, Any], jerc: str) -> None:
    params = without(params, "sort_by_pt")
    calibrator = JetsCalibrator(params, DATA)
    assert calibrator.variations == ()
    jets = calibrate(events, params, metadata=DATA).Jet
    assert_same(jets, "pt", [row.pt for row in loop(events, jerc, "Summer22_22Sep2023_RunCD_V3_DATA_L1L2L3Res")])
    assert "pt_gen" not in jets.fields
    assert calibrate(events, without(params, "apply_jec_Data"), metadata=DATA).Jet.fields == events.Jet.fields


def test_soft_jets_have_raw_pt_and_vary_too(events: ak.Array, params: dict[str, Any]) -> None:
    params = without(without_smearing(params), "sort_by_pt")
    nominal, up = (calibrate(events, params, name).CorrT1METJet for name in ("nominal", f"{JET_TYPE}_JES_TotalUp"))
    np.testing.assert_array_equal(ak.flatten(nominal.pt_raw), ak.flatten(events.CorrT1METJet.rawPt))
    assert ak.all(up.pt > nominal.pt)
    assert ak.all(nominal.pt_l1 == nominal.pt_raw)


def test_only_what_is_asked_for_is_evaluated(
    events: ak.Array, params: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluated: list[str] = []
    evaluate = jet_corrections_module.JetCorrections._evaluate

    def logged(self: Any, name: str, inputs: Any, file: str | None = None) -> Any:
        evaluated.append(name.removeprefix(f"{SCALE}_").removeprefix(f"{RESOLUTION}_"))
        return evaluate(self, name, inputs, file)

    monkeypatch.setattr(jet_corrections_module.JetCorrections, "_evaluate", logged)
    params["jets_calibration"]["collection"][YEAR][JET_TYPE] = "Jet"
    sequence = CalibratorSequence([JetsCalibrator], params, MC, [JetsCalibrator.name])
    sequence.initialize(events)
    for variation, expected in (
        ("nominal", ["L1L2L3Res", "L1FastJet", "PtResolution", "ScaleFactor"]),
        ("JES_TotalUp", ["Total"]),
        ("JES_TotalDown", []),
        ("JERDown", ["ScaleFactor"]),
    ):
        evaluated.clear()
        sequence.calibrate(events, variation if variation == "nominal" else f"{JET_TYPE}_{variation}")
        assert evaluated == expected


def test_other_types_of_jets_stay_the_same(events: ak.Array, params: dict[str, Any]) -> None:
    section = params["jets_calibration"]
    section["jet_types"]["AK4Again"] = section["jet_types"][JET_TYPE]
    section["variations"]["AK4Again"] = {YEAR: []}
    for option in ("apply_jec_MC", "sort_by_pt"):
        section[option][YEAR]["AK4Again"] = True
    section["apply_jer_MC"][YEAR]["AK4Again"] = False
    section["collection"][YEAR] = {JET_TYPE: "Jet", "AK4Again": None}
    sequence = CalibratorSequence([JetsCalibrator], params, MC, [JetsCalibrator.name])
    assert sequence.calibrate(events, f"{JET_TYPE}_JERUp").changed == {"Jet"}
    section["collection"][YEAR] = {JET_TYPE: ["CorrT1METJet", "Jet"], "AK4Again": "Jet"}
    with pytest.raises(ConfigError, match=f"has 'Jet' for AK4Again and for {JET_TYPE}"):
        JetsCalibrator(params, MC)


def test_a_type_may_have_the_corrections_of_another_one(events: ak.Array, params: dict[str, Any]) -> None:
    expected = CalibratorSequence([JetsCalibrator], params, MC, [JetsCalibrator.name])
    assert set(params["jets_calibration"]["collection"][YEAR][JET_TYPE]) == {"Jet", "CorrT1METJet"}
    other = copy.deepcopy(params)
    section = other["jets_calibration"]
    section["collection"][YEAR] = {JET_TYPE: "Jet", "AK4Soft": "CorrT1METJet"}
    section["collection_name_alias"] = {YEAR: {"AK4Soft": JET_TYPE}}
    apart = CalibratorSequence([JetsCalibrator], other, MC, [JetsCalibrator.name])
    up = f"{JET_TYPE}_JES_TotalUp"
    assert apart.calibrate(events, up).changed == {"Jet"}
    soft = apart.calibrate(events, "AK4Soft_JES_TotalUp")
    assert soft.changed == {"CorrT1METJet"}
    assert soft.events.CorrT1METJet.pt.to_list() == expected.calibrate(events, up).events.CorrT1METJet.pt.to_list()
    section["merge_collections_for_variations"] = {YEAR: {JET_TYPE: [JET_TYPE, "AK4Soft"]}}
    together = CalibratorSequence([JetsCalibrator], other, MC, [JetsCalibrator.name])
    assert together.variations == expected.variations
    for variation in ("nominal", up, f"{JET_TYPE}_JERDown"):
        found, wanted = (sequence.calibrate(events, variation).events for sequence in (together, expected))
        for name in ("Jet", "CorrT1METJet"):
            assert found[name].pt.to_list() == wanted[name].pt.to_list()


def test_jets_of_an_earlier_calibrator(events: ak.Array, params: dict[str, Any]) -> None:
    """The nominal jets are kept from variation to variation, not those that another calibrator varied."""

    class Regression(Calibrator):
        name = "regression"
        has_variations = True
        calibrated_collections = ("Jet.pt",)
        inputs = ()
        _variations = ("regressionUp",)

        def calibrate(self, events: Any, original: Any, variation: str, already_applied: Any) -> Mapping[str, Any]:
            return {"Jet.pt": events.Jet.pt * (1.2 if variation == "regressionUp" else 1.0)}

    params = without_smearing(params)
    sequence = CalibratorSequence([Regression, JetsCalibrator], params, MC, ["regression", JetsCalibrator.name])
    variations = ("nominal", "regressionUp", f"{JET_TYPE}_JES_TotalUp")
    nominal, regressed, varied = (sequence.calibrate(events, variation).events.Jet for variation in variations)
    np.testing.assert_allclose(
        ak.flatten(ak.sort(regressed.pt_raw)), ak.flatten(ak.sort(nominal.pt_raw)) * 1.2, rtol=1e-6
    )
    assert ak.all(varied.pt == calibrate(events, params, variations[2]).Jet.pt)


def test_names_of_variations(params: dict[str, Any]) -> None:
    kinds = ("JES_Total", "JES_Regrouped_BBEC1", "JER")
    expected = tuple(f"{JET_TYPE}_{kind}{side}" for kind in kinds for side in ("Up", "Down"))
    assert JetsCalibrator(params, MC).variations == expected
    assert JetsCalibrator(params, MC).calibrated_collections == ("Jet", "CorrT1METJet")


def test_errors(events: ak.Array, params: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=f"has JER, but jets_calibration.apply_jer_MC.{YEAR}.{JET_TYPE} is false"):
        JetsCalibrator(without(params, "apply_jer_MC"), MC)
    params["jets_calibration"]["variations"][JET_TYPE][YEAR] = ["Total"]
    with pytest.raises(ConfigError, match="'Total' is neither 'JER' nor 'JES_' and a source"):
        JetsCalibrator(params, MC)
    params["jets_calibration"]["variations"][JET_TYPE][YEAR] = []
    params["jets_calibration"]["collection"][YEAR][JET_TYPE] = "Jets"
    where = f"jets_calibration.collection.{YEAR}, from which '{JET_TYPE}: null' leaves it out"
    with pytest.raises(UnknownNameError, match=f"unknown collection 'Jets' in {where}, did you mean 'Jet'"):
        calibrate(events, params)
    params["jets_calibration"]["collection"][YEAR][JET_TYPE] = "GenJet"
    with pytest.raises(MissingBranchError, match="branch 'GenJet_area' does not exist"):
        calibrate(events, params)
