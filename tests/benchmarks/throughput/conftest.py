"""A few events, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.throughput.data import Sample, make_sample

EVENTS = 2000


@pytest.fixture(scope="session")
def top_pairs(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """Return a sample of tt̄."""
    return make_sample(tmp_path_factory.mktemp("throughput"), "ttsemi", EVENTS)


@pytest.fixture
def data(top_pairs: Sample) -> Path:
    """Return the folder of the benchmark's files, with the sample in it."""
    return top_pairs.corrections.parents[1]
