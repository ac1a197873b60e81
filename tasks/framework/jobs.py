"""Jobs of the tasks with many branches, in a form that travels to worker processes.

Nothing here imports law: a job is data, and its method ``run`` reads, calls the engine and writes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocket.base.containers import folder_of
from pocket.errors import ConfigError, HistogramError
from pocket.executors import Progress
from pocket.io.remote.client import is_remote
from pocket.io.store import verify_all, verify_files, write_output
from pocket.io.store.publishing import sync
from tasks.core.loaded import Expected, load_checked

if TYPE_CHECKING:
    from pocket.configuration.analysis import Analysis
    from pocket.configuration.configurator import Configurator
    from pocket.datasets.branches import Branch
    from pocket.datasets.restriction import Restriction
    from pocket.engine.resources import Resources
    from pocket.engine.run import BranchResult
    from pocket.plots.templates.figures import Plot
    from pocket.skims.record import SkimRecord

TOY_FILE = "events.root"
PILEUP_FILE = "puWeights.json.gz"
JET_FILE = "jet_jerc.json.gz"
GOLDEN_FILE = "golden.json"


def traceback_file(output: Path) -> Path:
    """Return the hidden file for the traceback of an error while an output is made, which is no output."""
    return output.with_name(f".{folder_of(output.name)}.traceback.txt")


@dataclass(frozen=True)
class ToyJob:
    """Generates one file of toy NanoAOD.

    Args:
        process: process of the toys.
        part: number of the file.
        size: number of events.
        parameters: the section ``toys`` of the parameters.
        output: arguments of :func:`pocket.io.store.write_output`.
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
    """Writes the files that belong to the toys: certified luminosity sections, weights and corrections.

    Args:
        parameters: folder of an era, empty for the others → parameters of its toys.
        output: arguments of :func:`pocket.io.store.write_output`.
    """

    parameters: Mapping[str, Mapping[str, Any]]
    output: Mapping[str, Any]
    size: int = 0

    def run(self, progress: Progress) -> None:
        """Write the files."""
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


@dataclass(frozen=True)
class ProcessingJob:
    """Processes one branch of a configuration.

    Args:
        analysis: reference of the analysis.
        overrides: parameters from the command line.
        config: name of the configuration.
        branch: dataset and entry range.
        metadata: metadata of the dataset.
        resources: files that upstream tasks made.
        chunk_size: largest number of events processed at once.
        chunk_memory: memory in MB that a chunk may use, 0 for chunks of ``chunk_size``.
        threads: number of threads that decompress columns.
        skip_bad_files: whether unreadable files are left out.
        output: arguments of :func:`pocket.io.store.write_output`.
        expected: what must be loaded, ``None`` to skip the check.
        restriction: the part of the datasets that is read, ``None`` for all.
    """

    analysis: str
    overrides: tuple[str, ...]
    config: str
    branch: Branch
    metadata: Mapping[str, Any]
    resources: Resources
    chunk_size: int
    chunk_memory: int
    threads: int
    skip_bad_files: bool
    output: Mapping[str, Any]
    expected: Expected | None = None
    restriction: Restriction | None = None

    @property
    def size(self) -> int:
        """Number of events."""
        return self.branch.stop - self.branch.start

    def reading(self, result: BranchResult | SkimRecord) -> dict[str, Any]:
        """Return the entries of the manifest about reading: events expected and processed, and failed attempts."""
        events = {"expected": self.size, "processed": result.nevents}
        return {"events": events, "failures": dict(result.failures)}

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

    def verify_inputs(self) -> None:
        """Verify the input files that upstream tasks made.

        Raises:
            DamagedOutputError: if one was changed since it was written.
        """
        read = [segment.path for segment in self.branch.segments if not is_remote(segment.path)]
        verify_files([*read, *self.made_files])

    @property
    def log(self) -> Path:
        """Hidden file for the traceback of errors in the analysis' code, which is no output."""
        return traceback_file(Path(self.output["directory"]))

    def run(self, progress: Progress) -> None:
        """Process the branch and write its output.

        Raises:
            UserCodeError: if code of the analysis raises an exception; its traceback is written to a file.
        """
        from pocket.configuration.user_errors import in_configuration, one_sentence

        with in_configuration(self.config), one_sentence(self.log):
            self.process(progress)

    def process(self, progress: Progress) -> None:
        """Process the branch and write its raw sums and columns."""
        from pocket.base.fingerprint.reads import recording_reads
        from pocket.cuts.library import noting_absent
        from pocket.engine.run import run_branch
        from pocket.outputs.folders import write_branch
        from pocket.parameters.used_files import recording_files

        self.verify_inputs()
        analysis = load_checked(self)
        config = analysis.config(self.config)
        names = config.reader.names
        with (
            recording_files(analysis, names) as used,
            recording_reads(analysis, names) as reads,
            noting_absent() as absent,
        ):
            result = run_branch(
                config,
                self.branch,
                self.metadata,
                self.resources,
                chunk_size=self.chunk_size,
                chunk_memory=self.chunk_memory or None,
                threads=self.threads,
                skip_bad_files=self.skip_bad_files,
                progress=progress,
            )
        files = used.checksums(self.resources.not_made(used))
        with write_output(
            **self.output,
            skipped=dict(result.skipped),
            parameter_files=files,
            reads=reads.record(self.branch.locations),
            reading=self.reading(result),
            absent_triggers=sorted(absent),
        ) as folder:
            write_branch(folder, result.output)


