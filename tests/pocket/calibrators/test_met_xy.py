"""Modulation of the missing momentum in the azimuth, against correctionlib and the formula, event by event."""

from __future__ import annotations

import cmath
import math
from pathlib import Path
from typing import Any

import awkward as ak
import correctionlib
import correctionlib.schemav2 as cs
import numpy as np
import pytest

from pocket.calibrators import METXYCalibrator
from pocket.calibrators.sequence import CalibratorSequence
from pocket.errors import ConfigError, UnknownNameError
from pocket.parameters.defaults import get_default_parameters
from pocket.parameters.plain import to_plain
from tests.pocket.calibrators.jme_files import ROOT, RUN_2, file_of, needs_files
from tests.pocket.correction_files import write_corrections

#: runs of all eras, with those at which they begin
RUNS = {
    "2016_PreVFP": (272007, 275657, 276315, 276831, 277772, 278768),
    "2016_PostVFP": (278769, 278802, 280919, 284044),
    "2017": (297046, 299329, 302030, 303435, 304911, 306460),
    "2018": (315252, 316995, 316998, 319312, 319313, 320394, 325273),
}
#: slope and offset of x and y of each variation
SHIFTS = {"nom": (0.1, 1.0, -0.2, 0.5), "pu_up": (0.11, 1.0, -0.2, 0.5), "pu_dn": (0.09, 1.0, -0.2, 0.5)}


