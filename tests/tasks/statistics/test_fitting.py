from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pocket.errors import ConfigError, FitError, StatisticsError, UnknownNameError
from pocket.io.store import read_manifest
from pocket.statistics import (
    Likelihood,
    LogNormal,
    Model,
    Process,
    Region,
    RegionTemplates,
    StatisticalModel,
    build_model,
    find_interval,
    fit,
    from_json,
    load_predictions,
)
from pocket.statistics.regions import Contents
from pocket.statistics.results import NoResult
from tasks.statistics.card_files import Card
from tasks.statistics.datacards import ProduceDatacards
from tasks.statistics.fitting import POSTFIT, FitModel, toy_lines
from tasks.statistics.toys import TOYS, FitToys
from tests.tasks.in_process import not_refused, run_here
from tests.tasks.small_chain import Chain

pytestmark = pytest.mark.slow

CARD = """imax 1
jmax 1
kmax 2
bin one
observation 27
bin one one
process signal other
process 0 1
rate 5 20
lumi lnN 1.02 -
other lnN - 3
"""
CONTROL = """imax 1
jmax 0
kmax 1
bin cr
observation 210
bin cr
process other
process 1
rate 190
other lnN 3
"""


def fitted(chain: Chain) -> Any:
    return from_json((chain.output("FitModel", "z") / "fit.json").read_text())


def test_the_default_is_what_the_model_expects(modelled: Chain) -> None:
    run = run_here(modelled, "FitModel", "--model", "z")
    assert run.code == 0, run.text
    assert "r = 1.0" in run.text
    # there is no background
    assert "expected unbounded significance (data where nothing is expected without signal)" in run.text
    # The model leaves out the statistics of simulation.
    assert "Asimov, r = 1, 3 parameters, " in run.text
    assert "3 parameters, 1 of them with shapes\n" in run.text
    # the model has told its warnings
    assert run.text.count("\nchecks: ") == 1
    assert re.search(r"Results\n  r \(Asimov, r = 1\) +1\.0\d+ −0\.\d+ \+0\.\d+   expected unbounded ", run.text)
    found = fitted(modelled)
    assert found["data"] == "asimov"
    assert found["fit"].parameters["r"].value == pytest.approx(1)
    assert found["intervals"]["r"].low < 1 < found["intervals"]["r"].high
    folder = modelled.output("FitModel", "z")
    names = {path.name for path in folder.iterdir()} - {"manifest.json"}
    assert names == {
        "fit.json",
        "impacts.json",
        "impacts_of_simulation.json",
        "limits.json",
        "scan.json",
        "significance.json",
        POSTFIT,
    }
    predictions = load_predictions(folder / POSTFIT)
    assert predictions["postfit"]["all"].total == pytest.approx(predictions["prefit"]["all"].total)


def test_values_from_the_command_line(modelled: Chain) -> None:
    modelled.build(FitModel, model="z", set=("r=2",), freeze=("lumi",), results=())
    found = fitted(modelled)["fit"].parameters
    assert found["r"].value == pytest.approx(2)
    assert not found["lumi"].floating
    modelled.build(FitModel, model="z", set=("r=0.5",), ranges=("r=0:2",), freeze=("sf_*", "lum?"), results=("limits",))
    (second,) = [folder for folder in modelled.outputs("FitModel") if (folder / "limits.json").exists()]
    found = from_json((second / "fit.json").read_text())["fit"].parameters
    assert found["r"].value == pytest.approx(0.5)
    assert [name for name, one in found.items() if one.floating] == ["r"]


def test_observed_data_need_a_reason_that_is_recorded(modelled: Chain) -> None:
    with pytest.raises(ConfigError, match="--data observed needs --unblind REASON, which is recorded"):
        modelled.task(FitModel, model="z", data="observed")
    with pytest.raises(ConfigError, match="--unblind has no effect with --data asimov"):
        modelled.task(FitModel, model="z", unblind="approved")
    ran = modelled.build(FitModel, model="z", data="observed", unblind="approved", results=("goodness",))
    assert ran == ["ProduceDatacards z", "FitModel z"]
    folder = modelled.output("FitModel", "z")
    manifest = read_manifest(folder)
    assert manifest is not None
    assert (manifest.info["unblinded"], manifest.info["data"]) == ("approved", "observed")
    # Data have other processes, too, which the model leaves out.
    assert fitted(modelled)["intervals"]["r"].low > 1
    assert (folder / "gof.json").exists()


