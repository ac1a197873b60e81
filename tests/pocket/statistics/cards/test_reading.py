"""Cards that others write: each piece of syntax against what combine means by it."""

from __future__ import annotations

import dataclasses
import gzip
import logging
import math
from pathlib import Path

import numpy as np
import pytest

from pocket.base.runtime.remarks import remark
from pocket.errors import StatisticsError
from pocket.statistics import load_model, pyhf_workspace, save_model
from pocket.statistics.cards import read_datacard, read_datacards, write_datacards
from pocket.statistics.fits import fit
from pocket.statistics.formulas import Formula
from pocket.statistics.intervals import find_interval
from pocket.statistics.likelihood import Likelihood
from pocket.statistics.model import FreeParameter, McStat
from tests.pocket.statistics.cards import card_loop
from tests.pocket.statistics.cards.card_models import differences
from tests.pocket.statistics.cards.card_texts import EDGES, HISTOGRAMS, counting, read, shaped


def test_log_normals(tmp_path: Path) -> None:
    model = read(
        tmp_path, counting("lumi lnN 1.02 - and a remark\nxs lnN 0.9/1.2 1.5\n1 lnN ---- 1.1 # so\nnone lnN - 1\n")
    )
    region = model.region("sr")
    assert region.log_normals == {
        "lumi": {"sig": (1 / 1.02, 1.02)},
        "xs": {"sig": (0.9, 1.2), "bkg": (1 / 1.5, 1.5)},
        "theta1": {"bkg": (1 / 1.1, 1.1)},
    }
    assert model.parameters == ("r", "lumi", "xs", "theta1")
    assert (region.edges, region.data.tolist(), model.pois) == (None, [7.0], {"r": FreeParameter(0, 20)})
    assert region.factors == {"sig": ("r",)}


def test_lines_of_one_name_multiply(tmp_path: Path) -> None:
    model = read(tmp_path, counting("a lnN 1.5 -\na lnN 2.0 -\n"))
    assert model.region("sr").log_normals == {"a": {"sig": (1 / 1.5 / 2, 3.0)}}


def test_counting_with_shapes_line(tmp_path: Path) -> None:
    model = read(tmp_path, shaped("lumi lnN 1.02 -\njes shape 1 1\n", "5 3", "7", "shapes * * FAKE\n"))
    assert model.region("sr").log_normals == {"lumi": {"sig": (1 / 1.02, 1.02)}}
    assert (model.region("sr").edges, model.nuisances) == (None, ("lumi",))


def test_gzipped_cards_and_order_of_process_lines(tmp_path: Path) -> None:
    text = counting().replace("process     sig    bkg\nprocess     0      1\n", "process 0 1\nprocess sig bkg\n")
    (tmp_path / "card.txt.gz").write_bytes(gzip.compress(text.encode()))
    assert read_datacard(tmp_path / "card.txt.gz").processes == ("sig", "bkg")


def test_without_bins_of_observations(tmp_path: Path) -> None:
    text = counting().replace("bin         sr\nobs", "obs")
    assert read(tmp_path, text).region("sr").data.tolist() == [7.0]
    assert read(tmp_path, text.replace("observation 7\n", "")).blind == ("sr",)


def test_histograms(tmp_path: Path) -> None:
    model = read(tmp_path, shaped("jes shape 1 1\nsr autoMCStats 5 1\n"))
    region = model.region("sr")
    assert region.nominal.tolist() == [[1.0, 2.0], [4.0, 2.0]]
    assert region.sumw2.tolist() == [[0.1, 0.2], [0.4, 0.2]]
    assert region.edges.tolist() == EDGES.tolist()
    assert [values.tolist() for values in region.shapes["jes"]["bkg"]] == [[5.0, 2.5], [3.0, 2.0]]
    assert region.mc_stat == McStat(5, include_signal=True)
    assert read(tmp_path, shaped("* autoMCStats 0\n")).region("sr").mc_stat == McStat(0)
    assert read(tmp_path, shaped("s* autoMCStats -1\n")).region("sr").mc_stat is None


