from __future__ import annotations

import ast
from pathlib import Path

import pytest

from pocket.compat.source_edits import Source, from_import
from pocket.errors import ConfigError


def statement(source: Source, number: int) -> ast.Import | ast.ImportFrom:
    node = source.tree.body[number]
    assert isinstance(node, ast.Import | ast.ImportFrom)
    return node


def call(text: str) -> tuple[Source, ast.Call]:
    source = Source.of(text)
    return source, next(node for node in ast.walk(source.tree) if isinstance(node, ast.Call))


def test_comments_and_formatting_stay() -> None:
    text = "# μ first\nimport a  # one\n\nif True:\n    import b\n\nx = {  'a' :1}  # two\n"
    source = Source.of(text)
    inner = source.tree.body[1].body[0]  # type: ignore[attr-defined]
    source.replace_import(statement(source, 0), ["from . import a"])
    source.replace_import(inner, ["from c import d", "from e import f  # why"])
    assert source.result() == (
        "# μ first\nfrom . import a  # one\n\nif True:\n    from c import d\n    from e import f  # why\n\n"
        "x = {  'a' :1}  # two\n"
    )


def test_comments_inside_of_a_statement_stay_above_it() -> None:
    source = Source.of("from a import (\n    b,  # the b\n    c,\n)\n")
    source.replace_import(statement(source, 0), ["from d import b, c"])
    assert source.result() == "# the b\nfrom d import b, c\n"


def test_statements_that_share_a_line() -> None:
    source = Source.of("import a; import b\n")
    source.replace_import(statement(source, 0), ["from c import a", "from d import e  # no place for it"])
    source.replace_import(statement(source, 1), [])
    assert source.result() == "from c import a; from d import e; pass\n"


def test_removed_statements() -> None:
    text = "# mine\n# for cloudpickle\nimport cloudpickle\nx = 1\ntry:\n    import b\nexcept ImportError:\n    x = 2\n"
    source = Source.of(text)
    source.remove(source.tree.body[0])
    source.remove(source.tree.body[2].body[0])  # type: ignore[attr-defined]
    assert source.result() == "# mine\nx = 1\ntry:\n    pass\nexcept ImportError:\n    x = 2\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f()", "f(x=1)"),
        ("f(a, b=2)", "f(a, b=2, x=1)"),
        ("f(a, b=(2))", "f(a, b=(2), x=1)"),
        ("f(\n    a,\n    b=2,\n)", "f(\n    a,\n    b=2,\n    x=1,\n)"),
        ("f(**a)", "f(**a, x=1)"),
        ("f(\n    a,  # (one)\n    # b=g(2),\n)", "f(\n    a,\n    x=1,  # (one)\n    # b=g(2),\n)"),
    ],
)
def test_added_arguments(text: str, expected: str) -> None:
    source, node = call(text)
    source.add_argument(node, "x=1")
    assert source.result() == expected


def test_an_import_is_inserted_before_all_others() -> None:
    source = Source.of('"""Doc."""\n\nfrom __future__ import annotations\n\nimport a\n')
    source.insert_import("import os")
    assert source.result() == '"""Doc."""\n\nfrom __future__ import annotations\n\nimport os\nimport a\n'


def test_long_imports_are_wrapped() -> None:
    names = [(f"name_{number:02}", f"name_{number:02}") for number in range(20)]
    text = from_import("pocket", names, "why")
    assert text.startswith("from pocket import (\n    name_00, ")
    assert text.endswith(",\n)  # why")
    assert len(ast.parse(text).body[0].names) == 20  # type: ignore[attr-defined]


def test_a_file_that_isnt_python(tmp_path: Path) -> None:
    path = tmp_path / "config.py"
    path.write_text("cfg = (\n")
    with pytest.raises(ConfigError, match=r"config.py can't be parsed"):
        Source(path)
