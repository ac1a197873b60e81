from __future__ import annotations

from pocket.histograms.object_axes import DEFAULT_AXIS_SETTINGS, DEFAULT_FIELDS, DEFAULT_SCORES, SYMBOLS
from tests.entries import check_each


@check_each("type", DEFAULT_AXIS_SETTINGS)
def test_settings_are_complete(type: str) -> None:
    axes = DEFAULT_AXIS_SETTINGS[type]
    for settings in axes.values():
        assert "$" in settings["label"]
        assert "<obj>" in settings["label"]
        low, high = settings["lim"]
        assert low < high
        edges = settings["bins"] if settings.get("type") == "variable" else (settings["start"], settings["stop"])
        assert edges[0] <= low
        assert high <= edges[-1]
    assert type in SYMBOLS
    assert set(DEFAULT_FIELDS.get(type, ())) | set(DEFAULT_SCORES.get(type, ())) <= set(axes)