def test_words_of_histograms(tmp_path: Path) -> None:
    histograms = {"sr/sig125": [1.0, 1.0], "sr/sig125_13TeV_jesUp": [1, 2], "sr/sig125_13TeV_jesDown": [1, 0.5]}
    shapes = (
        "shapes * * shapes.root $PROCESS $PROCESS_$SYSTEMATIC\n"
        "shapes sig sr $FILE.root $CHANNEL/$PROCESS$MASS $CHANNEL/$PROCESS$MASS_$ERA_$SYSTEMATIC\n"
    )
    words = {"FILE": "shapes", "ERA": "13TeV"}
    model = read(tmp_path, shaped("jes shape 1 -\n", shapes=shapes), histograms, mass="125", keywords=words)
    assert model.region("sr").nominal.tolist() == [[1.0, 1.0], [4.0, 2.0]]
    assert model.region("sr").shapes["jes"]["sig"][1].tolist() == [1.0, 0.5]


def test_rates_beside_histograms(tmp_path: Path) -> None:
    model = read(tmp_path, shaped("jes shape - 1\n", "-1 6.005", "10"))
    region = model.region("sr")
    np.testing.assert_allclose(region.nominal[1], np.array([4, 2]) * 6.005 / 6)
    np.testing.assert_allclose(region.sumw2[1], np.array([0.4, 0.2]) * (6.005 / 6) ** 2)
    np.testing.assert_allclose(region.shapes["jes"]["bkg"][0], np.array([5, 2.5]) * 6.005 / 6)
    # With autoMCStats, combine takes the events of histograms.
    model = read(tmp_path, shaped("* autoMCStats 10\n", "-1 6.005"))
    assert model.region("sr").nominal[1].tolist() == [4.0, 2.0]


def test_templates_or_log_normals(tmp_path: Path) -> None:
    region = read(tmp_path, shaped("jes shape? 1 1\nbtag shape? 1.1 0.9/1.3\nmu shape? 1 -\n")).region("sr")
    assert set(region.shapes) == {"jes"}
    assert region.log_normals == {"btag": {"sig": (1 / 1.1, 1.1), "bkg": (0.9, 1.3)}}


def test_templates_of_several_deviations(tmp_path: Path) -> None:
    """The tutorial of combine has templates of two standard deviations: scale 0.5."""
    model = read(tmp_path, shaped("jes shape 0.5 1\n"))
    region = model.region("sr")
    np.testing.assert_allclose(region.log_normals["jes"]["sig"], ((2.5 / 3) ** 0.5, (3.5 / 3) ** 0.5))
    nominal, up, down = (np.array(HISTOGRAMS[name]) for name in ("sig", "sig_jesUp", "sig_jesDown"))
    likelihood = Likelihood(model)
    for theta in (-2.5, -0.8, 0.0, 0.3, 1.7):
        # As in FastVerticalInterpHistPdf2 with coefficient 0.5·θ and smooth region 0.5.
        x, inside = 0.5 * theta, min(1.0, max(-1.0, theta))
        u, d = up * 3 / 3.5, down * 3 / 2.5
        smooth = inside * (inside**2 * (3 * inside**2 - 10) + 15) / 8
        template = nominal + 0.5 * (x * (u - d) + smooth * x * (u + d - 2 * nominal))
        expected = template * card_loop.kappa((2.5 / 3) ** 0.5, (3.5 / 3) ** 0.5, theta)
        np.testing.assert_allclose(likelihood.yields(np.array([1.0, theta]))[0], expected, rtol=1e-12)


def logarithmic(nominal: list[float], pairs: list[tuple[list[float], list[float], float]]) -> list[float]:
    """Return a template whose logarithms are interpolated, at fixed yield, from a plain loop."""
    total = sum(nominal)
    logs = [math.log(n / total) if n > 0 else -999.0 for n in nominal]
    for up, down, theta in pairs:
        x = min(1.0, max(-1.0, theta))
        step = x * (x * x * (3 * x * x - 10) + 15) / 8
        for number, (n, u, d) in enumerate(zip(nominal, up, down, strict=True)):
            high = math.log(u / sum(up) / (n / total)) if n > 0 and u > 0 else 0.0
            low = math.log(d / sum(down) / (n / total)) if n > 0 and d > 0 else 0.0
            logs[number] += 0.5 * theta * ((high - low) + step * (high + low))
    shares = [math.exp(log) for log in logs]
    return [total * share / sum(shares) for share in shares]


