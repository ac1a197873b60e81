from __future__ import annotations

import json
import pickle
import re
from pathlib import Path
from typing import Any

import awkward as ak
import correctionlib
import numpy as np
import pytest

from pocket.base.runtime.user_code import EventRange, UserCall
from pocket.configuration.user_errors import describe, explain, explain_death, explaining, one_sentence
from pocket.corrections.evaluation import evaluate
from pocket.corrections.files import load_correction
from pocket.cuts.cut import Cut
from pocket.engine.masks import evaluator
from pocket.engine.reading import reading
from pocket.errors import BadFileError, ConfigError, HistogramError, PocketError, UnknownNameError, UserCodeError
from pocket.io.remote.tokens import redacted

HERE = "tests/pocket/configuration/test_user_errors.py"


def fails(function: Any) -> UserCodeError | None:
    """Return what is said of the exception of a function that the engine calls."""
    try:
        with EventRange("DY", 0, 40), UserCall("weight", "mine"):
            function()
    except Exception as error:
        return explain(error, "a.root")
    raise AssertionError("it didn't fail")


def divide() -> None:
    """Raise."""
    1 / 0  # noqa: B018


@pytest.fixture
def corrections(tmp_path: Path) -> str:
    inputs = [{"name": "pt", "type": "real"}, {"name": "systematic", "type": "string"}]
    content = {"name": "muon_id", "version": 1, "inputs": inputs, "output": {"name": "w", "type": "real"}, "data": 1.0}
    path = tmp_path / "sf.json"
    path.write_text(json.dumps({"schema_version": 2, "corrections": [content]}))
    return str(path)


def test_sentence() -> None:
    error = fails(divide)
    pattern = (
        rf"weight 'mine' failed in {HERE}:\d+ \(divide\): ZeroDivisionError: division by zero, on DY, entries 0:40 of "
        r"file a\.root"
    )
    assert re.fullmatch(pattern, str(error))
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_innermost_line_of_the_user_where_a_library_raises() -> None:
    sentence = str(fails(lambda: ak.Array([1, 2]) + ak.Array([1, 2, 3])))
    assert re.match(
        rf"weight 'mine' failed in {HERE}:\d+ \(test_\w+\.<lambda>\): ValueError: cannot broadcast", sentence
    )
    assert "\n" not in sentence


def test_line_of_ours_without_one_of_the_user() -> None:
    cut = Cut("mine", {}, np.add)
    with pytest.raises(TypeError) as caught:
        evaluator(np.ones(3), {}, {"year": "2018", "sample": "DY", "isMC": True})(cut)
    error = caught.value
    # without the frame of this test, which the engine's caller has not
    error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
    assert re.match(r"cut 'mine' failed in pocket/cuts/cut\.py:\d+ \(Cut\.get_mask\): TypeError: ", str(explain(error)))


def without_kwargs(events: Any, params: Any) -> Any:
    """Return a mask, as a cut can't be called."""
    return events > 0


def test_function_that_does_not_take_what_it_is_called_with() -> None:
    with pytest.raises(TypeError) as caught:
        evaluator(np.ones(3), {}, {"year": "2018", "sample": "DY", "isMC": True})(Cut("mine", {}, without_kwargs))
    error = caught.value
    # without the frame of this test, which the engine's caller has not
    error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
    line = without_kwargs.__code__.co_firstlineno
    assert re.match(
        rf"cut 'mine' failed in {HERE}:{line} \(without_kwargs\): TypeError: without_kwargs\(\) got an unexpected "
        r"keyword argument 'processor_params' \(the engine passes it: end the parameters with \*\*kwargs\)$",
        str(explain(error)),
    )


class Workflow:
    def count_objects(self) -> None:
        """Do nothing, without the name of a variation."""


def test_method_that_does_not_take_what_it_is_called_with() -> None:
    with pytest.raises(TypeError) as caught, UserCall("workflow", "Workflow", Workflow):
        Workflow().count_objects("nominal")  # type: ignore[call-arg]
    error = caught.value
    error.__traceback__ = None
    line = Workflow.count_objects.__code__.co_firstlineno
    assert re.match(
        rf"workflow 'Workflow' failed in {HERE}:{line} \(Workflow.count_objects\): TypeError: Workflow.count_objects"
        r"\(\) takes 1 positional argument but 2 were given$",
        str(explain(error)),
    )


def test_mistake_of_ours_is_none_of_the_user() -> None:
    assert explain(ValueError("never raised")) is None


@pytest.mark.parametrize(
    ("use", "hint"),
    [
        (
            lambda file: correctionlib.CorrectionSet.from_file(file)["muon_idd"],
            "IndexError: map::at (there is no correction 'muon_idd' in the file, did you mean 'muon_id'?)",
        ),
        (
            lambda file: load_correction(file, "muon_id").evaluate(1.0),
            "(correction 'muon_id' has the inputs pt (real), systematic (string))",
        ),
        (
            lambda file: load_correction(file, "muon_id").evaluate(np.ones(2), np.ones(2)),
            "(correction 'muon_id' has the inputs pt (real), systematic (string))",
        ),
    ],
)
def test_corrections(corrections: str, use: Any, hint: str) -> None:
    assert hint in str(fails(lambda: use(corrections)))


