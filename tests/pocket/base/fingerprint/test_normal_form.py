from __future__ import annotations

import ast
import builtins
import keyword
import textwrap
from pathlib import Path

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pocket import errors
from pocket.base.fingerprint import code_closure
from pocket.base.fingerprint.normal_form import Module, normalise
from pocket.base.fingerprint.sources import Source, _parsed
from tests.entries import check_each
from tests.pocket.base.fingerprint.sources import digest_in

#: an analysis, whose function ``cut`` uses the others
SOURCE = '''
import logging
import math
import warnings

import numpy as np
from pocket.errors import ConfigError, UnknownNameError

_log = logging.getLogger(__name__)


class Own(Exception):
    pass


def helper(events):
    """Return a threshold."""
    if events is None:
        raise ValueError(f"there are no events: {events!r}")
    if len(events) > 3:
        raise ConfigError("too many" + " events, {}".format(len(events)))
    if not events:
        raise Own("own text")
    assert events, "none"
    return 3


def count(values):
    return 1


def cut(events, level=2, **kwargs):
    _log.info("cut of %d events with %s", len(events), level)
    print("cut", level, sep=", ")
    threshold = helper(events)
    with np.errstate(all="ignore"):
        for number, value in enumerate(events):
            threshold = threshold + number * value
    _log.debug("%s", count(events))
    try:
        total = sum(each for each in events if each > threshold)
    except ZeroDivisionError as error:
        raise ConfigError(f"no total: {error}") from None
    inner = lambda x: x + total
    warnings.warn("a warning")
    return np.sqrt(inner(total)) > math.pi
'''

#: stands for the library
NUMEXPR = "def evaluate(text): return 1\n"
HARMLESS = [
    ("there are no events", "no event is there"),
    (': {events!r}"', '"'),
    ("too many", "more than three"),
    ('"too many" + " events, {}".format(len(events))', '", ".join(["too", "many"])'),
    (', "none"', ""),
    ("Return a threshold.", "Return another one."),
    ("cut of %d events with %s", "%d, %s"),
    ('    _log.info("cut of %d events with %s", len(events), level)\n', ""),
    ("_log.info", "_log.warning"),
    ('print("cut", level, sep=", ")', 'print("cuts", type(level), end="")'),
    ('"%s", count', '"counted %s", count'),
    ("no total: {error}", "nothing: {error!r}"),
    ("no total: {error}", "nothing: {str(error)}"),
    ("each for each in events if each > threshold", "one for one in events if one > threshold"),
]
#: what is renamed wherever it is
RENAMED = [("threshold", "least"), ("number", "position"), ("inner", "outer")]
HARMFUL = [
    ("ValueError", "TypeError"),
    ("events is None", "events is not None"),
    ("raise ValueError", "return ValueError"),
    ("own text", "other text"),
    ('", level, sep=", ")', '", level, sep=", ", file=open("list.txt"))'),
    ('print("cut", level, sep=", ")', 'print("cut", count(level))'),
    ("count(events))", "count(level))"),
    ("threshold + number", "number + threshold"),
    ("for number, value", "for value, number"),
    ("each > threshold", "each < threshold"),
    ("(inner(total))", "(inner(threshold))"),
    ("ZeroDivisionError", "ValueError"),
    ("a warning", "another warning"),
    ("level=2", "threshold=2"),
    ("lambda x: x + total", "lambda y: y + total"),
    ("all=", "invalid="),
    ("from None", "from error"),
    ("import numpy as np", "import math as np"),
]


def edited(old: str, new: str, source: str = SOURCE) -> str:
    assert old in source
    return source.replace(old, new)


def same(one: str, other: str, expression: str = "cut") -> bool:
    one_digest, other_digest = (digest_in(expression, {"lib": each, "numexpr": NUMEXPR}) for each in (one, other))
    return one_digest == other_digest


@check_each(("old", "new"), HARMLESS)
def test_texts_decide_nothing(old: str, new: str) -> None:
    assert same(SOURCE, edited(old, new))


def test_names_of_locals_and_imports_decide_nothing() -> None:
    for old, new in RENAMED:
        assert same(SOURCE, edited(old, new))
    assert same(SOURCE, edited("np.", "xp.", edited("as np", "as xp")))
    assert same(SOURCE, edited("math.", "m.", edited("import math", "import math as m")))
    # correctionlib has a method of that name, which reads no variables
    correction = "def cut(x):\n    low, high = x\n    return x.evaluate(low)"
    assert same(correction, edited("low", "lowest", correction))
    assert same(SOURCE, edited(": {error}", ": {problem}", edited("as error", "as problem")))


@check_each(("old", "new"), HARMFUL)
def test_everything_else_counts(old: str, new: str) -> None:
    assert not same(SOURCE, edited(old, new))


