"""Loading of an analysis: its import, with overrides of parameters and a part of its datasets."""

from __future__ import annotations

import contextlib
import copy
import functools
import importlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

from omegaconf import OmegaConf

from pocket.base.arguments import refused_call
from pocket.base.dialects import dialect
from pocket.base.fingerprint.compiled import name_compiled_code
from pocket.base.fingerprint.patches import patches, register_package
from pocket.base.fingerprint.places import register_outside
from pocket.base.fingerprint.reads import watch
from pocket.base.runtime.remarks import remark
from pocket.base.snapshots.process import import_root, located
from pocket.configuration import plain_files
from pocket.configuration.analysis import Analysis
from pocket.configuration.configurator import Configurator
from pocket.configuration.deferred import Broken, deferred_errors
from pocket.configuration.import_errors import add_lines, explain_import
from pocket.configuration.repeated_keys import warn_of_repeated_keys
from pocket.configuration.user_errors import in_configuration
from pocket.datasets.restriction import Restriction
from pocket.datasets.sample_variations import check_whole
from pocket.errors import BrokenConfigError, ConfigError, DatasetError, PocketError, UnknownNameError
from pocket.parameters.locations import project_root
from pocket.parameters.overrides import check_applied, check_overrides, parameter_overrides
from pocket.parameters.shipped import analysis_package, analysis_packages
from pocket.plan.shapes import ShapePlan
from pocket.weights.plan import WeightPlan


class UnknownAnalysisError(UnknownNameError):
    """A reference stands for no analysis."""


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


def available_analyses() -> Sequence[str]:
    """Return the names of the analyses in the project."""
    return list(analysis_packages())


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
