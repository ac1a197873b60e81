from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pocket.errors import ConfigError
from pocket.statistics import from_json, load_predictions
from tasks.statistics.fitting import RESULTS
from tasks.statistics.plotting import PlotFit
from tests.tasks.in_process import run_here
from tests.tasks.small_chain import Chain

pytestmark = pytest.mark.slow

CARD = """imax 1
jmax 1
kmax 1
bin one
observation 27
bin one one
process signal other
process 0 1
rate 5 20
lumi lnN 1.02 1.02
"""


def stems(chain: Chain) -> set[str]:
    return {path.stem for path in chain.output("PlotFit", "z").glob("*.png")}


def test_the_fit_is_drawn_with_all_that_was_found(modelled: Chain) -> None:
    ran = modelled.build(PlotFit, model="z", formats=("png",))
    assert ran == ["ProduceDatacards z", "FitModel z", "PlotFit z"]
    # A signal that is seen needs no limit.
    drawn = {"pulls", "impacts_r", "correlations", "scan_r", "all_prefit", "all_postfit"}
    assert stems(modelled) == drawn
    assert "after the fit to Asimov data" in (modelled.output("PlotFit", "z") / "yields.txt").read_text()
    folder, fit = modelled.output("PlotFit", "z"), modelled.output("FitModel", "z")
    numbers = json.loads((folder / "impacts_r.json").read_text())
    impacts = {impact.name: impact for impact in from_json((fit / "impacts.json").read_text())}
    assert set(numbers["parameters"]) == set(impacts)
    down, up = impacts["lumi"].effects["r"]
    assert (numbers["parameters"]["lumi"]["down"], numbers["parameters"]["lumi"]["up"]) == (down, up)
    rows = {row["process"]: row for row in json.loads((folder / "yields.json").read_text())}
    predictions = load_predictions(fit / "postfit.h5")
    for stage in ("prefit", "postfit"):
        assert [rows["dy"][stage], rows["dy"][f"{stage}_error"]] == list(predictions[stage]["all"].yields["dy"])
    assert set(rows) == {"dy", "total"}
    assert (folder / "yields.tex").read_text().startswith(r"\begin{tabular}{llrr}")
    assert len((folder / "yields.txt").read_text().splitlines()) == 1 + len(rows)
    # A blind region shows no data.
    assert not [
        stage for stage in ("pre", "post") if "data" in json.loads((folder / f"all_{stage}fit.json").read_text())
    ]
    assert modelled.build(PlotFit, model="z", formats=("png",)) == []
    run = run_here(modelled, "PlotFit", "--model", "z", "--formats", "svg")
    assert re.search(r"Results\n  r \(Asimov, r = 1\) +1\.0\d+ ", run.text), run.text
    asked = modelled.task(PlotFit, model="z", formats=("png",), results=("limits",))
    modelled.build(PlotFit, model="z", formats=("png",), results=("limits",))
    assert (asked.directory / "limits.png").exists()


def test_observed_data_and_toys_for_the_goodness(modelled: Chain) -> None:
    options = {"model": "z", "data": "observed", "unblind": "approved", "toys": 5, "formats": ("png",)}
    options["results"] = ("limits", "goodness")
    assert "PlotFit z" in modelled.build(PlotFit, **options)
    assert "goodness_of_fit" in stems(modelled)
    folder = modelled.output("PlotFit", "z")
    assert json.loads((folder / "limits.json").read_text())["limits"]["r"]["observed"] > 0
    assert json.loads((folder / "all_prefit.json").read_text())["data"]["values"]


def test_toys_have_no_single_fit(modelled: Chain) -> None:
    with pytest.raises(ConfigError, match="PlotFit draws no toys, so --data must be asimov or observed"):
        modelled.task(PlotFit, model="z", data="toys")


def test_a_card_is_drawn_too(modelled: Chain) -> None:
    card = modelled.folder / "counting.txt"
    card.write_text(CARD)
    modelled.build(PlotFit, card=str(card), formats=("png", "svg"))
    (folder,) = (modelled.store / "cards" / "PlotFit" / "card_counting" / "v1").glob("*")
    assert {"pulls", "scan_r", "one_postfit"} <= {path.stem for path in folder.glob("*.png")}
    # Matplotlib writes texts as comments. A card has neither luminosity nor energy.
    texts = "".join(path.read_text() for path in folder.glob("*.svg"))
    assert "<!-- CMS -->" in texts
    assert not [word for word in ("fb^", "TeV", "toys") if word in texts]
    assert json.loads((folder / "one_postfit.json").read_text())["processes"]["other"] == pytest.approx([20.0])


@pytest.mark.parametrize(
    ("signal", "results", "shown"),
    [(5, ("significance", "background"), True), (90, RESULTS, False), (90, ("significance", "background"), True)],
)
def test_a_fit_without_signal_is_beside_unless_a_signal_is_seen(
    modelled: Chain, tmp_path: Path, signal: int, results: tuple[str, ...], shown: bool
) -> None:
    card = tmp_path / "card.txt"
    card.write_text(CARD.replace("rate 5 ", f"rate {signal} ").replace("observation 27", f"observation {22 + signal}"))
    params: dict[str, Any] = {"card": str(card), "data": "observed", "unblind": "toys", "results": results}
    modelled.build(PlotFit, **params, formats=("png",))
    (folder,) = (modelled.store / "cards" / "PlotFit" / "card_card" / "v1").glob("*")
    head = (folder / "yields.txt").read_text().splitlines()[0]
    assert head.endswith("after a fit without signal") is shown
    assert ("background" in (folder / "pulls.json").read_text()) is shown
