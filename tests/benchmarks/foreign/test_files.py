from __future__ import annotations

import uuid
from pathlib import Path

import awkward as ak
import numpy as np
import uproot

from benchmarks.foreign.files import broaden, repeat
from pocket.toys.nanoaod import write_nanoaod


def test_branches_are_added_for_as_many_events_and_objects(tmp_path: Path) -> None:
    muons = ak.zip({"pt": [[30.0, 20.0], [], [10.0]]})
    base = {"event": np.arange(3), "Muon": muons}
    donor = {
        "event": np.arange(2),
        "run": np.ones(2, dtype=np.uint32),
        "genWeight": np.ones(2),
        "PV_npvs": np.array([7, 9]),
        "Muon": ak.zip({"pt": [[1.0], [2.0]], "eta": [[0.5], [1.5]]}),
    }
    write_nanoaod(tmp_path / "base.root", base, file_uuid=uuid.uuid4())
    write_nanoaod(tmp_path / "donor.root", donor, file_uuid=uuid.uuid4())
    broaden(tmp_path / "base.root", [tmp_path / "donor.root"], tmp_path / "broad.root", 2)
    with uproot.open(tmp_path / "broad.root") as file:
        arrays = file["Events"].arrays()
    assert arrays["Muon_pt"].to_list() == [[30, 20], []]
    assert ak.num(arrays["Muon_eta"]).to_list() == [2, 0]
    assert set(ak.flatten(arrays["Muon_eta"]).to_list()) <= {0.5, 1.5}
    assert set(arrays["PV_npvs"].to_list()) <= {7, 9}
    # The events are data, so they get nothing that only simulation has.
    assert "genWeight" not in arrays.fields


def test_collections_that_indices_point_to_come_from_other_files(tmp_path: Path) -> None:
    base = {"event": np.arange(2), "FatJet": ak.zip({"pt": [[300.0], [200.0]], "subJetIdx1": [[0], [0]]})}
    other = {
        "event": np.arange(2),
        "FatJet": ak.zip({"tau1": [[0.1], [0.2]]}),
        "SubJet": ak.zip({"mass": [[5.0, 6.0], [7.0]]}),
        "Photon": ak.zip({"pt": [[9.0], [9.0]]}),
    }
    write_nanoaod(tmp_path / "base.root", base, file_uuid=uuid.uuid4())
    write_nanoaod(tmp_path / "other.root", other, file_uuid=uuid.uuid4())
    broaden(tmp_path / "base.root", [], tmp_path / "broad.root", 2, others=[tmp_path / "other.root"])
    with uproot.open(tmp_path / "broad.root") as file:
        arrays = file["Events"].arrays()
    assert set(map(tuple, arrays["SubJet_mass"].to_list())) <= {(5, 6), (7,)}
    assert not {"FatJet_tau1", "Photon_pt"} & set(arrays.fields)


def test_events_are_repeated(tmp_path: Path) -> None:
    muons = ak.zip({"pt": [[30.0, 20.0], [], [10.0]]})
    base = {"event": np.arange(3), "run": np.ones(3, dtype=np.uint32), "genWeight": np.ones(3), "Muon": muons}
    write_nanoaod(tmp_path / "base.root", base, file_uuid=uuid.uuid4())
    repeat(tmp_path / "base.root", tmp_path / "twice.root", 2)
    with uproot.open(tmp_path / "twice.root") as file:
        arrays = file["Events"].arrays()
        assert file["Runs/genEventCount"].array().to_list() == [6]
    assert arrays["event"].to_list() == [0, 1, 2, 0, 1, 2]
    assert arrays["Muon_pt"].to_list() == [[30, 20], [], [10]] * 2
