"""PocketCoffea's calibrators and functions of the momenta of muons.

The numbers were compared with PocketCoffea's own code in its environment; here they are compared with a loop, and with
the formulas of its copy of RoccoR.
"""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path
from typing import Any

import awkward as ak
import correctionlib
import numpy as np
import pytest

from pocket.calibrators.muon_scale_resolution import generator
from pocket.calibrators.rochester import RochesterCorrections
from pocket.calibrators.smearing import uniform_numbers
from pocket.compat.muon_momenta import MuonsCalibrator, MuonsRochesterCalibrator, RoccoR, UpstreamRochester
from pocket.compat.muon_scale_resolution import (
    CrystallBall,
    filter_boundaries,
    get_k,
    get_rndm,
    get_std,
    pt_resol,
    pt_resol_var,
    pt_scale,
    pt_scale_var,
)
from pocket.parameters.defaults import get_default_parameters
from tests.group_files import ROOT, group_files, needs_files
from tests.pocket.calibrators.muon_events import flat_pt, muon_events, rows
from tests.pocket.calibrators.test_muon_scale_resolution import RANDOM_SMEARING, Loop

FILE = ROOT / "POG" / "MUO" / "2023_Summer23" / "muon_scalesmearing.json.gz"
ROCCOR = ROOT / "roccor" / "RoccoR2018UL.txt"
__all__ = ["group_files"]


def calibrator(cls: Any, year: str, is_mc: bool = True) -> Any:
    found = cls(get_default_parameters(), {"year": year, "isMC": is_mc}, True, jme_factory=None)
    found.corrections()
    return found


@needs_files
def test_scale_and_resolution(group_files: Path) -> None:
    events, loop = muon_events(500), Loop(FILE)
    muons = rows(events)
    mc, data = (calibrator(MuonsCalibrator, "2023_preBPix", is_mc) for is_mc in (True, False))
    assert mc.variations == ["muon_scaleUp", "muon_scaleDown", "muon_smearUp", "muon_smearDown"]
    assert (mc.enabled, data.variations) == (True, [])
    for each in (mc, data):
        each.initialize(events)
        result = each.calibrate(events, {}, "nominal")
        assert list(result) == ["Muon.pt", "Muon.pt_original", "Muon.energyErr"] == list(each.calibrated_collections)
        assert ak.all(result["Muon.pt_original"] == events.Muon.pt)
        assert ak.all(result["Muon.energyErr"] == 0)
    names = ("nominal", *mc.variations)
    found = {name: flat_pt(mc.calibrate(events, {}, name)) for name in names}
    of_data = flat_pt(data.calibrate(events, {}, "nominal"))
    for number, muon in enumerate(muons):
        u = generator().evaluate(muon["event"], muon["luminosityBlock"], muon["phi"])
        before = loop.scaled(muon, "mc")
        after = loop.smeared(muon, before, u)
        expected = [after, *(loop.scale_shifted(muon, after, sign, "stat") for sign in (1, -1))]
        expected += [loop.smear_shifted(muon, before, after, sign, "stat") for sign in (1, -1)]
        assert [found[name][number] for name in names] == pytest.approx(expected, rel=1e-12)
        assert of_data[number] == pytest.approx(loop.scaled(muon, "data"), rel=1e-12)
    sides = mc.smeared_pt["pt"], mc.scaled_pt["pt"]
    assert [flat_pt({"Muon.pt": sides[0][side]}).tolist() for side in ("nominal", "up", "down")] == [
        found[name].tolist() for name in ("nominal", "muon_smearUp", "muon_smearDown")
    ]
    assert flat_pt({"Muon.pt": sides[1]["up"]}).tolist() == found["muon_scaleUp"].tolist()
    assert ak.all(mc.scaled_pt["energyErr"]["up"] == 0)


@needs_files
def test_functions_take_lists_and_flat_arrays(tmp_path: Path) -> None:
    content = json.loads(gzip.decompress(FILE.read_bytes()))
    content["corrections"].append(RANDOM_SMEARING)
    cset = correctionlib.CorrectionSet.from_string(json.dumps(content))
    events, loop = muon_events(300), Loop(FILE)
    muons, jagged = rows(events), events.Muon
    flat = ak.flatten(jagged)
    counts = ak.num(jagged)
    event, section = (np.repeat(np.asarray(events[name]), counts) for name in ("event", "luminosityBlock"))
    results = {
        nested: {
            "scale": pt_scale(0, each.pt, each.eta, each.phi, each.charge, cset, nested),
            "data": pt_scale(1, each.pt, each.eta, each.phi, each.charge, cset, nested, low_pt_threshold=60),
            "random": get_rndm(each.eta, each.phi, each.nTrackerLayers, *seeds, cset, nested),
            "std": get_std(each.pt, each.eta, each.nTrackerLayers, cset, nested),
            "k": get_k(each.eta, "nom", cset, nested),
            "smeared": pt_resol(each.pt, each.eta, each.phi, each.nTrackerLayers, *seeds, cset, nested),
        }
        for nested, each, seeds in (
            (True, jagged, (events.event, events.luminosityBlock)),
            (False, flat, (event, section)),
        )
    }
    for name, values in results[True].items():
        assert ak.num(values).tolist() == counts.tolist()
        np.testing.assert_array_equal(np.asarray(ak.flatten(values)), np.asarray(results[False][name]))
    found = results[False]
    for number, muon in enumerate(muons):
        u = loop_random(muon)
        assert found["scale"][number] == pytest.approx(loop.scaled(muon, "mc"), rel=1e-12)
        data = loop.scaled(muon, "data") if muon["pt"] >= 60 else muon["pt"]
        assert found["data"][number] == pytest.approx(data, rel=1e-12)
        assert found["random"][number] == pytest.approx(loop.random(muon, u), rel=1e-9, nan_ok=True)
        assert found["smeared"][number] == pytest.approx(loop.smeared(muon, muon["pt"], u), rel=1e-12)
        k = [loop.value(f"k_{kind}", abs(muon["eta"]), "nom") for kind in ("data", "mc")]
        assert found["k"][number] == pytest.approx(math.sqrt(max(k[0] ** 2 - k[1] ** 2, 0)), rel=1e-12)
    assert (found["std"] >= 0).all()
    pt, smeared = (np.asarray(each, dtype=np.float64) for each in (flat.pt, found["smeared"]))
    for side, sign in (("up", 1), ("dn", -1)):
        varied = pt_resol_var(pt, smeared, flat.eta, side, cset)
        shifted = pt_scale_var(pt, flat.eta, flat.phi, flat.charge, side, cset)
        for number, muon in enumerate(muons):
            expected = loop.smear_shifted(muon, pt[number], smeared[number], sign, "stat")
            assert varied[number] == pytest.approx(expected, rel=1e-12)
            assert shifted[number] == pytest.approx(loop.scale_shifted(muon, pt[number], sign, "stat"), rel=1e-12)
    assert pt_scale_var(pt, flat.eta, flat.phi, flat.charge, "other", cset) is pt
    assert pt_resol_var(pt, smeared, flat.eta, "other", cset).tolist() == smeared.tolist()


