"""Normal form of syntax trees: what of source code may decide a number.

These don't count: comments, formatting, annotations, docstrings, the text of errors and log lines, names of local
variables, and the names under which a module imports others. A call inside a text counts.

Code may read what doesn't count: the text of a caught exception, a docstring, the frame of a function that calls it. So
there is an exact form as well, for all that is fingerprinted together with such code.
"""

from __future__ import annotations

import ast
import builtins
import functools
import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

FunctionNode: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

#: Pattern of a word in a string.
WORD = re.compile(r"\w+")
#: Fields of the tree that don't change what the code does.
_IGNORED = frozenset({"annotation", "ctx", "kind", "returns", "type_comment", "type_ignores", "type_params"})
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_DOING = (ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)
_LEVELS = frozenset({"debug", "info", "warning", "error", "critical", "exception", "log"})
#: Functions that only show or describe what they get.
_DESCRIBING = frozenset({"abs", "format", "len", "print", "repr", "round", "str", "type"})
#: Exceptions that end a loop or the program by their value.
_WITH_VALUE = (StopIteration, StopAsyncIteration)
_ERRORS = frozenset(
    name
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, Exception) and not issubclass(value, _WITH_VALUE)
)
#: Words of code that may read texts of exceptions, docstrings, source, log lines, or the frames of other functions.
_READERS = re.compile(
    r"exc_info|\w*exception\w*|format_exc\w*|print_exc\w*|excepthook|__traceback__|tb_\w+|f_(locals|back|code)|"
    r"_getframe\w*|currentframe|get(outer|inner)frames|set(trace|profile)|__code__|co_\w+|getsource\w*|__doc__|"
    r"getdoc|__a?exit__|\w*Handler|addFilter|setLog\w+|redirect_std\w+|stdout|stderr|capture\w*"
)
#: Words of code that may read its own local variables by their names.
BY_NAME = frozenset({"dir", "eval", "exec", "locals", "numexpr", "objmode", "query", "vars"})


class Form(NamedTuple):
    """Digests of a part of a source file."""

    normal: str  # Digest without what decides no number.
    exact: str  # Digest with texts and names.
    reads: bool  # Whether it may read what the normal form leaves out of other code.
    words: str  # Names, attributes and words of strings in the normal form, separated by spaces.
    texts: str  # Words of strings that are in the exact form alone.


@dataclass(frozen=True)
class Module:
    """Names of a source file whose meaning is known, since they are bound once or not at all."""

    imports: dict[str, str]  # Name that an import of the module gives something → its own name.
    aliases: dict[str, str]  # The same, of those whose own name may be written instead.
    loggers: frozenset[str]  # Names of loggers, and of the module ``logging``.
    errors: frozenset[str]  # Names of exceptions whose arguments are only shown.
    describing: frozenset[str]  # Names of functions that only show or describe what they get.

    @classmethod
    def of(cls, tree: ast.AST) -> Module:
        nodes = list(ast.walk(tree))
        bound = Counter(name for node in nodes for name in _binds(node))
        body = tree.body if isinstance(tree, ast.Module) else ()
        imports = [found for node in body for found in _imported(node) if bound[found.name] == 1]
        loggers = {"logging"} if _Imported("logging", "logging", "") in imports else set()
        for node in nodes:
            match node:
                case ast.Assign([ast.Name(name)], ast.Call(ast.Attribute(ast.Name("logging"), "getLogger"))):
                    loggers |= {name} if loggers and bound[name] == 1 else set()
        # Another name may stand for what the imported one does, if that is clear.
        original = Counter(found.original for found in imports)
        words = {getattr(node, "id", getattr(node, "attr", "")) for node in nodes} | {each.module for each in imports}
        hidden = "*" in bound or not BY_NAME.isdisjoint(words | original.keys())
        return cls(
            {found.name: "numexpr" if found.module == "numexpr" else found.original for found in imports},
            {
                found.name: found.original
                for found in imports
                if found.name != found.original
                and not (hidden or found.original in bound or original[found.original] > 1)
                and not hasattr(builtins, found.original)
            },
            frozenset(loggers),
            _ERRORS - bound.keys() | {found.name for found in imports if found.module == "pocket.errors"},
            _DESCRIBING - bound.keys(),
        )


