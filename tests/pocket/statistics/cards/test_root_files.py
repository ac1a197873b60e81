"""Our ROOT files beside those of uproot: the same objects in other files."""

from __future__ import annotations

import io

import numpy as np
import pytest
import uproot

from pocket.base.typing import Floats
from pocket.errors import StatisticsError
from pocket.statistics.cards import root_files
from pocket.statistics.cards.root_files import root_file
from tests.pocket.statistics.cards.card_texts import by_uproot

EDGES = np.array([0.0, 0.5, 1.5, 4.0])
HISTOGRAMS: dict[str, tuple[Floats, Floats | None]] = {
    "data_obs": (np.array([3.0, 0.0, 5.0]), None),
    "p": (np.array([1e-300, 2.5, 1 / 3]), np.array([0.1, 0.0, 1e12])),
    "empty": (np.zeros(3), np.zeros(3)),
    "long_" + "n" * 300: (np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0])),
}


def objects(content: bytes) -> dict[str, tuple[str, bytes]]:
    """Return name → class and uncompressed bytes of all objects of a file."""
    with uproot.open(io.BytesIO(content)) as file:
        keys = {name: file.key(name) for name in file.keys(cycle=False)}
        return {
            name: (key.fClassName, key.get_uncompressed_chunk_cursor()[0].raw_data.tobytes())
            for name, key in keys.items()
        }


@pytest.mark.parametrize("bins", [1, 3])
def test_objects_are_those_that_uproot_writes(bins: int) -> None:
    histograms = {
        name: (values[:bins], None if variances is None else variances[:bins])
        for name, (values, variances) in HISTOGRAMS.items()
    }
    found = root_file(EDGES[: bins + 1], histograms)
    expected = objects(by_uproot(EDGES[: bins + 1], histograms))
    assert list(expected) == list(histograms)
    assert objects(found) == expected
    with uproot.open(io.BytesIO(found)) as file:
        assert {name: len(versions) for name, versions in file.file.streamers.items()}["TH1D"] == 1
        assert file["p"].to_hist().axes[0].edges.tolist() == EDGES[: bins + 1].tolist()


def test_each_record_is_where_the_one_before_ends() -> None:
    content = root_file(EDGES, HISTOGRAMS)
    position, names = 100, []
    while position < len(content):
        size = int.from_bytes(content[position : position + 4], "big")
        assert int.from_bytes(content[position + 18 : position + 22], "big") == position
        length = content[position + 26]
        names.append(content[position + 27 : position + 27 + length].decode())
        position += size
    assert position == len(content)
    assert names == ["TFile", *["TH1D"] * 4, "TFile", "TList", "TFile"]


def test_equal_histograms_have_equal_files() -> None:
    content = root_file(EDGES, HISTOGRAMS)
    assert content == root_file(EDGES, HISTOGRAMS)
    changed = root_file(EDGES, {**HISTOGRAMS, "p": (np.array([2e-300, 2.5, 1 / 3]), np.array([0.1, 0.0, 1e12]))})
    assert len(changed) > 0
    # uproot caches objects by the identifiers of files.
    assert content[47:63] != changed[47:63]


def test_large_histograms_are_compressed_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(root_files, "_LARGEST_PIECE", 1000)
    edges, values = np.arange(501.0), np.arange(500.0)
    with uproot.open(io.BytesIO(root_file(edges, {"h": (values, values)}))) as file:
        assert file["h"].values().tolist() == values.tolist()


def test_files_that_root_cant_read_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(root_files, "_LARGEST", 1000)
    with pytest.raises(StatisticsError, match="more than a ROOT file of 2 GB holds"):
        root_file(EDGES, HISTOGRAMS)
