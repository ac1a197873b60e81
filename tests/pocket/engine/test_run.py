from __future__ import annotations

import dataclasses
import functools
import gc
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pocket.configuration.user_errors import explaining
from pocket.cuts.cut import Cut
from pocket.datasets.branches import Branch
from pocket.engine import run as engine_run
from pocket.engine.reading import nano_events
from pocket.engine.resources import Resources
from pocket.engine.run import BranchResult, run_branch
from pocket.errors import (
    BadFileError,
    ConfigError,
    DatasetError,
    HistogramError,
    MissingBranchError,
    OtherFileError,
    UnknownNameError,
)
from pocket.histograms.config import Axis, HistConf
from pocket.outputs.merging import merge_outputs
from tests.entries import check_each
from tests.pocket.configs import LUMI, TT, PlainWorkflow, configure, metadata, only
from tests.pocket.engine.root_files import branches, damage, write_nano

PT = HistConf([Axis(coll="Muon", field="pt", bins=6, start=0, stop=3)])
WEIGHTS = {"common": {"inclusive": ["genWeight", "lumi", "XS"]}}


def run(
    paths: list[Path], *, chunk_size: int = 10**6, threads: int = 1, skip: bool = False, **settings: Any
) -> BranchResult:
    config = configure(**{"variables": {"pt": PT}, "weights": WEIGHTS} | settings)
    (branch,) = branches(TT, paths)
    # As a decorator, since the lines of a block would be lines of a user.
    return explaining()(run_branch)(
        config.plan(),
        branch,
        metadata(config, TT),
        Resources(),
        chunk_size=chunk_size,
        threads=threads,
        skip_bad_files=skip,
    )


def test_files_one_after_the_other(tmp_path: Path) -> None:
    paths = [tmp_path / "a.root", tmp_path / "b.root"]
    columns = [write_nano(path, 50 + seed, seed) for seed, path in enumerate(paths)]
    weights = np.concatenate([part["genWeight"] for part in columns]).astype(np.float64)
    pt = np.concatenate([np.asarray(part["Muon"].pt.layout.content.data) for part in columns])
    counts = np.concatenate([[len(event) for event in part["Muon"].pt] for part in columns])
    expected, _ = np.histogram(pt, np.linspace(0, 3, 7), weights=np.repeat(weights, counts))
    for chunk_size in (1000, 50, 7):
        output = run(paths, chunk_size=chunk_size).output
        assert output["cutflow"]["initial"] == {TT: 101}
        assert output["sum_genweights"][TT] == pytest.approx(weights.sum(), rel=1e-12)
        histogram = output["variables"]["pt"]["TT"][TT]
        assert histogram["baseline", "nominal", :].values() == pytest.approx(expected, rel=1e-12)


def test_threads_change_nothing(tmp_path: Path) -> None:
    paths = [tmp_path / "a.root", tmp_path / "b.root"]
    for seed, path in enumerate(paths):
        write_nano(path, 500, seed)
    cut = Cut("x", {}, lambda events, params, **kwargs: events.x > 1)
    alone, helped = (run(paths, chunk_size=70, threads=threads, skim=[cut]).output for threads in (1, 4))
    assert helped["cutflow"] == alone["cutflow"]
    assert 0 < alone["cutflow"]["skim"][TT] < 1000
    histograms = [output["variables"]["pt"]["TT"][TT].view(flow=True) for output in (alone, helped)]
    assert histograms[0].tobytes() == histograms[1].tobytes()


def test_libraries_leave_garbage_collection_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(
        engine_run, "_exempt_from_collection", functools.cache(engine_run._exempt_from_collection.__wrapped__)
    )
    monkeypatch.setattr(gc, "freeze", lambda: calls.append("freeze"))
    paths = [tmp_path / "a.root", tmp_path / "b.root"]
    for path in paths:
        write_nano(path, 5)
    run(paths)
    run(paths)
    # once, since what is made later isn't there to stay
    assert calls == ["freeze"]


def test_progress(tmp_path: Path) -> None:
    write_nano(tmp_path / "a.root", 50)
    write_nano(tmp_path / "b.root", 20)
    (branch,) = branches(TT, [tmp_path / "a.root", tmp_path / "b.root"])
    config = configure()
    done: list[int] = []
    run_branch(config.plan(), branch, metadata(config, TT), Resources(), chunk_size=20, progress=done.append)
    # as few chunks of equal size as a file allows
    assert done == [16, 17, 17, 20]


def test_a_branch_may_begin_and_end_inside_a_file(tmp_path: Path) -> None:
    paths = [tmp_path / "a.root", tmp_path / "b.root"]
    total = sum(write_nano(path, 50, seed)["genWeight"].sum(dtype=np.float64) for seed, path in enumerate(paths))
    config = configure()
    outputs = [
        run_branch(config.plan(), branch, metadata(config, TT), Resources(), chunk_size=10).output
        for branch in branches(TT, paths, events_per_branch=34)
    ]
    assert [output["cutflow"]["initial"][TT] for output in outputs] == [33, 33, 34]
    assert sum(output["sum_genweights"][TT] for output in outputs) == pytest.approx(total, rel=1e-12)


