"""Small cards as people write them, with histograms beside them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pocket.statistics.cards import read_datacard
from pocket.statistics.cards.histograms import write_histograms
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
        write_histograms(folder / "shapes.root", EDGES, contents)
    return read_datacard(folder / "card.txt", **options)  # type: ignore[arg-type]
