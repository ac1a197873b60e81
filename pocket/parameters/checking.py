"""Checks of the keys of parameters, and of the kinds of their values.

An analysis may add sections of its own, and keys of its own to the shipped sections. An unknown key in a shipped
section that is similar to a known one is a mistake. A section that is similar to a shipped one may be one, too, as may
be a key that is near another one in a table that is open to keys of the user. YAML reads some numbers differently than
people: ``010`` is 8, and ``1:30`` is 90.
"""

from __future__ import annotations

import copy
import functools
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, OmegaConf

from pocket.base.dialects import dialect
from pocket.base.runtime.remarks import remark, some_of
from pocket.errors import ConfigError, UnknownNameError, nearest
from pocket.parameters.schema import ANY, LIMIT, NUMBER, OWN, SCHEMA, SWITCH, TEXT, YEAR, Kind

#: OmegaConf's notation for a value that isn't known yet.
_MISSING = "???"
#: Notation of values that YAML writes differently than Python.
_SHOWN = {"None": "null", "True": "true", "False": "false"}
#: Similarity from which a key or section of the user's own counts as a misspelling of a known one.
_MISSPELT = 0.75
#: The same in tables in which keys of the user's own are unusual.
_UNUSUAL = 0.6
#: The same for keys that extend a known one.
_NEARLY_EQUAL = 0.9
#: Similarity from which longer keys count as near each other; of short ones, one letter may differ.
_LIKENESS = 0.85
#: Sections with names that the user chooses, or whose keys are checked where they are read.
_OTHERS = ("plotting_style", "toys")
_INTEGER = "tag:yaml.org,2002:int"
_OCTAL_OR_SEXAGESIMAL = r"[-+]?(?:0[0-7_]*[1-7][0-7_]*|[0-9][0-9_]*(?::[0-5]?[0-9])+)"
_WHOLE = re.compile(_OCTAL_OR_SEXAGESIMAL)
#: Quick search for such numbers, since parsing a file takes longer than all else before the first event.
_ANYWHERE = re.compile(rf"[:\-\[,]\s*{_OCTAL_OR_SEXAGESIMAL}\s*(?:[,\]}}#]|$)", re.MULTILINE)


def any_of(*keys: str) -> dict[str, None]:
    """Return keys with any contents, in the form of :data:`pocket.parameters.schema.SCHEMA`."""
    return dict.fromkeys(keys)


#: Keys of single calibrators and selections, and shipped ones that only code of an analysis reads, in the form of
#: :data:`pocket.parameters.schema.SCHEMA`. They aren't there, because every fingerprint holds that module.
FURTHER: Mapping[str, Any] = {
    "jets_calibration": {
        "jet_types": {
            "*": {
                YEAR: any_of("json_path_uncertainties", "jec_uncertainties", "json_path_resolution", "jer_matched_only")
            }
        },
        "smearing": {"file": TEXT, "name": TEXT},
        **any_of("collection_name_alias", "merge_collections_for_variations"),
    },
    "default_jets_calibration": {"smearing": any_of("JERSmear"), **any_of("factory_config_clib")},
    "jet_scale_factors": any_of("vetomaps", "jet_id"),
    "lepton_scale_factors": {leptons: any_of("promptMVA_jsons") for leptons in ("electron_sf", "muon_sf")},
    "met_xy_calibration": {YEAR: {"collection": TEXT, **any_of("file", "algorithm", "epoch")}},
    "softdrop_mass": {YEAR: any_of("collection", "subjets", "relative_resolution", "scale", "resolution")},
    "HEM": {"collection": TEXT, "fraction": NUMBER},
    "object_preselection": {name: {"jetId_file": SWITCH, "vetoMap": TEXT} for name in ("Jet", "FatJet")},
    **any_of("MET_xy", "default_nano_version"),
}


@functools.cache
def accepted() -> Mapping[str, Any]:
    """Return all keys that are known, here or in another framework (:mod:`pocket.base.dialects`)."""
    known: Mapping[str, Any] = _joined(_joined(SCHEMA, FURTHER), dialect().parameter_keys)
    return known


def _joined(schema: Any, more: Any) -> Any:
    if isinstance(schema, tuple):
        kind, table = schema
        return kind, _joined(table, more)
    if not (isinstance(schema, Mapping) and isinstance(more, Mapping)):
        return schema if schema is not None else more
    return {**schema, **{key: _joined(schema.get(key), value) for key, value in more.items()}}


def check_keys(parameters: Any, where: str, written: Mapping[str, str] | None = None) -> None:
    """Check the keys of parameters, and the kinds of their values, against :data:`SCHEMA`.

    Interpolations and ``???`` are accepted, since they may become any value. ``written`` has :func:`surprising_numbers`
    as they are written.
    """
    own: list[str] = []
    for section, content in parameters.items():
        if section in accepted():
            _check(content, accepted()[section], str(section), where, written or {}, own)
        elif meant := resembled(str(section), SCHEMA, _MISSPELT, forms=False):
            place = line_of(where, [str(section)])
            remark(f"section {section!r} in {place} is taken as one of your own, did you mean {meant[0]!r}?")
    if own:
        remark(f"{where}: {some_of(own)} are keys of your own, which nothing but your code reads")