class _Imported(NamedTuple):
    """A name that a module imports: its own name for it, the name there, and the module that it is from."""

    name: str
    original: str
    module: str


def _imported(node: ast.AST) -> Iterator[_Imported]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.asname or "." not in alias.name:
                yield _Imported(alias.asname or alias.name, alias.name, "")
    elif isinstance(node, ast.ImportFrom):
        for alias in node.names:
            yield _Imported(alias.asname or alias.name, alias.name, f"{'.' * node.level}{node.module or ''}")


def _binds(node: ast.AST) -> Iterator[str]:
    """Yield the names that a node binds itself, in whatever scope."""
    match node:
        case ast.Name(name, ast.Store() | ast.Del()) | ast.arg(name):
            yield name
        case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
            yield name
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(str(name)):
            yield name
        case ast.MatchMapping(rest=str(name)):
            yield name
        case ast.alias(name, asname):
            yield asname or name.partition(".")[0]
        case ast.Global(names) | ast.Nonlocal(names):
            yield from names


def normalise(tree: ast.AST, module: Module) -> Form:
    """Return the digests of a part of a source file."""
    normal, exact = _Writer(module), _Writer(None)
    normal.write(tree)
    exact.write(tree)
    words = normal.words | normal.words_of_strings()
    is_called = isinstance(tree, FunctionNode | ast.ClassDef)
    return Form(
        normal.digest(tree),
        exact.digest(tree),
        # A function that reads names may have got another one by an assignment.
        normal.reads or any(map(_READERS.fullmatch, words)) or not (is_called or BY_NAME.isdisjoint(words)),
        " ".join(sorted(words)),
        " ".join(sorted(exact.words_of_strings() - words)),
    )


def is_idle(statement: object) -> bool:
    """Tell whether a statement does nothing: ``pass``, docstrings and other lone constants."""
    return isinstance(statement, ast.Pass) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    )


class _Local(NamedTuple):
    """A local variable: its scope and its name."""

    scope: int
    name: str


@functools.cache
def _fields(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in _IGNORED)


