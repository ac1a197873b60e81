"""Cards: their text, that models come back to the bit, and expectations against a plain loop over the text."""

from __future__ import annotations

import dataclasses
import logging
import re
import tempfile
from pathlib import Path

import numpy as np
import pytest
import uproot
from hypothesis import given, settings

from pocket.errors import StatisticsError
from pocket.statistics.cards import read_datacard, write_datacards
from pocket.statistics.cards.histograms import COUNTING_EDGES
from pocket.statistics.formulas import Formula
from pocket.statistics.likelihood import Likelihood
from pocket.statistics.model import FreeParameter, McStat, Model, RegionModel
from tests.entries import check_each
from tests.pocket.statistics import models as statistics_models
from tests.pocket.statistics.cards import card_loop, card_models


def small() -> Model:
    """Return a model with one of each thing."""
    sr = RegionModel(
        "sr",
        ("signal", "wjets"),
        np.array([[1.5, 2.0], [0.1, 1 / 3]]),
        np.array([[0.2, 0.3], [0.01, 0.02]]),
        data=np.array([3, 1]),
        edges=np.array([0.0, 0.1, 7.0]),
        shapes={"jes": {"wjets": (np.array([0.2, 0.3]), np.array([0.05, 0.4]))}},
        log_normals={"lumi": {"signal": (1 / 1.02, 1.02)}, "xsec": {"wjets": (0.9, 1.25)}},
        factors={"signal": ("r",), "wjets": ("norm", "transfer")},
        mc_stat=McStat(10),
    )
    cr = RegionModel("cr", ("wjets",), np.array([[70.0]]), np.array([[1.0]]), factors={"wjets": ("norm",)})
    return Model(
        (sr, cr),
        pois={"r": FreeParameter(0, 20)},
        free={"norm": FreeParameter(0, 5), "c": FreeParameter()},
        formulas={"transfer": Formula("@0 ^ @1", ("c", "theta"))},
        nuisances=("lumi", "jes", "xsec", "theta"),
        groups={"experimental": ("lumi", "jes")},
    )


def test_text(tmp_path: Path) -> None:
    path = write_datacards(small(), tmp_path)
    assert path.read_text() == (
        "# pocketlaw: blind cr\n"
        "# (their data_obs is the expectation before the fit)\n"
        "imax 2\n"
        "jmax 1\n"
        "kmax *\n"
        "----------------------------------------\n"
        "shapes * sr shapes_sr.root $PROCESS $PROCESS_$SYSTEMATIC\n"
        "shapes * cr shapes_cr.root $PROCESS $PROCESS_$SYSTEMATIC\n"
        "----------------------------------------\n"
        "bin          sr  cr\n"
        "observation  -1  -1\n"
        "----------------------------------------\n"
        "bin             sr      sr        cr\n"
        "process         signal  wjets     wjets\n"
        "process         0       1         1\n"
        "rate            -1      -1        -1\n"
        "----------------------------------------\n"
        "lumi     lnN    1.02    -         -\n"
        "jes      shape  -       1         -\n"
        "xsec     lnN    -       0.9/1.25  -\n"
        "theta param 0 1\n"
        "sr autoMCStats 10 0\n"
        "norm rateParam sr wjets 1 [0,5]\n"
        "norm rateParam cr wjets 1 [0,5]\n"
        "c extArg 1\n"
        "transfer rateParam sr wjets @0^@1 c,theta\n"
        "experimental group = lumi jes\n"
    )
    with uproot.open(tmp_path / "shapes_cr.root") as file:
        assert file["data_obs"].values().tolist() == [70.0]
        assert file["wjets"].axis().edges().tolist() == COUNTING_EDGES.tolist()
    with uproot.open(tmp_path / "shapes_sr.root") as file:
        assert sorted(file.keys(cycle=False)) == ["data_obs", "signal", "wjets", "wjets_jesDown", "wjets_jesUp"]
        assert file["wjets"].variances().tolist() == [0.01, 0.02]
        assert file.classname_of("wjets") == "TH1D"


def test_cards_of_regions_hold_what_changes_them(tmp_path: Path) -> None:
    write_datacards(small(), tmp_path)
    text = (tmp_path / "datacard_cr.txt").read_text()
    assert not re.search("lumi|jes|theta|transfer|extArg|group|sr", text)
    sr = read_datacard(tmp_path / "datacard_sr.txt")
    assert (
        card_models.differences(sr, dataclasses.replace(read_datacard(tmp_path / "datacard.txt"), regions=sr.regions))
        == []
    )


