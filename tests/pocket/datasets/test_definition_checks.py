from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pocket.datasets.definition_checks import (
    check_built,
    check_dataset,
    check_entry,
    check_spelling,
    metadata_without_effect,
    remark_on,
)
from pocket.errors import UnknownNameError


@pytest.mark.parametrize(
    ("check", "content", "message"),
    [
        (check_dataset, {"sampel": "DY"}, "unknown dataset key 'sampel' in here, did you mean 'sample'"),
        (check_entry, {"das_name": []}, "unknown key 'das_name' in here, did you mean 'das_names'"),
        (check_built, {"metadatas": {}}, "unknown dataset key 'metadatas' in here, did you mean 'metadata'"),
        (check_spelling, {"xsecs": 1}, "unknown metadata key 'xsecs' in here, did you mean 'xsec'"),
    ],
)
def test_misspelt_keys(check: Any, content: dict[str, Any], message: str) -> None:
    with pytest.raises(UnknownNameError, match=message):
        check(content, "here")


def test_other_keys() -> None:
    check_dataset({"description": "Drell-Yan", "comment": ""}, "here")
    check_entry({"das_parents_names": [], "comment": ""}, "here")
    check_built({"treename": "Events"}, "here")
    check_spelling({"campaign": "Summer20", "xsec": 1, "xsecs": 1}, "here")


def test_metadata_without_effect() -> None:
    assert metadata_without_effect({"isMC": "True", "sum_genweights": 1.0, "xsec": 2}) == ["sum_genweights"]
    assert metadata_without_effect({"isMC": False, "era": "A", "xsec": 2}) == ["xsec"]
    assert metadata_without_effect({"isMC": True, "isSkim": "yes", "sum_genweights": 1.0}) == []


def test_filesets_have_remarks_too(caplog: pytest.LogCaptureFixture) -> None:
    content = {"DY_2018": {"metadata": {"isMC": "True", "sum_genweights": "1"}, "files": [], "treename": "Events"}}
    remark_on(content, Path("built.json"), [])
    assert caplog.messages == [
        "built.json: 'treename', 'sum_genweights' of datasets have no effect, so they are ignored"
    ]
