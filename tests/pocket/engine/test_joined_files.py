"""Files that are processed as one chunk, against sums of what plain uproot reads from each of them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from pocket.configuration.user_errors import explaining
from pocket.cuts.cut import Cut
from pocket.datasets.branches import Segment
from pocket.engine.chunking import MOST_FILES, Chunking
from pocket.engine.resources import Resources
from pocket.engine.run import BranchResult, run_branch
from pocket.errors import BadFileError, UserCodeError
from pocket.histograms.config import Axis, HistConf
from tests.pocket.configs import TT, PlainWorkflow, configure, metadata
from tests.pocket.engine.root_files import branches, damage, write_nano

EDGES = np.linspace(0, 3, 7)
PT = HistConf([Axis(coll="Muon", field="pt", bins=6, start=0, stop=3)])
WEIGHTS = {"common": {"inclusive": ["genWeight", "lumi", "XS"]}}
SKIM = Cut("x", {}, lambda events, params, **kwargs: events.x > 0.5)


class Noting(PlainWorkflow):
    """Notes how many events there are in each chunk, and fails at some value of x."""

    seen: list[int]
    fails_at: float = -1.0

    def process_extra_before_skim(self) -> None:
        """Note the number of events."""
        self.seen.append(len(self.events))
        if np.any(np.asarray(self.events.x) == np.float32(self.fails_at)):
            raise KeyError("a value that isn't foreseen")


@pytest.fixture(autouse=True)
def seen() -> list[int]:
    Noting.seen, Noting.fails_at = [], -1.0
    return Noting.seen


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Files with 40, 41, … events."""
    paths = [tmp_path / f"{name}.root" for name in "abcde"]
    for seed, path in enumerate(paths):
        write_nano(path, 40 + seed, seed)
    return paths


def run(
    paths: list[Path], chunk_size: int = 10**6, *, replicas: dict[Path, Path] | None = None, **options: Any
) -> tuple[BranchResult, list[int]]:
    """Return the result of the files as a branch, and the numbers of events that it said were done."""
    config = configure(variables={"pt": PT}, weights=WEIGHTS, workflow=Noting, skim=[SKIM])
    (branch,) = branches(TT, paths)
    others = {str(path): (str(replica),) for path, replica in (replicas or {}).items()}
    segments = [
        dataclasses.replace(segment, replicas=others.get(segment.path, segment.replicas)) for segment in branch.segments
    ]
    branch = dataclasses.replace(branch, segments=tuple(segments))
    done: list[int] = []
    result = run_branch(
        config.plan(), branch, metadata(config, TT), Resources(), chunk_size=chunk_size, progress=done.append, **options
    )
    return result, done


def check(result: BranchResult, paths: list[Path]) -> None:
    """Compare cutflow, sums and a histogram with what uproot reads from each file."""
    counts, sums = np.zeros(2, dtype=np.int64), 0.0
    contents, squares, scale = np.zeros(6), np.zeros(6), 0.0
    for path in paths:
        with uproot.open(path) as file:
            events = file["Events"].arrays(["genWeight", "x", "Muon_pt"])
        passed = events[events.x > 0.5]
        counts += len(events), len(passed)
        sums += float(np.asarray(events.genWeight, dtype=np.float64).sum())
        weights = np.repeat(np.asarray(passed.genWeight, dtype=np.float64), ak.num(passed.Muon_pt).to_numpy())
        pt = ak.flatten(passed.Muon_pt).to_numpy()
        contents += np.histogram(pt, EDGES, weights=weights)[0]
        squares += np.histogram(pt, EDGES, weights=weights**2)[0]
        scale += float(np.abs(weights).sum())
    output = result.output
    assert (output["cutflow"]["initial"][TT], output["cutflow"]["skim"][TT]) == tuple(counts)
    assert output["sum_genweights"][TT] == pytest.approx(sums, abs=1e-12 * scale)
    histogram = output["variables"]["pt"]["TT"][TT]["baseline", "nominal", :]
    np.testing.assert_allclose(histogram.values(), contents, atol=1e-12 * scale)
    np.testing.assert_allclose(histogram.variances(), squares, atol=1e-12 * scale)
    assert result.nevents == counts[0]


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(
    ("chunk_size", "chunks"),
    [(10**6, [210]), (210, [210]), (209, [166, 44]), (90, [81, 85, 44]), (50, [40, 41, 42, 43, 44]), (41, None)],
)
def test_chunks_of_whole_files(
    files: list[Path], seen: list[int], chunk_size: int, chunks: list[int] | None, threads: int
) -> None:
    result, done = run(files, chunk_size, threads=threads)
    check(result, files)
    # files that are larger than a chunk are divided as before
    assert seen == (chunks or [40, 41, 21, 21, 21, 22, 22, 22])
    assert done == seen
    assert (result.skipped, result.failures) == ({}, {})


