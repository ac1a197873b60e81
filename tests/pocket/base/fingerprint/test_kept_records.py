from __future__ import annotations

import functools
import json
import os
from pathlib import Path

import correctionlib.schemav2 as schema
import pytest

from pocket.base.fingerprint.kept_records import functions_of_the_user, may_call
from pocket.base.fingerprint.reads import EARLIER, recording_reads
from pocket.corrections.files import load_correction
from pocket.parameters.used_files import EARLIER as USED
from pocket.parameters.used_files import recording_files


class Whose:
    """Somebody with code."""


@functools.cache
def kept(path: Path) -> str:
    return path.read_text()


def calls_kept(path: Path) -> str:
    return kept(path)


@functools.cache
def kept_correction(path: Path) -> object:
    return load_correction(str(path), "sf")


@functools.cache
def kept_variable() -> str | None:
    return os.environ.get("KEPT_VARIABLE")


@pytest.mark.parametrize(
    ("names", "counts"), [({"calls_kept"}, True), ({"kept"}, True), ({"other"}, False), (set(), False), (None, True)]
)
def test_what_was_read_earlier_counts_for_code_that_may_call_it(
    tmp_path: Path, names: set[str] | None, counts: bool
) -> None:
    (tmp_path / "a.txt").write_text("3")
    whose = Whose()
    with recording_reads(whose, {"kept"}) as first:
        calls_kept(tmp_path / "a.txt")
    with recording_reads(whose, names) as second:
        calls_kept(tmp_path / "a.txt")
    assert list(first.checksums()) == [str(tmp_path / "a.txt")]
    assert second.checksums() == (first.checksums() if counts else {})
    with recording_reads(Whose()) as another:
        pass
    assert another.checksums() == {}


def test_it_is_out_of_date_once_a_file_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("3")
    whose = Whose()
    assert not EARLIER.is_out_of_date(whose)
    with recording_reads(whose):
        calls_kept(path)
    assert not EARLIER.is_out_of_date(whose)
    path.write_text("44")
    assert EARLIER.is_out_of_date(whose)
    path.unlink()
    assert EARLIER.is_out_of_date(whose)


def test_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT_VARIABLE", "3")
    whose = Whose()
    for _ in range(2):
        with recording_reads(whose) as reads:
            kept_variable()
        assert list(reads.variable_digests()) == ["KEPT_VARIABLE"]
    monkeypatch.setenv("KEPT_VARIABLE", "4")
    assert EARLIER.is_out_of_date(whose)


def test_corrections(tmp_path: Path) -> None:
    path = tmp_path / "sf.json"
    correction = schema.Correction(
        name="sf",
        version=1,
        inputs=[],
        output=schema.Variable(name="sf", type="real"),
        data=schema.Formula(nodetype="formula", expression="1", parser="TFormula", variables=[]),
    )
    path.write_text(schema.CorrectionSet(schema_version=2, corrections=[correction]).model_dump_json())
    whose = Whose()
    for _ in range(2):
        with recording_files(whose, {"kept_correction"}) as used:
            kept_correction(path)
        assert list(used.checksums()) == [str(path)]
    # the engine itself keeps nothing
    with recording_files(whose, {"unrelated"}) as used:
        pass
    assert dict(used) == {}
    assert not USED.is_out_of_date(whose)
    path.write_text(json.dumps({**json.loads(path.read_text()), "description": "changed"}))
    assert USED.is_out_of_date(whose)


def test_names_of_functions() -> None:
    assert {"test_names_of_functions"} <= functions_of_the_user()
    assert may_call({"a"}, {"a", "b"})
    assert not may_call({"a"}, {"b", "<lambda>"})
    # nobody knows who calls what has no name
    assert may_call({"a"}, {"<lambda>"})
    assert not may_call({"a"}, ())
