from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.throughput.publishing import BEGIN, END, NoResultsError, publish
from pocket.parameters.defaults import project_root

REPORT = "Measured.\n\n### Throughput\n\nEvents.\n\n| a |\n| 1 |\n\n| long |\n\n### Growth\n\nmore\n"


def pages(folder: Path) -> list[Path]:
    """Return the two pages."""
    return [folder / "README.md", folder / "docs" / "explanation" / "performance.md"]


def test_results_replace_those_before(tmp_path: Path) -> None:
    (tmp_path / "docs" / "explanation").mkdir(parents=True)
    for page in pages(tmp_path):
        page.write_text(f"# Title\n\n{BEGIN}\n\nold\n\n{END}\n\n## Next\n")
    publish(REPORT, tmp_path)
    readme, performance = (page.read_text() for page in pages(tmp_path))
    assert readme == f"# Title\n\n{BEGIN}\n\n| a |\n| 1 |\n\n{END}\n\n## Next\n"
    assert performance == f"# Title\n\n{BEGIN}\n\n{REPORT.strip()}\n\n{END}\n\n## Next\n"
    publish(REPORT, tmp_path)
    assert readme == pages(tmp_path)[0].read_text()


def test_nothing_to_publish(tmp_path: Path) -> None:
    with pytest.raises(NoResultsError, match="no throughput"):
        publish("### Growth\n", tmp_path)
    (tmp_path / "README.md").write_text("# Title\n")
    with pytest.raises(NoResultsError, match=r"README\.md has no lines"):
        publish(REPORT, tmp_path)


def test_pages_of_the_project_have_a_place_for_results() -> None:
    for page in pages(project_root()):
        assert page.read_text().index(BEGIN) < page.read_text().index(END)