def generated(runs: Any = (1,), n: int = 10_000) -> ak.Array:
    rng = np.random.default_rng(3)
    pt = np.exp(rng.uniform(-2, 7, n))
    pt[:3] = 0.0, 6499.0, 7000.0
    phi = rng.uniform(-np.pi, np.pi, n)
    phi[5:8] = np.pi, -np.pi, 0.0
    met = ak.zip({"pt": pt.astype(np.float32), "phi": phi.astype(np.float32)})
    number = rng.integers(0, 80, n)
    vertices = ak.zip({"npvs": number, "npvsGood": number // 2})
    run = rng.choice(np.array(runs, dtype=np.uint32), n)
    return ak.zip({"run": run, "MET": met, "PuppiMET": met, "PV": vertices}, depth_limit=1)


@needs_files
@pytest.mark.parametrize("year", RUN_2)
@pytest.mark.parametrize("is_mc", [True, False])
def test_files_of_run_2(year: str, is_mc: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_CORRECTIONS", str(ROOT))
    params = to_plain(get_default_parameters())
    kind = "mc" if is_mc else "data"
    for met, algorithm in (("MET", "pfmet"), ("PuppiMET", "puppimet")):
        params["met_xy_calibration"][year] |= {"collection": met, "algorithm": algorithm}
        chain = CalibratorSequence([METXYCalibrator], params, {"year": year, "isMC": is_mc})
        assert chain.variations == ()
        file = correctionlib.CorrectionSet.from_file(file_of(year, "met.json.gz"))
        corrections = [file[f"{result}_metphicorr_{algorithm}_{kind}"] for result in ("pt", "phi")]
        events = generated(RUNS[year])
        found = chain.calibrate(events).events[met]
        before = zip(
            events[met].pt.to_list(),
            events[met].phi.to_list(),
            events.PV.npvs.to_list(),
            events.run.to_list(),
            strict=True,
        )
        expected = [
            [one.evaluate(pt, phi, float(number), float(run)) for one in corrections] if pt < 6500 else [pt, phi]
            for pt, phi, number, run in before
        ]
        np.testing.assert_allclose(found.pt, [pt for pt, _ in expected], rtol=2.0**-23)
        np.testing.assert_allclose(found.phi, [phi for _, phi in expected], rtol=2.0**-23)
        assert np.mean(found.pt != events[met].pt) > 0.5
        (other,) = {"MET", "PuppiMET"} - {met}
        assert chain.calibrate(events).events[other].pt.to_list() == events[other].pt.to_list()


@needs_files
def test_a_run_of_another_year_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_CORRECTIONS", str(ROOT))
    chain = CalibratorSequence(
        [METXYCalibrator], to_plain(get_default_parameters()), {"year": "2018", "isMC": False, "era": "A"}
    )
    with pytest.raises(ConfigError, match=r"correction 'pt_metphicorr_pfmet_data' of met\.json\.gz"):
        chain.calibrate(generated((360000,), 20))


def run_3_file(path: Path) -> str:
    """Write a file in the form of those of Run 3."""

    def formula(result: str, numbers: tuple[float, ...]) -> cs.Formula:
        x, y = (
            f"(x*{name}(y)-({slope}*z+{offset}))"
            for name, slope, offset in (("cos", *numbers[:2]), ("sin", *numbers[2:]))
        )
        expression = f"sqrt({x}*{x}+{y}*{y})" if result == "pt" else f"atan2({y},{x})"
        variables = ["met_pt", "met_phi", "npvGood"]
        return cs.Formula(nodetype="formula", expression=expression, parser="TFormula", variables=variables)

    def category(name: str, content: dict[str, Any]) -> cs.Category:
        items = [cs.CategoryItem(key=key, value=value) for key, value in content.items()]
        return cs.Category(nodetype="category", input=name, content=items)

    def of_result(result: str, kind: str) -> cs.Category:
        base, _, stat = result.partition("_stat_")
        extra = {"xup": (0, 0.3, 0, 0), "xdn": (0, -0.3, 0, 0), "yup": (0, 0, 0, 0.4), "ydn": (0, 0, 0, -0.4)}
        offsets = extra.get(stat, (0, 0, 0, 0))
        scale = 1 if kind == "MC" else 2
        return category(
            "variation",
            {
                shift: formula(base, tuple(scale * a + b for a, b in zip(numbers, offsets, strict=True)))
                for shift, numbers in SHIFTS.items()
                if kind == "MC" or shift == "nom"
            },
        )

    def of_met(result: str) -> cs.Category:
        return category(
            "epoch", {"2022EE": category("dtmc", {kind: of_result(result, kind) for kind in ("MC", "DATA")})}
        )

    ends, kinds = ("", "_stat_xup", "_stat_xdn", "_stat_yup", "_stat_ydn"), ("MET", "PuppiMET")
    results = [f"{base}{end}" for base in ("pt", "phi") for end in ends]
    data = category("pt_phi", {one: category("met_type", {met: of_met(one) for met in kinds}) for one in results})
    strings = ("pt_phi", "met_type", "epoch", "dtmc", "variation")
    correction = cs.Correction(
        name="met_xy_corrections",
        version=1,
        inputs=[cs.Variable(name=name, type="string") for name in strings]
        + [cs.Variable(name=name, type="real") for name in ("met_pt", "met_phi", "npvGood")],
        output=cs.Variable(name="corrected", type="real"),
        data=data,
    )
    return write_corrections(path, correction)


@pytest.mark.parametrize("is_mc", [True, False])
def test_files_of_run_3(tmp_path: Path, is_mc: bool) -> None:
    params = to_plain(get_default_parameters())
    assert params["met_xy_calibration"]["2022_postEE"]["epoch"] == "2022EE"
    params["met_xy_calibration"]["2022_postEE"]["file"] = run_3_file(tmp_path / "met.json")
    metadata = {"year": "2022_postEE", "isMC": is_mc}
    chain = CalibratorSequence([METXYCalibrator], params, metadata, [METXYCalibrator.name] if is_mc else [])
    names = {
        "nominal": ("nom", (0, 0, 0, 0)),
        "PuppiMET_xy_pileupUp": ("pu_up", (0, 0, 0, 0)),
        "PuppiMET_xy_pileupDown": ("pu_dn", (0, 0, 0, 0)),
        "PuppiMET_xy_statxUp": ("nom", (0, 0.3, 0, 0)),
        "PuppiMET_xy_statxDown": ("nom", (0, -0.3, 0, 0)),
        "PuppiMET_xy_statyUp": ("nom", (0, 0, 0, 0.4)),
        "PuppiMET_xy_statyDown": ("nom", (0, 0, 0, -0.4)),
    }
    assert set(chain.variations) == ({*names} - {"nominal"} if is_mc else set())
    events = generated()
    for variation in ("nominal", *chain.variations):
        shift, extra = names[variation]
        slope_x, x, slope_y, y = ((1 if is_mc else 2) * a + b for a, b in zip(SHIFTS[shift], extra, strict=True))
        found = chain.calibrate(events, variation).events.PuppiMET
        met = events.PuppiMET
        for pt, phi, number, new_pt, new_phi in zip(
            *(column.to_list() for column in (met.pt, met.phi, events.PV.npvsGood, found.pt, found.phi)), strict=True
        ):
            vector = cmath.rect(pt, phi)
            if pt < 6500:
                vector -= complex(slope_x * number + x, slope_y * number + y)
            assert new_pt == pytest.approx(abs(vector), rel=2e-7, abs=1e-5)
            assert abs(math.remainder(new_phi - cmath.phase(vector), 2 * math.pi)) < 3e-7 + 1e-5 / (abs(vector) + 1e-9)


def test_linear_shift_without_a_file() -> None:
    params = to_plain(get_default_parameters())
    params["met_xy_calibration"]["2018"] = {"collection": "MET"}
    events = generated(n=100)
    # The program that the numbers are from takes any more vertices for 100.
    events["PV", "npvs"] = np.where(np.arange(100) < 4, [100, 101, 150, 99] * 25, events.PV.npvs)
    vertices = [min(number, 100) for number in events.PV.npvs]
    for metadata, numbers in (
        ({"isMC": True}, params["MET_xy"]["MC"]["2018"]),
        ({"isMC": False, "era": "B"}, params["MET_xy"]["Data"]["2018"]["B"]),
    ):
        chain = CalibratorSequence([METXYCalibrator], params, {"year": "2018", **metadata})
        assert chain.calibrators[0].corrections() == ()
        found = chain.calibrate(events).events.MET
        (slope_x, x), (slope_y, y) = numbers
        shift = slope_x * np.array(vertices) + x + 1j * (slope_y * np.array(vertices) + y)
        pt, phi = (np.asarray(events.MET[name], dtype=float) for name in ("pt", "phi"))
        expected = pt * np.exp(1j * phi) - np.asarray(shift)
        np.testing.assert_allclose(np.asarray(found.pt) * np.exp(1j * np.asarray(found.phi)), expected, atol=2e-3)
    with pytest.raises(ConfigError, match=r"MET_xy\.Data\.2018 depends on the era, but the metadata"):
        METXYCalibrator(params, {"year": "2018", "isMC": False})


#: a run of each era in the middle of those that the files have for it
ERAS = {
    "2016_PreVFP": {"B": 274000, "C": 275800, "D": 276500, "E": 277000, "F": 278000},
    "2016_PostVFP": {"F": 278803, "G": 279500, "H": 282500},
    "2017": {"B": 298000, "C": 300500, "D": 302500, "E": 304000, "F": 306000},
    "2018": {"A": 316000, "B": 318000, "C": 319700, "D": 322000},
}


@needs_files
@pytest.mark.parametrize("year", RUN_2)
def test_shipped_shifts_are_those_of_the_files(year: str) -> None:
    shipped = to_plain(get_default_parameters())["MET_xy"]
    file = correctionlib.CorrectionSet.from_file(file_of(year, "met.json.gz"))
    before = cmath.rect(200.0, 0.3)

    def shift(kind: str, vertices: int, run: int) -> complex:
        pt, phi = (
            file[f"{result}_metphicorr_pfmet_{kind}"].evaluate(200.0, 0.3, float(vertices), float(run))
            for result in ("pt", "phi")
        )
        return before - cmath.rect(pt, phi)

    assert set(shipped["Data"][year]) == set(ERAS[year])
    for kind, numbers, run in (
        ("mc", shipped["MC"][year], 1),
        *(("data", shipped["Data"][year][era], run) for era, run in ERAS[year].items()),
    ):
        (slope_x, x), (slope_y, y) = numbers
        for vertices in (10, 50):
            expected = complex(slope_x * vertices + x, slope_y * vertices + y)
            assert abs(shift(kind, vertices, run) - expected) < 1e-4


def test_mistakes() -> None:
    params = to_plain(get_default_parameters())
    with pytest.raises(UnknownNameError, match=r"unknown parameter '2024' in met_xy_calibration"):
        METXYCalibrator(params, {"year": "2024", "isMC": True})
    params["met_xy_calibration"]["2018"] = {"collection": "MET", "file": "met.json"}
    with pytest.raises(ConfigError, match=r"met_xy_calibration\.2018 has a file, so it needs either algorithm"):
        METXYCalibrator(params, {"year": "2018", "isMC": True})
    params["met_xy_calibration"]["2018"] = {"collection": "MET", "flie": "met.json"}
    with pytest.raises(UnknownNameError, match=r"unknown key 'flie' in met_xy_calibration\.2018, did you mean 'file'"):
        METXYCalibrator(params, {"year": "2018", "isMC": True})
