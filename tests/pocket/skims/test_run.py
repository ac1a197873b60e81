from __future__ import annotations

import dataclasses
import itertools
import math
import shutil
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from pocket.cuts.cut import Cut
from pocket.datasets.build import inspect_file
from pocket.engine.resources import Resources
from pocket.errors import BadFileError, ConfigError
from pocket.plan.skim import SkimPlan
from pocket.skims.record import SkimRecord
from pocket.skims.run import skim_branch
from tests.pocket.configs import DATA, TT, configure, metadata
from tests.pocket.engine.root_files import branches, damage, write_nano


def above(events: Any, params: Any, **kwargs: Any) -> Any:
    return events.x > params["x"]


def skim(
    folder: Path, paths: list[Path], x: float = 1.0, dataset: str = TT, **options: Any
) -> tuple[SkimRecord, dict[str, ak.Array]]:
    """Skim files, and return the record and the content of each file written."""
    config = configure(skim=[Cut("above", {"x": x}, above)])
    (branch,) = branches(dataset, paths)
    if replicas := options.pop("replicas", ()):
        (segment,) = branch.segments
        branch = dataclasses.replace(branch, segments=(dataclasses.replace(segment, replicas=tuple(replicas)),))
    meta = {**metadata(config, dataset), **options.pop("metadata", {})}
    folder.mkdir()
    request = SkimPlan(keep=options.pop("keep", ()))
    options = {"identity": "id", "chunk_size": 1000} | options
    record = skim_branch(config.plan(), request, branch, meta, Resources(), folder, **options)
    assert {path.name for path in folder.iterdir()} == set(record.files)
    for name, info in record.files.items():
        found = inspect_file(folder / name)[0]
        assert {key: found[key] for key in info} == info  # type: ignore[literal-required]
    assert record.size == sum(path.stat().st_size for path in folder.iterdir())
    return record, {name: uproot.open(folder / name)["Events"].arrays() for name in record.files}


@pytest.fixture
def files(tmp_path: Path) -> dict[Path, dict[str, Any]]:
    """Three files, of whose second none survives a cut at 1."""
    columns = {}
    for seed, name in enumerate("abc"):
        path = tmp_path / f"{name}.root"
        columns[path] = write_nano(path, 60 + seed, seed)
    path = tmp_path / "b.root"
    with uproot.recreate(path) as file:
        columns[path] = {"genWeight": np.array([2.0, -0.5], dtype=np.float32), "x": np.array([0.1, 0.2])}
        file.mktree("Events", {name: values.dtype for name, values in columns[path].items()})
        file["Events"].extend(columns[path])
    return columns


@pytest.mark.parametrize("chunk_size", [1000, 60, 7, 1])
def test_survivors_and_sums(tmp_path: Path, files: dict[Path, dict[str, Any]], chunk_size: int) -> None:
    done: list[int] = []
    record, written = skim(tmp_path / "skim", list(files), chunk_size=chunk_size, progress=done.append)
    weights = [float(weight) for columns in files.values() for weight in columns["genWeight"]]
    assert record.nevents == sum(done) == len(weights)
    assert record.sum_genweights == pytest.approx(math.fsum(weights), rel=1e-12)
    assert record.sum_signs == sum(math.copysign(1, weight) for weight in weights)
    # of the second file nothing survives, but its weights count
    (events,) = written.values()
    first, _, last = files.values()
    kept = {
        name: [value for columns in (first, last) for value in columns[name][columns["x"] > 1].tolist()]
        for name in ("genWeight", "x", "Muon")
    }
    for name in ("genWeight", "x"):
        assert events[name].to_list() == kept[name]
    assert events.Muon_pt.to_list() == [[muon["pt"] for muon in muons] for muons in kept["Muon"]]
    rescale = math.fsum(weights) / math.fsum(kept["genWeight"])
    assert events.skimRescaleGenWeight.to_numpy() == pytest.approx(rescale, rel=1e-12)


def test_files_with_other_branches(tmp_path: Path) -> None:
    """Files in a row that have the same branches become one."""
    columns = {}
    for seed, name in enumerate("abcd"):
        path = tmp_path / f"{name}.root"
        columns[path] = write_nano(path, 50, seed, without=("charge",) if name == "c" else ())
    record, written = skim(tmp_path / "skim", list(columns))
    assert list(written) == ["events_0000.root", "events_0001.root", "events_0002.root"]
    assert len({info["uuid"] for info in record.files.values()}) == 3
    assert ["Muon_charge" in events.fields for events in written.values()] == [True, False, True]
    x = [[float(value) for value in one["x"] if value > 1] for one in columns.values()]
    assert [events.x.to_list() for events in written.values()] == [x[0] + x[1], x[2], x[3]]
    # no branch is kept in which they differ
    _, alike = skim(tmp_path / "alike", list(columns), keep=["x"])
    assert [events.x.to_list() for events in alike.values()] == [list(itertools.chain(*x))]


def test_simulation_without_generator_weights(tmp_path: Path) -> None:
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        file.mktree("Events", {"x": "float64"})
        file["Events"].extend({"x": np.array([0.5, 1.5, 2.5])})
    record, written = skim(tmp_path / "skim", [path])
    assert (record.nevents, record.sum_genweights, record.sum_signs) == (3, 0, 0)
    assert written["events_0000.root"].x.to_list() == [1.5, 2.5]