def test_logarithms_of_templates(tmp_path: Path) -> None:
    """As in FastVerticalInterpHistPdf2 and CMSHistFunc of combine: log-ratios of shares, and a normalised result."""
    histograms = {
        "bkg": [4.0, 2.0],
        "bkg_xsUp": [4.0, 4.0],
        "bkg_xsDown": [2.0, 3.0],
        "bkg_tuneUp": [6.0, 1.0],
        "bkg_tuneDown": [0.0, 6.0],
    }
    model = read(tmp_path, shaped("xs shapeN2 - 1\ntune shapeN - 1\n"), histograms)
    region = model.region("sr")
    assert (region.logarithmic, model.nuisances) == (("bkg",), ("xs", "tune"))
    likelihood = Likelihood(model)
    for xs, tune in ((0.0, 0.0), (0.6, -1.7), (-0.3, 0.4), (2.0, 1.0)):
        pairs = [
            (histograms[f"bkg_{name}Up"], histograms[f"bkg_{name}Down"], x) for name, x in (("xs", xs), ("tune", tune))
        ]
        scale = card_loop.kappa(5 / 6, 8 / 6, xs) * card_loop.kappa(6 / 6, 7 / 6, tune)
        expected = np.array(logarithmic(histograms["bkg"], pairs)) * scale
        np.testing.assert_allclose(likelihood.yields(np.array([1.0, xs, tune]))[1], expected, rtol=1e-12)
    # Where one template is proportional to nominal, both kinds agree.
    proportional = {"bkg_xsUp": [8.0, 4.0], "bkg_xsDown": [2.0, 1.0]}
    one, other = (Likelihood(read(tmp_path, shaped(f"xs {kind} - 1\n"), proportional)) for kind in ("shapeN", "shape"))
    values = np.array([1.0, 0.7])
    np.testing.assert_allclose(one.yields(values), other.yields(values), rtol=1e-12)


def test_logarithms_of_templates_of_several_deviations(tmp_path: Path) -> None:
    likelihood = Likelihood(read(tmp_path, shaped("jes shapeN - 0.5\n")))
    nominal, up, down = (HISTOGRAMS[name] for name in ("bkg", "bkg_jesUp", "bkg_jesDown"))
    for theta in (-1.4, 0.3, 1.0):
        # The coefficient is 0.5·θ, and the step reaches from −0.5 to 0.5 of it.
        half = [[n * (v / n) ** 0.5 for n, v in zip(nominal, varied, strict=True)] for varied in (up, down)]
        scale = card_loop.kappa((5 / 6) ** 0.5, (7.5 / 6) ** 0.5, theta)
        expected = np.array(logarithmic(nominal, [(half[0], half[1], theta)])) * scale
        np.testing.assert_allclose(likelihood.yields(np.array([1.0, theta]))[1], expected, rtol=1e-12)


def test_logarithms_of_templates_are_written_and_read_again(tmp_path: Path) -> None:
    model = read(tmp_path, shaped("jes shapeN 1 1\n"))
    assert differences(read_datacard(write_datacards(model, tmp_path / "again")), model) == []
    assert read_datacard(tmp_path / "again" / "datacard.txt").region("sr").logarithmic == ("sig", "bkg")
    save_model(model, tmp_path / "model.h5")
    assert load_model(tmp_path / "model.h5").region("sr").logarithmic == ("sig", "bkg")
    with pytest.raises(StatisticsError, match="logarithms of the templates of process 'sig' in region 'sr' are"):
        pyhf_workspace(model)
    region = dataclasses.replace(model.regions[0], logarithmic=("bkg",))
    with pytest.raises(StatisticsError, match="the nuisance 'jes' interpolates logarithms of some templates and"):
        write_datacards(dataclasses.replace(model, regions=(region,)), tmp_path / "mixed")


