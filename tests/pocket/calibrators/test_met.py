"""Type-1 correction by hand, on real events, and the unclustered energy."""

from __future__ import annotations

import cmath
import copy
from collections.abc import Mapping, Sequence
from typing import Any

import awkward as ak
import numpy as np
import pytest

from pocket.calibrators import Calibrator, JetsCalibrator, METCalibrator
from pocket.calibrators.met import type1_change, unclustered_shift
from pocket.calibrators.sequence import CalibratorSequence
from pocket.errors import ConfigError, MissingBranchError, UnknownNameError
from pocket.parameters.defaults import get_default_parameters
from pocket.parameters.plain import to_plain
from tests.pocket.calibrators.conftest import DATA, JET_TYPE, MC, YEAR


def sequence(params: Any, metadata: Mapping[str, Any] = MC) -> CalibratorSequence:
    classes = [JetsCalibrator, METCalibrator]
    return CalibratorSequence(classes, params, metadata, [cls.name for cls in classes])


def vector(met: ak.Array, suffix: str = "") -> Any:
    """Return x + iy."""
    return ak.to_numpy(met[f"pt{suffix}"]).astype(float) * np.exp(1j * ak.to_numpy(met[f"phi{suffix}"]).astype(float))


def test_change_by_hand() -> None:
    """Of four jets the first counts, the others are soft, electromagnetic, or soft without their muon."""
    jets = ak.zip(
        {
            "pt": [[100.0, 14.0], [], [200.0, 40.0]],
            "pt_jec": [[100.0, 14.0], [], [200.0, 40.0]],
            "pt_l1": [[90.0, 10.0], [], [150.0, 38.0]],
            "pt_raw": [[95.0, 12.0], [], [180.0, 39.0]],
            "phi": [[0.0, 1.0], [], [1.0, 2.0]],
            "chEmEF": [[0.1, 0.0], [], [0.5, 0.0]],
            "neEmEF": [[0.7, 0.0], [], [0.45, 0.0]],
            "muonSubtrFactor": [[0.2, 0.0], [], [0.0, 0.7]],
        }
    )
    x, y = type1_change(jets, "Jet")
    np.testing.assert_allclose(x, [8, 0, 0])
    np.testing.assert_allclose(y, [0, 0, 0])
    # a shift by 10% scales the muons (0.2 * 95) too, and lets no other jet count
    x, _ = type1_change(ak.with_field(jets, jets.pt * 1.1, "pt"), "Jet")
    np.testing.assert_allclose(x, [(80 + 19) * 1.1 - (72 + 19), 0, 0])
    # fields that are not stored: no muons, nothing electromagnetic
    needed = ["pt", "pt_jec", "pt_l1", "pt_raw", "phi"]
    x, y = type1_change(jets[needed], "Jet")
    expected = [10, 0, 50 * cmath.exp(1j) + 2 * cmath.exp(2j)]
    np.testing.assert_allclose(x + 1j * y, expected)
    # NanoAODv15: one fraction, and the direction without muons
    modern = {"EmEF": [[0.8, 0.0], [], [0.95, 0.0]], "muonSubtrDeltaPhi": [[0.5, 0.0], [], [0.0, 0.0]]}
    x, y = type1_change(ak.zip({**{name: jets[name] for name in needed}, **modern}), "Jet")
    np.testing.assert_allclose(x + 1j * y, [10 * cmath.exp(0.5j), 0, 2 * cmath.exp(2j)])


def test_jets_without_energy_change_nothing() -> None:
    """A regression gives no pt to jets that it wasn't made for, whose correction would be 0/0."""
    jets = ak.zip({name: [[0.0, 100.0]] for name in ("pt", "pt_jec", "pt_l1", "pt_raw", "phi")})
    jets = ak.with_field(jets, [[1.0, 0.0]], "phi")
    with np.errstate(all="raise"):
        assert type1_change(jets, "Jet")[0].tolist() == [0.0]


