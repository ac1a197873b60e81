from __future__ import annotations

import time

import numpy as np
import pytest
import uproot
from coffea.nanoevents import NanoAODSchema, NanoEventsFactory

from pocket.toys import nanoaod
from pocket.toys.config import PROCESSES
from pocket.toys.generator import generate
from pocket.toys.plan import file_uuid
from tests.pocket.toys.conftest import N_EVENTS

TYPES = {
    "run": "uint32_t",
    "luminosityBlock": "uint32_t",
    "event": "uint64_t",
    "nMuon": "uint32_t",
    "nGenPart": "uint32_t",
    "nPSWeight": "uint32_t",
    "Muon_pt": "float[]",
    "Muon_charge": "int32_t[]",
    "Muon_tightId": "bool[]",
    "Muon_genPartFlav": "uint8_t[]",
    "Electron_lostHits": "uint8_t[]",
    "Jet_btagDeepFlavB": "float[]",
    "Jet_nConstituents": "uint8_t[]",
    "Jet_hadronFlavour": "int32_t[]",
    "TrigObj_filterBits": "int32_t[]",
    "GenPart_statusFlags": "int32_t[]",
    "HLT_IsoMu24": "bool",
    "Flag_goodVertices": "bool",
    "PV_npvs": "int32_t",
    "Pileup_nTrueInt": "float",
    "Pileup_nPU": "int32_t",
    "genWeight": "float",
    "LHEScaleWeight": "float[]",
    "fixedGridRhoFastjetAll": "float",
}


@pytest.fixture(scope="module")
def files(toys, config, tmp_path_factory):
    folder = tmp_path_factory.mktemp("toys")
    for process in PROCESSES:
        path = folder / f"{process}.root"
        nanoaod.write_nanoaod(path, toys[process], file_uuid=file_uuid(process, 0, config))
    return folder


def _events(path):
    return NanoEventsFactory.from_root({str(path): "Events"}, schemaclass=NanoAODSchema).events()


@pytest.mark.slow
def test_types(files):
    with uproot.open(files / "dy.root") as file:
        assert {name: file["Events"][name].typename for name in TYPES} == TYPES
        assert 150 < len(file["Events"].branches) < 210


@pytest.mark.parametrize("process", PROCESSES)
def test_every_branch_comes_back(files, toys, process):
    with uproot.open(files / f"{process}.root") as file:
        tree = file["Events"]
        assert tree.num_entries == N_EVENTS[process]
        arrays = tree.arrays(entry_stop=1000)
    for name, values in toys[process].items():
        columns = {f"{name}_{field}": values[field] for field in getattr(values, "fields", [])} or {name: values}
        for branch, expected in columns.items():
            assert arrays[branch].to_list() == expected[:1000].tolist()


@pytest.mark.slow
@pytest.mark.parametrize("process", PROCESSES)
def test_coffea_reads_without_warnings(files, process):
    events = _events(files / f"{process}.root")
    assert len(events.Muon.pt) == N_EVENTS[process]
    assert events.HLT.IsoMu24.ndim == events.Flag.goodVertices.ndim == 1
    pair = events.Muon[(events.Muon.pt > 25) & events.Muon.tightId]
    pair = pair[np.asarray([len(muons) for muons in pair.pt]) == 2]
    assert np.all((pair[:, 0] + pair[:, 1]).mass > 0)
    vertices = events.SV
    assert np.array_equal(np.asarray(vertices.p4.mass[0]), np.asarray(vertices.mass[0]))


def test_cross_references(files):
    events = _events(files / "ttsemi.root")
    muons, jets = events.Muon, events.Jet
    for i in range(60):
        for muon, gen in zip(muons[i], muons.matched_gen[i], strict=True):
            assert gen.pdgId == muon.pdgId
            assert abs(gen.pt / muon.pt - 1) < 0.2
        for jet, gen in zip(jets[i], jets.matched_gen[i], strict=True):
            assert (gen is None) == (jet.genJetIdx < 0)
            assert gen is None or gen.delta_r(jet) < 0.2
        for jet, inside in zip(jets[i], jets.matched_muons[i], strict=True):
            assert all(muon is None or muon.delta_r(jet) < 0.4 for muon in inside)
    assert set(np.unique(np.abs(events.GenPart[np.abs(events.GenPart.pdgId) == 24].parent.pdgId.to_numpy()))) == {6}


@pytest.mark.parametrize("process", ["dy", "ttsemi", "wjets"])
def test_runs_hold_the_sums_of_weights(files, process):
    with uproot.open(files / f"{process}.root") as file:
        weights = file["Events"]["genWeight"].array(library="np").astype(np.float64)
        runs = file["Runs"].arrays(library="np")
    assert runs["run"].tolist() == [1]
    assert runs["genEventCount"].tolist() == [N_EVENTS[process]]
    assert runs["genEventSumw"].tolist() == [weights.sum()]
    assert runs["genEventSumw2"].tolist() == [(weights**2).sum()]


def test_data_have_no_sums_of_weights(files):
    with uproot.open(files / "data.root") as file:
        assert file.keys(cycle=False) == ["Events"]


def test_uuid_is_the_given_one(files, toys, config, tmp_path):
    for folder in (files, tmp_path):
        path = folder / "wjets.root"
        nanoaod.write_nanoaod(path, toys["wjets"], file_uuid=file_uuid("wjets", 0, config))
        with uproot.open(path) as file:
            assert file.file.uuid == file_uuid("wjets", 0, config)


@pytest.mark.slow
def test_baskets_and_compression_are_those_asked_for(toys, config, tmp_path):
    uuid = file_uuid("wjets", 0, config)
    settings = {"compression": uproot.LZMA(1), "basket_entries": 4000}
    nanoaod.write_nanoaod(tmp_path / "wjets.root", toys["wjets"], file_uuid=uuid, **settings)
    with uproot.open(tmp_path / "wjets.root") as file:
        tree = file["Events"]
        assert tree["Muon_pt"].num_baskets == 3
        assert file.file.compression == uproot.LZMA(1)
        assert tree["Muon_pt"].array().to_list() == toys["wjets"]["Muon"].pt.to_list()
        assert tree["nMuon"].typename == "uint32_t"


def test_makes_20k_events_per_second_and_core(config, tmp_path) -> None:
    n_events = 30_000
    begin = time.process_time()
    events = generate("dy", n_events, config, part=0)
    nanoaod.write_nanoaod(tmp_path / "events.root", events, file_uuid=file_uuid("dy", 0, config))
    # processor time, so that other processes don't matter
    assert n_events / (time.process_time() - begin) > 20_000
