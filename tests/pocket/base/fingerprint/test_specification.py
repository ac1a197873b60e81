from __future__ import annotations

import json

from pocket.base.fingerprint import code_closure, differences, digest, specification
from pocket.base.fingerprint.specification import Specification
from tests.pocket.base.fingerprint.sources import loaded


def spec_of(limit: float, threshold: int = 1) -> Specification:
    with loaded(f"def cut(x):\n    return x > {threshold}\n") as lib:
        return specification({"config": {"pt": limit, "skim": [lib.cut]}})


def test_values_have_places() -> None:
    found = spec_of(25.0)
    assert found.values["config.pt"] == "float 25.0"
    file, line, source = found.functions["config.skim[0]"]
    assert file.endswith("lib.py")
    assert (line, source) == (1, "def cut(x):\n    return x > 1\n")


def test_the_digest_is_the_same() -> None:
    obj = {"a": [1, {"b": None}], "code": code_closure("pocket.errors")}
    assert specification(obj).digest == digest(obj)


def test_closures_name_their_modules() -> None:
    found = specification({"engine": code_closure("pocket.engine.run")})
    assert "pocket.engine.chunk" in found.closures["engine"]


def test_a_specification_travels_as_json() -> None:
    found = spec_of(25.0)
    assert Specification.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_differences_are_named() -> None:
    assert list(differences(spec_of(25.0), spec_of(25.0))) == []
    assert [str(each) for each in differences(spec_of(25.0), spec_of(30.0))] == ["config.pt: float 25.0 → float 30.0"]
    (difference,) = differences(spec_of(25.0), spec_of(25.0, threshold=2))
    assert difference.place == "config.skim[0]"
    assert str(difference).endswith("lib.py:1 differs")
    engine, outputs = (specification({"code": code_closure(f"pocket.{name}")}) for name in ("cuts.cut", "errors"))
    assert "code: module pocket.cuts.cut differs" in list(map(str, differences(engine, outputs)))


def test_a_source_that_differs_in_what_does_not_count_is_no_difference() -> None:
    def spec(text: str, least: int) -> Specification:
        with loaded(f"def cut(x):\n    assert x, '{text}'\n    return x > {least}\n") as lib:
            return specification([lib.cut])

    assert list(differences(spec("no events", 1), spec("nothing", 1))) == []
    assert len(list(differences(spec("no events", 1), spec("nothing", 2)))) == 1
