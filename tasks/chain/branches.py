"""Workflows over the events of a configuration's datasets, one branch per entry range."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import law

from pocket.base.containers import SUFFIX
from pocket.base.fingerprint import digest
from pocket.datasets.definition_files import those_of
from pocket.io.store import store_root
from pocket.io.store.paths import own_folder
from tasks.batch.own_store import check_reach
from tasks.batch.systems import BATCH_BASES
from tasks.chain.datasets import BuildDatasets
from tasks.chain.toys import MakeToySamples
from tasks.core.targets import StoreTarget, are_complete, fetch, find_remote
from tasks.framework.analysis_task import CONFIG
from tasks.framework.base import TemplateTask, input_ids
from tasks.framework.records import as_variable
from tasks.framework.workflow import PoolWorkflow
from tasks.settings.options import Groups

if TYPE_CHECKING:
    from pocket.datasets.branches import Branch
    from pocket.datasets.fileset import Fileset
    from pocket.engine.resources import Resources


class BatchWorkflow(TemplateTask, PoolWorkflow, *BATCH_BASES):  # type: ignore[misc]
    """Base of workflows whose branches may be jobs on a batch system."""

    exclude_index = True

    def accepts(self, branches: Collection[int]) -> bool:
        """Whether branches are enough to go on."""
        return len(branches) == len(self.get_branch_map())

    def usage_of(self, branch: int) -> Mapping[str, Any]:
        """Return the wall time and the memory of a branch from its manifest."""
        manifest = self.branch_output(branch).manifest
        return {} if manifest is None else dict(manifest.info.get("usage", {}))

    def prepare(self, config: Any) -> None:
        """Prepare a submission, and check that jobs can access what they need."""
        if self.site_inst.store == "remote":
            check_reach(self.site_inst, [*self.needed(), *self.branch_outputs.values()], self.read_branches())
        super().prepare(config)

    def read_branches(self) -> Iterable[Branch]:
        """Return the branches whose event files jobs read."""
        return ()

    def job_variables(self) -> dict[str, str]:
        """Return the variables of jobs with the expected fingerprint and the records for their manifests."""
        told = {"expected": f"{self.task_family}={self.fingerprint}", "records": as_variable(self.records)}
        return {**super().job_variables(), **told}

    def control_directory(self, batch: str) -> Path:
        """Return the folder of the batch jobs' record and logs, one for each store path and batch system."""
        if elsewhere := self.site_inst.log_directory:
            return own_folder(Path(elsewhere, *self.directory.relative_to(store_root()).parts, batch))
        return own_folder(self.directory / f".{batch}")