def test_results_by_toys(modelled: Chain) -> None:
    options = ("--model", "z", "--results", "limits,toy_limits,feldman_cousins,toy_significance", "--set", "r=0.001")
    points = ("--points", "r=0:0.01:6", "--toys-per-point", "60", "--toys-per-branch", "30")
    run = run_here(modelled, "FitModel", *options, *points, "--accept-missing")
    assert run.code == 0, run.text
    assert run.executed.count("ThrowToys") == 1
    # Sixty toys are too few for the tails.
    assert "no expected limit by toys of r in some bands: CLs is too uncertain there" in run.text
    assert "nan" not in run.text
    assert re.search(r"^expected r < 0\.00\d+ ± 0\.\d+ at 95 % CL by toys, median ", run.text, re.MULTILINE), run.text
    assert re.search(r"^r = 0\.00\S* .* at 68\.3 % CL by Feldman and Cousins$", run.text, re.MULTILINE), run.text
    assert re.search(r"^r: p = .* by 60 toys, ", run.text, re.MULTILINE), run.text
    folder = modelled.output("FitModel", "z")
    (limit,) = from_json((folder / "toy_limits.json").read_text())
    # of the six points, 0 is no limit
    assert limit.points == pytest.approx((0.002, 0.004, 0.006, 0.008, 0.01))
    # the same toys in other branches are the same
    run_here(modelled, "FitModel", *options, *points[:-1], "20", "--accept-missing")
    assert len(modelled.outputs("FitModel")) == 1
    again = run_here(modelled, "FitModel", *options, "--points", "r=0:0.01", "--toys-per-point", "60")
    assert "--points: expected name=low:high:count, such as r=0:5:11, not 'r=0:0.01'" in again.text
    assert again.code != 0


def test_a_command_without_all_results_fails_after_it_has_kept_the_others(
    modelled: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(likelihood: Any, poi: str) -> None:
        raise FitError("no minimum")

    monkeypatch.setattr("pocket.statistics.analyses.find_upper_limit", fail)
    options = ("--model", "z", "--results", "limits,impacts")
    run = run_here(modelled, "FitModel", *options)
    assert run.code == 30
    assert "no limit of r: no minimum" in run.text
    (error,) = run.errors
    assert error.startswith("1 result of FitModel z is missing, for the reasons above; all others are in ")
    assert fitted(modelled)["missing"] == (NoResult("limit", "r", "no minimum"),)
    assert (modelled.output("FitModel", "z") / "impacts.json").exists()
    # plots go on
    drawn = run_here(modelled, "PlotFit", *options, "--formats", "png")
    assert drawn.code == 30
    assert drawn.errors[0].startswith("1 result of PlotFit z is missing")
    assert list(modelled.output("PlotFit", "z").glob("impacts_r.png"))
    # and the fit isn't complete before it has all, unless that is accepted
    assert run_here(modelled, "FitModel", *options).code == 30
    assert run_here(modelled, "FitModel", *options, "--accept-missing").code == 0


def test_regions_and_minimisers_that_are_not_there(modelled: Chain) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown minimiser 'newtn' in --minimizer, did you mean 'newton'"):
        modelled.task(FitModel, model="z", minimizer="newtn")
    assert "unknown region 'al' in --mask, model 'z', did you mean 'all'" in modelled.error(
        FitModel, model="z", mask=("al",)
    )
    assert "--mask: no region of model 'z' is left" in modelled.error(FitModel, model="z", mask=("a*",))


def test_toys_are_branches(modelled: Chain) -> None:
    ran = modelled.build(FitModel, model="z", data="toys", toys=6, toys_per_branch=4)
    assert ran == ["ProduceDatacards z", "FitToys z", "FitModel z"]
    assert len(modelled.outputs("FitToys")) == 2
    found = json.loads((modelled.output("FitModel", "z") / TOYS).read_text())
    assert found["r"]["number"] == [0, 1, 2, 3, 4, 5]
    # a toy is the same in another branch
    modelled.build(FitToys, model="z", toys=6, toys_per_branch=6)
    again = modelled.task(FitToys, model="z", toys=6, toys_per_branch=6).values()
    assert again["r"] == found["r"]


def test_wrong_options_are_refused_at_once(modelled: Chain) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"set": ("r",)}, "--set: expected name=number with commas in between, not 'r'"),
        ({"set": ("r=inf",)}, "not 'r=inf'"),
        ({"set": ("r=1", "r=2")}, "--set names 'r' twice"),
        ({"toys": -1}, "--toys is -1, expected 0 or more"),
        ({"toys_of": "z"}, "--toys-of has no effect with --data asimov"),
        ({"results": ("goodness",)}, "--results goodness needs --data observed"),
        ({"results": ("limits", "background"), "data": "toys"}, "--results background needs --data observed"),
        ({"toys_per_branch": 0}, "--toys-per-branch is 0, expected 1 or more"),
        ({"results": ("impact",)}, r"unknown result 'impact' in --results, did you mean 'impacts'\?"),
    ]
    make = functools.partial(FitModel, version="v1", analysis=str(modelled.analysis), model="z")
    assert not_refused(make, cases, ConfigError) == {}


