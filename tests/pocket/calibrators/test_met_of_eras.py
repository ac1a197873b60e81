"""Missing momentum of each era with its shipped parameters: all sources of jets and unclustered energy, by hand."""

from __future__ import annotations

from typing import Any

import awkward as ak
import correctionlib
import numpy as np
import numpy.typing as npt
import pytest
from omegaconf import OmegaConf

from pocket.calibrators import JetsCalibrator, METCalibrator
from pocket.calibrators.sequence import CalibratorSequence
from pocket.parameters.defaults import get_default_parameters
from pocket.parameters.plain import to_plain
from tests.group_files import a_year_of_each_run
from tests.pocket.calibrators.jme_files import FOLDERS, ROOT, RUN_2, file_of, generated, needs_files, type_of

pytestmark = needs_files
Vectors = npt.NDArray[np.complex128]


def with_met(year: str) -> ak.Array:
    """Return generated events with composition of jets, soft jets, and the missing momentum of the year."""
    events, rng = generated(year, 1500), np.random.default_rng(4)
    n = len(events)
    jets = events.Jet
    counts = ak.num(jets)
    for name, high in (("chEmEF", 0.6), ("neEmEF", 0.6), ("muonSubtrFactor", 0.3)):
        values = rng.uniform(0, high, int(ak.sum(counts))).astype(np.float32)
        jets = ak.with_field(jets, ak.unflatten(values, counts), name)
    soft_counts = rng.integers(0, 6, n)
    m = int(soft_counts.sum())
    soft = {
        "rawPt": rng.uniform(5, 20, m),
        "eta": rng.uniform(-4.7, 4.7, m),
        "phi": rng.uniform(-np.pi, np.pi, m),
        "area": rng.uniform(0.4, 0.6, m),
        "muonSubtrFactor": rng.choice([0.0, 0.5], m),
    }
    events = ak.with_field(events, jets, "Jet")
    soft_jets = ak.zip({name: values.astype(np.float32) for name, values in soft.items()})
    events = ak.with_field(events, ak.unflatten(soft_jets, soft_counts), "CorrT1METJet")

    def momentum(**more: Any) -> ak.Array:
        pt, phi = rng.exponential(50, n), rng.uniform(-np.pi, np.pi, n)
        columns = {"pt": pt, "phi": phi, **{name: make(pt, phi) for name, make in more.items()}}
        return ak.zip({name: np.asarray(values, dtype=np.float32) for name, values in columns.items()})

    if year in RUN_2:
        shifts = {f"MetUnclustEnUpDelta{axis}": lambda pt, phi: rng.normal(0, 5, n) for axis in "XY"}
        return ak.with_field(ak.with_field(events, momentum(), "RawMET"), momentum(**shifts), "MET")
    shifts = {f"ptUnclustered{side}": lambda pt, phi: pt * rng.uniform(0.8, 1.2, n) for side in ("Up", "Down")}
    shifts |= {f"phiUnclustered{side}": lambda pt, phi: phi + rng.normal(0, 0.1, n) for side in ("Up", "Down")}
    return ak.with_field(ak.with_field(events, momentum(), "RawPuppiMET"), momentum(**shifts), "PuppiMET")


def vector(met: ak.Array, suffix: str = "") -> Vectors:
    pt, phi = (np.asarray(met[f"{name}{suffix}"], dtype=float) for name in ("pt", "phi"))
    return np.asarray(pt * np.exp(1j * phi))


def changes(events: Any, calibrated: Any, name: str, correction: Any, density: Any) -> tuple[Vectors, Any]:
    """Return the change of each event's sum of jet momenta by hand, and the sum of the sizes."""
    jets, after = events[name], calibrated[name]
    event = np.repeat(np.arange(len(events)), ak.num(jets))
    flat = {key: np.asarray(ak.flatten(jets[key]), dtype=float) for key in jets.fields}
    raw = flat["rawPt"] if "rawPt" in flat else flat["pt"] * (1 - flat["rawFactor"])
    inputs = {"JetPt": raw, "JetEta": flat["eta"], "JetPhi": flat["phi"], "JetA": flat["area"]}
    inputs |= {"Rho": np.asarray(density, dtype=float)[event], "run": np.ones_like(raw)}
    whole, pileup = (raw * one.evaluate(*(inputs[item.name] for item in one.inputs)) for one in correction)
    muons = flat["muonSubtrFactor"]
    em = flat.get("chEmEF", 0) + flat.get("neEmEF", 0)
    counted = (whole * (1 - muons) > 15) & (em < 0.9)
    shifted = np.asarray(ak.flatten(after["pt"]), dtype=float) / whole
    change = (whole * (1 - muons) + raw * muons) * shifted - (pileup * (1 - muons) + raw * muons)
    total, size = np.zeros(len(events), dtype=complex), np.zeros(len(events))
    np.add.at(total, event, np.where(counted, change * np.exp(1j * flat["phi"]), 0))
    np.add.at(size, event, np.where(counted, abs(raw) + abs(whole), 0))
    return total, size


@pytest.mark.parametrize("year", a_year_of_each_run(FOLDERS))
def test_every_source_by_hand(year: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_CORRECTIONS", str(ROOT))
    params = OmegaConf.create(to_plain(get_default_parameters()))
    section, jet_type = params["jets_calibration"], type_of(year)
    choice = params["default_jets_calibration"]["variations"]["all_sources"]
    section["variations"][jet_type][year] = choice[jet_type][year]
    section["collection"][year]["AK8PFPuppi"] = None
    section["sort_by_pt"][year][jet_type] = False
    metadata = {"year": year, "isMC": True}
    classes = [JetsCalibrator, METCalibrator]
    chain = CalibratorSequence(classes, params, metadata, [one.name for one in classes])
    met = "MET" if year in RUN_2 else "PuppiMET"
    assert len(chain.variations) == 2 * 28 + 2
    scale = section["jet_types"][jet_type][year]["jec_mc"]
    file = correctionlib.CorrectionSet.from_file(file_of(year, "jet_jerc.json.gz"))
    correction = file.compound[f"{scale}_L1L2L3Res_{jet_type}"], file[f"{scale}_L1FastJet_{jet_type}"]
    events = with_met(year)
    density = events["fixedGridRhoFastjetAll"] if year in RUN_2 else events["Rho"]["fixedGridRhoFastjetAll"]
    nominal = None
    for variation in ("nominal", *chain.variations):
        calibrated = chain.calibrate(events, variation)
        expected, sizes = vector(events[f"Raw{met}"]), np.zeros(len(events))
        for name in ("Jet", "CorrT1METJet"):
            change, size = changes(events, calibrated.events, name, correction, density)
            expected, sizes = expected - change, sizes + size
        if "unclustered" in variation:
            side = "Up" if variation.endswith("Up") else "Down"
            if year in RUN_2:
                shift = np.asarray(events.MET.MetUnclustEnUpDeltaX) + 1j * np.asarray(events.MET.MetUnclustEnUpDeltaY)
                expected = expected + (shift if side == "Up" else -shift)
            else:
                expected = expected + vector(events.PuppiMET, f"Unclustered{side}") - vector(events.PuppiMET)
        found = vector(calibrated.events[met])
        # pt of jets and the result are stored in single precision
        assert (abs(found - expected) < 5e-7 * (sizes + abs(expected)) + 1e-5).all()
        assert (met in calibrated.changed) == (variation != "nominal")
        nominal = found if nominal is None else nominal
        if variation != "nominal":
            assert np.mean(abs(found - nominal) > 1e-3) > (0.9 if "unclustered" in variation else 0.02)
