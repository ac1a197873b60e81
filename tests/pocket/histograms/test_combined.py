from __future__ import annotations

import math
import statistics
from typing import Any

import hist
import numpy as np
import pytest

from pocket.errors import HistogramError, UnknownNameError
from pocket.histograms.combined import Combination, combinations_of, with_combined
from pocket.plots.statistics import Prediction

BINS = 6


def template(names: list[str], seed: int = 0, storage: str = "weight") -> Any:
    """Return a template whose contents, flow bins included, are random for each variation."""
    h = hist.Hist(
        hist.axis.StrCategory(["a", "b"], name="cat"),
        hist.axis.StrCategory(names, name="variation"),
        hist.axis.Regular(BINS, 0, 1, name="x"),
        storage=storage,
    )
    rng = np.random.default_rng(seed)
    view: Any = h.view(flow=True)
    if storage == "weight":
        view["value"], view["variance"] = rng.normal(100, 5, view.shape), rng.uniform(1, 2, view.shape)
    else:
        view[...] = rng.normal(100, 5, view.shape)
    return h


def values(h: Any, variation: str) -> list[float]:
    """Return all contents of a variation in the category a, with those beyond the axis."""
    content: Any = h[{"cat": "a", "variation": variation}].values(flow=True)
    return list(map(float, content))


PAIRS = [f"pdf_{k}{side}" for k in range(1, 5) for side in ("Up", "Down")]


def test_eigenvectors_against_the_formula_bin_by_bin() -> None:
    h = template(["nominal", *PAIRS, "pileupUp", "pileupDown"])
    found = with_combined(h, [Combination("pdf", "hessian", r"\d+")])
    assert list(found.axes["variation"]) == ["nominal", "pileupUp", "pileupDown", "pdfUp", "pdfDown"]
    nominal = values(h, "nominal")
    shifts = [
        [
            (up - center, down - center)
            for up, down, center in zip(values(h, f"pdf_{k}Up"), values(h, f"pdf_{k}Down"), nominal, strict=True)
        ]
        for k in range(1, 5)
    ]
    for number, center in enumerate(nominal):
        high = math.sqrt(sum(max(*pair[number], 0.0) ** 2 for pair in shifts))
        low = math.sqrt(sum(min(*pair[number], 0.0) ** 2 for pair in shifts))
        assert values(found, "pdfUp")[number] == pytest.approx(center + high, rel=1e-14)
        assert values(found, "pdfDown")[number] == pytest.approx(center - low, rel=1e-14)
    for name in ("nominal", "pileupUp", "pileupDown"):
        assert values(found, name) == values(h, name)
    # the band of a plot is the same with separate and with combined eigenvectors
    one, other = (Prediction.from_hist(each[{"cat": "a"}]).syst for each in (h, found))
    assert np.allclose(one, other, rtol=1e-13)


def test_alphas_is_added_in_quadrature() -> None:
    h = template(["nominal", *PAIRS, "pdf_alphasUp", "pdf_alphasDown"])
    alone = with_combined(h, [Combination("pdf", "hessian", r"\d+")])
    assert "pdf_alphasUp" in list(alone.axes["variation"])
    both = with_combined(h, [Combination("pdf", "hessian", r"\d+", "alphas")])
    assert list(both.axes["variation"]) == ["nominal", "pdfUp", "pdfDown"]
    for number, center in enumerate(values(h, "nominal")):
        up, down = (values(h, f"pdf_alphas{side}")[number] - center for side in ("Up", "Down"))
        high, low = values(alone, "pdfUp")[number] - center, center - values(alone, "pdfDown")[number]
        assert values(both, "pdfUp")[number] - center == pytest.approx(math.hypot(high, max(up, down, 0)), rel=1e-12)
        assert center - values(both, "pdfDown")[number] == pytest.approx(math.hypot(low, min(up, down, 0)), rel=1e-12)


def test_replicas_spread_around_the_nominal_template() -> None:
    names = [f"pdf_{k}Up" for k in range(1, 31)]
    h = template(["nominal", *names], storage="double")
    found = with_combined(h, [Combination("pdf", "replicas", r"\d+")])
    for number, center in enumerate(values(h, "nominal")):
        spread = statistics.stdev(values(h, name)[number] for name in names)
        assert values(found, "pdfUp")[number] == pytest.approx(center + spread, rel=1e-13)
        assert values(found, "pdfDown")[number] == pytest.approx(center - spread, rel=1e-13)


def test_the_envelope_of_templates_is_smaller_than_that_of_events() -> None:
    rng = np.random.default_rng(2)
    x, weights = rng.uniform(0, 1, 10_000), rng.normal(1, 0.2, (6, 10_000))
    points = [f"scale_p{k}Up" for k in range(6)]
    h = hist.Hist(
        hist.axis.StrCategory(["nominal", *points], name="variation"), hist.axis.Regular(BINS, 0, 1, name="x")
    )
    h.fill("nominal", x)
    for name, weight in zip(points, weights, strict=True):
        h.fill(name, x, weight=weight)
    found = with_combined(h, [Combination("scale", "envelope", r"p\d")])
    contents = np.array([[h[name, k] for name in ("nominal", *points)] for k in range(BINS)])
    assert found["scaleUp", :].values().tolist() == contents.max(axis=1).tolist()
    assert found["scaleDown", :].values().tolist() == contents.min(axis=1).tolist()
    of_events, _ = np.histogram(x, BINS, (0, 1), weights=np.maximum(weights.max(axis=0), 1))
    assert (of_events > found["scaleUp", :].values() * 1.1).all()


def test_nothing_to_combine() -> None:
    data = hist.Hist(hist.axis.Regular(2, 0, 1, name="x"))
    combination = Combination("pdf", "hessian", r"\d+")
    assert with_combined(data, [combination]) is data
    h = template(["nominal", "pdf_fooUp", "pdf_fooDown", "other_pdf_1Up"])
    assert with_combined(h, [combination]) is h
    assert with_combined(h, []) is h


def test_mistakes() -> None:
    combination = Combination("pdf", "hessian", r"\d+")
    with pytest.raises(HistogramError, match="without the nominal template"):
        with_combined(template(["pdf_1Up"]), [combination])
    with pytest.raises(HistogramError, match="the variation pdfUp exists already"):
        with_combined(template(["nominal", "pdf_1Up", "pdfUp"]), [combination])
    with pytest.raises(UnknownNameError, match="did you mean 'hessian'"):
        Combination("pdf", "hesian", r"\d+")


def test_combinations_of_weights() -> None:
    class Plain:
        name = "plain"

    class Combined:
        combination = Combination("pdf", "hessian", r"\d+")

    class Separate(Combined):
        combination = None  # type: ignore[assignment]

    assert combinations_of([Plain, Combined, Separate]) == (Combined.combination,)
