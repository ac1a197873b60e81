from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from pocket.errors import ConfigError, UnknownNameError
from pocket.histograms.config import Axis, HistConf
from pocket.plan.figures import FigurePlan
from pocket.plan.plot import TemplatePlot
from pocket.plots.specification import (
    check_style,
    figure_names,
    figure_specs,
    figure_style,
    names_in_style,
    plot_specs,
)
from pocket.plots.style import PlotStyle
from tests.pocket.configs import LUMI, PARAMETERS, configure

STYLE: dict[str, Any] = {
    "label": "Private work",
    "labels_mc": {"DY": "Drell-Yan", "other": "?"},
    "colors_mc": {"DY": "#5790fc", "TT": "red", "other": "blue", "group": "green"},
    "samples_groups": {"group": ["TT"]},
    "order_mc": ["other", "DY"],
    "log_histograms": ["v_*", "w"],
    "blind_hists": {"categories": ["baseline", "signal"], "histograms": {"v_x": [0, 1], "w": [0, 1]}},
}


def axis(field: str, **settings: Any) -> Axis:
    return Axis(field=field, bins=4, start=0, stop=2, **settings)


def config(style: dict[str, Any] | None = None, **changes: Any) -> FigurePlan:
    parameters = OmegaConf.merge(
        PARAMETERS, {"lumi": {"sqrt_s": {"2018": 13}}, "plotting_style": STYLE if style is None else style}
    )
    variables = {"v": HistConf([axis("x"), axis("y")]), "w": HistConf([axis("x")])}
    return configure(parameters=parameters, **{"variables": variables, **changes}).figure_plan()


def changed(plan: FigurePlan) -> set[str]:
    """Return the figures whose specification is another one than before."""
    figures = [("baseline", "v"), ("baseline", "w"), ("signal", "v"), ("signal", "w")]
    before, after = figure_specs(config(), figures), figure_specs(plan, figures)
    return {
        f"{category}/{variable}"
        for category, variable in figures
        if before[category, variable] != after[category, variable]
    }


def test_style_is_checked_without_drawing() -> None:
    check_style(config())
    check_style(configure().figure_plan())
    with pytest.raises(ConfigError, match=r"plotting_style\.colors_mc\.DY: 'ornage' is not a colour"):
        check_style(config({"colors_mc": {"DY": "ornage"}}))
    with pytest.raises(ConfigError, match="unknown option 'color_mc' in plotting_style, did you mean 'colors_mc'"):
        check_style(config({"color_mc": {}}))
    blind = {"categories": ["signal"], "histograms": {"v": [0, 1]}}
    with pytest.raises(
        ConfigError, match=r"blind_hists\.histograms\.v: the histogram has several axes, so name .*v_x or v_y"
    ):
        check_style(config({**STYLE, "blind_hists": blind}))


@pytest.mark.parametrize(
    ("blind", "sentence"),
    [
        ({"categories": ["baselin"]}, r"unknown category 'baselin' in .*\.categories, did you mean 'baseline'\?"),
        (
            {"histograms": {"v_z": [0, 1]}},
            r"unknown histogram 'v_z' in .*blind_hists\.histograms, did you mean 'v_y' or 'v_x'",
        ),
    ],
)
def test_names_to_blind_are_those_of_the_analysis(blind: dict[str, Any], sentence: str) -> None:
    wrong = config({"blind_hists": blind})
    check_style(wrong)
    with pytest.raises(UnknownNameError, match=sentence):
        check_style(wrong, wrong.categories, names_in_style(wrong.variables, "v"))
    # Another configuration may have them.
    names = {"categories": ["other"], "histograms": {"u": [0, 1]}}
    check_style(config({"blind_hists": names}), ["baseline", "other"], ["v", "u"])


def test_names_of_figures() -> None:
    variables = config().variables
    assert figure_names(variables, "v") == ("v_x", "v_y")
    assert figure_names(variables, "w") == ("w",)


def test_only_what_a_figure_shows_is_in_its_style() -> None:
    style = figure_style(config(), "v", "baseline")
    assert style == {
        "label": "Private work",
        "labels_mc": {"DY": "Drell-Yan"},
        "colors_mc": {"DY": "#5790fc", "TT": "red", "group": "green"},
        "samples_groups": {"group": ["TT"]},
        "order_mc": ["DY"],
        "log_histograms": ["v_x", "v_y"],
        "blind_hists": {"categories": ["baseline"], "histograms": {"v_x": [0, 1]}},
    }
    whole, part = PlotStyle.from_parameters(STYLE), PlotStyle.from_parameters(style)
    assert part.is_log("v_x")
    assert part.color_of("DY") == whole.color_of("DY")


