from __future__ import annotations

import functools
import json
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from pocket.configuration.analysis import Analysis
from pocket.configuration.loading import load_analysis
from pocket.errors import ConfigError, UnknownNameError
from pocket.histograms.config import Axis, HistConf
from pocket.histograms.files import read_templates
from pocket.plots.canvas import Period
from pocket.plots.specification import joined_periods
from pocket.plots.templates.figures import period_from
from pocket.statistics import Region, StatisticalModel, load_model
from tasks.statistics.systematics import PlotSystematics, names_of, periods_of
from tests.tasks.in_process import not_refused
from tests.tasks.small_chain import Chain


def test_options_without_effect_are_refused(modelled: Chain) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"model": "z", "variables": ("npvs",)}, "^--variables has no effect with --model: choose --regions$"),
        ({"model": "z", "categories": ("baseline",)}, "^--categories has no effect with --model: choose --regions$"),
        ({"regions": ("all",)}, "^--regions has no effect without --model$"),
        ({"processes": ("dy",)}, "^--processes has no effect without --model$"),
    ]
    make = functools.partial(PlotSystematics, version="v1", analysis=str(modelled.analysis))
    assert not_refused(make, cases, ConfigError) == {}


def test_unknown_names_are_refused(modelled: Chain) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"model": "y"}, "unknown model 'y' in analysis 'small'"),
        ({"model": "z", "regions": ("al",)}, "unknown region 'al' in model 'z', did you mean 'all'"),
        ({"model": "z", "processes": ("dyy",)}, "unknown process 'dyy' in model 'z', did you mean 'dy'"),
    ]
    make = functools.partial(PlotSystematics, version="v1", analysis=str(modelled.analysis))
    assert not_refused(make, cases, UnknownNameError) == {}


def test_the_period_of_a_region_is_that_of_its_years() -> None:
    analysis = load_analysis("zmumu_run3")
    config = analysis.default_config
    tables = analysis.config(config).parameters.lumi
    known = {year: tables.picobarns[year].tot for year in ("2022_preEE", "2023_preBPix")}
    regions = {"one": Region(config, "c", "v", years=("2022_preEE",)), "all": Region(config, "c", "v")}
    found: Any = periods_of(analysis, cast("StatisticalModel", SimpleNamespace(regions=regions)))
    assert found["one"] == [[("2022_preEE", known["2022_preEE"])], [13.6]]
    assert found["all"] == [list(known.items()), [13.6, 13.6]]
    # A fit of both has each year once.
    whole = Period(pytest.approx(sum(known.values())), "2022_preEE+2023_preBPix", 13.6)
    assert period_from(joined_periods(found.values())) == whole


def test_bins_of_categories_have_names() -> None:
    axes = {
        "charge": Axis("charge", type="intcat", bins=[-1, 1]),
        "flavour": Axis("flavour", type="strcat", bins=["b", "c"], overflow=False),
        "jets": Axis("jets", type="integer", start=0, stop=3),
        "runs": Axis("runs", type="integer", start=0, stop=300),
        "pt": Axis("pt", bins=[0, 20, 50]),
    }
    variables = {name: HistConf([axis]) for name, axis in axes.items()} | {"two": HistConf([axes["jets"], axes["pt"]])}
    analysis = cast("Analysis", SimpleNamespace(config=lambda name: SimpleNamespace(variables=variables)))
    regions = {name: Region("main", "c", name) for name in axes}
    regions["dropped"] = Region("main", "c", "jets", flow="drop")
    regions["joined"] = Region("main", "c", "jets", edges=(0, 1, 3))
    regions["counted"] = Region("main", "c", "two", bins="counting")
    found = names_of(analysis, cast("StatisticalModel", SimpleNamespace(regions=regions)))
    assert found == {
        "charge": ("-1", "1, other"),
        "flavour": ("b", "c"),
        "jets": ("0", "1", "≥ 2"),
        "dropped": ("0", "1", "2"),
    }


@pytest.mark.slow
def test_nuisances_are_drawn_as_stored_and_as_treated(modelled: Chain) -> None:
    options = {"model": "z", "formats": ("png",), "processes": ("dy",)}
    assert modelled.build(PlotSystematics, **options) == ["ProduceDatacards z", "PlotSystematics z"]
    folder = modelled.output("PlotSystematics", "z") / "all"
    assert {path.stem for path in folder.glob("*.png")} == {
        "all_sf_tight_id", "all_sf_tight_id_dy", "all_ranking",
    }  # fmt: skip
    numbers = json.loads((folder / "all_sf_tight_id.json").read_text())
    template = read_templates(modelled.output("MergeOutputs", "corrected"), "npvs")["DYJetsToMuMu"][{"cat": "baseline"}]
    np.testing.assert_allclose(numbers["before"]["up"], template[{"variation": "sf_tight_idUp"}].values())
    (region,) = load_model(modelled.output("ProduceDatacards", "z") / "model.h5").regions
    np.testing.assert_allclose(numbers["after"]["nominal"], region.nominal[0])
    assert region.edges is not None
    assert numbers["after"]["edges"] == region.edges.tolist()
    np.testing.assert_allclose(numbers["after"]["up"], region.shapes["sf_tight_id"]["dy"][0])
    sources = json.loads((folder / "all_ranking.json").read_text())["sources"]
    assert sources["lumi"]["yield_up"] == pytest.approx(0.02)
    assert modelled.build(PlotSystematics, **options) == []
    error = modelled.error(PlotSystematics, model="z", sources=("sf_tigth_id",))
    assert error.startswith("unknown nuisance 'sf_tigth_id' in templates of model 'z', did you mean 'sf_tight_id'")
