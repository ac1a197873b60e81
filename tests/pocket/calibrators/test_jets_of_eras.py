"""Jets of each era with its shipped parameters and JetMET's real files, against correctionlib asked by hand."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import awkward as ak
import correctionlib
import numpy as np
import pytest
from omegaconf import OmegaConf

from pocket.calibrators import JetsCalibrator
from pocket.calibrators.sequence import CalibratorSequence
from pocket.calibrators.smearing import normal_numbers
from pocket.errors import ConfigError, UnknownNameError
from pocket.parameters.defaults import get_default_parameters
from pocket.parameters.plain import to_plain
from tests.group_files import a_year_of_each_run
from tests.pocket.calibrators.jme_files import (
    FOLDERS,
    ROOT,
    RUN_2,
    fat_jets_of_2017,
    file_of,
    generated,
    needs_files,
    type_of,
)

pytestmark = needs_files
#: float32 has 24 binary digits
FLOAT32 = 2.0**-23
#: Years in which JetMET doesn't smear jets with these |eta| that have no generated jet.
HORNS, HORN_YEARS = (2.5, 3.0), ("2022_preEE", "2022_postEE", "2023_preBPix", "2023_postBPix")
LEVELS = ("L1FastJet", "L2Relative", "L3Absolute", "L2L3Residual")
NODE = ROOT / "POG" / "JME" / "jer_smear.json.gz"


@functools.cache
def shipped() -> Mapping[str, Any]:
    return to_plain(get_default_parameters())


def parameters(year: str, jet_type: str, variations: list[str], file: str | None = None, **options: Any) -> Any:
    """Return the shipped parameters with one type of jets, which stay in their order, and its variations."""
    params = OmegaConf.create(shipped())
    section = params["jets_calibration"]
    section["collection"][year] = {jet_type: "Jet" if jet_type.startswith("AK4") else "FatJet"}
    section["variations"][jet_type][year] = variations
    section["sort_by_pt"][year][jet_type] = False
    section["apply_jec_Data"][year][jet_type] = True
    if file:
        section["jet_types"][jet_type][year]["json_path"] = file
    section.update(options.pop("section", {}))
    section["jet_types"][jet_type][year].update(options)
    return params


def is_smeared(year: str, size: str, eta: float, gen_pt: float) -> bool:
    in_horns = HORNS[0] < abs(eta) < HORNS[1] and year in HORN_YEARS and size == "AK4"
    return gen_pt > 0 or not in_horns


def flat(jets: Any) -> dict[str, Any]:
    """Return the columns of the jets of all events, in double precision."""
    return {key: np.asarray(ak.flatten(jets[key]), dtype=float) for key in jets.fields}


def values_of(correction: Any, inputs: Mapping[str, Any]) -> Any:
    return correction.evaluate(*(inputs[variable.name] for variable in correction.inputs))


def value_of(correction: Any, inputs: Mapping[str, Any]) -> float:
    return float(correction.evaluate(*(inputs[variable.name] for variable in correction.inputs)))


@pytest.mark.parametrize("year", a_year_of_each_run(FOLDERS))
@pytest.mark.parametrize("size", ["AK4", "AK8"])
def test_scale_resolution_and_all_sources(
    year: str, size: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POCKET_CORRECTIONS", str(ROOT))
    jet_type, name, gen_name, link, radius = (
        (type_of(year), "Jet", "GenJet", "genJetIdx", 0.4)
        if size == "AK4"
        else ("AK8PFPuppi", "FatJet", "GenJetAK8", "genJetAK8Idx", 0.8)
    )
    path = file_of(year, "jet_jerc.json.gz" if size == "AK4" else "fatJet_jerc.json.gz")
    if (year, size) == ("2017", "AK8"):
        path = str(tmp_path / "fatJet_jerc.json")
        Path(path).write_text(fat_jets_of_2017())
    file = correctionlib.CorrectionSet.from_file(path)
    scale, resolution = (shipped()["jets_calibration"]["jet_types"][jet_type][year][key] for key in ("jec_mc", "jer"))
    found_names = [one.removeprefix(f"{scale}_").removesuffix(f"_{jet_type}") for one in file if scale in one]
    sources = sorted({*found_names} - {*LEVELS})
    assert {"Total", "FlavorQCD", "RelativeSample"} <= {*sources}
    assert len(sources) >= 28
    params = parameters(year, jet_type, [f"JES_{source}" for source in sources] + ["JER"], path)
    metadata = {"year": year, "isMC": True}
    events = generated(year)
    jets, gen_jets = events[name], events[gen_name]
    assert ak.sum(ak.num(jets)) >= 10_000
    density = events["fixedGridRhoFastjetAll"] if year in RUN_2 else events["Rho"]["fixedGridRhoFastjetAll"]
    normal = np.array(normal_numbers(0, events, jets))
    compound = file.compound[f"{scale}_L1L2L3Res_{jet_type}"]
    width, ratio = (file[f"{resolution}_{kind}_{jet_type}"] for kind in ("PtResolution", "ScaleFactor"))
    of = flat(jets)
    raw = of["pt"] * (1 - of["rawFactor"])
    rho = np.repeat(np.asarray(density, dtype=float), ak.num(jets))
    inputs = {"JetEta": of["eta"], "JetPhi": of["phi"], "JetA": of["area"], "Rho": rho, "JetPt": raw}
    pt = raw * values_of(compound, {**inputs, "run": np.ones_like(raw)})
    inputs["JetPt"] = pt
    sigma = values_of(width, inputs)
    # in 2016, for soft AK8 jets
    assert size == "AK8" or not np.isnan(sigma).any()
    assert (pt[np.isnan(sigma)] < 17).all()
    sigma = np.nan_to_num(sigma, nan=0.0)
    # the generated jet that each is linked to, if any
    place = np.repeat(np.cumsum(ak.num(gen_jets)) - ak.num(gen_jets), ak.num(jets)) + of[link].astype(int)
    linked = of[link] >= 0
    gen = {key: values[np.where(linked, place, 0)] for key, values in flat(gen_jets).items()}
    turn = np.remainder(of["phi"] - gen["phi"] + np.pi, 2 * np.pi) - np.pi
    near = linked & (np.hypot(of["eta"] - gen["eta"], turn) < radius / 2) & (abs(pt - gen["pt"]) < 3 * sigma * pt)
    assert 2000 < near.sum() < 8000
    in_horns = (abs(of["eta"]) > HORNS[0]) & (abs(of["eta"]) < HORNS[1]) & (year in HORN_YEARS and size == "AK4")
    expected = {}
    for kind, systematic in (("nominal", "nom"), ("JERUp", "up"), ("JERDown", "down")):
        s = np.where(near | ~in_horns, values_of(ratio, {**inputs, "systematic": systematic}), 1.0)
        stochastic = pt * (1 + normal * sigma * np.sqrt(np.maximum(s * s - 1, 0)))
        expected[kind] = np.maximum(np.where(near, pt + (s - 1) * (pt - gen["pt"]), stochastic), 0.01)
    eta, nominal = of["eta"], expected["nominal"]
    sequence = CalibratorSequence([JetsCalibrator], params, metadata, [JetsCalibrator.name])
    assert len(sequence.variations) == 2 * (len(sources) + 1)
    for kind, values in expected.items():
        variation = kind if kind == "nominal" else f"{jet_type}_{kind}"
        found = np.asarray(ak.flatten(sequence.calibrate(events, variation).events[name]["pt"]))
        assert np.isfinite(found).all()
        np.testing.assert_allclose(found, values, rtol=FLOAT32)
    for number, source in enumerate(sources):
        shift = file[f"{scale}_{source}_{jet_type}"].evaluate(eta, nominal)
        for side, sign in (("Up", 1), ("Down", -1))[: 1 if number % 8 else 2]:
            found = sequence.calibrate(events, f"{jet_type}_JES_{source}{side}").events[name]["pt"]
            np.testing.assert_allclose(ak.flatten(found), nominal * (1 + sign * shift), rtol=2 * FLOAT32)


@pytest.mark.slow
@pytest.mark.parametrize("year", FOLDERS)
def test_data_of_every_era(year: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_CORRECTIONS", str(ROOT))
    events = generated(year, 400)
    density = events["fixedGridRhoFastjetAll"] if year in RUN_2 else events["Rho"]["fixedGridRhoFastjetAll"]
    for jet_type, name in ((type_of(year), "Jet"), ("AK8PFPuppi", "FatJet")):
        file = correctionlib.CorrectionSet.from_file(
            file_of(year, "jet_jerc.json.gz" if name == "Jet" else "fatJet_jerc.json.gz")
        )
        eras = shipped()["jets_calibration"]["jet_types"][jet_type][year]["jec_data"]
        assert {era[:1] for era in eras} <= set("ABCDEFGH")
        assert len(eras) >= 1
        jets = events[name]
        factors = set()
        for era, scale in eras.items():
            compound = file.compound[f"{scale}_L1L2L3Res_{jet_type}"]
            sequence = CalibratorSequence(
                [JetsCalibrator], parameters(year, jet_type, []), {"year": year, "isMC": False, "era": era}
            )
            assert sequence.variations == ()
            found = ak.flatten(sequence.calibrate(events).events[name]["pt"])
            flat = {
                key: np.asarray(ak.flatten(jets[key]), dtype=float) for key in ("pt", "eta", "phi", "area", "rawFactor")
            }
            raw = flat["pt"] * (1 - flat["rawFactor"])
            inputs = {
                "JetPt": raw,
                "JetEta": flat["eta"],
                "JetPhi": flat["phi"],
                "JetA": flat["area"],
                "Rho": np.repeat(np.asarray(density, dtype=float), ak.num(jets)),
                "run": np.ones_like(raw),
            }
            expected = raw * compound.evaluate(*(inputs[one.name] for one in compound.inputs))
            np.testing.assert_allclose(found, expected, rtol=FLOAT32)
            factors.add(round(float(np.sum(found)), 1))
        # Some eras of a year have the same numbers under names of their own.
        assert len(factors) > 1 or len(set(eras.values())) == 1


@pytest.mark.parametrize("year", a_year_of_each_run(["2022_postEE", "2018", "2023_preBPix"]))
def test_official_random_numbers(year: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each jet is smeared by the node of JetMET's file, asked for one jet at a time."""
    monkeypatch.setenv("POCKET_CORRECTIONS", str(ROOT))
    jet_type, events = type_of(year), generated(year)
    node = {"file": "corrections://POG/JME/jer_smear.json.gz", "name": "JERSmear"}
    params = parameters(year, jet_type, ["JER"], section={"smearing": node})
    assert params["default_jets_calibration"]["smearing"]["JERSmear"] == node
    metadata = {"year": year, "isMC": True}
    sequence = CalibratorSequence([JetsCalibrator], params, metadata, [JetsCalibrator.name])
    assert (node["file"], "JERSmear") in sequence.calibrators[0].corrections()
    smear = correctionlib.CorrectionSet.from_file(str(NODE))["JERSmear"]
    file = correctionlib.CorrectionSet.from_file(file_of(year, "jet_jerc.json.gz"))
    resolution = params["jets_calibration"]["jet_types"][jet_type][year]["jer"]
    width, ratio = (file[f"{resolution}_{kind}_{jet_type}"] for kind in ("PtResolution", "ScaleFactor"))
    density = events["fixedGridRhoFastjetAll"] if year in RUN_2 else events["Rho"]["fixedGridRhoFastjetAll"]
    nominal = sequence.calibrate(events).events.Jet
    # pt with the scale alone, in double precision
    scaled = scale_of(events, file, params, year, jet_type)
    gen_pts = ak.flatten(nominal["pt_gen"]).to_list()
    counts = ak.num(nominal).to_list()
    rhos, numbers = (
        [x for x, n in zip(column.to_list(), counts, strict=True) for _ in range(n)]
        for column in (density, events["event"])
    )
    etas = ak.flatten(events.Jet["eta"]).to_list()
    for kind, systematic in (("nominal", "nom"), ("JERUp", "up"), ("JERDown", "down")):
        expected = []
        for pt, eta, gen_pt, rho, number in zip(scaled, etas, gen_pts, rhos, numbers, strict=True):
            inputs = {"JetPt": pt, "JetEta": eta, "Rho": rho, "systematic": systematic}
            factor = smear.evaluate(
                pt, eta, gen_pt or -1.0, rho, number, value_of(width, inputs), value_of(ratio, inputs)
            )
            expected.append(max(pt * factor, 0.01) if is_smeared(year, "AK4", eta, gen_pt) else float(pt))
        variation = kind if kind == "nominal" else f"{jet_type}_{kind}"
        found = ak.flatten(sequence.calibrate(events, variation).events.Jet["pt"])
        assert len(found) > 10_000
        np.testing.assert_allclose(found, expected, rtol=FLOAT32)
    own = CalibratorSequence([JetsCalibrator], parameters(year, jet_type, ["JER"]), metadata).calibrate(events)
    differs = np.asarray(ak.flatten(own.events.Jet["pt"] != nominal["pt"]))
    # The ways differ in jets without a generated jet alone.
    matched = np.array(gen_pts) > 0
    assert differs[~matched].mean() > 0.5
    change = abs(ak.flatten(own.events.Jet["pt"]) / ak.flatten(nominal["pt"]) - 1)
    assert np.max(np.asarray(change)[matched]) < 1e-3
    # in any chunk and order
    for part in (slice(None, None, -1), slice(7, 300)):
        sequence.initialize(events[part])
        assert sequence.calibrate(events[part]).events.Jet["pt"].to_list() == nominal["pt"][part].to_list()