def test_type1_correction_of_nanoaod(events: ak.Array) -> None:
    """With NanoAOD's own calibration of jets, the raw missing momentum becomes NanoAOD's corrected one."""
    jets = copy.copy(events.Jet)
    # the pileup correction of PUPPI jets is 1
    jets["pt_raw"] = jets["pt_l1"] = jets.pt * (1 - jets.rawFactor)
    jets["pt_jec"] = jets.pt
    x, y = type1_change(jets, "Jet")
    raw, corrected = vector(events.RawPuppiMET), vector(events.PuppiMET)
    assert np.median(abs(raw - corrected)) > 10
    # what is left is from jets below the collection's threshold
    assert np.median(abs(raw - (x + 1j * y) - corrected)) < 0.1
    assert np.percentile(abs(raw - (x + 1j * y) - corrected), 95) < 1


@pytest.mark.parametrize("variation", ["nominal", f"{JET_TYPE}_JES_TotalUp", f"{JET_TYPE}_JERDown"])
def test_propagation_of_jets_by_hand(events: ak.Array, params: dict[str, Any], variation: str) -> None:
    calibrated = sequence(params).calibrate(events, variation).events
    fields = ["pt", "phi", "pt_jec", "pt_l1", "pt_raw", "muonSubtrFactor"]
    em_fraction = (calibrated.Jet.chEmEF + calibrated.Jet.neEmEF).tolist()
    soft = calibrated.CorrT1METJet[fields].tolist()
    for i, jets in enumerate(calibrated.Jet[fields].tolist()):
        met = complex(vector(events.RawPuppiMET)[i])
        for jet, em in [*zip(jets, em_fraction[i], strict=True), *((jet, 0.0) for jet in soft[i])]:
            share = jet["muonSubtrFactor"]
            if jet["pt_jec"] * (1 - share) > 15 and em < 0.9:
                # the jet is made of muons with the raw pt and the rest with the corrected one
                full, pileup = (jet[pt] * (1 - share) + jet["pt_raw"] * share for pt in ("pt_jec", "pt_l1"))
                met -= (full * jet["pt"] / jet["pt_jec"] - pileup) * cmath.exp(1j * jet["phi"])
        assert abs(complex(vector(calibrated.PuppiMET)[i]) - met) < 1e-4


def test_missing_momentum_from_unsmeared_jets(events: ak.Array, params: dict[str, Any]) -> None:
    """It is that of jets which are not smeared at all, and follows the energy scale but not the resolution."""

    def met(variation: str, unsmeared: bool, smeared: bool = True) -> Any:
        changed = copy.deepcopy(params)
        changed["met_calibration"][YEAR]["unsmeared_jets"] = unsmeared
        jets = changed["jets_calibration"]
        if not smeared:
            jets["apply_jer_MC"][YEAR] = dict.fromkeys(jets["apply_jer_MC"][YEAR], False)
            jets["variations"][JET_TYPE][YEAR] = ["JES_Total"]
        return vector(sequence(changed).calibrate(events, variation).events.PuppiMET)

    nominal, source = met("nominal", True), f"{JET_TYPE}_JES_TotalUp"
    np.testing.assert_allclose(nominal, met("nominal", False, smeared=False), atol=1e-3)
    for side in ("Up", "Down"):
        np.testing.assert_allclose(met(f"{JET_TYPE}_JER{side}", True), nominal, atol=1e-4)
    # Uncertainties of the scale are those at the smeared pt, so they nearly agree.
    shift, of_unsmeared = met(source, True) - nominal, met(source, False, smeared=False) - nominal
    assert np.median(abs(shift)) > 0.3
    assert np.median(abs(shift - of_unsmeared)) < 0.05 * np.median(abs(shift))
    # By default smearing is propagated.
    smeared = met("nominal", False)
    assert np.median(abs(smeared - nominal)) > 0.1
    assert np.median(abs(met(f"{JET_TYPE}_JERUp", False) - smeared)) > 0.1


def test_variations(events: ak.Array, params: dict[str, Any]) -> None:
    chain = sequence(params)
    assert chain.variations_of("met_calibration") == ("PuppiMET_unclusteredUp", "PuppiMET_unclusteredDown")
    nominal = vector(chain.calibrate(events, "nominal").events.PuppiMET)
    for side in ("Up", "Down"):
        varied = chain.calibrate(events, f"PuppiMET_unclustered{side}")
        assert varied.changed == {"PuppiMET"}
        shift = vector(events.PuppiMET, f"Unclustered{side}") - vector(events.PuppiMET)
        np.testing.assert_allclose(vector(varied.events.PuppiMET), nominal + shift, atol=1e-4)
    assert chain.calibrate(events, f"{JET_TYPE}_JES_TotalUp").changed == {"Jet", "CorrT1METJet", "PuppiMET"}


