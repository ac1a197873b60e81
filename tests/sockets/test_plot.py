from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.tasks.small_chain import Chain

pytestmark = pytest.mark.slow

PLOTS = '''
def yields(context):
    """Draw the sums of all samples."""
    from matplotlib.figure import Figure

    sums = {sample: SCALE * float(h[{"variation": "nominal"}].sum().value) for sample, h in context.mc.items()}
    figure = Figure()
    figure.subplots().bar(list(sums), list(sums.values()))
    return figure, sums

SCALE = 1.0
'''


def figures(chain: Chain) -> dict[str, Any]:
    """Return the figures of the newest plots by name."""
    newest = max(chain.outputs("PlotTemplates"), key=lambda path: (path / "manifest.json").stat().st_mtime_ns)
    found: dict[str, Any] = json.loads((newest / "manifest.json").read_text())["info"]["figures"]
    return {name: {**figure, "folder": newest / name.partition("/")[0]} for name, figure in found.items()}


def test_one_file_adds_a_plot(chain: Chain) -> None:
    before = figures(chain)
    assert {name.rpartition("/")[2] for name in before} == {"data_mc", "before_after"}
    (chain.analysis / "plots.py").write_text(PLOTS)
    chain.edit("__init__.py", "from .cuts import", "from .plots import yields\nfrom .cuts import")
    chain.edit("__init__.py", 'compare={"corrected": "main"},', 'compare={"corrected": "main"},\n    plots=[yields],')
    assert chain.build() == ["PlotTemplates corrected"]
    after = figures(chain)
    own = {name: figure for name, figure in after.items() if name.endswith("/yields")}
    assert len(own) == len({name.rpartition("/")[0] for name in before})
    # what was drawn already is the same
    assert {name: after[name]["id"] for name in before} == {name: figure["id"] for name, figure in before.items()}
    for name, figure in own.items():
        variable = name.split("/")[1]
        assert f"{variable}_yields.json" in figure["files"]
        folder: Path = figure["folder"]
        sums = json.loads((folder / f"{variable}_yields.json").read_text())
        stack = json.loads((folder / f"{variable}.json").read_text())
        inside = sum(stack["mc"]["values"])
        # underflow and overflow are not drawn
        assert sum(sums.values()) >= 0.5 * inside > 0

    chain.edit("plots.py", "SCALE = 1.0", "SCALE = 2.0")
    assert chain.build() == ["PlotTemplates corrected"]
    again = figures(chain)
    changed = {name for name, figure in again.items() if figure["id"] != after[name]["id"]}
    assert changed == set(own)


def test_a_plot_that_fails_is_named(chain: Chain) -> None:
    (chain.analysis / "plots.py").write_text(PLOTS.replace("return figure, sums", "return sums['nothing'], sums"))
    chain.edit("__init__.py", "from .cuts import", "from .plots import yields\nfrom .cuts import")
    chain.edit("__init__.py", 'compare={"corrected": "main"},', 'compare={"corrected": "main"},\n    plots=[yields],')
    error = chain.error()
    assert error.startswith("plot 'yields' ")
    assert "KeyError: 'nothing'" in error
    chain.edit("plots.py", "return sums['nothing'], sums", "return 3")
    assert chain.error().startswith("plot 'yields' returned int, expected a figure of matplotlib and a dictionary")
