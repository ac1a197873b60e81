from __future__ import annotations

import ast
import random
from dataclasses import dataclass, replace
from pathlib import Path
from types import FunctionType

from hypothesis import given, settings
from hypothesis import strategies as st

from pocket.base.fingerprint import digest
from pocket.base.fingerprint.normal_form import Module, normalise
from pocket.base.fingerprint.syntax import function_form
from tests.entries import check_each
from tests.pocket.base.fingerprint.sources import digest_in, loaded

WORDS = ("x", "y", "1", "1.0", "2", "'a'", "b'a'", "None")
OPERATORS = ("+", "-", "*", "<", "and")
CALLEES = ("first", "second")
HELPERS = "def first(x): return x + 1\ndef second(x): return x + 2\n"


def tree_digest(tree: ast.AST) -> str:
    """Digest of a file's syntax tree, without what decides no number."""
    return normalise(tree, Module.of(tree)).normal


@dataclass(frozen=True)
class Term:
    """An expression: a constant or name, or an operator between two terms inside a call."""

    word: str
    operands: tuple[Term, ...] = ()
    callee: str = ""

    def write(self, style: random.Random | None = None) -> str:
        """Return the expression, with random parentheses, spaces, line breaks and comments."""

        def space() -> str:
            return style.choice(["", "  ", "\n    ", "  # a comment\n "]) if style else " "

        if not self.operands:
            return f"({space()}{self.word}{space()})" if style and style.random() < 0.5 else self.word
        left, right = (operand.write(style) for operand in self.operands)
        return f"{self.callee}(({left} {space()}{self.word} {space()}{right}){space()})"

    def size(self) -> int:
        return 1 + sum(operand.size() for operand in self.operands)

    def changed(self, position: int, what: str) -> Term:
        """Return the expression with one constant, operator or callee changed."""
        if position > 0:
            position -= 1
            operands = list(self.operands)
            for index, operand in enumerate(operands):
                if position < operand.size():
                    operands[index] = operand.changed(position, what)
                    return replace(self, operands=tuple(operands))
                position -= operand.size()
        if not self.operands:
            return replace(self, word=WORDS[(WORDS.index(self.word) + 1) % len(WORDS)])
        if what == "callee":
            return replace(self, callee=CALLEES[1 - CALLEES.index(self.callee)])
        return replace(self, word=OPERATORS[(OPERATORS.index(self.word) + 1) % len(OPERATORS)])


TERMS = st.recursive(
    st.sampled_from(WORDS).map(Term),
    lambda inner: st.builds(Term, st.sampled_from(OPERATORS), st.tuples(inner, inner), callee=st.sampled_from(CALLEES)),
    max_leaves=6,
)


def function(term: Term, style: random.Random | None = None) -> str:
    expression = f"(\n{term.write(style)}\n)"
    if style is None:
        return f"{HELPERS}def cut(x, y):\n    return {expression}\n"
    return (
        f'{HELPERS}\n# a comment\n\ndef cut(x: int, y: "float", # first\n  ) -> object:\n'
        f'  """A docstring."""\n\n  # why\n  pass\n  return   {expression}  # what\n'
    )


@settings(max_examples=40)
@given(TERMS, st.integers(0, 1000))
def test_formatting_comments_docstrings_and_annotations_do_not_count(term: Term, seed: int) -> None:
    assert digest_in("cut", function(term)) == digest_in("cut", function(term, random.Random(seed)))


@settings(max_examples=40)
@given(TERMS, st.data())
def test_constants_operators_and_callees_count(term: Term, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, term.size() - 1))
    other = term.changed(position, data.draw(st.sampled_from(["callee", "operator"])))
    assert digest_in("cut", function(term)) != digest_in("cut", function(other))


