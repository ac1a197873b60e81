"""Bases of all tasks: parameters, fingerprints, and the place of their outputs in the store."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import law
import luigi

from pocket.base.fingerprint import fingerprint
from pocket.base.snapshots.process import original
from pocket.errors import ChangedCodeError, ChangedFileError, ConfigError
from pocket.io.store import store_path
from pocket.io.store.manifest import written
from pocket.io.store.older import report_older
from pocket.io.store.provenance import begin_work
from pocket.io.store.publishing import prepare_places
from pocket.io.store.records import record_file
from pocket.parameters.tags import label_of, without_tags
from tasks.batch.options import BatchOptions
from tasks.batch.own_store import is_made_elsewhere
from tasks.core.console import short_path
from tasks.core.loaded import VARIABLE as EXPECTED
from tasks.core.loaded import Expected, changed_sentence
from tasks.core.log import log_to_terminal
from tasks.core.names import AssignmentsParameter, VersionParameter, choose, is_pattern, split_names
from tasks.core.report import log_luigi, note_unchanged
from tasks.core.snapshot import check_sources
from tasks.core.targets import StoreTarget, are_complete, fetch_verified, refuse_replaced, store_targets
from tasks.core.terminal import one_sentence_errors
from tasks.framework.audits import describe_audit
from tasks.framework.executors import ExecutorMixin
from tasks.framework.records import Records, significant_parameters, task_records
from tasks.framework.requirements import RequiringTask
from tasks.framework.restrictions import CHUNK_SIZE, RestrictionOptions, restriction_of
from tasks.settings.remote_store import read_stores, remote_url

if TYPE_CHECKING:
    from pocket.configuration.analysis import Analysis
    from pocket.configuration.configurator import Configurator
    from pocket.datasets.restriction import Restriction
    from pocket.io.store import Manifest

one_sentence_errors()
log_to_terminal()
log_luigi()

DEFAULT_ANALYSIS = law.config.get_expanded("pocketlaw", "default_analysis")


class AnalysisTask(RestrictionOptions, RequiringTask):
    """A task for an analysis."""

    analysis = luigi.Parameter(
        default=DEFAULT_ANALYSIS,
        description=f"package in analysis/, dotted package, folder or file; default: {DEFAULT_ANALYSIS}",
    )
    params = AssignmentsParameter(
        default=(),
        description="parameters to change, e.g. toys.scale=0.1,…; no default",
    )

    # This isn't an option, since tasks write no logs.
    log_file = None

    exclude_index = True

    is_loaded_before: ClassVar[bool] = True  # whether the analysis is loaded before the task runs

    @classmethod
    def each(cls, given: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the options of each task that a command line asks for: of one, or of one for each name in a list.

        Args:
            given: the options on the command line.
        """
        return [dict(given)]

    @classmethod
    def analysis_of(cls, given: Mapping[str, Any]) -> Analysis:
        """Return the analysis that the options on a command line ask for."""
        parameters: list[tuple[str, Any]] = [*cls.get_params()]
        values = {
            name: parameter.task_value(cls.__name__, name)
            for name, parameter in parameters
            if parameter.has_task_value(cls.__name__, name)
        }
        return load({**values, **RestrictionOptions.modify_param_values({**values, **given})})

    @classmethod
    def keep_names(cls, given: Mapping[str, Any]) -> None:
        """Write the names of the analysis for completion in the shell."""
        from tasks.core.completion import keep_names

        if cls.is_loaded_before:
            keep_names(given.get("analysis", DEFAULT_ANALYSIS), cls.analysis_of(given))

    def _print_deps(self, args: Any) -> None:
        from tasks.core.status import print_deps

        print_deps(self, *args)

    def _print_status(self, args: Any) -> None:
        from tasks.core.status import print_status

        print_status(self, *args)

    @property
    def analysis_inst(self) -> Analysis:
        """The loaded analysis."""
        return load(self.param_kwargs)

    @property
    def restriction(self) -> Restriction | None:
        """The part of the datasets that is read, ``None`` for all."""
        return restriction_of(self.param_kwargs)


