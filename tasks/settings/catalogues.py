"""The catalogues as law.cfg describes them, and the table of findings of a fileset check."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import law

from pocket.datasets.catalogues.lookup import Catalogues
from pocket.datasets.catalogues.settings import Settings, read_settings
from pocket.io.store import store_root

if TYPE_CHECKING:
    from pocket.datasets.check import Finding

SECTION = "catalogues"
# The table is wide enough for the addresses of files if no terminal sets the width.
_WIDTH = 200


def catalogue_settings() -> Settings:
    """Return the settings of the section ``[catalogues]`` of law.cfg, and ``LAW__catalogues__…`` of the environment."""
    options = law.config.options(SECTION) if law.config.has_section(SECTION) else ()
    return read_settings({option: str(law.config.get_expanded(SECTION, option) or "") for option in options})


def catalogues(*, fresh: bool = False) -> Catalogues:
    """Return the catalogues, with their cache in the store; ``fresh`` ones ignore cached answers."""
    return Catalogues(catalogue_settings(), store_root() / "cache" / "catalogues", fresh)


def print_findings(findings: Sequence[Finding]) -> None:
    """Print a table of the problems with the files of a fileset."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("problem", "dataset", "file", "detail")
    for finding in findings:
        # Text keeps brackets, which rich would take as markup.
        table.add_row(*map(Text, (finding.problem.value, finding.dataset, finding.url, finding.detail)))
    Console(width=None if os.isatty(1) else _WIDTH).print(table)
