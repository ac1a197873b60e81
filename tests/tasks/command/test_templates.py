from __future__ import annotations

import pytest

from tasks.command.scaffold import FOLDER, SUFFIX, fill

TEXT = """first {{name}}
{% if more %}
more of {{name}}
{% else %}
no more
{% end %}
{% if other %}
other
{% end %}
a{% if more %}, b{% else %}, c{% end %}
"""


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([], "first x\nno more\na, c\n"),
        (["more"], "first x\nmore of x\na, b\n"),
        (["other"], "first x\nno more\nother\na, c\n"),
        (["more", "other"], "first x\nmore of x\nother\na, b\n"),
    ],
)
def test_fill(parts: list[str], expected: str) -> None:
    assert fill(TEXT, parts, {"name": "x"}) == expected


def test_values_are_known() -> None:
    with pytest.raises(KeyError):
        fill("{{nmae}}", [], {"name": "x"})
    assert fill("${{ github.ref }} {x}", [], {}) == "${{ github.ref }} {x}"


def test_no_tool_takes_a_template_for_code() -> None:
    files = [path for path in FOLDER.rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if path.suffix != SUFFIX] == []