class ScaledMuons(Calibrator):
    """Calibrator of muons by 10 %, which returns their pt."""

    name = "scaled_muons"
    calibrated_collections: Sequence[str] = ("Muon.pt",)

    def calibrate(
        self, events: Any, original: Mapping[str, Any], variation: str, already_applied: Sequence[str] = ()
    ) -> Mapping[str, Any]:
        """Return the new pt."""
        return {"Muon.pt": events.Muon.pt * 1.1}


class ReplacedMuons(ScaledMuons):
    """The same, which returns the whole collection."""

    calibrated_collections = ("Muon",)

    def calibrate(
        self, events: Any, original: Mapping[str, Any], variation: str, already_applied: Sequence[str] = ()
    ) -> Mapping[str, Any]:
        """Return the new muons."""
        return {"Muon": ak.with_field(events.Muon, events.Muon.pt * 1.1, "pt")}


def test_leptons_that_the_missing_momentum_can_not_follow() -> None:
    momentum = {"pt": 20.0, "phi": 0.0}
    events = ak.Array([{"Muon": [{"pt": 50.0, "phi": 0.0}], "MET": momentum, "RawMET": momentum}])
    params = to_plain(get_default_parameters())

    def found(leptons: Any, muons: type[Calibrator] = ScaledMuons) -> float:
        params["met_calibration"]["2018"] |= {"apply_MC": False, "leptons": leptons}
        chain = CalibratorSequence([muons, METCalibrator], params, {"year": "2018", "isMC": True})
        return float(chain.calibrate(events).events.MET.pt[0])

    assert found([]) == 20
    assert found(["Muon"]) == found("Muon") == pytest.approx(15)
    with pytest.raises(UnknownNameError, match=r"unknown collection 'Muons' in met_calibration\.2018\.leptons"):
        found(["Muons"])
    with pytest.raises(ConfigError, match=r"met_calibration\.2018\.leptons has 'Muon', but a calibrator returns"):
        found(["Muon"], ReplacedMuons)


def test_unclustered_shift_of_either_kind() -> None:
    met = ak.Array(
        {
            "pt": [10.0, 20.0],
            "phi": [0.0, 1.0],
            "MetUnclustEnUpDeltaX": [1.0, -2.0],
            "MetUnclustEnUpDeltaY": [0.5, 3.0],
        }
    )
    np.testing.assert_allclose(unclustered_shift(met, "MET", up=True), [[1, -2], [0.5, 3]])
    np.testing.assert_allclose(unclustered_shift(met, "MET", up=False), [[-1, 2], [-0.5, -3]])
    puppi = ak.Array({"pt": [10.0], "phi": [0.0], "ptUnclusteredUp": [5.0], "phiUnclusteredUp": [np.pi / 2]})
    np.testing.assert_allclose(unclustered_shift(puppi, "PuppiMET", up=True), [[-10], [5]])
    with pytest.raises(MissingBranchError, match="PuppiMET has neither ptUnclusteredDown nor MetUnclustEnUpDeltaX"):
        unclustered_shift(puppi, "PuppiMET", up=False)


def test_not_applied(events: ak.Array, params: dict[str, Any]) -> None:
    params["met_calibration"][YEAR]["apply_MC"] = False
    chain = sequence(params)
    assert chain.variations_of("met_calibration") == ()
    varied = chain.calibrate(events, f"{JET_TYPE}_JES_TotalUp")
    assert varied.changed == {"Jet", "CorrT1METJet"}
    assert varied.events.PuppiMET.pt.tolist() == events.PuppiMET.pt.tolist()


def test_data(events: ak.Array, params: dict[str, Any]) -> None:
    chain = sequence(params, DATA)
    assert chain.variations == ()
    assert chain.calibrate(events).events.PuppiMET.pt.tolist() != events.PuppiMET.pt.tolist()
    assert METCalibrator(params, DATA).variations == ()


def test_needs_calibrated_jets(events: ak.Array, params: dict[str, Any]) -> None:
    chain = CalibratorSequence([METCalibrator], params, MC)
    with pytest.raises(ConfigError, match="met_calibration needs calibrated 'Jet': JetsCalibrator must come before"):
        chain.calibrate(events)
