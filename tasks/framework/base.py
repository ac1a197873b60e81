"""Bases of all tasks with outputs in the store: fingerprints, and the place of these outputs."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import law

from pocket.base.fingerprint import fingerprint
from pocket.base.fingerprint.modules import top_level
from pocket.base.snapshots.process import original
from pocket.errors import ChangedCodeError, ChangedFileError, ConfigError
from pocket.io.store import Manifest, store_path
from pocket.io.store.manifest import written
from pocket.io.store.older import report_older
from pocket.io.store.provenance import begin_work
from pocket.io.store.publishing import prepare_places
from pocket.io.store.records import record_file
from pocket.parameters.tags import label_of
from tasks.batch.own_store import is_made_elsewhere
from tasks.batch.systems import BATCH
from tasks.core.console import short_path
from tasks.core.loaded import VARIABLE as EXPECTED
from tasks.core.loaded import Expected, changed_sentence
from tasks.core.log import log_to_terminal
from tasks.core.report import log_luigi, note_unchanged
from tasks.core.snapshot import check_sources
from tasks.core.targets import StoreTarget, are_complete, fetch_verified, refuse_replaced, store_targets
from tasks.core.terminal import one_sentence_errors
from tasks.framework.analysis_task import CONFIG
from tasks.framework.analysis_task import AnalysisTask as AnalysisTask
from tasks.framework.analysis_task import load as load
from tasks.framework.audits import describe_audit
from tasks.framework.chain_options import PROCESSING, STORE
from tasks.framework.executors import EXECUTOR
from tasks.framework.iterations import NO_ITERATION, part_of_iteration
from tasks.framework.records import significant_parameters, task_records
from tasks.settings.options import Groups
from tasks.settings.remote_store import read_stores, remote_url

one_sentence_errors()
log_to_terminal()
log_luigi()


class OneConfigTask(AnalysisTask):
    """A task for one configuration of the analysis."""

    options: ClassVar[Groups] = (CONFIG,)
    exclude_index = True


class StoreTask(AnalysisTask):
    """A task with its output in the store, at a path that is known before anything has run.

    A derived class defines what determines its output (:meth:`fingerprint_spec`) and which outputs it is made from
    (:meth:`input_ids`). It is complete when the tasks it requires are, and its own output was made from their current
    outputs.
    """

    options: ClassVar[Groups] = (STORE,)

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
        """Hash of everything that determines the output; without :meth:`input_ids` the run would fail at its end."""
        spec = self.fingerprint_spec()
        if type(self).input_ids is StoreTask.input_ids:
            raise self._lacks("input_ids")
        return fingerprint(spec)

    def __fingerprint__(self) -> str:
        """Return what counts of the task in the fingerprint of another one."""
        return self.fingerprint

    @cached_property
    def directory(self) -> Path:
        """Folder of the output."""
        parts = (self.analysis_part, self.task_family, self.config_part, self.version_part)
        return store_path(*parts, self.fingerprint)

    @property
    def analysis_part(self) -> str:
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
        """Return which part that is asked for an output lacks, as a clause; empty if it has all.

        A parameter of a task of one's own may be missing in :meth:`fingerprint_spec`.
        """
        made = manifest.info.get("parameters", {})
        own = self._own_parameters()
        now = significant_parameters(self) if own else {}
        return next(
            (f"it was made with {name}={made[name]}" for name in own if name in made and made[name] != now[name]),
            "",
        )

    @classmethod
    @functools.cache
    def _own_parameters(cls) -> list[str]:
        """Return the names of the significant parameters that classes outside of this package define."""
        packages = ("tasks", "law", "luigi")
        own = {name for each in cls.__mro__ if top_level(each.__module__) not in packages for name in vars(each)}
        return [name for name, parameter in cls.get_params() if name in own and parameter.significant]

    def awaited(self) -> str:
        """Return the name of the first required task that is not complete, empty if all are."""
        return first_incomplete(self.requires())

    def check_expected(self) -> None:
        """Check in a batch job that the task is the one that was submitted."""
        family, _, fingerprint = os.environ.get(EXPECTED, "").partition("=")
        if family == self.task_family and fingerprint != self.fingerprint:
            known = record_file("spec", fingerprint)
            raise ChangedCodeError(changed_sentence(self.progress_label, self.fingerprint_spec(), known))

    def complete(self) -> bool:
        """Whether the output exists, and was made from the current outputs of complete upstream tasks."""
        if is_made_elsewhere(self.task_family):
            return True
        return are_complete(self.requires()) and bool(self.output().exists())

    def run(self) -> Iterator[Any] | None:
        """Make the output, unless upstream tasks ran again with unchanged results; yield further requirements."""
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
            self._replaced = written(output.directory)
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
        """Check that the output was made, and nothing was changed meanwhile."""
        if self.complete():
            return
        awaited = self.awaited()
        if not awaited and written(self.output().directory) == self._replaced:
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

    @property
    def failed_directory(self) -> Path:
        """Hidden folder for what a failed attempt found, which is no output."""
        return self.directory.with_name(f".{self.directory.name}.failed")

    @cached_property
    def upstream_scale_factors(self) -> dict[str, str]:
        """Map each scale factor this output depends on to the SHA-256 of its file, once they have been measured."""
        required = [task for task in law.util.flatten(self.requires()) if isinstance(task, StoreTask)]
        upstream = {name: checksum for task in required for name, checksum in task.upstream_scale_factors.items()}
        # Earlier iterations of coupled scale factors have other files, so those of the required tasks come last.
        own = {name: checksum for task in required for name, checksum in task.scale_factor_files().items()}
        return upstream | own

    def scale_factor_files(self) -> dict[str, str]:
        """Return name → checksum of the scale factors that the output contains."""
        return {}

    @cached_property
    def of_jobs(self) -> dict[str, Any]:
        """Arguments of :class:`tasks.core.loaded.AnalysisJob` for the jobs of this task."""
        from pocket.configuration.loading import absolute_reference

        config, spec = str(self.config), self.records.get("spec")
        file = record_file("spec", spec) if spec else None
        return {
            "analysis": absolute_reference(self.analysis),
            "overrides": tuple(self.params),
            "restriction": self.restriction,
            "config": config,
            "expected": Expected.of(self.task_family, self.analysis_inst, config, file),
        }

    @cached_property
    def records(self) -> dict[str, str]:
        """Kind → id of the records of how the outputs of this task are made, written before the first output."""
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
            "replaces": written(output.directory) if self._replaced is None else self._replaced,
            "task": self.task_family,
            "inputs": self.input_ids() or {},
            "analysis": original(self.analysis) if "/" in self.analysis else self.analysis,
            "config": self.config_part,
            "version": self.version,
            "fingerprint": self.fingerprint,
            "params": list(self.params),
            "parameters": significant_parameters(self),
            "records": self.records,
            "measured": True,
            **read,
            **scale_factors,
            **limited,
        }


class TemplateTask(StoreTask):
    """A task that needs templates, with the options for processing that it passes upstream."""

    options: ClassVar[Groups] = (EXECUTOR, BATCH, PROCESSING)
    reads_corrections = True
    exclude_index = True

    #: number of the iteration of coupled scale factors; an option of tasks with :data:`ITERATION`
    iteration = NO_ITERATION

    @property
    def config_part(self) -> str:
        """Name of the configuration, with the number of the iteration if there is one."""
        if CONFIG not in self.option_groups:
            raise self._lacks("config_part")
        return part_of_iteration(str(self.config), self.iteration)

    @property
    def version_part(self) -> str:
        """Folder of the version: people recognise outputs with other versions of corrections by it, too."""
        tags = label_of(self.params)
        return f"{super().version_part}.{tags}" if tags else super().version_part


class ConfigTask(TemplateTask):
    """A task that needs the templates of one configuration."""

    options: ClassVar[Groups] = (CONFIG,)
    exclude_index = True


def input_ids(outputs: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the ids of the current outputs of tasks, or of branches of workflows, ``None`` if one doesn't exist."""
    ids: dict[str, str] = {}
    for label, output in outputs.items():
        targets = store_targets(output) if isinstance(output, Mapping) else [output]
        if not targets:
            # A workflow that doesn't know its branches yet has none.
            return None
        for number, target in enumerate(targets):
            if (found := target.id) is None:
                return None
            ids[f"{label}/{number}" if isinstance(output, Mapping) else label] = found
    return ids


def changed_meanwhile(label: str, awaited: str, otherwise: str | None = None) -> ChangedFileError:
    """Return the error for a task that isn't complete after it has run: what it requires isn't, or another reason."""
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
