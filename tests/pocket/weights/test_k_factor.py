from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import awkward as ak
import correctionlib
import numpy as np
import pytest
import uproot

from pocket.errors import ConfigError, MissingBranchError
from pocket.io.nanoaod.events import NanoTree
from pocket.weights.k_factor import KFactor, boson_pt
from tests.pocket.correction_files import binned, write_corrections
from tests.real_files import real_file

EDGES = (0.0, 50.0, 100.0, 400.0)


@pytest.fixture
def file(tmp_path: Path) -> str:
    def value(kind: str, position: int) -> float:
        return 1.1 + 0.1 * position + {"nominal": 0.0, "up": 0.03, "down": -0.02}[kind]

    return write_corrections(tmp_path / "k.json", *(binned(name, {"pt": EDGES}, value, "systematic") for name in "zw"))


def weight(file: Any, correction: Any = "z", **changes: Any) -> type[KFactor]:
    settings: dict[str, Any] = {
        "inputs": {"pt": "LHE.Vpt"},
        "nominal": {"systematic": "nominal"},
        "variations": {"": ({"systematic": "up"}, {"systematic": "down"})},
    }
    return KFactor.wrap("k_z", file, correction, **settings | changes)


def test_a_field_against_correctionlib_event_by_event(file: str) -> None:
    pts = np.random.default_rng(5).exponential(90, 10_000).astype(np.float32)
    # edges, and values beyond the last bin
    pts[:6] = [0.0, 50.0, 100.0, 400.0, 1e4, 399.99]
    events = ak.Array({"LHE": ak.zip({"Vpt": pts})})
    nominal, varied = weight(file)({}, {"sample": "DY"}).evaluate(events, len(pts), "nominal")
    correction = correctionlib.CorrectionSet.from_file(file)["z"]
    for values, kind in ((nominal, "nominal"), (varied["k_zUp"], "up"), (varied["k_zDown"], "down")):
        assert values.tolist() == [correction.evaluate(float(pt), kind) for pt in pts]
    assert weight(file)({}, {}).corrections() == ((file, "z"),)


def test_a_function_a_constant_and_named_variations(file: str) -> None:
    events = ak.Array({"LHE": ak.zip({"HT": [10.0, 70.0, 300.0]})})
    half = weight(
        file,
        inputs={"pt": lambda events: events.LHE.HT / 2},
        variations={"ew": ({"systematic": "up"}, {"systematic": "down"}), "qcd": ({"systematic": "down"}, {})},
    )
    nominal, varied = half({}, {}).evaluate(events, 3, "nominal")
    assert nominal.tolist() == pytest.approx([1.1, 1.1, 1.2 + 0.1], rel=1e-14)
    assert list(varied) == ["k_z_ewUp", "k_z_ewDown", "k_z_qcdUp", "k_z_qcdDown"]
    assert varied["k_z_qcdUp"].tolist() == varied["k_z_ewDown"].tolist()
    assert varied["k_z_qcdDown"].tolist() == nominal.tolist()
    fixed = weight(file, inputs={"pt": 60.0}, variations={})
    assert fixed({}, {}).evaluate(events, 3, "nominal")[0].tolist() == [1.1 + 0.1] * 3


def test_samples(file: str) -> None:
    events = ak.Array({"LHE": ak.zip({"Vpt": [60.0]})})
    by_sample = weight({"DY": file}, {"DY": "z"})
    assert by_sample({}, {"sample": "DY"}).evaluate(events, 1, "nominal")[0].tolist() == [1.1 + 0.1]
    nominal, varied = by_sample({}, {"sample": "TT"}).evaluate(events, 1, "nominal")
    assert (nominal.tolist(), varied["k_zUp"].tolist()) == ([1.0], [1.0])
    assert by_sample({}, {"sample": "TT"}).corrections() == ()
    with pytest.raises(ConfigError, match="file and correction are for different samples, DY and WJets"):
        weight({"DY": file}, {"WJets": "w"})


def test_mistakes(file: str) -> None:
    events = ak.Array({"LHE": ak.zip({"Vpt": [60.0]})})
    with pytest.raises(MissingBranchError, match="weight 'k_z', input 'pt': branch 'LHE_Vp' does not exist; nearest"):
        weight(file, inputs={"pt": "LHE.Vp"})({}, {}).evaluate(events, 1, "nominal")
    with pytest.raises(ConfigError, match="input 'pt' is not one number per event"):
        weight(file, inputs={"pt": lambda events: ak.Array([[1.0, 2.0]])})({}, {}).evaluate(events, 1, "nominal")
    with pytest.raises(ConfigError, match="variation 'ew' changes kind, whose nominal value isn't given"):
        weight(file, variations={"ew": ({"kind": "up"}, {"kind": "down"})})
    with pytest.raises(ConfigError, match="inputs must name the inputs"):
        weight(file, inputs={})
    with pytest.raises(ConfigError, match="must have inputs for up and for down"):
        weight(file, variations={"ew": ({"systematic": "up"},)})
    with pytest.raises(ConfigError, match="all variations need names"):
        weight(file, variations={"": ({}, {}), "ew": ({}, {})})


@pytest.mark.slow
def test_the_boson_of_a_real_file_against_a_loop() -> None:
    fields = ("pt", "phi", "pdgId", "statusFlags")
    with uproot.open(real_file("nano_dy.root")) as file:
        found = boson_pt(NanoTree(file, "Events", {}).events(0, 40))
        tree = file["Events"].arrays([f"GenPart_{name}" for name in fields]).to_list()
    expected = []
    for event in tree:
        particles = list(zip(*(event[f"GenPart_{name}"] for name in fields), strict=True))
        hard = [p for p in particles if p[3] & (1 << 8) and p[3] & (1 << 13)]
        bosons = [p for p in hard if abs(p[2]) in (23, 24, 25)][:1]
        chosen = bosons or [p for p in hard if 11 <= abs(p[2]) <= 16] or [p for p in hard if p[2] == 22][:1]
        x, y = (sum(p[0] * function(p[1]) for p in chosen) for function in (math.cos, math.sin))
        expected.append(math.hypot(x, y))
    assert max(expected) > 20
    assert np.allclose(found, expected, rtol=1e-10, atol=1e-10)


def test_the_boson_and_leptons_of_either_charge() -> None:
    hard = (1 << 8) | (1 << 13)

    def event(*particles: tuple[int, float, float]) -> list[dict[str, Any]]:
        return [{"pdgId": code, "pt": pt, "phi": phi, "statusFlags": hard} for code, pt, phi in particles]

    events = ak.Array(
        {
            "GenPart": [
                event((-24, 40.0, 0.0), (-13, 90.0, 1.0)),
                event((13, 30.0, 0.0), (-13, 40.0, math.pi / 2)),
                # an off-shell W boson is the sum of its charged lepton and its neutrino, a Z boson may be two neutrinos
                *(
                    event((sign * lepton, 30.0, 0.0), (-sign * (lepton + 1), 40.0, math.pi / 2))
                    for lepton in (11, 13, 15)
                    for sign in (1, -1)
                ),
                *(event((code, 30.0, 0.0), (-code, 40.0, math.pi / 2)) for code in (11, 12, 14, 15, 16)),
                # quarks aren't its leptons
                event((1, 200.0, 0.0), (16, 30.0, 0.0), (-16, 40.0, math.pi / 2)),
            ]
        }
    )
    assert np.asarray(boson_pt(events)) == pytest.approx([40.0, *[50.0] * 13])
