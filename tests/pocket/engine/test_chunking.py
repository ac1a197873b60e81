from __future__ import annotations

import mmap
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocket.datasets.branches import Segment
from pocket.engine import chunking
from pocket.engine.chunking import SMALLEST, Chunking, memory_before
from pocket.engine.resources import Resources
from pocket.engine.run import BranchResult, run_branch
from pocket.errors import ConfigError
from pocket.histograms.config import Axis, HistConf
from tests.pocket.configs import TT, PlainWorkflow, configure, metadata
from tests.pocket.engine.root_files import branches, write_nano

EVENTS = 20_000
BYTES_PER_EVENT = 5000
PT = HistConf([Axis(coll="Muon", field="pt", bins=6, start=0, stop=3)])
linux = pytest.mark.skipif(sys.platform != "linux", reason="measures memory in /proc")


class Wasteful(PlainWorkflow):
    """Needs much memory for each event, and notes how many there were in each chunk."""

    seen: list[int]

    def process_extra_before_skim(self) -> None:
        """Use memory for a moment, past allocators, which may have some in stock."""
        self.seen.append(len(self.events))
        with mmap.mmap(-1, len(self.events) * BYTES_PER_EVENT) as memory:
            for page in range(0, len(memory), mmap.PAGESIZE):
                memory[page] = 1


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("files") / "a.root"
    write_nano(path, EVENTS)
    # libraries are loaded and functions compiled
    run(path, None)
    return path


def run(file: Path, memory: int | None, *, files: int = 1) -> tuple[BranchResult, list[int]]:
    Wasteful.seen = []
    memory_before.cache_clear()
    config = configure(variables={"pt": PT}, workflow=Wasteful)
    (branch,) = branches(TT, [file])
    segments = branch.segments * files
    branch = type(branch)(branch.dataset, 0, EVENTS * files, segments)
    result = run_branch(
        config.plan(), branch, metadata(config, TT), Resources(), chunk_size=EVENTS, chunk_memory=memory
    )
    return result, Wasteful.seen


def segment(start: int, stop: int) -> Segment:
    return Segment("a.root", "uuid", "Events", start, stop)


@linux
@pytest.mark.parametrize(("memory", "largest"), [(60, 10_000), (20, 2500), (1, 1250)])
def test_small_chunks_where_memory_is_short(file: Path, memory: int, largest: int) -> None:
    _, seen = run(file, memory)
    first, *rest = seen
    assert first == EVENTS // 4
    assert max(rest) <= largest
    assert sum(seen) == EVENTS
    if memory > 1:
        assert max(rest) * BYTES_PER_EVENT <= memory * 1e6
        # no smaller than need be, as far as halves go, with half of the memory for what isn't the workflow's
        assert max(rest) * BYTES_PER_EVENT >= memory * 1e6 / 4
    else:
        assert set(rest) == {SMALLEST * 5 // 4}


@linux
def test_large_chunks_where_there_is_plenty_of_it(file: Path) -> None:
    _, seen = run(file, 4000, files=2)
    # what was learned in one file holds for the next
    assert seen == [5000, 15_000, 20_000]


def test_chunks_of_one_size(file: Path) -> None:
    _, seen = run(file, None)
    assert seen == [EVENTS]


@pytest.mark.parametrize("name", ["_STATUS", "_CLEAR"])
def test_chunks_of_one_size_where_memory_cannot_be_measured(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(chunking, name, tmp_path / "proc" / "self" / "file")
    _, seen = run(file, 1)
    assert seen == [EVENTS]


@linux
def test_memory_is_logged(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", chunking.__name__)
    _, seen = run(file, 20)
    found = [record.args for record in caplog.records if record.name == chunking.__name__]
    assert [(events, path) for events, path, _ in found] == [(events, str(file)) for events in seen]
    # the kernel adds up pages in batches
    assert all(0.9 * events * BYTES_PER_EVENT / 1e6 < memory < 1000 for events, _, memory in found)


@linux
def test_peak_of_the_process_is_left_alone_without_a_budget(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # what others measure it for would be lost, e.g. resource.getrusage
    monkeypatch.setattr(chunking, "_forget_peak", lambda: pytest.fail("must not be forgotten"))
    run(file, None)


def test_sums_do_not_depend_on_the_memory(file: Path) -> None:
    def sums(result: BranchResult) -> list[Any]:
        output = result.output
        histogram = output["variables"]["pt"]["TT"][TT]
        return [
            output["sum_genweights"][TT],
            output["sumw2"]["baseline"][TT]["TT"]["nominal"],
            *histogram.values(flow=True).flat,
            *histogram.variances(flow=True).flat,
        ]

    expected, _ = run(file, None)
    for memory in (1, 20, 4000):
        found, seen = run(file, memory)
        assert len(seen) > 1 or sys.platform != "linux"
        assert found.output["cutflow"] == expected.output["cutflow"]
        assert sums(found) == pytest.approx(sums(expected), rel=1e-12)


@given(
    largest=st.integers(1, 10**6),
    memory=st.integers(1, 10_000),
    start=st.integers(0, 100),
    size=st.integers(1, 2000),
    growths=st.lists(st.integers(0, 10**10), max_size=5),
)
def test_every_event_is_in_one_chunk(largest: int, memory: int, start: int, size: int, growths: list[int]) -> None:
    sizes = Chunking(largest, memory)
    ranges = []
    for first, last in sizes.ranges(segment(start, start + size)):
        ranges.append((first, last))
        assert 0 < last - first <= sizes.size <= largest
        if growths:
            sizes.adapt(last - first, growths.pop())
    assert (ranges[0][0], ranges[-1][1]) == (start, start + size)
    assert all(before[1] == after[0] for before, after in pairwise(ranges))


@given(events=st.integers(1000, 10**5), growth=st.integers(1, 10**10), memory=st.integers(1, 10_000))
def test_the_largest_size_within_the_budget(events: int, growth: int, memory: int) -> None:
    chosen = Chunking(2**20, memory)
    chosen.size = events
    chosen.adapt(events, growth)
    sizes = [2**power for power in range(10, 21)]  # down to 1024, below which they would be smaller than SMALLEST
    within = [size for size in sizes if size * growth / events <= memory * 1e6 and size <= 4 * events]
    assert chosen.size == max(within, default=1024)


def test_too_little_memory_for_any_chunk_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    sizes = Chunking(64_000, 10)
    for events in (16_000, 1000, 1000):
        sizes.adapt(events, 900_000_000)
    assert sizes.size == 1000
    (message,) = [record.getMessage() for record in caplog.records]
    assert message == "using the minimum chunk size of 1000 events; memory may exceed --chunk-memory (10 MB)"
    caplog.clear()
    Chunking(64_000, 10).adapt(40, 117_000_000)  # what a small file takes is the memory of histograms
    Chunking(64_000, 10).adapt(16_000, 160_000_000)  # 1000 events fit
    assert not caplog.records


def test_equal_chunks() -> None:
    assert list(Chunking(4).ranges(segment(10, 20))) == [(10, 13), (13, 16), (16, 20)]
    assert list(Chunking(10).ranges(segment(10, 20))) == [(10, 20)]


@pytest.mark.parametrize(
    ("size", "memory", "message"),
    [(0, None, "chunk size must be positive, not 0"), (5, 0, "memory of a chunk must be positive, not 0 MB")],
)
def test_what_can_be_no_size(size: int, memory: int | None, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Chunking(size, memory)