CHECK = """
    import sys, inspect, traceback, logging
    def check(x):
        "Text."
        if x:
            raise ValueError("first")
        return 2
"""
#: code that reads what else decides nothing: code, old, new
READ = {
    "the text of an exception": (
        "def cut(x):\n try: check(x)\n except ValueError as error: return 'first' in str(error)",
        '"first"',
        '"second"',
    ),
    "its arguments, in a function that is given another": (
        "def safe(f):\n try: f(1)\n except ValueError as e: return e.args\ndef cut(x): return safe(check)",
        '"first"',
        '"second"',
    ),
    "its text, handed on": (
        "def cut(x):\n try: check(x)\n except ValueError as e: return sorted(e)",
        '"first"',
        '"second"',
    ),
    "exc_info": ("def cut(x):\n try: check(x)\n except ValueError: return sys.exc_info()", '"first"', '"second"'),
    "a traceback": (
        "def cut(x):\n try: check(x)\n except ValueError: return traceback.format_exc()",
        '"first"',
        '"second"',
    ),
    "a context manager": (
        "class Ignoring:\n def __enter__(self): pass\n def __exit__(self, *a): return 'first' in str(a[1])\n"
        "def cut(x):\n with Ignoring(): return check(x)",
        '"first"',
        '"second"',
    ),
    "a docstring": ("def cut(x): return check.__doc__", '"Text."', '"Other text."'),
    "a docstring by its name": ("def cut(x): return getattr(check, '__doc__')", '"Text."', '"Other text."'),
    "a docstring of a class": ("class A:\n 'Text of A.'\ndef cut(x): return A.__doc__", "of A", "of that"),
    "source": ("def cut(x): return inspect.getsource(check)", '"first"', '"second"'),
    "log lines": (
        "log = logging.getLogger()\ndef note(x): log.info('noted')\n"
        "def cut(x):\n log.addHandler(logging.FileHandler('list'))\n note(x)",
        "noted",
        "listed",
    ),
    "locals": ("def cut(x):\n low, high = x\n return locals()['low']", "low, high", "high, low"),
    "vars": ("def cut(x):\n low, high = x\n return vars()['low']", "low, high", "high, low"),
    "dir": ("def cut(x):\n low = x\n return dir()", "low = x", "high = x"),
    "eval": ("def cut(x):\n low, high = x\n return eval('low')", "low, high", "high, low"),
    "numexpr": ("import numexpr as ne\ndef cut(x):\n low, high = x\n return ne.evaluate('low')", "low, h", "h, low"),
    "pandas": ("def cut(x):\n low, high = x\n return x.query('pt > @low')", "low, high", "high, low"),
    "numexpr by another name": (
        "from numexpr import evaluate as ev\ndef cut(x):\n low, high = x\n return ev('low')",
        "low, h",
        "h, low",
    ),
    "numexpr by an assignment": (
        "import numexpr\nev = numexpr.evaluate\ndef cut(x):\n low, high = x\n return ev('low')",
        "low, h",
        "h, low",
    ),
    "a retry by a text": (
        "def cut(x): return retry_if_exception_message(check)",
        '"first"',
        '"second"',
    ),
    "a library that nobody knows": (
        "def cut(x):\n low, high = x\n return sql('select * from low')",
        "low, high",
        "high, low",
    ),
    "numba": (
        "def cut(x):\n low, high = x\n with objmode(low='f8'): low = 1\n return low",
        "low, high = x",
        "high, low = x",
    ),
    "a text with a name": ("def cut(x):\n low = x\n return f'{low=}'", "low", "high"),
    "a local function": ("def cut(x):\n def low(): pass\n return low.__name__", "low", "high"),
    "an argument": (
        "def inner(low, high): return low\ndef cut(x): return inner(low=1, high=2)",
        "inner(low, high)",
        "inner(high, low)",
    ),
    "an attribute of a local class": ("def cut(x):\n class A:\n  low = 1\n return A", "low", "high"),
    "names of imports": (
        "import math as low, cmath as high\ndef cut(x): return low.pi",
        "math as low, cmath as high",
        "cmath as low, math as high",
    ),
    "names of imports that eval reads": (
        "from math import inf as low, nan as high\ndef cut(x): return low, x.eval('low')",
        "inf as low, nan as high",
        "inf as high, nan as low",
    ),
    "a builtin": ("from math import pow as f\ndef cut(x): return f(abs(x))", "f(abs(x))", "abs(f(x))"),
    "an import that hides a builtin": (
        "from math import pow as f\ndef cut(x): return f(pow(x))",
        "f(pow(x))",
        "pow(f(x))",
    ),
    "local imports": ("def cut(x):\n import os.path, xml.dom\n return os", "return os", "return xml"),
    "imported names": ("def cut(x):\n from math import inf, nan\n return inf", "return inf", "return nan"),
    "a variable around a comprehension": (
        "def cut(x):\n a = 1; b = 2\n return [a for a in a], b",
        "a = 1; b = 2",
        "b = 1; a = 2",
    ),
    "a variable that is assigned in a comprehension": (
        "def cut(x):\n b = 0\n [a := y for y in x]\n return b",
        "return b",
        "return a",
    ),
    "a global": ("def cut(x):\n global low, high\n low, high = x\n", "low, high = x", "high, low = x"),
    "a variable of the function around": (
        "def cut(x):\n low = high = 1\n def inner():\n  nonlocal low, high\n  low, high = x\n return inner",
        "low, high = x",
        "high, low = x",
    ),
    "a captured variable": ("def make(low, high): return lambda x: low\ncut = make(1, 2)", "x: low", "x: high"),
    "a pattern": ("def cut(x):\n match x:\n  case [low, high]: return low", "return low", "return high"),
    "a caught exception": (
        "def cut(x):\n e = 1\n try: check(x)\n except ValueError as f: pass\n return e",
        "as f",
        "as e",
    ),
    "a name that isn't logging's": (
        "class Log:\n def info(self, x): self.x = x\nlog = Log()\ndef cut(x): log.info('a')",
        "'a'",
        "'b'",
    ),
    "a print of one's own": ("def print(x): return x\ndef cut(x): print('a')", "'a'", "'b'"),
    "an exception of one's own": ("class ValueError(Exception): pass\ndef cut(x): raise ValueError('a')", "'a'", "'b'"),
    "what a text assigns": ("def cut(x):\n print(y := 3)\n return y", "3", "4"),
    "what a log line iterates over": ("def cut(x):\n y = iter(x)\n print(*y)\n return y", " print(*y)\n", ""),
    "a value that ends a loop": ("def cut(x): raise StopIteration('a')", "'a'", "'b'"),
}


