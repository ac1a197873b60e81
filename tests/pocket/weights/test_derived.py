from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
from omegaconf import OmegaConf

from pocket.errors import ConfigError, MissingBranchError, UnknownNameError
from pocket.weights.derived import ScaleFactorWeight
from tests.pocket.correction_files import KINDS, binned, write_corrections

PT, ABSETA = (20.0, 30.0, 60.0), (0.0, 1.2, 2.4)
# events → muons → (pt, eta)
MUONS = [[(25.0, 0.5), (45.0, -1.5)], [], [(200.0, -2.0)], [(22.0, 1.2), (30.0, -0.1), (29.0, 2.3)]]


def scale_factor(kind: str, i: int, j: int) -> float:
    return 0.9 + 0.04 * i - 0.03 * j + {"nominal": 0.0, "up": 0.01, "down": -0.02}[kind]


def data_efficiency(kind: str, i: int, j: int) -> float:
    return scale_factor(kind, i, j) * mc_efficiency(kind, i, j)


def mc_efficiency(kind: str, i: int, j: int) -> float:
    return 0.8 + 0.05 * i - 0.1 * j


def of(function: Callable[..., float], kind: str, pt: float, eta: float) -> float:
    """Look up a value for one muon, clamped at the ends."""
    return function(kind, int(pt >= PT[1]), int(abs(eta) >= ABSETA[1]))


@pytest.fixture
def file(tmp_path: Path) -> str:
    edges = {"pt": PT, "abseta": ABSETA}
    parts = {"id": scale_factor, "id_efficiency_data": data_efficiency, "id_efficiency_mc": mc_efficiency}
    corrections = [binned(name, edges, function, "systematic") for name, function in parts.items()]
    return write_corrections(tmp_path / "id.json", *corrections)


@pytest.fixture
def events() -> ak.Array:
    muons = ak.zip(
        {"pt": [[pt for pt, _ in event] for event in MUONS], "eta": [[e for _, e in event] for event in MUONS]}
    )
    return ak.zip({"MuonGood": ak.values_astype(muons, np.float32)}, depth_limit=1)


def evaluate(events: ak.Array, file: str, combine: str, shape_variation: str = "nominal") -> Any:
    params = OmegaConf.create({"scale_factors": {"id": file}})
    weight = ScaleFactorWeight.wrap("sf_id", scale_factor="id", collection="MuonGood", combine=combine)(params, {})
    return weight.evaluate(events, len(events), shape_variation)


def expected(combine: str, kind: str) -> list[float]:
    if combine == "product":
        return [math.prod(of(scale_factor, kind, *muon) for muon in event) for event in MUONS]
    weights = []
    for event in MUONS:
        data, mc = (
            1 - math.prod(1 - of(function, kind, *muon) for muon in event)
            for function in (data_efficiency, mc_efficiency)
        )
        weights.append(data / mc if event else 1.0)
    return weights


@pytest.mark.parametrize("combine", ["product", "any"])
def test_every_object_counts(events: ak.Array, file: str, combine: str) -> None:
    nominal, varied = evaluate(events, file, combine)
    assert nominal.tolist() == pytest.approx(expected(combine, "nominal"), rel=1e-12)
    assert set(varied) == {"sf_idUp", "sf_idDown"}
    for kind in KINDS[1:]:
        assert varied[f"sf_id{kind.title()}"].tolist() == pytest.approx(expected(combine, kind), rel=1e-12)
    nominal, varied = evaluate(events, file, combine, "JESUp")
    assert nominal.tolist() == pytest.approx(expected(combine, "nominal"), rel=1e-12)
    assert varied == {}


def test_a_field_of_the_axis_itself_comes_first(events: ak.Array, file: str) -> None:
    events["MuonGood", "abseta"] = ak.zeros_like(events.MuonGood.eta)
    nominal, _ = evaluate(events, file, "product")
    assert nominal[2] == pytest.approx(scale_factor("nominal", 1, 0))


def test_what_is_missing(events: ak.Array, file: str) -> None:
    wrap = ScaleFactorWeight.wrap
    with pytest.raises(UnknownNameError, match="unknown way to combine 'all' in weight 'sf_id'"):
        wrap("sf_id", "id", "MuonGood", combine="all")
    params = OmegaConf.create({"scale_factors": {"id": file}})
    with pytest.raises(UnknownNameError, match="collection 'MuonGod' in weight 'sf_id', did you mean 'MuonGood'"):
        wrap("sf_id", "id", "MuonGod")(params, {}).evaluate(events, 4, "nominal")
    for nothing in ({}, {"scale_factors": {"other": file}}):
        with pytest.raises(ConfigError, match="weight 'sf_id': the file of scale factor 'id' was not given"):
            wrap("sf_id", "id", "MuonGood")(OmegaConf.create(nothing), {}).evaluate(events, 4, "nominal")
    events["Photon"] = ak.zip({"pT": events.MuonGood.pt, "phi": events.MuonGood.eta})
    with pytest.raises(MissingBranchError, match=r"'sf_id': Photon has no field 'pt' for scale factor 'id', .*: pT"):
        wrap("sf_id", "id", "Photon")(params, {}).evaluate(events, 4, "nominal")
