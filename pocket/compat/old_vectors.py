"""Places in a module where vectors are named, added or multiplied as in coffea 0.7 alone.

PocketCoffea's base class of workflows lets coffea of today do the same, see
:func:`pocket.compat.awkward_names.use_old_vectors`. Ours doesn't, so a workflow with such places stays with the former.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator

#: Kind of vector that needs a charge now.
CANDIDATE = "PtEtaPhiMCandidate"
_MISSING = "MissingET"
_NUMPY = ("np", "numpy")


def old_vectors(tree: ast.AST) -> list[str]:
    """Return what a module does with vectors as in coffea 0.7 alone, in words, without repetition.

    Examples:
        >>> old_vectors(ast.parse("w = events.MET + lepton"))
        ['sums with MET']
        >>> old_vectors(ast.parse("ak.zip({'pt': pt, 'charge': q}, with_name='PtEtaPhiMCandidate')"))
        []
    """
    return list(dict.fromkeys([*_candidates_without_charge(tree), *_sums(tree), *_products(tree)]))


def _candidates_without_charge(tree: ast.AST) -> Iterator[str]:
    """Yield a sentence part for each candidate whose fields don't certainly have a charge."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        if any(isinstance(value, ast.Constant) and value.value == CANDIDATE for value in given):
            tables = [value for value in given if isinstance(value, ast.Dict)]
            keys = {key.value for table in tables for key in table.keys if isinstance(key, ast.Constant)}
            if "charge" not in keys:
                yield f"{CANDIDATE} without charge"


def _sums(tree: ast.AST) -> Iterator[str]:
    """Yield a sentence part for each sum or difference with a missing momentum."""
    own = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and (name := _missing_momentum(node.value, {})):
            own.update({target.id: name for target in node.targets if isinstance(target, ast.Name)})
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            for operand in (node.left, node.right):
                if name := _missing_momentum(operand, own):
                    yield f"sums with {name}"


def _products(tree: ast.AST) -> Iterator[str]:
    """Yield a sentence part if there is a product of vectors, which may be four-vectors."""
    for node in ast.walk(tree):
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(called, ast.Attribute) and called.attr == "dot" and ast.unparse(called.value) not in _NUMPY:
            yield "products by dot()"


def _missing_momentum(node: ast.expr, own: dict[str, str]) -> str:
    """Return the collection of missing momenta that an expression stands for, empty if it stands for none."""
    if isinstance(node, ast.Name):
        return own.get(node.id, "")
    name: object = node.attr if isinstance(node, ast.Attribute) else None
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        name = node.slice.value
    return str(name) if name in _collections() else ""


@functools.cache
def _collections() -> frozenset[str]:
    # Importing coffea takes long, and most modules have neither sums nor candidates.
    from coffea.nanoevents import NanoAODSchema

    return frozenset({"PFMET", *(name for name, kind in NanoAODSchema.mixins.items() if kind == _MISSING)})
