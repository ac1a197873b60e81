"""Cards that are wrong or can't be read exactly: one sentence each, with line and reason."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from pocket.errors import PocketError
from pocket.statistics.cards import read_datacard
from pocket.statistics.cards.histograms import write_histograms
from tests.entries import check_each
from tests.pocket.statistics.cards.card_texts import counting, read, shaped

MISTAKES = [
    ("no rate", "imax 1\n", "card.txt has no line 'rate'"),
    ("imax", counting().replace("imax 1", "imax 2"), "line 2 of card.txt: imax is 2, but the number of regions is 1"),
    ("jmax", counting().replace("jmax 1", "jmax 3"), "line 3 .* jmax is 3, but the number of processes minus 1 is 1"),
    ("kmax", counting("a lnN 2 2\n").replace("kmax *", "kmax 2"), "line 4 .* kmax is 2, but there are 1 systematic"),
    ("kmax no integer", counting().replace("kmax *", "kmax x"), "line 4 of card.txt: 'x' isn't an integer"),
    ("observations", counting(observation="7 8"), "there are 2 observations for 1 regions"),
    ("region unobserved", counting().replace("bin         sr\n", "bin other\n"), "the observations lack region 'sr'"),
    ("observation -1", counting(observation="-1"), "the observation of region 'sr', have -1.0 events in bin 0"),
    ("rates", counting(rates="5"), "line 12 .* the line rate has 1 entries, but the line bin has 2"),
    ("rate", counting(rates="5 x"), "line 12 of card.txt: 'x' isn't a number"),
    ("process twice", counting().replace("sig    bkg", "sig    sig"), "the process 'sig' appears twice in region 'sr'"),
    (
        "no histogram for -1",
        counting(rates="5 -1"),
        "the rate -1 of process 'bkg' in region 'sr' can't be without a his",
    ),
    ("no signal", counting().replace("0      1", "2      1"), "card.txt has no signal"),
    ("signal empty", counting(rates="0 5"), "card.txt has no signal"),
    ("all empty", counting(rates="0 0"), "the region 'sr' of card.txt has no process with events"),
    (
        "kind",
        counting("a lnX 1 1\n"),
        "line 14 of card.txt: combine has no kind of uncertainty 'lnX', as 'a' has, did you mean 'ln",
    ),
    ("columns", counting("a lnN 1.1\n"), "line 14 of card.txt: 'a' has 1 columns, but there are 2 processes"),
    ("negative", counting("a lnN -1.1 1\n"), "the effect -1.1 on 'a' of process 'sig' is negative"),
    (
        "two numbers",
        counting("a lnN 0/1.1 1\n"),
        "the effect 0/1.1 on 'a' of process 'sig' must be two positive numbers",
    ),
    ("templates 1/1", shaped("jes shape 1/1 1\n"), "the effect 1/1 on 'jes' .* which only log-normals can have"),
    (
        "both kinds",
        shaped("jes shape 1 -\njes lnN - 1.1\n"),
        "'jes' is lnN here but shape before, .* write shape\\? for",
    ),
    ("gmM widths", counting("a gmM 0.3 0.2\n"), "'a' is gmM with several widths, which combine can't take"),
    ("gmM width", counting("a gmM 1.2 -\n"), "'a' is gmM with the width 1.2, more than 1, which combine can't take"),
    ("trG", counting("a trG 0.3 -\n"), "'a' is trG: a truncated Gaussian has no counterpart"),
    ("discrete", counting("a discrete\n"), "'a' is discrete: a discrete parameter chooses among functions"),
    (
        "param",
        counting("a param 0 1\n"),
        "line 14 .* the param 'a' changes no rate, so it is one of a RooFit workspace",
    ),
    ("param range", counting("a rateParam sr bkg 1\na param 0 -1/+2\n"), "the param 'a' has two widths or a range"),
    ("lnU", counting("a lnU 0.9/1.2 -\n"), "'a' is lnU with two numbers, which can't be read exactly"),
    ("shapeNU", shaped("jes shapeNU 1 1\n"), "'jes' is shapeNU, of which combine doesn't make a uniform"),
    (
        "uniform and not",
        shaped("jes shapeU 1 -\njes shape - 1\n"),
        "'jes' is uniform in one line and constrained in an",
    ),
    (
        "shapeU and rateParam",
        shaped("jes shapeU 1 1\njes rateParam sr bkg 1\n"),
        "'jes' is shape, but also a rateParam",
    ),
    (
        "mass",
        shaped(shapes="shapes * * shapes.root $PROCESS$MASS\n"),
        "no histogram 'sig120' \\(\\$MASS is 120 here\\)",
    ),
    (
        "both kinds of shapes",
        shaped("jes shapeN - 1\njes2 shape - 1\n"),
        "'bkg' in region 'sr' has shapeN and other shape",
    ),
    (
        "scales",
        shaped("jes shape 2 1\n"),
        "line 15 .* the scales of the templates of process 'sig' in region 'sr' differ",
    ),
    ("gmN rate", counting("a gmN 10 - 1\n"), "'a' has 10 events times 1, but the rate of process 'bkg' .* is 3.5"),
    ("gmN twice", counting("a gmN 35 - 0.1\nb gmN 7 - 0.5\n"), "'bkg' in region 'sr' has two uncertainties gmN"),
    ("rateParam", counting("a rateParam sr\n"), "'a' must be: rateParam region process initial"),
    ("rateParam region", counting("a rateParam rs bkg 1\n"), "unknown region 'rs' in line 14 of card.txt; known: sr"),
    ("rateParam process", counting("a rateParam sr kbg 1\n"), "unknown process 'kbg' in line 14 .* mean 'bkg'"),
    ("rateParam range", counting("a rateParam sr bkg 9 [0,5]\n"), "the initial value 9 of 'a' is outside of its range"),
    (
        "rateParam twice",
        counting("a rateParam sr bkg 1\na rateParam sr sig 2\n"),
        "'a' is another one in a line before",
    ),
    (
        "rateParam file",
        counting("a rateParam sr bkg f.root:w\n"),
        "'a' is in the RooFit workspace f.root:w, which can't",
    ),
    (
        "formula",
        counting("a rateParam sr bkg max(@0,1) b\nb extArg 1\n"),
        "line 14 .* formula 'max\\(@0,1\\)' can't have",
    ),
    ("argument", counting("a rateParam sr bkg @0 b\n"), "unknown parameter 'b' in line 14 of card.txt"),
    ("circle", counting("a rateParam sr bkg @0 b\nb rateParam sr bkg @0 a\n"), "are made of each other"),
    ("extArg file", counting("a extArg f.root:w\n"), "the extArg 'a' is in the RooFit workspace f.root:w"),
    ("group", counting("a lnN 1.1 1.1\ng group = b\n"), "unknown parameter 'b' in line 15 of card.txt; known: a"),
    ("group +=", counting("a lnN 1.1 1.1\ng group += a\n"), "the group 'g' isn't defined before"),
    ("autoMCStats", counting("rs autoMCStats 10\n"), "unknown region 'rs' in line 14 of card.txt; known: sr"),
    ("hist-mode", shaped("sr autoMCStats 10 0 2\n"), "autoMCStats with hist-mode 2 can't be read, only with 1"),
    (
        "edit",
        counting("nuisance edit changepdf a trG\n"),
        "the edit 'changepdf' can't be read, only add, drop, rename, fre",
    ),
    ("edit nothing", counting("nuisance edit drop * * a\n"), "the edit drops 'a', which isn't there"),
    ("edit *", counting("a lnN 1.1 1.1\nnuisance edit drop * * *\n"), "line 15 .* '\\*' is no regular expression"),
    ("edit all", counting("a lnN 1.1 1.1\nnuisance edit freeze *\n"), "line 15 .* '\\*' is no regular expression"),
    ("edit [", counting("a lnN 1.1 1.1\nnuisance edit drop [ * a\n"), "line 15 .* '\\[' is no regular expression"),
    (
        "file",
        shaped(shapes="shapes * * there.root $PROCESS\n"),
        "line 6 .* 'sig' in region 'sr': the file there.root is",
    ),
    ("csv", shaped(shapes="shapes * * a.csv a:$PROCESS\n"), "a.csv isn't a ROOT file by its name"),
    (
        "workspace",
        shaped(shapes="shapes * * shapes.root w:$PROCESS\n"),
        "'w:sig' in shapes.root is an object of a RooFit",
    ),
    ("histogram", shaped(shapes="shapes * * shapes.root h$PROCESS\n"), "'sig' .* shapes.root has no histogram 'hsig'"),
    ("template", shaped("jer shape 1 -\n"), "nuisance 'jerUp' of process 'sig' .* no histogram 'sig_jerUp'"),
    (
        "no templates",
        shaped("jes shape 1 -\n", shapes="shapes * * shapes.root $PROCESS\n"),
        "doesn't say where the templ",
    ),
    (
        "no shapes",
        shaped(shapes="shapes sig sr shapes.root sig\n"),
        "no line 'shapes' of card.txt .* histogram of 'bkg'",
    ),
    ("shapes twice", shaped(shapes="shapes * * FAKE\n" * 2), "the shapes of process '\\*' .* are in line 6 already"),
    ("rate and histogram", shaped(rates="-1 7"), "the rate of process 'bkg' .* is 7, but the histogram 'bkg' .* has 6"),
    ("data and observation", shaped(observation="9"), "the observation of region 'sr' is 9, but 'data_obs' .* has 10"),
]


@check_each(("text", "message"), [row[1:] for row in MISTAKES], ids=[row[0] for row in MISTAKES])
def test_mistakes(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(PocketError, match=message) as caught:
        read(tmp_path, text, {"bkg_jes2Up": [5.0, 2.0], "bkg_jes2Down": [3.0, 2.0]} if "jes2" in text else None)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("histograms", "message"),
    [
        ({"data_obs": [3, -1]}, "the data of region 'sr', 'data_obs' in shapes.root, have -1.0 events in bin 1"),
        (
            {"bkg_jesUp": [0.0, 0.0]},
            "the template 'bkg_jesUp' in shapes.root of nuisance 'jes' of process 'bkg' .* has 0",
        ),
        ({"bkg": [math.nan, 1]}, "the content of bin 0 of 'bkg' in shapes.root isn't a number"),
    ],
)
def test_wrong_histograms(histograms: dict[str, list[float]], message: str, tmp_path: Path) -> None:
    with pytest.raises(PocketError, match=message):
        read(tmp_path, shaped("jes shape - 1\n"), histograms)


def test_bins_that_do_not_fit(tmp_path: Path) -> None:
    write_histograms(tmp_path / "other.root", np.array([0.0, 1.0, 2.0, 4.0]), {"bkg": (np.ones(3), np.ones(3))})
    shapes = "shapes * * shapes.root $PROCESS\nshapes bkg * other.root bkg\n"
    with pytest.raises(
        PocketError, match=r"line 7 .* 'bkg' in other.root has 3 bins from 0 to 4, which aren't those of 'sig'"
    ):
        read(tmp_path, shaped(shapes=shapes))


@pytest.mark.parametrize("maps", [["sr/sig"], ["sr/sig:r[1]"], ["sr/sig:r"], ["(:r[0,1]"], ["sr/sig:a=expr;;b(@0,r)"]])
def test_maps_that_cannot_be_read(maps: list[str], tmp_path: Path) -> None:
    with pytest.raises(PocketError, match="map"):
        read(tmp_path, counting(), maps=maps)


def test_no_card(tmp_path: Path) -> None:
    with pytest.raises(PocketError, match=r"can't be read: .*No such file"):
        read_datacard(tmp_path / "no.txt")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PocketError, match="can't be read"):
        read_datacard(tmp_path / "binary.txt")


@pytest.mark.parametrize("wrong", [math.nan, -1.0])
def test_wrong_errors(wrong: float, tmp_path: Path) -> None:
    ones = np.ones(2)
    contents = {"sig": (ones, ones), "bkg": (ones, np.array([1.0, wrong])), "data_obs": (ones, np.array([wrong, 1.0]))}
    write_histograms(tmp_path / "shapes.root", np.array([0.0, 1.0, 2.0]), contents)
    (tmp_path / "card.txt").write_text(shaped())
    # Those of data and of varied templates aren't used, so they may be wrong.
    with pytest.raises(PocketError, match=r"the error of bin 1 of 'bkg' in shapes.root isn't a number"):
        read_datacard(tmp_path / "card.txt")