def test_counting_card_has_no_files(tmp_path: Path) -> None:
    region = RegionModel(
        "sr", ("s", "b"), [[0.1 + 0.2], [1e-7]], np.zeros((2, 1)), data=[4], factors={"s": ("r",)},
        log_normals={"n": {"s": (1.0, 1.0), "b": (1.0, 1.1)}},
    )  # fmt: skip
    model = Model((region,), {"r": FreeParameter(0, 20)}, nuisances=("n",))
    path = write_datacards(model, tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"datacard.txt", "datacard_sr.txt"}
    assert "rate          0.30000000000000004  1e-07" in path.read_text()
    assert "n        lnN  1.0/1.0              1.0/1.1" in path.read_text()
    assert card_models.differences(model, read_datacard(path)) == []


@given(model=card_models.models())
@settings(max_examples=100)
def test_models_come_back_to_the_bit(model: Model) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert card_models.differences(model, read_datacard(write_datacards(model, folder))) == []


def scales(likelihood: Likelihood, values: np.ndarray) -> dict[tuple[str, str], float]:
    """Return the factors of the parameters of interest."""
    model = likelihood.model
    by_name = dict(zip(model.parameters, values, strict=True))
    return {
        (region.name, process): float(np.prod([by_name[name] for name in names if name in model.pois]))
        for region in model.regions
        for process, names in region.factors.items()
    }


@pytest.mark.parametrize("seed", range(12))
def test_expectations_are_those_of_a_loop_over_the_text(seed: int, tmp_path: Path) -> None:
    model = statistics_models.random(seed)
    if seed % 2:
        model = dataclasses.replace(model, smallest_norm=1e-3)
    path = write_datacards(model, tmp_path)
    # A nuisance with templates and log-normals is written as templates.
    likelihoods = [Likelihood(model), Likelihood(read_datacard(path))]
    assert likelihoods[0].parameters.names == likelihoods[1].parameters.names
    rng = np.random.default_rng(seed)
    for _ in range(5):
        values = np.where(
            np.isin(model.parameters, model.nuisances), rng.normal(0, 1, len(model.parameters)), rng.uniform(0.2, 3)
        )
        expected = card_loop.expectation(
            path,
            dict(zip(model.parameters, values.tolist(), strict=True)),
            scales(likelihoods[1], values),
            model.smallest_norm,
        )
        sums = np.concatenate([expected[region.name] for region in model.regions])
        np.testing.assert_allclose(likelihoods[1].expectation(values), sums, rtol=1e-9)
    # At whole standard deviations, templates times factors are what they were.
    values = np.where(np.isin(model.parameters, model.nuisances), 0.0, 1.3)
    np.testing.assert_allclose(likelihoods[0].expectation(values), likelihoods[1].expectation(values), rtol=1e-12)


