"""Migration of a configuration file of PocketCoffea: a printed report, and a package of its own."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import law
import luigi

from pocket.base.snapshots.process import shown
from pocket.errors import ConfigError, PocketError
from tasks.chain.show import PrintTask
from tasks.core.console import counted
from tasks.framework.restrictions import Unrestricted
from tasks.settings.options import option

if TYPE_CHECKING:
    from pocket.configuration.analysis import Analysis


# The whole file is looked at.
class Migrate(Unrestricted, PrintTask):
    """Prints which names of PocketCoffea a configuration file uses, and what is refused; writes it as a package."""

    analysis = luigi.Parameter(description="path of the configuration file; no default")
    write = luigi.BoolParameter(description="also write the configuration as a package; default: False")
    to = option("folder of the package", law.NO_STR, "analysis/NAME, after the file's folder")

    #: it is loaded when the task runs, while what it opens is noted
    is_loaded_before = False

    def run(self) -> None:
        from pocket.compat.migration import copy_sentence, report, uses_of
        from pocket.compat.number_differences import number_differences
        from pocket.compat.package import check_target, default_folder, load_noting_files
        from pocket.configuration.plain_files import check_plain_file

        path = check_plain_file(str(_absolute(self.analysis)))
        folder = default_folder(path) if self.to == law.NO_STR else _absolute(self.to)
        if self.write:
            check_target(folder)
        self._shown = True
        try:
            analysis, opened = load_noting_files(path)
            config = analysis.config(analysis.default_config)
        except PocketError as error:
            print(report(uses_of(path), shown(f"{path} doesn't load: {error}{copy_sentence(path)}"), None), flush=True)
            result = ", so no package was written" if self.write else ", for the reason that is printed above"
            raise ConfigError(f"{path} doesn't load{result}") from None
        parts = (
            counted(len(config.definitions), "dataset"),
            counted(len(config.categories.names), "category", "categories"),
            counted(len(config.variables), "histogram"),
        )
        loading = f"{path} loads: {', '.join(parts)}{copy_sentence(path)}"
        uses = uses_of(path)
        differences = number_differences(config, {use.name.rpartition(".")[2] for use in uses})
        print(report(uses, loading, differences), flush=True)
        if self.write:
            print(_write(path, analysis, opened, folder), flush=True)


def _absolute(path: str) -> Path:
    """Return a path without ``..``, of which no name of a module can be made; links stay as they are."""
    return Path(os.path.normpath(Path(path).expanduser().absolute()))


def _write(path: Path, analysis: Analysis, opened: Collection[Path], folder: Path) -> str:
    """Write a package, and return the report on it."""
    from pocket.compat.migration import written_report
    from pocket.compat.package import default_folder, write_package

    written = write_package(path, analysis, opened, folder)
    is_named = folder.parent == default_folder(path).parent
    return written_report(written, folder.name if is_named else str(folder))
