"""The shipped model of the tt̄ cross section, on its toys at full size; that of the Z is in tests/test_chain.py."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pocket.statistics import from_json, load_model, read_datacard
from tests.agreement import check_toys
from tests.law_runner import Law

pytestmark = pytest.mark.slow

OPTIONS = ("--analysis", "ttbar", "--model", "tt_xsec", "--version", "v1")


@pytest.fixture(scope="module")
def law(tmp_path_factory: pytest.TempPathFactory) -> Law:
    law = Law(tmp_path_factory.mktemp("models"))
    run = law.run("ProduceDatacards", *OPTIONS, timeout=900)
    assert run.code == 0, run.text
    assert run.executed[-1] == "ProduceDatacards"
    return law


def output(law: Law, task: str) -> Path:
    (folder,) = (law.store / "ttbar" / task / "tt_xsec" / "v1").iterdir()
    return folder


def test_cards_are_those_of_the_model(law: Law) -> None:
    folder = output(law, "ProduceDatacards")
    model, card = load_model(folder / "model.h5"), read_datacard(folder / "datacard.txt")
    assert card.parameters == model.parameters
    for region in model.regions:
        read = card.region(region.name)
        assert read.nominal.tolist() == region.nominal.tolist()
        assert read.data is not None
        assert region.data is not None
        assert read.data.tolist() == region.data.tolist()
    assert len(json.loads((folder / "workspace.json").read_text())["channels"]) == 12


def test_the_cross_section_is_that_of_the_toys(law: Law) -> None:
    run = law.run("FitModel", *OPTIONS, "--data", "observed", "--unblind", "toys")
    assert run.code == 0, run.text
    assert run.executed == ["FitModel"]
    found: Any = from_json((output(law, "FitModel") / "fit.json").read_text())
    interval = found["intervals"]["r"]
    assert abs(interval.value - 1) < 3 * max(interval.errors)
    assert max(interval.errors) < 0.06
    test: Any = from_json((output(law, "FitModel") / "gof.json").read_text())
    assert test.p_value > 0.001
    (line,) = re.findall(r"^r = .*$", run.text, re.MULTILINE)
    assert "(stat. " in line


def test_pulls_and_coverage_of_toys(law: Law) -> None:
    run = law.run("FitModel", *OPTIONS, "--data", "toys", "--toys", "200", timeout=900)
    assert run.code == 0, run.text
    check_toys(run.text)
