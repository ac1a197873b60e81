"""Declaration of an analysis: its configurations, scale factors, models and plots by name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from pocket.base.arguments import Declarative
from pocket.configuration.checks import check_analysis, check_blind, check_names
from pocket.configuration.comparison import Comparison
from pocket.configuration.configurator import Configurator
from pocket.configuration.deferred import make_configs
from pocket.configuration.injected import add_injected
from pocket.configuration.models import check_models
from pocket.configuration.skim import Skim
from pocket.errors import BrokenConfigError, ConfigError, UnknownNameError
from pocket.executors.base import ExecutorFactoryABC
from pocket.parameters.tags import rename, tags_of
from pocket.plan.plot import TemplatePlot, all_plots
from pocket.scale_factors import ScaleFactorBase
from pocket.scale_factors.declarations.coupled import Coupled
from pocket.scale_factors.declarations.imported import Imported
from pocket.statistics.combined import CombinedModel
from pocket.statistics.declared_grids import grids_of, with_points

if TYPE_CHECKING:
    from pocket.statistics.declarations import StatisticalModel


@dataclass(frozen=True)
class Analysis(metaclass=Declarative):
    """All declarations of an analysis.

    Args:
        name: name of the analysis, the first folder in the store.
        configs: name → configuration, or a function without arguments that returns it. If a configuration is wrong, the
            others can still be used, unless they need it.
        default_config: the configuration that tasks use by default.
        scale_factors: name → scale factor, which is imported or measured in the configuration that it names as
            ``input``.
        compare: configuration → the configuration to compare it with in plots, as before and after; a name alone stands
            for a :class:`~pocket.configuration.comparison.Comparison` without an error of the ratio.
        plots: functions from templates to figures, or :class:`~pocket.plan.plot.TemplatePlot`, which are drawn
            in addition to the shipped plots for every histogram in every category.
        skims: configuration → the skim that it reads instead of the original files, which may have its own selection.
            One of PocketCoffea with ``save_skimmed_files`` makes its own skim, without being named here.
        executors: name → class of an executor, for ``--executor``.
        coupled: groups of scale factors that are measured with each other applied; names alone are a group that
            converges as :class:`~pocket.scale_factors.declarations.coupled.Coupled` says by default.
        least_toys: smallest ``toys.scale`` with which its scale factors can be measured in toys.
        models: name → :class:`~pocket.statistics.StatisticalModel` of the templates, which ``ProduceDatacards`` makes,
            or :class:`~pocket.statistics.CombinedModel` of others; points of a grid are added as models of their own.
        blind: patterns of categories whose data no plot, table or fit shows without ``--unblind``, in addition to those
            of the blind regions of ``models``.

    Raises:
        UnknownNameError: if a name is unknown.
        ConfigError: if scale factors depend on each other without being declared as coupled, or are coupled without
            depending on each other, or a skim doesn't fit its readers.

    Examples:
        >>> from pocket import load_analysis
        >>> config = load_analysis("zmumu").config("nominal")
        >>> analysis = Analysis(name="mine", configs={"first": config}, default_config="first")
        >>> analysis.config("first") is config
        True
    """

    name: str
    configs: Mapping[str, Configurator]
    default_config: str
    scale_factors: Mapping[str, ScaleFactorBase] = field(default_factory=dict)
    compare: Mapping[str, Comparison | str] = field(default_factory=dict)
    plots: Sequence[TemplatePlot | Callable[[Any], Any]] = ()
    skims: Mapping[str, Skim] = field(default_factory=dict)
    executors: Mapping[str, type[ExecutorFactoryABC]] = field(default_factory=dict)
    coupled: Sequence[Coupled | tuple[str, ...]] = ()
    least_toys: float = 0.0
    models: Mapping[str, StatisticalModel | Any] = field(default_factory=dict)
    blind: str | Sequence[str] = ()
    #: name → error message, for configurations and models that can't be used; blind regions hide data all the same
    broken: Mapping[str, str] = field(init=False, repr=False, default_factory=dict)
    broken_models: Mapping[str, str] = field(init=False, repr=False, default_factory=dict)

    def __repr__(self) -> str:
        """Return the name, and those of the configurations."""
        return f"Analysis {self.name!r} with configurations {', '.join([*self.configs, *self.broken])}"

    def __post_init__(self) -> None:
        configs, broken = make_configs(self.configs)
        self._set(configs=configs, broken=broken)
        self._tag_scale_factors()
        check_names(self)
        add_injected(self)
        own = {name: self.only_skims(name) for name in self.configs}
        self._set(skims={**{name: skim for name, skim in own.items() if skim}, **self.skims})
        check_analysis(self)
        self._set(models=with_points(self.models))
        self._set(broken_models=check_models(self))
        self._set(blind=check_blind(self))

    def _set(self, **fields: object) -> None:
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    def _tag_scale_factors(self) -> None:
        """Import scale factors from files with the tags that the parameters of the default configuration name."""
        config = self.configs.get(self.default_config)
        if isinstance(config, Configurator) and (tags := tags_of(config.parameters)):
            tagged = {
                name: replace(declaration, file=rename(declaration.file, tags))
                if isinstance(declaration, Imported)
                else declaration
                for name, declaration in self.scale_factors.items()
            }
            self._set(scale_factors=tagged)

    def config(self, name: str, where: str = "") -> Configurator:
        """Return the configuration with a name.

        Raises:
            UnknownNameError: if there is no such configuration.
            BrokenConfigError: if it couldn't be made.
            ConfigError: if one of its variations is one-sided, without a definition of the other side.
        """
        if name in self.broken:
            raise BrokenConfigError(f"configuration {name!r}: {self.broken[name]}")
        if name not in self.configs:
            known = [*self.configs, *self.broken]
            raise UnknownNameError("configuration", name, known, where or f"analysis {self.name!r}")
        config = self.configs[name]
        try:
            # This check takes time, so it is only made for the configurations that are used.
            _ = config.one_sided
        except ConfigError as error:
            raise ConfigError(f"configuration {name!r}: {error}") from None
        return config

    def scale_factor(self, name: str, where: str = "") -> ScaleFactorBase:
        """Return the declaration of the scale factor with a name.

        Raises:
            UnknownNameError: if there is no such scale factor.
        """
        if name not in self.scale_factors:
            raise UnknownNameError("scale factor", name, self.scale_factors, where or f"analysis {self.name!r}")
        return self.scale_factors[name]

    def model(self, name: str, where: str = "") -> StatisticalModel:
        """Return the statistical model with a name; its regions of blind categories are blind.

        Raises:
            ConfigError: if there is no such model, or it can't be used.
        """
        if name not in self.models:
            raise UnknownNameError("model", name, self.models, where or f"analysis {self.name!r}")
        if name in self.broken_models:
            raise BrokenConfigError(self.broken_models[name])
        model: StatisticalModel = self.models[name]
        hidden = self._hidden({region.category for region in model.regions.values()})
        added = [key for key, region in model.regions.items() if region.category in hidden and not model.is_blind(key)]
        return replace(model, blind=(*model.blind, *added)) if added else model

    def parts_of(self, model: str) -> dict[str, StatisticalModel]:
        """Return the models that a model is made of, by name: itself, unless it combines others.

        Raises:
            ConfigError: if there is no such model, it can't be used, or is a grid.
        """
        found: Any = self.model(model)
        if model in (grids := grids_of(self.models)):
            first, *_ = grids[model].models(model).values()
            raise ConfigError(
                f"the model {model!r} is a grid, which PlotGrid draws: name a point of it, such as {first!r}"
            )
        if isinstance(found, CombinedModel):
            return {part: self.model(part, f"the combined model {model!r}") for part in found.models}
        return {model: found}

    def blind_categories(self, config: str) -> tuple[str, ...]:
        """Return the categories of a configuration whose data are hidden.

        A blind region of a model hides the data of its category in all configurations, since they are the same events.
        """
        return self._hidden(self.config(config).categories.names)

    def _hidden(self, categories: Collection[str]) -> tuple[str, ...]:
        of_regions = {
            region.category
            for model in self.models.values()
            for name, region in model.regions.items()
            if model.is_blind(name)
        }
        return tuple(
            name
            for name in categories
            if name in of_regions or any(fnmatchcase(name, pattern) for pattern in self.blind)
        )

    def comparison(self, config: str) -> Comparison:
        """Return the comparison of a configuration in plots; its names are empty if there is none."""
        declared = self.compare.get(config, "")
        return Comparison(declared) if isinstance(declared, str) else declared

    @property
    def all_plots(self) -> dict[str, TemplatePlot]:
        """The plots of templates by name, shipped ones first."""
        return all_plots(self.plots, f"analysis {self.name!r}")

    @property
    def groups(self) -> tuple[Coupled, ...]:
        """The groups of coupled scale factors."""
        return tuple(group if isinstance(group, Coupled) else Coupled(group) for group in self.coupled)

    def coupled_with(self, scale_factor: str) -> Coupled | None:
        """Return the group that a scale factor belongs to, ``None`` if it isn't coupled."""
        return next((group for group in self.groups if scale_factor in group.scale_factors), None)

    def coupled_in(self, config: str) -> Coupled | None:
        """Return the group that is measured in a configuration which applies some of it; there is one at most."""
        applied = self.config(config).scale_factors
        for group in self.groups:
            measured = any(config in self.scale_factor(name).configs() for name in group.scale_factors)
            if measured and any(name in applied for name in group.scale_factors):
                return group
        return None

    def upstream_scale_factors(self, config: str) -> tuple[str, ...]:
        """Return the names of all scale factors that templates of a configuration depend on, also through others."""
        upstream: dict[str, None] = {}
        entered: set[str] = set()

        def enter(config: str) -> None:
            for name in self.config(config).scale_factors:
                if name not in entered:
                    entered.add(name)
                    for needed in self.scale_factor(name).configs():
                        enter(needed)
                    upstream[name] = None

        enter(config)
        return tuple(upstream)

    def drawn_as(self, scale_factor: str) -> str:
        """Return the configuration whose style plots of a scale factor use: where it is measured, else applied."""
        applied = [name for name, config in self.configs.items() if scale_factor in config.scale_factors]
        return (*self.scale_factor(scale_factor).configs(), *applied, self.default_config)[0]

    def years_of(self, config: str) -> dict[str, str]:
        """Return dataset → year of a configuration."""
        definitions = self.config(config).definitions
        return {dataset: str(definition.metadata()["year"]) for dataset, definition in definitions.items()}

    def skim_of(self, config: str) -> Skim:
        """Return the skim that applies the selection of a configuration.

        Raises:
            ConfigError: if there is no such skim.
        """
        for skim in self.skims.values():
            if skim.config == config:
                return skim
        raise ConfigError(
            f"configuration {config!r} isn't skimmed: name the skim's reader in skims of analysis {self.name!r}, e.g. "
            f"skims={{{config!r}: Skim(config={config!r})}}"
        )

    def only_skims(self, config: str) -> Skim | None:
        """Return the skim that is all a configuration makes, ``None`` if it fills templates."""
        return self.configs[config].own_skim(config)