class DatasetWorkflow(BatchWorkflow):
    """Base of workflows over datasets; ``"datasets"`` in :meth:`workflow_requires` are the tasks with the filesets."""

    options: ClassVar[Groups] = (CONFIG,)
    exclude_index = True

    @cached_property
    def has_toys(self) -> bool:
        return any(definition.source == "toys" for definition in self.config_inst.definitions.values())

    @property
    def toys(self) -> MakeToySamples:
        return MakeToySamples.req(self, branch=-1)

    @law.dynamic_workflow_condition
    def workflow_condition(self) -> bool:
        """Branches are known once the filesets are built."""
        # law caches a positive answer per task, so branches ask their workflow.
        if self.is_branch():
            return bool(self.as_workflow().workflow_condition())
        return all(task.complete() for task in self.required_tasks["datasets"].values())

    @workflow_condition.create_branch_map
    def create_branch_map(self) -> list[Branch]:
        """Return the branches, each with some files of a dataset or a range of entries."""
        from pocket.datasets.division import divide

        toys = [name for name, definition in self.config_inst.definitions.items() if definition.source == "toys"]
        return divide(self.fileset, self.events_per_branch, made_at_once=toys)

    @workflow_condition.output
    def output(self) -> StoreTarget:
        return self.as_workflow().branch_output(self.branch)

    def branch_output(self, number: int) -> StoreTarget:
        """Return the output of a branch, made once and without a task, since there may be thousands of branches."""
        if number not in self._outputs:
            branches = self.get_branch_map()
            self._check_branches([number], branches)
            branch = branches[number]
            folder = self.directory / branch.dataset / f"{branch.folder}{SUFFIX if self.in_containers else ''}"
            self._outputs[number] = self.target(folder, partial(self.ids_of, number))
        return self._outputs[number]

    @cached_property
    def _outputs(self) -> dict[int, StoreTarget]:
        return {}

    def read_branches(self) -> Iterable[Branch]:
        """Return all branches, since their jobs read event files."""
        return list(self.get_branch_map().values())

    @cached_property
    def event_folders(self) -> set[Path]:
        """Folders of all event files, both of the datasets and of the toys that they were made from."""
        toys = self.toys.files() if self.has_toys else {}
        folders = {path.parent for files in toys.values() for path in files}
        return folders | {Path(path).parent for dataset in self.fileset.values() for path in dataset["files"]}

    def fetch_needed(self) -> None:
        """Fetch the outputs that are read; a branch fetches its own event files only."""
        if not self.is_branch():
            super().fetch_needed()
            return
        own = {Path(segment.path).parent for segment in self.branch_data.segments}
        others = self.as_workflow().event_folders - own
        fetch([output for output in self.needed() if output.directory not in others])

    @property
    def branch_label(self) -> str:
        return f"{super().branch_label} ({self.branch_data.label})"

    @cached_property
    def fileset(self) -> Fileset:
        """The datasets of the configuration, read once per workflow."""
        from pocket.datasets.check import joined_filesets

        if self.is_branch():
            return self.as_workflow().fileset
        wanted = self.config_inst.definitions
        tasks = self.required_tasks["datasets"].values()
        # A dataset that a filter excludes may also be in another definition file.
        chosen = ((task.fileset(), those_of(wanted, [task.definitions])) for task in tasks)
        fileset = joined_filesets(
            {name: dataset for name, dataset in part.items() if name in names} for part, names in chosen
        )
        found = {name: fileset[name] for name in wanted}
        return self.restriction.limit(found) if self.restriction and not self.reads_skim else found

    @property
    def reads_skim(self) -> bool:
        """Whether the events are those of a skim, for which the original files were limited already."""
        return False

    def definition_tasks(self) -> dict[str, BuildDatasets]:
        """Return the tasks with the filesets of the definition files, except for files that aren't read."""
        tasks = {file: BuildDatasets.req(self, definition=file) for file in self.config_inst.definition_files}
        return {file: task for file, task in tasks.items() if not self.restriction or task.definitions}

    @property
    def limits(self) -> dict[str, Any]:
        """What a fingerprint has for limits on files and chunks; nothing if there are none."""
        limits = self.restriction.limits if self.restriction else {}
        return {"limits": limits} if limits else {}

    @property
    def job_cores(self) -> int:
        return int(self.threads)

    def branch_size(self, branch: int) -> int:
        of_branch = self.get_branch_map()[branch]
        return int(of_branch.stop - of_branch.start)

    def missing_events(self, branches: Collection[int]) -> dict[str, float]:
        """Return dataset → share of its events that is in none of the given branches, for datasets with such events."""
        missing: Counter[str] = Counter()
        for number, branch in self.get_branch_map().items():
            if number not in branches:
                missing[branch.dataset] += branch.stop - branch.start
        return {name: count / self.fileset[name]["metadata"]["nevents"] for name, count in missing.items() if count}

    def accepts(self, branches: Collection[int]) -> bool:
        """Whether branches are enough for ``--acceptance``: data need all of their events."""
        datasets = self.fileset
        return all(
            datasets[name]["metadata"]["isMC"] and 1 - share >= self.acceptance
            for name, share in self.missing_events(branches).items()
        )

    def workflow_complete(self) -> bool:
        if self.acceptance == 1:
            return super().workflow_complete()
        return are_complete(self.requires()) and self.accepts(self.finished_outputs())

    def finished_outputs(self, among: Collection[int] | None = None) -> dict[int, StoreTarget]:
        """Return the outputs that later steps use: of all branches, or with ``--acceptance`` the complete ones."""
        numbers = self.get_branch_map() if among is None else among
        outputs = {number: self.branch_output(number) for number in numbers}
        if self.acceptance == 1:
            return outputs
        find_remote(outputs.values())
        return {number: output for number, output in outputs.items() if output.exists()}

    def input_ids(self) -> dict[str, str] | None:
        return self.as_workflow().ids_of(self.branch)

    def ids_of(self, number: int) -> dict[str, str] | None:
        return self.event_ids(number)

    def event_ids(self, number: int) -> dict[str, str]:
        """Return the files of a branch by content and entry range, and what its dataset varies; found once."""
        if number not in self._event_ids:
            branch = self.get_branch_map()[number]
            files = digest([segment.identity for segment in branch.segments])
            self._event_ids[number] = {"files": files, **self._dedicated_ids.get(branch.dataset, {})}
        return self._event_ids[number]

    @cached_property
    def _event_ids(self) -> dict[int, dict[str, str]]:
        return {}

    @cached_property
    def _dedicated_ids(self) -> dict[str, dict[str, str]]:
        """Metadata of datasets that vary another sample; fingerprints leave them out, so that others stay valid."""
        from pocket.plan.processing import processing_metadata

        varying = {name: each for name, each in self.config_inst.definitions.items() if each.varies is not None}
        return {
            name: {"dedicated sample": digest(processing_metadata(each.metadata()))} for name, each in varying.items()
        }

    def made_files(self) -> Resources:
        from pocket.engine.resources import Resources

        return Resources(toys=str(self.toys.corrections) if self.has_toys else None)

    def job_arguments(self) -> dict[str, Any]:
        branch = self.branch_data
        return {
            **self.as_workflow().of_jobs,
            "branch": branch,
            "metadata": self.fileset[branch.dataset]["metadata"],
            "resources": self.made_files(),
            "chunk_size": self.chunk_size,
            "chunk_memory": self.chunk_memory,
            "threads": self.threads,
            "skip_bad_files": self.skip_bad_files,
            "output": self.write_info(),
        }

    def branch_ids(self, outputs: Mapping[int, StoreTarget]) -> dict[str, str] | None:
        """Return outputs of branches, as inputs of a task that reads them."""
        find_remote(outputs.values())
        branches = self.get_branch_map()
        return input_ids({f"{branches[number].dataset}/{output.label}": output for number, output in outputs.items()})

    def merging_ids(self) -> dict[str, str] | None:
        """Return the outputs of all branches and the datasets' metadata, as inputs of the task that merges them."""
        if not self.workflow_condition():
            return None
        outputs = self.finished_outputs()
        ids = self.branch_ids(outputs)
        if ids is None or not self.accepts(outputs):
            return None
        return {**ids, "metadata": digest({name: part["metadata"] for name, part in self.fileset.items()})}

    def skipped_files(self) -> dict[str, str]:
        """Return unreadable file → reason, for files that the filesets or branches leave out."""
        skipped: dict[str, str] = {}
        datasets = (task.output() for task in self.required_tasks["datasets"].values())
        for output in (*datasets, *self.finished_outputs().values()):
            manifest = output.manifest
            skipped.update(manifest.info.get("skipped", {}) if manifest else {})
        return skipped

    def absent_triggers(self) -> dict[str, list[str]]:
        """Return dataset → triggers that its files lack and cuts count as not fired."""
        absent: dict[str, set[str]] = {}
        branches = self.get_branch_map()
        for number, output in self.finished_outputs().items():
            manifest = output.manifest
            names = manifest.info.get("absent_triggers", ()) if manifest else ()
            if names:
                absent.setdefault(branches[number].dataset, set()).update(names)
        return {dataset: sorted(names) for dataset, names in absent.items()}
