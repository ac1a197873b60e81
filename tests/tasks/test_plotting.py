from __future__ import annotations

import json
from pathlib import Path

from tasks.plotting import PlotScaleFactors
from tests.tasks.chain import Chain


def stems(folder: Path) -> set[str]:
    return {path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.png")}


def test_every_variable_is_drawn_alone_and_beside_the_one_before(chain: Chain) -> None:
    plots = chain.output("PlotTemplates", "corrected")
    names = {"baseline/muon_pt", "baseline/npvs"}
    assert stems(plots) == names | {f"{name}_vs_main" for name in names}
    for path in plots.rglob("*.png"):
        assert path.stat().st_size > 1000
        assert json.loads(path.with_suffix(".json").read_text())


def test_only_what_is_asked_for_is_drawn(chain: Chain) -> None:
    options = {"config": "main", "variables": ("npvs",), "categories": ("baseline",)}
    assert chain.build(**options) == ["PlotTemplates main"]
    assert stems(chain.task(**options).directory) == {"baseline/npvs"}
    assert chain.task(config="corrected").compare == "main"
    assert chain.task(config="main").compare == "none"
    assert list(chain.task(compare="probes").requires()["templates"]) == ["corrected", "probes"]


def test_changed_colour_and_label_run_the_plots_again(chain: Chain) -> None:
    before, old = chain.ids(""), chain.output("PlotTemplates", "corrected")
    chain.edit("parameters.yaml", "#f89c20", "#e42536")
    chain.edit("__init__.py", "Good vertices", "Vertices")
    assert chain.build() == ["PlotTemplates corrected"]
    (new,) = set(chain.outputs("PlotTemplates", "corrected")) - {old}
    for name in ("baseline/muon_pt.png", "baseline/npvs.png"):
        assert (new / name).read_bytes() != (old / name).read_bytes()
    assert {path: identifier for path, identifier in chain.ids("").items() if path in before} == before
    chain.edit("parameters.yaml", "#e42536", "#f89c20")
    chain.edit("__init__.py", "Vertices", "Good vertices")
    assert chain.build() == []


def test_scale_factor_is_drawn(chain: Chain) -> None:
    assert chain.build(PlotScaleFactors, scale_factor="tight_id") == ["PlotScaleFactors tight_id"]
    assert stems(chain.output("PlotScaleFactors", "tight_id")) == {"tight_id"}
    chain.edit("__init__.py", "Muon $p_T$ [GeV]", "Probe $p_T$ [GeV]")
    task: PlotScaleFactors = chain.task(PlotScaleFactors, scale_factor="tight_id")
    assert not task.complete()
    assert task.requires().complete()
