from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from pocket.base.fingerprint import fingerprint
from pocket.configuration.analysis import Analysis, load_analysis
from pocket.configuration.restricted import check_measurable, restrict, restrict_analysis
from pocket.datasets.restriction import Restriction
from pocket.errors import BrokenConfigError, ConfigError, UnknownNameError
from pocket.parameters.plain import to_plain
from pocket.plots.style import PlotStyle

DATA, DY = "DATA_SingleMuon", "DYJetsToMuMu"


@pytest.fixture(scope="module")
def zmumu() -> Analysis:
    return load_analysis("zmumu")


def style(parameters: Any) -> PlotStyle:
    return PlotStyle.from_parameters(to_plain(parameters)["plotting_style"])


def test_datasets_that_are_left(zmumu: Analysis) -> None:
    whole = zmumu.config("calibrated")
    part = restrict(whole, Restriction(samples=(DATA,)))
    assert list(part.samples) == list(part.weights.samples) == list(part.shapes.samples) == [DATA]
    assert whole.samples.keys() > {DATA, DY}
    # data have no weights, so nothing has to be measured for them
    assert whole.scale_factors
    assert part.scale_factors == ()
    assert fingerprint(part.declared().spec()) != fingerprint(whole.declared().spec())


def test_limits_change_the_labels_of_plots_only(zmumu: Analysis) -> None:
    whole = zmumu.config("nominal")
    part = restrict(whole, Restriction(files=1))
    assert list(part.samples) == list(whole.samples)
    assert fingerprint(part.plan().spec()) == fingerprint(whole.plan().spec())
    assert style(part.parameters).label == f"{style(whole.parameters).label}, limited: 1 file per dataset"
    assert style(whole.parameters).label == "Private work"


def test_label_in_the_words_of_pocketcoffea(zmumu: Analysis) -> None:
    whole = zmumu.config("nominal").with_parameters(zmumu.config("nominal").parameters.copy())
    whole.parameters.plotting_style.cms_label = "Preliminary"
    part = restrict(whole, Restriction(chunks=1))
    assert style(part.parameters).label == "Preliminary, limited: 1 chunk per dataset"


def test_configurations_without_datasets(zmumu: Analysis) -> None:
    (only,) = (name for name in zmumu.configs if name == "real_samples")
    dataset = next(iter(zmumu.config(only).definitions))
    part = restrict_analysis(zmumu, Restriction(datasets=(dataset,)))
    assert list(part.config(only).definitions) == [dataset]
    with pytest.raises(
        BrokenConfigError, match=rf"'nominal': --filter-datasets {dataset} leaves no dataset, there are"
    ):
        part.config("nominal")
    assert zmumu.config("nominal")
    with pytest.raises(UnknownNameError, match="unknown sample 'DYJetsToMuMuu' in --filter-samples, did you mean"):
        restrict_analysis(zmumu, Restriction(samples=("DYJetsToMuMuu",)))


def test_analysis_is_loaded_with_a_restriction(zmumu: Analysis) -> None:
    restriction = Restriction(samples=(DATA, DY))
    part = load_analysis("zmumu", (), restriction)
    assert part is load_analysis("zmumu", (), dataclasses.replace(restriction))
    assert list(part.config("nominal").samples) == [DY, DATA]
    assert load_analysis("zmumu", (), Restriction()) is load_analysis("zmumu") is zmumu


@pytest.mark.slow
def test_scale_factor_that_lacks_its_samples(zmumu: Analysis) -> None:
    check_measurable(restrict_analysis(zmumu, Restriction(samples=(DATA, DY))), "muon_id")
    with pytest.raises(ConfigError, match=f"'muon_id' is measured in {DATA} of configuration 'tnp', which"):
        check_measurable(restrict_analysis(zmumu, Restriction(samples=(DY,))), "muon_id")
