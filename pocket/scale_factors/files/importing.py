"""Import of published scale factors, from their correctionlib file to one in the chain's form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pocket.corrections.files import find_corrections, load_correction, read_corrections
from pocket.corrections.tree import Fixing, Node, category, combine, keys_of
from pocket.errors import ConfigError, ScaleFactorError, check_known
from pocket.scale_factors.declarations.base import UpstreamOutputs
from pocket.scale_factors.declarations.imported import SYSTEMATIC, Imported, signed
from pocket.scale_factors.files.imported_result import binned_result
from pocket.scale_factors.measurement.result import ScaleFactorResult

_TYPES: Mapping[str, tuple[type, ...]] = {"string": (str,), "int": (int,), "real": (int, float)}


def make(name: str, declaration: Imported, outputs: UpstreamOutputs) -> tuple[str, ScaleFactorResult | None]:
    """Return the imported scale factor."""
    text = write(name, declaration, read(declaration, outputs.resolve_file(declaration.file)))
    return text, binned_result(name, declaration, text)


def check(declaration: Imported) -> None:
    """Check that a file matches its declaration."""
    write("", declaration, read(declaration, declaration.file))


def read(declaration: Imported, file: str) -> dict[str, Any]:
    """Return the published correction as plain JSON."""
    # This also checks that the file is a correctionlib file.
    load_correction(file, declaration.correction)
    for correction in read_corrections(find_corrections(file)):
        if correction["name"] == declaration.correction:
            return correction
    raise ScaleFactorError(f"{declaration.where} is a compound one, which can't be imported")


def write(name: str, declaration: Imported, published: Mapping[str, Any]) -> str:
    """Return the content of the correctionlib file.

    Its correction has the remaining inputs, under their new names, and ``systematic``.
    """
    inputs = _inputs(declaration, published)
    formulas = published.get("generic_formulas") or []
    content = _content(declaration, published["data"])
    description = declaration.description or published.get("description") or declaration.correction
    correction = {
        **published,
        "name": name,
        "description": description,
        "inputs": [*inputs, {"name": SYSTEMATIC, "type": "string", "description": ", ".join(content)}],
        "generic_formulas": [_fixing(declaration).apply(formula) for formula in formulas] or None,
        "data": category(SYSTEMATIC, content),
    }
    return json.dumps({"schema_version": 2, "description": description, "corrections": [correction]})


def _inputs(declaration: Imported, published: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Check the declaration of inputs, and return the remaining ones under their new names."""
    where, data = declaration.where, published["data"]
    types: dict[str, str] = {variable["name"]: variable["type"] for variable in published["inputs"]}
    named = (*declaration.inputs, *declaration.rename, *([declaration.systematic] if declaration.systematic else []))
    check_known("input", named, types, where)
    for name, value in declaration.inputs.items():
        if not isinstance(value, _TYPES[types[name]]):
            raise ConfigError(f"{where}: input {name!r} is of the type {types[name]}, it can't be {value!r}")
        # A wrong string may have a default value without an error, so it is checked. Without dependence any string will
        # do.
        if isinstance(value, str) and (known := keys_of(data, name)):
            check_known(f"value of {name!r}", [value], known, where)
    if declaration.systematic:
        if types[declaration.systematic] != "string":
            raise ConfigError(f"{where}: input {declaration.systematic!r} is no string, it can't be systematic")
        values = [signed(value)[1] for value in declaration.keys.values()]
        known = keys_of(data, declaration.systematic)
        check_known(f"value of {declaration.systematic!r}", values, known, where)
    fixed = (*declaration.inputs, declaration.systematic)
    left = [
        {**variable, "name": declaration.rename.get(variable["name"], variable["name"])}
        for variable in published["inputs"]
        if variable["name"] not in fixed
    ]
    names = [variable["name"] for variable in left]
    for name in names:
        if name == SYSTEMATIC or names.count(name) > 1:
            raise ConfigError(f"{where}: an input can't be called {name!r}, rename= gives it another name")
    return left


def _fixing(declaration: Imported, systematic: str = "") -> Fixing:
    """Return the fixed inputs, including the systematic, which no formula contains."""
    values = {**declaration.inputs, **({declaration.systematic: systematic} if declaration.systematic else {})}
    return Fixing(values, declaration.rename, declaration.where)


def _content(declaration: Imported, data: Node) -> dict[str, Node]:
    """Return key of ``systematic`` → its tree."""
    if not declaration.keys:
        return {"nominal": _fixing(declaration).apply(data)}
    signs = {key: signed(value) for key, value in declaration.keys.items()}
    trees = {key: _fixing(declaration, value).apply(data) for key, (_, value) in signs.items()}

    def shifted(key: str, sign: int) -> Node:
        pair = trees["nominal"], trees[key]
        return combine(lambda value, error: value + sign * error, pair, f"{declaration.where}, key {key!r}")

    return {key: shifted(key, sign) if sign else trees[key] for key, (sign, _) in signs.items()}
