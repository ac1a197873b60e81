from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np
import pytest

from pocket.errors import MissingBranchError, UnknownNameError
from pocket.io.nanoaod.version import nano_version
from pocket.objects.nanoaod import has_pileup_id, jet_id, lepton_id, met, rho, supercluster_eta
from tests.pocket.objects.nano import nano_events, nano_loop

#: file → the version whose content it has; the first two are older than v9
FILES = {"nano_dy.root": 9, "pfnano.root": 9, "nano_tt_v12.root": 12, "nano_tt_v15.root": 15}
FRACTIONS = ("chHEF", "neHEF", "chEmEF", "neEmEF", "muEF")
MULTIPLICITIES = ("chMultiplicity", "neMultiplicity")


def tight_v15(jet: dict[str, Any]) -> bool:
    """JetMET's recipe for AK4 and AK8 PUPPI jets, region by region."""
    eta, neutral, photons = abs(jet["eta"]), jet["neHEF"], jet["neEmEF"]
    if eta <= 2.6:
        particles = jet["chMultiplicity"] + jet["neMultiplicity"]
        return bool(
            neutral < 0.99 and photons < 0.9 and particles > 1 and jet["chHEF"] > 0.01 and jet["chMultiplicity"] > 0
        )
    if eta <= 2.7:
        return bool(neutral < 0.9 and photons < 0.99)
    if eta <= 3.0:
        return bool(neutral < 0.99)
    return bool(jet["neMultiplicity"] >= 2 and photons < 0.4)


def tight_v12(jet: dict[str, Any]) -> bool:
    """JetMET's mending of the stored bit."""
    stored, eta = bool(jet["jetId"] & 2), abs(jet["eta"])
    if eta > 3.0:
        return stored and bool(jet["neEmEF"] < 0.4)
    return stored and (eta <= 2.7 or bool(jet["neHEF"] < 0.99))


def with_lepton_veto(jet: dict[str, Any], tight: bool) -> int:
    if not tight:
        return 0
    return 6 if abs(jet["eta"]) > 2.7 or (jet["muEF"] < 0.8 and jet["chEmEF"] < 0.8) else 2


def jets_loop(name: str, collection: str = "Jet") -> list[list[dict[str, Any]]]:
    if FILES[name] == 15:
        return nano_loop(name, collection, "eta", *FRACTIONS, *MULTIPLICITIES)
    composition = FRACTIONS if FILES[name] == 12 and collection == "Jet" else ()
    return nano_loop(name, collection, "eta", "jetId", *composition)


def expected_id(jet: dict[str, Any], version: int, fat: bool) -> int:
    if version == 9:
        return int(jet["jetId"])
    if version == 15:
        return with_lepton_veto(jet, tight_v15(jet))
    if fat:
        return int(jet["jetId"] & 2 if abs(jet["eta"]) <= 2.7 else 0)
    return with_lepton_veto(jet, tight_v12(jet))


@pytest.mark.parametrize(("name", "version"), FILES.items())
def test_version_of_real_files(name: str, version: int) -> None:
    events = nano_events(name)
    assert nano_version(events) == version
    assert has_pileup_id(events) == ("puId" in events.Jet.fields)


@pytest.mark.parametrize("collection", ["Jet", "FatJet"])
@pytest.mark.parametrize(("name", "version"), FILES.items())
def test_jet_id_of_real_files_against_a_loop(name: str, version: int, collection: str) -> None:
    expected = [
        [expected_id(jet, version, collection == "FatJet") for jet in event] for event in jets_loop(name, collection)
    ]
    assert jet_id(nano_events(name), collection).to_list() == expected
    if collection == "Jet" and version > 9:
        assert {0, 6} <= {value for event in expected for value in event}


def test_mending_changes_the_stored_id() -> None:
    events = nano_events("nano_tt_v12.root")
    assert ak.any(jet_id(events) != events.Jet.jetId)


# values at either side of every requirement, in every region of eta
EDGES: dict[str, tuple[float, ...]] = {
    "eta": (0.0, -2.5, 2.65, -2.65, 2.8, 3.0, -3.1),
    "neHEF": (0.5, 0.95, 0.9901),
    "neEmEF": (0.1, 0.5, 0.95, 0.995),
    "chHEF": (0.005, 0.3),
    "muEF": (0.1, 0.85),
    "chEmEF": (0.1, 0.85),
    "chMultiplicity": (0, 1, 255),
    "neMultiplicity": (0, 1, 2),
    "jetId": (0, 2, 6),
}