def test_log_normals_beside_templates_become_templates(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = small()
    sr, cr = model.regions
    cr = dataclasses.replace(cr, log_normals={"jes": {"wjets": (0.9995, 1.0004)}})
    with caplog.at_level(logging.WARNING):
        path = write_datacards(dataclasses.replace(model, regions=(sr, cr)), tmp_path)
    assert "combine drops changes of yields by templates below 0.001, also those of: jes of wjets in cr" in caplog.text
    up, down = read_datacard(path).region("cr").shapes["jes"]["wjets"]
    assert (up.tolist(), down.tolist()) == ([70.0 * 1.0004], [70.0 * 0.9995])


def test_parameters_of_interest(tmp_path: Path) -> None:
    def region(name: str, factors: dict[str, tuple[str, ...]]) -> RegionModel:
        return RegionModel(name, ("ggH", "qqH", "zz"), np.full((3, 1), 2.0), np.zeros((3, 1)), [5], factors=factors)

    first = region("sr1", {"ggH": ("r_ggH",), "qqH": ("r_qqH",), "zz": ("norm",)})
    second = region("sr2", {"ggH": ("r_ggH", "r_qqH"), "qqH": ("r_qqH",), "zz": ("ratio",)})
    model = Model(
        (first, second),
        pois={"r_qqH": FreeParameter(-1, 9), "r_ggH": FreeParameter(0, 5, 2), "mu": FreeParameter()},
        free={"norm": FreeParameter()},
        formulas={"ratio": Formula("@0/@1", ("norm", "mu"))},
    )
    path = write_datacards(model, tmp_path)
    assert path.read_text().splitlines()[0] == (
        "# pocketlaw: text2workspace.py datacard.txt -P HiggsAnalysis.CombinedLimit.PhysicsModel:multiSignalModel "
        "--PO 'map=.*/qqH$:r_qqH[1.0,-1.0,9.0]' --PO 'map=sr1/ggH$:r_ggH[2.0,0.0,5.0]' --PO 'map=^$:mu[1.0,-inf,inf]' "
        "--PO 'map=sr2/ggH$:r_qqH_r_ggH=expr;;r_qqH_r_ggH(\"@0*@1\",r_qqH,r_ggH)'"
    )
    again = read_datacard(path)
    assert (again.pois, again.parameters, again.formulas) == (model.pois, model.parameters, model.formulas)
    assert again.region("sr1").factors == first.factors
    assert again.region("sr2").factors["ggH"] == ("r_qqH", "r_ggH")


def test_expectation_of_blind_regions(tmp_path: Path) -> None:
    model = statistics_models.random(3)
    model = dataclasses.replace(model, free={"norm": FreeParameter(0, 5, 2.0), "c": FreeParameter(0.2, 5, 0.5)})
    likelihood = Likelihood(model)
    start = likelihood.expectation(likelihood.parameters.start)
    blind = model.without_data(region.name for region in model.regions)
    found = np.concatenate([blind.shown_data(region) for region in blind.regions])
    np.testing.assert_allclose(found, start, rtol=1e-12)
    assert read_datacard(write_datacards(blind, tmp_path)).blind == tuple(region.name for region in model.regions)


def counting(**changes: object) -> RegionModel:
    """Return a region of one bin."""
    values: dict[str, object] = {"name": "sr", "processes": ("s", "b"), "factors": {"s": ("r",)}} | changes
    return RegionModel(nominal=np.ones((2, 1)), sumw2=np.zeros((2, 1)), data=np.ones(1), **values)  # type: ignore[arg-type]


@check_each(
    ("region", "changes", "message"),
    [
        (counting(name="4j_2b"), {}, "a region can't be named '4j_2b' in a datacard: .* such as 'region_4j_2b'"),
        (counting(processes=("s", "t-channel")), {}, "'t-channel' in a datacard: .* such as 't_channel'"),
        (
            counting(name="CMS_channel"),
            {},
            "a region can't be named 'CMS_channel' .*: combine's workspace has a variable",
        ),
        (
            counting(processes=("s", "total_signal")),
            {},
            "'total_signal' .*: combine's FitDiagnostics writes a histogram",
        ),
        (counting(processes=("s", "data_obs")), {}, "'data_obs' in a datacard: combine calls the data so"),
        (counting(processes=("s", "prod")), {}, "'prod' in a datacard: RooFit's factory has a command of that name"),
        (
            counting(factors={"s": ("r",), "b": ("exp",)}),
            {"free": {"exp": FreeParameter()}},
            "'exp' .*: RooFit's formulas",
        ),
        (
            counting(factors={"s": ("r",), "b": ("x_In",)}),
            {"free": {"x_In": FreeParameter()}},
            "names that end so itself",
        ),
        (counting(factors={"s": ("r",), "b": ("group_a",)}), {"free": {"group_a": FreeParameter()}}, "begin so itself"),
        (
            counting(log_normals={"l": {"s": (1, 2)}}),
            {"nuisances": ("l",), "groups": {"autoMCStats": ("l",)}},
            "makes a",
        ),
        (
            counting(factors={"s": ("mu",), "b": ("r",)}),
            {"pois": {"mu": FreeParameter()}, "free": {"r": FreeParameter()}},
            "'r' can't be in a datacard: combine's parameter of interest is named so by default",
        ),
        (counting(factors={"s": ("r",), "b": ("f",)}), {"formulas": {"f": Formula("2", ())}}, "'f' has no argument"),
        (
            counting(processes=("b", "b_jesUp"), factors={"b": ("r",)}, shapes={"jes": {"b": ([1.0], [2.0])}}),
            {"nuisances": ("jes",)},
            "in region 'sr' the histograms of process 'b_jesUp' and nuisance 'jes' of process 'b' are both 'b_jesUp'",
        ),
    ],
)
def test_what_combine_cannot_take(
    region: RegionModel, changes: dict[str, object], message: str, tmp_path: Path
) -> None:
    model = Model((region,), **({"pois": {"r": FreeParameter(0, 20)}} | changes))  # type: ignore[arg-type]
    with pytest.raises(StatisticsError, match=message):
        write_datacards(model, tmp_path / "cards")
    assert not (tmp_path / "cards").exists()
