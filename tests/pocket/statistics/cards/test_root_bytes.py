"""Histograms from bytes against what uproot reads of the same files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import uproot
import uproot.writing.identify as to_root
from hypothesis import given
from hypothesis import strategies as st

from pocket.errors import StatisticsError
from pocket.statistics.cards import histograms
from pocket.statistics.cards.histograms import HistogramFiles
from pocket.statistics.cards.root_bytes import CONTENTS, parse_histogram

TYPES = {"TH1D": np.float64, "TH1F": np.float32, "TH1I": np.int32, "TH1S": np.int16, "TH1C": np.int8}


def write(
    path: Path, kind: str, squares: bool, edges: np.ndarray | None, compression: uproot.compression.Compression | None
) -> None:
    """Write a histogram of 4 bins, of which the axis may have edges of its own."""
    axis = to_root.to_TAxis(fName="xaxis", fTitle="mass [GeV]", fNbins=4, fXmin=-1.0, fXmax=0.3, fXbins=edges)
    counts = np.array([1, 5, 0, 3, 7, 2], dtype=TYPES[kind])
    with uproot.recreate(path, compression=compression) as file:
        file["folder/h"] = to_root.to_TH1x(
            fName=None, fTitle="a title", data=counts, fEntries=9.0, fTsumw=0.0, fTsumw2=0.0, fTsumwx=0.0,
            fTsumwx2=0.0, fSumw2=counts.astype(float) * 0.25 if squares else None, fXaxis=axis,
        )  # fmt: skip


@pytest.mark.parametrize("edges", [None, np.array([-1.0, 0.0, 0.1, 0.2, 0.3])])
@pytest.mark.parametrize("squares", [False, True])
@pytest.mark.parametrize("kind", CONTENTS)
def test_bytes_are_what_uproot_reads(kind: str, squares: bool, edges: np.ndarray | None, tmp_path: Path) -> None:
    write(tmp_path / "file.root", kind, squares, edges, uproot.ZLIB(1))
    with uproot.open(tmp_path / "file.root") as file:
        assert file.classname_of("folder/h") == kind
        data = file.key("folder/h").get_uncompressed_chunk_cursor()[0].raw_data.tobytes()
        expected = file["folder/h"]
        found = parse_histogram(data, kind, {})
    assert found is not None
    np.testing.assert_array_equal(found[0], expected.values())
    np.testing.assert_array_equal(found[2], expected.axis().edges())
    assert found[1] is None if not squares else found[1].tolist() == expected.variances().tolist()


def test_other_versions_are_left_to_uproot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "file.root", "TH1F", True, None, uproot.ZLIB(1))
    monkeypatch.setattr(histograms, "parse_histogram", lambda data, kind, axes: None)
    found = HistogramFiles(tmp_path).read("file.root", "folder/h")
    assert (found.values.tolist(), found.variances.tolist()) == ([5, 0, 3, 7], [1.25, 0, 0.75, 1.75])


@pytest.mark.parametrize("compression", [None, uproot.ZLIB(1), uproot.LZMA(1)])
def test_compressed_histograms(compression: uproot.compression.Compression | None, tmp_path: Path) -> None:
    write(tmp_path / "file.root", "TH1D", True, None, compression)
    with uproot.open(tmp_path / "file.root") as file:
        key = file.key("folder/h")
        packed = (tmp_path / "file.root").read_bytes()[key.fSeekKey + key.fKeylen :]
        assert (key.fObjlen > key.fNbytes - key.fKeylen) == (compression is not None)
        assert compression is None or packed.startswith({"ZLIB": b"ZL", "LZMA": b"XZ"}[compression.name])
    found = HistogramFiles(tmp_path).read("file.root", "folder/h")
    assert (found.values.tolist(), found.variances.tolist()) == ([5, 0, 3, 7], [1.25, 0, 0.75, 1.75])


@given(position=st.integers(0, 400), value=st.integers(0, 255))
def test_broken_bytes_are_none_or_numbers(position: int, value: int) -> None:
    axis = to_root.to_TAxis(fName="x", fTitle="", fNbins=2, fXmin=0.0, fXmax=1.0)
    histogram = to_root.to_TH1x(
        fName="h", fTitle="", data=np.ones(4), fEntries=1.0, fTsumw=0.0, fTsumw2=0.0, fTsumwx=0.0, fTsumwx2=0.0,
        fSumw2=np.ones(4), fXaxis=axis,
    )  # fmt: skip
    data = bytearray(histogram.serialize(name="h"))
    data[position % len(data)] = value
    found = parse_histogram(bytes(data[: len(data) - position % 3]), "TH1D", {})
    assert found is None or len(found[0]) + 1 == len(found[2])


def test_what_has_no_axis_or_two(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "file.root") as file:
        file["two"] = np.histogram2d(np.ones(3), np.ones(3))
        file["text"] = "no histogram"
    for name, kind in (("two", "TH2D"), ("text", "TObjString")):
        with pytest.raises(
            StatisticsError, match=f"'{name}' in file.root is a {kind}, but only histograms with one axis"
        ):
            HistogramFiles(tmp_path).read("file.root", name)
    (tmp_path / "broken.root").write_bytes(b"no ROOT file")
    with pytest.raises(StatisticsError, match=r"the file broken.root isn't a ROOT file with histograms"):
        HistogramFiles(tmp_path).read("broken.root", "h")