def test_a_card_is_fitted_as_the_model_that_it_is_of(modelled: Chain) -> None:
    modelled.build(FitModel, model="z", data="observed", unblind="approved", results=())
    expected = fitted(modelled)["intervals"]["r"]
    card = str(modelled.output("ProduceDatacards", "z") / "datacard.txt")
    assert modelled.build(FitModel, card=card, data="observed", unblind="approved", results=()) == [
        "FitModel card_datacard"
    ]
    (folder,) = (modelled.store / "cards" / "FitModel" / "card_datacard" / "v1").glob("*")
    found: Any = from_json((folder / "fit.json").read_text())
    assert found["intervals"]["r"].value == pytest.approx(expected.value, rel=1e-6)
    assert modelled.build(FitModel, card=card, data="toys", toys=2) == [
        "FitToys card_datacard",
        "FitModel card_datacard",
    ]
    with pytest.raises(ConfigError, match="--card: there is no file /nowhere"):
        modelled.task(FitModel, card="/nowhere/card.txt")
    with pytest.raises(ConfigError, match="expected one of --model and --card, not both of them"):
        modelled.task(FitModel, card=card, model="z")
    with pytest.raises(ConfigError, match="expected --model or --card; analysis 'small' has z"):
        modelled.task(FitModel)
    with pytest.raises(ConfigError, match=r"^expected --model; analysis 'small' has z$"):
        modelled.task(ProduceDatacards)


def test_toys_of_another_model(modelled: Chain, capsys: pytest.CaptureFixture[str]) -> None:
    (declared,) = re.findall(
        r"\"z\": (StatisticalModel\(.*?\n +\)),?}", (modelled.analysis / "__init__.py").read_text(), re.S
    )
    others = declared.replace("1.02", "1.05"), declared.replace("(0, 20, 40, 80)", "(0, 40, 80)")
    modelled.edit("__init__.py", 'models={"z": ', f'models={{"rate": {others[0]}, "coarse": {others[1]}, "z": ')
    ran = modelled.build(FitModel, model="z", data="toys", toys=3, toys_of="rate")
    assert sorted(ran) == ["FitModel z", "FitToys z", "ProduceDatacards rate", "ProduceDatacards z"]
    assert " in 3 toys of rate with r = 1 " in capsys.readouterr().out
    error = modelled.error(FitModel, model="z", data="toys", toys=3, toys_of="coarse")
    assert "region 'all' has 2 bins in the model whose toys are fitted, and 3 in the fit" in error
    with pytest.raises(UnknownNameError, match=r"unknown model 'rat'.*did you mean 'rate'"):
        modelled.task(FitModel, model="z", data="toys", toys=3, toys_of="rat")


