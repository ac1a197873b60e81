"""Figures of a measured scale factor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from pocket.plan.figures import FigurePlan
from pocket.plots.scale_factors.convergence import convergence
from pocket.plots.scale_factors.maps import scale_factor_maps
from pocket.plots.scale_factors.mass_fits import fit_pages, fit_summary
from pocket.plots.scale_factors.published import published_pages
from pocket.plots.scale_factors.slices import intervals
from pocket.plots.scale_factors.template_fits import template_fit_pages
from pocket.plots.scale_factors.uncertainties import breakdown_pages, correlation_page, coupled_pages
from pocket.plots.scale_factors.values import scale_factor_pages
from pocket.plots.style import PlotStyle
from pocket.plots.templates.figures import Plot, period_of
from pocket.scale_factors.files.comparison import Varied, compare_published
from pocket.scale_factors.measurement.result import ScaleFactorResult

if TYPE_CHECKING:
    from correctionlib.highlevel import Correction


def draw_scale_factor(
    plan: FigurePlan, variable: str, result: ScaleFactorResult, closure: Mapping[str, bool] = MappingProxyType({})
) -> Iterator[Plot]:
    """Draw a scale factor, its uncertainties and its fits; ``variable`` is empty if it is measured from no histogram.

    ``closure``, which figures of its values show: what its closure says → whether that is good.

    Stems: ``{name}`` shows the values in slices, ``{name}_map`` two axes with edges, ``{name}_uncertainties`` the
    sources if there are any, ``{name}_variations`` the variations of the weight that it belongs to,
    ``{name}_correlation`` the correlation of several bins, and ``{name}_fits_{model}``, ``{name}_fits_{number}`` and,
    for template fits, ``{name}_fits_{number}_parameters`` the fits. Those of several pages end with the content of each
    page.
    """
    shared = _shared(plan)
    labelled = shared | {"labels": _labels(plan, variable)}
    yield from _with_stem(result.name, scale_factor_pages(result, **labelled, notes=closure))
    if len(intervals(result.axes)) > 1:
        yield from _with_stem(f"{result.name}_map", scale_factor_maps(result, **labelled, notes=closure))
    if result.systematics:
        yield from _with_stem(f"{result.name}_uncertainties", breakdown_pages(result, **labelled))
    if result.coupled:
        yield from _with_stem(f"{result.name}_variations", coupled_pages(result, **labelled))
    # Without an error there is no correlation.
    if result.binning.size > 1 and result.covariance.any():
        yield (f"{result.name}_correlation", *correlation_page(result, **labelled))
    for model in dict.fromkeys(fit.model for fit in result.diagnostics):
        yield (f"{result.name}_fits_{model}", *fit_summary(result, **shared, model=model))
    for number, page in enumerate(fit_pages(result, **shared), 1):
        yield (f"{result.name}_fits_{number:02d}", *page)
    yield from _with_stem(f"{result.name}_fits", template_fit_pages(result, **labelled))


def draw_convergence(plan: FigurePlan, history: Sequence[ScaleFactorResult], tolerance: float) -> Iterator[Plot]:
    """Draw the convergence of a coupled scale factor."""
    yield (f"{history[0].name}_convergence", *convergence(history, tolerance, **_shared(plan)))


def draw_published(
    plan: FigurePlan,
    variable: str,
    result: ScaleFactorResult,
    correction: Correction,
    inputs: Mapping[str, str | Varied],
) -> Iterator[Plot]:
    """Draw a scale factor and a published one, whose inputs are those of ``compare_published``."""
    comparison = compare_published(result, correction, inputs)
    pages = published_pages(result, comparison, **_shared(plan), labels=_labels(plan, variable))
    yield from _with_stem(f"{result.name}_published", pages)


def _shared(plan: FigurePlan) -> dict[str, Any]:
    return {"style": PlotStyle.from_parameters(plan.style), "period": period_of(plan)}


def _labels(plan: FigurePlan, variable: str) -> dict[str, str]:
    axes = plan.variables[variable].axes if variable else ()
    return {axis.name: axis.label or axis.name for axis in axes}


def _with_stem(name: str, pages: Iterable[tuple[str, Figure, dict[str, Any]]]) -> Iterator[Plot]:
    for stem, figure, numbers in pages:
        yield f"{name}_{stem}" if stem else name, figure, numbers
