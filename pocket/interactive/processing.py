"""Processing of files in this process, by the steps that the tasks run."""

from __future__ import annotations

import contextlib
import gc
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from pocket.base.fingerprint.compiled import name_compiled_code
from pocket.columns.parquet import column_files, read_columns
from pocket.configuration.configurator import Configurator
from pocket.configuration.description import recorded_texts
from pocket.configuration.user_errors import explaining
from pocket.corrections.files import load_correction
from pocket.datasets.build import build_fileset
from pocket.datasets.division import divide
from pocket.datasets.generated import generated_notes
from pocket.engine.coffea_processor import CoffeaProcessor
from pocket.engine.resources import Resources, resolve_parameters
from pocket.engine.run import run_branch
from pocket.errors import ConfigError, check_known
from pocket.histograms.raw_sums import add_raw
from pocket.interactive.datasets import Files, PathLike, define_datasets, first_events, simulated_data, with_datasets
from pocket.interactive.result import Result
from pocket.interactive.tables import Named
from pocket.interactive.templates import refuse_absent
from pocket.outputs.folders import write_branch, write_merged
from pocket.outputs.merging import merge_outputs
from pocket.outputs.normalisation import normalisation_notes, normalisation_sentences
from pocket.weights.event import Lumi

#: name of the configuration in config.json
_NAME = "interactive"


def process(
    config: Configurator,
    files: Mapping[str, Files],
    *,
    max_events: int | None = None,
    scale_factors: Mapping[str, PathLike | None] | None = None,
    toys: PathLike | None = None,
    output: PathLike | None = None,
    chunk_size: int = 100_000,
    events_per_branch: int = 200_000,
    threads: int = 1,
    skip_bad_files: bool = False,
) -> Result:
    """Process files in this process, and return what ``MergeOutputs`` would write for them.

    The result is the same to the bit as with ``law run MergeOutputs --chunk-memory 0`` for the same files, chunk size
    and events per branch.

    Args:
        config: the configuration, such as ``load_analysis("zmumu").config("real_samples")``.
        files: dataset → path or URL of its file, or several, or an entry of a fileset: ``{"files": […], "metadata":
            {…}}``. Datasets of the configuration have its metadata, of which an entry changes some. Others need
            ``sample``, ``year``, ``isMC``, and ``xsec`` for simulation; the sample must be one of the configuration.
        max_events: largest number of events of each dataset; simulation is normalised to the events that are read.
        scale_factors: derived scale factor → its file, or the folder of ``ComputeScaleFactors``; ``None`` for one that
            isn't applied. All that the configuration applies must be given.
        toys: folder of the toys' corrections, which ``MakeToySamples`` writes, for configurations on toys.
        output: new folder for the histograms, sums and columns. By default, nothing is left on disk.
        chunk_size: largest number of events that are processed at once; with fewer, they need less memory.
        events_per_branch: largest number of events whose sums are added before they are added to others.
        threads: number of threads that decompress columns.
        skip_bad_files: leave out files that can't be read, instead of failing.

    Raises:
        UnknownNameError: if a dataset, sample or scale factor is unknown.
        ConfigError: if an argument is wrong, or a scale factor is missing.
        DatasetError: if a dataset has no events, or its metadata are wrong.
        BadFileError: if a file can't be read.
        UserCodeError: if code of the configuration raises an exception.

    Example:
        >>> from pocket import load_analysis
        >>> config = load_analysis("zmumu").config("real_samples")
        >>> result = process(config, {"DYJetsToLL_2018": "nano_dy.root"})
        >>> print(result.cutflow)
                      Events
        ┏━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━┓
        ┃ Cut          ┃ DYJetsToLL_2018 ┃
        ┡━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━┩
        │ initial      │              40 │
        │ skim         │               5 │
        │ preselection │               4 │
        │ baseline     │               4 │
        └──────────────┴─────────────────┘
    """
    if not isinstance(config, Configurator):
        raise ConfigError(
            f"config is {config!r}, expected a Configurator, such as load_analysis('zmumu').config('tnp')"
        )
    # The configuration may be made in a notebook, which loads no analysis.
    name_compiled_code()
    place = None if output is None else _new_folder(output)
    at_once = {name for name, definition in config.definitions.items() if definition.source == "toys"}
    definitions = define_datasets(config, files)
    part = with_datasets(config, definitions)
    resources = _resources(part, scale_factors, toys)
    plan, merging = part.plan(), part.merging_plan()
    with _temporary_folder(place) as temporary:
        built = build_fileset(definitions, toy_files={}, cache=temporary, skip_bad_files=skip_bad_files)
        suspected = tuple(simulated_data(built.fileset, definitions))
        fileset = first_events(built.fileset, max_events)
        skipped = {file.path: file.reason for file in built.skipped}
        branches = divide(fileset, events_per_branch, made_at_once=at_once)
        folders = []
        with _progress(sum(branch.stop - branch.start for branch in branches)) as progress:
            for number, branch in enumerate(branches):
                with explaining():
                    result = run_branch(
                        plan,
                        branch,
                        fileset[branch.dataset]["metadata"],
                        resources,
                        chunk_size=chunk_size,
                        threads=threads,
                        skip_bad_files=skip_bad_files,
                        progress=progress,
                    )
                skipped |= result.skipped
                # Branches go through files, as those of tasks do, so that their sums don't add up in memory.
                folder = temporary / f"{number:06d}"
                folder.mkdir()
                write_branch(folder, result.output)
                folders.append(folder)
        metadata = {name: dataset["metadata"] for name, dataset in fileset.items()}
        merged = merge_outputs(merging, [add_raw(folders)], metadata, all_files=not skipped)
        # The folders of the branches are removed below.
        merged["variables"] = dict(merged["variables"])
        whole = temporary / "merged"
        whole.mkdir()
        write_merged(whole, merging, merged, folders, recorded_texts(part, _NAME))
        columns: dict[str, dict[str, dict[str, object]]] = {}
        for sample, category, variation in column_files(whole):
            by_category = columns.setdefault(sample, {}).setdefault(category, {})
            by_category[variation] = read_columns(whole, sample, category, variation)
        if place is not None:
            whole.rename(place)
    events = {
        name: (fileset[name]["metadata"]["nevents"], built.fileset[name]["metadata"]["nevents"]) for name in fileset
    }
    notes = (
        *(f"{name}: the first {read:,} of {there:,} events" for name, (read, there) in events.items() if read < there),
        *(f"{name}: is it simulation? It is given as data, and has genWeight" for name in suspected),
        *generated_notes(built.fileset),
        *normalisation_notes(merging),
        *normalisation_sentences(merged["divided_by"]),
        *_luminosity_notes(part),
        *(f"{file} is left out: {reason}" for file, reason in skipped.items()),
    )
    none = "the result has no columns: the configuration exports none, see docs/how-to/columns.md"
    return Result(part, merged, Named(columns, "sample", "columns of the result", none), skipped, notes)


