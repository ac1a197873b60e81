from __future__ import annotations

from typing import Any

import awkward as ak
import pytest

from pocket.calibrators.base import Calibrator
from pocket.compat.calibrators_manager import CalibratorsManager


class Scale(Calibrator):
    """Scales the pt of electrons, and has a variation that only ``initialize`` names."""

    name = "scale"
    has_variations = True
    calibrated_collections = ("Electron.pt",)

    def initialize(self, events: Any) -> None:
        self._variations = ["scaleUp"]

    def calibrate(self, events: Any, original: Any, variation: str, already_applied: Any) -> Any:
        return {"Electron.pt": events.Electron.pt * (3 if variation == "scaleUp" else 2)}


class Shift(Calibrator):
    """Adds 1 to the pt of electrons of simulation, and a collection, after the first calibrator."""

    name = "shift"
    isMC_only = True  # noqa: N815
    calibrated_collections = ("Electron.pt", "New")

    def calibrate(self, events: Any, original: Any, variation: str, already_applied: Any) -> Any:
        assert list(already_applied) == ["scale"]
        return {"Electron.pt": events.Electron.pt + 1, "New": original["Electron.pt"]}


def events() -> Any:
    return ak.Array({"Electron": ak.zip({"pt": [[10.0], []]})})


def test_calibrators_are_applied_in_order_and_undone() -> None:
    taken = events()
    manager = CalibratorsManager([Scale, Shift], taken, {}, {"isMC": True, "year": "2018"})
    assert manager.available_variations == ["nominal", "scaleUp"]
    assert manager.get_available_variations("scale") == ["scaleUp"]
    assert [one.name for one in manager.calibrated_collections["Electron.pt"]] == ["scale", "shift"]
    loop = manager.calibration_loop(taken, variations_for_calibrators=["scale"])
    found = {name: varied.Electron.pt.to_list() for name, varied in loop}
    assert found == {"nominal": [[21], []], "scaleUp": [[31], []]}
    assert taken.Electron.pt.to_list() == [[10], []]
    assert taken.New.to_list() == [[10], []]
    with pytest.raises(ValueError, match="'scaleDown' is none of nominal, scaleUp"):
        manager.calibrate(taken, "scaleDown")


def test_data_and_variations_that_arent_asked_for() -> None:
    manager = CalibratorsManager([Scale, Shift], events(), {}, {"isMC": False, "year": "2018"}, ["other"])
    assert [one.name for one in manager.calibrator_sequence] == ["scale"]
    assert not manager.calibrator_sequence[0].do_variations


def test_what_isnt_declared_is_refused() -> None:
    class Wrong(Scale):
        calibrated_collections = ("Muon.pt",)

    with pytest.raises(ValueError, match=r"returned 'Electron.pt', which it doesn't declare"):
        CalibratorsManager([Wrong], events(), {}, {"isMC": True, "year": "2018"}).calibrate(events(), "nominal")
