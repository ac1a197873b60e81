"""Generated configurations and events."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from pocket.histograms.config import Axis, HistConf
from tests.pocket.engine.declarations import COLUMNS, SHAPES, WEIGHTS, Block, CutOn, Declaration
from tests.pocket.engine.event_loop import EventLoop

_PT_EDGES = [1.0, 2.0, 4.0]
_EVENT_AXES = [
    Axis(field="x", bins=[-1, 0.5, 1, 3], underflow=False),
    Axis(field="nJetGood", type="integer", start=0, stop=2),
    Axis(coll="custom", field="ht", bins=[0.0, 1.0, 4.0, 9.0], overflow=False),
    Axis(coll="metadata", field="sample", name="process", type="strcat", bins=["TT", "DY"]),
    Axis(coll="JetGood", field="pt", pos=0, bins=_PT_EDGES),
    Axis(coll="JetGood", field="maybe", pos=1, bins=_PT_EDGES),
]
_JET_AXES = [
    Axis(coll="JetGood", field="pt", bins=_PT_EDGES),
    Axis(coll="JetGood", field="maybe", bins=_PT_EDGES, overflow=False),
    Axis(coll="custom", field="twice", bins=_PT_EDGES),
]
_MUON_AXES = [Axis(coll="Muon", field="pt", bins=_PT_EDGES)]
_EVENT_CUTS = [CutOn("events", *cut) for cut in [("x", 0.5), ("x", 2), ("k", 0), ("nJetGood", 0), ("nJetGood", 2)]]
_JET_CUTS = [CutOn("JetGood", *cut) for cut in [("pt", 2), ("tag", 1), ("maybe", 1)]]

_jet = st.fixed_dictionaries(
    {
        "pt": st.sampled_from([0.5, 1.0, 2.0, 3.0, 8.0]),
        "tag": st.sampled_from([True, False, None]),
        "maybe": st.sampled_from([None, 1.0, 2.0, 3.0]),
    }
)
_event = st.fixed_dictionaries(
    {
        "genWeight": st.sampled_from([-1.5, 0.0, 0.25, 2.0]),
        "x": st.sampled_from([None, -1.0, 0.5, 1.0, 3.0]),
        "k": st.sampled_from([0.0, 0.1, -1.3, 2.7]),
        "hidden": st.sampled_from([False, False, False, True]),
        "Jet": st.lists(_jet, max_size=3),
        "Muon": st.lists(st.fixed_dictionaries({"pt": st.sampled_from([1.0, 3.0])}), max_size=2),
    }
)
#: mostly enough to fill something, but also none
EVENTS = (
    st.sampled_from([0, 1, 6, 8, 10])
    .flatmap(lambda size: st.lists(_event, min_size=size, max_size=size))
    .map(lambda events: [{**event, "event": number} for number, event in enumerate(events)])
)


@st.composite
def declarations(draw: st.DrawFn) -> Declaration:
    """Configurations with everything that can be combined."""
    sample = draw(st.sampled_from(["TT", "TT", "DY", "DATA"]))
    usable = _EVENT_CUTS + (_JET_CUTS if draw(st.booleans()) else [])
    cuts = st.lists(st.sampled_from(usable), max_size=2)
    binnings = draw(st.lists(st.lists(st.sampled_from(usable), min_size=1, max_size=2), max_size=2))
    common = draw(st.dictionaries(st.sampled_from(["A", "B", "C"]), cuts, min_size=0 if binnings else 2))
    subsamples = draw(st.dictionaries(st.sampled_from(["s", "t", "u"]), cuts))
    categories = [*common, *_products(binnings)]
    stored = [f"{sample}__{name}" for name in subsamples]

    def block(names: Sequence[str]) -> Block:
        return draw(_blocks(names, categories, sample, stored))

    weights = block(list(WEIGHTS))
    shapes = block(list(SHAPES))
    varied = block(sorted({name for name in _entries(weights) if WEIGHTS[name]}))
    used = [cut for some in (*common.values(), *binnings, *subsamples.values()) for cut in some]
    objects = any(cut.collection != "events" for cut in used)
    # in categories of jets there are no columns or histograms of muons
    columns = block([name for name in COLUMNS if not (objects and name == "muons")])
    declared = Declaration(
        sample=sample,
        skim=draw(st.sampled_from([[], [], *([cut] for cut in _EVENT_CUTS[:3])])),
        preselections=draw(st.sampled_from([[], [], *([cut] for cut in _EVENT_CUTS)])),
        common=common,
        binnings=binnings,
        subsamples=subsamples,
        weights=weights,
        varied=varied,
        shapes=shapes,
        columns=columns,
        histograms={},
    )
    loop = EventLoop(declared)
    variations = sorted({name for stored in loop.stored for name in loop.variations(stored)}) if loop.is_mc else []
    options = _options(categories, [sample, *stored], variations, objects)
    histograms = draw(st.lists(_histograms(objects, options), min_size=2, max_size=4))
    return dataclasses.replace(declared, histograms={f"h{number}": conf for number, conf in enumerate(histograms)})


@st.composite
def _blocks(
    draw: st.DrawFn, names: Sequence[str], categories: Sequence[str], sample: str, stored: Sequence[str]
) -> Block:
    """Put each name in one kind of place, so that none applies twice."""
    block: Block = {"common": {}, "bysample": {"TT": {}, "DY": {}, "DATA": {}, **{name: {} for name in stored}}}
    for name in names:
        kind = draw(st.sampled_from(["common", "common", "sample", "subsamples", "nowhere"]))
        parts = {"nowhere": [], "common": [block["common"]], "sample": [block["bysample"][sample]]}.get(kind)
        if parts is None:
            chosen = (
                draw(st.lists(st.sampled_from(stored), unique=True)) if stored else ["DY" if sample != "DY" else "TT"]
            )
            parts = [block["bysample"][other] for other in chosen]
        for part in parts:
            if draw(st.booleans()):
                part.setdefault("inclusive", []).append(name)
                continue
            for category in draw(st.lists(st.sampled_from(categories), unique=True, max_size=3)):
                part.setdefault("bycategory", {}).setdefault(category, []).append(name)
    return block


def _entries(block: Block) -> list[str]:
    parts = [block["common"], *block["bysample"].values()]
    lists = [names for part in parts for names in (part.get("inclusive", []), *part.get("bycategory", {}).values())]
    return list(dict.fromkeys(name for names in lists for name in names))


def _options(
    categories: Sequence[str], samples: Sequence[str], variations: Sequence[str], objects: bool
) -> st.SearchStrategy[dict[str, Any]]:
    def some(names: Sequence[str]) -> st.SearchStrategy[Any]:
        return st.lists(st.sampled_from(names), unique=True, max_size=3) if names else st.just([])

    def mostly(other: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
        return st.sampled_from([True, True, True, False]).flatmap(lambda default: st.just({}) if default else other)

    def choice(what: str, names: Sequence[str]) -> st.SearchStrategy[dict[str, Any]]:
        only, exclude = ({f"{how}_{what}": some(names)} for how in ("only", "exclude"))
        return mostly(st.fixed_dictionaries(only) | st.fixed_dictionaries(exclude))

    parts = [
        choice("categories", categories),
        choice("samples", samples),
        mostly(st.just({"variations": False}) | st.fixed_dictionaries({"only_variations": some(variations)})),
        mostly(
            st.sampled_from([{"storage": "double"}, {"no_weights": True}, {"storage": "int64", "no_weights": True}])
        ),
        st.sampled_from([{"collapse_2D_masks_mode": mode} for mode in ("OR", "AND")]),
        st.just({"collapse_2D_masks": True}) if objects else st.just({}),
    ]
    return st.tuples(*parts).map(lambda found: {key: value for part in found for key, value in part.items()})


@st.composite
def _histograms(draw: st.DrawFn, objects: bool, options: st.SearchStrategy[dict[str, Any]]) -> HistConf:
    several = st.just([]) | st.lists(st.sampled_from(_JET_AXES), min_size=1, max_size=2, unique=True)
    if not objects:
        several |= st.just(_MUON_AXES)
    jagged = draw(several)
    axes = draw(st.lists(st.sampled_from(_EVENT_AXES), min_size=0 if jagged else 1, max_size=2, unique=True))
    return HistConf([*axes, *jagged], **draw(options))


def _products(binnings: Sequence[Sequence[CutOn]]) -> list[str]:
    names = [""] if binnings else []
    for number, cuts in enumerate(binnings):
        names = [f"{name}_m{number}b{k}".lstrip("_") for name in names for k in range(len(cuts))]
    return names
