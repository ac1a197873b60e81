from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import correctionlib.schemav2 as cs
import pytest
from omegaconf import OmegaConf

from pocket.cuts.jet_veto import get_JetVetoMap
from pocket.errors import UnknownNameError
from pocket.objects import jet_veto
from tests.pocket.correction_files import write_corrections

#: a jet in the vetoed region
VETOED: dict[str, Any] = {"pt": 30.0, "eta": 1.0, "phi": 1.0, "neEmEF": 0.2, "chEmEF": 0.1, "jetId": 6}


@pytest.fixture
def params(tmp_path: Path) -> Any:
    """Parameters with a map that vetoes one quadrant."""
    quadrants = cs.MultiBinning(
        nodetype="multibinning",
        inputs=["eta", "phi"],
        edges=[[-5.191, 0, 5.191], [-3.1416, 0, 3.1416]],
        content=[0.0, 0.0, 0.0, 100.0],
        flow="error",
    )
    veto = cs.Correction(
        name="veto",
        version=1,
        inputs=[
            cs.Variable(name="type", type="string"),
            cs.Variable(name="eta", type="real"),
            cs.Variable(name="phi", type="real"),
        ],
        output=cs.Variable(name="veto", type="real"),
        data=cs.Category(
            nodetype="category", input="type", content=[cs.CategoryItem(key="jetvetomap", value=quadrants)]
        ),
    )
    file = write_corrections(tmp_path / "veto.json", veto)
    return OmegaConf.create({"jet_scale_factors": {"vetomaps": {"2022": {"file": file, "name": "veto"}}}})


@pytest.mark.parametrize(
    ("change", "passes"),
    [
        ({}, False),
        ({"phi": -1.0}, True),
        ({"eta": -1.0}, True),
        ({"phi": 3.1415927}, False),
        ({"pt": 15.0}, True),
        ({"neEmEF": 0.85}, True),
        ({"jetId": 2}, True),
        ({"eta": 5.3}, True),
    ],
)
def test_events_with_a_vetoed_jet(
    params: Any, change: dict[str, Any], passes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jet_veto, "identification", lambda jets, version, jet_type: jets.jetId)
    events = ak.Array({"Jet": [[{**VETOED, "phi": -2.0}, {**VETOED, **change}], []]})
    mask = get_JetVetoMap().function(events, {}, year="2022", processor_params=params, sample="x", isMC=True)
    assert mask.tolist() == [passes, True]


def test_a_year_without_a_map(params: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jet_veto, "identification", lambda jets, version, jet_type: jets.jetId)
    with pytest.raises(UnknownNameError, match="'2018'"):
        get_JetVetoMap("mine").function(ak.Array({"Jet": [[VETOED]]}), {}, year="2018", processor_params=params)
