from __future__ import annotations

from pathlib import Path

import pytest

from tasks.chain.figure_jobs import TemplatePlotJob
from tests.tasks.pickled_jobs import run
from tests.tasks.small_chain import Chain


@pytest.mark.parametrize(
    ("before", "variable", "stems"),
    [
        (None, "npvs", {"npvs"}),
        ("main", "npvs", {"npvs", "npvs_vs_main"}),
        # what wasn't filled before is drawn without a comparison
        ("probes", "npvs", {"npvs"}),
    ],
)
def test_template_plots(chain: Chain, tmp_path: Path, before: str | None, variable: str, stems: set[str]) -> None:
    job = TemplatePlotJob(
        analysis=str(chain.analysis),
        overrides=(),
        config="corrected",
        variable=variable,
        category="baseline",
        plots=("data_mc", "before_after"),
        templates=chain.output("MergeOutputs", "corrected"),
        before=chain.output("MergeOutputs", before) if before else None,
        covariance=None,
        folder=tmp_path / "plots" / "baseline",
        formats=("png", "svg"),
        options={"before_name": before or "none"},
    )
    assert run(job) == job.size == 1
    drawn = {path.name for path in (tmp_path / "plots" / "baseline").iterdir()}
    assert drawn == {f"{stem}.{extension}" for stem in stems for extension in ("json", "png", "svg")}
