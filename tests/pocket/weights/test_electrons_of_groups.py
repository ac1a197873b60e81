"""Scale factors of electrons, electron by electron, for all files of the group."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import awkward as ak
import correctionlib
import numpy as np
import pytest
from omegaconf import OmegaConf

from pocket.parameters import get_default_parameters
from pocket.weights import ElectronId, ElectronReco, ElectronTrigger, WeightWrapper
from tests.group_files import a_year_of_each_run
from tests.pocket import egamma
from tests.pocket.weights.test_photons import PERIODS, SIDES

#: identification in both runs → working point
POINTS = {
    "mvaFall17V2Iso_WP80": "wp80iso",
    "mvaFall17V2Iso_WP90": "wp90iso",
    "mvaNoIso_WP80": "wp80noiso",
    "mvaNoIso_WP90": "wp90noiso",
}
Factor = Callable[[dict[str, Any]], float]


@pytest.fixture(autouse=True)
def root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_CORRECTIONS", str(egamma.ROOT))


def correction_of(year: str, file: str, name: str) -> Any:
    campaign = {**egamma.UL, **egamma.RUN_3}[year]
    path = egamma.ROOT / f"POG/EGM/{campaign}/{file}.json.gz"
    return correctionlib.CorrectionSet.from_file(str(path))[("UL-" if year in egamma.UL else "") + name]


def eta_of(electron: dict[str, Any]) -> float:
    return float(np.float32(electron["eta"]) + np.float32(electron["deltaEtaSC"]))


def check(
    weight: type[WeightWrapper], params: Any, year: str, factor_of: Callable[[str], Factor], size: int | None = None
) -> None:
    """Compare the weight and both sides with the product over a loop, for all events or the first ones."""
    events = egamma.objects_of("Electron")[:size]
    events = ak.with_field(events, events.Electron, "ElectronGood")
    lists = events.ElectronGood.to_list()
    assert size is not None or sum(map(len, lists)) >= 10_000
    nominal, varied = weight(params, {"year": year, "isMC": True}).evaluate(events, len(events), "nominal")
    for side, kind in SIDES.items():
        factor = factor_of(kind)
        expected = [math.prod(map(factor, event)) for event in lists]
        found = nominal if side == "nominal" else varied[f"{weight.name}{side}"]
        np.testing.assert_allclose(found, expected, rtol=1e-14)
        assert np.std(expected) > 0


@egamma.needs_files
@pytest.mark.parametrize("year", a_year_of_each_run(PERIODS))
def test_reconstruction(year: str) -> None:
    correction = correction_of(year, "electron", "Electron-ID-SF")

    def factor_of(kind: str) -> Factor:
        def factor(electron: dict[str, Any]) -> float:
            pt = electron["pt"]
            if pt < 20:
                point = "RecoBelow20"
            elif year in egamma.UL:
                point = "RecoAbove20"
            else:
                point = "Reco20to75" if pt < 75 else "RecoAbove75"
            phi = [electron["phi"]] if year.startswith("2023") else []
            return float(correction.evaluate(PERIODS[year], kind, point, eta_of(electron), max(pt, 10.0), *phi))

        return factor

    check(ElectronReco, get_default_parameters(), year, factor_of)


@egamma.needs_files
@pytest.mark.parametrize("year", a_year_of_each_run(PERIODS))
def test_identification(year: str) -> None:
    correction = correction_of(year, "electron", "Electron-ID-SF")

    def factor(electron: dict[str, Any], kind: str, point: str) -> float:
        phi = [electron["phi"]] if year.startswith("2023") else []
        arguments = (PERIODS[year], kind, point, eta_of(electron), max(electron["pt"], 10.0))
        return float(correction.evaluate(*arguments, *phi))

    for identification, point in POINTS.items():

        def factor_of(kind: str, point: str = point) -> Factor:
            return lambda electron: factor(electron, kind, point)

        params = OmegaConf.merge(
            get_default_parameters(), {"object_preselection": {"Electron": {"id": identification}}}
        )
        # The other working points differ in their name in the file only.
        check(ElectronId, params, year, factor_of, None if point == "wp80iso" else 400)


@egamma.needs_files
@pytest.mark.parametrize("year", a_year_of_each_run(egamma.RUN_3))
def test_trigger(year: str) -> None:
    correction = correction_of(year, "electronHlt", "Electron-HLT-SF")

    def factor_of(kind: str) -> Factor:
        path = "HLT_SF_Ele30_MVAiso80ID"
        return lambda electron: float(
            correction.evaluate(PERIODS[year], kind, path, eta_of(electron), max(electron["pt"], 25.0))
        )

    check(ElectronTrigger, get_default_parameters(), year, factor_of)
