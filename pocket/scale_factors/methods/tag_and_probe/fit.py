"""Scale factors from fits to tag-and-probe mass spectra.

Passing and failing pairs of a bin are fitted together, with the number of signal pairs N and their efficiency ε as
parameters, see :mod:`pocket.scale_factors.methods.tag_and_probe.mass_model`. The declaration names the spectrum of the
signal and the shape of the background. A systematic uncertainty is the change of the scale factor in another fit: with
the alternative spectrum (``signal``), the alternative background (``background``), or a mass range that is a tenth
shorter at both ends (``mass_range``). :func:`combine` makes a single uncertainty of them, if the declaration says so.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from iminuit import Minuit

from pocket.base.runtime.spreading import spread
from pocket.base.typing import Floats
from pocket.errors import ConfigError, UnstableFitError, check_known
from pocket.scale_factors.measurement.result import VALID, FitDiagnostics, Measured, Measurement, Region
from pocket.scale_factors.measurement.templates import NOMINAL, Counts, Templates
from pocket.scale_factors.methods.efficiency.statistics import (
    counted_efficiency,
    efficiency_ratio,
    refuse,
    require_efficiency,
    weighted_efficiency,
)
from pocket.scale_factors.methods.tag_and_probe.cms_shape import CMSShape
from pocket.scale_factors.methods.tag_and_probe.crystal_ball import crystal_ball_spectrum
from pocket.scale_factors.methods.tag_and_probe.declaration import LEAST_BINS, Z_MASS, Fit, TagAndProbeFit
from pocket.scale_factors.methods.tag_and_probe.mass_model import PassFailModel
from pocket.scale_factors.methods.tag_and_probe.mass_shapes import (
    SHIFT_MAX,
    SIGMA_MAX,
    SIGMA_MIN,
    Background,
    Bernstein,
    Exponential,
    MassDependence,
    PowerLaw,
    Quadratic,
    SmearedSpectrum,
    breit_wigner_spectrum,
    template_spectrum,
)
from pocket.scale_factors.methods.tag_and_probe.mass_windows import coarser, mass_edges, mass_window

#: yield [pairs] below which it is at its limit of 0
AT_LIMIT = 1e-3
NO_INTERVAL = "no interval for the efficiency"
NO_MINIMUM = "no minimum found"
#: shapes of the background by their names in declarations
BACKGROUND_SHAPES: Mapping[str, Callable[[Floats], Background]] = {
    "exponential": Exponential,
    "quadratic": Quadratic,
    "cms_shape": CMSShape,
    "bernstein": Bernstein,
    "power_law": PowerLaw,
}
#: parameter → power of the unit of the mass; others have none
UNITS: Mapping[str, int] = {"shift": 1, "sigma": 1, "alpha": 1, "slope": -1, "beta": -1, "gamma": -1}


@dataclass(frozen=True, eq=False)
class BinFit:
    """Efficiency from one fit, with its diagnostics for plots.

    Args:
        up: upper error (MINOS; 0 if it wasn't requested).
    """

    efficiency: float
    up: float
    down: float
    diagnostics: FitDiagnostics


def measure(declaration: TagAndProbeFit, templates: Templates) -> Measured:
    """Return the measurement of :class:`~pocket.scale_factors.methods.tag_and_probe.declaration.TagAndProbeFit`."""
    name, labels = templates.name, templates.labels
    data = templates.counted(declaration.data, (declaration.mass_axis,))
    mc = templates.counts(declaration.mc, (declaration.mass_axis,))
    masses = mass_edges(declaration, templates)
    if declaration.mass_bins:
        masses, starts = coarser(declaration, masses)
        data, mc = (
            Counts(
                *(np.add.reduceat(getattr(counts, part.name), starts, axis=-1) for part in dataclasses.fields(Counts))
            )
            for counts in (data, mc)
        )
    check_known("bin", declaration.overrides, labels, f"overrides of {declaration.where}")
    models = (NOMINAL, *declaration.alternative_fits)
    windows = {model: [_window(masses, declaration, label, model) for label in labels] for model in models}

    passing, failing = (_in_windows(part, windows[NOMINAL]) for part in (data.passing, data.failing))
    require_efficiency(passing, failing, labels, f"{name} in data")
    simulated = {model: _simulated_efficiency(name, mc, of_model, labels) for model, of_model in windows.items()}
    bins = [(model, group) for model in windows for group in range(len(labels))]
    fitted_bins = iter(spread(partial(_fit_bin, declaration, (data, mc), windows, masses, labels), bins))
    fits = {model: [next(fitted_bins) for _ in labels] for model in windows}
    diagnostics = tuple(one.diagnostics for of_model in fits.values() for one in of_model)
    failed = [f"{one.label} ({one.model}: {one.status})" for one in diagnostics if one.status != VALID]
    if failed:
        raise UnstableFitError(
            f"{name}: the fit fails in {'; '.join(failed)}; join these bins with their neighbours, change mass_range, "
            "or give overrides= for them"
        )

    fitted = {
        model: Measurement(*np.array([(one.efficiency, one.up, one.down) for one in of_model]).T)
        for model, of_model in fits.items()
    }
    nominal = efficiency_ratio(fitted[NOMINAL], simulated[NOMINAL])
    alternatives = {
        model: fitted[model].value / simulated[model].value - nominal.value for model in declaration.alternative_fits
    }
    away, shifts = combine(alternatives, declaration.combine_fits)
    in_data = dataclasses.replace(fitted[NOMINAL], value=fitted[NOMINAL].value + away * simulated[NOMINAL].value)
    return Measured(
        dataclasses.replace(nominal, value=nominal.value + away),
        {"data": in_data, "mc": simulated[NOMINAL]},
        {source: (shift, -shift) for source, shift in shifts.items()},
        diagnostics=diagnostics,
    )


def combine(alternatives: Mapping[str, Floats], how: str) -> tuple[Floats | float, Mapping[str, Floats]]:
    """Return the shift of the value by alternative fits, and source → uncertainty, shape (groups,) each.

    >>> combine({"signal": np.array([3.0]), "background": np.array([-6.0])}, "mean")[0]
    array([-1.])
    """
    if how == "quadrature":
        return 0.0, alternatives
    # The nominal fit is one of those that spread.
    all_fits = np.stack([0 * next(iter(alternatives.values())), *alternatives.values()])
    if how == "maximum":
        largest = np.abs(all_fits).argmax(axis=0)
        return 0.0, {"fits": np.take_along_axis(all_fits, largest[np.newaxis], axis=0)[0]}
    return all_fits.mean(axis=0) if how == "mean" else 0.0, {"fits": all_fits.std(axis=0)}


def _fit_bin(
    declaration: TagAndProbeFit,
    templates: tuple[Counts, Counts],
    windows: Mapping[str, Sequence[slice]],
    masses: Floats,
    labels: Sequence[str],
    which: tuple[str, int],
) -> BinFit:
    model, group = which
    label, unit = labels[group], declaration.mass / Z_MASS
    settings = declaration.fit_of(label, model)
    likelihood = _model(settings, templates, group, windows[model][group], masses / unit, declaration.width / unit)
    fitted = fit(likelihood, label, model, settings, unit)
    if model == NOMINAL and label in declaration.overrides:
        named = dataclasses.replace(fitted.diagnostics, overridden=str(declaration.overrides[label]))
        return dataclasses.replace(fitted, diagnostics=named)
    return fitted


def fit(model: PassFailModel, label: str, name: str, settings: Fit | None = None, unit: float = 1.0) -> BinFit:
    """Return the fit of one bin.

    Args:
        name: name of the model, for the diagnostics; the interval of the efficiency is only found for ``nominal``.
        settings: initial values and ranges of parameters that have others than those of the model.
        unit: mass that the model takes as 1 GeV; limits and constraints are those of the Z boson.
    """
    sizes = {parameter: unit ** UNITS.get(parameter.partition("_")[0], 0) for parameter in model.names}
    own = {name: value / sizes[name] for name, value in settings.start.items()} if settings else {}
    start = tuple(own.get(parameter, value) for parameter, value in zip(model.names, model.start(), strict=True))
    minuit = Minuit(model, *start, grad=model.gradient, name=model.names)
    minuit.limits["signal"] = (0, None)
    minuit.limits["efficiency"] = (0, 1)
    minuit.limits["shift"] = (-SHIFT_MAX, SHIFT_MAX)
    minuit.limits["sigma"] = (SIGMA_MIN, SIGMA_MAX)
    for parameter, bounds in model.limits.items():
        minuit.limits[parameter] = bounds
    # Beyond five standard deviations the odds overflow.
    minuit.limits["odds_linear"] = minuit.limits["odds_quadratic"] = (-5, 5)
    ranges = settings.ranges if settings else {}
    for parameter, (low, high) in ranges.items():
        size = sizes[parameter]
        least, most = (bound * size for bound in minuit.limits[parameter])
        value = minuit.values[parameter] * size
        if not least <= low <= value <= high <= most:
            raise ConfigError(
                f"overrides, {label}: the range of {parameter!r}, ({low}, {high}), must contain its start {value:g} "
                f"and be within ({least:g}, {most:g})"
            )
        minuit.limits[parameter] = (low / size, high / size)
    minuit.errors["signal"] = np.sqrt(start[0])
    minuit.errors["efficiency"] = 0.003
    minuit.errors["shift"] = minuit.errors["sigma"] = 0.1
    first_errors = tuple(minuit.errors)

    status, up, down, attempts = _minimised(minuit.migrad(), model, name)
    if status != VALID:
        # With few entries, a negative background may reach the limit of the likelihood, where nothing is expected.
        bounded = Minuit(model, *start, grad=model.gradient, g2=model.curvature, name=model.names)
        bounded.limits, bounded.errors = minuit.limits, first_errors
        for parameter in model.background_yields:
            if parameter not in ranges:
                bounded.limits[parameter] = (0, None)
        minuit = bounded.migrad()
        status, up, down, more = _minimised(minuit, model, name)
        attempts += more
        if status != VALID or _is_stuck(minuit, model):
            minuit.reset()
            status, up, down, more = _minimised(minuit.simplex().migrad(), model, name)
            attempts += more
        if status == NO_MINIMUM:
            # Where nothing fails, only MINUIT's own second derivatives lead to the limits.
            slow = Minuit(model, *start, grad=model.gradient, name=model.names)
            slow.limits = minuit.limits
            minuit = slow.simplex().migrad()
            status, up, down, more = _minimised(minuit, model, name)
            attempts += more

    signal, background = model.components(*minuit.values)
    prefit_signal, prefit_background = model.components(*start)
    diagnostics = FitDiagnostics(
        label=label,
        model=name,
        mass_edges=model.edges * unit,
        regions={
            region: Region(
                data=model.counts[i],
                errors=np.sqrt(model.counts[i]),
                prefit_signal=prefit_signal[i],
                prefit_background=prefit_background[i],
                postfit_signal=signal[i],
                postfit_background=background[i],
            )
            for i, region in enumerate(("pass", "fail"))
        },
        chi2=model.chi2(*minuit.values),
        ndf=model.ndf,
        parameters={name: (minuit.values[name] * size, minuit.errors[name] * size) for name, size in sizes.items()},
        status=status,
        attempts=attempts,
    )
    return BinFit(minuit.values["efficiency"], up, down, diagnostics)


def _is_stuck(minuit: Minuit, model: PassFailModel) -> bool:
    """Tell whether the likelihood rises from a limit of a yield, where MINUIT's own variable has no slope."""
    slopes = dict(zip(model.names, model.gradient(*minuit.values), strict=True))
    return any(minuit.values[name] < AT_LIMIT and slopes[name] < 0 for name in model.background_yields)


def _minimised(minuit: Minuit, model: PassFailModel, name: str) -> tuple[str, float, float, int]:
    """Return status, errors of the efficiency and number of minimisations, another one if the first has no interval."""
    outcome = _outcome(minuit, model, name)
    return (*outcome, 1) if outcome[0] != NO_INTERVAL else (*_outcome(_lower_minimum(minuit), model, name), 2)


def _outcome(minuit: Minuit, model: PassFailModel, name: str) -> tuple[str, float, float]:
    """Return status, upper and lower error of the efficiency.

    The errors are those of MINOS, since a parabola fails near 1; and at least the Clopper–Pearson interval of the same
    number of pairs without background, since the likelihood interval undercovers if hardly any pair fails.
    """
    if not (minuit.valid and minuit.accurate and (np.sum(model.components(*minuit.values), axis=0) > 0).all()):
        return NO_MINIMUM, 0.0, 0.0
    if name != NOMINAL:
        return VALID, 0.0, 0.0
    minuit.minos("efficiency")
    interval = minuit.merrors["efficiency"]
    efficiency, total = minuit.values["efficiency"], minuit.values["signal"]
    if interval.at_lower_limit:
        return "no efficiency above zero", 0.0, 0.0
    at_one = efficiency + minuit.errors["efficiency"] >= 1
    if not (interval.lower_valid and (interval.upper_valid or at_one)):
        return NO_INTERVAL, 0.0, 0.0
    up = interval.upper if interval.upper_valid else 1 - efficiency
    counted = counted_efficiency(np.array(efficiency * total), np.array((1 - efficiency) * total))
    return VALID, max(up, float(counted.up)), max(-interval.lower, float(counted.down))


def _lower_minimum(minuit: Minuit) -> Minuit:
    """Return the fit at the lowest minimum that it finds from efficiencies of one and two errors below and above.

    With little background its shape hardly matters, and the likelihood may have another minimum close by, on which the
    search for the interval of the efficiency ends.
    """
    start, error = minuit.values["efficiency"], minuit.errors["efficiency"]
    found = {minuit.fval: tuple(minuit.values)}
    for distance in (-1, 1, -2, 2):
        minuit.values["efficiency"] = min(max(start + distance * error, 0.0), 1.0)
        minuit.fixed["efficiency"] = True
        minuit.migrad()
        minuit.fixed["efficiency"] = False
        minuit.migrad()
        found[minuit.fval] = tuple(minuit.values)
    minuit.values = found[min(found)]
    return minuit.migrad()


def _window(masses: Floats, declaration: TagAndProbeFit, label: str, model: str) -> slice:
    """Return the mass bins of a fit."""
    where = f"variable {declaration.variable!r}, axis {declaration.mass_axis!r}"
    bounds = declaration.fit_of(label, model).mass_range or declaration.mass_range
    window = mass_window(declaration, masses, "mass_range", bounds)
    size = window.stop - window.start
    if size < LEAST_BINS:
        raise ConfigError(f"{where}: mass_range holds {size} bins, a fit needs {LEAST_BINS}")
    if not np.allclose(
        np.diff(masses[window.start : window.stop + 1]), masses[window.start + 1] - masses[window.start]
    ):
        raise ConfigError(f"{where}: bins within mass_range must be equally wide")
    return slice(window.start + size // 10, window.stop - size // 10) if model == "mass_range" else window


def _in_windows(values: Floats, windows: Sequence[slice]) -> Floats:
    """Return the sums over a range of mass bins in each group, shape (groups,)."""
    return np.array([values[group : group + 1, window].sum(axis=-1)[0] for group, window in enumerate(windows)])


def _simulated_efficiency(name: str, mc: Counts, windows: Sequence[slice], labels: list[str]) -> Measurement:
    passing, failing, passing_variance, failing_variance = (
        _in_windows(values, windows) for values in (mc.passing, mc.failing, mc.passing_variance, mc.failing_variance)
    )
    require_efficiency(passing, failing, labels, f"{name} in simulation")
    refuse({"nothing fails": failing <= 0}, labels, f"{name} in simulation: no efficiency")
    return weighted_efficiency(passing, failing, passing_variance, failing_variance)


def _model(
    settings: Fit, templates: tuple[Counts, Counts], group: int, window: slice, masses: Floats, width: float
) -> PassFailModel:
    """Return the likelihood of one bin for a fit to data and simulation."""
    data, mc = templates
    passing, failing = mc.passing[group], mc.failing[group]
    variance = mc.passing_variance[group] + mc.failing_variance[group]
    weight = variance[window].sum() / (passing + failing)[window].sum()
    edges = masses[window.start : window.stop + 1]
    return PassFailModel(
        counts=np.stack([data.passing[group][window], data.failing[group][window]]),
        edges=edges,
        spectrum=_spectrum(settings.signal, passing + failing, weight, masses, window, width),
        dependence=MassDependence(passing[window], failing[window], weight),
        background=BACKGROUND_SHAPES[settings.background](edges),
    )


def _spectrum(
    name: str, contents: Floats, weight: float, masses: Floats, window: slice, width: float
) -> SmearedSpectrum:
    """Return the spectrum of the signal, from simulated sums of weights per bin of the mass axis."""
    edges = masses[window.start : window.stop + 1]
    if name == "breit_wigner":
        return breit_wigner_spectrum(edges, width)
    if name == "crystal_ball":
        return crystal_ball_spectrum(contents[window], weight, edges, width)
    return template_spectrum(contents, weight, masses, edges)
