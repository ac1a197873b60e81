from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from pocket.datasets.build import inspect_file
from pocket.engine.reading import open_file
from pocket.errors import ConfigError
from pocket.io.nanoaod.events import NanoTree
from pocket.plan.skim import SkimPlan
from pocket.skims import writing
from pocket.skims.writing import EventWriter
from tests.pocket.engine.root_files import segment, write_nano
from tests.real_files import real_file

SOME = np.array([0, 3, 4, 7, 11, 30, 39])


def copy(source: Path, target: Path, entries: Any = SOME, skim: SkimPlan | None = None, **constants: float) -> None:
    """Copy events into one file, which has the name ``target`` then."""
    entries, folder = np.asarray(entries), target.with_suffix("")
    folder.mkdir(exist_ok=True)
    with EventWriter(folder, skim or SkimPlan(), "id", constants, len(entries)) as writer:
        assert writer.copy(segment(source), entries) == {}
    ((name, info),) = writer.files.items()
    found = inspect_file(folder / name)[0]
    assert {key: found[key] for key in info} == info  # type: ignore[literal-required]
    assert info["num_entries"] == len(entries)
    (folder / name).rename(target)


def content(path: Path, skim: SkimPlan | None = None) -> dict[str, tuple[str, str | None, ak.Array]]:
    """Return branch → type, name of its counter, values; for those that a skim keeps."""
    with uproot.open(path) as file:
        branches = [branch for branch in file["Events"].branches if skim is None or skim.keeps(branch.name)]
        # a branch without others below it counts as false
        counters = [None if branch.count_branch is None else branch.count_branch.name for branch in branches]
        return {
            branch.name: (branch.typename, counter, branch.array())
            for branch, counter in zip(branches, counters, strict=True)
        }


# one file with a counter for each branch, one with a counter for each collection; fewer branches are copied faster
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "keep"), [("nano_tt_v12.root", ["*"]), ("nano_dy.root", ["Muon*", "nMuon", "Jet*", "LHE*"])]
)
def test_real_events_are_copied_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, keep: list[str]
) -> None:
    monkeypatch.setattr(writing, "BASKET_ENTRIES", 4)
    skim = SkimPlan(keep=keep)
    copy(real_file(name), tmp_path / name, skim=skim, skimRescaleGenWeight=2.5)
    original, copied = content(real_file(name), skim), content(tmp_path / name)
    assert len(original) > 90
    counters = {counter for _, counter, _ in original.values() if counter}
    assert set(copied) == {*original, *counters, "skimRescaleGenWeight"}
    for branch, (kind, counter, values) in original.items():
        assert copied[branch][:2] == (kind, counter), branch
        assert ak.array_equal(copied[branch][2], values[SOME], equal_nan=True), branch
    assert copied["skimRescaleGenWeight"][0] == "double"
    assert copied["skimRescaleGenWeight"][2].to_list() == [2.5] * len(SOME)


def test_copy_is_nanoaod(tmp_path: Path) -> None:
    source = real_file("nano_dy.root")
    skim = SkimPlan(keep=["Muon_*", "GenPart_*", "HLT_IsoMu24"])
    copy(source, tmp_path / "skim.root", skim=skim)
    with contextlib.ExitStack() as stack:
        original, copied = (
            NanoTree(stack.enter_context(open_file(part)), part.object_path, {}).events(part.start, part.stop)
            for part in map(segment, (source, tmp_path / "skim.root"))
        )
        assert ak.array_equal(copied.Muon.matched_gen.pt, original[SOME].Muon.matched_gen.pt, check_parameters=False)
        parents = original[SOME].GenPart.distinctParent.pdgId
        assert ak.array_equal(copied.GenPart.distinctParent.pdgId, parents, check_parameters=False)
        assert ak.any(original.Muon.genPartIdx >= 0)
        read = {"run", "luminosityBlock", "event", "genWeight", "HLT", "Muon", "GenPart"}
        assert set(copied.fields) <= read


def test_constants_replace_branches(tmp_path: Path) -> None:
    write_nano(tmp_path / "a.root", 10)
    copy(tmp_path / "a.root", tmp_path / "b.root", [1, 2], skimRescaleGenWeight=2.0)
    copy(tmp_path / "b.root", tmp_path / "c.root", [1], skimRescaleGenWeight=3.0)
    assert content(tmp_path / "c.root")["skimRescaleGenWeight"][2].to_list() == [3.0]


