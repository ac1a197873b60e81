from __future__ import annotations

import dataclasses
import math
import shutil
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from pocket.cut import Cut
from pocket.datasets.fileset import inspect_file
from pocket.engine.resources import Resources
from pocket.errors import BadFileError, ConfigError
from pocket.skims import Skim
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
    options = {"identity": "id", "chunk_size": 1000} | options
    record = skim_branch(config, Skim(config="main"), branch, meta, Resources(), folder, **options)
    assert {path.name for path in folder.iterdir()} == set(record.files)
    for name, info in record.files.items():
        assert inspect_file(folder / name)[0] == info
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
    assert list(written) == ["events_0000.root", "events_0002.root"]
    first, _, last = files.values()
    for columns, events in zip((first, last), written.values(), strict=True):
        kept = columns["x"] > 1
        for name in ("genWeight", "x"):
            assert events[name].to_numpy().tolist() == columns[name][kept].tolist()
        assert events.Muon_pt.to_list() == columns["Muon"].pt[kept].to_list()
        rescale = columns["genWeight"].sum(dtype=np.float64) / columns["genWeight"][kept].sum(dtype=np.float64)
        assert events.skimRescaleGenWeight.to_numpy() == pytest.approx(rescale, rel=1e-12)


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
    assert len(first) == 2
    assert uuids("again", chunk_size=11) == first
    assert not uuids("other", identity="other") & first


def test_bad_file(tmp_path: Path, files: dict[Path, dict[str, Any]]) -> None:
    a, b, c = files
    # read only once the events are selected, when the file of the survivors is written already
    damage(a, "Muon_phi")
    with pytest.raises(BadFileError, match=r"a\.root can't be read"):
        skim(tmp_path / "first", [a, b, c])
    record, written = skim(tmp_path / "second", [a, b, c], skip_bad_files=True)
    assert list(record.skipped) == [str(a)]
    assert list(written) == ["events_0002.root"]
    assert record.nevents == 2 + len(files[c]["x"])
    assert record.sum_genweights == pytest.approx(1.5 + files[c]["genWeight"].sum(dtype=np.float64), rel=1e-12)
    sums = {"isSkim": True, "sum_genweights": 3.0}
    with pytest.raises(BadFileError, match="it is a skim that its metadata normalise, so none of its files can be"):
        skim(tmp_path / "third", [a, b, c], skip_bad_files=True, metadata=sums)


def test_another_replica_is_skimmed_from_the_begin(tmp_path: Path) -> None:
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
    assert record == expected
    assert {name: events.to_list() for name, events in again.items()} == {
        name: events.to_list() for name, events in content.items()
    }


def test_chunk_size_must_be_positive(tmp_path: Path, files: dict[Path, dict[str, Any]]) -> None:
    with pytest.raises(ConfigError, match="the chunk size must be positive, not 0"):
        skim(tmp_path / "skim", list(files), chunk_size=0)
