"""Small cards as people write them, with histograms beside them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import uproot
import uproot.writing.identify as to_root

from pocket.base.typing import Floats
from pocket.statistics.cards import read_datacard
from pocket.statistics.model import Model

EDGES = np.array([0.0, 1.0, 4.0])
HEAD = """\
# a card as people write them
imax 1 number of channels
jmax 1 number of backgrounds
kmax * number of nuisance parameters
------------
"""
COLUMNS = """\
bin         sr
observation {observation}
------------
bin         sr     sr
process     sig    bkg
process     0      1
rate        {rates}
------------
"""
HISTOGRAMS: dict[str, list[float]] = {
    "data_obs": [7, 3],
    "sig": [1.0, 2.0],
    "bkg": [4.0, 2.0],
    "bkg_jesUp": [5.0, 2.5],
    "bkg_jesDown": [3.0, 2.0],
    "sig_jesUp": [1.5, 2.0],
    "sig_jesDown": [0.5, 2.0],
}


def by_uproot(edges: Floats, histograms: Mapping[str, tuple[Floats, Floats | None]]) -> bytes:
    """Return a file as uproot writes it."""
    axis = to_root.to_TAxis(
        fName="xaxis", fTitle="", fNbins=len(edges) - 1, fXmin=edges[0], fXmax=edges[-1], fXbins=edges
    )
    content = io.BytesIO()
    with uproot.recreate(content, compression=uproot.ZLIB(1)) as file:
        for name, (values, variances) in histograms.items():
            squares = values if variances is None else variances
            total, summed = float(values.sum()), float(squares.sum())
            file[name] = to_root.to_TH1x(
                fName=None,
                fTitle="",
                data=np.pad(values, 1),
                fEntries=total**2 / summed if summed > 0 else total,
                fTsumw=0.0,
                fTsumw2=0.0,
                fTsumwx=0.0,
                fTsumwx2=0.0,
                fSumw2=None if variances is None else np.pad(variances, 1),
                fXaxis=axis,
            )
        file.file.sink.flush()
        return content.getvalue()


def counting(lines: str = "", rates: str = "5 3.5", observation: str = "7", head: str = HEAD) -> str:
    """Return a counting card."""
    return head + COLUMNS.format(rates=rates, observation=observation) + lines


def shaped(
    lines: str = "",
    rates: str = "-1 -1",
    observation: str = "-1",
    shapes: str = "shapes * * shapes.root $PROCESS $PROCESS_$SYSTEMATIC\n",
) -> str:
    """Return a card with histograms."""
    return counting(lines, rates, observation, HEAD + shapes)


def read(folder: Path, text: str, histograms: Mapping[str, list[float]] | None = None, **options: object) -> Model:
    """Read a card, with its histograms in ``shapes.root``."""
    (folder / "card.txt").write_text(text)
    if histograms is not None or "shapes.root" in text:
        contents = {
            name: (np.array(values, dtype=float), np.abs(np.array(values, dtype=float)) * 0.1)
            for name, values in {**HISTOGRAMS, **(histograms or {})}.items()
        }
        (folder / "shapes.root").write_bytes(by_uproot(EDGES, contents))
    return read_datacard(folder / "card.txt", **options)  # type: ignore[arg-type]