def coffea_processor(
    config: Configurator,
    *,
    scale_factors: Mapping[str, PathLike | None] | None = None,
    toys: PathLike | None = None,
) -> CoffeaProcessor:
    """Return a configuration as a coffea processor, for coffea's own ``Runner`` and its executors.

    Its output is that of a branch: raw sums, which nothing has normalised, in PocketCoffea's layout, such as
    ``output["variables"][histogram][sample][dataset]``.

    Args:
        config: the configuration.
        scale_factors: as for :func:`process`.
        toys: as for :func:`process`.

    Raises:
        UnknownNameError, ConfigError: as in :func:`process`.

    Example:
        >>> from pocket import load_analysis
        >>> coffea_processor(load_analysis("zmumu").config("real_samples"))
        <pocket.engine.coffea_processor.CoffeaProcessor object at 0x...>
    """
    plan = config.plan()
    return CoffeaProcessor(plan, resolve_parameters(plan, _resources(config, scale_factors, toys)))


def _luminosity_notes(cfg: Configurator) -> Iterator[str]:
    """Yield a sentence if data are compared with simulation for all of their luminosity."""
    if Lumi.name in cfg.normalisation_weights and len(set(cfg.samples.values())) > 1:
        yield "simulation is normalised to the luminosity of the parameters, the given files of data may hold less"


def _resources(
    cfg: Configurator, scale_factors: Mapping[str, PathLike | None] | None, toys: PathLike | None
) -> Resources:
    if toys is not None:
        refuse_absent(toys, Path(toys).expanduser())
    folder = None if toys is None else str(Path(toys).expanduser().absolute())
    return Resources(folder, _scale_factor_files(cfg, scale_factors or {}))


def _new_folder(output: PathLike) -> Path:
    folder = Path(output).expanduser().absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"output {folder} exists already: give a new folder")
    return folder


def _scale_factor_files(cfg: Configurator, given: Mapping[str, PathLike | None]) -> dict[str, str | None]:
    """Return name → file of the scale factors that a configuration applies, ``None`` for those that are left out."""
    check_known("scale factor", given, cfg.scale_factors, "scale_factors")
    found: dict[str, str | None] = {}
    for name in cfg.scale_factors:
        if name not in given:
            raise ConfigError(
                f"the configuration applies scale factor {name!r}: give scale_factors={{{name!r}: …}} with its file or "
                "the folder of ComputeScaleFactors, or None to leave it out"
            )
        value = given[name]
        if value is not None:
            path = Path(value).expanduser()
            refuse_absent(value, path)
            path = path / f"{name}.json" if path.is_dir() else path
            load_correction(str(path), name)
            value = str(path)
        found[name] = value
    return found


@contextlib.contextmanager
def _temporary_folder(place: Path | None) -> Iterator[Path]:
    """Yield a folder that is removed afterwards, beside the place of the output so that it can be moved there."""
    if place is not None:
        place.parent.mkdir(parents=True, exist_ok=True)
    prefix, parent = (None, None) if place is None else (f".{place.name}.", place.parent)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=parent) as folder:
        try:
            yield Path(folder)
        finally:
            # The engine exempts what is there from garbage collection, but this process does other things afterwards.
            gc.unfreeze()


@contextlib.contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on a terminal, and nothing elsewhere."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("events", total=total)
        yield lambda events: bar.advance(task, events)