def test_uniform_parameters_of_templates(tmp_path: Path) -> None:
    """Combine interpolates shapeU as shape, with a parameter from −1 to 1 that nothing constrains."""
    model = read(tmp_path, shaped("jes shapeU 1 1\nlumi lnN 1.02 1.02\n"))
    assert (model.free, model.nuisances) == ({"jes": FreeParameter(-1, 1, 0)}, ("lumi",))
    likelihood = Likelihood(model)
    assert likelihood.parameters.names == ("r", "jes", "lumi")
    constrained = Likelihood(read(tmp_path, shaped("jes shape 1 1\nlumi lnN 1.02 1.02\n")))
    path = tmp_path / "card.txt"
    for theta in (-0.9, 0.0, 0.4):
        values = {"r": 1.3, "jes": theta, "lumi": 0.5}
        expected = card_loop.expectation(path, values, {("sr", "sig"): 1.3})["sr"]
        found = np.array([1.3, theta, 0.5])
        np.testing.assert_allclose(likelihood.expectation(found), expected, rtol=1e-12)
        # The constraint is all that differs.
        other = constrained.deviance(np.array([1.3, theta, 0.5]))
        assert likelihood.deviance(found) == pytest.approx(other - theta**2, rel=1e-12)
        step = 1e-5 * np.array([0, 1, 0])
        slope = (likelihood.deviance(found + step) - likelihood.deviance(found - step)) / 2e-5
        assert likelihood.gradient(found)[1] == pytest.approx(slope, rel=1e-6, abs=1e-6)
    renamed = read(tmp_path, shaped("jes shapeU 1 1\nnuisance edit rename bkg * jes other\n"))
    assert list(renamed.free) == ["jes", "other"]


def test_uniform_parameters_are_written_and_read_again(tmp_path: Path) -> None:
    model = read(tmp_path, shaped("jes shapeU 0.5 0.5\nlumi lnN 1.02 1.02\n"))
    assert "jes" in model.region("sr").log_normals
    again = read_datacard(write_datacards(model, tmp_path / "again"))
    assert again.parameters == model.parameters
    values = np.array([1.3, 0.4, 0.5])
    np.testing.assert_allclose(Likelihood(again).yields(values), Likelihood(model).yields(values), rtol=1e-12)
    save_model(model, tmp_path / "model.h5")
    assert differences(load_model(tmp_path / "model.h5"), model) == []
    with pytest.raises(StatisticsError, match="the free parameter 'jes' varies templates in region 'sr'"):
        pyhf_workspace(model)
    wider = dataclasses.replace(model, free={"jes": FreeParameter(-2, 2, 0)})
    with pytest.raises(StatisticsError, match="'jes' varies templates, so in a card it starts at 0, lies between -1"):
        write_datacards(wider, tmp_path / "wider")
    region = dataclasses.replace(model.regions[0], shapes={})
    with pytest.raises(StatisticsError, match="the free parameter 'jes' has log-normals, which cards can't have"):
        write_datacards(dataclasses.replace(model, regions=(region,)), tmp_path / "wider")


