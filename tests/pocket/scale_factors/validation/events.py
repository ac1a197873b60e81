"""Toy events with scale factors that close, event by event, and the templates and sums of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import hist
import numpy as np
import numpy.typing as npt
from correctionlib import CorrectionSet
from correctionlib.highlevel import Correction

from pocket.scale_factors import Closure, DataMCRatio, EfficiencyMap, NormRatio, PreservedYield, ScaleFactor
from pocket.scale_factors.files.measured import ALL_YEARS
from pocket.scale_factors.files.writer import dumps
from pocket.scale_factors.measurement.measure import measure
from pocket.scale_factors.measurement.result import ScaleFactorResult
from pocket.scale_factors.validation.validate import Evidence, validate

Array = npt.NDArray[Any]
Events = dict[str, Array]
Weights = Mapping[str, Array]

BTAG = NormRatio(
    input="derivation",
    variable="njet",
    category="without",
    weighted="with",
    covariance="root",
    weight="btag",
    axes=("njet",),
    mc=("tt", "dy"),
    closure=Closure(
        same_events={"input": "calibrated", "weighted": "closed"},
        split=tuple({"category": f"without{n}", "weighted": f"with{n}", "covariance": f"root{n}"} for n in (0, 1)),
    ),
)
VERTICES = DataMCRatio(
    input="derivation",
    variable="npv",
    category="all",
    axes=("npv",),
    data=("data",),
    mc=("tt", "dy"),
    keep_yield=True,
    closure=Closure(
        same_events={"input": "calibrated", "category": "closed"},
        remeasured={"input": "calibrated", "category": "closed"},
        split=({"category": "half0"}, {"category": "half1"}),
    ),
)
TAGGING = EfficiencyMap(
    input="derivation",
    variable="jets",
    category="all",
    axes=("pt",),
    mc=("tt",),
    closure=Closure(
        preserved=(PreservedYield(config="calibrated", unweighted="all", category="closed", covariance="root"),)
    ),
)
NJET, PT = (0.0, 2.0, 3.0, 4.0, 5.0, 6.0, 20.0), (20.0, 40.0, 70.0, 120.0, 300.0)
NPV = (0.0, *range(22, 46, 2), 60.0)
SIZE = 20_000
SF = 0.93


def generate(seed: int, sample: str) -> Events:
    """Events with a number of jets and of vertices, a generator weight and a b-tag weight that depends on the jets."""
    rng = np.random.default_rng([seed, *sample.encode()])
    njet = rng.poisson(4.0 if sample == "tt" else 2.0, SIZE) + 0.5
    tags = rng.binomial(njet.astype(int), 0.3)
    b_tag = 0.97**njet * 1.08**tags * rng.normal(1, 0.02, SIZE)
    return {
        "njet": njet,
        "npv": rng.normal(36 if sample == "data" else 32, 6, SIZE).clip(0.5, 59),
        "weight": np.ones(SIZE) if sample == "data" else np.where(rng.random(SIZE) < 0.1, -0.7, 0.7),
        "btag": b_tag,
        "btag_hfUp": b_tag * 1.05**tags,
        "btag_hfDown": b_tag * 0.95**tags,
        "half": rng.integers(0, 2, SIZE),
    }


def fill(
    values: Array, edges: Sequence[float], name: str, categories: Mapping[str, Mapping[str, Array]], data: bool
) -> hist.Hist[Any]:
    """Fill a histogram: category → variation → weight of each event, nominal where a variation isn't given."""
    variations = list(dict.fromkeys(name for of_category in categories.values() for name in of_category))
    axes: list[Any] = [hist.axis.StrCategory(list(categories), name="cat")]
    if not data:
        axes.append(hist.axis.StrCategory(variations, name="variation"))
    histogram = hist.Hist(*axes, hist.axis.Variable(list(edges), name=name), storage=hist.storage.Weight())
    for category, weights in categories.items():
        for variation in ["nominal"] if data else variations:
            where = {"cat": category} if data else {"cat": category, "variation": variation}
            histogram.fill(**where, **{name: values}, weight=weights.get(variation, weights["nominal"]))
    return histogram


def sums(config: Mapping[str, Mapping[str, Weights]]) -> Any:
    """Sums as a merged output has them: sample → category → variation → weight of each event; a dataset per sample."""
    datasets = {sample: f"{sample}_2018" for sample in config}
    content: dict[str, Any] = {
        "cutflow": {stage: dict.fromkeys(datasets.values(), SIZE) for stage in ("initial", "skim")},
        "sum_genweights": {datasets[sample]: 0.8 * SIZE for sample in config if sample != "data"},
        "sum_signOf_genweights": {},
        "datasets_metadata": {dataset: {"sample": sample, "year": "2018"} for sample, dataset in datasets.items()},
        "sumw": {},
        "sumw2": {},
    }
    for sample, categories in config.items():
        for category, weights in categories.items():
            for key, power in (("sumw", 1), ("sumw2", 2)):
                total = float((weights["nominal"] ** power).sum())
                content[key].setdefault(category, {})[datasets[sample]] = {sample: {"nominal": total}}
    return content


