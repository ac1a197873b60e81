"""Energy scale and smearing of leptons from the masses of pairs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pocket.base.typing import Floats
from pocket.corrections.keys import PARAMETER, SCALE, SMEARING
from pocket.errors import ScaleFactorError, UnstableFitError
from pocket.scale_factors.measurement.binning import Categories
from pocket.scale_factors.measurement.result import VALID, FitDiagnostics, Measured, Measurement, Region
from pocket.scale_factors.measurement.templates import NOMINAL, Templates
from pocket.scale_factors.methods.energy_scale.declaration import EnergyScale
from pocket.scale_factors.methods.energy_scale.fit import EnergyFit, Spectra, fit
from pocket.scale_factors.methods.energy_scale.folding import pairs_of


def measure(declaration: EnergyScale, templates: Templates) -> Measured:
    """Measure an :class:`~pocket.scale_factors.methods.energy_scale.declaration.EnergyScale`."""
    spectra = read_spectra(declaration, templates)
    used, labels = spectra.used, templates.labels
    sides = pairs_of(len(labels))
    lacking = [
        label for group, label in enumerate(labels) if not used[np.any([side == group for side in sides], 0)].any()
    ]
    if lacking:
        raise ScaleFactorError(f"{templates.name}: no pairs in data or simulation in {'; '.join(lacking)}")
    fitted = fit(spectra)
    if not fitted.is_valid:
        raise UnstableFitError(f"{templates.name}: the fit of all pairs of categories has no minimum")
    return _collected(spectra, fitted, labels)


def read_spectra(declaration: EnergyScale, templates: Templates) -> Spectra:
    """Return the spectra of all pairs of categories."""
    further = (*declaration.partner_axes, declaration.mass_axis)
    data, signal = (templates.read(samples, None, further) for samples in (declaration.data, declaration.mc))
    templates.require_counts(data, declaration.data)
    background = templates.read(declaration.background, None, further)
    histogram = templates.histogram(declaration.mc, None, (declaration.mass_axis,))
    simulated = np.asarray(histogram.axes[declaration.mass_axis].edges, dtype=float)
    inside = declaration.masses_in_range(simulated)
    first = int(np.flatnonzero(inside)[0])

    def by_pair(contents: Floats) -> Floats:
        # Without a background, there is a single zero.
        contents = np.broadcast_to(contents, data.values.shape)
        return in_pairs(templates.binning.collapse(np.moveaxis(contents, 0, -2)))

    return Spectra(
        data=by_pair(data.values)[:, inside],
        background=by_pair(background.values)[:, inside],
        signal=by_pair(signal.values),
        variances=by_pair(signal.variances),
        background_variances=by_pair(background.variances)[:, inside],
        edges=simulated[first : first + int(inside.sum()) + 1],
        simulated=simulated,
        groups=templates.binning.size,
        function=declaration.smearing_function,
        has_smearing=declaration.smearing,
    )


def in_pairs(contents: Floats) -> Floats:
    """Return contents of shape (groups, groups, …) in unordered pairs of groups, shape (pairs, …)."""
    first, second = pairs_of(len(contents))
    other = np.where((first == second).reshape(-1, *[1] * (contents.ndim - 2)), 0, contents[second, first])
    return np.asarray(contents[first, second] + other)


def _collected(spectra: Spectra, fitted: EnergyFit, labels: list[str]) -> Measured:
    groups = spectra.groups
    scales, errors = np.exp(fitted.scales), np.sqrt(np.diag(fitted.covariance))
    values, up, down, slopes = scales, scales * errors[:groups], scales * errors[:groups], scales
    if spectra.has_smearing:
        smearings = np.sqrt(fitted.squares)
        ends = [np.sqrt(np.maximum(fitted.squares + sign * errors[groups:], 0)) for sign in (1, -1)]
        values = np.concatenate([values, smearings])
        up, down = np.concatenate([up, ends[0] - smearings]), np.concatenate([down, smearings - ends[1]])
        # The covariance is that of errors which are the mean of both sides.
        slopes = np.concatenate([slopes, (ends[0] - ends[1]) / (2 * errors[groups:])])
    names = (SCALE, SMEARING) if spectra.has_smearing else (SCALE,)
    pairs = list(zip(values.tolist(), ((up + down) / 2).tolist(), strict=True))
    parameters = [dict(zip(names, pairs[group::groups], strict=True)) for group in range(groups)]
    return Measured(
        Measurement(values, up, down),
        covariance=np.outer(slopes, slopes) * fitted.covariance,
        diagnostics=tuple(_diagnostics(spectra, fitted, labels, parameters)),
        leading=(PARAMETER, Categories(names)),
    )


def _diagnostics(
    spectra: Spectra, fitted: EnergyFit, labels: list[str], parameters: list[dict[str, tuple[float, float]]]
) -> Iterator[FitDiagnostics]:
    """Yield the spectrum of each pair of categories; one fit describes all."""
    pairs = np.flatnonzero(spectra.used)
    # All pairs share the parameters, and each has a number of entries of its own.
    free = 1 + len(fitted.covariance) / len(pairs)
    for pair in pairs:
        groups = [int(side[pair]) for side in pairs_of(spectra.groups)]
        background = spectra.background[pair]
        region = Region(
            data=spectra.data[pair],
            errors=np.sqrt(spectra.data[pair]),
            prefit_signal=fitted.prefit[pair] - background,
            prefit_background=background,
            postfit_signal=fitted.postfit[pair] - background,
            postfit_background=background,
        )
        yield FitDiagnostics(
            label=" and ".join(labels[group] for group in groups),
            model=NOMINAL,
            mass_edges=spectra.edges,
            regions={"pairs": region},
            chi2=float(fitted.chi2[pair]),
            ndf=round(len(region.data) - free),
            parameters={
                f"{name}, {which}": value
                for which, group in zip(("first", "second"), groups, strict=True)
                for name, value in parameters[group].items()
            },
            status=VALID,
            attempts=fitted.attempts,
        )
