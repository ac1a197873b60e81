"""Energies of electrons and photons, object by object, for all forms of the group's files and all years."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import correctionlib
import correctionlib.schemav2 as cs
import numpy as np
import pytest
from omegaconf import OmegaConf

from pocket.calibrators import ElectronsScaleCalibrator, METCalibrator, PhotonsScaleCalibrator
from pocket.calibrators.egamma import EgammaCalibrator
from pocket.calibrators.sequence import CalibratorSequence
from pocket.errors import ConfigError, MissingBranchError, UnknownNameError
from pocket.parameters import get_default_parameters
from tests.group_files import a_year_of_each_run
from tests.pocket import egamma

CALIBRATORS: dict[str, type[EgammaCalibrator]] = {
    "Electron": ElectronsScaleCalibrator,
    "Photon": PhotonsScaleCalibrator,
}
SIDES = {"nominal": 0, "Up": 1, "Down": -1}
FLOAT32 = 3e-7
DATA_RUN = 357000
#: key of the section of the parameters
SECTIONS = {"Electron": ("lepton_scale_factors", "electron_sf"), "Photon": ("photon_scale_factors", "photon_sf")}


def supercluster_eta(item: dict[str, Any], flavour: str) -> float:
    """Return eta of the supercluster of one object; of photons by following the line from the vertex to the ECAL."""
    if flavour == "Electron":
        return float(np.float32(item["eta"]) + np.float32(item["deltaEtaSC"]))
    slope, cos, sin = math.sinh(item["eta"]), math.cos(item["phi"]), math.sin(item["phi"])
    x, y, z = (item["PV"][axis] for axis in "xyz")
    if item["isScEtaEB"]:
        half = x * cos + y * sin
        path = -half + math.sqrt(half**2 - (x**2 + y**2 - 130.0**2))
    else:
        path = (math.copysign(310.0, item["eta"]) - z) / slope
    theta = math.atan2(math.hypot(x + path * cos, y + path * sin), z + path * slope)
    return -math.log(math.tan(theta / 2))


def normal(item: dict[str, Any]) -> float:
    """Return the random number of one object, from a hash of what no calibration changes."""
    names = ("seed", "run", "luminosityBlock", "event", "eta", "phi")
    if not _generator:
        node = cs.HashPRNG(nodetype="hashprng", inputs=list(names), distribution="normal")
        inputs = egamma.variables(**dict.fromkeys(names, "real"))
        output = cs.Variable(name="n", type="real")
        _generator.append(cs.Correction(name="n", version=1, inputs=inputs, output=output, data=node).to_evaluator())
    return float(_generator[0].evaluate(0.0, *(float(item[name]) for name in names[1:])))


_generator: list[Any] = []
#: (item, eta of the supercluster) → value of a quantity
Quantities = dict[str, Callable[[dict[str, Any], float], float]]


def classic(file: Path, scale: str, smear: str) -> Quantities:
    found = correctionlib.CorrectionSet.from_file(str(file))

    def of_scale(key: str) -> Any:
        return lambda item, eta: found[scale].evaluate(
            key, item["seedGain"], float(item["run"]), eta, item["r9"], item["pt"]
        )

    def of_width(key: str) -> Any:
        return lambda item, eta: found[smear].evaluate(key, eta, item["r9"])

    return {
        "scale": of_scale("total_correction"),
        "escale": of_scale("total_uncertainty"),
        "smear": of_width("rho"),
        "esmear": of_width("err_rho"),
    }


def et_dependent(file: Path, scale: str, smear: str, absolute: bool = True) -> Quantities:
    found = correctionlib.CorrectionSet.from_file(str(file))

    def of_scale(item: dict[str, Any], eta: float) -> float:
        more = [abs(eta)] if absolute else []
        arguments = ["scale", float(item["run"]), eta, item["r9"], *more, item["pt"], item["seedGain"]]
        return found.compound[scale].evaluate(*arguments)

    def of_width(key: str) -> Any:
        return lambda item, eta: found[smear].evaluate(key, item["pt"], item["r9"], abs(eta) if absolute else eta)

    return {"scale": of_scale, **{key: of_width(key) for key in ("escale", "smear", "esmear")}}


def values_of(item: dict[str, Any], flavour: str, quantities: Quantities, data: bool) -> dict[str, float]:
    """Return the corrections of one object, its energy and its random number."""
    eta, pt = supercluster_eta(item, flavour), item["pt"]
    found = {"energy": math.hypot(pt * math.cosh(item["eta"]), item["mass"])}
    if data:
        found["scale"] = quantities["scale"](item, eta)
        return {**found, "smear": quantities["smear"]({**item, "pt": pt * found["scale"]}, eta)}
    found |= {name: quantities[name](item, eta) for name in ("smear", "esmear", "escale")}
    return {**found, "normal": normal(item)}


def expected(item: dict[str, Any], values: dict[str, float], kind: str, sign: int) -> tuple[float, float]:
    """Return momentum and uncertainty of the energy of one object."""
    width = values["smear"]
    if "scale" in values:
        factor = values["scale"]
    else:
        if kind == "smear":
            width += sign * values["esmear"]
        factor = 1 + width * values["normal"]
        if kind == "scale":
            factor *= 1 + sign * values["escale"]
    return item["pt"] * factor, math.sqrt(item["energyErr"] ** 2 + (values["energy"] * width) ** 2) * factor


def configured(flavour: str, year: str, **settings: Any) -> Any:
    nested: dict[str, Any] = {"scale_and_smearing": settings}
    for key in reversed(SECTIONS[flavour]):
        nested = {key: nested}
    return OmegaConf.merge(get_default_parameters(), nested)


def sequence(flavour: str, params: Any, year: str, data: bool = False) -> CalibratorSequence:
    cls = CALIBRATORS[flavour]
    return CalibratorSequence([cls], params, {"year": year, "isMC": not data}, [cls.name])


def check(flavour: str, params: Any, year: str, quantities: Quantities) -> None:
    """Compare data and all variations of simulation with the loop over objects."""
    prefix = egamma.FLAVOURS[flavour][2]
    for data in (False, True):
        events = egamma.objects_of(flavour, DATA_RUN if data else egamma.MC_RUN)
        chain = sequence(flavour, params, year, data)
        varied = [f"{prefix}_{kind}{side}" for kind in ("scale", "smear") for side in ("Up", "Down")]
        assert chain.variations == (() if data else tuple(varied))
        items = [item for event in egamma.rows(events, flavour) for item in event]
        assert len(items) >= 10_000
        values = [values_of(item, flavour, quantities, data) for item in items]
        chain.initialize(events)
        nominal = None
        for variation in ("nominal", *chain.variations):
            kind = variation.removeprefix(f"{prefix}_").removesuffix("Up").removesuffix("Down")
            sign = next(number for side, number in SIDES.items() if variation.endswith(side))
            calibrated = chain.calibrate(events, variation)
            objects = ak.flatten(calibrated.events[flavour])
            found = np.array([expected(*each, kind, sign) for each in zip(items, values, strict=True)])
            np.testing.assert_allclose(objects.pt, found[:, 0], rtol=FLOAT32)
            np.testing.assert_allclose(objects.energyErr, found[:, 1], rtol=FLOAT32)
            assert ak.all(objects.pt_original == ak.flatten(events[flavour].pt))
            assert calibrated.changed == (set() if variation == "nominal" else {flavour})
            # Every object changes, but its direction.
            nominal = objects.pt if nominal is None else nominal
            assert variation == "nominal" or np.mean(objects.pt != nominal) > 0.9
            assert ak.all(objects.eta == ak.flatten(events[flavour].eta))


@egamma.needs_files
@pytest.mark.parametrize("year", ["2022_preEE", pytest.param("2022_postEE", marks=pytest.mark.slow)])
@pytest.mark.parametrize("flavour", CALIBRATORS)
def test_files_of_the_group(flavour: str, year: str) -> None:
    file = egamma.ROOT / "POG/EGM" / egamma.RUN_3[year] / f"{egamma.FLAVOURS[flavour][0]}SS.json.gz"
    config = {year: {"file": str(file), "correction_name": {"scale": "Scale", "smear": "Smearing"}}}
    check(flavour, configured(flavour, year, correctionlib_config=config), year, classic(file, "Scale", "Smearing"))


def test_names_with_the_period(tmp_path: Path) -> None:
    names = "2023PromptC_ScaleJSON", "2023PromptC_SmearingJSON"
    file = egamma.write_classic(tmp_path / "SS.json.gz", *names, seed=1)
    config = {"2023_preBPix": {"file": str(file), "correction_name": dict(zip(("scale", "smear"), names, strict=True))}}
    params = configured("Photon", "2023_preBPix", correctionlib_config=config)
    check("Photon", params, "2023_preBPix", classic(file, *names))


@pytest.mark.parametrize("year", a_year_of_each_run([*egamma.RUN_3, *egamma.LATER]))
@pytest.mark.parametrize("flavour", CALIBRATORS)
def test_shipped_parameters_of_run_3(flavour: str, year: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_CORRECTIONS", str(tmp_path))
    of_file, short, _ = egamma.FLAVOURS[flavour]
    # The names of jsonpog-integration, and those of the newer layout.
    period = {"2022_postEE": "2022postEE", "2023_preBPix": "2023preBPIX"}.get(year)
    names = ("Scale", "SmearAndSyst")
    if period:
        names = (f"EGMScale_Compound_{short}_{period}", f"EGMSmearAndSyst_{short}PTsplit_{period}")
    place = tmp_path / "POG/EGM" / ({**egamma.RUN_3, **egamma.LATER}[year]) / f"{of_file}SS_EtDependent.json.gz"
    file = egamma.write_et_dependent(place, *names, seed=len(year), absolute=period is not None)
    check(flavour, get_default_parameters(), year, et_dependent(file, *names, absolute=period is not None))


@pytest.mark.parametrize("year", a_year_of_each_run(egamma.UL))
@pytest.mark.parametrize("flavour", CALIBRATORS)
def test_run_2_has_variations_alone(flavour: str, year: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_CORRECTIONS", str(tmp_path))
    campaign = egamma.UL[year]
    period = campaign.removesuffix("_UL")
    file = egamma.write_run_2(tmp_path / "POG/EGM" / campaign / "EGM_ScaleUnc.json.gz", period, seed=3)
    uncertainty = correctionlib.CorrectionSet.from_file(str(file))["UL-EGM_ScaleUnc"]
    events = egamma.objects_of(flavour)
    off = sequence(flavour, get_default_parameters(), year)
    off.initialize(events)
    assert (off.variations, off.calibrate(events).events[flavour].fields) == ((), events[flavour].fields)
    params = configured(flavour, year, apply={year: True})
    chain, items = sequence(flavour, params, year), [item for event in egamma.rows(events, flavour) for item in event]
    chain.initialize(events)
    assert len(items) >= 10_000
    for variation in ("nominal", *chain.variations):
        sign = next(number for side, number in SIDES.items() if variation.endswith(side))
        found = []
        for item in items:
            pt = item["pt"]
            if "scale" in variation:
                eta = supercluster_eta(item, flavour)
                pt *= 1 + sign * uncertainty.evaluate(period, "scaleunc", eta, item["seedGain"])
            elif "smear" in variation:
                # NanoAOD stores the energy minus the shifted one.
                energy = pt * math.cosh(item["eta"]) - item["dEsigmaUp" if sign > 0 else "dEsigmaDown"]
                pt = energy / math.cosh(item["eta"])
            found.append(pt)
        calibrated = chain.calibrate(events, variation).events[flavour]
        np.testing.assert_allclose(ak.flatten(calibrated.pt), found, rtol=FLOAT32)
        assert ak.all(calibrated.energyErr == events[flavour].energyErr)


@pytest.fixture
def classic_params(tmp_path: Path) -> Any:
    """Parameters of electrons with a written file of 2022."""
    file = egamma.write_classic(tmp_path / "SS.json.gz", "Scale", "Smearing", seed=2)
    config = {"2022_preEE": {"file": str(file), "correction_name": {"scale": "Scale", "smear": "Smearing"}}}
    return configured("Electron", "2022_preEE", correctionlib_config=config)


def momenta(params: Any, events: ak.Array, variation: str) -> ak.Array:
    chain = sequence("Electron", params, "2022_preEE")
    chain.initialize(events)
    return chain.calibrate(events, variation).events.Electron.pt


@pytest.mark.parametrize("variation", ["nominal", "ele_smearUp", "ele_scaleDown"])
def test_neither_chunks_nor_order_matter(classic_params: Any, variation: str) -> None:
    events = egamma.objects_of("Electron")
    whole = momenta(classic_params, events, variation)
    parts = [momenta(classic_params, events[start : start + 777], variation) for start in range(0, len(events), 777)]
    assert ak.concatenate(parts).to_list() == whole.to_list()
    assert momenta(classic_params, events[::-1], variation)[::-1].to_list() == whole.to_list()
    order = ak.argsort(events.Electron.phi)
    reordered = ak.with_field(events, events.Electron[order], "Electron")
    assert momenta(classic_params, reordered, variation).to_list() == whole[order].to_list()


def test_another_seed_gives_other_numbers(classic_params: Any) -> None:
    events = egamma.objects_of("Electron")
    seeded = OmegaConf.merge(
        classic_params, {"lepton_scale_factors": {"electron_sf": {"scale_and_smearing": {"smearing_seed": 5}}}}
    )
    first, other = (ak.flatten(momenta(params, events, "nominal")) for params in (classic_params, seeded))
    pulls = [np.asarray(each / ak.flatten(events.Electron.pt) - 1) for each in (first, other)]
    assert abs(np.corrcoef(pulls)[0, 1]) < 5 / math.sqrt(len(pulls[0]))
    assert np.std(pulls[0]) == pytest.approx(np.std(pulls[1]), rel=0.05)


def test_an_event_without_electrons(classic_params: Any) -> None:
    events = egamma.objects_of("Electron")
    none = ak.with_field(events, events.Electron[:, :0], "Electron")
    assert momenta(classic_params, none, "ele_smearUp").to_list() == [[]] * len(events)


def test_the_missing_momentum_follows_if_asked_for(classic_params: Any) -> None:
    events = egamma.objects_of("Electron")
    follows = {"met_calibration": {"2022_preEE": {"leptons": ["Electron"], "apply_MC": False}}}
    asked = OmegaConf.merge(classic_params, follows)
    classes = [ElectronsScaleCalibrator, METCalibrator]
    chain = CalibratorSequence(classes, asked, {"year": "2022_preEE", "isMC": True}, [ElectronsScaleCalibrator.name])
    chain.initialize(events)
    for variation in ("nominal", "ele_scaleUp"):
        calibrated = chain.calibrate(events, variation).events
        x, y = [], []
        for old, new in zip(events.Electron.to_list(), calibrated.Electron.to_list(), strict=True):
            x.append(sum((b["pt"] - a["pt"]) * math.cos(a["phi"]) for a, b in zip(old, new, strict=True)))
            y.append(sum((b["pt"] - a["pt"]) * math.sin(a["phi"]) for a, b in zip(old, new, strict=True)))
        shifted = [
            (size * math.cos(phi) - dx, size * math.sin(phi) - dy)
            for size, phi, dx, dy in zip(events.PuppiMET.pt, events.PuppiMET.phi, x, y, strict=True)
        ]
        after = calibrated.PuppiMET
        # The momenta of the electrons are rounded to single precision.
        np.testing.assert_allclose(after.pt, [math.hypot(*each) for each in shifted], atol=2e-2, rtol=1e-4)
        turned = np.asarray(after.phi) - [math.atan2(each[1], each[0]) for each in shifted]
        assert np.all(np.abs(np.sin(turned)) * np.asarray(after.pt) < 2e-2)
        assert not ak.all(abs(after.pt - events.PuppiMET.pt) < 0.1)


def test_errors(classic_params: Any) -> None:
    events = egamma.objects_of("Electron", run=400123)
    chain = sequence("Electron", classic_params, "2022_preEE", data=True)
    with pytest.raises(
        ConfigError, match=r"'Scale' of SS\.json\.gz has no 'total_correction' .* runs 400123 to 400123"
    ):
        chain.calibrate(events)
    events = egamma.objects_of("Electron")
    chain = sequence("Electron", classic_params, "2022_preEE")
    with pytest.raises(ConfigError, match=r"'Smearing' of SS\.json\.gz: input 'r9' has NaN"):
        chain.calibrate(ak.with_field(events, events.Electron.r9 * np.nan, ("Electron", "r9")))
    chain.initialize(events)
    with pytest.raises(MissingBranchError, match="'Electron_seedGain' does not exist"):
        chain.calibrate(ak.without_field(events, ("Electron", "seedGain")))
    with pytest.raises(UnknownNameError, match=r"unknown parameter 'toys' in lepton_scale_.*\.apply"):
        sequence("Electron", classic_params, "toys")


def test_corrections_of_other_quantities(classic_params: Any, tmp_path: Path) -> None:
    file = tmp_path / "other.json.gz"
    egamma.write(file, [egamma._correction("Smearing", egamma.bins(1, 0, 1, mass=[0, 1]), mass="real")])
    settings = {"correctionlib_config": {"2022_preEE": {"file": str(file)}}}
    wrong = OmegaConf.merge(classic_params, {"lepton_scale_factors": {"electron_sf": {"scale_and_smearing": settings}}})
    with pytest.raises(ConfigError, match=r"'Smearing' of other\.json\.gz isn't one of the energy.* needs .*'mass'"):
        sequence("Electron", wrong, "2022_preEE").calibrate(egamma.objects_of("Electron"))
    chain = sequence("Electron", classic_params, "2022_preEE")
    assert [name for _, name in chain.calibrators[0].corrections()] == ["Scale", "Smearing"]