def test_data_that_are_no_integers_are_taken_as_they_are(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    remark.cache_clear()
    with caplog.at_level(logging.WARNING):
        model = read(tmp_path, shaped(), {"data_obs": [6.5, 3.0]})
        counted = read(tmp_path, counting(observation="7.5"))
    assert [record.message for record in caplog.records] == [
        "card.txt: data aren't integers, and taken as they are, as in combine: 'data_obs' in shapes.root",
        "card.txt: data aren't integers, and taken as they are, as in combine: the observation of region 'sr'",
    ]
    assert model.region("sr").data.tolist() == [6.5, 3.0]
    assert counted.region("sr").data.tolist() == [7.5]
    save_model(model, tmp_path / "model.h5")
    again = load_model(tmp_path / "model.h5")
    assert again.region("sr").weighted
    assert read_datacard(write_datacards(again, tmp_path / "again")).region("sr").data.tolist() == [6.5, 3.0]
    best = fit(Likelihood(counted))
    assert best.value("r") == pytest.approx((7.5 - 3.5) / 5)


def test_rate_parameters(tmp_path: Path) -> None:
    lines = (
        "lumi lnN 1.02 1.02\n"
        "norm rateParam * bk* 1 [0,5]\n"
        "free rateParam sr sig 0.5\n"
        "product rateParam sr sig @0*@1/(1+@2) norm,ratio,lumi\n"
        "ratio rateParam sr bkg (@0^2) x\n"
        "x extArg 2 [1,3]\n"
    )
    model = read(tmp_path, counting(lines))
    assert model.free == {"norm": FreeParameter(0, 5), "free": FreeParameter(initial=0.5), "x": FreeParameter(1, 3, 2)}
    assert model.region("sr").factors == {"sig": ("r", "free", "product"), "bkg": ("norm", "ratio")}
    assert model.formulas["product"] == Formula("@0*((@1^2))/(1+@2)", ("norm", "x", "lumi"))


def test_constrained_rate_parameters(tmp_path: Path) -> None:
    lines = (
        "sf rateParam sr bkg 1\nsf param 1.1 0.2\nf rateParam sr sig @0*@1*@2 sf,n,c\nn param 0 1\nc extArg 3 [const]\n"
    )
    model = read(tmp_path, counting(lines))
    assert (model.nuisances, model.free) == (("sf", "n"), {})
    assert model.formulas == {
        "f": Formula("(1.1+0.2*@0)*@1*(3.0)", ("sf", "n")),
        "sf_value": Formula("1.1+0.2*@0", ("sf",)),
    }


def test_uniform_parameters(tmp_path: Path) -> None:
    model = read(tmp_path, counting("u lnU 1.5 1.5\nv unif -1 3 - 0.2\n"))
    assert model.free == {"u": FreeParameter(-1, 1, 0), "v": FreeParameter(-1, 3, 1)}
    found = Likelihood(model).yields(np.array([1.0, 0.5, 2.0]))[:, 0]
    np.testing.assert_allclose(found, [5 * 1.5**0.5, 3.5 * 1.5**0.5 * 1.4])


def test_sidebands(tmp_path: Path) -> None:
    """The deviance is that of combine: Poisson of the sideband, whose expectation times α is the process."""
    model = read(tmp_path, counting("side gmN 4 - 0.9\nnone gmN 0 0.1 -\n", "0 3.6"))
    assert [region.name for region in model.regions] == ["sr", "side_sideband", "none_sideband"]
    assert model.region("sr").nominal[:, 0].tolist() == [0.1, 3.6]
    likelihood = Likelihood(model)
    assert likelihood.parameters.names == ("r", "side", "none")

    def poisson(expected: float, observed: float) -> float:
        return 2 * (expected - observed + (observed * math.log(observed / expected) if observed else 0))

    for r, events, none in ((1.0, 4.0, 0.5), (0.5, 6.0, 2.0)):
        expected = poisson(r * 0.1 * none + 0.9 * events, 7) + poisson(events, 4) + poisson(none, 0)
        assert likelihood.deviance(np.array([r, events / 4, none])) == pytest.approx(expected, rel=1e-12)


def test_sidebands_of_histograms(tmp_path: Path) -> None:
    for lines in ("side gmN 10 - 0.6\n", "side gmN 10 - 0.6\nsr autoMCStats 10\n"):
        model = read(tmp_path, shaped(lines))
        assert model.region("sr").nominal[1].tolist() == [4.0, 2.0]
        assert model.region("sr").factors["bkg"] == ("side",)


@pytest.mark.parametrize(
    ("lines", "limit"),
    [
        ("1 gmM 0.00 0.30\n", 7.68359),
        ("1 gmM 0.30 0.30\n", 12.20244),
        ("1 gmM 0.30 0.00\n", 8.62460),
        ("1 gmM 0.30 0.00\n2 gmM 0.00 0.30\n", 10.11907),
    ],
)
def test_gamma_distributions_of_a_width(tmp_path: Path, lines: str, limit: float) -> None:
    """The profile ends where combine's does, in ``Gamma_ProfileLikelihood`` of its ``reference.json``."""
    model = read(tmp_path, counting(lines, "1 5.5", "6"))
    best = fit(Likelihood(model))
    assert find_interval(best, "r", level=0.95).high == pytest.approx(limit, rel=1e-4)
    assert model.free["theta1"] == FreeParameter(0.01, 2.5, 1.0)


def test_gamma_distributions_are_written_and_read_again(tmp_path: Path) -> None:
    model = read(tmp_path, counting("a gmM 0.3 0.3\nb gmM - 1\n"))
    assert [region.name for region in model.regions] == ["sr", "a_sideband", "b_sideband"]
    assert differences(model, read_datacard(write_datacards(model, tmp_path / "again"))) == []


def test_groups(tmp_path: Path) -> None:
    lines = "a lnN 1.1 -\nb lnN - 1.1\nnone lnN - -\nn rateParam sr bkg 1\n"
    groups = "g group = a none\ng group += b n\nh group = none\n"
    assert read(tmp_path, counting(lines + groups)).groups == {"g": ("a", "b", "n")}


def test_edits(tmp_path: Path) -> None:
    lines = (
        "a lnN 1.1 1.1\njes shape 1 1\ngone lnN 1.2 1.2\nstays lnN 1.3 1.3\n"
        "nuisance edit add b.g sr new lnN 0.9/1.1\n"
        "nuisance edit add sig * a lnN 1.5 overwrite\n"
        "nuisance edit drop * * gone\n"
        "nuisance edit rename bkg * jes jes_bkg\n"
        "nuisance edit rename stays renamed\n"
        "nuisance edit rename * * nobody anybody ifexists\n"
        "nuisance edit freeze new\n"
    )
    model = read(tmp_path, shaped(lines))
    region = model.region("sr")
    assert model.nuisances == ("a", "jes", "jes_bkg", "renamed")
    assert region.log_normals["a"] == {"sig": (1 / 1.5, 1.5), "bkg": (1 / 1.1, 1.1)}
    assert region.shapes["jes_bkg"]["bkg"][0].tolist() == HISTOGRAMS["bkg_jesUp"]
    assert read(tmp_path, counting("a lnN 1.1 1.1\nb[nofloat] lnN 2 2\n")).nuisances == ("a",)


def test_maps(tmp_path: Path) -> None:
    model = read(tmp_path, counting(), maps=["map=.*/sig:mu[1,-5,5]", '.*/bkg:f=expr;;f("1+@0",mu)'])
    assert model.pois == {"mu": FreeParameter(-5, 5)}
    assert model.region("sr").factors == {"sig": ("mu",), "bkg": ("f",)}
    model = read(tmp_path, counting(), maps=[".*/sig:0", "sr/bkg,.*/other:mu[0,5]"])
    assert (model.processes, model.pois) == (("bkg",), {"mu": FreeParameter(0, 5, 2.5)})


def test_maps_of_no_process_are_refused(tmp_path: Path) -> None:
    maps = [".*/sgi:mu[1,-5,5]", ".*/bkg:nu[1,0,2]"]
    with pytest.raises(
        StatisticsError, match=r"the map '\.\*/sgi:mu\[1,-5,5\]' fits no process of the card: sr/sig, sr/bkg"
    ):
        read(tmp_path, counting(), maps=maps)
    # A map may be for one of several cards.
    (tmp_path / "other.txt").write_text(counting().replace("sig", "sgi"))
    model = read_datacards({"a": tmp_path / "card.txt", "b": tmp_path / "other.txt"}, maps=maps)
    assert (model.region("a").factors, model.region("b").factors) == (
        {"bkg": ("nu",)},
        {"sgi": ("mu",), "bkg": ("nu",)},
    )


def test_what_is_left_out_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    remark.cache_clear()
    histograms = {"bkg": [-0.5, 6.5], "bkg_jesUp": [-0.5, 7.0], "bkg_jesDown": [1.0, 5.0], "data_obs": [7, 2.9999998]}
    with caplog.at_level(logging.WARNING):
        model = read(tmp_path, shaped("jes shape - 1\nx lnN - -\n"), histograms)
        read(tmp_path, counting("jes shape 1 -\n", "5 0"))
    region = model.region("sr")
    # The yield stays, and so does that of the template relative to it.
    assert region.nominal[1].tolist() == [0.0, 6.0]
    np.testing.assert_allclose(region.shapes["jes"]["bkg"][0], [0.0, 6.5])
    assert region.data.tolist() == [7.0, 3.0]
    assert [record.message for record in caplog.records] == [
        "card.txt: bins below 0 are cut to 0: 'bkg' in shapes.root, 'bkg_jesUp' in shapes.root",
        "card.txt: data are rounded to integers: 'data_obs' in shapes.root",
        "card.txt: parameters that change nothing are left out: x",
        "card.txt: processes without events are left out: sr/bkg",
        "card.txt: shapes do nothing in counting regions: jes in sr",
        "card.txt: parameters that change nothing are left out: jes",
    ]


def test_blind_regions(tmp_path: Path) -> None:
    assert read(tmp_path, shaped(), {"data_obs": [0.5, 0.5]}, blind=["s*"]).blind == ("sr",)


def test_cards_are_combined_as_combine_does(tmp_path: Path) -> None:
    """Regions get labels, parameters of one name are one, and cards without a signal may be some of them."""
    (tmp_path / "sr.txt").write_text(counting("lumi lnN 1.02 -\nxs lnN - 1.5\nu lnU - 1.2\nside gmN 4 - 0.875\n"))
    control = counting("xs lnN - 1.3\nu lnU - 1.1\nside gmN 4 - 0.875\n", observation="40").replace(
        "0      1", "1      2"
    )
    (tmp_path / "cr.txt").write_text(control)
    model = read_datacards({"a": tmp_path / "sr.txt", "b": tmp_path / "cr.txt"})
    assert [region.name for region in model.regions] == ["a", "b", "side_sideband"]
    assert model.parameters == ("r", "u", "side", "lumi", "xs")
    assert model.region("b").log_normals == {"xs": {"bkg": (1 / 1.3, 1.3)}}
    assert (model.region("a").factors["sig"], model.region("b").factors) == (
        ("r",),
        {"bkg": ("b_u_effect0", "side")},
    )
    values = {"r": 1.2, "u": 0.3, "side": 1.1, "lumi": -0.4, "xs": 0.7}
    likelihood = Likelihood(model)
    found = likelihood.expectation(np.array([values[name] for name in likelihood.parameters.names]))
    expected = [
        5 * 1.2 * 1.02**-0.4 + 3.5 * 1.1 * 1.5**0.7 * 1.2**0.3,
        5 + 3.5 * 1.1 * 1.3**0.7 * 1.1**0.3,
        4 * 1.1,
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_regions_of_several_bins_have_the_label_in_front(tmp_path: Path) -> None:
    head = "imax 2\njmax 0\nkmax *\n"
    text = head + "bin a b\nobservation 1 2\nbin a b\nprocess s s\nprocess 0 0\nrate 1 2\n"
    (tmp_path / "two.txt").write_text(text)
    (tmp_path / "one.txt").write_text(counting())
    model = read_datacards({"x": tmp_path / "two.txt", "y": tmp_path / "one.txt"}, blind=["x_*"])
    assert [region.name for region in model.regions] == ["x_a", "x_b", "y"]
    assert model.blind == ("x_a", "x_b")


def test_cards_that_disagree(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(counting("n rateParam sr bkg 1 [0,5]\ns gmN 35 - 0.1\n"))
    (tmp_path / "b.txt").write_text(counting("n rateParam sr bkg 1 [0,9]\n"))
    (tmp_path / "c.txt").write_text(counting("s gmN 7 - 0.5\n"))
    (tmp_path / "d.txt").write_text(counting().replace("0      1", "1      2"))
    with pytest.raises(StatisticsError, match="models can't be combined: the free parameter 'n' is FreeParameter"):
        read_datacards({"a": tmp_path / "a.txt", "b": tmp_path / "b.txt"})
    with pytest.raises(StatisticsError, match="different numbers of events in the sideband 's_sideband'"):
        read_datacards({"a": tmp_path / "a.txt", "c": tmp_path / "c.txt"})
    with pytest.raises(StatisticsError, match=r"d\.txt, d\.txt has no signal"):
        read_datacards({"a": tmp_path / "d.txt", "b": tmp_path / "d.txt"})


def test_fits(tmp_path: Path) -> None:
    """A counting experiment without uncertainties has the fit that anybody can make."""
    best = fit(Likelihood(read(tmp_path, counting())))
    assert best.value("r") == pytest.approx((7 - 3.5) / 5)
    assert best.error("r") == pytest.approx(math.sqrt(7) / 5, rel=1e-6)