@pytest.mark.parametrize("basket_entries", [1, 3, 4, 100])
def test_events_of_several_files_share_baskets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, basket_entries: int
) -> None:
    monkeypatch.setattr(writing, "BASKET_ENTRIES", basket_entries)
    columns = {tmp_path / f"{seed}.root": write_nano(tmp_path / f"{seed}.root", 20, seed) for seed in range(4)}
    chosen = ([1, 2, 5, 8, 13], [], [0], [3, 19])
    with EventWriter(tmp_path, SkimPlan(), "id", {"one": 1.0}, 8) as writer:
        for path, entries in zip(columns, chosen, strict=True):
            writer.copy(segment(path), np.asarray(entries, dtype=np.int64))
    assert list(writer.files) == ["events_0000.root"]
    with uproot.open(tmp_path / "events_0000.root") as file:
        edges = [*range(0, 8, basket_entries), 8]
        assert {tuple(branch.entry_offsets) for branch in file["Events"].branches} == {tuple(edges)}
    copied = content(tmp_path / "events_0000.root")
    pairs = list(zip(columns.values(), chosen, strict=True))
    for name in ("x", "genWeight"):
        assert copied[name][2].to_list() == [own[name][entry] for own, some in pairs for entry in some]
    assert copied["Muon_pt"][2].to_list() == [own["Muon"].pt[entry].to_list() for own, some in pairs for entry in some]


@pytest.mark.parametrize(
    ("compression", "begin"),
    [
        ("LZ4", b"L4\1"),
        *(pytest.param(*each, marks=pytest.mark.slow) for each in (("ZSTD", b"ZS\1"), ("LZMA", b"XZ\0"))),
    ],
)
def test_compression(tmp_path: Path, compression: str, begin: bytes) -> None:
    source = real_file("nano_dy.root")
    skim = SkimPlan(keep=["Muon_*", "Jet_*"], compression=compression)
    copy(source, tmp_path / "skim.root", np.arange(40), skim)
    original, copied = content(source, skim), content(tmp_path / "skim.root")
    assert all(ak.array_equal(copied[name][2], original[name][2][:40], equal_nan=True) for name in original)
    with uproot.open(tmp_path / "skim.root") as file:
        branch = file["Events"]["Jet_jetId"]
        place, size = (int(branch.member(name)[0]) for name in ("fBasketSeek", "fBasketBytes"))
        assert begin in bytes(file.file.source.chunk(place, place + size).raw_data)
        assert branch.compressed_bytes < branch.uncompressed_bytes


def test_what_hardly_gets_smaller_is_left_as_it_is() -> None:
    noise = np.random.default_rng(1).bytes(5000)
    compress = writing._COMPRESSIONS["LZ4"].compress
    # packed to less than two thirds, and to three quarters
    assert len(compress(noise[:3200] + bytes(1800))) < 3350
    assert compress(noise[:3750] + bytes(1250)) == noise[:3750] + bytes(1250)


def test_a_counter_may_stay_alone(tmp_path: Path) -> None:
    columns = write_nano(tmp_path / "a.root", 10)
    copy(tmp_path / "a.root", tmp_path / "b.root", [2, 5], SkimPlan(keep=["nMuon"]))
    copied = content(tmp_path / "b.root")
    assert set(copied) == {"genWeight", "nMuon"}
    assert copied["nMuon"][2].to_list() == [len(columns["Muon"][entry]) for entry in (2, 5)]


@pytest.mark.parametrize("option", ["keep", "drop"])
def test_a_collection_is_no_pattern_of_its_branches(tmp_path: Path, option: str) -> None:
    write_nano(tmp_path / "a.root", 10)
    for pattern, refused in (("Muon", True), ("Muon_*", False), ("Jet", False), ("nMuon", False)):
        skim = SkimPlan(**{option: [pattern]})  # type: ignore[arg-type]
        if refused:
            with pytest.raises(ConfigError, match=r"pattern 'Muon' matches no branch of .*a\.root, write 'Muon_\*'"):
                copy(tmp_path / "a.root", tmp_path / "b.root", [1], skim)
        else:
            copy(tmp_path / "a.root", tmp_path / f"{pattern[:4]}{len(pattern)}.root", [1], skim)


def test_events_without_any_object(tmp_path: Path) -> None:
    columns = write_nano(tmp_path / "a.root", 30)
    (empty,) = np.nonzero(ak.num(columns["Muon"]) == 0)
    copy(tmp_path / "a.root", tmp_path / "b.root", empty)
    copied = content(tmp_path / "b.root")
    assert copied["Muon_pt"][2].to_list() == [[]] * len(empty)
    assert copied["Muon_pt"][0] == "float[]"


def test_what_cannot_be_copied(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mktree("Events", {"x": "int64", "name": "string"})
        file["Events"].extend({"x": np.arange(3), "name": ak.Array(["a", "b", "c"])})
    with pytest.raises(ConfigError, match=r"branch 'name' of .*a\.root .*leave it out by drop=\['name'\]"):
        copy(tmp_path / "a.root", tmp_path / "b.root", [1])
    copy(tmp_path / "a.root", tmp_path / "b.root", [1], SkimPlan(drop=["name"]))
    assert content(tmp_path / "b.root")["x"][2].to_list() == [1]