@dataclass
class _Writer:
    """Writes a syntax tree as a sequence of words; the exact form is that without a module."""

    module: Module | None
    parts: list[str | _Local] = field(default_factory=list)
    words: set[str] = field(default_factory=set)
    reads: bool = False
    _locals: dict[str, _Local] = field(default_factory=dict)
    _scopes: int = 0
    _caught: set[str] = field(default_factory=set)
    _strings: set[str] = field(default_factory=set)

    def digest(self, tree: ast.AST) -> str:
        """Return the digest of what was written of a tree."""
        kept = self._kept(tree)
        numbers: dict[_Local, int] = {}
        words = (
            part
            if isinstance(part, str)
            else f"str:{part.name!r}"
            if kept is None or part.name in kept
            else f"local {numbers.setdefault(part, len(numbers))}"
            for part in self.parts
        )
        return hashlib.sha256("\n".join(words).encode("utf-8", "surrogatepass")).hexdigest()

    def words_of_strings(self) -> set[str]:
        """Return the words of the strings that were written."""
        return {word for text in self._strings for word in WORD.findall(text)}

    def _kept(self, tree: ast.AST) -> Collection[str] | None:
        """Return the names of local variables that count, ``None`` for all."""
        if self.module is None or not BY_NAME.isdisjoint(self.words):
            return None
        kept = {word for text in self._strings for word in WORD.findall(text) if word != text}
        for node in ast.walk(tree):
            kept |= _bound(node) if isinstance(node, ast.ClassDef) else set()
            # A parameter may be given by its name, and functions and classes know theirs.
            if not isinstance(node, ast.Name | ast.ExceptHandler | ast.alias):
                kept.update(_binds(node))
        return kept

    def write(self, value: object, in_class: bool = False) -> None:
        """Write a node, a list of nodes, or a value of a node."""
        if isinstance(value, list):
            for item in value:
                self.write(item, in_class)
        elif isinstance(value, ast.AnnAssign):
            self._annotated(value, in_class)
        elif isinstance(value, ast.AST):
            self.parts.append(f"{type(value).__name__}(")
            getattr(self, f"_write_{type(value).__name__.lower()}", self._fields)(value)
            self.parts.append(")")
        else:
            self.parts.append(f"{type(value).__name__}:{value!r}")

    def _fields(self, node: ast.AST, without: Collection[str] = ()) -> None:
        for name in _fields(node._fields):
            if name not in without:
                self._field(node, name)

    def _field(self, node: ast.AST, name: str) -> None:
        child = getattr(node, name, None)
        if isinstance(child, list):
            child = [item for item in child if not self._leave_out(item)]
        if child is not None and child != []:
            self.parts.append(name)
            self.write(child, isinstance(node, ast.ClassDef))

    def _leave_out(self, statement: object) -> bool:
        """Tell whether a statement decides nothing, and if it does note the names that it uses."""
        if self.module is None:
            return isinstance(statement, ast.Pass)
        texts = self._logged(statement.value) if isinstance(statement, ast.Expr) else None
        if texts is None or any(True for text in texts for _ in self._calls(text)):
            return is_idle(statement)
        self._texts(texts)
        return True

    def _annotated(self, node: ast.AnnAssign, in_class: bool) -> None:
        if in_class:
            # The annotation may change what a class does: ClassVar and KW_ONLY in a dataclass.
            self.parts.append("annotated")
            self.write([node.target, node.annotation])
        if node.value is not None:
            self.write(ast.Assign(targets=[node.target], value=node.value))

    # Names

    def _name(self, name: str) -> None:
        known = self._locals.get(name)
        if known is not None:
            self.parts.append(known)
            return
        if self.module is not None:
            self.words.update(WORD.findall(self.module.imports.get(name, name)))
            name = self.module.aliases.get(name, name)
        self.parts.append(f"str:{name!r}")

    def _write_name(self, node: ast.Name) -> None:
        self.reads |= node.id in self._caught
        self._name(node.id)

    def _write_attribute(self, node: ast.Attribute) -> None:
        self.words.add(node.attr)
        self._fields(node)

    def _write_keyword(self, node: ast.keyword) -> None:
        self.words.update([node.arg] if node.arg else ())
        self._fields(node)

    def _write_constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self._strings.add(node.value)
        self._fields(node)

    def _write_importfrom(self, node: ast.ImportFrom) -> None:
        # What the import leads to counts with the closure, wherever it stands.
        self._fields(node, without=("module", "level") if self.module is not None else ())

    def _write_alias(self, node: ast.alias) -> None:
        self.parts.append(node.name)
        self.words.update(WORD.findall(node.name))
        self._name(node.asname or node.name.partition(".")[0])

    # Scopes

    def _enter(self, bound: Collection[str]) -> dict[str, _Local]:
        """Enter a scope, and return the local variables of the one around it."""
        around = self._locals
        self._scopes += 1
        self._locals = {**around, **{name: _Local(self._scopes, name) for name in bound}}
        return around

    def _write_function(self, node: FunctionNode) -> None:
        if not isinstance(node, ast.Lambda):
            self.words.update({node.name} & {"__exit__", "__aexit__"})
        self._fields(node, ("body",))
        around = self._enter(_bound(node))
        self._field(node, "body")
        self._locals = around

    _write_functiondef = _write_asyncfunctiondef = _write_lambda = _write_function

    def _write_comprehension_of(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        first, *_ = node.generators
        # The first sequence is evaluated outside of the comprehension.
        self.write(first.iter)
        targets = {name for each in node.generators for inner in ast.walk(each.target) for name in _binds(inner)}
        around = self._enter(targets)
        for each in node.generators:
            self._fields(each, ("iter",) if each is first else ())
        self._fields(node, ("generators",))
        self._locals = around

    _write_listcomp = _write_setcomp = _write_dictcomp = _write_generatorexp = _write_comprehension_of

    # Texts

    def _write_excepthandler(self, node: ast.ExceptHandler) -> None:
        caught = self._caught
        self._fields(node, ("name", "body"))
        if node.name:
            self._name(node.name)
            self._caught = caught | {node.name}
        self._field(node, "body")
        self._caught = caught

    def _write_raise(self, node: ast.Raise) -> None:
        for place in ("exc", "cause"):
            self.parts.append(place)
            match part := getattr(node, place):
                case ast.Name(name):
                    self._name(name)
                case ast.Call(ast.Name(name), args, keywords) if self.module and name in self.module.errors:
                    self._name(name)
                    self._texts([*args, *(keyword.value for keyword in keywords)], raised=True)
                case _:
                    self.write(part)

    def _write_assert(self, node: ast.Assert) -> None:
        self.write(node.test)
        if self.module is None:
            self.write(node.msg)
        elif node.msg is not None:
            self._texts([node.msg], raised=True)

    def _write_expr(self, node: ast.Expr) -> None:
        texts = self._logged(node.value)
        if texts is None:
            self.write(node.value)
        else:
            self._texts(texts)

    def _logged(self, node: ast.expr) -> list[ast.expr] | None:
        """Return the arguments of a call that logs or prints something, ``None`` if it may do anything else."""
        match node:
            case ast.Call(ast.Attribute(ast.Name(name), level), args, keywords):
                is_log = self.module is not None and name in self.module.loggers and level in _LEVELS
            case ast.Call(ast.Name("print"), args, keywords):
                known = all(keyword.arg in ("sep", "end", "flush") for keyword in keywords)
                is_log = self.module is not None and "print" in self.module.describing and known
            case _:
                return None
        return [*args, *(keyword.value for keyword in keywords)] if is_log else None

    def _texts(self, texts: list[ast.expr], raised: bool = False) -> None:
        """Write the calls in texts that decide no number."""
        for text in texts:
            for call in self._calls(text, raised):
                self.write(call)
            # Whoever reads a parameter for a text must find it.
            for node in ast.walk(text):
                match node:
                    case ast.Name(name) | ast.Attribute(attr=name) | ast.Subscript(slice=ast.Constant(str(name))):
                        self.words.update(WORD.findall(name) if name not in self._locals else ())

    def _calls(self, node: ast.AST, raised: bool = False) -> Iterator[ast.AST]:
        """Yield what a text may do besides describing values; what an error does to an iterator doesn't matter."""
        doing = _DOING if raised else (*_DOING, *_COMPREHENSIONS, ast.Starred)
        match node:
            case ast.Call(ast.Name(name)) if self.module and name in self.module.describing:
                pass
            case ast.Call(ast.Attribute(ast.Constant(str()) | ast.JoinedStr(), "format" | "join" as method)) if (
                raised or method == "format"
            ):
                pass
            case ast.Call():
                yield node
                return
            case _ if isinstance(node, doing):
                yield node
                return
        for child in ast.iter_child_nodes(node):
            yield from self._calls(child, raised)


def _bound(scope: ast.ClassDef | FunctionNode) -> frozenset[str]:
    """Return the names that the body of a function or a class binds itself."""
    inside = [scope.body] if isinstance(scope, ast.Lambda) else scope.body
    return frozenset(name for node in inside for name in _bound_by(node))


def _bound_by(node: ast.AST, in_comprehension: bool = False) -> Iterator[str]:
    if isinstance(node, ast.NamedExpr) or not (in_comprehension and isinstance(node, ast.Name)):
        yield from _binds(node.target if isinstance(node, ast.NamedExpr) else node)
    if isinstance(node, ast.ClassDef | FunctionNode):
        return
    in_comprehension |= isinstance(node, _COMPREHENSIONS)
    for child in ast.iter_child_nodes(node):
        yield from _bound_by(child, in_comprehension)
