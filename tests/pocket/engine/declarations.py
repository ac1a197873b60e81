"""Configurations of one analysis, as plain data that an event loop can read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pocket.columns import ColOut
from pocket.histograms.config import HistConf

Event = dict[str, Any]
Block = dict[str, Any]

#: pt from which jets are good
PT_MIN = 1.0
#: shape variation → factor on the pt of jets
JES = {"nominal": 1.0, "jesUp": 2.0, "jesDown": 0.5}
#: shape variation → what is added to x, besides half a unit for each jet above 2
SHIFT = {"nominal": 0.0, "shiftUp": 1.0, "shiftDown": -1.0}
SHAPES = {"jes": ("jesUp", "jesDown"), "shift": ("shiftUp", "shiftDown")}
#: weight → its variations
WEIGHTS = {
    "genWeight": (),
    "fixed": (),
    "wk": ("wkUp", "wkDown"),
    "wn": ("wn_statUp", "wn_statDown", "wn_systUp", "wn_systDown"),
}
FIXED = 0.7


class CutOn(NamedTuple):
    """A cut on a field of the events or of the objects of a collection."""

    collection: str
    field: str
    minimum: float


@dataclass(frozen=True)
class Declaration:
    """A configuration, and the sample it is applied to. Of the binnings all combinations are categories."""

    sample: str
    skim: Sequence[CutOn]
    preselections: Sequence[CutOn]
    common: Mapping[str, Sequence[CutOn]]
    binnings: Sequence[Sequence[CutOn]]
    subsamples: Mapping[str, Sequence[CutOn]]
    weights: Block
    varied: Block
    shapes: Block
    columns: Block
    histograms: Mapping[str, HistConf]


COLUMNS = {
    "event": ColOut("events", ["x", "nJetGood"]),
    "jets": ColOut("JetGood", ["pt", "tag"]),
    "first": ColOut("JetGood", ["maybe"], pos_end=1, store_size=False, fill_none=False, depends_on=["Jet"]),
    "muons": ColOut("Muon", ["pt"]),
}
