from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from pocket.configuration import moved_names
from pocket.configuration.moved_names import name_now
from pocket.configuration.user_errors import suggestion


@pytest.mark.parametrize(
    ("name", "now"),
    [
        ("pocket.analysis", "pocket.configuration.analysis"),
        ("pocket.engine.packing", "pocket.io.nanoaod.packing"),
        ("pocket.scale_factors.coupled", "pocket.scale_factors.declarations.coupled"),
        ("Made", "UpstreamOutputs"),
        ("PlotContext.root", "PlotContext.covariance"),
        ("Closure", ""),
        ("pocket.configuration", ""),
    ],
)
def test_where_names_are_now(name: str, now: str) -> None:
    assert name_now(name) == now


def test_modules_that_the_tables_name_are_there() -> None:
    former = {name: now for name, now in moved_names._former().items() if name.startswith(("pocket.", "tasks."))}
    modules = {now for now in former.values() if all(part.isidentifier() for part in now.split("."))}
    assert len(modules) > 100
    assert [now for now in sorted(modules) if importlib.util.find_spec(now) is None] == []


def test_a_former_method_is_named() -> None:
    class ScaleFactor:
        """Has the name of ours."""

    class Mine(ScaleFactor):
        """Derives from it, as scale factors do."""

    with pytest.raises(AttributeError) as caught:
        Mine().parts  # type: ignore[attr-defined]  # noqa: B018
    assert suggestion(caught.value) == " (it is ScaleFactor.per_sample() now)"


def test_without_the_changelog_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moved_names, "shipped_root", lambda: tmp_path)
    monkeypatch.setattr(moved_names, "_former", moved_names._former.__wrapped__)
    assert name_now("pocket.analysis") == ""
