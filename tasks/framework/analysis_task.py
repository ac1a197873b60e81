"""The base of all tasks of an analysis: their options, and the tasks that they require.

luigi collects the parameters of a class for each access, and law compares those of two classes and processes all values
again for each task that is asked for. The completeness of a chain is checked before and after each of its tasks, which
asks for the same hundred tasks each time, so parameters and required tasks are found once.
"""

from __future__ import annotations

import functools
from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import law
import luigi

from pocket.datasets.restriction import Restriction
from tasks.core.names import AssignmentsParameter, choose, is_pattern, split_names
from tasks.framework.restrictions import RESTRICTION, restriction_of
from tasks.settings.options import Groups, OptionGroup, add_options, check_options, option, with_resources

if TYPE_CHECKING:
    from pocket.configuration.analysis import Analysis
    from pocket.configuration.configurator import Configurator

DEFAULT_ANALYSIS = law.config.get_expanded("pocketlaw", "default_analysis")
#: attribute of a task with what it requires: class and parameters → task
REQUIRED = "_required_before"
#: task and the one that requires it → names of the parameters that it gets from there
_passed_on: dict[tuple[type, type], tuple[str, ...]] = {}


def load(params: Mapping[str, Any]) -> Analysis:
    """Return the analysis that parameters of a task ask for, with changed parameters and restricted datasets."""
    from pocket.configuration.loading import load_analysis

    return load_analysis(params["analysis"], tuple(params["params"]), restriction_of(params))


def _check_config(task: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Resolve the default configuration, and refuse an unknown one before anything runs."""
    analysis = load(params)
    if params.get("config") == law.NO_STR:
        params["config"] = analysis.default_config
    analysis.config(params["config"])
    return params


#: of tasks for one configuration of the analysis
CONFIG = OptionGroup(
    "",
    {"config": option("configuration, or several: a,b or *", law.NO_STR, "that of the analysis")},
    check=_check_config,
)


class AnalysisTask(law.Task):
    """A task for an analysis; a derived class lists the groups of options that it has besides those of its bases."""

    options: ClassVar[Groups] = (RESTRICTION,)
    #: groups of this class and of its bases, in the order in which values are checked
    option_groups: ClassVar[Groups]

    analysis = option("package in analysis/, dotted package, folder or file", DEFAULT_ANALYSIS)
    params = AssignmentsParameter(
        default=(),
        description="parameters to change, e.g. toys.scale=0.1,…; no default",
    )

    # This isn't an option, since tasks write no logs.
    log_file = None
    exclude_index = True
    is_loaded_before: ClassVar[bool] = True  # whether the analysis is loaded before the task runs

    @classmethod
    def modify_task_attributes(cls) -> None:
        """Add the options of the groups that the class lists; law calls this for each class."""
        super().modify_task_attributes()
        add_options(cls)

    @classmethod
    def modify_param_args(cls, params: Any, args: Any, kwargs: Any) -> tuple[Any, Any, Any]:
        """Fill in the preset of ``--resources``."""
        params, args, kwargs = super().modify_param_args(params, args, kwargs)
        return params, args, with_resources(cls, kwargs)

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        """Let the groups of options check their values before anything runs."""
        return check_options(cls, super().modify_param_values(params))

    @classmethod
    def each(cls, given: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the options of each task that a command line asks for: of one, or of one for each configuration."""
        names = split_names(given.get("config", law.NO_STR))
        if CONFIG not in cls.option_groups or (len(names) < 2 and not any(map(is_pattern, names))):
            return [dict(given)]
        analysis = cls.analysis_of(given)
        known = [*analysis.configs, *analysis.broken]
        suitable = [name for name in known if name in names or cls.suits(analysis, name)]
        chosen = choose("configuration", names, suitable, f"analysis {analysis.name!r}")
        return [{**given, "config": name} for name in chosen]

    @classmethod
    def suits(cls, analysis: Analysis, config: str) -> bool:
        """Whether a pattern of ``--config`` may stand for a configuration."""
        return config in analysis.broken or not analysis.only_skims(config)

    @classmethod
    def analysis_of(cls, given: Mapping[str, Any]) -> Analysis:
        """Return the analysis that the options on a command line ask for."""
        parameters: list[tuple[str, Any]] = [*cls.get_params()]
        values = {
            name: parameter.task_value(cls.__name__, name)
            for name, parameter in parameters
            if parameter.has_task_value(cls.__name__, name)
        }
        return load({**values, **RESTRICTION.check(cls, {**values, **given})})

    @classmethod
    def keep_names(cls, given: Mapping[str, Any]) -> None:
        """Write the names of the analysis for completion in the shell."""
        from tasks.core.completion import keep_names

        if cls.is_loaded_before:
            keep_names(given.get("analysis", DEFAULT_ANALYSIS), cls.analysis_of(given))

    def process_resources(self) -> dict[str, int]:
        """Return no resources of luigi's scheduler, which would take those of ``--resources`` for its own."""
        return {}

    @property
    def analysis_inst(self) -> Analysis:
        return load(self.param_kwargs)

    @property
    def restriction(self) -> Restriction | None:
        """The part of the datasets that is read, ``None`` for all."""
        return restriction_of(self.param_kwargs)

    @property
    def config_inst(self) -> Configurator:
        return self.analysis_inst.config(self.config)

    @classmethod
    @functools.cache
    def get_params(cls) -> list[tuple[str, luigi.Parameter]]:
        return list(super().get_params())

    @classmethod
    def req(cls, inst: law.Task, **kwargs: Any) -> Any:
        """Return the task of this class that another one requires; arguments are what it doesn't get from there."""
        key = cls, tuple(sorted(kwargs.items()))
        if cls._may_differ(kwargs) or not all(isinstance(value, Hashable) for value in kwargs.values()):
            return super().req(inst, **kwargs)
        known: dict[Any, Any] = vars(inst).setdefault(REQUIRED, {})
        if key not in known:
            known[key] = super().req(inst, **kwargs)
        return known[key]

    @classmethod
    def req_params(cls, inst: law.Task, **kwargs: Any) -> dict[str, Any]:
        """Return the parameters that this task gets from another one."""
        if cls._may_differ(kwargs):
            return dict(super().req_params(inst, **kwargs))
        classes = cls, type(inst)
        if classes not in _passed_on:
            _passed_on[classes] = tuple(super().req_params(inst))
        return {**{name: getattr(inst, name) for name in _passed_on[classes]}, **kwargs}

    @classmethod
    def _may_differ(cls, kwargs: dict[str, Any]) -> bool:
        """Tell whether more decides the parameters than the two tasks: the command line, or options of law."""
        return bool(cls.prefer_params_cli) or any(name.startswith("_") for name in kwargs)
