"""Notebooks that need no store, the script of the page, and coffea's Runner as the page shows it."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pocket.interactive import process
from tests.notebooks import ROOT, load_pages, run_notebook
from tests.real_files import real_file

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs" / "how-to" / "interactive.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("nano_dy.root", "nano_dimuon.root"):
        Path(name).symlink_to(real_file(name))


def block(start: str) -> str:
    """Return the block of code of the page that begins with some words."""
    (found,) = (
        text for text in re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL) if text.startswith(start)
    )
    return str(found)


def run(code: str) -> dict[str, Any]:
    """Run a block of code and return the names that it defines."""
    names: dict[str, Any] = {"__name__": "page"}
    exec(compile(code, "docs/how-to/interactive.md", "exec"), names)
    return names


def test_script_of_few_lines_draws_the_mass_of_real_muons() -> None:
    script = block("from pocket import load_analysis, plot, process")
    assert len(script.splitlines()) <= 15
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        names = run(script)
    assert Path("mll.pdf").read_bytes().startswith(b"%PDF")
    assert "preselection" in printed.getvalue()
    mll = names["result"].histograms["mll"]
    data = mll[{"samples": "DATA_DoubleMuon", "cat": "baseline", "variation": "nominal"}]
    assert data.sum(flow=True).value == names["result"].cutflow["baseline"]["DATA_DoubleMuon_2018_EraA"] > 0


@pytest.mark.filterwarnings("ignore:Branch Photon_:RuntimeWarning")  # of this old file, from coffea's schema
def test_coffeas_runner_gives_the_raw_sums_of_the_result() -> None:
    names = run(block("from coffea import processor"))
    dataset, output = "DYJetsToLL_2018", names["output"]
    result = process(names["config"], {dataset: "nano_dy.root"})
    assert output["cutflow"]["baseline"][dataset]["DYJetsToLL"]["nominal"] == result.cutflow["baseline"][dataset]
    raw = output["variables"]["mll"]["DYJetsToLL"][dataset].values(flow=True)
    normalised = result.histograms.per_sample("mll")["DYJetsToLL"].values(flow=True)
    factor = 6077.22 * 59560 / output["sum_genweights"][dataset]
    np.testing.assert_allclose(normalised, raw * factor, rtol=1e-6)


def test_notebook_from_a_file_to_a_plot() -> None:
    names, shown = run_notebook("file_to_plot")
    assert names["result"] is shown[1]
    assert Path("mll.pdf").is_file()
    again = shown[-1]["DYJetsToLL"]["baseline"].value
    assert again == pytest.approx(names["result"].yields()["DYJetsToLL"]["baseline"].value * 5765.4 / 6077.22)


@pytest.mark.filterwarnings("ignore:Branch Photon_:RuntimeWarning")
def test_notebook_of_one_event() -> None:
    names, shown = run_notebook("one_event")
    result = process(names["config"], {names["dataset"]: "nano_dy.root"})
    passing = np.logical_and.reduce(list(names["skim"].values()))
    assert passing.sum() == result.cutflow["skim"][names["dataset"]]
    everything = np.logical_and.reduce(list(names["steps"].values()))
    assert everything.sum() == result.cutflow["preselection"][names["dataset"]]
    table = shown[-2]
    assert {row["passes"] for row in table.values()} <= {"yes", "no"}
    assert list(table) == [*names["skim"], *names["preselection"]]


def test_pages_show_the_code_of_notebooks() -> None:
    pages = load_pages()
    notebooks = sorted(pages.NOTEBOOKS.glob("*.py"))
    assert len(notebooks) >= 4
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for notebook in notebooks:
        page = pages.to_markdown(notebook)
        assert page.startswith("# ")
        assert all(cell.source in page for cell in pages.read_cells(notebook) if not cell.is_text)
        assert f"notebooks/{notebook.stem}.md" in navigation
        assert f"notebooks/{notebook.stem}.md" in PAGE
