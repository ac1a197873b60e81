"""Sizes of chunks: as large as a memory budget allows, which is known after the first chunk."""

from __future__ import annotations

import contextlib
import functools
import logging
import math
from collections.abc import Iterable, Iterator
from pathlib import Path

from pocket.datasets.branches import Segment
from pocket.errors import ConfigError
from pocket.io.nanoaod.sharing import shared_bytes

_log = logging.getLogger(__name__)

#: Ratio of the largest chunk to the first of several: the memory of events isn't known before it.
FIRST = 4
#: Smallest chunk in events; below it, the time per chunk exceeds the time per event.
SMALLEST = 1000
#: Most files in a chunk, since all of them are open.
MOST_FILES = 32
_MB = 1_000_000
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Chunking:
    """Division of segments into chunks, whose size follows from the memory of previous chunks.

    The memory of a chunk is the peak of the process while the chunk is processed, above its memory before the first
    chunk. Sizes are the largest one divided by powers of two, so that small differences in memory change nothing. If
    memory can't be measured, or there is no budget (in MB), chunks have the largest size.
    """

    def __init__(self, largest: int, memory: int | None = None) -> None:
        if largest < 1:
            raise ConfigError(f"the chunk size must be positive, not {largest}")
        if memory is not None and memory < 1:
            raise ConfigError(f"the memory of a chunk must be positive, not {memory} MB")
        self.largest = largest
        self._budget = math.inf if memory is None else memory * _MB
        self._is_short = False
        self._before = None if memory is None else memory_before()
        self.size = largest if self._before is None else self._power(largest / FIRST)

    def ranges(self, segment: Segment) -> Iterator[tuple[int, int]]:
        """Yield first and last + 1 entry of each chunk of a segment; process each one before taking the next.

        The rest of the segment is divided equally into as few chunks as the size allows.
        """
        start = segment.start
        while start < segment.stop:
            remaining = segment.stop - start
            stop = start + remaining // -(-remaining // self.size)
            with self.measured(stop - start, segment.path):
                yield start, stop
            start = stop

    def groups(self, segments: Iterable[Segment]) -> Iterator[list[Segment]]:
        """Yield segments that fit into a chunk together, or one alone; process each group before taking the next."""
        group: list[Segment] = []
        for segment in segments:
            events = segment.stop - segment.start + sum(one.stop - one.start for one in group)
            if group and (events > self.size or len(group) == MOST_FILES):
                yield group
                group = []
            group.append(segment)
        if group:
            yield group

    @contextlib.contextmanager
    def measured(self, events: int, path: str) -> Iterator[None]:
        """Process a chunk in the block, whose memory decides about the next ones."""
        if self._before is None:
            yield
            return
        _forget_peak()
        yield
        # What is kept for other configurations doesn't change the chunks of this one.
        growth = _memory("VmHWM") - self._before - shared_bytes()
        _log.debug("%d events of %s took %.0f MB", events, path, growth / _MB)
        self.adapt(events, growth)

    def adapt(self, events: int, growth: int) -> None:
        """Choose the size of the next chunks, by the events of this one and its growth of memory in bytes."""
        allowed = events * self._budget / max(growth, 1)
        # Some of the memory is needed by any chunk, or by the first one, so a small chunk says little about large ones.
        self.size = self._power(min(allowed, FIRST * max(events, self.size)))
        # A chunk with fewer events comes from a small file. Its memory is that of histograms, which any chunk takes.
        if allowed < self.size <= events and not self._is_short:
            self._is_short = True
            # The numbers are the same for all branches, so a command shows this once.
            _log.warning(
                "using the minimum chunk size of %d events; memory may exceed --chunk-memory (%.0f MB)",
                *(self.size, self._budget / _MB),
            )

    def _power(self, wanted: float) -> int:
        """Return the largest size divided by the power of two that makes it at most the wanted one."""
        size = self.largest
        while size > wanted and size // 2 >= SMALLEST:
            size //= 2
        return size


@functools.cache
def memory_before() -> int | None:
    """Return the memory of the process in bytes before its first chunk; ``None`` if it can't be measured.

    It is measured once, since allocators keep much of the memory of the previous chunk.
    """
    try:
        _forget_peak()
        return _memory("VmRSS")
    except OSError:  # The system isn't Linux, or /proc is hidden or read-only.
        return None


def _forget_peak() -> None:
    """Reset the peak ``VmHWM``, see proc(5)."""
    _CLEAR.write_text("5", encoding="ascii")


def _memory(name: str) -> int:
    """Return one of the sizes of the process in bytes."""
    sizes = dict(line.split(":", 1) for line in _STATUS.read_text(encoding="utf-8").splitlines())
    return int(sizes[name].removesuffix("kB")) * 1024
