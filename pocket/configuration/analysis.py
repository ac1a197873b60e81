"""An analysis, with its configurations and the scale factors between them, and its import."""

from __future__ import annotations

import contextlib
import functools
import importlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pocket.base.arguments import Declarative, refused_call
from pocket.base.dialects import dialect
from pocket.base.file_names import check_store_name
from pocket.base.fingerprint.compiled import name_compiled_code
from pocket.base.fingerprint.patches import patches, register_package
from pocket.base.fingerprint.places import register_outside
from pocket.base.fingerprint.reads import watch
from pocket.base.runtime.remarks import remark
from pocket.base.snapshots.process import import_root, located
from pocket.configuration import plain_files
from pocket.configuration.blinding import as_blind, blind_categories, check_blind, with_blind_regions
from pocket.configuration.comparison import Comparison
from pocket.configuration.configurator import Configurator
from pocket.configuration.deferred import Broken, deferred_errors
from pocket.configuration.import_errors import add_lines, explain_import
from pocket.configuration.injected import add_injected
from pocket.configuration.models import wrong_models
from pocket.configuration.plot import TemplatePlot, all_plots
from pocket.configuration.repeated_keys import warn_of_repeated_keys
from pocket.configuration.restricted import restrict_analysis
from pocket.configuration.skim import Skim
from pocket.configuration.user_errors import describe, in_configuration, suggestion
from pocket.configuration.whole import check_samples, check_shapes
from pocket.datasets.restriction import Restriction
from pocket.errors import BrokenConfigError, ConfigError, PocketError, UnknownNameError, check_known
from pocket.executors.base import ExecutorFactoryABC
from pocket.parameters.defaults import project_root
from pocket.parameters.overrides import check_applied, check_overrides, parameter_overrides
from pocket.parameters.shipped import analysis_package, analysis_packages
from pocket.parameters.tags import rename, tags_of
from pocket.scale_factors import ScaleFactor, ScaleFactorBase
from pocket.scale_factors.declarations.closure import places
from pocket.scale_factors.declarations.coupled import Coupled, check_coupled
from pocket.scale_factors.declarations.imported import Imported
from pocket.statistics.combined import CombinedModel
from pocket.statistics.declared_grids import grids_of, with_points

if TYPE_CHECKING:
    from pocket.statistics.declarations import StatisticalModel

#: context of a check that may need a broken configuration, whose error is raised when it is used
_DEFERRED = contextlib.suppress(BrokenConfigError)


