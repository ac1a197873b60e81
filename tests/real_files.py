"""Real CMS files for tests: from ../shared/data beside the checkout, else downloaded once."""

from __future__ import annotations

from pathlib import Path

import pytest

from pocket.datasets.coffea_samples import sample_path

# the folder that pytest keeps between sessions
CACHE = Path(__file__).absolute().parents[1] / ".pytest_cache" / "d" / "coffea_samples"

#: The largest of coffea's files, which takes long to read whole.
LARGEST = pytest.param("nano_tt_v15.root", marks=pytest.mark.slow)


def real_file(name: str) -> Path:
    """Return the path of a file of :data:`pocket.datasets.coffea_samples.SAMPLES`."""
    return sample_path(name, cache=CACHE)
