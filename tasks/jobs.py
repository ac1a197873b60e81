"""The work of the tasks that fan out, in a form that travels to worker processes.

Nothing here imports law: a job is data, and each does one thing when it runs — read, call the engine, write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pocket.store import write_output
from tasks.pool import Progress

if TYPE_CHECKING:
    from pocket.datasets.segments import Branch
    from pocket.engine.resources import Resources

TOY_FILE = "events.root"
PILEUP_FILE = "puWeights.json.gz"
GOLDEN_FILE = "golden.json"


@dataclass(frozen=True)
class ToyJob:
    """Generates one file of toy NanoAOD.

    Args:
        process: process of the toys.
        part: number of the file.
        size: number of events.
        parameters: the section ``toys`` of the parameters.
        output: arguments of :func:`pocket.store.write_output`.
    """

    process: str
    part: int
    size: int
    parameters: Mapping[str, Any]
    output: Mapping[str, Any]

    def run(self, progress: Progress) -> None:
        """Generate and write the file."""
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
    """Writes the files that come with the toys: pileup weights and certified luminosity sections.

    Args:
        parameters: the section ``toys`` of the parameters.
        output: arguments of :func:`pocket.store.write_output`.
    """

    parameters: Mapping[str, Any]
    output: Mapping[str, Any]
    size: int = 0

    def run(self, progress: Progress) -> None:
        """Write the files."""
        from pocket.toys.resources import write_golden_json, write_pileup_weights

        from pocket.toys.config import ToyConfig

        config = ToyConfig.from_params(self.parameters)
        with write_output(**self.output) as folder:
            write_pileup_weights(folder / PILEUP_FILE, config)
            write_golden_json(folder / GOLDEN_FILE, config)


@dataclass(frozen=True)
class ProcessingJob:
    """Processes one branch of a configuration.

    Args:
        analysis: reference of the analysis.
        overrides: parameters from the command line.
        config: name of the configuration.
        branch: dataset and entry range.
        metadata: metadata of the dataset.
        resources: files that earlier steps made.
        chunk_size: largest number of events processed at once.
        skip_bad_files: leave out unreadable files.
        output: arguments of :func:`pocket.store.write_output`.
    """

    analysis: str
    overrides: tuple[str, ...]
    config: str
    branch: Branch
    metadata: Mapping[str, Any]
    resources: Resources
    chunk_size: int
    skip_bad_files: bool
    output: Mapping[str, Any]

    @property
    def size(self) -> int:
        """Number of events."""
        return self.branch.stop - self.branch.start

    def run(self, progress: Progress) -> None:
        """Process the branch and write its raw sums."""
        from pocket.analysis import load_analysis
        from pocket.engine.run import run_branch
        from pocket.outputs import write_sums_and_histograms

        config = load_analysis(self.analysis, self.overrides).config(self.config)
        result = run_branch(
            config,
            self.branch,
            self.metadata,
            self.resources,
            chunk_size=self.chunk_size,
            skip_bad_files=self.skip_bad_files,
            progress=progress,
        )
        with write_output(**self.output, skipped=dict(result.skipped)) as folder:
            write_sums_and_histograms(folder, result.output)
