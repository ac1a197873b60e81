"""One item for a list: a test that runs for each of its entries and names all that fail."""

from __future__ import annotations

import functools
import inspect
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

#: what ``pytest.param`` makes
Parameters = type(pytest.param())


def check_each(
    arguments: str | Sequence[str],
    entries: Iterable[Any],
    ids: Iterable[str] | Callable[[Any], str | None] | None = None,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorate a test as ``pytest.mark.parametrize`` does, but make one item of all entries.

    It is for lists of quick entries. Each has ``tmp_path``, ``monkeypatch``, ``caplog`` and ``capsys`` for itself; it
    sees what the entries before it did to other fixtures.
    """
    names = [name.strip() for name in arguments.split(",")] if isinstance(arguments, str) else list(arguments)
    alone = isinstance(arguments, str) and len(names) == 1
    rows = [each if isinstance(each, Parameters) else pytest.param(*([each] if alone else each)) for each in entries]
    assert rows
    assert all(len(row.values) == len(names) and not row.marks for row in rows)
    choose = ids if callable(ids) else None
    labels = list(ids) if ids and not choose else [row.id or label(row.values, choose) for row in rows]
    assert len(labels) == len(rows)

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def check(**fixtures: Any) -> None:
            failed = []
            for number, (row, name) in enumerate(zip(rows, labels, strict=True)):
                try:
                    with own_fixtures(fixtures, str(number)) as own:
                        test(**own, **dict(zip(names, row.values, strict=True)))
                except (Exception, pytest.fail.Exception) as error:
                    failed.append(f"{name}: {place(error)}{type(error).__name__}: {error}")
            assert not failed, f"{len(failed)} of {len(rows)} entries fail:\n" + "\n".join(failed)

        signature = inspect.signature(test)
        assert set(names) <= set(signature.parameters)
        fixtures = [parameter for name, parameter in signature.parameters.items() if name not in names]
        check.__signature__ = signature.replace(parameters=fixtures)  # type: ignore[attr-defined]
        return check

    return decorate


@contextmanager
def own_fixtures(fixtures: dict[str, Any], folder: str) -> Iterator[dict[str, Any]]:
    """Give fixtures in the state in which an item of its own would have them."""
    own = dict(fixtures)
    with ExitStack() as stack:
        if "tmp_path" in own:
            own["tmp_path"] = fixtures["tmp_path"] / folder
            own["tmp_path"].mkdir()
        if "monkeypatch" in own:
            own["monkeypatch"] = stack.enter_context(pytest.MonkeyPatch.context())
        if "caplog" in own:
            own["caplog"].clear()
        if "capsys" in own:
            own["capsys"].readouterr()
        yield own


def label(values: Iterable[Any], choose: Callable[[Any], str | None] | None) -> str:
    """Return the name of an entry, made of its values."""
    words = []
    for value in values:
        text = (choose and choose(value)) or (value if isinstance(value, str) else getattr(value, "__name__", ""))
        words.append(text or repr(value))
    return ", ".join(word if len(word) <= 60 else f"{word[:59]}…" for word in words)


def place(error: BaseException) -> str:
    """Return file and line of the innermost frame in a test."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "test_" in Path(frame.filename).name]
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}: " if frames else ""
