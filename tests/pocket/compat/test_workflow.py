from __future__ import annotations

import logging
from typing import Any

import awkward as ak
import numpy as np
import pytest
from omegaconf import OmegaConf

from pocket.compat.configurator import Configurator
from pocket.compat.processors import genWeightsProcessor, semileptonicTriggerProcessor, ttHbbBaseProcessor
from pocket.compat.workflow import BaseProcessorABC, is_empty
from pocket.cuts.cut import Cut
from pocket.cuts.library import get_nObj_min, passthrough
from pocket.engine.chunk import process_chunk
from pocket.errors import ConfigError
from pocket.histograms.config import Axis, HistConf
from pocket.parameters import get_default_parameters
from tests.pocket.configs import DATA, DEFINITIONS, DY, PARAMETERS, metadata, planned

EVENTS = ak.Array(
    {
        "x": [0.1, 0.6, 1.1, 1.6],
        "genWeight": np.ones(4),
        "event": [1, 2, 3, 4],
        "run": np.ones(4),
        "Jet": [[1.0], [], [1.0, 2.0], [3.0]],
    }
)


class Plain(BaseProcessorABC):
    """Takes the events as they are."""

    def apply_object_preselection(self, variation: str) -> None:
        """Select nothing."""

    def count_objects(self, variation: str) -> None:
        """Count nothing."""


def configure(**changes: Any) -> Configurator:
    settings: dict[str, Any] = {
        "workflow": Plain,
        "parameters": PARAMETERS,
        "datasets": {"jsons": [DEFINITIONS], "filter": {"samples": ["DY", "DATA"]}},
        "skim": [],
        "preselections": [],
        "categories": {"baseline": [passthrough]},
        "weights": {},
        "variations": {},
        "variables": {"x": HistConf([Axis(field="x", bins=4, start=0, stop=2)])},
        "calibrators": [],
    }
    return Configurator(**settings | changes)


def run(config: Configurator, dataset: str = DY) -> tuple[Any, BaseProcessorABC]:
    workflow: Any = config.workflow(planned(config))
    return process_chunk(workflow, ak.copy(EVENTS), metadata(config, dataset)), workflow


def test_what_a_workflow_knows_of_a_dataset() -> None:
    class Curious(Plain):
        def load_metadata(self) -> None:
            self.early = (self._era, self._xsec, self._hasSubsamples)

        def load_metadata_extra(self) -> None:
            self.late = self._metadata["era"]

    config = configure(workflow=Curious, subsamples={"DATA": {"all": [passthrough]}})
    _, workflow = run(config)
    assert (workflow.early, workflow.late) == (("MC", metadata(config, DY)["xsec"], False), "MC")
    _, workflow = run(config, DATA)
    assert (workflow.early, workflow.late) == (("A", None, True), "A")


def test_output_may_be_read_but_not_extended() -> None:
    class Reader(Plain):
        def process_extra_after_skim(self) -> None:
            self.seen = (
                self.output["cutflow"]["initial"][self._dataset],
                self.output["sum_genweights"].get(self._dataset),
            )

    assert run(configure(workflow=Reader))[1].seen == (4, 4.0)  # type: ignore[attr-defined]

    class Writer(Plain):
        def process_extra_after_skim(self) -> None:
            self.output["mine"] = 1

    with pytest.raises(ConfigError, match="adds 'mine' to its output, which isn't kept here: fill a histogram"):
        run(configure(workflow=Writer))


def test_steps_that_do_nothing_are_accepted() -> None:
    class Generated(Plain):
        def fill_histograms_extra(self, variation: str) -> None:
            """Fill nothing."""

        def postprocess(self, accumulator: Any) -> Any:
            super().postprocess(accumulator=accumulator)  # type: ignore[misc]

        def define_histograms_extra(self) -> None:
            self.custom_histogram_fields["twice"] = 2 * np.asarray(self.events.x)

    assert vars(Generated)["fill_histograms_extra"].__doc__ == "Fill nothing."
    axis = Axis(coll="custom", field="twice", bins=2, start=0, stop=4)
    output, _ = run(configure(workflow=Generated, variables={"twice": HistConf([axis])}))
    assert output["variables"]["twice"]["DY"][DY].values().sum() == 4
    sentence = (
        "workflow Filling defines fill_histograms, which is never called: .* other weights in some a category that"
    )
    with pytest.raises(ConfigError, match=sentence):

        class Filling(Plain):
            def fill_histograms(self, variation: str) -> None:
                self.filled = True