class OneConfigTask(AnalysisTask):
    """A task for one configuration of the analysis."""

    config = luigi.Parameter(
        default=law.NO_STR, description="configuration, or several: a,b or *; default: that of the analysis"
    )

    exclude_index = True

    @classmethod
    def each(cls, given: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the options of a task for each configuration: ``--config`` may be a list, and have patterns."""
        names = split_names(given.get("config", law.NO_STR))
        if len(names) < 2 and not any(map(is_pattern, names)):
            return super().each(given)
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
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        """Resolve the default configuration, and refuse an unknown one before anything runs."""
        params = super().modify_param_values(params)
        analysis = load(params)
        if params.get("config") == law.NO_STR:
            params["config"] = analysis.default_config
        analysis.config(params["config"])
        return params

    @property
    def config_inst(self) -> Configurator:
        """The configuration object."""
        return self.analysis_inst.config(self.config)


class StoreTask(AnalysisTask):
    """A task with its output in the store, at a path that is known before anything has run.

    A derived class defines what determines its output (:meth:`fingerprint_spec`) and which outputs it is made from
    (:meth:`input_ids`). It is complete when the tasks it requires are, and its own output was made from their current
    outputs.
    """

    version = VersionParameter(description="name of this version of the outputs, e.g. v1; no default")
    cores = luigi.IntParameter(
        default=0, significant=False, description="processes on this machine, 0 for all cores; default: 0"
    )
    skip_bad_files = luigi.BoolParameter(
        default=False,
        significant=False,
        description="leave out unreadable input files, and record them; default: False",
    )

    one_by_one = luigi.BoolParameter(
        default=False,
        significant=False,
        description="process one configuration after the other, and share no passes; default: False",
    )

    # Only tasks that check closures have this as an option.
    accept_closure = False

    exclude_index = True

    #: whether the output may depend on the versions of corrections that parameters name
    reads_corrections = False

    #: id of the output version that existed when this task began to make its own; ``None`` before
    _replaced: str | None = None

    last_audit = describe_audit

    #: arguments of :meth:`write_info` while the output is made; ``None`` otherwise
    _info: dict[str, Any] | None = None

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        """Take away parameters without an effect, so that the tasks of both sides of a comparison are the same."""
        params = super().modify_param_values(params)
        return params if cls.reads_corrections else {**params, "params": without_tags(params["params"])}

    @property
    def config_part(self) -> str:
        """Name of the part of the analysis that the output belongs to, a folder below the task's in the store."""
        raise self._lacks("config_part")

    def fingerprint_spec(self) -> Any:
        """Return everything that determines the output, including fingerprints of required tasks."""
        raise self._lacks("fingerprint_spec")

    def input_ids(self) -> Mapping[str, str] | None:
        """Return the outputs that this one is made from, label → id; ``None`` while one of them doesn't exist."""
        raise self._lacks("input_ids")

    @cached_property
    def fingerprint(self) -> str:
        """Hash of everything that determines the output."""
        return fingerprint(self.fingerprint_spec())

    @cached_property
    def directory(self) -> Path:
        """Folder of the output."""
        parts = (self.analysis_part, self.task_family, self.config_part, self.version_part)
        return store_path(*parts, self.fingerprint)

    @property
    def analysis_part(self) -> str:
        """Folder of the analysis."""
        return str(self.analysis_inst.name)

    @property
    def version_part(self) -> str:
        """Folder of the version: people recognise outputs of a part of the datasets by it."""
        return f"{self.version}.limited" if self.restriction else str(self.version)

    def output(self) -> StoreTarget:
        """Return the output's folder as a target."""
        return self.target(self.directory)

    def target(self, folder: Path, inputs: Callable[[], Mapping[str, str] | None] | None = None) -> StoreTarget:
        """Return a folder in the store as an output of this task, made from its inputs or from others."""
        remote = remote_url(self.task_family, folder)
        return StoreTarget(
            folder,
            inputs or self.input_ids,
            accept_skipped=self.skip_bad_files,
            accept_failed=self.accept_closure,
            remote=remote,
            awaited=self.awaited,
            lacks=self.lacks,
            read=read_stores(),
        )

    def lacks(self, manifest: Manifest) -> str:
        """Return which part that is asked for an output lacks, as a clause; empty if it has all."""
        return ""

    def awaited(self) -> str:
        """Return the name of the first required task that is not complete, empty if all are."""
        return first_incomplete(self.requires())

    def check_expected(self) -> None:
        """Check in a batch job that the task is the one that was submitted.

        Raises:
            ChangedCodeError: if code, parameters or definitions differ here, so that the output would differ.
        """
        family, _, fingerprint = os.environ.get(EXPECTED, "").partition("=")
        if family == self.task_family and fingerprint != self.fingerprint:
            known = record_file("spec", fingerprint)
            raise ChangedCodeError(changed_sentence(self.progress_label, self.fingerprint_spec(), known))

    def complete(self) -> bool:
        """Whether the output exists, and was made from the current outputs of complete upstream tasks."""
        if is_made_elsewhere(self.task_family):
            return True
        return requirements_complete(self) and bool(self.output().exists())

    def run(self) -> Iterator[Any] | None:
        """Make the output, unless upstream tasks ran again with unchanged results.

        luigi takes the values of an iterator as further requirements.
        """
        from pocket.configuration.user_errors import one_sentence, traceback_file

        self.check_expected()
        check_sources()
        # luigi decides which tasks to run before it runs any of them, so check again here.
        if self.complete():
            note_unchanged(self)
            return None
        output = self.output()
        if output.awaits_upload:
            output.upload()
        else:
            self._replaced = read_id(output)
            self.fetch_needed()
            self.prepare_place()
            begin_work()
            # Another command may replace an input after it was read, so the inputs are those of before.
            self._info = self.write_info()
            try:
                with one_sentence(traceback_file(self.directory)):
                    self.make()
            finally:
                self._info = None
            refuse_replaced([output], self.progress_label)
            self.refuse_incomplete()
        return None

    @property
    def progress_label(self) -> str:
        """Name of this task in progress bars and messages."""
        return f"{self.task_family} {self.config_part}"

    def describe_work(self) -> str:
        """Return how much there is to do, e.g. ``3 variables``, for the plan; empty if not known."""
        return ""

    def describe_output(self) -> str:
        """Return how much was made, e.g. ``22 figures``, for the line of the finished task; empty if not counted."""
        return ""

    def describe_results(self) -> list[tuple[str, str]]:
        """Return what was found, as labels and texts for the results of a run."""
        return []

    def describe_place(self) -> list[tuple[str, str]]:
        """Return where the output is, as label and text for the results of a run."""
        return [("output", short_path(self.directory))]

    def refuse_incomplete(self) -> None:
        """Check that the output was made, and nothing was changed meanwhile.

        Raises:
            ConfigError: if ``make`` wrote nothing.
            ChangedFileError: if something was changed, for which law would only say that the task is not complete.
        """
        if self.complete():
            return
        awaited = self.awaited()
        if not awaited and read_id(self.output()) == self._replaced:
            raise ConfigError(
                f"{self.progress_label}: make() wrote no output, use write_output(**self.write_info()), see "
                "docs/how-to/extending.md#a-task"
            )
        raise changed_meanwhile(self.progress_label, awaited, self.output().unsuitable())

    def needed(self) -> list[StoreTarget]:
        """Return the outputs that are read to make this one."""
        return store_targets(self.input())

    def fetch_needed(self) -> None:
        """Fetch and verify all outputs that are read to make this one."""
        fetch_verified(self.needed())

    def prepare_place(self) -> None:
        """Create the folder of the output, and report older outputs in it."""
        prepare_places([self.directory.parent])
        report_older(self.directory.parent)

    def make(self) -> None:
        """Make the output."""
        raise self._lacks("make")

    def _lacks(self, member: str) -> ConfigError:
        """Return the error for a task without something that it must define."""
        return ConfigError(f"{self.task_family} lacks {member}, see docs/how-to/extending.md#a-task")

    def _remove_output(self, args: Any) -> Any:
        # Branches are known from filesets, which may be removed before the branches are.
        for task, *_ in self.walk_deps():
            task.output()
        return super()._remove_output(args)

    @cached_property
    def upstream_scale_factors(self) -> dict[str, str]:
        """Map each scale factor this output depends on to the SHA-256 of its file.

        Available once they have been measured.
        """
        required = [task for task in law.util.flatten(self.requires()) if isinstance(task, StoreTask)]
        upstream = {name: checksum for task in required for name, checksum in task.upstream_scale_factors.items()}
        # Earlier iterations of coupled scale factors have other files, so those of the required tasks come last.
        own = {name: checksum for task in required for name, checksum in task.scale_factor_files().items()}
        return upstream | own

    def scale_factor_files(self) -> dict[str, str]:
        """Return name → checksum of the scale factors that the output contains."""
        return {}

    def expected(self, name: str) -> Expected:
        """Return what jobs of this task must have loaded, for a configuration or a scale factor."""
        if name not in self._expected:
            specification = self.records.file("spec")
            self._expected[name] = Expected.of(self.task_family, self.analysis_inst, name, specification)
        return self._expected[name]

    @cached_property
    def _expected(self) -> dict[str, Expected]:
        return {}

    @cached_property
    def records(self) -> Records:
        """Records of how the outputs of this task are made, written before the first output."""
        return task_records(self)

    def read_info(self) -> dict[str, Any]:
        """Return what the manifest says of the inputs besides their ids."""
        return {}

    def write_info(self) -> dict[str, Any]:
        """Return the arguments for :func:`pocket.io.store.write_output`, which are written to the manifest."""
        if self._info is not None:
            return dict(self._info)
        # This comes before the ids, so that it isn't of later inputs than these.
        read = self.read_info()
        output = self.output()
        scale_factors = {"scale_factors": self.upstream_scale_factors} if self.upstream_scale_factors else {}
        limited = {"limited": self.restriction.text} if self.restriction else {}
        return {
            "directory": output.directory,
            "remote": output.remote,
            "replaces": read_id(output) if self._replaced is None else self._replaced,
            "task": self.task_family,
            "inputs": self.input_ids() or {},
            "analysis": original(self.analysis) if "/" in self.analysis else self.analysis,
            "config": self.config_part,
            "version": self.version,
            "fingerprint": self.fingerprint,
            "params": list(self.params),
            "parameters": significant_parameters(self),
            "records": self.records.ids,
            "measured": True,
            **read,
            **scale_factors,
            **limited,
        }


class TemplateTask(ExecutorMixin, BatchOptions, StoreTask):
    """A task that needs templates, with the options for processing that it passes upstream."""

    reads_corrections = True

    events_per_branch = luigi.IntParameter(
        default=200_000, significant=False, description="largest number of events per branch; default: 200000"
    )
    chunk_size = luigi.IntParameter(
        default=CHUNK_SIZE, significant=False, description="largest number of events per chunk; default: 400000"
    )
    chunk_memory = luigi.IntParameter(
        default=1000,
        significant=False,
        description="MB that a chunk may take, 0 for no limit; default: 1000",
    )
    threads = luigi.IntParameter(
        default=1,
        significant=False,
        description="threads per process that decompress columns; default: 1",
    )
    acceptance = luigi.FloatParameter(
        default=1.0,
        significant=False,
        description="share of the events of each simulated dataset that is enough to go on; default: 1.0",
    )

    branches_per_merge = luigi.IntParameter(
        default=0,
        significant=False,
        description="branches per partial merge, 0 to merge all at once; default: 0",
    )

    compact = luigi.BoolParameter(
        default=False,
        significant=False,
        description="pack logs of jobs and old folders of branches, and run nothing; default: False",
    )

    interactive_params: ClassVar = [*BatchOptions.interactive_params, "compact"]
    exclude_params_branch: ClassVar = {"compact"}

    exclude_index = True

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        """Refuse invalid values of acceptance, memory, threads and number of branches."""
        params = super().modify_param_values(params)
        if params.get("chunk_memory", 0) < 0:
            raise ConfigError(f"--chunk-memory is {params['chunk_memory']}, expected 0 or more")
        if params.get("threads", 1) < 1:
            raise ConfigError(f"--threads is {params['threads']}, expected 1 or more")
        if params.get("branches_per_merge", 0) < 0:
            raise ConfigError(f"--branches-per-merge is {params['branches_per_merge']}, expected 0 or more")
        if not 0 < params.get("acceptance", 1.0) <= 1:
            raise ConfigError(f"--acceptance is {params['acceptance']}, expected a share above 0 and up to 1")
        return params

    @property
    def version_part(self) -> str:
        """Folder of the version: people recognise outputs with other versions of corrections by it, too."""
        tags = label_of(self.params)
        return f"{super().version_part}.{tags}" if tags else super().version_part

    def _compact(self, value: Any) -> None:
        """Pack earlier outputs, and logs; law calls this if ``compact`` is given, and exits afterwards."""
        from tasks.framework.compacting import compact_outputs

        compact_outputs(self)


class ConfigTask(OneConfigTask, TemplateTask):
    """A task that needs the templates of one configuration."""

    exclude_index = True

    @property
    def config_part(self) -> str:
        """Name of the configuration."""
        return str(self.config)


def input_ids(targets: Mapping[str, StoreTarget]) -> dict[str, str] | None:
    """Return the ids of the current outputs, or ``None`` if one doesn't exist."""
    ids: dict[str, str] = {}
    for label, target in targets.items():
        found = target.id
        if found is None:
            return None
        ids[label] = found
    return ids


def read_id(target: StoreTarget) -> str:
    """Return the id of the output version in a target's folder, empty if there is none."""
    return written(target.directory)


def changed_meanwhile(label: str, awaited: str, otherwise: str | None = None) -> ChangedFileError:
    """Return the error for a task that isn't complete after it has run.

    Args:
        label: the task.
        awaited: a required task that isn't complete any more, empty if all are.
        otherwise: the reason if all required tasks are complete.
    """
    reason = f"{awaited} isn't complete any more" if awaited else otherwise
    return ChangedFileError(
        f"{label} is not complete, because something was changed while it ran: {reason}; run this again"
    )


def first_incomplete(tasks: Any) -> str:
    """Return the name of the first task in a nested structure that is not complete, empty if all are."""
    for task in law.util.flatten(tasks):
        if not are_complete(task):
            return f"{task.task_family} {getattr(task, 'config_part', '')}".strip()
    return ""


def requirements_complete(task: law.Task) -> bool:
    """Whether all tasks that a task requires are complete."""
    return are_complete(task.requires())


def load(params: Mapping[str, Any]) -> Analysis:
    """Return the analysis that parameters of a task ask for, with changed parameters and restricted datasets."""
    from pocket.configuration.analysis import load_analysis

    return load_analysis(params["analysis"], tuple(params["params"]), restriction_of(params))