class UnknownAnalysisError(UnknownNameError):
    """A reference stands for no analysis."""


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
        plots: functions from templates to figures, or :class:`~pocket.configuration.plot.TemplatePlot`, which are drawn
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
        self._make_configs()
        self._tag_scale_factors()
        where = f"analysis {self.name!r}"
        check_store_name("analysis", self.name)
        names = {"configuration": [*self.configs, *self.broken], "scale factor": list(self.scale_factors)}
        for kind, of_kind in names.items():
            for name in of_kind:
                check_store_name(kind, name, where)
        add_injected(self)
        own = {name: self.only_skims(name) for name in self.configs}
        object.__setattr__(self, "skims", {**{name: skim for name, skim in own.items() if skim}, **self.skims})
        with _DEFERRED:
            self.config(self.default_config, f"default_config of {where}")
        for after in self.compare:
            comparison = self.comparison(after)
            for name in filter(None, (after, comparison.before, comparison.covariance_config)):
                with _DEFERRED:
                    self.config(name, f"compare of {where}")
        _ = self.all_plots
        for name, declaration in self.scale_factors.items():
            for measured in declaration.measured():
                with _DEFERRED:
                    self._check_scale_factor(name, measured)
        for name, config in self.configs.items():
            for used in config.scale_factors:
                self.scale_factor(used, f"weights of configuration {name!r}")
            self._check_systematics(name)
            self._check_inputs(name)
        check_coupled(self.groups, {name: self._measured_in(name) for name in self.scale_factors}, where)
        for reader in self.skims:
            with _DEFERRED:
                self._check_skim(reader)
        if self.models:
            object.__setattr__(self, "models", with_points(self.models))
            object.__setattr__(self, "broken_models", wrong_models(self))
        object.__setattr__(self, "blind", as_blind(self.blind, where))
        check_blind(self)

    def _make_configs(self) -> None:
        """Call the functions among the configurations, and keep the error messages of those that can't be made."""
        made: dict[str, Configurator] = {}
        broken: dict[str, str] = {}
        for name, config in self.configs.items():
            try:
                found = config() if callable(config) else config
                if isinstance(found, Broken):
                    broken[name] = found.sentence.removeprefix(f"configuration {name!r}: ")
                else:
                    made[name] = found
            except PocketError as error:
                add_lines(error)
                broken[name] = str(error)
            except Exception as error:
                raised = ConfigError(f"{describe(error)}{suggestion(error)}").with_traceback(error.__traceback__)
                add_lines(raised)
                broken[name] = str(raised)
        object.__setattr__(self, "configs", made)
        object.__setattr__(self, "broken", broken)

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
            object.__setattr__(self, "scale_factors", tagged)

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
        return with_blind_regions(self.models[name], self)

    def parts_of(self, model: str) -> dict[str, StatisticalModel]:
        """Return the models that a model is made of, by name: itself, unless it combines others."""
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
        """Return the categories of a configuration whose data are hidden."""
        return blind_categories(self, self.config(config).categories.names)

    def check_toys(self, scale_factor: str) -> None:
        """Check that there are enough toys to measure a scale factor, if it is measured in toys.

        Raises:
            ConfigError: if there are too few.
        """
        for declaration in self.scale_factor(scale_factor).measured():
            config = self.configs[declaration.input]
            has_toys = any(definition.source == "toys" for definition in config.definitions.values())
            if not (self.least_toys and has_toys):
                continue
            if (scale := config.parameters.toys.scale) < self.least_toys:
                raise ConfigError(
                    f"toys.scale is {scale:g}, but the scale factor {scale_factor!r} of {self.name!r} can't be "
                    f"measured in fewer toys than with {self.least_toys:g}"
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

    def _check_skim(self, reader: str) -> None:
        where = f"skims of analysis {self.name!r}"
        skim = self.skims[reader]
        if not isinstance(skim, Skim):
            raise ConfigError(f"{where}: {reader!r} reads {skim!r}, expected a Skim(config=…)")
        read, skimmed = self.config(reader, where), self.config(skim.config, where)
        if self.skim_of(skim.config) != skim:
            raise ConfigError(f"{where}: configuration {skim.config!r} is skimmed in two ways; its readers must agree")
        if self.skims.get(skim.config, skim).config != skim.config:
            raise ConfigError(
                f"{where}: {reader!r} reads the skim of {skim.config!r}, which itself reads that of "
                f"{self.skims[skim.config].config!r}; a skim is made of original files"
            )
        check_known("dataset", read.definitions, skimmed.definitions, f"the skim of configuration {skim.config!r}")
        for name, definition in read.definitions.items():
            if definition != skimmed.definitions[name]:
                raise ConfigError(
                    f"{where}: {definition.where} isn't the one of {skim.config!r}, whose skim {reader!r} reads"
                )

    def _check_systematics(self, config: str) -> None:
        for weight in self.configs[config].weights.classes.values():
            for name, keys in weight.systematics().items():
                written = self.scale_factors[name].systematics_written()
                if written is not None:
                    where = f"scale factor {name!r}, which weight {weight.name!r} of configuration {config!r} varies"
                    check_known("systematic", keys, written, where)

    def _check_inputs(self, config: str) -> None:
        for weight in self.configs[config].weights.classes.values():
            inputs = [self.scale_factors[name].input_names() for name in weight.scale_factors()]
            known = [name for names in inputs if names is not None for name in names]
            if None not in inputs:
                where = f"inputs of weight {weight.name!r} of configuration {config!r}"
                check_known("input", weight.named_inputs(), known, where)

    def _check_scale_factor(self, name: str, declaration: ScaleFactor) -> None:
        where = f"scale factor {name!r}"
        self._check_measurement(declaration, where)
        for systematic, changed in declaration.changed():
            self._check_measurement(changed, f"systematic {systematic.name!r} of {where}")
        self._check_closure(name, declaration)

    def _check_closure(self, name: str, declaration: ScaleFactor) -> None:
        where = f"the closure of scale factor {name!r}"
        if declaration.closure.same_events and self.coupled_with(name):
            raise ConfigError(
                f"{where}: a coupled scale factor has converged, but not exactly; its closure is remeasured=, split= "
                "or preserved="
            )
        for argument, of_argument in places(declaration).items():
            for place in of_argument:
                at = f"{argument} of {where}"
                self._check_measurement(place, at, place.same_events_categories() if argument == "same_events" else ())
                if argument != "split":
                    self._check_applied(name, place.input, at)
        for preserved in declaration.closure.preserved:
            at = f"preserved of {where}"
            config = self.config(preserved.config, at)
            check_known("category", preserved.categories(), config.categories.names, at)
            stored = [counted for sample in config.samples for counted in config.counted_samples(sample)]
            check_known("sample", preserved.samples or declaration.mc, stored, at)
            check_known("year", declaration.years, self.years_of(preserved.config).values(), at)
            self._check_applied(name, preserved.config, at)

    def _check_applied(self, scale_factor: str, config: str, where: str) -> None:
        applied = self.configs[config].scale_factors
        if scale_factor not in applied:
            raise ConfigError(
                f"{where}: configuration {config!r} doesn't apply scale factor {scale_factor!r}, but "
                f"{', '.join(map(repr, applied)) or 'none'}"
            )

    def _check_measurement(self, declaration: ScaleFactor, where: str, categories: Sequence[str] = ()) -> None:
        config = self.config(declaration.input, f"input of {where}")
        check_known("variable", [declaration.variable], config.variables, where)
        check_known("category", categories or declaration.categories(), config.categories.names, where)
        declaration.check_axes(config.variables[declaration.variable].axes, where)
        check_samples(config, declaration.roles(), where)
        check_known("year", declaration.years, self.years_of(declaration.input).values(), where)
        check_shapes(config, declaration.reading(), f"systematics of {where}")
        check_known("scale factor", declaration.upstream, self.scale_factors, f"upstream of {where}")
        for upstream in declaration.upstream:
            self._check_applied(upstream, declaration.input, f"upstream of {where}")

    def _measured_in(self, scale_factor: str) -> dict[str, tuple[str, ...]]:
        read = self.scale_factors[scale_factor].configs()
        return {config: self.configs[config].scale_factors for config in read if config not in self.broken}


@dataclass(frozen=True)
class _Loaded:
    """A loaded analysis with all of its modules by name."""

    analysis: Analysis
    package: str
    modules: Mapping[str, ModuleType]
    file: Path | None = None


def load_analysis(reference: str, overrides: tuple[str, ...] = (), restriction: Restriction | None = None) -> Analysis:
    """Return an analysis, which is imported unless it has been before.

    Args:
        reference: ``zmumu`` for ``analysis.zmumu`` or for ``zmumu`` at the top of the project, a dotted package, the
            path of a package's folder, or of a file with ``cfg = Configurator(...)``, an analysis of one configuration.
        overrides: parameters set on the command line, ``key=value``.
        restriction: the part of the datasets that is read; ``None`` for all.

    Raises:
        ConfigError: if there is no such package or file, it can't be imported, or has no ``analysis`` or ``cfg``.
        UnknownNameError: if an override names an unknown parameter, or the restriction an unknown dataset.

    Examples:
        >>> load_analysis("zmumu").default_config
        'calibrated'
    """
    dialect().enter()
    watch()
    name_compiled_code()
    reference = absolute_reference(reference)
    if _is_path(reference) and not (folder := _imported_from(reference)).is_relative_to(project_root()):
        register_outside(folder)
    loaded = _load(reference, overrides, restriction or None)
    if any(sys.modules.get(name) is not module for name, module in loaded.modules.items()):
        # Another analysis has modules of these names. Fingerprints and imports in functions find code by its name.
        _forget(_modules(loaded.package) if loaded.file is None else plain_files.modules_of_others(loaded.file))
        sys.modules.update(loaded.modules)
    if loaded.file is not None:
        plain_files.enter(loaded.file)
    return loaded.analysis


def forget_analyses() -> None:
    """Make the next load of each analysis import it again."""
    _load.cache_clear()


def absolute_reference(reference: str) -> str:
    """Return a reference that means the same in every folder, in the snapshot if this process runs from one."""
    return located(str(Path(reference).expanduser().absolute()) if _is_path(reference) else reference)


@functools.lru_cache(maxsize=8)
def _load(reference: str, overrides: tuple[str, ...], restriction: Restriction | None = None) -> _Loaded:
    if restriction is not None:
        whole = _load(reference, overrides)
        return replace(whole, analysis=restrict_analysis(whole.analysis, restriction))
    file = plain_files.check_plain_file(reference) if plain_files.is_plain_file(reference) else None
    with parameter_overrides(overrides), deferred_errors() as broken:
        module = _import(reference) if file is None else _import_file(file)
    analysis = getattr(module, "analysis", None)
    if file is not None and not isinstance(analysis, Analysis):
        analysis = _analysis_of(file, module)
    if not isinstance(analysis, Analysis):
        raise ConfigError(f"{module.__name__} defines no 'analysis = Analysis(…)'")
    _raise_blocking(analysis, broken)
    register_package(module.__name__)
    modules = _modules(module.__name__) if file is None else plain_files.modules_of(file)
    changed = patches(module.__name__, modules)
    for name, config in analysis.configs.items():
        config.patches = changed
        check_overrides(config.parameters, overrides)
        with in_configuration(name):
            check_applied(config.parameters, overrides)
    warn_of_repeated_keys(modules)
    return _Loaded(analysis, module.__name__, {name: sys.modules[name] for name in modules}, file)


def _raise_blocking(analysis: Analysis, broken: Iterable[Broken]) -> None:
    """Raise the error of a wrong configuration if the analysis doesn't name it, or has no other one."""
    sentences = [f"configuration {name!r}: {reason}" for name, reason in analysis.broken.items()]
    unused = [each.sentence for each in broken if each.sentence not in (*analysis.broken.values(), *sentences)]
    for sentence in (*unused, *([] if analysis.configs else sentences)):
        raise BrokenConfigError(sentence)


def _import_file(path: Path) -> ModuleType:
    _forget(plain_files.modules_of_others(path))
    plain_files.enter(path)
    with _explained(str(path), plain_files.module_name(path), plain_files.beside(path.parent)):
        return plain_files.run(path)


def _analysis_of(path: Path, module: ModuleType) -> Analysis:
    """Return the analysis of one configuration that a configuration file stands for."""
    config = getattr(module, "cfg", None)
    if not isinstance(config, Configurator):
        raise ConfigError(f"{path} defines no 'cfg = Configurator(…)' and no 'analysis = Analysis(…)'")
    if hasattr(module, "run_options"):
        remark(f"{path}: run_options has no effect, as in PocketCoffea: pass them by --custom-run-options FILE.yaml")
    name, configuration = plain_files.names_of(path)
    return Analysis(name=name, configs={configuration: config}, default_config=configuration)


def _import(reference: str) -> ModuleType:
    name, folder = _module_name(reference)
    if folder is not None:
        # The folder must precede other folders with a package of this name.
        sys.path[:] = [str(folder), *(path for path in sys.path if path != str(folder))]
    # Parameters are composed while an analysis is imported, so other overrides need a new import.
    _forget(_modules(name))
    importlib.invalidate_caches()
    with _explained(reference, name):
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name and f"{name}.".startswith(f"{error.name}."):
                raise UnknownAnalysisError("analysis", reference, available_analyses()) from None
            raise


@contextlib.contextmanager
def _explained(reference: str, name: str, beside: Iterable[str] = ()) -> Iterator[None]:
    """Explain errors of the import of an analysis in one sentence."""
    try:
        yield
    except PocketError as error:
        # The lines of a broken configuration were added when it was made.
        if not isinstance(error, BrokenConfigError):
            add_lines(error)
        raise
    except (Exception, SystemExit) as error:
        if isinstance(error, TypeError) and (refused := refused_call(error)):
            raise refused from None
        raise explain_import(reference, name, error, beside) from error


def _modules(package: str) -> list[str]:
    return [module for module in sys.modules if module == package or module.startswith(f"{package}.")]


def _forget(modules: Sequence[str]) -> None:
    for module in modules:
        del sys.modules[module]


def _module_name(reference: str) -> tuple[str, Path | None]:
    if _is_path(reference):
        path = Path(reference).resolve()
        if not (path / "__init__.py").is_file():
            raise ConfigError(f"analysis {reference!r} is no folder of a Python package")
        return path.name, path.parent
    return analysis_package(reference), None


def _is_path(reference: str) -> bool:
    return "/" in reference or reference.startswith(".") or plain_files.is_plain_file(reference)


def _imported_from(reference: str) -> Path:
    """Return the folder of a package and the modules beside it, or the root of a configuration file's repository."""
    path = Path(reference).resolve()
    return import_root(path) if plain_files.is_plain_file(reference) else path.parent


def available_analyses() -> Sequence[str]:
    """Return the names of the analyses in the project."""
    return list(analysis_packages())