def test_empty_functions() -> None:
    def documented() -> None:
        """Do nothing."""

    def returning() -> None:
        return None

    assert is_empty(documented)
    assert is_empty(returning)
    assert is_empty(BaseProcessorABC.define_custom_axes_extra)
    assert not is_empty(BaseProcessorABC.start_chunk)
    assert not is_empty(len)


def test_delayed_branches_are_of_the_nominal_events() -> None:
    calls: list[int] = []

    def score(events: Any) -> Any:
        calls.append(len(events))
        return events.x * 10

    class Scored(Plain):
        def __init__(self, cfg: Any) -> None:
            super().__init__(cfg)
            self.delayed_branches.register("score", score, default_value=-1.0)
            self.delayed_branches.register(
                ["low", "high"], lambda events: {"low": events.x - 1, "high": events.x + 1}, {"low": 0.0, "high": 0.0}
            )

    variables = {
        "score": HistConf([Axis(field="score", bins=[0, 5, 12, 20])]),
        "high": HistConf([Axis(field="high", bins=2, start=1, stop=3)]),
    }
    config = configure(workflow=Scored, variables=variables, preselections=[get_nObj_min(1, coll="Jet")])
    output, _ = run(config)
    assert output["variables"]["score"]["DY"][DY].values()[0, 0].tolist() == [1, 1, 1]
    assert output["variables"]["high"]["DY"][DY].values().sum() == 3
    assert calls == [3]


def test_custom_axes_come_first_in_all_histograms() -> None:
    class WithYear(Plain):
        def define_custom_axes_extra(self) -> None:
            self.custom_axes += [Axis(coll="metadata", field="year", bins=[self._year], type="strcat", name="year")]

    config = configure(workflow=WithYear)
    assert [axis.name for axis in config.variables["x"].axes] == ["year", "x"]
    output, _ = run(config)
    assert output["variables"]["x"]["DY"][DY].axes["year"].size == 1

    class OfData(Plain):
        def define_custom_axes_extra(self) -> None:
            if not self._isMC:
                self.custom_axes += [Axis(coll="metadata", field="era", bins=["A"], type="strcat")]

    with pytest.raises(ConfigError, match=r"workflow OfData adds other custom_axes to .* give a histogram of its own"):
        configure(workflow=OfData)


def test_shipped_workflows() -> None:
    assert issubclass(semileptonicTriggerProcessor, ttHbbBaseProcessor)
    output, _ = run(configure(workflow=genWeightsProcessor))
    assert output["sum_genweights"][DY] == 4.0


def test_arguments_of_a_configuration() -> None:
    config = configure()
    config.load()
    parameters = get_default_parameters()
    names = [calibrator.name for calibrator in configure(calibrators=None, parameters=parameters).shapes.calibrators]
    assert names == [
        "jet_calibration",
        "electron_scale_and_smearing",
        "muons_scale_and_resolution",
        "met_type1_calibration",
    ]
    with pytest.raises(ConfigError, match="'skimm'"):
        configure(skimm=[Cut("a", {}, lambda events, params, **kwargs: None)])


def test_calibrators_that_change_nothing() -> None:
    switched = OmegaConf.merge(
        PARAMETERS, {"lepton_scale_factors": {"muon_sf": {"scale_and_resolution": {"apply": {"2018": True}}}}}
    )
    from pocket.compat.calibrators import ElectronsScaleCalibrator
    from pocket.compat.muon_momenta import MuonsCalibrator

    calibrators = [ElectronsScaleCalibrator, MuonsCalibrator]
    shape = {"shape": {"common": {"inclusive": ["electron_scale_and_smearing"]}}}
    config = configure(calibrators=calibrators, variations=shape)
    output, _ = run(config)
    assert list(output["variables"]["x"]["DY"][DY].axes["variation"]) == ["nominal"]
    assert MuonsCalibrator(switched, {"year": "2018", "isMC": True}).variations[-1] == "muon_smearDown"


def test_what_cant_be_processed_is_remarked(caplog: pytest.LogCaptureFixture) -> None:
    without = OmegaConf.merge(PARAMETERS, {"lumi": {"picobarns": {"2018": {"tot": None}}}})
    with caplog.at_level(logging.WARNING):
        configure(weights={"common": {"inclusive": ["lumi"]}}, parameters=without)
    assert "processing will fail, weight 'lumi' of dataset 'DY_M50_2018': lumi.picobarns.2018.tot" in caplog.text


def test_a_configuration_without_histograms(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        config = configure(variables={})
    assert "has neither histograms nor columns: its output has sums and the cutflow only" in caplog.text
    output, _ = run(config)
    assert output["variables"] == {}
    assert output["cutflow"]["initial"] == {DY: len(EVENTS)}
