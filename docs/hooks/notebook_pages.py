"""Pages of the notebooks in docs/notebooks, which mkdocs makes from their percent format."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


class Cell(NamedTuple):
    """Cell of a notebook: its first line after ``# %%``, and its source."""

    head: str
    source: str

    @property
    def is_text(self) -> bool:
        """Whether it is Markdown."""
        return self.head.startswith("[markdown]")


def read_cells(notebook: Path) -> list[Cell]:
    """Return the cells of a notebook in percent format."""
    cells = []
    for part in notebook.read_text(encoding="utf-8").split("# %%")[1:]:
        head, _, source = part.partition("\n")
        cells.append(Cell(head.strip(), source.strip()))
    return cells


def to_markdown(notebook: Path) -> str:
    """Return a notebook as the content of a page."""
    parts = []
    for cell in read_cells(notebook):
        if cell.is_text:
            parts.append("\n".join(line.removeprefix("#").removeprefix(" ") for line in cell.source.splitlines()))
        else:
            parts.append(f"```python\n{cell.source}\n```")
    return "\n\n".join(
        [*parts, f"The notebook is `docs/notebooks/{notebook.name}`, see [how to open it](../how-to/interactive.md)."]
    )


def on_files(files: Any, config: Any) -> Any:
    """Add a page for each notebook; mkdocs calls this."""
    from mkdocs.structure.files import File

    for notebook in sorted(NOTEBOOKS.glob("*.py")):
        page = File.generated(config, f"notebooks/{notebook.stem}.md", content=to_markdown(notebook))
        files.append(page)
    return files
