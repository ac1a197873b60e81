"""Figures of outputs: the option for their formats, and those that exist already and are not drawn again."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from pocket.base.runtime.file_state import checksum, file_state
from pocket.errors import DamagedOutputError, check_known
from pocket.io.store import Manifest, is_complete, read_manifest, verify
from tasks.chain.merging import MergeOutputs
from tasks.core.console import counted, short_path
from tasks.core.names import choose
from tasks.framework.base import ConfigTask, StoreTask, input_ids, load
from tasks.settings.options import option

if TYPE_CHECKING:
    from pocket.configuration.analysis import Analysis
    from pocket.configuration.configurator import Configurator
    from pocket.plan.figures import FigurePlan

#: entry of a manifest's ``info`` with the formats in which all of an output's plots are
FORMATS = "formats"
#: entry of a manifest's ``info`` with the figures of an output, see :class:`Drawn`
FIGURES = "figures"


class FormatsTask(StoreTask):
    """A task that draws plots, in formats that don't decide where its output is."""

    formats = option("formats of the plots: pdf, png, svg", (), "plotting_style.formats", unique=True)
    exclude_index = True

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        from pocket.plots.style import FORMATS as KNOWN

        check_known("format", params["formats"], KNOWN, "--formats")
        return super().modify_param_values(params)

    @property
    def drawn_config(self) -> str:
        """Name of the configuration whose style the plots have."""
        return str(self.config_part)

    @cached_property
    def figure_plan(self) -> FigurePlan:
        """What plots know of that configuration."""
        return self.analysis_inst.config(self.drawn_config).figure_plan()

    @property
    def wanted_formats(self) -> tuple[str, ...]:
        from pocket.plots.specification import formats_of

        return tuple(self.formats) or formats_of(self.figure_plan)

    def lacks(self, manifest: Manifest) -> str:
        missing = [name for name in self.wanted_formats if name not in manifest.info.get(FORMATS, ())]
        return f"the output has no {' or '.join(missing)}" if missing else super().lacks(manifest)

    def describe_output(self) -> str:
        manifest = read_manifest(self.directory)
        drawn = [PurePath(name) for name in self.drawn_files(manifest)] if manifest else []
        figures = {path.with_suffix("") for path in drawn if path.suffix[1:] in self.wanted_formats}
        return counted(len(figures), "figure") if figures else ""

    def drawn_files(self, manifest: Manifest) -> Iterable[str]:
        """Return the files that were asked for, of those of an output."""
        return manifest.files

    def describe_place(self) -> list[tuple[str, str]]:
        return [("plots", f"{short_path(self.directory)}/")]

    def formats_to_write(self) -> tuple[str, ...]:
        """Return the formats to write, with those that the current output has."""
        manifest = read_manifest(self.directory)
        return tuple(dict.fromkeys([*self.wanted_formats, *(manifest.info.get(FORMATS, ()) if manifest else ())]))


def check_style_in(analysis: Analysis, config: Configurator) -> None:
    """Check the style of a configuration, which may name what other configurations of the analysis have."""
    from pocket.plots.sample_names import remark_unknown_samples
    from pocket.plots.specification import check_style, names_in_style

    plan = config.figure_plan()
    # A configuration that can't be used may have any names.
    if analysis.broken:
        check_style(plan)
        return
    known = analysis.configs.values()
    categories = dict.fromkeys(name for each in known for name in each.categories.names)
    histograms = dict.fromkeys(
        name for each in known for variable in each.variables for name in names_in_style(each.variables, variable)
    )
    check_style(plan, categories, histograms)
    samples = dict.fromkeys(name for each in known for sample in each.samples for name in each.counted_samples(sample))
    files = dict.fromkeys(file for each in known for file in each.definition_files)
    remark_unknown_samples(plan, list(samples), files)


def choose_shown(params: dict[str, Any]) -> dict[str, Any]:
    """Return parameters with the categories and histograms that they mean; refuse unknown ones and a wrong style."""
    analysis = load(params)
    config = analysis.config(params["config"])
    known = {"variables": ("variable", config.variables), "categories": ("category", config.categories.names)}
    for name, (kind, names) in known.items():
        if name in params:
            params[name] = choose(kind, params[name], names, f"configuration {params['config']!r}")
    check_style_in(analysis, config)
    return params


