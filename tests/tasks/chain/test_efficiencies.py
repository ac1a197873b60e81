from __future__ import annotations

import functools
import json
from typing import Any

import hist
import numpy as np
import pytest
from scipy.stats import beta, norm

from pocket.errors import ConfigError
from pocket.histograms.files import read_templates
from tasks.chain.efficiencies import PlotEfficiencies
from tests.tasks.in_process import not_refused
from tests.tasks.small_chain import Chain


def test_mistakes_are_found_before_anything_runs(chain: Chain) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({}, "PlotEfficiencies needs either --total, a category of all entries, or --passing-axis"),
        ({"total": "baseline", "passing_axis": "passing"}, "PlotEfficiencies needs either --total"),
        ({"total": "basline"}, "'basline' in --total, configuration 'probes', did you mean 'baseline'"),
        (
            {"total": "baseline"},
            "no other category of configuration 'probes' has all cuts of 'baseline': there is no efficiency; none of "
            "its categories can be --total, use --passing-axis",
        ),
        ({"total": "baseline", "categories": ("baseline",)}, "'baseline' is the total itself"),
        ({"passing_axis": "pasing"}, "'pasing' in --passing-axis, configuration 'probes', did you mean 'passing'"),
        ({"passing_axis": "pt", "categories": ("bseline",)}, "unknown category 'bseline'"),
    ]
    make = functools.partial(PlotEfficiencies, version="v1", analysis=str(chain.analysis), config="probes")
    assert not_refused(make, cases, ConfigError) == {}


def test_an_axis_of_failing_and_passing_entries_is_needed(chain: Chain) -> None:
    chain.edit("__init__.py", 'type="integer", start=0, stop=2)', 'type="integer", start=0, stop=3)')
    with pytest.raises(ConfigError, match=r"axis 'passing' of histogram .* has 3 bins, .*; axes with two bins: pt"):
        chain.task(PlotEfficiencies, config="probes", passing_axis="passing")
    sentence = "histogram 'npvs' of configuration 'main' has no axis 'PV_npvsGood' beside others; these have: none"
    with pytest.raises(ConfigError, match=sentence):
        chain.task(PlotEfficiencies, config="main", passing_axis="PV_npvsGood", variables=("npvs",))


def test_a_category_with_other_cuts_is_no_part(chain: Chain) -> None:
    two = '{"baseline": [passthrough], "many": [get_nPVgood(20)], "more": [get_nPVgood(20), get_nPVgood(30)]}'
    chain.edit("__init__.py", '{"baseline": [passthrough]}', two)
    sentence = (
        "category 'baseline' of configuration 'main' lacks the cut 'nPVgood_20' of 'many', .*; parts of 'many': more"
    )
    with pytest.raises(ConfigError, match=sentence):
        chain.task(PlotEfficiencies, config="main", total="many", categories=("baseline",))
    with pytest.raises(ConfigError, match=r"no other category .* of 'more': .*; --total may be baseline, many$"):
        chain.task(PlotEfficiencies, config="main", total="more")
    shown = chain.task(PlotEfficiencies, config="main", total="many").shown
    assert shown == [("more", "muon_pt"), ("more", "npvs")]
    chain.edit("__init__.py", '"npvs": HistConf([vertices])', '"npvs": HistConf([vertices], only_categories=["many"])')
    with pytest.raises(ConfigError, match="none of the histograms of configuration 'main' is filled"):
        chain.task(PlotEfficiencies, config="main", total="baseline", variables=("npvs",))
    shown = chain.task(PlotEfficiencies, config="main", total="baseline", variables=("muon_pt",)).shown
    assert shown == [("many", "muon_pt"), ("more", "muon_pt")]


@pytest.mark.slow
def test_efficiencies_are_drawn(chain: Chain) -> None:
    options = {"config": "probes", "passing_axis": "passing", "formats": ("png",)}
    assert chain.build(PlotEfficiencies, **options) == ["PlotEfficiencies probes"]
    folder = chain.output("PlotEfficiencies", "probes") / "baseline"
    assert [path.stem for path in folder.glob("*.png")] == ["probes_pt"]
    numbers = json.loads((folder / "probes_pt.json").read_text())
    data = read_templates(chain.output("MergeOutputs", "probes"), "probes")["DATA_SingleMuon"][{"cat": "baseline"}]
    tail = norm.cdf(-1)
    for number in range(2):
        failing, passing = (data[{"passing": hist.loc(each), "pt": number}].value for each in (0, 1))
        assert numbers["data"]["values"][number] == passing / (failing + passing)
        assert numbers["data"]["low"][number] == pytest.approx(beta.ppf(tail, passing, failing + 1))
        high = 1.0 if failing == 0 else beta.ppf(1 - tail, passing + 1, failing)
        assert numbers["data"]["high"][number] == pytest.approx(high)
    assert np.isfinite(numbers["mc"]["values"]).all()
    assert chain.build(PlotEfficiencies, **options) == []


def test_data_of_a_blind_total_are_hidden(chain: Chain) -> None:
    two = '{"baseline": [passthrough], "many": [get_nPVgood(20)]}'
    chain.edit("__init__.py", '{"baseline": [passthrough]}', two)
    compare = 'compare={"corrected": "main"},'
    chain.edit("__init__.py", compare, f'{compare}\n    blind=("base*",),')
    hidden, shown = (
        chain.task(PlotEfficiencies, config="main", total="baseline", unblind=reason) for reason in ("", "approved")
    )
    for task, is_blind in ((hidden, True), (shown, False)):
        assert {task.options_in(category)["blind"] for category, _ in task.shown} == {is_blind}
    assert hidden.fingerprint != shown.fingerprint
