"""Scale factors of the chain in the layouts of the CMS groups' correctionlib files.

Source of the layouts: the groups' files for Run 2, 2022 and 2023
(https://cms-nanoaod-integration.web.cern.ch/commonJSONSFs/).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import correctionlib.schemav2 as schema

from pocket.corrections.derived import DECORRELATED
from pocket.corrections.tree import Fixing, Node, Value, category, children, combine, keys_of
from pocket.errors import ConfigError, ScaleFactorError, check_known
from pocket.scale_factors.declarations.imported import SYSTEMATIC

#: key of ``systematic`` → tree of its values
Trees = Mapping[str, Node]
#: types of the inputs that are no strings
_TYPES = {"eta": "real", "abseta": "real", "pt": "real", "phi": "real", "flavor": "int", "dm": "int", "genmatch": "int"}
_PYTHON: Mapping[str, type[Value]] = {"string": str, "int": int, "real": float}


def _sources(trees: Trees) -> list[str]:
    """Return the sources of uncertainty, without the statistical errors of single bins."""
    sources = [key.removesuffix("_up") for key in trees if key.endswith("_up")]
    if taken := [source for source in sources if source in ("syst", "statistic")]:
        raise ScaleFactorError(
            f"source {taken[0]!r} has the name of a key of the group's files, so it can't be exported"
        )
    return [source for source in sources if not DECORRELATED.fullmatch(source)]


def _muo(trees: Trees) -> Trees:
    """Return the ends of the total error, and the sizes of errors: of up and down the larger one."""
    ends = {"nominal": trees["nominal"], "systup": trees["up"], "systdown": trees["down"]}
    sizes = {
        source: combine(
            lambda value, up, down: max(abs(up - value), abs(down - value)),
            [trees["nominal"], trees[f"{source}_up"], trees[f"{source}_down"]],
            f"source {source!r}",
        )
        for source in ("stat", *_sources(trees))
    }
    systematic = [size for source, size in sizes.items() if source != "stat"]
    total = combine(lambda value, *errors: math.hypot(*errors), [trees["nominal"], *systematic], "syst")
    return {**sizes, "syst": total, **ends}


def _egm(trees: Trees) -> Trees:
    return {"sf": trees["nominal"], "sfup": trees["up"], "sfdown": trees["down"]}


def _btv(trees: Trees) -> Trees:
    # How errors are correlated between years isn't known, so there is no up_correlated.
    total = {"central": trees["nominal"], "up": trees["up"], "down": trees["down"]}
    names = {source: "statistic" if source == "stat" else source for source in _sources(trees)}
    return total | {f"{side}_{new}": trees[f"{old}_{side}"] for old, new in names.items() for side in ("up", "down")}


def _tau(trees: Trees) -> Trees:
    return {"nom" if key == "nominal" else key: trees[key] for key in ("up", "down", *trees)}


@dataclass(frozen=True)
class Layout:
    """Inputs and keys of the corrections of a group."""

    #: name of the group's file
    file: str
    #: function that returns the tree for each key of ``kind``
    keys: Callable[[Trees], Trees]
    #: the input that selects nominal and varied values
    kind: str
    #: all inputs in their order
    inputs: tuple[str, ...]
    #: inputs that corrections of some years lack
    optional: tuple[str, ...] = ()
    #: inputs that a scale factor needn't depend on
    unused: tuple[str, ...] = ()
    #: values of ``genmatch`` that the scale factor is for; others have 1
    matched: tuple[int, ...] = ()

    @property
    def free(self) -> tuple[str, ...]:
        """The inputs that are axes of the scale factor, or have a value."""
        return tuple(name for name in self.inputs if name not in (self.kind, "genmatch"))


_TAU = ("tau.json.gz", _tau, "syst")
_JETS = ("pt", "dm", "genmatch", "wp", "wp_VSe", "syst", "flag")
#: name → layout
LAYOUTS: Mapping[str, Layout] = {
    "MUO": Layout("muon_Z.json.gz", _muo, "scale_factors", ("eta", "pt", "scale_factors")),
    "EGM": Layout(
        "electron.json.gz", _egm, "ValType", ("year", "ValType", "WorkingPoint", "eta", "pt", "phi"), optional=("phi",)
    ),
    "EGM-HLT": Layout("electronHlt.json.gz", _egm, "ValType", ("year", "ValType", "Path", "eta", "pt")),
    "BTV": Layout("btagging.json.gz", _btv, "systematic", ("systematic", "working_point", "flavor", "abseta", "pt")),
    "TAU-VSjet": Layout(*_TAU, _JETS, unused=("pt", "dm", "flag"), matched=(5,)),
    "TAU-VSe": Layout(*_TAU, ("eta", "dm", "genmatch", "wp", "syst"), optional=("dm",), matched=(1, 3)),
    "TAU-VSmu": Layout(*_TAU, ("eta", "genmatch", "wp", "syst"), matched=(2, 4)),
}


def place(name: str, axes: Sequence[str], layout: str, inputs: Mapping[str, str]) -> dict[str, str]:
    """Return axis → input of a layout; ``etaSC`` and ``abseta`` are the input ``eta`` unless ``inputs`` tells another.

    Args:
        inputs: input → the axis that it is, its value, or its range ``low:high``; axis that is no input → its value.
    """
    form, where = LAYOUTS[layout], f"scale factor {name!r} in the layout {layout}"
    check_known("input", inputs, {*form.free, *axes}, where)
    placed: dict[str, str] = {}
    missing = []
    for each in form.free:
        usual = (each, f"{each}SC", f"abs{each}", f"abs{each}SC")
        found = [axis for axis in ([inputs[each]] if each in inputs else usual) if axis in axes]
        if found:
            placed[found[0]] = each
        elif each not in (*inputs, *form.optional, *form.unused):
            missing.append(each)
    depends = f"{where} depends on {', '.join(axes)}"
    if missing:
        value = "low:high" if missing[0] in _TYPES else "value"
        raise ConfigError(f"{depends}; also needed: {', '.join(missing)}, as {missing[0]}=axis or {missing[0]}={value}")
    if left := [axis for axis in axes if axis not in (*placed, *inputs)]:
        raise ConfigError(f"{depends}; the inputs are {', '.join(form.free)}: choose one bin by {left[0]}=value")
    return placed


def write(
    scale_factors: Mapping[str, Mapping[str, Any]], layout: str, names: Sequence[str], inputs: Mapping[str, str]
) -> schema.CorrectionSet:
    """Return scale factors as corrections in a layout.

    Args:
        names: names of the corrections, one for each scale factor; for one with the flavour of jets that of b and c
            jets and that of light jets, as far as it has them.
    """
    form = LAYOUTS[layout]
    parts: list[tuple[str, dict[str, Any]]] = []
    for name, correction in scale_factors.items():
        where = f"scale factor {name!r}"
        types = {each["name"]: each["type"] for each in correction["inputs"] if each["name"] != SYSTEMATIC}
        placed = place(name, [*types], layout, inputs)
        for axis, each in placed.items():
            if types[axis] != _type(each):
                raise ConfigError(f"{where}: axis {axis!r} is of the type {types[axis]}, {each!r} of {_type(each)}")
        chosen = {axis: _value(axis, inputs[axis], types[axis]) for axis in types if axis not in placed}
        data = Fixing(chosen, placed, where).apply(_keys(where, correction, form))
        data = _with_values(data, placed, form, inputs)
        lacking = {each for each in form.optional if each not in (*placed.values(), *inputs)}
        content = {
            "version": 1,
            "description": correction["description"],
            "inputs": [{"name": each, "type": _type(each)} for each in form.inputs if each not in lacking],
            "output": {"name": "sf" if form.matched else "weight", "type": "real"},
        }
        flavours = keys_of(data, "flavor")
        # The groups have a correction for b and c jets, and another one for light jets.
        for group in filter(None, (flavours - {0}, flavours & {0})):
            of_group = {one: Fixing({"flavor": one}, {}, where).apply(data) for one in sorted(group)}
            parts.append((f"{name} of {sorted(group)}", {**content, "data": category("flavor", of_group)}))
        if not flavours:
            parts.append((name, {**content, "data": data}))
    if not len(parts) == len(names) == len(set(names)):
        raise ConfigError(
            f"layout {layout}: give another name of a correction for each of {', '.join(dict(parts))}, not "
            f"{', '.join(names)}"
        )
    corrections = [{"name": new, **content} for new, (_, content) in zip(names, parts, strict=True)]
    return schema.CorrectionSet.model_validate({"schema_version": 2, "corrections": corrections})


def _keys(where: str, correction: Mapping[str, Any], form: Layout) -> Node:
    """Return the tree of a scale factor by the keys of a layout."""
    if (output := correction["output"]["name"]) in ("efficiency", "calibration"):
        raise ScaleFactorError(f"{where} is no weight but of the kind {output!r}, which can't be exported")
    if correction.get("generic_formulas"):
        raise ScaleFactorError(f"{where} has shared formulas, which can't be exported")
    try:
        return category(form.kind, form.keys(children(correction["data"])))
    except KeyError as error:
        raise ScaleFactorError(f"{where} has no {error}, which the layout needs") from None


def _with_values(data: Node, placed: Mapping[str, str], form: Layout, inputs: Mapping[str, str]) -> Node:
    """Return a tree below the values of inputs that are no axes, and with magnitudes of inputs."""
    for axis, each in placed.items():
        if axis.startswith("abs") > each.startswith("abs"):
            rule = {"nodetype": "formula", "expression": "abs(x)", "parser": "TFormula", "variables": [each]}
            data = {"nodetype": "transform", "input": each, "rule": rule, "content": data}
    # The flag says which of the two a scale factor of taus depends on.
    values = {"flag": "dm" if "dm" in placed.values() else "pt", **inputs}
    for each in form.free:
        if each in placed.values() or each not in values:
            continue
        if _type(each) != "real":
            data = category(each, {_value(each, values[each], _type(each)): data})
            continue
        low, _, high = values[each].partition(":")
        edges = sorted(_value(each, edge, "real") for edge in (low, high))
        data = {"nodetype": "binning", "input": each, "edges": edges, "content": [data], "flow": "error"}
    # Generated electrons are 1 and 3, muons 2 and 4, taus 5.
    by_match = {match: data if match in form.matched else 1.0 for match in range(7)}
    return category("genmatch", by_match) if form.matched else data


def _value(name: str, text: str, kind: str) -> Value:
    try:
        return _PYTHON[kind](text)
    except ValueError:
        raise ConfigError(f"{name}: expected an axis, or for the type {kind} a value or range, not {text!r}") from None


def _type(name: str) -> str:
    return _TYPES.get(name, "string")