def test_toys_of_another_card(modelled: Chain, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    card, other = tmp_path / "card.txt", tmp_path / "other.txt"
    card.write_text(CARD.replace("rate 5 20", "rate 50 200"))
    other.write_text(CARD.replace("rate 5 20", "rate 50 250"))
    params = {"card": str(card), "ranges": ("r=-5:5",), "freeze": ("other",), "data": "toys", "toys": 60}
    modelled.build(FitModel, **params, toys_of=str(other))
    found = re.search(r"r = (\S+) in 60 toys of \S+other.txt with r = 1 +pull \+(\S+) ± ", capsys.readouterr().out)
    assert found is not None
    # Fifty events that the fitted card lacks are as many as the signal, and the error is that of 300 events.
    assert float(found[1]) == pytest.approx(2.0, abs=4 * np.sqrt(300) / 50 / np.sqrt(60))
    assert float(found[2]) > 2
    with pytest.raises(ConfigError, match="there is no file"):
        modelled.task(FitModel, **params, toys_of=str(tmp_path / "none.txt"))
    (tmp_path / "third.txt").write_text(CARD.replace("one", "two"))
    with pytest.raises(UnknownNameError, match=r"unknown region 'one' in --toys-of \S+third.txt"):
        modelled.task(FitModel, **params, toys_of=str(tmp_path / "third.txt"))
    with pytest.raises(
        ConfigError, match=r"--asimov postfit of a card fits the data of all its regions, so it needs --"
    ):
        modelled.task(FitModel, card=str(card), asimov="postfit")
    assert modelled.task(FitModel, card=str(card), asimov="postfit", unblind="approved").unblind == "approved"


def test_lines_about_toys() -> None:
    results = {"value": [0.9, 1.1, 1.4], "low": [0.8, 1.0, 1.3], "high": [1.0, 1.2, 1.5]}
    (line,) = toy_lines({"r": results}, 4, {"r": 1.0})
    assert line.startswith(
        "r = 1.133 in 3 toys with r = 1   pull +1.33 ± 1.45, width 2.52, coverage 67 %, 1 fit without "
    )
    # The error is that of the side where the truth is.
    results = {"value": [0.8, 1.2], "low": [0.4, 0.8], "high": [0.9, 1.3]}
    (line,) = toy_lines({"r": results}, 2, {"r": 1.0})
    assert "pull −0.75 ± 1.25, width 1.77, coverage 50 %" in line
    (line,) = toy_lines({"r": {"value": [], "low": [], "high": []}}, 2, {"r": 1.0})
    assert line == "r: no fit of 2 toys has a minimum"
    (line,) = toy_lines({"r": {"value": [0.0, 0.2], "low": [0.0, 0.0], "high": [0.3, 0.5]}}, 2, {"r": 0.0})
    assert line.endswith(", 50 % at a bound of r")


def test_cards_have_paths_and_labels() -> None:
    cards = {
        "/x/card.txt.gz": ("card", [("", "/x/card.txt.gz")]),
        "/x/a=b,c.txt": ("a=b,c", [("", "/x/a=b,c.txt")]),
        "sr=/x/a.txt,cr=/y/a.txt": ("sr_cr", [("sr", "/x/a.txt"), ("cr", "/y/a.txt")]),
    }
    made = {text: Card.of(text) for text in cards}
    assert {text: (card.name, list(card.cards)) for text, card in made.items()} == cards
    assert {text: str(card) for text, card in made.items()} == {text: text for text in cards}


def test_cards_that_cannot_be_told_apart() -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"text": "a=/x.txt,/y.txt"}, "--card: expected label=path for each of several cards, not '/y.txt'"),
        ({"text": "a=/x.txt,a=/y.txt"}, "--card: two cards have the same label: a, a"),
        ({"text": "/x.txt", "keywords": ("ERA",)}, "--keywords: expected WORD=value, each word once, not 'ERA'"),
        ({"text": "/x.txt", "keywords": ("ERA=1", "ERA=2")}, "each word once, not 'ERA=2'"),
    ]

    def make(text: str, keywords: tuple[str, ...] = ()) -> Card:
        return Card.of(text, "120", keywords)

    assert not_refused(make, cases, ConfigError) == {}