def test_data_have_no_weights(tmp_path: Path, files: dict[Path, dict[str, Any]]) -> None:
    path = next(iter(files))
    record, written = skim(tmp_path / "skim", [path], dataset=DATA)
    assert (record.nevents, record.sum_genweights, record.sum_signs) == (60, 0, 0)
    assert "skimRescaleGenWeight" not in written["events_0000.root"].fields


def test_skim_of_a_skim(tmp_path: Path, files: dict[Path, dict[str, Any]]) -> None:
    path = next(iter(files))
    once, _ = skim(tmp_path / "once", [path], 0.5)
    again, written = skim(tmp_path / "again", [tmp_path / "once" / "events_0000.root"], metadata={"isSkim": True})
    events = written["events_0000.root"]
    # the weights stand for those of the first files still
    assert again.sum_genweights == pytest.approx(once.sum_genweights, rel=1e-12)
    total = float(ak.sum(ak.values_astype(events.genWeight, np.float64) * events.skimRescaleGenWeight))
    assert total == pytest.approx(once.sum_genweights, rel=1e-12)


def test_survivors_without_weight(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mktree("Events", {"genWeight": "float32", "x": "float32"})
        file["Events"].extend({"genWeight": [1.0, 1.0, -1.0], "x": [0.0, 2.0, 2.0]})
    record, written = skim(tmp_path / "skim", [tmp_path / "a.root"])
    assert record.sum_genweights == 1
    assert written["events_0000.root"].skimRescaleGenWeight.to_list() == [0, 0]


def test_identity_of_files(tmp_path: Path, files: dict[Path, dict[str, Any]]) -> None:
    def uuids(folder: str, **options: Any) -> set[str]:
        record, _ = skim(tmp_path / folder, list(files), **options)
        return {info["uuid"] for info in record.files.values()}

    first = uuids("first")
    assert len(first) == 1
    assert uuids("again", chunk_size=11) == first
    assert not uuids("other", identity="other") & first
    without, _ = skim(tmp_path / "without", list(files)[1:])
    assert not {info["uuid"] for info in without.files.values()} & first


# read by the selection, or only once all events are selected; the last file is found out when others were copied
@pytest.mark.parametrize("branch", ["genWeight", "Muon_phi"])
@pytest.mark.parametrize("bad", ["a", "c"])
def test_bad_file(tmp_path: Path, files: dict[Path, dict[str, Any]], branch: str, bad: str) -> None:
    broken, good = (tmp_path / f"{name}.root" for name in (bad, "c" if bad == "a" else "a"))
    damage(broken, branch)
    with pytest.raises(BadFileError, match=rf"{bad}\.root can't be read"):
        skim(tmp_path / "first", list(files))
    assert not list((tmp_path / "first").iterdir())
    done: list[int] = []
    record, written = skim(tmp_path / "second", list(files), skip_bad_files=True, progress=done.append)
    assert list(record.skipped) == [str(broken)]
    x = files[good]["x"]
    assert written["events_0000.root"].x.to_list() == x[x > 1].tolist()
    assert record.nevents == sum(done) == 2 + len(x)
    assert record.sum_genweights == pytest.approx(1.5 + files[good]["genWeight"].sum(dtype=np.float64), rel=1e-12)
    # its UUID is that of a skim without the bad file
    expected, _ = skim(tmp_path / "expected", [path for path in files if path != broken])
    assert record.files == expected.files
    sums = {"isSkim": True, "sum_genweights": 3.0}
    with pytest.raises(BadFileError, match="it is a skim that its metadata normalise, so none of its files can be"):
        skim(tmp_path / "third", list(files), skip_bad_files=True, metadata=sums)


def test_no_file_can_be_read(tmp_path: Path, files: dict[Path, dict[str, Any]]) -> None:
    path = next(iter(files))
    damage(path, "Muon_phi")
    record, written = skim(tmp_path / "skim", [path], skip_bad_files=True)
    assert (list(record.skipped), written, record.nevents, record.sum_genweights) == ([str(path)], {}, 0, 0)


def test_another_replica_is_skimmed(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.root", tmp_path / "bad.root"
    write_nano(good)
    shutil.copy(good, bad)
    # not read by the selection, so that the failure is that of a copy that has begun
    damage(bad, "Muon_pt")
    expected, content = skim(tmp_path / "expected", [good])
    done: list[int] = []
    record, again = skim(tmp_path / "skim", [bad], replicas=[str(good)], chunk_size=20, progress=done.append)
    assert (record.nevents, sum(done)) == (100, 100)
    assert "truncated or corrupt" in record.failures.pop(str(bad))
    for each in (record, expected):
        # the UUID is that of what the fileset says of the preferred place
        each.files["events_0000.root"]["uuid"] = ""
    assert record == expected
    assert {name: events.to_list() for name, events in again.items()} == {
        name: events.to_list() for name, events in content.items()
    }


def test_chunk_size_must_be_positive(tmp_path: Path, files: dict[Path, dict[str, Any]]) -> None:
    with pytest.raises(ConfigError, match="the chunk size must be positive, not 0"):
        skim(tmp_path / "skim", list(files), chunk_size=0)