def grid(*fields: str) -> tuple[list[dict[str, Any]], ak.Array]:
    """Jets with all combinations of the values of some fields, the others at their first value."""
    values = np.meshgrid(*(EDGES[field] for field in fields), indexing="ij")
    columns = {field: value.ravel() for field, value in zip(fields, values, strict=True)}
    n = values[0].size
    for field in EDGES:
        columns.setdefault(field, np.full(n, EDGES[field][0]))
    for field, values_of in columns.items():
        whole = np.uint8 if field in (*MULTIPLICITIES, "jetId") else np.float32
        columns[field] = values_of.astype(whole)
    jets = [dict(zip(columns, row, strict=True)) for row in zip(*(c.tolist() for c in columns.values()), strict=True)]
    return jets, ak.unflatten(ak.zip(columns), [n])


def test_recipes_at_the_edges() -> None:
    for fields in (("eta", "neHEF", "neEmEF", "chHEF", *MULTIPLICITIES), ("eta", "muEF", "chEmEF", "chMultiplicity")):
        loop, jets = grid(*fields)
        found = jet_id(ak.zip({"Jet": jets}, depth_limit=1)).to_list()[0]
        assert found == [with_lepton_veto(jet, tight_v15(jet)) for jet in loop]
    loop, jets = grid("eta", "jetId", "neHEF", "neEmEF", "muEF", "chEmEF")
    without = jets[[field for field in jets.fields if field not in MULTIPLICITIES]]
    found = jet_id(ak.zip({"Jet": without, "Rho": [{}]}, depth_limit=1)).to_list()[0]
    assert found == [with_lepton_veto(jet, tight_v12(jet)) for jet in loop]


@pytest.mark.parametrize(("name", "version"), FILES.items())
def test_event_quantities_of_real_files(name: str, version: int) -> None:
    events = nano_events(name)
    assert met(events).pt.to_list() == events["PFMET" if version == 15 else "MET"].pt.to_list()
    assert met(events, "Puppi").phi.to_list() == events.PuppiMET.phi.to_list()
    density = events.Rho.fixedGridRhoFastjetAll if version > 9 else events.fixedGridRhoFastjetAll
    assert rho(events).to_list() == density.to_list()


def test_a_workflow_may_define_met() -> None:
    events = nano_events("nano_tt_v15.root")
    events = ak.with_field(events, events.PuppiMET, "MET")
    assert met(events).pt.to_list() == events.PuppiMET.pt.to_list()


@pytest.mark.parametrize("name", FILES)
def test_electrons_of_real_files(name: str) -> None:
    electrons = nano_events(name).Electron
    loop = nano_loop(name, "Electron", "eta", "deltaEtaSC")
    expected = [electron["eta"] + electron["deltaEtaSC"] for event in loop for electron in event]
    assert ak.flatten(supercluster_eta(electrons)).to_list() == pytest.approx(expected, rel=1e-3)
    stored = "mvaFall17V2Iso_WP80" if FILES[name] == 9 else "mvaIso_WP80"
    values = [[electron[stored] for electron in event] for event in nano_loop(name, "Electron", stored)]
    for asked in ("mvaFall17V2Iso_WP80", "mvaIso_WP80"):
        assert lepton_id(electrons, asked, "Electron").to_list() == values
    noiso = lepton_id(electrons, "mvaFall17V2noIso_WP90", "Electron")
    assert noiso.to_list() == lepton_id(electrons, "mvaNoIso_WP90", "Electron").to_list()
    with pytest.raises(MissingBranchError, match=r"branch 'Electron_mvaIso_WP85' does not exist"):
        lepton_id(electrons, "mvaIso_WP85", "Electron")


def test_errors() -> None:
    events = ak.zip({"PV": [{"npvs": 1}]}, depth_limit=1)
    with pytest.raises(UnknownNameError, match=r"algorithm of missing momentum 'PUPPI' in met, did you mean 'Puppi'"):
        met(events, "PUPPI")
    with pytest.raises(MissingBranchError, match=r"no PF missing momentum \(MET or PFMET\)"):
        met(events)
    with pytest.raises(MissingBranchError, match=r"no energy density"):
        rho(events)
    with pytest.raises(UnknownNameError, match=r"collection 'Jet' in the events"):
        jet_id(events)
    with pytest.raises(MissingBranchError, match=r"'FatJet_jetId' does not exist"):
        jet_id(ak.zip({"FatJet": [[{"eta": 0.0}]]}, depth_limit=1), "FatJet")