def loop_random(muon: dict[str, Any]) -> float:
    return float(generator().evaluate(muon["event"], muon["luminosityBlock"], muon["phi"]))


def test_boundaries() -> None:
    pt, corrected = [10.0, 26.0, 100.0, 200.0, 201.0, 50.0], [11.0, 27.0, 101.0, 202.0, 205.0, math.nan]
    assert filter_boundaries(corrected, pt, False).tolist() == [10, 27, 101, 202, 201, 50]
    assert filter_boundaries(corrected, pt, False, low_pt_threshold=5).tolist() == [11, 27, 101, 202, 201, 50]
    jagged = ak.unflatten(ak.Array(pt), [2, 0, 4])
    found = filter_boundaries(ak.unflatten(ak.Array(corrected), [2, 0, 4]), jagged, True, silent=False)
    assert found.tolist() == [[10, 27], [], [101, 202, 201, 50]]


def test_crystal_ball() -> None:
    ball = CrystallBall([0.1, 0.2], [1.0, 2.0], [1.5, 2.0], [3.0, 4.0])
    assert ball.cdf(ball.invcdf([0.01, 0.7])).tolist() == pytest.approx([0.01, 0.7])


@needs_files
def test_rochester_corrections(group_files: Path) -> None:
    events = muon_events(500)
    muons = rows(events)
    columns = {name: np.array([muon[name] for muon in muons], dtype=np.float64) for name in muons[0]}
    place = [columns[name] for name in ("charge", "pt", "eta", "phi")]
    mc, data = (calibrator(MuonsRochesterCalibrator, "2018", is_mc) for is_mc in (True, False))
    assert (mc.variations, data.variations) == (["muon_roccorUp", "muon_roccorDown"], [])
    program = RoccoR(str(ROCCOR), so_path="anywhere")
    u = uniform_numbers(1, events, events.Muon)
    mc.initialize(events)
    for name, which in (("nominal", (0, 0)), ("muon_roccorUp", (1, 0)), ("muon_roccorDown", (1, 1))):
        result = mc.calibrate(events, {}, name)
        assert ak.all(result["Muon.pt_original"] == events.Muon.pt)
        spread = program.kSpreadMC(*place, np.where(columns["gen_pt"] > 0, columns["gen_pt"], 1), *which)
        smeared = program.kSmearMC(*place, columns["nTrackerLayers"], u, *which)
        expected = columns["pt"] * np.where(columns["gen_pt"] > 0, spread, smeared)
        np.testing.assert_allclose(flat_pt(result), expected, rtol=1e-14)
    data.initialize(events)
    expected = columns["pt"] * program.kScaleDT(*place)
    np.testing.assert_allclose(flat_pt(data.calibrate(events, {}, "nominal")), expected, rtol=1e-14)
    # all but the smearing are those of the official program
    ours = RochesterCorrections.from_file(str(ROCCOR)).muons(*place)
    np.testing.assert_allclose(program.kScaleDT(*place, 3, 0), ours.of_data(3, 0), rtol=1e-15)
    np.testing.assert_allclose(program.kSpreadMC(*place, columns["pt"], 1, 5), ours.spread(columns["pt"], 1, 5))


def test_inverse_of_the_error_function() -> None:
    """Winitzki's approximation is good to a few parts in a thousand."""
    values = np.array([-1.5, -0.3, 0.2, 1.0])
    found = UpstreamRochester.inverse_erf(np.array([math.erf(value) for value in values]))
    np.testing.assert_allclose(found, values, rtol=4e-3)
    x, a = math.erf(1.0), 0.147
    half = 2 / (math.pi * a) + math.log(1 - x * x) / 2
    assert found[-1] == pytest.approx(math.sqrt(math.sqrt(half**2 - math.log(1 - x * x) / a) - half), rel=1e-14)


def test_years_and_parameters_without_calibration() -> None:
    for cls, year in ((MuonsCalibrator, "2018"), (MuonsRochesterCalibrator, "2022_preEE")):
        for params in (get_default_parameters(), {}):
            found = cls(params, {"year": year, "isMC": True})
            found.initialize(None)
            assert (found.enabled, found.variations, found.calibrated_collections) == (False, [], ())
            assert found.calibrate(None, {}, "nominal") == {}