@dataclasses.dataclass(frozen=True)
class Toys:
    """Events of some samples and what a declaration fills with them.

    Args:
        declaration: what is measured, with ``derivation`` and ``calibrated`` as configurations.
        edges: edges of its axis.
        events: sample → events.
        categories: ``(declaration, sample, events, correction) -> config → category → variation → weights``; the
            correction is ``None`` before it is measured.
    """

    declaration: ScaleFactor
    edges: Sequence[float]
    events: Mapping[str, Events]
    categories: Callable[[str, Events, Correction | None], Mapping[str, Mapping[str, Weights]]]

    def filled(self, config: str, of: Correction | None) -> tuple[dict[str, hist.Hist[Any]], Any]:
        """Return histograms and sums of a configuration."""
        (axis,) = self.declaration.axes
        chosen = {sample: self.categories(sample, events, of)[config] for sample, events in self.events.items()}
        histograms = {
            sample: fill(self.events[sample][axis], self.edges, axis, categories, sample == "data")
            for sample, categories in chosen.items()
        }
        return histograms, sums(chosen)

    def evidence(self, change: Callable[[Any], Any] = lambda result: result) -> Evidence:
        """Measure, write, apply.

        Args:
            change: what is done to the result before it is written and applied.
        """
        declaration = self.declaration
        before, sums_before = self.filled("derivation", None)
        result = change(measure("sf", declaration, before))
        text = dumps(result)
        after, sums_after = self.filled("calibrated", CorrectionSet.from_string(text)["sf"])
        sources = {("derivation", declaration.variable): before, ("calibrated", declaration.variable): after}
        return Evidence(
            "sf", declaration, result, text, {ALL_YEARS: sources}, {"derivation": sums_before, "calibrated": sums_after}
        )


def with_halves(weights: dict[str, Weights], half: Array) -> dict[str, Weights]:
    """Add each category in halves of the events."""
    for category in list(weights):
        for n in (0, 1):
            chosen = {name: np.where(half == n, values, 0.0) for name, values in weights[category].items()}
            weights[f"{category}{n}"] = chosen
    return weights


def norm_ratio(seed: int = 1, correlated: bool = True) -> Toys:
    """Toys for :data:`BTAG`; without the correlation, the category with the square root is empty."""

    def categories(sample: str, events: Events, of: Correction | None) -> dict[str, dict[str, Weights]]:
        w = events["weight"]
        varied = {"nominal": w * events["btag"], **{name: w * events[name] for name in ("btag_hfUp", "btag_hfDown")}}
        root = {"nominal": w * np.sqrt(events["btag"]) * correlated}
        derivation = with_halves({"without": {"nominal": w}, "with": varied, "root": root}, events["half"])
        calibrated = {"without": {"nominal": w}}
        if of is not None:
            keys = {"nominal": "nominal", "btag_hfUp": "hf_up", "btag_hfDown": "hf_down"}
            calibrated["closed"] = {
                name: values * of.evaluate(sample, events["njet"], keys[name]) for name, values in varied.items()
            }
        return {"derivation": derivation, "calibrated": calibrated}

    return Toys(BTAG, NJET, {sample: generate(seed, sample) for sample in BTAG.mc}, categories)


def data_mc_ratio(seed: int = 1) -> Toys:
    """Toys for :data:`VERTICES`."""

    def categories(sample: str, events: Events, of: Correction | None) -> dict[str, dict[str, Weights]]:
        w = events["weight"]
        derivation = with_halves({"half": {"nominal": w}}, events["half"])
        factors = 1.0 if of is None or sample == "data" else of.evaluate(events["npv"], "nominal")
        return {"derivation": {**derivation, "all": {"nominal": w}}, "calibrated": {"closed": {"nominal": w * factors}}}

    return Toys(VERTICES, NPV, {sample: generate(seed, sample) for sample in ("data", "tt", "dy")}, categories)


def tagging(change: Callable[[Any], Any] = lambda result: result) -> Evidence:
    """Evidence of :data:`TAGGING`: events of four jets, weighted as for a scale factor :data:`SF` of the tagger."""
    rng = np.random.default_rng(7)
    pt = 20 + rng.exponential(50, (SIZE, 4))
    passing = rng.random(pt.shape) < 0.75 - 0.1 * np.exp(-pt / 60)
    weight = generate(7, "tt")["weight"]
    histogram = hist.Hist(
        hist.axis.StrCategory(["all"], name="cat"),
        hist.axis.StrCategory(["nominal"], name="variation"),
        hist.axis.Integer(0, 2, name="passing"),
        hist.axis.Variable(PT, name="pt"),
        storage=hist.storage.Weight(),
    )
    histogram.fill("all", "nominal", passing.ravel().astype(int), pt.ravel(), weight=np.repeat(weight, 4))
    sources = {("derivation", "jets"): {"tt": histogram}}
    result = change(measure("sf", TAGGING, sources["derivation", "jets"]))
    text = dumps(result)
    efficiency = CorrectionSet.from_string(text)["sf"].evaluate(pt.ravel(), "nominal").reshape(pt.shape)
    factor = np.where(passing, SF, (1 - SF * efficiency) / (1 - efficiency)).prod(axis=1)
    applied = {"all": weight, "closed": weight * factor, "root": weight * np.sqrt(factor)}
    after = sums({"tt": {category: {"nominal": values} for category, values in applied.items()}})
    before = sums({"tt": {"all": {"nominal": weight}}})
    return Evidence("sf", TAGGING, result, text, {ALL_YEARS: sources}, {"derivation": before, "calibrated": after})


def scaled(result: ScaleFactorResult, factor: Array | float) -> ScaleFactorResult:
    """Return a result with other values."""
    values = dataclasses.replace(result.scale_factor, value=result.scale_factor.value * factor)
    return dataclasses.replace(result, scale_factor=values)


def outcomes(evidence: Evidence) -> dict[str, str]:
    """Return the checks that failed with their outcomes."""
    return validate(evidence).failed