def test_a_bad_file_stops_the_branch(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_nano(tmp_path / f"{name}.root")
    damage(tmp_path / "b.root", "Muon_pt")
    with pytest.raises(BadFileError, match=r"b\.root can't be read, it is truncated or corrupt"):
        run([tmp_path / "a.root", tmp_path / "b.root"])


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("branch", ["Muon_pt", "genWeight"])
def test_a_bad_file_is_left_out_as_a_whole(tmp_path: Path, branch: str, threads: int) -> None:
    paths = [tmp_path / f"{name}.root" for name in ("a", "b", "c")]
    for seed, path in enumerate(paths):
        write_nano(path, 60, seed)
    damage(paths[1], branch)
    found = run(paths, chunk_size=20, threads=threads, skip=True)
    assert list(found.skipped) == [str(paths[1])]
    assert "truncated or corrupt" in found.skipped[str(paths[1])]

    remaining = run([paths[0], paths[2]])
    assert remaining.skipped == {}
    config = configure(variables={"pt": PT}, weights=WEIGHTS, datasets=only("TT"))
    merged, expected = (
        merge_outputs(config.merging_plan(), [result.output], {TT: metadata(config, TT)})
        for result in (found, remaining)
    )
    assert merged["cutflow"] == expected["cutflow"]
    assert merged["sum_genweights"][TT] == pytest.approx(expected["sum_genweights"][TT], rel=1e-12)
    histograms = [output["variables"]["pt"]["TT"][TT] for output in (merged, expected)]
    assert histograms[0].values(flow=True) == pytest.approx(histograms[1].values(flow=True), rel=1e-12)
    assert histograms[0].variances(flow=True) == pytest.approx(histograms[1].variances(flow=True), rel=1e-12)
    assert merged["sumw"]["baseline"][TT]["TT"]["nominal"] == pytest.approx(LUMI * 88.0)


def test_a_file_is_left_out_even_after_its_first_chunks(tmp_path: Path) -> None:
    paths = [tmp_path / "a.root", tmp_path / "b.root"]
    for path in paths:
        write_nano(path, 60)

    calls: list[int] = []

    def fails_later(events: Any, params: Any, **kwargs: Any) -> Any:
        calls.append(len(events))
        if len(calls) == 3:
            raise BadFileError("a.root can't be read")
        return events.x >= 0

    found = run(paths, chunk_size=20, skip=True, skim=[Cut("later", {}, fails_later)])
    assert list(found.skipped) == [str(paths[0])]
    assert found.output["cutflow"]["initial"] == {TT: 60}


def test_a_branch_of_bad_files_only(tmp_path: Path) -> None:
    write_nano(tmp_path / "a.root")
    damage(tmp_path / "a.root", "genWeight")
    found = run([tmp_path / "a.root"], skip=True)
    assert found.output["cutflow"]["initial"] == {TT: 0}
    assert found.output["variables"]["pt"]["TT"][TT].sum(flow=True).value == 0


class ReadsMore(PlainWorkflow):
    """Reads a branch that isn't there."""

    def apply_object_preselection(self, variation: str) -> None:
        """Read it."""
        self.events["Good"] = self.events.Muon[self.events.Muon.tightid > 0]


def no_such_branch(events: Any, params: Any, **kwargs: Any) -> Any:
    return events.Muon.ptt > 0


@check_each(
    ("settings", "message"),
    [
        (
            {"skim": [Cut("a", {}, no_such_branch)]},
            r"skim cut 'a' at \S*test_run.*no_such_branch: .* 'ptt' in .*a\.root \(TT_2018, entries 0:\d+\); ",
        ),
        (
            {"workflow": ReadsMore},
            r"workflow 'ReadsMore' at \S*test_run\.py:\d+ in ReadsMore.apply_object.*: no branch for field 'tightid'",
        ),
        (
            {"variables": {"m": HistConf([Axis(coll="Muon", field="ptt", bins=1, start=0, stop=1)])}},
            r"'m': no field 'ptt' in collection 'Muon', nearest: pt \(TT_2018, entries 0:\d+ of file .*a\.root\)",
        ),
        (
            {"variables": {"m": HistConf([Axis(coll="Moun", field="pt", bins=1, start=0, stop=1)])}},
            r"histogram 'm': no collection 'Moun', nearest: Muon.* \(TT_2018, entries 0:\d+ of file .*a\.root\)",
        ),
        (
            {"variables": {"m": HistConf([Axis(field="y", bins=1, start=0, stop=1)])}},
            r"no field 'y' in events.*a\.root",
        ),
    ],
)
@check_each("skip", [False, True])
def test_missing_branch(tmp_path: Path, settings: dict[str, Any], message: str, skip: bool) -> None:
    write_nano(tmp_path / "a.root")
    with pytest.raises(MissingBranchError, match=message):
        run([tmp_path / "a.root"], skip=skip, **settings)


class Divides(PlainWorkflow):
    """Defines a variable that isn't always a number."""

    def define_common_variables_after_presel(self, variation: str) -> None:
        """Divide zero by zero."""
        zero = self.events.x * 0
        with np.errstate(invalid="ignore"):
            self.events["ratio"] = zero / zero


def test_nan_in_a_histogram(tmp_path: Path) -> None:
    write_nano(tmp_path / "a.root")
    ratio = HistConf([Axis(field="ratio", bins=2, start=0, stop=1)])
    with pytest.raises(HistogramError, match="histogram 'r': axis 'ratio': 100 of 100 values are NaN"):
        run([tmp_path / "a.root"], workflow=Divides, variables={"r": ratio}, skip=True)


def test_replaced_file_is_not_skipped(tmp_path: Path) -> None:
    write_nano(tmp_path / "a.root")
    (branch,) = branches(TT, [tmp_path / "a.root"])
    write_nano(tmp_path / "a.root", seed=2)
    config = configure()
    with pytest.raises(DatasetError, match=r"a\.root was replaced since the fileset was built"):
        run_branch(config.plan(), branch, metadata(config, TT), Resources(), chunk_size=10, skip_bad_files=True)


def test_wrong_arguments(tmp_path: Path) -> None:
    config = configure(datasets=only("TT"))
    with pytest.raises(UnknownNameError, match="unknown dataset 'TT_2081', did you mean 'TT_2018'"):
        run_branch(config.plan(), Branch("TT_2081", 0, 0, ()), {}, Resources(), chunk_size=10)
    write_nano(tmp_path / "a.root", 5)
    with pytest.raises(ConfigError, match="the chunk size must be positive, not 0"):
        run([tmp_path / "a.root"], chunk_size=0)


def with_replicas(branch: Branch, *replicas: Path) -> Branch:
    (segment,) = branch.segments
    return dataclasses.replace(branch, segments=(dataclasses.replace(segment, replicas=tuple(map(str, replicas))),))


def test_another_replica_is_read_from_the_begin(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.root", tmp_path / "bad.root"
    write_nano(good)
    shutil.copy(good, bad)
    damage(bad, "Muon_pt")
    (branch,) = branches(TT, [bad])
    config = configure(variables={"pt": PT}, weights=WEIGHTS)
    done: list[int] = []
    found = run_branch(
        config.plan(),
        with_replicas(branch, tmp_path / "none.root", good),
        metadata(config, TT),
        Resources(),
        chunk_size=20,
        progress=done.append,
    )
    expected = run([good], chunk_size=20)
    assert found.output["cutflow"] == expected.output["cutflow"]
    assert found.output["sum_genweights"] == expected.output["sum_genweights"]
    assert (found.nevents, found.skipped, sum(done)) == (100, {}, 100)
    assert list(found.failures) == [str(bad), str(tmp_path / "none.root")]
    assert "truncated or corrupt" in found.failures[str(bad)]
    assert expected.failures == {}


def test_replica_that_is_another_file(tmp_path: Path) -> None:
    for seed, name in enumerate(("a.root", "b.root", "other.root")):
        write_nano(tmp_path / name, seed=seed)
    (branch,) = branches(TT, [tmp_path / "a.root"])
    (tmp_path / "a.root").unlink()
    config = configure()
    with pytest.raises(OtherFileError, match=r"a\.root can't be read: .*; .*other\.root was replaced .*UUID is"):
        run_branch(
            config.plan(),
            with_replicas(branch, tmp_path / "other.root"),
            metadata(config, TT),
            Resources(),
            chunk_size=10,
            skip_bad_files=True,
        )


def test_events_that_go_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer events than expected are an error, though every read succeeded."""
    write_nano(tmp_path / "a.root")
    monkeypatch.setattr(engine_run, "nano_events", lambda *args: nano_events(*args)[:-1])
    with pytest.raises(BadFileError, match=r"a\.root: 95 events were processed, not 100"):
        run([tmp_path / "a.root"], chunk_size=20)


def test_branch_without_all_of_its_segments(tmp_path: Path) -> None:
    write_nano(tmp_path / "a.root", 50)
    (branch,) = branches(TT, [tmp_path / "a.root"])
    config = configure()
    with pytest.raises(DatasetError, match="50 events of 'TT_2018' were processed in the branch of 51 events"):
        run_branch(
            config.plan(), dataclasses.replace(branch, stop=51), metadata(config, TT), Resources(), chunk_size=20
        )
