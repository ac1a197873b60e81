from __future__ import annotations

from typing import Any

from pocket.configuration.notes import required_of_muons, working_point_notes
from pocket.objects import lepton_selection
from pocket.parameters.defaults import get_default_parameters, merge_parameters
from tests.entries import check_each
from tests.pocket.configs import PlainWorkflow, configure


class Muons(PlainWorkflow):
    """Selects muons by the parameters."""

    def apply_object_preselection(self, variation: str) -> None:
        """Select them."""
        self.events["MuonGood"] = lepton_selection(self.events, "Muon", self.params)


def notes(muon: dict[str, Any], names: dict[str, str] | None = None, workflow: type = Muons) -> list[str]:
    changes = {
        "object_preselection": {"Muon": muon},
        "lepton_scale_factors": {"muon_sf": {"sf_name": {"2018": names or {}}}},
    }
    config = configure(
        parameters=merge_parameters(get_default_parameters(), changes, update=True),
        workflow=workflow,
        weights={"common": {"inclusive": ["genWeight", "lumi", "XS", "sf_mu_id", "sf_mu_iso"]}},
    )
    return list(working_point_notes(config))


@check_each(
    ("correction", "required"),
    [
        ("NUM_TightID_DEN_TrackerMuons", {"id": "tightId"}),
        ("NUM_MediumPromptID_DEN_genTracks", {"id": "mediumPromptId"}),
        ("NUM_LooseRelIso_DEN_TightIDandIPCut", {"iso": 0.25, "id": "tightId"}),
        ("NUM_TightPFIso_DEN_MediumPromptID", {"iso": 0.15, "id": "mediumPromptId"}),
        # What is selected by the isolation of tracks, by the trigger or by an own identification isn't known here.
        ("NUM_LooseRelTkIso_DEN_HighPtIDandIPCut", {}),
        ("NUM_IsoMu24_DEN_CutBasedIdTight_and_PFIsoTight", {}),
        ("NUM_promptMVA_WP64ID_DEN_MediumID", {}),
        ("UL-Electron-ID-SF", {}),
    ],
)
def test_working_points_in_names(correction: str, required: dict[str, Any]) -> None:
    assert required_of_muons(correction) == required


def test_the_shipped_selection_is_that_of_the_shipped_scale_factors() -> None:
    assert notes({}) == []


def test_isolation_of_another_working_point() -> None:
    assert notes({"iso": 0.15}) == [
        "weight sf_mu_iso uses NUM_LooseRelIso_DEN_TightIDandIPCut for 2018, which is for iso 0.25, and "
        "object_preselection.Muon.iso is 0.15: change one of them, unless this is meant"
    ]
    assert notes({"iso": 0.15}, {"iso": "NUM_TightRelIso_DEN_TightIDandIPCut"}) == []


def test_identification_of_another_working_point() -> None:
    found = notes({"id": "mediumId"})
    assert [note.partition(" for 2018")[0] for note in found] == [
        "weight sf_mu_id uses NUM_TightID_DEN_TrackerMuons",
        "weight sf_mu_iso uses NUM_LooseRelIso_DEN_TightIDandIPCut",
    ]
    medium = {"id": "NUM_MediumID_DEN_TrackerMuons", "iso": "NUM_LooseRelIso_DEN_MediumID"}
    assert notes({"id": "mediumId"}, medium) == []


def test_muons_that_are_selected_by_own_code_are_not_judged() -> None:
    assert notes({"iso": 0.15, "id": "mediumId"}, workflow=PlainWorkflow) == []