@check_each(("code", "old", "new"), READ.values(), ids=READ)
def test_what_may_be_read_counts(code: str, old: str, new: str) -> None:
    source = f"{textwrap.dedent(CHECK)}\n{code}\n"
    assert not same(source, edited(old, new, source))


def test_what_another_configuration_reads_does_not_matter() -> None:
    code, old, new = READ["the text of an exception"]
    source = f"{textwrap.dedent(CHECK)}\n{code}\n"
    assert same(source, edited(old, new, source), "check")
    # a list has what one of its parts reads
    assert not same(source, edited(old, new, source), "[check, cut]")


def test_a_local_import_that_reads_texts() -> None:
    reader = "def cut(x):\n    from helpers import outcome\n    return outcome(check)\n"
    helpers = "def outcome(f):\n    try: f(1)\n    except ValueError as error: return str(error)\n"
    silent = helpers.replace("return str(error)", "raise")
    for text, expected in ((helpers, False), (silent, True)):
        one, other = (
            {"lib": f"{textwrap.dedent(CHECK).replace('first', what)}\n{reader}", "helpers": text}
            for what in ("first", "second")
        )
        assert (digest_in("cut", one) == digest_in("cut", other)) is expected


#: names that nothing in ``SOURCE`` has
NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,6}", fullmatch=True).filter(
    lambda name: not keyword.iskeyword(name) and not hasattr(builtins, name) and name not in SOURCE
)
LOCALS = ("threshold", "number", "value", "total", "each", "inner", "error")


class Renaming(ast.NodeTransformer):
    """Renames variables."""

    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self.names.get(node.id, node.id)
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        node.name = self.names.get(str(node.name), node.name)
        return self.generic_visit(node)


def normal(tree: ast.Module) -> list[str]:
    return [normalise(node, Module.of(tree)).normal for node in tree.body]


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(LOCALS), NAMES))
def test_random_names_of_locals_decide_nothing(names: dict[str, str]) -> None:
    assume(len(set(names.values())) == len(names))
    tree = ast.parse(SOURCE)
    before = normal(tree)
    renamed = ast.parse(ast.unparse(Renaming(names).visit(tree)))
    assert (ast.dump(renamed) == ast.dump(ast.parse(SOURCE))) == (not names)
    assert normal(renamed) == before


@settings(max_examples=60)
@given(st.data())
def test_two_locals_that_change_places_count(data: st.DataObject) -> None:
    one, other = data.draw(st.permutations(("threshold", "number", "value", "total", "inner")))[:2]
    tree = ast.parse(SOURCE)
    loads = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)]
    node = data.draw(st.sampled_from([node for node in loads if node.id == one]))
    before = normal(tree)
    node.id = other
    assert normal(tree) != before


