from __future__ import annotations

from typing import Any

import pytest

from pocket.plan.skim import SkimPlan
from tests.pocket.configs import configure

BRANCHES = ("run", "luminosityBlock", "event", "genWeight", "Muon_pt", "Muon_eta", "Jet_pt", "HLT_IsoMu24", "nMuon")


@pytest.mark.parametrize(
    ("keep", "drop", "kept"),
    [
        ((), (), {"Muon_pt", "Muon_eta", "Jet_pt", "HLT_IsoMu24", "nMuon"}),
        (["Muon_*"], (), {"Muon_pt", "Muon_eta"}),
        (["*_pt", "HLT_*"], ["Jet_*"], {"Muon_pt", "HLT_IsoMu24"}),
        ((), ["*"], set()),
        # branches differ in case alone, as files do not
        (["muon_*"], (), set()),
    ],
)
def test_branches_that_are_kept(keep: Any, drop: Any, kept: set[str]) -> None:
    skim = SkimPlan(keep=tuple(keep), drop=tuple(drop))
    assert {branch for branch in BRANCHES if skim.keeps(branch)} == kept | set(BRANCHES[:4])


def test_what_determines_the_selected_events() -> None:
    plan = configure(parameters_read=["limits"]).plan()
    cuts, presel = (SkimPlan(mode).spec(plan) for mode in ("skim", "presel_any_variation"))
    assert cuts["selection"]["parameters"] == {"limits": {"x": 1.0}}
    assert set(presel["selection"]) - set(cuts["selection"]) == {"preselections", "shapes"}
    assert "variables" not in presel["selection"]
    assert {**presel, "selection": {}} == {
        "selection": {},
        "mode": "presel_any_variation",
        "keep": (),
        "drop": (),
        "compression": "LZ4",
    }
