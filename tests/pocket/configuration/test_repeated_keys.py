"""Keys that a dictionary has twice: they are found by the syntax, and named once with file and line."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocket.base.runtime.remarks import remark
from pocket.configuration.repeated_keys import repeated_keys, warn_of_repeated_keys

KEYS = st.one_of(st.text("ab", max_size=2), st.integers(0, 3), st.booleans(), st.none())


@given(st.lists(KEYS, max_size=8))
def test_each_later_entry_of_a_key_is_found(keys: list[object]) -> None:
    source = "{" + "\n".join(f"{key!r}: f(1)," for key in keys) + "}"
    # 1 and True are one key of a dictionary, but nobody writes one for the other.
    expected = [
        (number + 1, key)
        for number, key in enumerate(keys)
        if any(type(key) is type(before) and key == before for before in keys[:number])
    ]
    assert list(repeated_keys(source)) == expected


def test_other_dictionaries_and_computed_keys() -> None:
    assert list(repeated_keys('{"a": {"a": 1}, "b": {"a": 2}, **other, name: 1, name: 2}')) == []


def test_file_and_line_are_named_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    remark.cache_clear()
    file = tmp_path / "config.py"
    file.write_text('variables = {\n    "mll": 1,\n    "pt": 2,\n    "mll": 3,\n}\n')
    module = ModuleType("repeated_example")
    module.__file__ = str(file)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            warn_of_repeated_keys([module.__name__, "sys", "not.there"])
    assert caplog.messages == [f"{file}:4: key 'mll' is in this table before, whose value there is lost"]
