from __future__ import annotations

import json

import hist
import numpy as np
import pytest

from pocket.errors import ConfigError, UnknownNameError
from pocket.histograms.files import read_templates
from tasks.chain.systematics import PlotShapes, ShowYields
from tasks.statistics.systematics import PlotSystematics
from tests.tasks.in_process import run_here
from tests.tasks.small_chain import Chain


def test_yields_are_the_sums_of_templates(chain: Chain, capsys: pytest.CaptureFixture[str]) -> None:
    assert chain.build(ShowYields, table="json") == ["ShowYields corrected"]
    text = capsys.readouterr().out
    rows = {row["process"]: row for row in json.loads(text[text.index("[") : text.rindex("]") + 1])}
    templates = read_templates(chain.output("MergeOutputs", "corrected"), "npvs")
    drawn = templates["DYJetsToMuMu"][{"cat": "baseline"}].project("variation")
    by_name = {name: drawn[hist.loc(name)] for name in drawn.axes[0]}
    dy = rows["DYJetsToMuMu"]
    assert dy["yield"] == pytest.approx(by_name["nominal"].value)
    assert dy["stat"] == pytest.approx(by_name["nominal"].variance ** 0.5)
    ups = [by_name[name].value - by_name["nominal"].value for name in by_name if name.endswith("Up")]
    assert dy["syst_up"] == pytest.approx(np.sqrt(sum(shift**2 for shift in ups)), rel=1e-9)
    data = templates["DATA_SingleMuon"][{"cat": "baseline"}].sum(flow=True).value
    assert rows["data"]["yield"] == data > 0
    # the table is printed each time it is asked for
    assert chain.build(ShowYields, table="json") == ["ShowYields corrected"]


def test_yields_depend_on_groups_and_not_on_looks(chain: Chain) -> None:
    def fingerprint(*params: str) -> str:
        return chain.task(ShowYields, params=params).fingerprint

    looks = ("plotting_style.colors_mc.DYJetsToMuMu=red", "plotting_style.label=Mine", "plotting_style.dpi=200")
    assert fingerprint(*looks) == fingerprint()
    for decides in ("plotting_style.exclude_samples=[DYJetsToMuMu]", "plotting_style.order_mc=[DYJetsToMuMu]"):
        assert fingerprint(decides) != fingerprint()


@pytest.mark.slow
def test_the_table_of_yields_comes_after_the_line_of_its_task(chain: Chain) -> None:
    run = run_here(chain, "ShowYields", "--config", "corrected")
    assert run.code == 0, run.text
    assert run.text.count("process  ") == 1
    quiet = run_here(chain, "ShowYields", "--config", "corrected", "--log-level", "WARNING")
    assert quiet.text.startswith("process  ")


def test_a_histogram_that_cannot_be_summed_is_refused(chain: Chain) -> None:
    with pytest.raises(UnknownNameError, match="unknown variable 'npv' in configuration 'main', did you mean 'npvs'"):
        chain.task(ShowYields, config="main", variable="npv")
    with pytest.raises(ConfigError, match="category 'baseline' of configuration 'probes' has no histogram"):
        chain.task(ShowYields, config="probes")
    # There is an entry for each muon.
    sentence = "'muon_pt' in category 'baseline' don't have one entry for each event, so their sums are no yields"
    assert sentence in chain.error(ShowYields, config="main", variable="muon_pt")


def test_weighted_histograms_without_errors_are_named(chain: Chain) -> None:
    chain.edit("__init__.py", '"npvs": HistConf([vertices])', '"npvs": HistConf([vertices], storage="double")')
    with pytest.raises(
        ConfigError, match="histogram 'npvs' has several axes or another storage than 'weight', or isn't"
    ):
        chain.task(ShowYields, variable="npvs")
    run = run_here(chain, "PlotShapes", "--variables", "npvs", "--config", "main")
    assert run.errors == [
        "histogram 'npvs' in category 'baseline': DYJetsToMuMu: the histogram has no sum of squared weights, fill it "
        "with storage='weight'"
    ]


@pytest.mark.slow
def test_systematics_and_shapes_are_drawn(chain: Chain) -> None:
    options = {"config": "corrected", "variables": ("npvs",), "formats": ("png",)}
    assert chain.build(PlotSystematics, **options) == ["PlotSystematics corrected"]
    folder = chain.output("PlotSystematics", "corrected") / "baseline"
    assert {path.stem for path in folder.glob("*.png")} == {"npvs_sf_tight_id", "npvs_ranking"}
    numbers = json.loads((folder / "npvs_sf_tight_id.json").read_text())
    template = read_templates(chain.output("MergeOutputs", "corrected"), "npvs")["DYJetsToMuMu"][{"cat": "baseline"}]
    np.testing.assert_allclose(numbers["up"], template[{"variation": "sf_tight_idUp"}].values())
    assert chain.build(PlotSystematics, **options) == []
    assert chain.build(PlotShapes, **options) == ["PlotShapes corrected"]
    assert [path.stem for path in chain.output("PlotShapes", "corrected").rglob("*.png")] == ["npvs"]
    with pytest.raises(UnknownNameError, match="unknown source 'sf_tigth_id' in configuration 'corrected'"):
        chain.task(PlotSystematics, config="corrected", sources=("sf_tigth_id",))
