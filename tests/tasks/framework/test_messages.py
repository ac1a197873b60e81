from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable
from typing import Any

import pytest
from luigi.parameter import MissingParameterException

from pocket.errors import ConfigError
from tasks.chain.merging import MergeOutputs
from tasks.chain.plotting import PlotScaleFactors, PlotTemplates
from tasks.chain.scale_factors import ComputeScaleFactors
from tasks.core.terminal import OneSentence, one_sentence_errors, print_note
from tasks.framework.base import StoreTask
from tests.tasks.small_chain import Chain, unfinished

pytestmark = pytest.mark.slow

SENTENCE = "unknown cut 'a', did you mean 'b'?"


def record(message: str, error: BaseException | None = None) -> logging.LogRecord:
    info = (type(error), error, None) if error else None
    return logging.LogRecord("luigi-interface", logging.ERROR, "", 0, message, (), info)


@pytest.mark.parametrize("error", [ConfigError(SENTENCE), MissingParameterException(SENTENCE)])
def test_errors_meant_for_people_lose_their_traceback(error: Exception) -> None:
    shortened = record("task failed\nmore", error)
    assert OneSentence().filter(shortened)
    assert logging.Formatter().format(shortened) == f"task failed\nerror: {SENTENCE}"


def test_traceback_within_the_text() -> None:
    text = f"Will not run X\nTraceback (most recent call last):\n  File …\npocket.errors.ConfigError: {SENTENCE}\n"
    shortened = record(text)
    assert OneSentence().filter(shortened)
    assert shortened.getMessage() == f"Will not run X\nerror: {SENTENCE}"


def test_other_errors_keep_theirs() -> None:
    kept = record("task failed", ValueError("a bug"))
    assert OneSentence().filter(kept)
    assert kept.exc_info is not None
    assert kept.getMessage() == "task failed"


def test_tokens_are_taken_out() -> None:
    url = "root://host//a.root?authz=Bearer%20"
    try:
        raise OSError(f"{url}SECRET is no file")
    except OSError as error:
        kept = record(f"task with {url}SECRET failed")
        kept.exc_info = (OSError, error, error.__traceback__)
    assert OneSentence().filter(kept)
    text = logging.Formatter().format(kept)
    assert "SECRET" not in text.replace('f"{url}SECRET is no file"', "")
    assert "OSError: root://host//a.root?authz=… is no file" in text


def test_errors_that_nobody_catches(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "excepthook", None)
    one_sentence_errors()
    sys.excepthook(ConfigError, ConfigError(SENTENCE), None)
    assert capsys.readouterr().err == f"error: {SENTENCE}\n"
    sys.excepthook(ValueError, ValueError("a bug"), None)
    assert capsys.readouterr().err == "ValueError: a bug\n"
    found = logging.getLogger("luigi-interface").filters
    assert len([known for known in found if isinstance(known, OneSentence)]) == 1


@pytest.mark.parametrize(
    ("cls", "params", "sentence"),
    [
        (PlotTemplates, {"config": "mian"}, "configuration 'mian' in analysis 'small', did you mean 'main'"),
        (PlotTemplates, {"compare": "mian"}, "configuration 'mian' in analysis 'small', did you mean 'main'"),
        (PlotTemplates, {"variables": ("npv",)}, "variable 'npv' in configuration 'corrected', did you mean 'npvs'"),
        (
            PlotTemplates,
            {"categories": ("base",)},
            "category 'base' in configuration 'corrected', did you mean 'ba",
        ),
        (PlotTemplates, {"analysis": "zmum"}, "unknown analysis 'zmum', did you mean 'zmumu'"),
        (PlotTemplates, {"analysis": "/no/folder"}, "analysis '/no/folder' is no folder of a Python package"),
        (PlotTemplates, {"version": "a/b"}, "version 'a/b' can't be part of a path in the store: use up to 128 lett"),
        (
            MergeOutputs,
            {"config": "main", "events_per_branch": 0},
            "events per branch is 0, expected at least 1",
        ),
        (MergeOutputs, {"config": "main", "threads": 0}, "--threads is 0, expected 1 or more"),
        (MergeOutputs, {"config": "main", "chunk_size": 0}, "the chunk size must be positive, not 0"),
        (PlotTemplates, {"params": ("leading_muon.ptt=3",)}, "'ptt' in leading_muon (--params leading_muon.ptt), did"),
        (PlotTemplates, {"params": ("leading_muon.pt=high",)}, "leading_muon.pt is a number, not a string"),
        (
            PlotTemplates,
            {"params": ("plotting_style.colors_mc.DYJetsToMuMu=ornage",)},
            "plotting_style.colors_mc.DYJetsToMuMu: 'ornage' is not a colour",
        ),
        (
            PlotScaleFactors,
            {"scale_factor": "tight_id", "params": ("plotting_style.formats=[pgn]",)},
            "unknown format 'pgn' in plotting_style.formats, did you mean 'png'",
        ),
        (PlotTemplates, {"params": ("leading_muon.pt",)}, "--params takes key=value, e.g. object_preselection.Muon.pt"),
        (ComputeScaleFactors, {"scale_factor": "tight"}, "scale factor 'tight' in analysis 'small', did you mean 'ti"),
    ],
)
def test_wrong_value(on_files: Chain, cls: type[StoreTask], params: dict[str, Any], sentence: str) -> None:
    assert sentence in on_files.error(cls, **params)
    assert unfinished(on_files.store) == []