def test_corrections_of_this_package(corrections: str) -> None:
    with pytest.raises(
        UnknownNameError, match=r"^unknown correction 'muon_idd' in sf\.json, did you mean 'muon_id'\?$"
    ):
        load_correction(corrections, "muon_idd")
    with pytest.raises(
        ConfigError, match=r"needs the input 'systematic'; given: pt; it has the inputs pt \(real\), sys"
    ):
        evaluate(corrections, "muon_id", {"pt": np.ones(2)})
    with pytest.raises(ConfigError, match=r"muon_id' of sf\.json: .*; it has the inputs pt \(real\), systematic \(str"):
        evaluate(corrections, "muon_id", {"pt": "high", "systematic": "up"})


def test_traceback_is_written_and_removed(tmp_path: Path) -> None:
    log = tmp_path / "folder" / ".log.txt"
    with pytest.raises(UserCodeError, match=rf"by zero; the traceback is in {log}$"), one_sentence(log):
        divide()
    text = log.read_text()
    assert "ZeroDivisionError" in text
    assert "line" in text
    assert [path.name for path in log.parent.iterdir()] == [log.name]
    with one_sentence(log):
        pass
    assert not log.exists()


def test_traceback_that_has_no_place(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserCodeError, match=r"division by zero$"), one_sentence(tmp_path / "file" / "log.txt"):
        divide()


def test_traceback_is_in_the_log_of_a_job_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("POCKET_HOST_KIND", "htcondor")
    with pytest.raises(UserCodeError, match=r"log\.txt and in the log of the job$"), one_sentence(tmp_path / "log.txt"):
        divide()
    assert "Traceback (most recent call last)" in caplog.text


def test_text_of_an_exception() -> None:
    assert describe(KeyError("a")) == "KeyError: 'a'"
    assert describe(ValueError()) == "ValueError"
    assert describe(ValueError("one\ntwo\n\nmore")) == "ValueError: one two"
    assert describe(ValueError("x" * 1000)) == f"ValueError: {'x' * 300} …"
    url = "root://host//a.root?authz=Bearer%20SECRET"
    assert describe(OSError(url)) == f"OSError: {redacted(url)}"


def test_line_where_a_library_crashed(tmp_path: Path) -> None:
    trace = tmp_path / "stack.txt"
    stack = f'Thread 1:\n  File "/a.py", line 1 in a\nCurrent thread 2:\n  File "{np.__file__}", line 3 in b\n'
    trace.write_text(f'{stack}  File "/mine/cuts.py", line 7 in dimuon\n')
    crashed = "was ended by SIGSEGV: a library crashed"
    place = f" that /mine/cuts.py:7 (dimuon) called (the stack is in {trace}), e.g."
    assert explain_death(-11, trace).startswith(f"{crashed}{place}")
    trace.write_text(stack)
    assert explain_death(-11, trace).startswith(f"{crashed} (the stack is in {trace}), e.g.")
    trace.write_text("")
    assert explain_death(-11, trace).startswith(f"{crashed}, e.g.")
    assert explain_death(-77, trace).startswith("was ended by signal 77: ")


def test_keys_of_the_table_that_lacks_one() -> None:
    params = {"pt": 26.0, "eta": 2.4}
    assert "KeyError: 'ptt' (params has no 'ptt', did you mean 'pt'?), on DY" in str(fails(lambda: params["ptt"]))
    assert "KeyError: 'mass' (params has pt, eta), on DY" in str(fails(lambda: params["mass"]))
    assert "KeyError: 'pt' (nothing has no keys), on DY" in str(fails(lambda nothing={}: nothing["pt"]))
    # a table that has no name, and one whose key isn't what lacks
    assert "KeyError: 'pt', on DY" in str(fails(lambda: {}["pt"]))
    assert "KeyError: 'pt', on DY" in str(fails(lambda: {params["pt"]: 1}.pop("pt")))


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ConfigError("no key"), "no key (cut 'dimuon', DY, entries 0:40 of file a.root)"),
        (ConfigError("cut 'dimuon' is wrong"), "cut 'dimuon' is wrong (DY, entries 0:40 of file a.root)"),
        (HistogramError("1 value is NaN"), "1 value is NaN (cut 'dimuon', DY, entries 0:40 of file a.root)"),
        (BadFileError("a.root can't be read"), "a.root can't be read"),
    ],
)
def test_errors_that_are_one_sentence_get_their_place_once(error: PocketError, sentence: str) -> None:
    # The notes of the engine, which names no line of this file.
    with (
        pytest.raises(type(error)),
        explaining(),
        explaining(),
        reading("a.root"),
        EventRange("DY", 0, 40),
        UserCall("cut", "dimuon"),
    ):
        raise error
    assert re.sub(r"[^ (]+test_user_errors\.py:\d+, ", "", str(error)) == sentence
