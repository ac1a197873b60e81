"""Printed report on a configuration file of PocketCoffea."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import luigi

from tasks.framework.base import AnalysisTask


class Migrate(AnalysisTask):
    """Prints which names of PocketCoffea a configuration file uses, and what is refused; it writes nothing."""

    analysis = luigi.Parameter(description="path of the configuration file; no default")

    # The whole file is looked at, so these are no options.
    filter_samples = filter_years = filter_datasets = ()
    limit_files = limit_chunks = 0
    test = False

    exclude_index = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._shown = False

    def complete(self) -> bool:
        """Whether it was printed in this process."""
        return self._shown

    def run(self) -> None:
        """Print the report.

        Raises:
            ConfigError: if there is no such file.
        """
        from pocket.compat.migration import report, uses_of
        from pocket.configuration.plain_files import check_plain_file

        path = check_plain_file(str(Path(self.analysis).expanduser().absolute()))
        self._shown = True
        print(report(uses_of(path), _loading(path)), flush=True)


def _loading(path: Path) -> str:
    """Return a sentence that says whether a configuration file loads, and what is in it."""
    from pocket.base.snapshots.process import shown
    from pocket.configuration.analysis import load_analysis
    from pocket.errors import PocketError

    try:
        analysis = load_analysis(str(path))
        config = analysis.config(analysis.default_config)
    except PocketError as error:
        return shown(f"{path} doesn't load: {error}")
    parts = {"datasets": config.definitions, "categories": config.categories.names, "histograms": config.variables}
    return f"{path} loads: {', '.join(f'{len(content)} {name}' for name, content in parts.items())}"
