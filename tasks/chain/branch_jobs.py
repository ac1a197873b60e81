"""Jobs of branches, in a form that travels to worker processes: data that import no law.

A job may process its branch for several configurations: files are opened once, and what is read is kept for the next
configuration, which writes what it would write alone.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pocket.base.fingerprint.reads import recording_reads
from pocket.errors import DamagedOutputError
from pocket.executors import Job, Progress
from pocket.io.remote.client import is_remote
from pocket.io.store import verify_all, verify_files, write_output
from pocket.io.store.provenance import begin_work
from pocket.parameters.used_files import recording_files
from tasks.core.loaded import AnalysisJob

if TYPE_CHECKING:
    from pocket.configuration.analysis import Analysis
    from pocket.datasets.branches import Branch
    from pocket.engine.resources import Resources
    from pocket.engine.run import BranchResult
    from pocket.skims.record import SkimRecord

_log = logging.getLogger(__name__)

#: MB for what is read, per MB of ``--chunk-memory``, and if that isn't limited
_SHARE, _UNLIMITED = 0.25, 1000
_MB = 1_000_000


@dataclass(frozen=True, kw_only=True)
class ProcessingJob(AnalysisJob):
    """Processes one branch of a configuration, in chunks that take up to ``chunk_memory`` MB; 0 is no limit."""

    branch: Branch
    metadata: Mapping[str, Any]
    resources: Resources
    chunk_size: int
    chunk_memory: int
    threads: int
    skip_bad_files: bool
    output: Mapping[str, Any]

    @property
    def size(self) -> int:
        return self.branch.stop - self.branch.start

    @property
    def made_files(self) -> list[str]:
        """Paths of the scale factors, and of the files that belong to the toys."""
        made = [file for file in self.resources.scale_factors.values() if file]
        toys = Path(self.resources.toys).rglob("*.*") if self.resources.toys else ()
        return [*made, *map(str, toys)]

    @property
    def inputs(self) -> list[str]:
        """Paths of the files that the job requires, since they have no replicas."""
        return [*(segment.path for segment in self.branch.segments if not segment.replicas), *self.made_files]

    def halved(self) -> Self:
        """Return the same job in chunks of half the size, which need less memory."""
        size, memory = (max(1, value // 2) if value else 0 for value in (self.chunk_size, self.chunk_memory))
        return replace(self, chunk_size=size, chunk_memory=memory)

    @property
    def log(self) -> Path:
        """Hidden file for the traceback of errors in the analysis' code, which is no output."""
        from pocket.configuration.user_errors import traceback_file

        return traceback_file(Path(self.output["directory"]))

    def run(self, progress: Progress) -> None:
        from pocket.configuration.user_errors import in_configuration, one_sentence
        from pocket.cuts.library import noting_absent

        # The output's manifest is written at the end, with what these hold by then.
        triggers: list[str] = []
        skipped, files, read, reading = (dict[str, Any]() for _ in range(4))
        info: dict[str, Any] = {"skipped": skipped, "parameter_files": files, "reads": read, "reading": reading}
        with in_configuration(self.config), one_sentence(self.log):
            local = [segment.path for segment in self.branch.segments if not is_remote(segment.path)]
            verify_files([*local, *self.made_files])
            analysis = self.load()
            names = analysis.config(self.config).reader.names
            with (
                write_output(**self.output, **info, absent_triggers=triggers) as folder,
                recording_files(analysis, names) as used,
                recording_reads(analysis, names) as reads,
                noting_absent() as absent,
            ):
                result = self.fill(folder, analysis, progress)
                skipped |= result.skipped
                files |= used.checksums(self.resources.not_made(used))
                read |= reads.record(self.branch.locations)
                reading["events"] = {"expected": self.size, "processed": result.nevents}
                reading["failures"] = dict(result.failures)
                triggers += sorted(absent)

    def fill(self, folder: Path, analysis: Analysis, progress: Progress) -> BranchResult | SkimRecord:
        """Process the branch, and write its raw sums and columns into a folder."""
        from pocket.engine.run import run_branch
        from pocket.outputs.folders import write_branch

        result = run_branch(
            analysis.config(self.config).plan(),
            self.branch,
            self.metadata,
            self.resources,
            chunk_size=self.chunk_size,
            chunk_memory=self.chunk_memory or None,
            threads=self.threads,
            skip_bad_files=self.skip_bad_files,
            progress=progress,
        )
        write_branch(folder, result.output)
        return result


@dataclass(frozen=True, kw_only=True)
class SkimJob(ProcessingJob):
    """Skims one branch by the selection of a configuration."""

    def fill(self, folder: Path, analysis: Analysis, progress: Progress) -> SkimRecord:
        from pocket.skims.run import skim_branch

        record = skim_branch(
            analysis.config(self.config).plan(),
            analysis.skim_of(self.config).plan(),
            self.branch,
            self.metadata,
            self.resources,
            folder,
            identity=self.output["fingerprint"],
            chunk_size=self.chunk_size,
            threads=self.threads,
            skip_bad_files=self.skip_bad_files,
            progress=progress,
        )
        record.write(folder)
        return record


