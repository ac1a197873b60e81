from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocket.datasets.branches import Branch, Segment, split
from pocket.datasets.fileset import Fileset
from pocket.errors import ConfigError


def make_fileset(datasets: list[list[int]]) -> Fileset:
    return {
        f"d{number}": {
            "metadata": {},
            "files": {
                f"d{number}/{index}": {"object_path": "Events", "num_entries": entries, "uuid": f"u{number}.{index}"}
                for index, entries in enumerate(files)
            },
        }
        for number, files in enumerate(datasets)
    }


def test_split() -> None:
    assert split(make_fileset([[4, 0, 3], [2]]), 5) == [
        Branch("d0", 0, 3, (Segment("d0/0", "u0.0", "Events", 0, 3),)),
        Branch("d0", 3, 7, (Segment("d0/0", "u0.0", "Events", 3, 4), Segment("d0/2", "u0.2", "Events", 0, 3))),
        Branch("d1", 0, 2, (Segment("d1/0", "u1.0", "Events", 0, 2),)),
    ]


@settings(max_examples=200)
@given(st.lists(st.lists(st.integers(0, 40), max_size=6), max_size=4), st.integers(1, 50))
def test_every_entry_is_in_exactly_one_branch(datasets: list[list[int]], events_per_branch: int) -> None:
    fileset = make_fileset(datasets)
    branches = split(fileset, events_per_branch)
    covered = [
        (branch.dataset, segment.path, entry)
        for branch in branches
        for segment in branch.segments
        for entry in range(segment.start, segment.stop)
    ]
    # in order, so nothing is missing, twice or misplaced
    assert covered == [
        (dataset, path, entry)
        for dataset, info in fileset.items()
        for path, file in info["files"].items()
        for entry in range(file["num_entries"])
    ]
    for dataset, files in zip(fileset, datasets, strict=True):
        of_dataset = [branch for branch in branches if branch.dataset == dataset]
        sizes = [sum(segment.stop - segment.start for segment in branch.segments) for branch in of_dataset]
        assert sizes == [branch.stop - branch.start for branch in of_dataset]
        # a dataset without entries has an output too
        assert len(sizes) == max(math.ceil(sum(files) / events_per_branch), 1)
        assert all(0 < size <= events_per_branch for size in sizes) or sizes == [0]
        assert max(sizes) - min(sizes) <= 1
        starts_and_stops = [edge for branch in of_dataset for edge in (branch.start, branch.stop)]
        assert starts_and_stops[1:-1:2] == starts_and_stops[2::2]


def test_not_positive() -> None:
    with pytest.raises(ConfigError, match="events per branch is 0, expected at least 1"):
        split(make_fileset([[4]]), 0)


def test_chunks() -> None:
    segment = Segment("a", "u", "Events", 10, 20)
    assert segment.chunks(4) == [(10, 13), (13, 16), (16, 20)]
    assert segment.chunks(10) == [(10, 20)]
    assert segment.chunks(1) == [(entry, entry + 1) for entry in range(10, 20)]
    with pytest.raises(ConfigError, match="the chunk size must be positive, not 0"):
        segment.chunks(0)


def test_replicas() -> None:
    fileset = make_fileset([[4]])
    fileset["d0"]["files"]["d0/0"]["replicas"] = ["root://a//0", "/b/0"]
    first, second = (branch.segments[0] for branch in split(fileset, 2))
    assert first.locations == second.locations == ("d0/0", "root://a//0", "/b/0")
    assert second.at("/b/0") == Segment("/b/0", "u0.0", "Events", 2, 4)
