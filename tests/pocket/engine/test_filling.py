from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import awkward as ak
import hist
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocket.engine.filling import HistogramFiller, StoredVariations
from pocket.engine.masks import CategoryMasks, to_bits
from pocket.engine.weighting import ChunkWeights
from pocket.errors import HistogramError
from pocket.histograms.axes import build_axis
from pocket.histograms.config import Axis, HistConf
from pocket.weights import WeightLambda
from tests.pocket.configs import DATA, DY, TT, configure, metadata
from tests.pocket.engine.generated_events import (
    METADATA,
    Event,
    axes,
    custom_fields,
    entries_of,
    events,
    to_awkward,
)

X = Axis(field="x", bins=4, start=0, stop=2)
CATEGORIES = ["SR", "CR", "VR"]


@st.composite
def histograms(draw: st.DrawFn) -> HistConf:
    """Histograms with all the options."""
    options: dict[str, Any] = {"storage": draw(st.sampled_from(["weight", "double", "int64"]))}
    options["no_weights"] = options["storage"] == "int64" or draw(st.booleans())
    some = st.lists(st.sampled_from(CATEGORIES), max_size=2, unique=True)
    options |= draw(
        st.one_of(
            st.just({}),
            st.fixed_dictionaries({"only_categories": some}),
            st.fixed_dictionaries({"exclude_categories": some}),
        )
    )
    options |= draw(st.sampled_from([{}, {"variations": False}, {"only_variations": ["sfUp"]}]))
    return HistConf(draw(axes()), **options)


def weights(rng: np.random.Generator, size: int, variations: list[str], n_classes: int) -> ChunkWeights:
    matrices = rng.choice([-1.3, 0.0, 0.1, 1.0, 2.7], (n_classes, size, len(variations)))
    classes = {category: int(rng.integers(n_classes)) for category in CATEGORIES}
    return ChunkWeights(tuple(variations), matrices, classes)


def category_bits(masks: dict[str, Any], size: int) -> CategoryMasks:
    return CategoryMasks(tuple(masks), to_bits(list(masks.values()), size))


def fill_histograms(
    config: Any, arrays: Any, custom: dict[str, Any], meta: dict[str, Any], masks: dict[str, Any], chunk: ChunkWeights
) -> dict[str, Any]:
    """Fill the nominal variation of the one sample."""
    sample = meta["sample"]
    found = fill_samples(config, arrays, custom, meta, {sample: masks}, {sample: chunk})
    return {name: by_sample[sample] for name, by_sample in found.items()}


def fill_samples(
    config: Any,
    arrays: Any,
    custom: dict[str, Any],
    meta: dict[str, Any],
    masks: dict[str, dict[str, Any]],
    chunks: dict[str, ChunkWeights],
) -> dict[str, dict[str, Any]]:
    """Fill the nominal variation of some samples."""
    reach = dict.fromkeys(config.categories, ())
    stored = {sample: StoredVariations(chunk.variations, reach) for sample, chunk in chunks.items()}
    filler = HistogramFiller(config.plan(), meta, stored)
    bits = {sample: category_bits(own, len(arrays)) for sample, own in masks.items()}
    filler.fill(arrays, custom, bits, chunks)
    return filler.histograms()


def by_hist_fill(conf: HistConf, generated: list[Event], mask: Any, weight: Any) -> Any:
    """Fill the entries of the selected events one histogram at a time."""
    rows = [
        (row, weight[number])
        for number, event in enumerate(generated)
        if mask[number]
        for row in entries_of(event, list(conf.axes))
    ]
    filled = hist.Hist(*map(build_axis, conf.axes), storage=conf.storage).view(flow=True)
    # hist.fill takes what is below the domain of a transform as overflow, and without the transform as underflow.
    groups: dict[tuple[bool, ...], list[Any]] = {}
    for row, value in rows:
        below = tuple(axis.transform is not None and entry < 0 for axis, entry in zip(conf.axes, row, strict=True))
        groups.setdefault(below, []).append((row, value))
    for below, members in groups.items():
        axes = [replace(axis, transform=None) if out else axis for axis, out in zip(conf.axes, below, strict=True)]
        part = hist.Hist(*map(build_axis, axes), storage=conf.storage)
        columns = [np.array(column) for column in zip(*(row for row, _ in members), strict=True)]
        part.fill(*columns, **{} if conf.no_weights else {"weight": np.array([value for _, value in members])})
        filled = filled + part.view(flow=True)
    return filled