def filled(
    config: Configurator, categories: Sequence[str] = (), variables: Sequence[str] = ()
) -> list[tuple[str, str]]:
    """Return category and histogram of all that is filled, of some or of all categories and histograms."""
    return [
        (category, variable)
        for category in categories or config.categories.names
        for variable in variables or config.variables
        if config.variables[variable].fills_category(category)
    ]


class FromTemplates(ConfigTask):
    """A task that reads the merged templates of one configuration."""

    categories = option("categories to show, with patterns", (), "all")
    exclude_index = True

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        return choose_shown(super().modify_param_values(params))

    def requires(self) -> MergeOutputs:
        return MergeOutputs.req(self)

    def input_ids(self) -> dict[str, str] | None:
        return input_ids({"templates": self.requires().output()})

    @property
    def shown_categories(self) -> list[str]:
        return list(self.categories or self.config_inst.categories.names)


@dataclass
class Drawn:
    """A figure in an output: a hash of all that determines it, and format, or ``json`` for its numbers → files."""

    id: str
    files: dict[str, list[Path]] = field(default_factory=dict)

    @property
    def formats(self) -> list[str]:
        return [name for name in self.files if name != "json"]

    def add(self, files: Iterable[Path], formats: Iterable[str]) -> None:
        """Add the files that were drawn in some formats."""
        files = list(files)
        for name in ("json", *formats):
            self.files[name] = [path for path in files if path.suffix == f".{name}"]

    def copied(self, folder: Path) -> dict[str, Any]:
        """Copy the files to a folder, and return the entry of the manifest."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = sorted(path for paths in self.files.values() for path in paths)
        for path in paths:
            # A link would be quicker, but whoever edits one picture would change others, too.
            shutil.copyfile(path, folder / path.name)
        return {"id": self.id, FORMATS: sorted(self.formats), "files": sorted(path.name for path in paths)}


def figures_of(output: Path, manifest: Manifest | None) -> Iterator[tuple[str, Drawn]]:
    """Yield ``category/variable/plot`` and figure, for the figures that an output records."""
    for name, entry in manifest.info.get(FIGURES, {}).items() if manifest else ():
        figure = Drawn(entry["id"])
        figure.add([output / name.partition("/")[0] / file for file in entry["files"]], entry.get(FORMATS, ()))
        yield name, figure


def outputs_beside(directory: Path) -> list[Path]:
    """Return the folders of an output and of the others of its version, its own first."""
    others = (path for path in directory.parent.iterdir() if path.is_dir() and not path.name.startswith("."))
    return [directory, *sorted(path for path in others if path != directory)]


def find_figures(outputs: Iterable[Path], wanted: Collection[str]) -> dict[str, Drawn]:
    """Return hash → figure, for figures that exist in complete outputs, in all formats that one of them has."""
    found: dict[str, Drawn] = {}
    for output in outputs:
        for _, figure in figures_of(output, read_manifest(output)):
            known = found.get(figure.id, Drawn(figure.id))
            new = [name for name in figure.formats if name not in known.files]
            if figure.id not in wanted or not new or not is_complete(output):
                continue
            paths = [path for name in ("json", *new) for path in figure.files[name]]
            # A damaged figure is drawn again.
            with contextlib.suppress(DamagedOutputError):
                verify(output, {path.relative_to(output).as_posix() for path in paths})
                known.add(paths, new)
                found[figure.id] = known
    return found


def intact_figures(output: Path, manifest: Manifest | None) -> Iterator[tuple[str, Drawn]]:
    """Yield what :func:`figures_of` does, without formats whose files are not what was written."""
    for name, figure in figures_of(output, manifest):
        assert manifest is not None
        files = {
            each: paths
            for each, paths in figure.files.items()
            if all(_is_intact(path, manifest, path.relative_to(output).as_posix()) for path in paths)
        }
        if "json" in files:
            yield name, Drawn(figure.id, files)


def _is_intact(path: Path, manifest: Manifest, name: str) -> bool:
    with contextlib.suppress(OSError):
        return name in manifest.files and checksum(path, file_state(path)) == manifest.files[name].sha256
    return False


def lacking_figures(manifest: Manifest, wanted: Iterable[str], formats: Collection[str]) -> str:
    """Return which figures ``category/variable/plot`` an output lacks, as a clause; empty if it has all."""
    figures: Mapping[str, Any] = manifest.info.get(FIGURES, {})
    for name in wanted:
        there = figures.get(name, {}).get(FORMATS, ())
        if missing := [each for each in formats if each not in there]:
            return f"the output has no {' or '.join(missing)} of {name}"
    return ""
