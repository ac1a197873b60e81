"""Scale factors of a tagger's working point: one fit of templates per bin."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pocket.errors import ScaleFactorError
from pocket.scale_factors.binning import Array, Categories
from pocket.scale_factors.result import FROZEN, VALID, Measured, Measurement
from pocket.scale_factors.systematics import LogNormal, Shape
from pocket.scale_factors.tagging import PassFailTemplate
from pocket.scale_factors.template_fit import fit
from pocket.scale_factors.template_impacts import impacts, statistical_errors
from pocket.scale_factors.template_inputs import Nuisance, TemplateInputs
from pocket.scale_factors.template_model import TemplateModel
from pocket.scale_factors.templates import Templates

#: flavour → sums of weights in pass and fail, shape (groups, 2, bins of the discriminant)
Yields = dict[str, Array]
FLAVOUR = "flavor"


def measure(declaration: PassFailTemplate, templates: Templates) -> Measured:
    """Measure a :class:`~pocket.scale_factors.tagging.PassFailTemplate`.

    The statistical error is that with all nuisance parameters at their fitted values; each nuisance parameter is a
    systematic source, with its impact as shift.

    Raises:
        UnknownNameError: if a sample, an axis, a category or a variation isn't in the templates.
        ScaleFactorError: if data are weighted, a fit can't be defined or fails; names the bins.
    """
    flavours = _flavour_numbers(declaration, templates)
    models = [TemplateModel(inputs) for inputs in _inputs(declaration, templates, flavours)]
    fits = [fit(model) for model in models]
    failed = [
        f"{label} ({one.status})" for label, one in zip(templates.labels, fits, strict=True) if one.status != VALID
    ]
    if failed:
        raise ScaleFactorError(
            f"{templates.name}: the fit fails in {'; '.join(failed)}; join these bins with their neighbours"
        )
    statistical = [statistical_errors(model, one) for model, one in zip(models, fits, strict=True)]
    moved = [impacts(model, one) for model, one in zip(models, fits, strict=True)]

    # one row per value of the flavour, one column per group
    rows = [(flavour, number) for flavour in declaration.flavours for number in declaration.flavours[flavour]]
    values, up, down = (np.zeros((len(rows), len(fits))) for _ in range(3))
    shifts = {name: np.zeros((2, len(rows), len(fits))) for name in moved[0]}
    covariance = np.zeros((len(rows), len(fits), len(rows), len(fits)))
    position = {flavour: number for number, flavour in enumerate(declaration.floating)}
    for row, (flavour, _) in enumerate(rows):
        if flavour in declaration.frozen:
            values[row], error = declaration.frozen[flavour]
            shifts[frozen_name(flavour)][:, row] = np.array([[error], [1 / (1 + error) - 1]]) * values[row]
            continue
        for group, (errors, by_source) in enumerate(zip(statistical, moved, strict=True)):
            own = position[flavour]
            values[row, group] = errors.total.value[own]
            up[row, group], down[row, group] = errors.total.up[own], errors.total.down[own]
            for name, (above, below) in by_source.items():
                shifts[name][:, row, group] = above[own], below[own]
            for other, (another, _) in enumerate(rows):
                if another in position:
                    covariance[row, group, other, group] = errors.covariance[own, position[another]]
    size = values.size
    return Measured(
        Measurement(values.ravel(), up.ravel(), down.ravel()),
        systematics={name: (above.ravel(), below.ravel()) for name, (above, below) in shifts.items()},
        covariance=covariance.reshape(size, size),
        status=tuple(FROZEN if flavour in declaration.frozen else VALID for flavour, _ in rows for _ in fits),
        template_fits=tuple(fits),
        leading=(FLAVOUR, Categories(tuple(number for _, number in rows))),
    )


def frozen_name(flavour: str) -> str:
    """Return the name of the source of uncertainty that is the scale factor of a frozen flavour."""
    return f"sf_{flavour}"


def _inputs(
    declaration: PassFailTemplate, templates: Templates, flavours: dict[str, list[int]]
) -> Iterator[TemplateInputs]:
    """Yield what each fit starts from."""
    data = templates.counted(declaration.data, (declaration.discriminant,))
    observed = np.stack([data.passing, data.failing], axis=1)
    nominal, variances = _simulated(declaration, templates, flavours)
    shapes = {systematic.name: _shapes(declaration, templates, systematic, flavours) for systematic in _fitted(declaration)}
    fixed = {
        **{f"fraction_{flavour}": Nuisance(rate={flavour: 1 + error}) for flavour, error in declaration.fractions.items()},
        **{
            frozen_name(flavour): Nuisance(scale={flavour: 1 + error})
            for flavour, (_, error) in declaration.frozen.items()
        },
    }
    for group, label in enumerate(templates.labels):
        varied = {
            name: Nuisance(shape={flavour: (up[flavour][group], down[flavour][group]) for flavour in flavours})
            for name, (up, down) in shapes.items()
        }
        yield TemplateInputs(
            label=f"{templates.name}, {label}",
            data=observed[group],
            nominal={flavour: nominal[flavour][group] for flavour in flavours},
            sumw2={flavour: variances[flavour][group] for flavour in flavours},
            flavours={flavour: declaration.frozen.get(flavour, (None, 0.0))[0] for flavour in flavours},
            nuisances={**varied, **fixed},
            free_normalisation=declaration.free_normalisation,
            barlow_beeston=declaration.barlow_beeston,
        )


def _fitted(declaration: PassFailTemplate) -> list[Shape | LogNormal]:
    return [systematic for systematic in declaration.systematics if isinstance(systematic, Shape | LogNormal)]


def _shapes(
    declaration: PassFailTemplate,
    templates: Templates,
    systematic: Shape | LogNormal,
    flavours: dict[str, list[int]],
) -> tuple[Yields, Yields]:
    up, down = (_simulated(declaration, varied, flavours)[0] for varied in templates.varied(systematic))
    return up, down


def _simulated(
    declaration: PassFailTemplate, templates: Templates, flavours: dict[str, list[int]]
) -> tuple[Yields, Yields]:
    """Return sums of weights and of squared weights per flavour."""
    counts = templates.counts(declaration.mc, (declaration.flavour_axis, declaration.discriminant))
    values = np.stack([counts.passing, counts.failing], axis=1)
    variances = np.stack([counts.passing_variance, counts.failing_variance], axis=1)
    return (
        {flavour: values[:, :, numbers].sum(axis=2) for flavour, numbers in flavours.items()},
        {flavour: variances[:, :, numbers].sum(axis=2) for flavour, numbers in flavours.items()},
    )


def _flavour_numbers(declaration: PassFailTemplate, templates: Templates) -> dict[str, list[int]]:
    """Return flavour → positions of its bins on the axis of the flavour.

    Raises:
        ScaleFactorError: if the axis lacks a value, or has entries of a flavour that isn't declared.
    """
    histogram = templates.histogram(declaration.mc, None, (declaration.flavour_axis,))
    axis = histogram.axes[declaration.flavour_axis]
    positions = {flavour: [int(axis.index(value)) for value in values] for flavour, values in declaration.flavours.items()}
    known = [position for numbers in positions.values() for position in numbers]
    content = np.asarray(histogram.project(declaration.flavour_axis).values())
    if not set(known) <= set(range(axis.size)) or len(set(known)) < len(known):
        raise ScaleFactorError(
            f"{declaration.where}: axis {declaration.flavour_axis!r} has no bin of its own for each of "
            f"{', '.join(str(value) for values in declaration.flavours.values() for value in values)}"
        )
    other = [position for position in range(axis.size) if position not in known and content[position]]
    if other:
        raise ScaleFactorError(
            f"{declaration.where}: axis {declaration.flavour_axis!r} has entries in {', '.join(str(axis[i]) for i in other)}, "
            "which is in no flavour"
        )
    return positions
