"""Small templates and results to draw."""

from __future__ import annotations

from typing import Any

import hist
import numpy as np

from pocket.plots.canvas import Period
from pocket.plots.style import PlotStyle
from pocket.plots.templates.figures import PlotContext
from pocket.scale_factors.measurement.result import VALID, FitDiagnostics, Measurement, Region, ScaleFactorResult

VARIATIONS = ("nominal", "pileupUp", "pileupDown", "sf_mu_idUp", "sf_mu_idDown")
CAPTION: dict[str, Any] = {"period": Period(lumi=50.0, year="toys", com=13.0)}


def drawn(draw: Any, data: Any, mc: Any, style: PlotStyle, **given: Any) -> Any:
    """What a plot of the dimuon mass returns."""
    plan: Any = None
    names = {"histogram": "mll", "category": "z_window", **CAPTION}
    return draw(PlotContext(plan=plan, data=data, mc=mc, style=style, **names, **given))


def template(values: Any, variances: Any, **shifts: tuple[Any, Any]) -> hist.Hist[Any]:
    """A template with one axis and the given contents; ``shifts`` are up and down, added to the values."""
    names = ["nominal", *(f"{source}{side}" for source in shifts for side in ("Up", "Down"))]
    h = hist.Hist(
        hist.axis.StrCategory(names, name="variation"),
        hist.axis.Regular(len(values), 0, len(values), name="x", label="$x$ [GeV]"),
        storage=hist.storage.Weight(),
    )
    rows = [np.array(values, dtype=float)]
    rows += [rows[0] + shift for pair in shifts.values() for shift in pair]
    view: Any = h.view()
    view["value"] = rows
    view["variance"] = variances
    return h


def counts(values: Any) -> hist.Hist[Any]:
    """Data with the axis of :func:`template`."""
    h = hist.Hist(
        hist.axis.Regular(len(values), 0, len(values), name="x", label="$x$ [GeV]"), storage=hist.storage.Weight()
    )
    view: Any = h.view()
    view["value"] = view["variance"] = values
    return h


def z_peak(seed: int = 1, events: int = 4000) -> tuple[hist.Hist[Any], dict[str, hist.Hist[Any]]]:
    """Data and MC of the dimuon mass, with two systematics."""
    rng = np.random.default_rng(seed)
    axis = hist.axis.Regular(25, 66, 116, name="mll", label=r"$m_{\mu\mu}$ [GeV]")
    data = hist.Hist(axis, storage=hist.storage.Weight())
    mc = {}
    for sample, share in (("DYJetsToMuMu", 0.9), ("TTToSemiLeptonic", 0.06), ("WJetsToLNu", 0.04)):
        h = hist.Hist(hist.axis.StrCategory(VARIATIONS, name="variation"), axis, storage=hist.storage.Weight())
        size = int(events * share)
        z = 91.2 + 1.25 * rng.standard_cauchy(size) + rng.normal(0, 1.4, size)
        mass = z if sample.startswith("DY") else rng.uniform(60, 120, size)
        weight = np.where(rng.random(size) < 0.1, -1.0, 1.0)
        for variation, factor in zip(VARIATIONS, (1, 1.01, 0.98, 1.015, 0.985), strict=True):
            h.fill(variation=variation, mll=mass, weight=weight * factor)
        mc[sample] = h
        data.fill(rng.choice(mass, int(0.8 * size)))
    return data, mc


def scale_factor(
    pt: tuple[float, ...] = (20, 30, 40, float("inf")), abseta: tuple[float, ...] = (0, 1.2, 2.4), failed: int = 1
) -> ScaleFactorResult:
    """A scale factor in two dimensions whose bin ``failed`` is not valid, with nominal fits."""
    shape = (len(pt) - 1, len(abseta) - 1)
    bins = shape[0] * shape[1]
    efficiency = 0.9 + 0.05 * np.arange(bins).reshape(shape) / bins
    error = np.full(shape, 0.002)
    status = [VALID] * bins
    status[failed] = "no convergence"
    edges = np.linspace(70, 110, 21)
    signal = 500 * np.exp(-0.5 * ((edges[1:] + edges[:-1] - 182) / 5) ** 2)
    background = np.full(20, 10.0)
    region = Region(np.floor(signal + background), np.sqrt(signal), 1.1 * signal, background, signal, background)
    fits = tuple(
        FitDiagnostics(
            label=f"bin {number}",
            model="nominal",
            mass_edges=edges,
            regions={"pass": region, "fail": region},
            chi2=30.0,
            ndf=34,
            parameters={"signal": (2000.0, 50.0), "efficiency": (0.9501, 0.0021), "slope": (0.1, 0.0)},
            status=status[number],
            attempts=1,
        )
        for number in range(bins)
    )
    return ScaleFactorResult(
        name="muon_id",
        method="TagAndProbeFit",
        quantity="weight",
        description="",
        axes={"pt": pt, "abseta": abseta},
        flow={"pt": "clamp", "abseta": "clamp"},
        efficiencies={
            "data": Measurement(0.98 * efficiency, error, error),
            "mc": Measurement(efficiency, error / 2, error / 2),
        },
        scale_factor=Measurement(np.full(shape, 0.98), error, error),
        systematics={"signal": (np.full(shape, 0.003), np.full(shape, -0.003))},
        groups=np.arange(bins).reshape(shape),
        status=tuple(status),
        diagnostics=fits,
    )