def assert_close(found: Any, expected: Any) -> None:
    if expected.dtype.names:
        for part in ("value", "variance"):
            assert found[part] == pytest.approx(expected[part], rel=1e-12, abs=1e-12)
    else:
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-12)


@settings(max_examples=50)
@given(
    generated=events(),
    confs=st.lists(histograms(), min_size=1, max_size=3),
    is_mc=st.booleans(),
    n_classes=st.integers(1, 3),
    times=st.sampled_from([1, 50]),
    shared=st.lists(st.integers(0, 1), min_size=1, max_size=3),
    seed=st.integers(0, 2**32 - 1),
)
def test_equals_hist_fill(
    generated: list[Event],
    confs: list[HistConf],
    is_mc: bool,
    n_classes: int,
    times: int,
    shared: list[int],
    seed: int,
) -> None:
    # with many entries for each bin and combination of categories, too
    generated = times * generated
    rng = np.random.default_rng(seed)
    variations = ["nominal", "sfUp", "sfDown"] if is_mc else ["nominal"]
    # subsamples of which some have the same weights
    both = [weights(rng, len(generated), variations, n_classes) for _ in range(2)]
    chunks = {f"sub{number}": both[which] for number, which in enumerate(shared)}
    masks = {sub: {category: rng.random(len(generated)) < 0.6 for category in CATEGORIES} for sub in chunks}
    sf = WeightLambda.wrap_func("sf", lambda *args: (1.0, 1.0, 1.0), has_variations=True)
    block = {"common": {"inclusive": [sf]}}
    config = configure(
        categories={category: [] for category in CATEGORIES},
        weights=block,
        variations={"weights": block},
        variables={str(number): conf for number, conf in enumerate(confs)},
    )
    meta = {**METADATA, "isMC": is_mc}
    found = fill_samples(config, to_awkward(generated), custom_fields(generated), meta, masks, chunks)

    filled = {str(n): conf for n, conf in enumerate(confs) if any(map(conf.fills_category, CATEGORIES))}
    assert set(found) == set(filled)
    for (name, conf), (sub, chunk) in itertools.product(filled.items(), chunks.items()):
        histogram = found[name][sub]
        names = ["cat", *(["variation"] if is_mc else []), *(axis.name for axis in conf.axes)]
        assert list(histogram.axes.name) == names
        assert list(histogram.axes["cat"]) == [category for category in CATEGORIES if conf.fills_category(category)]
        stored = [variation for variation in variations if conf.fills_variation(variation)]
        assert not is_mc or list(histogram.axes["variation"]) == stored
        view = histogram.view(flow=True)
        for number, category in enumerate(histogram.axes["cat"]):
            matrix = chunk.matrices[chunk.class_of[category]]
            for column, variation in enumerate(stored):
                weight = matrix[:, variations.index(variation)]
                expected = by_hist_fill(conf, generated, masks[sub][category], weight)
                assert_close(view[number, column] if is_mc else view[number], expected)


def fill(variables: dict[str, HistConf], x: list[float], dataset: str = DY) -> dict[str, Any]:
    """Fill histograms of ``x`` with weights of 1 in one category."""
    config = configure(variables=variables)
    size = len(x)
    chunk = ChunkWeights(("nominal",), np.ones((1, size, 1)), {"baseline": 0})
    masks = {"baseline": np.ones(size, dtype=bool)}
    arrays = ak.Array({"x": np.array(x, dtype=np.float64)})
    return fill_histograms(config, arrays, {}, metadata(config, dataset), masks, chunk)