def without_numbered_years(part: DictConfig, earlier: Sequence[DictConfig], where: str) -> DictConfig:
    """Return parameters without years that are written as numbers, which nothing reads, if they are known otherwise."""
    numbered = list(_numbered(part, SCHEMA, ()))
    if not numbered:
        return part
    copied = copy.deepcopy(part)
    for *path, year in numbered:
        sentence = f"{'.'.join(path)} in {where} has the number {year} as a key"
        if not any(str(year) in _keys(one, path) for one in earlier):
            raise ConfigError(f"{sentence}, write the year in quotes: '{year}'")
        table: Any = copied
        for key in path:
            table = table._get_node(key)
        del table[year]
        remark(f"{sentence}, which isn't the year '{year}', so it is ignored")
    return copied


def _numbered(node: Any, schema: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    content = node._content if isinstance(node, DictConfig) else None
    if not (isinstance(content, dict) and isinstance(schema, Mapping)):
        return
    of_any = next((schema[any_key] for any_key in ANY if any_key in schema), None)
    for key, inner in content.items():
        if YEAR in schema and isinstance(key, int):
            yield (*path, key)
        else:
            yield from _numbered(inner, schema.get(key, of_any), (*path, key))


def _keys(parameters: DictConfig, path: Sequence[str]) -> Collection[Any]:
    table = OmegaConf.select(parameters, ".".join(path), throw_on_resolution_failure=False)
    return table if isinstance(table, DictConfig) else ()


def _check(content: Any, schema: Any, prefix: str, where: str, written: Mapping[str, str], own: list[str]) -> None:
    if isinstance(schema, tuple):
        schema = schema[isinstance(content, Mapping)]
    if isinstance(schema, Kind):
        _check_kind(content, schema, prefix, where, written)
        return
    if schema is None or content is None or _is_open(content):
        return
    if not isinstance(content, Mapping):
        keys = [key for key in schema if key not in (*ANY, OWN)]
        known = f" of keys such as {keys[0]!r}" if keys else " by year" if YEAR in schema else ""
        raise ConfigError(f"{prefix} in {where} is {content!r}, expected a table{known}")
    for key, value in content.items():
        if YEAR in schema and isinstance(key, int):
            continue  # See without_numbered_years.
        of_any = [schema[any_key] for any_key in ANY if any_key in schema]
        if key not in schema and not of_any:
            _check_own(str(key), schema, prefix, where, own)
        _check(value, schema.get(key, *of_any), f"{prefix}.{key}", where, written, own)


def _check_own(key: str, schema: Mapping[str, Any], prefix: str, where: str, own: list[str]) -> None:
    """Refuse an unknown key that looks like a misspelt or shortened one, and note others where they are unusual."""
    known = [name for name in schema if name != OWN]
    if OWN in schema:
        meant = resembled(key, known, _MISSPELT, forms=False)
    else:
        own.append(f"{prefix}.{key}")
        meant = resembled(key, known, _UNUSUAL)
    if meant:
        raise UnknownNameError("key", f"{prefix}.{key}", [f"{prefix}.{name}" for name in known], where)


def resembled(key: str, known: Iterable[str], likeness: float, forms: bool = True) -> list[str]:
    """Return the known names that a key may be a misspelling of.

    >>> resembled("opts_sf", ["opts_sig"], 0.75), resembled("opts_sigs", ["opts_sig"], 0.75)
    ([], ['opts_sig'])
    """
    names = [name for name in known if name not in (*ANY, OWN)]
    if any(key.startswith(f"{name}_") for name in names):
        return nearest(key, names, 1, max(likeness, _NEARLY_EQUAL))
    found = [name for name in names if forms and (key.startswith(name) or name.startswith(key))]
    word = f"{key.partition('_')[0]}_"
    return (
        found
        or [
            name
            for name in nearest(key, names, 3, likeness)
            if not name.startswith(word) or nearest(key.removeprefix(word), [name.removeprefix(word)], 1, likeness)
        ][:1]
    )


def _is_open(value: Any) -> bool:
    """Tell whether a value is an interpolation or isn't known yet."""
    return isinstance(value, str) and ("${" in value or value == _MISSING)


def _check_kind(value: Any, kind: Kind, key: str, where: str, written: Mapping[str, str]) -> None:
    if _is_open(value):
        return
    if kind in (NUMBER, LIMIT) and key in written:
        raise ConfigError(
            f"{key} in {where} is written {written[key]}, which YAML reads as {value}: write {value} if that is meant"
        )
    if not kind.has(value):
        raise ConfigError(f"{key} in {where} is {_SHOWN.get(repr(value), repr(value))}, expected {kind.name}")


def warn_of_near_keys(part: DictConfig, main: DictConfig, where: str) -> None:
    """Warn of keys that are new in a table and near a key that it has, and of tables that become empty."""
    for section in part:
        if section in SCHEMA and section not in _OTHERS and section in main:
            nodes = part._get_node(section), main._get_node(section)
            for path in _emptied(*nodes, (str(section),)):
                remark(
                    f"{'.'.join(path)} in {line_of(where, path)} is null, which removes all of its keys: leave out the "
                    "line unless that is meant"
                )
            for path, meant in _near(*nodes, (str(section),)):
                remark(
                    f"key {'.'.join(path)!r} in {line_of(where, path)} is taken as one of your own, "
                    f"did you mean {meant!r}?"
                )


def _near(part: Any, main: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    tables = [node._content if isinstance(node, DictConfig) else None for node in (part, main)]
    new, known = tables
    if not (isinstance(new, dict) and isinstance(known, dict)):
        return
    for key, value in new.items():
        if key in known:
            yield from _near(value, known[key], (*path, str(key)))
        # Whoever sets both of them means both of them.
        elif meant := near_key(key, [name for name in known if name not in new]):
            yield (*path, str(key)), meant


def _emptied(part: Any, main: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the tables that become null, as when all lines below a key of a file are comments."""
    known = main._content if isinstance(main, DictConfig) else None
    if not isinstance(known, dict) or not known:
        return
    content = part._content if isinstance(part, DictConfig) else getattr(part, "_val", part)
    if content is None:
        yield path
    elif isinstance(part, DictConfig) and isinstance(content, dict):
        for key, value in content.items():
            if key in known:
                yield from _emptied(value, known[key], (*path, str(key)))


def near_key(key: Any, known: Collection[Any]) -> str:
    """Return the known key that a key may be a misspelling of, empty if there is none."""
    if not isinstance(key, str):
        return ""
    names = [name for name in known if isinstance(name, str) and _may_be(key.lower(), name.lower())]
    return next(iter(nearest(key, names, 1, 0)), "")


def _may_be(key: str, name: str) -> bool:
    if re.sub(r"\d", "", key) == re.sub(r"\d", "", name) and key != name:
        return False
    if key.startswith(f"{name}_") or (key[:1] != name[:1] and sorted(key) != sorted(name)):
        return False
    # Of names such as sf_mu_id and sf_mu_iso, only what differs is compared.
    words = [text.split("_") for text in (key, name)]
    if len(words[0]) == len(words[1]) > 1:
        pairs = [(one, other) for one, other in zip(*words, strict=True) if one != other]
        return len(pairs) <= 1 and all(_are_near(one, other) for one, other in pairs)
    return _are_near(key, name)


def _are_near(one: str, other: str) -> bool:
    return bool(nearest(one, [other], 1, _LIKENESS)) or (min(len(one), len(other)) > 2 and _one_letter_off(one, other))


def _one_letter_off(one: str, other: str) -> bool:
    """Tell whether two strings differ in one letter, or in the order of two neighbours."""
    short, long = sorted((one, other), key=len)
    begin = next((i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if len(short) != len(long):
        return short[begin:] == long[begin + 1 :]
    rest, others = short[begin:], long[begin:]
    return rest[1:] == others[1:] or (rest[:2] == others[:2][::-1] and rest[2:] == others[2:])


def line_of(where: str, path: Sequence[str]) -> str:
    """Return a file and the line of a key in it, ``file:line``."""
    try:
        node = yaml.compose(Path(where).read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return where
    line = None
    for key in path:
        entries = node.value if isinstance(node, yaml.MappingNode) else ()
        found = [(name, value) for name, value in entries if name.value == key]
        if not found:
            return where
        line, node = found[-1][0].start_mark.line + 1, found[-1][1]
    return where if line is None else f"{where}:{line}"


def surprising_numbers(text: str) -> dict[str, str]:
    """Return key → number as written, for numbers that YAML 1.1 reads to the base of 8 or 60.

    Examples:
        >>> surprising_numbers("lumi: {tot: 010, A: 10, start: 1:30, name: '010'}")
        {'lumi.tot': '010', 'lumi.start': '1:30'}
    """
    if not _ANYWHERE.search(text):
        return {}
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    return dict(_misread(node, "")) if node is not None else {}


def _misread(node: yaml.Node, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            # The entries of a merged mapping are entries of this one.
            inner = place if key.tag == "tag:yaml.org,2002:merge" else f"{place}.{key.value}".removeprefix(".")
            yield from _misread(value, inner)
    elif isinstance(node, yaml.ScalarNode) and node.tag == _INTEGER and _WHOLE.fullmatch(node.value):
        yield place, node.value
