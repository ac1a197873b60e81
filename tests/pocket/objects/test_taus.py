"""Selection of taus, and their working points in all versions of NanoAOD."""

from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np
import pytest
from omegaconf import OmegaConf

from pocket.errors import ConfigError, MissingBranchError, UnknownNameError
from pocket.objects import tau_selection
from pocket.objects.taus import WORKING_POINTS, passes
from pocket.parameters.defaults import get_default_parameters
from tests.params.test_shipped import DATA
from tests.pocket.objects.events import distance
from tests.pocket.objects.nano import nano_events, nano_loop

N_TAUS = 10_000


def generated(version: int, tagger: str) -> ak.Array:
    """Return events of a version of NanoAOD with taus around all limits, and muons."""
    rng = np.random.default_rng(version)
    pt, eta, dz = rng.uniform(15, 60, N_TAUS), rng.uniform(-2.7, 2.7, N_TAUS), rng.normal(0, 0.2, N_TAUS)
    for column, edges in ((pt, [20]), (eta, [-2.3, 2.3, 2.5]), (dz, [-0.2, 0.2])):
        for edge in edges:
            column[rng.integers(0, N_TAUS, 60)] = edge
    taus: dict[str, Any] = {name: values.astype(np.float32) for name, values in (("pt", pt), ("eta", eta), ("dz", dz))}
    taus["phi"] = rng.uniform(-3.14, 3.14, N_TAUS).astype(np.float32)
    taus["decayMode"] = rng.choice(np.array([0, 1, 2, 5, 6, 10, 11], dtype=np.int32), N_TAUS)
    for against, points in WORKING_POINTS.items():
        number = rng.integers(0, len(points) + 1, N_TAUS)
        taus[f"id{tagger}{against}"] = ((1 << number) - 1 if version == 9 else number).astype(np.uint8)
    counts = rng.multinomial(N_TAUS, np.full(3000, 1 / 3000))
    n_muons = rng.integers(0, 3, 3000)
    muons = {name: rng.uniform(-2.4, 2.4, n_muons.sum()).astype(np.float32) for name in ("pt", "eta", "phi")}
    extra = {
        9: {"fixedGridRhoFastjetAll": np.ones(3000)},
        12: {"Rho": ak.zip({"fixedGridRhoFastjetAll": np.ones(3000)})},
    }
    extra[15] = {"PFMET": ak.zip({"pt": np.ones(3000)})}
    return ak.Array(
        {
            "Tau": ak.unflatten(ak.zip(taus), counts),
            "MuonGood": ak.unflatten(ak.zip(muons), n_muons),
            **extra[version],
        }
    )


def is_good(tau: dict[str, Any], muons: list[dict[str, Any]], tagger: str, bits: bool, eta: float) -> bool:
    """Select a tau by hand: Medium is the fifth of eight, VVLoose the second, Tight the last of four."""
    limits = {"VSjet": 5, "VSe": 2, "VSmu": 4}
    return bool(
        tau["pt"] > np.float32(20)
        and abs(tau["eta"]) < np.float32(eta)
        and abs(tau["dz"]) < np.float32(0.2)
        and tau["decayMode"] in (0, 1, 10, 11)
        and all(
            tau[f"id{tagger}{against}"] & 2 ** (lowest - 1) if bits else tau[f"id{tagger}{against}"] >= lowest
            for against, lowest in limits.items()
        )
        and all(distance(tau, muon) > 0.4 for muon in muons)
    )


@pytest.mark.parametrize("leptons", ["", "MuonGood"])
@pytest.mark.parametrize(
    ("version", "year", "tagger", "eta"),
    [
        (9, "2018", "DeepTau2017v2p1", 2.3),
        (12, "2022_postEE", "DeepTau2018v2p5", 2.5),
        (15, "2024", "DeepTau2018v2p5", 2.5),
    ],
)
def test_generated_taus_against_a_loop(version: int, year: str, tagger: str, eta: float, leptons: str) -> None:
    events = generated(version, tagger)
    selected = tau_selection(events, "Tau", get_default_parameters(), year, leptons)
    expected = [
        [tau["pt"] for tau in taus if is_good(tau, muons if leptons else [], tagger, version == 9, eta)]
        for taus, muons in zip(events.Tau.to_list(), events.MuonGood.to_list(), strict=True)
    ]
    assert selected.pt.to_list() == expected
    assert sum(map(len, expected)) > 100
    assert set(selected.fields) == set(events.Tau.fields)


def test_real_file_against_a_loop() -> None:
    # It has taus of the first DeepTau, as v9.
    params = OmegaConf.merge(get_default_parameters(), {"object_preselection": {"Tau": {"VSjet": "VVVLoose"}}})
    names = [f"idDeepTau2017v2p1{against}" for against in WORKING_POINTS]
    taus = nano_loop("nano_dy.root", "Tau", "pt", "eta", "dz", "decayMode", *names)
    expected = [
        [
            tau["pt"]
            for tau in event
            if tau["pt"] > 20
            and abs(tau["eta"]) < 2.3
            and abs(tau["dz"]) < 0.2
            and tau["decayMode"] in (0, 1, 10, 11)
            and tau[names[0]] & 1
            and tau[names[1]] & 2
            and tau[names[2]] & 8
        ]
        for event in taus
    ]
    assert tau_selection(nano_events("nano_dy.root"), "Tau", params, "2018").pt.to_list() == expected
    assert any(expected)


@pytest.mark.parametrize("against", WORKING_POINTS)
def test_working_points_are_nested(against: str) -> None:
    points = WORKING_POINTS[against]
    field = f"idDeepTau2018v2p5{against}"
    numbers = ak.Array([[{field: number} for number in range(len(points) + 1)]])
    bits = ak.Array([[{field: (1 << number) - 1} for number in range(len(points) + 1)]])
    for position, point in enumerate(points):
        expected = [[number > position for number in range(len(points) + 1)]]
        assert passes(numbers, "DeepTau2018v2p5", against, point, 15).to_list() == expected
        assert passes(bits, "DeepTau2018v2p5", against, point, 9).to_list() == expected


def test_every_year_has_a_selection() -> None:
    params = get_default_parameters()
    for year in DATA:
        run_2 = year < "2019"
        events = generated(9 if run_2 else 12, "DeepTau2017v2p1" if run_2 else "DeepTau2018v2p5")[:50]
        assert len(tau_selection(events, "Tau", params, year)) == 50


def test_errors() -> None:
    events, params = generated(9, "DeepTau2017v2p1")[:5], get_default_parameters()
    with pytest.raises(MissingBranchError, match="'Tau_idDeepTau2018v2p5VSjet' does not exist; nearest"):
        tau_selection(events, "Tau", params, "2022_preEE")
    with pytest.raises(UnknownNameError, match="parameter 'Taus' in object_preselection, did you mean 'Tau'"):
        tau_selection(events, "Taus", params, "2018")
    wrong = OmegaConf.merge(params, {"object_preselection": {"Tau": {"VSmu": "VVTight"}}})
    with pytest.raises(UnknownNameError, match="unknown working point 'VVTight' in DeepTau2017v2p1VSmu"):
        tau_selection(events, "Tau", wrong, "2018")
    wrong = OmegaConf.merge(params, {"object_preselection": {"Tau": {"pt": [20, 30]}}})
    with pytest.raises(ConfigError, match=r"object_preselection.Tau.pt is \[20, 30\], expected a number"):
        tau_selection(events, "Tau", wrong, "2018")