def test_a_branch_within_files(files: list[Path], seen: list[int]) -> None:
    parts = branches(TT, files, 105)
    assert [(part.start, part.stop) for part in parts] == [(0, 105), (105, 210)]
    config = configure(workflow=Noting)
    for part in parts:
        run_branch(config.plan(), part, metadata(config, TT), Resources(), chunk_size=1000)
    assert seen == [105, 105]


def test_files_of_other_columns_are_chunks_of_their_own(files: list[Path], seen: list[int]) -> None:
    columns = write_nano(files[2], 30, seed=7)
    columns["further"] = np.zeros(30, dtype=np.float32)
    with uproot.recreate(files[2]) as file:
        file.mktree("Events", {name: ak.type(ak.Array(values)).content for name, values in columns.items()})
        file["Events"].extend(columns)
    result, done = run(files)
    check(result, files)
    assert seen == [81, 30, 87]
    assert sum(done) == 198


@pytest.mark.parametrize("kind", ["missing", "damaged"])
def test_a_bad_file_is_named_and_left_out_as_a_whole(files: list[Path], kind: str) -> None:
    (branch,) = branches(TT, files)
    config = configure(variables={"pt": PT}, weights=WEIGHTS, workflow=Noting, skim=[SKIM])
    if kind == "missing":
        files[3].unlink()
    else:
        damage(files[3], "Muon_pt")
    done: list[int] = []

    def again(skip: bool) -> BranchResult:
        return run_branch(
            config.plan(),
            branch,
            metadata(config, TT),
            Resources(),
            chunk_size=1000,
            skip_bad_files=skip,
            progress=done.append,
        )

    with pytest.raises(BadFileError, match=r"d\.root"):
        again(skip=False)
    done.clear()
    result = again(skip=True)
    assert list(result.skipped) == [str(files[3])]
    check(result, [*files[:3], files[4]])
    assert sum(done) == 40 + 41 + 42 + 44


def test_another_replica_is_read(files: list[Path], tmp_path: Path) -> None:
    copy = tmp_path / "copy.root"
    copy.write_bytes(files[1].read_bytes())
    damage(files[1], "Muon_pt")
    result, done = run(files, replicas={files[1]: copy})
    check(result, [files[0], copy, *files[2:]])
    assert list(result.failures) == [str(files[1])]
    assert sum(done) == 210


def test_an_error_names_file_and_entries(files: list[Path]) -> None:
    with uproot.open(files[2]) as file:
        Noting.fails_at = float(file["Events"]["x"].array()[25])
    with pytest.raises(UserCodeError, match=r"KeyError.*TT_2018, entries 0:42 of file .*c\.root"), explaining():
        run(files)


def segments(*sizes: int) -> list[Segment]:
    return [Segment(f"{number}.root", "", "Events", 5, 5 + size) for number, size in enumerate(sizes)]


def test_groups_of_files() -> None:
    def sizes(size: int, *events: int) -> list[list[int]]:
        groups = Chunking(size).groups(segments(*events))
        return [[segment.stop - segment.start for segment in group] for group in groups]

    assert sizes(10, 3, 7, 1, 25, 4, 4) == [[3, 7], [1], [25], [4, 4]]
    assert sizes(10) == []
    # all of them are open at once
    assert list(map(len, sizes(10**6, *[1] * (2 * MOST_FILES + 1)))) == [MOST_FILES, MOST_FILES, 1]


def test_groups_follow_the_memory() -> None:
    chunking = Chunking(4000)
    taken = []
    for group in chunking.groups(segments(*[500] * 9)):
        taken.append(len(group))
        # as if a chunk of the first size had taken too much
        chunking.size = 1000
    assert taken == [8, 1]
    taken.clear()
    for group in chunking.groups(segments(*[500] * 9)):
        taken.append(len(group))
        chunking.size = 2000
    assert taken == [2, 4, 3]
