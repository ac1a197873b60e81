from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from pocket.outputs.tables import as_json
from pocket.plots.fits.yields import FittedYield, as_table, fitted_yields
from pocket.statistics.fits import fit
from pocket.statistics.likelihood import Likelihood
from pocket.statistics.predictions import predict
from tests.pocket.statistics import models

ROWS = [
    FittedYield("sr_1", "tt", (1234.2, 61.0), (1180.0, 22.0)),
    FittedYield("sr_1", "total", (1250.0, 62.0), (1190.4, 9.63)),
    FittedYield("sr_1", "data", (1189.0, None), (1189.0, None)),
]


def test_yields_are_those_of_the_predictions() -> None:
    likelihood = Likelihood(models.realistic())
    best = fit(likelihood)
    predictions = {"prefit": predict(likelihood), "postfit": predict(best)}
    found = fitted_yields(predictions, is_data=True)
    by_name = {(one.region, one.process): one for one in found}
    for region in likelihood.model.regions:
        rows = [one.process for one in found if one.region == region.name]
        assert set(rows) == {*region.processes, "total", "data"}
        assert rows[-2:] == ["total", "data"]
        assert by_name[region.name, "data"].postfit[0] == np.sum(region.data)
        for process in region.processes:
            nominal = region.nominal[region.processes.index(process)].sum()
            assert by_name[region.name, process].prefit[0] == pytest.approx(nominal)
        total = by_name[region.name, "total"]
        for stage in ("prefit", "postfit"):
            expected = predictions[stage][region.name]
            value, error = getattr(total, stage)
            assert value == pytest.approx(expected.total.sum())
            assert error == pytest.approx(np.sqrt(expected.covariance.sum()))
        assert total.postfit[1] is not None
        assert total.prefit[1] is not None
        assert total.postfit[1] < total.prefit[1]


def test_a_fit_without_signal_has_a_column() -> None:
    likelihood = Likelihood(models.realistic())
    alone = fit(likelihood.adjusted(freeze=dict.fromkeys(likelihood.model.pois, 0.0)))
    predictions = {"prefit": predict(likelihood), "postfit": predict(fit(likelihood)), "background": predict(alone)}
    found = fitted_yields(predictions, is_data=True)
    for one in found:
        if one.process not in ("total", "data"):
            assert one.background == predictions["background"][one.region].yields[one.process]
    assert next(one for one in found if one.process == "signal").row()["background"] == 0.0
    lines = as_table(found, "text").splitlines()
    assert lines[0].endswith("  after a fit without signal")
    assert len({line.count("±") for line in lines[1:] if " data " not in line}) == 1


def test_asimov_and_blind_data_have_no_row() -> None:
    predictions = {stage: predict(Likelihood(models.realistic())) for stage in ("prefit", "postfit")}
    assert "data" not in {one.process for one in fitted_yields(predictions, is_data=False)}
    blind = {name: dataclasses.replace(one, data=None) for name, one in predictions["postfit"].items()}
    found = fitted_yields({**predictions, "postfit": blind}, is_data=True)
    assert "data" not in {one.process for one in found}


def test_tables_have_the_digits_of_the_errors() -> None:
    assert as_table(ROWS, "text").splitlines() == [
        "region  process  before the fit  after the fit",
        "sr_1    tt       1234 ± 61       1180 ± 22",
        "sr_1    total    1250 ± 62       1190.4 ± 9.6",
        "sr_1    data     1189            1189",
    ]
    assert as_table(ROWS, "md").splitlines()[2] == "| sr_1 | tt | 1234 ± 61 | 1180 ± 22 |"
    assert as_table(ROWS, "md", "Asimov data").splitlines()[0].endswith("| after the fit to Asimov data |")
    latex = as_table(ROWS, "tex").splitlines()
    assert latex[0] == r"\begin{tabular}{llrr}"
    assert latex[4] == r"sr\_1 & tt & $1234 \pm 61$ & $1180 \pm 22$ \\"
    assert json.loads(as_json([ROWS[2].row()]))[0]["postfit_error"] is None