@check_each(
    ("one", "other", "same"),
    [
        ("x: int = 1", "x = 1", True),
        ("class A:\n x: int = 1", "class A:\n x = 1", False),
        ("class A:\n x: int", "class A:\n pass", False),
        ("def f():\n x: int\n return 1", "def f(): return 1", True),
        ("def f(x, /): ...", "def f(x): ...", False),
        ("def f(x, *, y=1): ...", "def f(x, y=1): ...", False),
        ("async def f(): ...", "def f(): ...", False),
        ("x = 1", "x = 1.0", False),
        ("x = True", "x = 1", False),
        ("x = 'a'", 'x = u"a"', True),
        ("x = 0x10", "x = 16", True),
        ("x = -1", "x = 1", False),
        ("a = b", "b = a", False),
        ("a(b, c)", "a(b)(c)", False),
        ("if a: b()\nelse: c()", "if a: b()\nc()", False),
        ("'a module docstring'\nx = 1", "x = 1", True),
        ("assert x", "assert x, 'why'", True),
    ],
)
def test_tree_digest(one: str, other: str, same: bool) -> None:
    assert (tree_digest(ast.parse(one)) == tree_digest(ast.parse(other))) == same


LAMBDAS = """
pair = [lambda x: x > 30, lambda x: x > 25]
swapped = [lambda x: x > 25, lambda x: x > 30]
branches = lambda x: x if x > 1 else -x, lambda x: x or None, lambda x: not x
constants = lambda: 1, lambda: 2
nested = lambda x: lambda y=x: lambda z: (x, y, z, 'e\u0301')
inner = nested(1); innermost = inner(2); other = (lambda x: lambda y=x: y)(1)
comprehension = [(lambda x, n=n: x > n) for n in (1, 2)], lambda x: [y for y in x if y]
wide = (lambda x: 'é' < x,
        lambda x: 'è' < x)
named_a = lambda x: x + 1
named_b = lambda x: x + 1
"""


def test_lambdas_on_one_line_are_told_apart() -> None:
    with loaded(LAMBDAS) as lib:

        def found(function: FunctionType) -> str | None:
            form = function_form(function.__code__)
            return form.normal if form else None

        def alone(source: str) -> str:
            return tree_digest(ast.parse(source, mode="eval").body)

        assert [found(function) for function in lib.pair] == [alone("lambda x: x > 30"), alone("lambda x: x > 25")]
        assert [found(function) for function in lib.swapped] == [found(function) for function in lib.pair[::-1]]
        sources = ("lambda x: x if x > 1 else -x", "lambda x: x or None", "lambda x: not x")
        assert [found(function) for function in lib.branches] == [alone(source) for source in sources]
        assert digest(lib.constants[0]) != digest(lib.constants[1])  # Python 3.12 has no columns for them
        assert found(lib.nested) == alone("lambda x: lambda y=x: lambda z: (x, y, z, 'e\u0301')")
        assert found(lib.inner) == alone("lambda y=x: lambda z: (x, y, z, 'e\u0301')")
        assert found(lib.innermost) == alone("lambda z: (x, y, z, 'e\u0301')")
        assert found(lib.other) == alone("lambda y=x: y")
        assert found(lib.comprehension[0][0]) == found(lib.comprehension[0][1]) == alone("lambda x, n=n: x > n")
        assert found(lib.comprehension[1]) == alone("lambda x: [y for y in x if y]")
        assert [found(function) for function in lib.wide] == [alone("lambda x: 'é' < x"), alone("lambda x: 'è' < x")]
        assert found(lib.named_a) == found(lib.named_b)


def test_source_edited_after_the_import_is_not_taken_for_the_code_that_runs() -> None:
    with loaded("def cut(x): return x > 30\ndef late(x): return x > 1\n") as lib:
        before = digest(lib.cut)
        Path(str(lib.__file__)).write_text("def cut(x): return x > 25\ndef late(x): return x > 12345\n")
        without_source: dict[str, object] = {}
        exec("def late(x): return x > 1", without_source)
        assert digest(lib.cut) == before
        assert digest(lib.late) == digest(without_source["late"])
