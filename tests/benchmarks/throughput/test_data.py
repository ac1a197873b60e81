from __future__ import annotations

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from benchmarks.throughput import data as module
from benchmarks.throughput.contents import MULTIPLICITIES, TRIGGERS, further_contents
from benchmarks.throughput.data import Sample, make_sample, sample_fileset
from benchmarks.throughput.drivers.branches import BRANCHES
from benchmarks.throughput.flows import FLOWS
from pocket.toys.event_content import empty_collections

pytestmark = pytest.mark.slow


def test_files_are_like_nanoaod(top_pairs: Sample) -> None:
    (path,) = top_pairs.files
    with uproot.open(path) as file:
        tree = file["Events"]
        assert 200 <= len(tree.keys()) <= 300
        assert tree.num_entries == 2000
        assert not any(len(tree[f"{name}_pt"].array(library="ak")) == 0 for name in MULTIPLICITIES)
        for names in BRANCHES.values():
            assert set(names) <= set(tree.keys())


def test_compressions_hold_the_same(tmp_path: Path) -> None:
    zstd, lzma = (make_sample(tmp_path, "dy", 200, compression) for compression in ("zstd", "lzma"))
    with uproot.open(zstd.files[0]) as first, uproot.open(lzma.files[0]) as second:
        assert first.file.compression == uproot.ZSTD(5)
        assert second.file.compression == uproot.LZMA(4)
        assert first.file.uuid != second.file.uuid
        for name in ("Muon_pt", "Tau_pt", "genWeight"):
            assert ak.array_equal(first["Events"][name].array(), second["Events"][name].array())


def test_files_are_kept_until_what_they_hold_changes(tmp_path: Path) -> None:
    (path,) = make_sample(tmp_path, "dy", 50).files
    written = path.stat().st_mtime_ns
    assert make_sample(tmp_path, "dy", 50).files == (path,)
    assert path.stat().st_mtime_ns == written
    # an interrupted run leaves no stamp
    (path.parent / "made.json").unlink()
    make_sample(tmp_path, "dy", 50)
    assert path.stat().st_mtime_ns != written


def test_events_are_divided_into_files_and_baskets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVENTS_PER_FILE", 30)
    sample = make_sample(tmp_path, "wjets", 70)
    entries = []
    for path in sample.files:
        with uproot.open(path) as file:
            entries.append(file["Events"].num_entries)
    assert entries == [30, 30, 10]


def test_wide_and_small_files_hold_the_same(tmp_path: Path) -> None:
    usual, wide = make_sample(tmp_path, "dy", 70), make_sample(tmp_path, "dy", 70, branches=400)
    small = make_sample(tmp_path, "dy", 70, events_per_file=30)
    expected = uproot.concatenate([f"{path}:Events" for path in usual.files], ["Muon_pt", "run", "genWeight"])
    for sample in (wide, small):
        found = uproot.concatenate([f"{path}:Events" for path in sample.files], ["Muon_pt", "run", "genWeight"])
        assert ak.array_equal(found, expected)
    with uproot.open(wide.files[0]) as file:
        assert len(file["Events"].keys()) == 400
    entries = []
    for path in small.files:
        with uproot.open(path) as file:
            entries.append(file["Events"].num_entries)
    assert entries == [30, 30, 10]


def test_fileset_has_the_one_dataset_of_a_flow(top_pairs: Sample) -> None:
    fileset = sample_fileset(FLOWS["ttbar_large"].configuration(), top_pairs)
    assert list(fileset) == ["TTToSemiLeptonic_toys"]
    assert fileset["TTToSemiLeptonic_toys"]["metadata"]["nevents"] == 2000
    assert fileset["TTToSemiLeptonic_toys"]["metadata"]["xsec"] > 0


def test_contents_have_the_types_and_numbers_asked_for() -> None:
    size = 4000
    empty = empty_collections(size, is_data=False)
    events = {"event": np.arange(size), **empty}
    found = further_contents(np.random.default_rng(1), events)
    assert found.keys() == {*empty, *TRIGGERS}
    for name, mean in MULTIPLICITIES.items():
        assert ak.type(found[name]).content == ak.type(empty[name]).content
        # five standard deviations of a Poisson mean
        assert abs(ak.num(found[name]["pt"]).to_numpy().mean() - mean) < 5 * np.sqrt(mean / size)
    assert set(ak.flatten(found["Tau"].charge).to_list()) == {-1, 1}
    assert ak.all(found["FatJet"].subJetIdx1 == -1)
