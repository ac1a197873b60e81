"""Scale factors of a tagger's working point, from one template fit per bin."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pocket.base.runtime.spreading import spread
from pocket.base.typing import Floats
from pocket.errors import ScaleFactorError, UnstableFitError
from pocket.scale_factors.measurement.binning import Categories
from pocket.scale_factors.measurement.result import FROZEN, VALID, Measured, Measurement
from pocket.scale_factors.measurement.systematic_shifts import varied
from pocket.scale_factors.measurement.templates import NOMINAL, Templates
from pocket.scale_factors.methods.pass_fail_template.declaration import PassFailTemplate
from pocket.scale_factors.methods.pass_fail_template.diagnostics import TemplateFitDiagnostics
from pocket.scale_factors.methods.pass_fail_template.fit import TemplateFit, fit
from pocket.scale_factors.methods.pass_fail_template.inputs import Nuisance, TemplateInputs
from pocket.scale_factors.methods.pass_fail_template.model import TemplateModel

#: axis of the correction for the scale factors of one fit
FLAVOUR = "flavor"
#: flavour → sums of weights, shape (groups, 2 for pass and fail, bins of the discriminant)
Yields = dict[str, Floats]


def measure(declaration: PassFailTemplate, templates: Templates) -> Measured:
    """Measure a :class:`~pocket.scale_factors.methods.pass_fail_template.declaration.PassFailTemplate`.

    Each nuisance parameter is a source of uncertainty. Its shift is the change of the scale factor when the measurement
    that constrains the parameter changes by its error, which is their covariance (A. Pinto et al., Eur. Phys. J. C 84
    (2024) 593). The rest of the error is statistical, so all parts add up to the error of the fit.
    """
    inputs = list(_inputs(declaration, templates, _positions(declaration, templates)))
    fits = spread(_fit_group, inputs)
    failed = [
        f"{label} ({one.status})" for label, one in zip(templates.labels, fits, strict=True) if one.status != VALID
    ]
    if failed:
        raise UnstableFitError(
            f"{templates.name}: the fit fails in {'; '.join(failed)}; join these bins with their neighbours"
        )
    return _collected(declaration, templates, inputs, fits)


def frozen_name(flavour: str) -> str:
    """Return the name of the source of uncertainty for the scale factor of a frozen flavour."""
    return f"sf_{flavour}"


def _fit_group(inputs: TemplateInputs) -> TemplateFit:
    return fit(TemplateModel(inputs))


def _inputs(
    declaration: PassFailTemplate, templates: Templates, positions: dict[str, list[int]]
) -> Iterator[TemplateInputs]:
    """Yield the inputs of each fit."""
    data = templates.counted(declaration.data, (declaration.discriminant,))
    observed = np.stack([data.passing, data.failing], axis=1)
    nominal, variances = _simulated(declaration, templates, positions)
    shapes = {
        systematic.name: [_simulated(declaration, side, positions)[0] for side in varied(templates, systematic)]
        for systematic in declaration.fitted()
    }
    constrained = {
        f"fraction_{name}": Nuisance(rate={name: 1 + error}) for name, error in declaration.fractions.items()
    }
    constrained |= {
        frozen_name(flavour): Nuisance(scale={flavour: 1 + error}) for flavour, (_, error) in declaration.frozen.items()
    }
    for group, label in enumerate(templates.labels):
        moved = {
            name: Nuisance(shape={flavour: (up[flavour][group], down[flavour][group]) for flavour in positions})
            for name, (up, down) in shapes.items()
        }
        yield TemplateInputs(
            label=f"{templates.name}, {label}",
            data=observed[group],
            nominal={flavour: nominal[flavour][group] for flavour in positions},
            sumw2={flavour: variances[flavour][group] for flavour in positions},
            flavours={flavour: declaration.frozen.get(flavour, (None, 0.0))[0] for flavour in positions},
            nuisances=moved | constrained,
            free_normalisation=declaration.free_normalisation,
            barlow_beeston=declaration.barlow_beeston,
        )


def _simulated(
    declaration: PassFailTemplate, templates: Templates, positions: dict[str, list[int]]
) -> tuple[Yields, Yields]:
    """Return sums of weights, and of squared weights."""
    counts = templates.counts(declaration.mc, (declaration.flavour_axis, declaration.discriminant))
    values = np.stack([counts.passing, counts.failing], axis=1)
    variances = np.stack([counts.passing_variance, counts.failing_variance], axis=1)
    return (
        {flavour: values[:, :, numbers].sum(axis=2) for flavour, numbers in positions.items()},
        {flavour: variances[:, :, numbers].sum(axis=2) for flavour, numbers in positions.items()},
    )


def _positions(declaration: PassFailTemplate, templates: Templates) -> dict[str, list[int]]:
    """Return flavour → its bins on the flavour axis."""
    name = declaration.flavour_axis
    projected = [templates.histogram(declaration.mc, one, (name,)).project(name) for one in declaration.categories()]
    axis, content = projected[0].axes[0], np.any([np.asarray(one.values(flow=True)) != 0 for one in projected], axis=0)
    positions: dict[str, list[int]] = {}
    taken: set[int] = set()
    for flavour, values in declaration.flavours.items():
        for value in values:
            # Categories that don't exist have no index.
            number = int(axis.index(value)) if value in axis else axis.size
            if number in (*taken, axis.size) or number < 0:
                raise ScaleFactorError(
                    f"{declaration.where}: axis {name!r} has no bin of its own for {value}, a value of {flavour!r}"
                )
            taken.add(number)
            positions.setdefault(flavour, []).append(number)
    first = int(axis.traits.underflow)
    others = [str(axis[number]) for number in range(axis.size) if content[number + first] and number not in taken]
    if content[:first].any() or content[first + axis.size :].any():
        others.append("values that aren't on it")
    if others:
        raise ScaleFactorError(
            f"{declaration.where}: axis {name!r} has entries of {', '.join(others)}, which no flavour in flavours has"
        )
    return positions


def _collected(
    declaration: PassFailTemplate, templates: Templates, inputs: list[TemplateInputs], fits: list[TemplateFit]
) -> Measured:
    """Return the scale factors of all fits, ordered by flavour, then by group."""
    owners = [flavour for flavour, numbers in declaration.flavours.items() for _ in numbers]
    # The fits have the flavours in the order of their templates, whatever the order in which they are named.
    fitted = inputs[0].floating
    floating = [fitted.index(flavour) if flavour in fitted else -1 for flavour in owners]
    measured = [row for row, number in enumerate(floating) if number >= 0]
    numbers = [floating[row] for row in measured]
    sources = list(inputs[0].nuisances)

    shape = len(owners), len(fits)
    values, up, down = np.zeros((3, *shape))
    shifts = np.zeros((len(sources), *shape))
    covariance = np.zeros((*shape, *shape))
    for group, one in enumerate(fits):
        count = len(declaration.floating)
        first = count + declaration.free_normalisation
        by_source = one.covariance[:count, first:]
        total = one.covariance[:count, :count]
        statistical = total - by_source @ by_source.T
        # The statistical part is the same for both ends of the asymmetric interval.
        part = np.sqrt(np.maximum(np.diag(statistical), 0) / np.diag(total))
        up[measured, group] = (one.scale_factors.up * part)[numbers]
        down[measured, group] = (one.scale_factors.down * part)[numbers]
        values[measured, group] = one.scale_factors.value[numbers]
        shifts[:, measured, group] = by_source[numbers].T
        covariance[np.ix_(measured, [group], measured, [group])] = statistical[np.ix_(numbers, numbers)][
            :, None, :, None
        ]
    lower = -shifts
    for row, flavour in enumerate(owners):
        if flavour in declaration.frozen:
            value, error = declaration.frozen[flavour]
            values[row] = value
            source = sources.index(frozen_name(flavour))
            shifts[source, row], lower[source, row] = value * error, value / (1 + error) - value
    size = values.size
    values_of_axis = tuple(number for numbers in declaration.flavours.values() for number in numbers)
    return Measured(
        Measurement(values.ravel(), up.ravel(), down.ravel()),
        systematics={
            name: (above.ravel(), below.ravel()) for name, above, below in zip(sources, shifts, lower, strict=True)
        },
        covariance=covariance.reshape(size, size),
        status=tuple(FROZEN if number < 0 else VALID for number in floating for _ in fits),
        diagnostics=tuple(
            _diagnostics(declaration, templates, *of_group)
            for of_group in zip(templates.labels, inputs, fits, strict=True)
        ),
        leading=(FLAVOUR, Categories(values_of_axis)),
    )


def _diagnostics(
    declaration: PassFailTemplate, templates: Templates, label: str, inputs: TemplateInputs, fitted: TemplateFit
) -> TemplateFitDiagnostics:
    axis = templates.histogram(declaration.mc, None, (declaration.discriminant,)).axes[declaration.discriminant]
    return TemplateFitDiagnostics(
        label=label,
        model=NOMINAL,
        axis=declaration.discriminant,
        edges=np.asarray(axis.edges, dtype=float),
        data=inputs.data,
        prefit=fitted.prefit,
        postfit=fitted.postfit,
        prefit_errors=fitted.beta_errors,
        parameters=fitted.parameters,
        nuisances=tuple(inputs.nuisances),
        correlation=fitted.correlation,
        chi2=fitted.chi2,
        ndf=fitted.ndf,
        status=fitted.status,
        attempts=fitted.attempts,
    )