def scale_of(events: Any, file: Any, params: Any, year: str, jet_type: str) -> list[float]:
    """Return pt after the energy scale; the raw one is a product in single precision."""
    jets = events.Jet
    density = events["fixedGridRhoFastjetAll"] if year in RUN_2 else events["Rho"]["fixedGridRhoFastjetAll"]
    scale = params["jets_calibration"]["jet_types"][jet_type][year]["jec_mc"]
    compound = file.compound[f"{scale}_L1L2L3Res_{jet_type}"]
    flat = {key: np.asarray(ak.flatten(jets[key]), dtype=float) for key in ("pt", "eta", "phi", "area", "rawFactor")}
    # products are in single precision
    raw = np.float64((np.float32(1) - flat["rawFactor"].astype(np.float32)) * flat["pt"].astype(np.float32))
    rho = np.repeat(np.asarray(density, dtype=float), ak.num(jets))
    inputs = {"JetPt": raw, "JetEta": flat["eta"], "JetPhi": flat["phi"], "JetA": flat["area"], "Rho": rho}
    expected = raw * compound.evaluate(*(inputs[one.name] for one in compound.inputs))
    found: list[float] = expected.tolist()
    return found


def test_regrouped_sources_of_a_second_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """The four files of Run 3 have no regrouped sources; those of another version come from another file."""
    monkeypatch.setenv("POCKET_CORRECTIONS", str(ROOT))
    second, year, jet_type = ROOT.parent / "jet_jerc_Summer22_V3.json.gz", "2022_preEE", "AK4PFPuppi"
    if not second.is_file():
        pytest.skip("the newer file isn't there")
    regrouped = list(shipped()["default_jets_calibration"]["variations"]["full_variations"][jet_type][year])
    options = {"json_path_uncertainties": str(second), "jec_uncertainties": "Summer22_22Sep2023_V3_MC"}
    params = parameters(year, jet_type, regrouped, **options)
    events, metadata = generated(year), {"year": year, "isMC": True}
    sequence = CalibratorSequence([JetsCalibrator], params, metadata, [JetsCalibrator.name])
    file = correctionlib.CorrectionSet.from_file(str(second))
    pairs = sequence.calibrators[0].corrections()
    assert sum(path == str(second) and name in file for path, name in pairs) == 11
    nominal = np.asarray(ak.flatten(sequence.calibrate(events).events.Jet["pt"]), dtype=float)
    eta = np.asarray(ak.flatten(events.Jet["eta"]), dtype=float)
    for kind in regrouped:
        if kind != "JER":
            shift = file[f"Summer22_22Sep2023_V3_MC_{kind.removeprefix('JES_')}_{jet_type}"].evaluate(eta, nominal)
            found = sequence.calibrate(events, f"{jet_type}_{kind}Up").events.Jet["pt"]
            np.testing.assert_allclose(ak.flatten(found), nominal * (1 + shift), rtol=1e-6)
    with pytest.raises(ConfigError, match="has jec_uncertainties, but no json_path_uncertainties to find them in"):
        JetsCalibrator(parameters(year, jet_type, [], jec_uncertainties="V3"), metadata)


@pytest.mark.slow
def test_resolution_of_a_second_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_CORRECTIONS", str(ROOT))
    other = tmp_path / "resolution.json.gz"
    shutil.copy(file_of("2018", "jet_jerc.json.gz"), other)
    events, metadata = generated("2018", 200), {"year": "2018", "isMC": True}
    found = []
    for options in ({}, {"json_path_resolution": str(other)}):
        sequence = CalibratorSequence(
            [JetsCalibrator], parameters("2018", "AK4PFchs", ["JER"], **options), metadata, [JetsCalibrator.name]
        )
        files = {name.split("_")[-2]: file for file, name in sequence.calibrators[0].corrections()}
        found.append(sequence.calibrate(events, "AK4PFchs_JERUp").events.Jet["pt"].to_list())
    assert found[0] == found[1]
    assert files["PtResolution"] == files["ScaleFactor"] == str(other) != files["L1L2L3Res"]


def test_a_node_without_its_file() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown parameter 'file' in jets_calibration\.smearing"):
        JetsCalibrator(
            parameters("2022_preEE", "AK4PFPuppi", [], section={"smearing": {"name": "JERSmear"}}),
            {"year": "2022_preEE", "isMC": True},
        )
