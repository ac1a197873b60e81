"""Scale factors of electrons, electron by electron, for all files of the group."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

import awkward as ak
import correctionlib
import numpy as np
import pytest
from omegaconf import OmegaConf

from pocket.parameters import get_default_parameters
from pocket.weights import ElectronId, ElectronReco, ElectronTrigger, WeightWrapper
from tests.entries import check_each
from tests.pocket import egamma
from tests.pocket.egamma import Columns, Floats
from tests.pocket.weights.test_photons import PERIODS, SIDES

#: identification in both runs → working point
POINTS = {
    "mvaFall17V2Iso_WP80": "wp80iso",
    "mvaFall17V2Iso_WP90": "wp90iso",
    "mvaNoIso_WP80": "wp80noiso",
    "mvaNoIso_WP90": "wp90noiso",
}
#: kind of the values in the file → the scale factor of each electron
Factors = Callable[[str, Columns], Floats]


@pytest.fixture(autouse=True)
def root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_CORRECTIONS", str(egamma.ROOT))


def correction_of(year: str, file: str, name: str) -> Any:
    campaign = {**egamma.UL, **egamma.RUN_3}[year]
    path = egamma.ROOT / f"POG/EGM/{campaign}/{file}.json.gz"
    return correctionlib.CorrectionSet.from_file(str(path))[("UL-" if year in egamma.UL else "") + name]


@functools.cache
def electrons() -> ak.Array:
    """Return events with the collection ``ElectronGood``."""
    events = egamma.objects_of("Electron")
    return ak.with_field(events, events.Electron, "ElectronGood")


@functools.cache
def selected_by(identification: str) -> Any:
    """Return parameters with an identification."""
    return OmegaConf.merge(get_default_parameters(), {"object_preselection": {"Electron": {"id": identification}}})


def check(weight: type[WeightWrapper], params: Any, year: str, factors: Factors, size: int | None = None) -> None:
    """Compare the weight and both sides with the product over each event, for all events or the first ones."""
    events = electrons()[:size]
    columns, counts = egamma.flat(events.ElectronGood), ak.num(events.ElectronGood)
    # The sum is in the precision of NanoAOD.
    eta, delta = (columns[name].astype(np.float32) for name in ("eta", "deltaEtaSC"))
    columns["etaSC"] = (eta + delta).astype(float)
    assert size is not None or len(columns["pt"]) >= 10_000
    nominal, varied = weight(params, {"year": year, "isMC": True}).evaluate(events, len(events), "nominal")
    for side, kind in SIDES.items():
        expected = egamma.products(factors(kind, columns), counts)
        found = nominal if side == "nominal" else varied[f"{weight.name}{side}"]
        np.testing.assert_allclose(found, expected, rtol=1e-14)
        assert np.std(expected) > 0


@egamma.needs_files
@check_each("year", PERIODS)
def test_reconstruction(year: str) -> None:
    correction = correction_of(year, "electron", "Electron-ID-SF")

    def factors(kind: str, of: Columns) -> Floats:
        phi = [of["phi"]] if year.startswith("2023") else []
        edges, points = [0.0, 20.0, np.inf], ["RecoBelow20", "RecoAbove20"]
        if year not in egamma.UL:
            edges, points = [0.0, 20.0, 75.0, np.inf], ["RecoBelow20", "Reco20to75", "RecoAbove75"]
        found = np.zeros(len(of["pt"]))
        for point, (low, high) in zip(points, itertools.pairwise(edges), strict=True):
            chosen = (low <= of["pt"]) & (of["pt"] < high)
            inputs = [column[chosen] for column in (of["etaSC"], np.maximum(of["pt"], 10.0), *phi)]
            found[chosen] = correction.evaluate(PERIODS[year], kind, point, *inputs)
        return found

    check(ElectronReco, get_default_parameters(), year, factors)


@egamma.needs_files
@check_each("year", PERIODS)
def test_identification(year: str) -> None:
    correction = correction_of(year, "electron", "Electron-ID-SF")
    for identification, point in POINTS.items():

        def factors(kind: str, of: Columns, point: str = point) -> Floats:
            phi = [of["phi"]] if year.startswith("2023") else []
            inputs = PERIODS[year], kind, point, of["etaSC"], np.maximum(of["pt"], 10.0), *phi
            return np.asarray(correction.evaluate(*inputs))

        params = selected_by(identification)
        # The other working points differ in their name in the file only.
        check(ElectronId, params, year, factors, None if point == "wp80iso" else 400)


@egamma.needs_files
@check_each("year", egamma.RUN_3)
def test_trigger(year: str) -> None:
    correction = correction_of(year, "electronHlt", "Electron-HLT-SF")

    def factors(kind: str, of: Columns) -> Floats:
        inputs = PERIODS[year], kind, "HLT_SF_Ele30_MVAiso80ID", of["etaSC"], np.maximum(of["pt"], 25.0)
        return np.asarray(correction.evaluate(*inputs))

    check(ElectronTrigger, get_default_parameters(), year, factors)
