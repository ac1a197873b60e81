"""An analysis whose configurations read a part of their datasets only."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from omegaconf import OmegaConf

from pocket.base.sample_blocks import SUBSAMPLE
from pocket.configuration.configurator import Configurator
from pocket.datasets.restriction import Restriction
from pocket.datasets.sample_variations import check_whole
from pocket.errors import ConfigError, DatasetError
from pocket.plan.shapes import ShapePlan
from pocket.weights.plan import WeightPlan

if TYPE_CHECKING:
    from pocket.configuration.analysis import Analysis


def restrict_analysis(analysis: Analysis, restriction: Restriction) -> Analysis:
    """Return an analysis with restricted configurations; those that would have no datasets can't be used."""
    restriction.check(one for config in analysis.configs.values() for one in config.definitions.values())
    configs, broken = {}, dict(analysis.broken)
    for name, config in analysis.configs.items():
        try:
            restriction.refuse_empty(config.definitions)
            configs[name] = restrict(config, restriction)
        except DatasetError as error:
            broken[name] = str(error)
    # The declarations were checked for all datasets. What lacks some of them is refused where it is used.
    other = copy.copy(analysis)
    object.__setattr__(other, "configs", configs)
    object.__setattr__(other, "broken", broken)
    return other


def restrict(cfg: Configurator, restriction: Restriction) -> Configurator:
    """Return a configuration with the datasets that a restriction leaves, whose plots are labelled as limited."""
    other = copy.copy(cfg)
    other.definitions = restriction.select(cfg.definitions)
    check_whole(cfg.definitions, other.definitions, "the options --filter-…")
    other.subsamples = {sample: selection for sample, selection in cfg.subsamples.items() if sample in other.samples}
    counted = [name for sample in other.samples for name in other.counted_samples(sample)]
    other.weights = WeightPlan.of(cfg.weights.classes, {sample: cfg.weights.samples[sample] for sample in counted})
    other.shapes = ShapePlan(cfg.shapes.calibrators, {sample: cfg.shapes.samples[sample] for sample in counted})
    other.columns = {sample: columns for sample, columns in cfg.columns.items() if sample in counted}
    style = OmegaConf.select(cfg.parameters, "plotting_style")
    if style is None:
        return other
    # Only plots read this section, so it doesn't determine what is processed.
    labels = {key: f"{style[key]}, {restriction.text}" for key in ("label", "cms_label") if style.get(key)}
    parameters = copy.deepcopy(cfg.parameters)
    OmegaConf.update(parameters, "plotting_style", {"label": restriction.text, **labels}, force_add=True)
    return other.with_parameters(parameters)


def check_measurable(analysis: Analysis, scale_factor: str) -> None:
    """Check that the datasets that a scale factor is measured in aren't left out."""
    for declaration in analysis.scale_factor(scale_factor).measured():
        config = analysis.config(declaration.input)
        wanted = dict.fromkeys(name.partition(SUBSAMPLE)[0] for name in declaration.samples())
        lacking = [name for name in wanted if name not in config.samples]
        lacking += [year for year in declaration.years if year not in analysis.years_of(declaration.input).values()]
        if lacking:
            raise ConfigError(
                f"scale factor {scale_factor!r} is measured in {', '.join(lacking)} of configuration "
                f"{declaration.input!r}, which the options --filter-… leave out: name them there, too"
            )