def break_sample(chain: Chain) -> None:
    chain.edit("__init__.py", 'data=("DATA_SingleMuon",)', 'data=("DATA_SingleMoun",)')


def break_weight(chain: Chain) -> None:
    chain.edit("__init__.py", '"lumi", "XS"', '"lumi", "XSS"')


def break_key(chain: Chain) -> None:
    chain.edit("parameters.yaml", "    pt: 10.0", "    ptt: 10.0")


def break_cut(chain: Chain) -> None:
    chain.edit("cuts.py", "events.MuonGood.pt", "events.MuonGood.pfRelIso04_al")


def break_axis(chain: Chain) -> None:
    chain.edit("__init__.py", 'field="npvsGood"', 'field="npvGood"')


def remove_files(chain: Chain) -> None:
    chain.define({"globs": ["dy/*.root"]})


def make_cycle(chain: Chain) -> None:
    probes = '{"probes": HistConf([tight, muon_pt])}'
    chain.edit("__init__.py", probes, f"{probes}, sf_tight_id")


def make_nan(chain: Chain) -> None:
    count = '        self.events["nMuonGood"]'
    spoil = '        self.events["PV", "bad"] = self.events.PV.npvsGood * float("nan")'
    chain.edit("__init__.py", count, f"{spoil}\n{count}")
    chain.edit("__init__.py", 'field="npvsGood"', 'field="bad"')


@pytest.mark.parametrize(
    ("spoil", "parts"),
    [
        (break_sample, ["unknown sample 'DATA_SingleMoun' in scale factor 'tight_id', did you mean 'DATA_SingleMuon'"]),
        (break_weight, ["unknown weight 'XSS' in weights.common.inclusive, did you mean 'XS'"]),
        (
            break_key,
            ["key 'object_preselection.Muon.ptt'", "parameters.yaml, did you mean 'object_preselection.Muon"],
        ),
        (
            break_cut,
            ["'pfRelIso04_al'", "small/dy_0.root", "cuts.py:15 in leading_muon: no", "branches: Muon_pf"],
        ),
        (
            break_axis,
            ["histogram 'npvs'", "no field 'npvGood' in collection 'PV', nearest: npvsGood", "dy_0.root"],
        ),
        (make_cycle, ["analysis 'small'", "depend on each other", "coupled=[('tight_id',)]"]),
        (make_nan, ["histogram 'npvs': axis 'PV_bad': ", " values are NaN"]),
    ],
)
def test_wrong_analysis(on_files: Chain, spoil: Callable[[Chain], None], parts: list[str]) -> None:
    spoil(on_files)
    sentence = on_files.error(MergeOutputs, config="main")
    assert [part for part in parts if part not in sentence] == [], sentence
    assert unfinished(on_files.store) == []


@pytest.mark.parametrize(
    ("spoil", "options", "code", "sentence"),
    [
        # while tasks are made, scheduled, and run in another process
        (make_cycle, (), 40, "analysis 'small': scale factors depend on each other, .*"),
        (remove_files, (), 35, r"dataset 'DYJetsToMuMu_toys' in .*small/datasets.json: no file matches 'dy.*' .*"),
        (break_cut, ("--cores", "2"), 30, r".* 'pfRelIso04_al' in .*small/\w+.root .*; nearest branches: Muon_pf.*"),
    ],
)
def test_as_a_user_sees_it(
    on_files: Chain, spoil: Callable[[Chain], None], options: tuple[str, ...], code: int, sentence: str
) -> None:
    spoil(on_files)
    run = on_files.run("MergeOutputs", "--config", "main", *options)
    assert run.code == code
    (error,) = run.errors
    assert re.fullmatch(sentence, error)
    assert "Traceback" not in run.text
    assert unfinished(on_files.store) == []


def test_parameter_that_is_missing_or_unknown(on_files: Chain) -> None:
    missing = on_files.law.run("PlotTemplates")
    sentence = "PlotTemplates needs --version, the name of this version of the outputs, e.g. --version v1"
    assert (missing.code, missing.text) == (2, f"error: {sentence}\n")
    refused = on_files.ask("PlotTemplates", "--version", "my version", "--analysis", "nowhere")
    assert refused.code == 2
    assert re.fullmatch(
        "error: option --version of PlotTemplates: version 'my version' .*, e.g. my_version\n", refused.text
    )
    unknown = on_files.ask("PlotTemplates", "--varables", "npvs")
    assert unknown.code == 2
    assert re.fullmatch(
        "error: unknown option '--varables' in PlotTemplates, did you mean '--variables'.*\n", unknown.text
    )
    assert "Traceback" not in missing.text
    assert not on_files.store.exists()


def test_note_of_what_simulation_lacks(on_files: Chain, capsys: pytest.CaptureFixture[str]) -> None:
    print_note.cache_clear()
    on_files.build(MergeOutputs, config="main")
    assert "note:" not in capsys.readouterr().err
    on_files.edit("__init__.py", '["genWeight", "lumi", "XS", *weights]', '["genWeight", "XS", *weights]')
    on_files.build(MergeOutputs, config="main")
    notes = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note:")]
    sentence = "configuration 'main': lumi not applied to DYJetsToMuMu: yields are cross sections in pb"
    assert notes == [f"note: {sentence}"]
