"""Mistakes between the configurations and scale factors of an analysis."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pocket.configuration.analysis import Analysis
from pocket.configuration.comparison import Comparison
from pocket.configuration.configurator import Configurator
from pocket.configuration.skim import Skim
from pocket.cuts.library import passthrough
from pocket.histograms.config import Axis, HistConf
from pocket.scale_factors import EfficiencyRatio, Imported
from pocket.weights.scale_factor import ScaleFactorWeight
from tests.mistakes.table import Row
from tests.pocket.configs import configure, only

PROBES = HistConf(
    [Axis(field="passing", type="integer", start=0, stop=2), Axis(field="pt", bins=[20, 30, 60], name="pt")]
)
DECLARED: dict[str, Any] = {
    "input": "tnp",
    "variable": "probes",
    "category": "baseline",
    "axes": ("pt",),
    "data": ("DATA",),
    "mc": ("DY",),
}
IMPORTED = Imported(
    file="a.json", correction="a", systematic="kind", keys={"nominal": "sf", "up": "sfup", "down": "sfdown"}
)


def config(**weight: Any) -> Configurator:
    """Return a configuration that measures a scale factor, or applies one."""
    weights = [ScaleFactorWeight.wrap("sf_id", **{"scale_factor": "id", "collection": "Muon"} | weight)]
    block = {"common": {"inclusive": weights if weight else []}}
    return configure(variables={"probes": PROBES}, weights=block, categories={"baseline": [passthrough]})


def scale_factor(**changes: Any) -> EfficiencyRatio:
    """Return a declaration with changes."""
    return EfficiencyRatio(**DECLARED | changes)


def analysis(weight: dict[str, Any] | None = None, **settings: Any) -> Callable[[Path], Any]:
    """Return what makes an analysis with two configurations, the second of which may apply the scale factor."""

    def make(folder: Path) -> Any:
        configs = {"tnp": config(), "main": config(**weight or {})}
        usual = {"configs": configs, "default_config": "main", "scale_factors": {"id": scale_factor()}}
        return Analysis(**{"name": "mine"} | usual | settings)

    return make


ROWS = [
    Row(
        "the default configuration",
        "unknown configuration 'mian' in default_config of analysis 'mine', did you mean 'main'.",
        analysis(default_config="mian"),
    ),
    Row(
        "the input of a scale factor",
        "unknown configuration 'tpn' in input of scale factor 'id', did you mean 'tnp'.",
        analysis(scale_factors={"id": scale_factor(input="tpn")}),
    ),
    Row(
        "the histogram of a scale factor",
        "unknown variable 'prob' in scale factor 'id', did you mean 'probes'.",
        analysis(scale_factors={"id": scale_factor(variable="prob")}),
    ),
    Row(
        "the category of a scale factor",
        "unknown category 'base' in scale factor 'id', did you mean 'baseline'.",
        analysis(scale_factors={"id": scale_factor(category="base")}),
    ),
    Row(
        "the axes of a scale factor",
        "unknown axis 'ptt' in scale factor 'id', histogram 'probes', did you mean 'pt'.",
        analysis(scale_factors={"id": scale_factor(axes=("ptt",))}),
    ),
    Row(
        "the samples of a scale factor",
        "unknown sample 'DYY' in scale factor 'id', did you mean 'DY'.",
        analysis(scale_factors={"id": scale_factor(mc=("DYY",))}),
    ),
    Row(
        "the years of a scale factor",
        "unknown year '2081' in scale factor 'id', did you mean '2018'.",
        analysis(scale_factors={"id": scale_factor(years=("2081",))}),
    ),
    Row(
        "the scale factor of a weight",
        "unknown scale factor 'idd' in weights of configuration 'main', did you mean 'id'.",
        analysis({"scale_factor": "idd"}),
    ),
    Row(
        "the inputs of a weight",
        "unknown input 'ptt' in inputs of weight 'sf_id' of configuration 'main', did you mean 'pt'.",
        analysis({"inputs": {"ptt": "pt"}}),
    ),
    Row(
        "the variations of a weight",
        "unknown systematic 'stat_up' in scale factor 'id', which weight 'sf_id' of configuration 'main' varies; .*",
        analysis({"variations": ("stat",)}, scale_factors={"id": IMPORTED}),
    ),
    Row(
        "a scale factor that waits for itself",
        "analysis 'mine': scale factors depend on each other, .* declare coupled=.*",
        analysis({"scale_factor": "id"}, scale_factors={"id": scale_factor(input="main")}),
    ),
    Row(
        "the other side of a comparison",
        "unknown configuration 'befor' in compare of analysis 'mine'.*",
        analysis(compare={"main": Comparison("befor")}),
    ),
    Row(
        "the configuration of a skim",
        "unknown configuration 'loos' in skims of analysis 'mine'.*",
        analysis(skims={"main": Skim(config="loos")}),
    ),
    Row(
        "a skim without one of the datasets",
        "unknown dataset 'DY_M50_2018' in the skim of configuration 'skim'; known: TT_2018",
        analysis(
            skims={"main": Skim(config="skim")},
            configs={"tnp": config(), "main": config(), "skim": configure(datasets=only("TT"))},
        ),
    ),
    Row(
        "a misspelt argument of the analysis",
        r"unknown argument 'config' in Analysis\(\), did you mean 'configs'.*",
        analysis(config={}),
    ),
]
