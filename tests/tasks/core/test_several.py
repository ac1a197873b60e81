from __future__ import annotations

import re

import pytest

from pocket.errors import PocketError
from tasks.chain.coupling import IterateScaleFactors
from tests.tasks.small_chain import Chain, run_here, unfinished

pytestmark = pytest.mark.slow


def break_main(chain: Chain, *, lazily: bool) -> None:
    """Misspell a weight of ``main``, which a function makes or the analysis itself."""
    chain.edit("__init__.py", 'configure(spectra, columns=[ColOut("MuonGood", ["pt"])]),', "MAIN,")
    wrong = "configure(spectra, WRONG)"
    chain.edit("__init__.py", "MAIN", f"lambda: {wrong}" if lazily else wrong)
    chain.edit("__init__.py", "sf_tight_id = ", 'WRONG = "lumy"\nsf_tight_id = ')


def test_all_scale_factors(chain: Chain) -> None:
    for task in ("PlotScaleFactors", "ValidateScaleFactors", "ComputeScaleFactors"):
        status = chain.ask(task, "--print-status", "0")
        assert status.code == 0
        assert status.text.startswith(f"{task} tight_id ")
    run = chain.run("PlotScaleFactors", "--scale-factor", "tight*")
    assert (run.code, run.executed) == (0, ["PlotScaleFactors"])
    nothing = chain.ask(IterateScaleFactors.task_family)
    assert (nothing.code, nothing.errors) == (40, ["analysis 'small' has no scale factor for IterateScaleFactors"])


def test_several_configurations(chain: Chain) -> None:
    status = chain.ask("PlotTemplates", "--config", "main,corr*", "--variables", "n*", "--print-status", "0")
    assert status.text.splitlines() == [
        "PlotTemplates main, corrected  would run",
        "├─ PlotTemplates main          would run  no output yet",
        "└─ PlotTemplates corrected     complete",
        "",
        "3 tasks: 1 complete, 2 would run",
    ]
    run = chain.run("PlotTemplates", "--config", "main,corr*", "--variables", "n*")
    assert run.code == 0
    assert run.executed[:1] == ["PlotTemplates"]
    assert {path.name.rpartition(".")[0] for path in chain.output("PlotTemplates", "main").rglob("*.png")} == {"npvs"}
    assert "complete" in chain.ask("PlotTemplates", "--config", "*", "--print-status", "0").text
    removed = chain.ask("PlotTemplates", "--config", "main,corrected", "--remove-output", "0,a")
    assert removed.code == 0
    assert chain.outputs("PlotTemplates") == []
    unknown = chain.ask("MergeOutputs", "--config", "main,corected")
    assert (unknown.code, unknown.text) == (
        40,
        "error: unknown configuration 'corected' in analysis 'small', did you mean 'corrected'?\n",
    )


REASON = r"unknown weight 'lumy' in weights\.common\.inclusive, did you mean 'lumi'\? \(in .+\)"


@pytest.mark.parametrize("lazily", [True, False])
def test_a_broken_configuration_does_not_block_the_others(
    on_files: Chain, lazily: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    break_main(on_files, lazily=lazily)
    run_here(on_files.wanted("MergeOutputs", "--config", "probes"))
    alone = capsys.readouterr().err
    assert re.search(rf"^warning: configuration 'main' can't be used, others can: {REASON}$", alone, re.MULTILINE)
    assert on_files.outputs("MergeOutputs", "probes")
    both = on_files.wanted("MergeOutputs", "--config", "probes,main")
    text = capsys.readouterr().err
    assert re.search(rf"^warning: a MergeOutputs is left out: configuration 'main': {REASON}$", text, re.MULTILINE)
    # All that could be made is there, and yet it isn't complete.
    assert all(task.complete() for task in both.tasks)
    assert not both.complete()
    with pytest.raises(PocketError, match=f"^configuration 'main': {REASON}$"):
        both.run()
    needed = on_files.ask("MergeOutputs", "--config", "main")
    assert needed.code == 40
    assert re.fullmatch(rf"error: configuration 'main': {REASON}\n", needed.text)
    assert unfinished(on_files.store) == []


def test_a_command_makes_what_it_can_and_then_fails(on_files: Chain) -> None:
    break_main(on_files, lazily=True)
    both = on_files.run("MergeOutputs", "--config", "probes,main")
    assert both.code == 30
    assert on_files.outputs("MergeOutputs", "probes")
    assert re.search(rf"^warning: a MergeOutputs is left out: configuration 'main': {REASON}$", both.text, re.MULTILINE)
    assert re.search(rf"^error: configuration 'main': {REASON}$", both.text, re.MULTILINE)
    assert unfinished(on_files.store) == []


def test_an_error_in_a_cut_names_the_configuration(on_files: Chain) -> None:
    on_files.edit("cuts.py", "events.MuonGood.pt", "events.MuonGood.pfRelIso04_al")
    error = on_files.error(config="main")
    place = r"cut 'leading_muon' at \S*small/cuts\.py:15 in leading_muon"
    assert re.match(f"configuration 'main': {place}: no branch for field 'pfRelIso04_al' in ", error)


def test_unknown_analysis(on_files: Chain) -> None:
    run = on_files.ask("PlotTemplates", "--analysis", "zmum")
    assert (run.code, run.text.startswith("error: unknown analysis 'zmum', did you mean 'zmumu'")) == (2, True)
