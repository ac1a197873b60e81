from __future__ import annotations

import math
from pathlib import Path

import awkward as ak
import correctionlib.schemav2 as cs
import numpy as np
import pytest
from omegaconf import OmegaConf

from pocket.weights.scale_factor import InjectedWeight, ScaleFactorWeight
from tests.pocket.correction_files import binned, write_corrections

PT, FACTORS = (20.0, 30.0, 60.0, 100.0), (0.9, 1.05)
EFFICIENCY = (0.8, 0.6, 0.9)
# events → muons → pt, and whether they pass
MUONS = [[(25.0, True), (45.0, False)], [], [(200.0, True)], [(22.0, False), (31.0, True), (61.0, False)]]


def test_objects_have_the_known_scale_factor_of_their_bin(tmp_path: Path) -> None:
    parts = {"id": 0.0, "id_efficiency_data": 0.0, "id_efficiency_mc": 1.0}
    corrections = [
        binned(name, {"pt": PT}, lambda kind, i, scale=scale: scale * EFFICIENCY[i], "systematic")
        for name, scale in parts.items()
    ]
    # The efficiency in simulation has no systematic.
    varied = corrections[-1]
    assert isinstance(varied.data, cs.Category)
    corrections[-1] = varied.model_copy(update={"inputs": varied.inputs[:1], "data": varied.data.content[0].value})
    file = write_corrections(tmp_path / "id.json", *corrections)
    muons = ak.zip(
        {
            "pt": ak.values_astype(ak.Array([[pt for pt, _ in event] for event in MUONS]), np.float32),
            "passes": [[passes for _, passes in event] for event in MUONS],
        }
    )
    events = ak.zip({"MuonGood": muons}, depth_limit=1)
    applied = ScaleFactorWeight.wrap("sf_id", "id", "MuonGood", passing="passes", has_variations=False)
    weight = type("sf_id", (InjectedWeight, applied), {"factors": FACTORS})
    assert (weight.name, weight.scale_factors()) == ("sf_id", ("id",))
    nominal, variations = weight(OmegaConf.create({"scale_factors": {"id": file}}), {}).evaluate(events, 4, "nominal")

    def of(pt: float, passes: bool) -> float:
        number = 0 if pt < PT[1] else 1 if pt < PT[2] else 2
        simulated = EFFICIENCY[number]
        known = FACTORS[number % 2] * simulated
        return known / simulated if passes else (1 - known) / (1 - simulated)

    assert nominal.tolist() == pytest.approx([math.prod(of(*muon) for muon in event) for event in MUONS], rel=1e-12)
    assert variations == {}