@dataclass(frozen=True)
class SkimJob(ProcessingJob):
    """Skims one branch by the selection of a configuration; the arguments are those of :class:`ProcessingJob`."""

    def process(self, progress: Progress) -> None:
        """Write the selected events, and the sums over all events."""
        from pocket.base.fingerprint.reads import recording_reads
        from pocket.cuts.library import noting_absent
        from pocket.parameters.used_files import recording_files
        from pocket.skims.run import skim_branch

        self.verify_inputs()
        analysis = load_checked(self)
        names = analysis.config(self.config).reader.names
        skipped: dict[str, str] = {}
        files: dict[str, str] = {}
        read: dict[str, Any] = {}
        reading: dict[str, Any] = {}
        triggers: list[str] = []
        info: dict[str, Any] = {"skipped": skipped, "parameter_files": files, "reads": read, "reading": reading}
        with (
            write_output(**self.output, **info, absent_triggers=triggers) as folder,
            recording_files(analysis, names) as used,
            recording_reads(analysis, names) as reads,
            noting_absent() as absent,
        ):
            record = skim_branch(
                analysis.config(self.config),
                analysis.skim_of(self.config),
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
            skipped.update(record.skipped)
            reading.update(self.reading(record))
            triggers.extend(sorted(absent))
            files.update(used.checksums(self.resources.not_made(used)))
            read.update(reads.record(self.branch.locations))


@dataclass(frozen=True)
class MergingJob:
    """Adds raw sums and histograms of branches.

    Args:
        folders: outputs of the branches, containers or folders.
        size: number of events in them.
        output: arguments of :func:`pocket.io.store.write_output`.
    """

    folders: tuple[Path, ...]
    size: int
    output: Mapping[str, Any]

    def run(self, progress: Progress) -> None:
        """Add the branches and write the sum."""
        from pocket.histograms.raw import write_raw
        from pocket.histograms.raw_sums import add_raw

        verify_all(self.folders)
        total = add_raw(self.folders)
        with write_output(**self.output) as folder:
            write_raw(folder, total)
        progress(self.size)


@dataclass(frozen=True, kw_only=True)
class FigureJob:
    """Draws figures of one histogram in one category.

    Args:
        analysis: reference of the analysis.
        overrides: parameters from the command line.
        config: name of the configuration.
        variable: the histogram.
        category: the category.
        templates: folder of the merged templates.
        folder: folder of the files, created if needed.
        expected: what must be loaded, ``None`` to skip the check.
        restriction: the part of the datasets that is read, ``None`` for all.
    """

    analysis: str
    overrides: tuple[str, ...]
    config: str
    variable: str
    category: str
    templates: Path
    folder: Path
    size: int = 1
    expected: Expected | None = None
    restriction: Restriction | None = None

    def run(self, progress: Progress) -> None:
        """Draw and save the figures."""
        from pocket.histograms.files import read_templates

        analysis = load_checked(self)
        try:
            for plots, formats in self.draw(analysis, read_templates(self.templates, self.variable)):
                save_plots(plots, self.folder, formats)
        except HistogramError as error:
            raise HistogramError(f"histogram {self.variable!r} in category {self.category!r}: {error}") from error
        progress(self.size)

    def draw(self, analysis: Analysis, templates: Mapping[str, Any]) -> Iterator[tuple[Iterable[Plot], Sequence[str]]]:
        """Yield figures and the formats to save them in."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class TemplatePlotJob(FigureJob):
    """Draws plots of templates.

    Args:
        plots: name of each plot → formats to draw it in.
        before: folder of the templates to compare with, ``None`` for no comparison.
        before_name: name of their configuration.
        covariance: folder of the configuration with the covariances of both, ``None`` for no error of the comparison.
        blind: whether the data of the category are hidden.
    """

    plots: Mapping[str, tuple[str, ...]]
    before: Path | None
    before_name: str
    covariance: Path | None
    blind: bool = False

    def draw(self, analysis: Analysis, templates: Mapping[str, Any]) -> Iterator[tuple[Iterable[Plot], Sequence[str]]]:
        """Yield the plots that are drawn in the same formats together."""
        from pocket.histograms.files import list_variables, read_templates
        from pocket.plots.templates.figures import draw_templates

        before, covariance = (
            read_templates(folder, self.variable) if folder and self.variable in list_variables(folder) else None
            for folder in (self.before, self.covariance)
        )
        config = analysis.config(self.config)
        given = config, self.variable, self.category, templates, before, self.before_name, covariance
        for formats in dict.fromkeys(self.plots.values()):
            plots = [analysis.all_plots[name] for name, wanted in self.plots.items() if wanted == formats]
            yield draw_templates(*given, plots=plots, blind=self.blind), formats


@dataclass(frozen=True, kw_only=True)
class OwnFormatsJob(FigureJob):
    """Draws figures that are all saved in the same formats.

    Args:
        formats: formats of the figures.
    """

    formats: tuple[str, ...]

    def draw(self, analysis: Analysis, templates: Mapping[str, Any]) -> Iterator[tuple[Iterable[Plot], Sequence[str]]]:
        """Yield all figures at once."""
        yield self.figures(analysis.config(self.config), templates), self.formats

    def figures(self, config: Configurator, templates: Mapping[str, Any]) -> Iterable[Plot]:
        """Return the figures."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class SystematicsPlotJob(OwnFormatsJob):
    """Draws the shifts of systematic sources and their ranking.

    Args:
        sources: sources to draw; empty for all.
    """

    sources: tuple[str, ...] = ()

    def figures(self, config: Configurator, templates: Mapping[str, Any]) -> Iterable[Plot]:
        """Return a figure for each source, and the ranking."""
        from pocket.plots.systematics import draw_systematics

        return draw_systematics(config, self.variable, self.category, templates, self.sources)


@dataclass(frozen=True, kw_only=True)
class ShapesPlotJob(OwnFormatsJob):
    """Draws the shapes of processes and data.

    Args:
        blind: whether the data of the category are hidden.
    """

    blind: bool = False

    def figures(self, config: Configurator, templates: Mapping[str, Any]) -> Iterable[Plot]:
        """Return a figure for each axis."""
        from pocket.configuration.plot import SHAPES
        from pocket.plots.templates.figures import draw_templates

        return draw_templates(config, self.variable, self.category, templates, plots=[SHAPES], blind=self.blind)


@dataclass(frozen=True, kw_only=True)
class EfficiencyPlotJob(OwnFormatsJob):
    """Draws efficiencies of a category in another one, or of an axis.

    Args:
        total: the category of all entries.
        passing_axis: the axis with failing and passing entries.
        blind: whether data are hidden.
    """

    total: str = ""
    passing_axis: str = ""
    blind: bool = False

    def figures(self, config: Configurator, templates: Mapping[str, Any]) -> Iterable[Plot]:
        """Return a figure for each axis."""
        from pocket.plots.templates.efficiencies import draw_efficiencies

        given = config, self.variable, self.category, templates
        return draw_efficiencies(*given, total=self.total, passing_axis=self.passing_axis, blind=self.blind)


@dataclass(frozen=True)
class Published:
    """A published scale factor to compare with.

    Args:
        path: correctionlib file, as accepted by :func:`pocket.corrections.files.load_correction`.
        correction: name of the correction in it.
        inputs: its inputs that aren't axes of the measured one, see
            :func:`pocket.scale_factors.files.comparison.read_inputs`.
        sha256: required checksum of the file; empty for any.
    """

    path: str
    correction: str
    inputs: Mapping[str, str]
    sha256: str = ""


@dataclass(frozen=True)
class ScaleFactorPlotJob:
    """Draws all pages of a scale factor.

    Args:
        analysis: reference of the analysis.
        overrides: parameters from the command line.
        scale_factor: name of the scale factor.
        result: file with its result.
        folder: an existing folder for the files.
        formats: formats of the files.
        published: scale factor to compare it with, if any.
        history: files with the results of all iterations, if it is coupled.
        expected: what must be loaded, ``None`` to skip the check.
        restriction: the part of the datasets that is read, ``None`` for all.
    """

    analysis: str
    overrides: tuple[str, ...]
    scale_factor: str
    result: Path
    folder: Path
    formats: tuple[str, ...]
    published: Published | None = None
    history: tuple[Path, ...] = ()
    size: int = 1
    expected: Expected | None = None
    restriction: Restriction | None = None

    def run(self, progress: Progress) -> None:
        """Draw and save the plots."""
        from pocket.corrections.files import load_correction
        from pocket.parameters.used_files import changed, recording_files
        from pocket.plots.scale_factors.figures import draw_convergence, draw_published, draw_scale_factor
        from pocket.scale_factors.files.comparison import read_inputs
        from pocket.scale_factors.measurement.result import ScaleFactorResult

        analysis = load_checked(self)
        declaration = analysis.scale_factor(self.scale_factor)
        config = analysis.config(analysis.drawn_as(self.scale_factor))
        # A scale factor without sources has no variable, so its axes are labelled by their names.
        variable = next((variable for _, variable in declaration.sources()), "")
        result, *history = (
            ScaleFactorResult.from_json(path.read_text(encoding="utf-8")) for path in (self.result, *self.history)
        )
        if coupled := analysis.coupled_with(self.scale_factor):
            save_plots(draw_convergence(config, history, coupled.tolerance), self.folder, self.formats)
        if self.published is not None:
            with recording_files() as used:
                correction = load_correction(self.published.path, self.published.correction)
            if self.published.sha256 not in ("", *used.checksums().values()):
                raise changed(self.published.path)
            inputs = read_inputs(self.published.inputs)
            plots = draw_published(config, variable, result, correction, inputs)
            save_plots(plots, self.folder, self.formats)
        save_plots(draw_scale_factor(config, variable, result), self.folder, self.formats)
        progress(self.size)


def save_plots(plots: Iterable[Plot], folder: Path, formats: Sequence[str]) -> None:
    """Write figures in some formats, and their numbers as JSON.

    Args:
        plots: stem of the file names, figure and numbers.
        folder: folder of the files, created if needed.
        formats: the formats.

    Raises:
        ConfigError: if a plot returned something else than numbers, strings, arrays, lists and dictionaries.
    """
    from pocket.plots.canvas import save_figure

    folder.mkdir(parents=True, exist_ok=True)
    for stem, figure, numbers in plots:
        content = json.dumps(_as_json(numbers, f"plot {stem}: numbers"), indent=1, allow_nan=False)
        file = folder / f"{stem}.json"
        file.write_text(content, encoding="utf-8")
        # The output flushes all of its files at its end, which waits for nothing then.
        for path in (*save_figure(figure, folder / stem, formats), file):
            sync(path)


def _as_json(value: Any, where: str) -> Any:
    """Return what a plot shows as JSON has it: arrays become lists, what isn't finite becomes null.

    Args:
        value: what the plot returned, or a part of it.
        where: the place of the value, for error messages.

    Raises:
        ConfigError: if JSON has no form for it.
    """
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str | int | float | None):
                raise ConfigError(f"{where}: the key {key!r} is of type {type(key).__name__}, expected a string")
        return {key: _as_json(item, f"{where}[{key!r}]") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(item, f"{where}[{position}]") for position, item in enumerate(value)]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str | int | None):
        return value
    if callable(tolist := getattr(value, "tolist", None)):
        # Arrays and numbers of NumPy and Awkward Array.
        return _as_json(tolist(), where)
    raise ConfigError(
        f"{where} is of type {type(value).__name__}, expected numbers, strings, arrays, lists or dictionaries of them"
    )