@settings(max_examples=60)
@given(st.data())
def test_random_constants_count(data: st.DataObject) -> None:
    tree = ast.parse(SOURCE)
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, int)]
    node = data.draw(st.sampled_from(nodes))
    before = normal(tree)
    value = data.draw(st.integers())
    assume((type(value), value) != (type(node.value), node.value))
    node.value = value
    assert normal(tree) != before


class Rewording(ast.NodeTransformer):
    """Writes more into all docstrings, log lines, and messages of the engine's and Python's errors."""

    def __init__(self) -> None:
        self.errors = {name for name in {**vars(errors), **vars(builtins)} if name.endswith("Error")}
        self.reworded = self.others = self.documented = self.logged = 0

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        match node.exc:
            case ast.Call(ast.Name(name), args) if name in self.errors:
                self.add(args)
            case ast.Call():
                self.others += 1
        return node

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        self.add([node.msg] if node.msg else [])
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        match node.value:
            case ast.Constant(str(text)):
                node.value = ast.Constant(f"{text} and more")
                self.documented += 1
            case ast.Call(ast.Attribute(ast.Name("_log" | "logging")), args):
                self.add(args)
                self.logged += 1
            case _:
                return self.generic_visit(node)
        return node

    def add(self, texts: list[ast.expr]) -> None:
        """Change each string that is no part of a call and no key."""
        for text in texts:
            match text:
                case ast.Constant(str(words)):
                    text.value = f"{words} and more"
                    self.reworded += 1
                case ast.Call() | ast.Subscript():
                    pass
                case _:
                    self.add(list(ast.iter_child_nodes(text)))


class Renumbering(ast.NodeTransformer):
    """Changes the first number of a function."""

    done = False

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        for inner in (inner for statement in node.body for inner in ast.walk(statement)):
            match inner:
                case ast.Return(ast.expr() as value) if not self.done:
                    inner.value = ast.BinOp(value, ast.Add(), ast.Constant(1))
                    self.done = True
        return node


def engine() -> dict[str, Path]:
    """Return the source files of the engine that processors and skims depend on."""
    folder = Path(errors.__file__).parents[1]
    entries = ("engine.run", "histograms.raw", "columns.parquet", "skims.run")
    modules = dict.fromkeys(module for entry in entries for module in code_closure(f"pocket.{entry}").modules)
    names = {module: folder.joinpath(*module.split(".")) for module in modules}
    return {
        module: path / "__init__.py" if path.is_dir() else path.with_suffix(".py") for module, path in names.items()
    }


def read(path: Path, tree: ast.AST | None = None) -> Source:
    """Return a source file, or what it would be if it had another tree."""
    content = path.read_bytes() if tree is None else ast.unparse(ast.fix_missing_locations(tree)).encode()
    return _parsed(str(path), content)


def test_texts_of_the_engine_decide_nothing() -> None:
    moved = []
    rewording = Rewording()
    for module, path in engine().items():
        before = read(path)
        after = read(path, rewording.visit(ast.parse(path.read_bytes())))
        if (before.digest, [each.words for each in before.statements]) != (
            after.digest, [each.words for each in after.statements]
        ):  # fmt: skip
            moved.append(module)
    assert moved == []
    assert rewording.reworded > 150
    assert rewording.documented > 500
    assert rewording.logged > 2
    # errors of libraries, and those that methods make
    assert rewording.others < 0.1 * rewording.reworded


def test_results_of_the_engine_count() -> None:
    for path in engine().values():
        renumbering = Renumbering()
        after = read(path, renumbering.visit(ast.parse(path.read_bytes())))
        assert (after.digest != read(path).digest) == renumbering.done


#: statements of the engine that read texts or frames, for messages or records of what failed
READERS = {
    "pocket.base.arguments": {"_find_function", "refused_call"},
    "pocket.base.runtime.user_code": {"EventRange", "UserCall"},
    "pocket.engine.reading": {"_comes_from_reading", "reading"},
    "pocket.engine.run": {"run_branch"},
    # the title of a column, which is written by whoever made the file
    "pocket.io.nanoaod.schema": {"base_form"},
    "pocket.io.remote.attempts": {"first_readable"},
    "pocket.io.nanoaod.local_source": {"LocalSource"},
    # the line that reads a parameter
    "pocket.parameters.values": {"_caller", "_for_caller", "_is_asked_by_omegaconf"},
    "pocket.skims.run": {"_copy", "skim_branch"},
    "pocket.skims.writing": {"EventWriter"},
    "pocket.weights.base": {"WeightWrapper"},
}


def test_the_engine_decides_nothing_by_texts() -> None:
    found = {
        module: names
        for module, path in engine().items()
        if (names := {name for each in read(path).statements if each.reads for name in each.binds})
    }
    assert found == READERS