@dataclass(frozen=True)
class SharedJob:
    """Processes one branch for several configurations; of errors of the others, only damaged inputs are raised."""

    first: ProcessingJob
    others: tuple[ProcessingJob, ...]

    @property
    def size(self) -> int:
        """Number of events, those of each configuration."""
        return self.first.size * (1 + len(self.others))

    @property
    def parts(self) -> tuple[ProcessingJob, ...]:
        """The jobs, each of which has inputs and an output."""
        return (self.first, *self.others)

    def halved(self) -> Self:
        """Return the same jobs in chunks of half the size."""
        return replace(self, first=self.first.halved(), others=tuple(job.halved() for job in self.others))

    @property
    def log(self) -> Path:
        """File for the traceback of an error of the first job."""
        return self.first.log

    def run(self, progress: Progress) -> None:
        """Process the branch and write all outputs."""
        from pocket.io.nanoaod.kept_reads import keeping_reads

        memory = self.first.chunk_memory * _SHARE or _UNLIMITED
        with keeping_reads(int(memory * _MB)):
            failure = None
            try:
                self.first.run(progress)
            except Exception as error:
                failure = error
            for job in self.others:
                begin_work()
                try:
                    job.run(progress)
                except DamagedOutputError as error:
                    # What is damaged was set aside: nobody else would find it.
                    failure = failure or error
                except Exception as error:
                    _log.debug("configuration %s is processed alone again: %s", job.config, error)
        if failure is not None:
            raise failure


def share(jobs: Mapping[str, Job], others: Mapping[Any, Mapping[str, Job]]) -> tuple[dict[str, Job], list[Any]]:
    """Return jobs, some of which do those of other configurations that read the same, too, and these configurations."""
    same: dict[Any, list[tuple[Any, ProcessingJob]]] = {}
    for config, theirs in others.items():
        for job in theirs.values():
            if isinstance(job, ProcessingJob):
                same.setdefault(_reads(job), []).append((config, job))
    shared: dict[str, Job] = {}
    taken: dict[Any, None] = {}
    for name, job in jobs.items():
        shared[name] = job
        if isinstance(job, ProcessingJob) and (partners := same.get(_reads(job))):
            shared[name] = SharedJob(job, tuple(partner for _, partner in partners))
            taken |= dict.fromkeys(config for config, _ in partners)
    return shared, list(taken)


def _reads(job: ProcessingJob) -> Any:
    """Return what must be the same for jobs to share what they read."""
    return job.branch, repr(job.metadata), job.chunk_size, job.chunk_memory, job.threads


@dataclass(frozen=True)
class MergingJob:
    """Adds raw sums and histograms of branches, whose outputs are containers or folders."""

    folders: tuple[Path, ...]
    size: int
    output: Mapping[str, Any]

    def run(self, progress: Progress) -> None:
        from pocket.histograms.raw import write_raw
        from pocket.histograms.raw_sums import add_raw

        verify_all(self.folders)
        total = add_raw(self.folders)
        with write_output(**self.output) as folder:
            write_raw(folder, total)
        progress(self.size)


TOY_FILE = "events.root"
PILEUP_FILE = "puWeights.json.gz"
JET_FILE = "jet_jerc.json.gz"
GOLDEN_FILE = "golden.json"


@dataclass(frozen=True)
class ToyJob:
    """Generates one file of toy NanoAOD from the section ``toys`` of the parameters."""

    process: str
    part: int
    size: int
    parameters: Mapping[str, Any]
    output: Mapping[str, Any]

    def run(self, progress: Progress) -> None:
        from pocket.toys.config import ToyConfig
        from pocket.toys.generator import generate
        from pocket.toys.nanoaod import write_nanoaod
        from pocket.toys.plan import file_uuid

        config = ToyConfig.from_params(self.parameters)
        with write_output(**self.output) as folder:
            events = generate(self.process, self.size, config, part=self.part)
            write_nanoaod(folder / TOY_FILE, events, file_uuid=file_uuid(self.process, self.part, config))
        progress(self.size)


@dataclass(frozen=True)
class ToyCorrectionsJob:
    """Writes the files that belong to the toys, in a folder for each era: luminosity sections, weights, corrections."""

    parameters: Mapping[str, Mapping[str, Any]]
    output: Mapping[str, Any]
    size: int = 0

    def run(self, progress: Progress) -> None:
        from pocket.toys.config import ToyConfig
        from pocket.toys.jerc import write_jet_corrections
        from pocket.toys.resources import write_golden_json, write_pileup_weights, write_scale_factors

        with write_output(**self.output) as folder:
            for name, parameters in self.parameters.items():
                config, of_era = ToyConfig.from_params(parameters), folder / name
                of_era.mkdir(exist_ok=True)
                write_pileup_weights(of_era / PILEUP_FILE, config)
                write_scale_factors(of_era, config)
                write_jet_corrections(of_era / JET_FILE, config)
                write_golden_json(of_era / GOLDEN_FILE, config)