def test_cards_of_a_folder_and_of_a_list(tmp_path: Path) -> None:
    folder = tmp_path / "regions"
    folder.mkdir()
    for name in ("vhbb_SR-1.txt", "vhbb_CR.2016.txt"):
        (folder / name).write_text("")
    (folder / "shapes.root").write_text("")
    expected = (("vhbb_CR", str(folder / "vhbb_CR.2016.txt")), ("vhbb_SR_1", str(folder / "vhbb_SR-1.txt")))
    assert Card.of(str(folder)).cards == expected
    cards = tmp_path / "cards.list"
    cards.write_text("# both regions\nsr=regions/vhbb_SR-1.txt\n\nregions/vhbb_CR.2016.txt  # control\n")
    found = Card.of(f"@{cards}")
    assert found.cards == (("sr", str(folder / "vhbb_SR-1.txt")), ("vhbb_CR", str(folder / "vhbb_CR.2016.txt")))
    # as the task has it, and gives it to others
    assert Card.of(str(found)) == found
    cards.write_text("# none\n")
    (tmp_path / "empty").mkdir()
    sentences = {
        f"@{cards}": f"--card: the list {cards} has no card",
        f"@{tmp_path}/none": f"--card: there is no list of cards {tmp_path}/none",
        str(tmp_path / "empty"): f"--card: the folder {tmp_path}/empty has no card, \\*.txt",
    }
    for text, sentence in sentences.items():
        with pytest.raises(ConfigError, match=f"^{sentence}$"):
            Card.of(text)


def test_many_cards_have_a_name_that_a_folder_can_have() -> None:
    many = [f"a_region_with_a_long_name_{number}=/x/{number}.txt" for number in range(26)]
    card, other = Card.of(",".join(many)), Card.of(",".join(many[:-1]))
    assert re.fullmatch(r"a_region_with_a_long_name_0_and_25_more_[0-9a-f]{8}", card.name)
    assert card.name != other.name
    assert Card.of("/x/" + "long" * 40 + ".txt").name.startswith("longlong")
    assert len(Card.of("/x/" + "long" * 40 + ".txt").name) < 100


def test_cards_need_no_analysis(modelled: Chain) -> None:
    (modelled.folder / "sr.txt").write_text(CARD)
    (modelled.folder / "cr.txt").write_text(CONTROL)
    both = f"sr={modelled.folder}/sr.txt,cr={modelled.folder}/cr.txt"
    (modelled.analysis / "__init__.py").write_text("raise ValueError\n")
    options = ("--data", "observed", "--unblind", "public", "--ranges", "r=-5:5", "--results", "impacts")
    run = run_here(modelled, "PlotFit", "--card", both, *options)
    assert run.code == 0, run.text
    assert "observed, 3 parameters" in run.text
    (folder,) = (modelled.store / "cards" / "FitModel" / "card_sr_cr" / "v1").glob("*")
    found: Any = from_json((folder / "fit.json").read_text())
    # Two numbers of events, two parameters that nothing else constrains: (27 − 20·210/190)/5.
    assert found["fit"].parameters["r"].value == pytest.approx((27 - 20 * 210 / 190) / 5, abs=0.05)
    assert read_manifest(folder).info["analysis"] == "NO_STR"  # type: ignore[union-attr]
    text = run_here(modelled, "FitModel", "--card", f"{modelled.folder}/cr.txt").text
    assert "cr.txt has no signal" in text


TWO_SIGNALS = """\
imax *
bin         one   two
observation 130   90
bin         one   one   one    two   two   two
process     ggH   qqH   other  ggH   qqH   other
process     -1    0     1      -1    0     1
rate        20    5     100    4     16    60
lumi lnN    1.02  1.02  -      1.02  1.02  -
norm lnN    -     -     1.1    -     -     1.1
"""