@pytest.mark.parametrize(
    ("style", "figures"),
    [
        (
            {**STYLE, "colors_mc": {**STYLE["colors_mc"], "DY": "blue"}},
            {"baseline/v", "baseline/w", "signal/v", "signal/w"},
        ),
        ({**STYLE, "colors_mc": {**STYLE["colors_mc"], "other": "red"}}, set()),
        ({**STYLE, "log_histograms": ["v_*"]}, {"baseline/w", "signal/w"}),
        ({**STYLE, "log_histograms": ["v_*", "w*"]}, set()),
        # the colours of the map
        ({**STYLE, "log_histograms": ["*"]}, {"baseline/v", "signal/v"}),
        ({**STYLE, "blind_hists": {**STYLE["blind_hists"], "categories": ["signal"]}}, {"baseline/v", "baseline/w"}),
        ({**STYLE, "blind_hists": {**STYLE["blind_hists"], "histograms": {"v_x": [0, 1]}}}, {"baseline/w", "signal/w"}),
        ({**STYLE, "label": "Preliminary"}, {"baseline/v", "baseline/w", "signal/v", "signal/w"}),
    ],
)
def test_which_figures_an_option_changes(style: dict[str, Any], figures: set[str]) -> None:
    assert changed(config(style)) == figures


def test_a_label_changes_one_histogram() -> None:
    variables = {"v": HistConf([axis("x"), axis("y")]), "w": HistConf([axis("x", label="$x$")])}
    assert changed(config(variables=variables)) == {"baseline/w", "signal/w"}
    variables["w"] = HistConf([axis("x", lim=(0, 1))])
    assert changed(config(variables=variables)) == {"baseline/w", "signal/w"}


def test_period_is_that_of_the_datasets_years() -> None:
    assert config().period() == config().period(["2017", "2018"]) == [[("2018", LUMI)], [13]]
    assert config().period(["2017"]) == [[], []]
    without = configure(parameters=OmegaConf.create({"limits": {"x": 1.0}})).figure_plan()
    assert without.period() == [[("2018", None)], [None]]


def test_what_is_wrong_stays_for_its_error() -> None:
    wrong = {"colors_mc": "red", "log_histograms": "w", "order_mc": 3, "blind_hists": {"histograms": "w"}}
    style = figure_style(config(wrong), "w", "baseline")
    assert {key: style[key] for key in wrong} == wrong


def test_code_of_a_plot_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "spec_plots.py").write_text("from spec_helpers import scaled\ndef ratio(context): return scaled(1)\n")
    (tmp_path / "spec_helpers.py").write_text("def scaled(x): return x\n")
    plots = {"ratio": TemplatePlot("ratio", "spec_plots:ratio")}
    ((_, before),) = plot_specs(plots).values()
    (tmp_path / "spec_helpers.py").write_text("def scaled(x): return 2 * x\n")
    ((_, after),) = plot_specs(plots).values()
    assert before != after
    for reference, reason in (
        ("spec_plots:rato", "unknown name 'rato' in spec_plots, did you mean 'ratio'\\?"),
        ("spec_plot:ratio", "module 'spec_plot' can't be found on the Python path"),
    ):
        with pytest.raises(ConfigError, match=f"^plot 'ratio', draw '{reference}': {reason}$"):
            plot_specs({"ratio": TemplatePlot("ratio", reference)})


def test_other_words_are_replaced_in_fingerprints() -> None:
    """Which colour a name has is decided by code that no fingerprint of figures holds."""
    style = {"colors": {"DY": "CMS_blue"}, "cms_label": "Preliminary"}
    assert config(style).spec()["style"] == {"colors_mc": {"DY": "#3f90da"}, "label": "Preliminary"}


def test_luminosity_is_that_of_the_data_that_are_drawn(tmp_path: Path) -> None:
    def entry(sample: str, year: str, is_mc: bool) -> dict[str, Any]:
        metadata = {"year": year, "isMC": is_mc, **({"xsec": 1.0} if is_mc else {})}
        return {"sample": sample, "files": [{"paths": ["a.root"], "metadata": metadata}]}

    years = {"2017": {"tot": 100.0}, "2018": {"tot": 200.0}}
    parameters = OmegaConf.create({"lumi": {"picobarns": years, "sqrt_s": {"2017": 13, "2018": 13}}})
    definitions = {
        "TT": entry("TT", "2017", True),
        "DY": entry("DY", "2018", True),
        "DATA": entry("DATA", "2018", False),
    }
    (file := tmp_path / "datasets.json").write_text(json.dumps(definitions))

    def period(*samples: str) -> Any:
        datasets = {"jsons": [file], "filter": {"samples": samples}}
        return configure(parameters=parameters, datasets=datasets).figure_plan().period()

    assert period("TT", "DY", "DATA") == [[("2018", 200.0)], [13]]
    assert period("TT", "DY") == [[("2017", 100.0), ("2018", 200.0)], [13, 13]]
