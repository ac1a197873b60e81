from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pocket.compat.parameter_keys import UPSTREAM
from pocket.parameters.checking import FURTHER, accepted
from pocket.parameters.schema import SCHEMA


def paths(schema: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of every key of a schema that has a meaning of its own."""
    if isinstance(schema, tuple):
        schema = schema[1]
    if isinstance(schema, Mapping):
        for key, inner in schema.items():
            yield from paths(inner, (*path, key))
    else:
        yield path


def test_keys_of_both_are_accepted() -> None:
    assert set(paths(accepted())) == {*paths(SCHEMA), *paths(FURTHER), *paths(UPSTREAM)}


def test_what_is_read_here_is_not_listed_again() -> None:
    assert not {*paths(SCHEMA), *paths(FURTHER)} & set(paths(UPSTREAM))
    assert not set(paths(SCHEMA)) & set(paths(FURTHER))