def test_more_categories_than_bits_in_a_word() -> None:
    names = [f"c{number}" for number in range(130)]
    config = configure(
        categories={name: [] for name in names},
        variables={"x": HistConf([X]), "some": HistConf([X], only_categories=["c63", "c64", "c129"])},
    )
    values = np.arange(130) / 65
    masks = {name: np.arange(130) == number for number, name in enumerate(names)}
    chunk = ChunkWeights(("nominal",), np.ones((1, 130, 1)), dict.fromkeys(names, 0))
    arrays = ak.Array({"x": values})
    found = fill_histograms(config, arrays, {}, metadata(config, DY), masks, chunk)
    counts = found["x"].values(flow=True)[:, 0, :]
    assert counts.shape == (130, 6)
    for number, row in enumerate(counts):
        assert row.tolist() == [float(bin == 1 + int(values[number] / 0.5)) for bin in range(6)]
    assert list(found["some"].axes["cat"]) == ["c63", "c64", "c129"]
    assert found["some"].values(flow=True)[:, 0, :].tolist() == counts[[63, 64, 129]].tolist()


def test_only_the_samples_asked_for() -> None:
    variables = {
        "all": HistConf([X]),
        "only": HistConf([X], only_samples=["TT"]),
        "exclude": HistConf([X], exclude_samples=["TT"]),
    }
    assert list(fill(variables, [1.0])) == ["all", "exclude"]
    assert list(fill(variables, [1.0], TT)) == ["all", "only"]


def test_categories_without_a_shape_variation_keep_their_nominal_sums() -> None:
    config = configure(categories={"SR": [], "CR": []}, variables={"x": HistConf([X])})
    meta = metadata(config, DY)
    names, values, weight = ("SR", "CR"), np.array([0.1, 0.2, 1.7]), np.array([0.5, 2.0, -3.0])
    stored = StoredVariations(("nominal",), {"SR": ("JESUp",), "CR": ()})
    filler = HistogramFiller(config.plan(), meta, {"DY": stored})
    masks = category_bits({name: np.ones(3, dtype=bool) for name in names}, 3)
    chunk = ChunkWeights(("nominal",), weight.reshape(1, 3, 1), dict.fromkeys(names, 0))
    filler.fill(ak.Array({"x": values}), {}, {"DY": masks}, {"DY": chunk})
    filled = filler.histograms()["x"]["DY"]
    expected = hist.Hist(build_axis(X), storage="weight").fill(values, weight=weight).view(flow=True)
    nothing = np.zeros_like(expected)
    for category, variation, sums in (("SR", "nominal", expected), ("SR", "JESUp", nothing), ("CR", "JESUp", expected)):
        assert_close(filled[category, variation, :].view(flow=True), sums)


@pytest.mark.parametrize("dataset", [DY, DATA])
def test_histograms_before_any_event(dataset: str) -> None:
    variables = {"x": HistConf([X]), "counts": HistConf([X], storage="int64", no_weights=True)}
    config = configure(variables=variables)
    meta = metadata(config, dataset)
    stored = StoredVariations(("nominal",), {"baseline": ()})
    by_sample = HistogramFiller(config.plan(), meta, {meta["sample"]: stored}).histograms()
    empty = {name: histograms[meta["sample"]] for name, histograms in by_sample.items()}
    assert empty == fill(variables, [], dataset)
    assert all(not histogram.values(flow=True).any() for histogram in empty.values())
    assert "variation" in empty["x"].axes.name or dataset == DATA


def test_what_is_not_a_number_has_no_bin() -> None:
    with pytest.raises(HistogramError, match="histogram 'mll': axis 'x': 1 of 3 values are NaN"):
        fill({"mll": HistConf([X])}, [0.5, np.nan, 1.0])
