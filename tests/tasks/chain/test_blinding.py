from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pocket.errors import ConfigError
from pocket.histograms.files import read_templates
from pocket.io.store import read_manifest
from tasks.chain.blinding import REASONS, append_record, user_name
from tasks.chain.plotting import PlotCutflow, PlotTemplates
from tasks.chain.systematics import PlotShapes, ShowYields
from tasks.statistics.systematics import PlotSystematics
from tests.tasks.in_process import run_here
from tests.tasks.small_chain import Chain

REASON = "the selection is frozen"


@pytest.fixture
def blinded(chain: Chain) -> Chain:
    """The finished chain, whose only category is blind now."""
    compare = 'compare={"corrected": "main"},'
    chain.edit("__init__.py", compare, f'{compare}\n    blind=("base*",),')
    return chain


def counts(chain: Chain) -> set[float]:
    """Return the number of events in data, and those of bins with more events than there are vertices."""
    data = read_templates(chain.output("MergeOutputs", "main"), "npvs")["DATA_SingleMuon"][{"cat": "baseline"}]
    return {float(data.sum(flow=True).value), *(float(number) for number in data.values() if number > 80)}


def numbers_in(value: Any) -> set[float]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return {number for one in value for number in numbers_in(one)}
    return {float(value)} if isinstance(value, int | float) else set()


def reason_of(folder: Path) -> Any:
    manifest = read_manifest(folder)
    assert manifest is not None
    return manifest.info.get("unblinded")


def test_yields_of_data_are_shown_only_for_a_reason(blinded: Chain, capsys: pytest.CaptureFixture[str]) -> None:
    options = {"config": "main", "variable": "npvs", "table": "json"}
    for unblind, shown in (("", False), (REASON, True)):
        assert blinded.build(ShowYields, **options, unblind=unblind) == ["ShowYields main"]
        text = capsys.readouterr().out
        rows = json.loads(text[text.index("[") : text.rindex("]") + 1])
        assert bool(numbers_in(rows) & counts(blinded)) is shown
        assert ({row["process"]: row["yield"] for row in rows}["data"] is None) is not shown
        folder = blinded.task(ShowYields, **options, unblind=unblind).directory
        assert reason_of(folder) == (REASON if shown else None)


def test_a_reason_without_blind_categories_is_refused(chain: Chain) -> None:
    for task in (PlotTemplates, PlotCutflow, PlotShapes, ShowYields):
        with pytest.raises(ConfigError, match=r"^--unblind has no effect, since no category of config"):
            chain.task(task, config="main", unblind=REASON)


def test_blinding_is_part_of_what_an_output_is(blinded: Chain, chain: Chain) -> None:
    hidden, shown = (blinded.task(PlotShapes, config="main", unblind=reason) for reason in ("", REASON))
    assert hidden.fingerprint != shown.fingerprint
    assert shown.fingerprint == blinded.task(PlotShapes, config="main", unblind="other words").fingerprint
    assert blinded.task(PlotSystematics, config="corrected").blind == ()


@pytest.mark.slow
@pytest.mark.parametrize("task", [PlotTemplates, PlotCutflow, PlotShapes])
def test_figures_and_their_numbers_have_data_only_for_a_reason(blinded: Chain, task: Any) -> None:
    options: dict[str, Any] = {"config": "corrected", "formats": ("svg",)}
    if task is not PlotCutflow:
        options["variables"] = ("npvs",)
    for unblind, shown in (("", False), (REASON, True)):
        assert blinded.build(task, **options, unblind=unblind) == [f"{task.__name__} corrected"]
        folder = blinded.task(task, **options, unblind=unblind).directory
        assert reason_of(folder) == (REASON if shown else None)
        found = [
            json.loads(path.read_text()) for path in sorted(folder.rglob("*.json")) if path.parent.name != ".pocket"
        ]
        numbers = [one for one in found if isinstance(one, dict) and {"histogram", "sample"} & one.keys()]
        assert numbers
        if task is PlotShapes:
            assert [("data" in one) for one in numbers] == [shown]
        else:
            assert bool({number for one in numbers for number in numbers_in(one)} & counts(blinded)) is shown
        assert len(list(folder.rglob("*_vs_main.svg"))) == (shown if task is PlotTemplates else 0)


def test_lines_of_several_commands_are_whole(tmp_path: Path) -> None:
    path = tmp_path / REASONS
    with ThreadPoolExecutor(8) as pool:
        written = list(pool.map(lambda number: append_record(path, {"reason": f"µ{number}" * 200}), range(50)))
    assert set(written) == {path}
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert {record["reason"][:3].rstrip("µ") for record in records} == {f"µ{number}" for number in range(50)}


@pytest.mark.slow
def test_each_command_that_shows_blind_data_is_recorded(chain: Chain) -> None:
    """Also where the output with data was made before its category was blind."""
    chain.build(PlotShapes, config="main", variables=("npvs",), formats=("svg",))
    chain.edit("__init__.py", 'compare={"corrected": "main"},', 'compare={"corrected": "main"}, blind=("base*",),')
    options = ("--config", "main", "--variables", "npvs", "--formats", "svg", "--unblind")
    path = chain.store / "small" / REASONS
    for number, reason in enumerate((REASON, "once more"), start=1):
        run = run_here(chain, "PlotShapes", *options, reason)
        assert run.code == 0, run.text
        assert "small v1: complete, " in run.text
        assert "reason of --unblind recorded in store/small/unblinded.jsonl" in run.text
        records = [json.loads(line) for line in path.read_text().splitlines()]
        assert len(records) == number
        assert (records[-1]["reason"], records[-1]["task"], records[-1]["config"]) == (reason, "PlotShapes", "main")
        folder = chain.store / records[-1]["output"]
        assert folder in chain.outputs("PlotShapes", "main")
        assert reason_of(folder) is None
        assert records[-1]["user"] == user_name()
        assert datetime.now(UTC) - datetime.fromisoformat(records[-1]["time"]) < timedelta(hours=1)
    assert run_here(chain, "PlotShapes", *options[:-1], "--print-status", "0").code == 0
    assert len(path.read_text().splitlines()) == 2