def two_signals() -> Model:
    """Return the model of the card above, with a scale factor of each signal, as an analysis declares it."""
    rates = {"one": {"ggH": 20.0, "qqH": 5.0, "other": 100.0}, "two": {"ggH": 4.0, "qqH": 16.0, "other": 60.0}}
    declared = StatisticalModel(
        regions={name: Region("main", name, "count", bins="counting") for name in rates},
        processes={
            "ggH": Process("ggH", signal="r_ggH"),
            "qqH": Process("qqH", signal="r_qqH"),
            "other": Process("other"),
        },
        data=("data",),
        nuisances=[LogNormal("lumi", 1.02, processes=("ggH", "qqH")), LogNormal("norm", 1.1, processes="other")],
        pois={"r_ggH": (-1, 5), "r_qqH": (-1, 6)},
    )

    def counted(number: float) -> Any:
        return np.array([0.0, number, 0.0])

    templates = {}
    for (name, found), data in zip(rates.items(), (130.0, 90.0), strict=True):
        contents = {process: {"2018": Contents(counted(rate), np.zeros(3))} for process, rate in found.items()}
        templates[name] = RegionTemplates(None, contents, counted(data))
    return build_model(declared, templates).model


def test_signals_of_a_card_have_scale_factors_of_their_own(modelled: Chain) -> None:
    """The fit of a card with maps, as combine's multiSignalModel takes them, is that of a declared model."""
    card = modelled.folder / "card.txt"
    card.write_text(TWO_SIGNALS)
    observed: dict[str, Any] = {"card": str(card), "data": "observed", "unblind": "public", "results": ()}
    maps = ".*/ggH:r_ggH[1,-1,5],map=.*/qqH:r_qqH[1,-1,6]"
    modelled.build(FitModel, maps=maps, **observed)
    modelled.build(FitModel, **observed)
    folders = (modelled.store / "cards" / "FitModel" / "card_card" / "v1").glob("*")
    fits: list[Any] = [from_json((folder / "fit.json").read_text())["intervals"] for folder in folders]
    (of_maps,) = [found for found in fits if set(found) == {"r_ggH", "r_qqH"}]
    assert sorted(map(sorted, fits)) == [["r"], ["r_ggH", "r_qqH"]]
    best = fit(Likelihood(two_signals()))
    for name, interval in of_maps.items():
        expected = find_interval(best, name)
        assert interval.value == pytest.approx(expected.value, rel=1e-6)
        assert interval.errors == pytest.approx(expected.errors, rel=1e-4)
    # Two numbers of events, which two parameters describe exactly.
    values = np.linalg.solve([[20, 5], [4, 16]], [30, 30])
    assert [of_maps[name].value for name in ("r_ggH", "r_qqH")] == pytest.approx(values, abs=0.01)
    with pytest.raises(StatisticsError, match=r"'r\[1' in the map .* must be poi\[initial,low,high\]"):
        modelled.task(FitModel, maps=".*/ggH:r[1", **observed)


def test_unknown_parameters_are_refused_before_anything_runs(modelled: Chain) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"freeze": ("lum",)}, r"unknown parameter 'lum' in --freeze, model 'z', did you mean 'lumi'\?"),
        ({"set": ("sf_tight=1",)}, r"unknown parameter 'sf_tight' in --set, model 'z', did you mean 'sf_tight_id'\?"),
        ({"ranges": ("q=0:1",)}, "unknown parameter 'q' in --ranges, model 'z'"),
        ({"freeze": ("group:lumi",)}, "unknown group 'lumi' in --freeze, model 'z'; none is defined"),
        ({"set": ("r=50",)}, "--set r=50 is outside of the range from 0 to 20, which --ranges changes"),
        ({"mass": "125"}, "--mass, --keywords and --maps have no effect without --card"),
    ]
    make = functools.partial(FitModel, version="v1", analysis=str(modelled.analysis), model="z")
    assert not_refused(make, cases, ConfigError) == {}
    assert modelled.outputs("ProduceDatacards") == []
