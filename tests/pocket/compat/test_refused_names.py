from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from pocket.base.fingerprint import digest
from pocket.compat.refused_names import RefusedModule, RefusedName, refusal
from pocket.errors import ConfigError
from tests.entries import check_each

NAME: Any = RefusedName("pocket_coffea.lib.fit", "use iminuit")
MODULE: Any = RefusedModule("pocket_coffea.stat", "use pyhf")


def derived() -> type:
    class Derived(NAME): ...  # type: ignore[misc]

    return Derived


@check_each(
    "use",
    [
        lambda: NAME(1, option=2),
        lambda: NAME.attribute,
        lambda: NAME["key"],
        lambda: [*NAME],
        lambda: {**NAME},
        lambda: 1 in NAME,
        lambda: isinstance(1, NAME),
        derived,
        lambda: getattr(NAME, "name", "default"),
    ],
)
def test_any_use_of_a_name_is_refused(use: Callable[[], Any]) -> None:
    with pytest.raises(ConfigError, match=r"^pocket_coffea\.lib\.fit of PocketCoffea isn't here: use iminuit$"):
        use()


def test_names_of_a_module_are_refused_where_they_are_used() -> None:
    name = MODULE.Datacard
    with pytest.raises(ConfigError, match=r"^pocket_coffea\.stat\.Datacard of PocketCoffea isn't here: use pyhf$"):
        name()
    assert not hasattr(MODULE, "__wrapped__")


def test_what_is_not_used_can_be_carried_around() -> None:
    def uses() -> Any:
        return NAME(MODULE)

    for moved in (copy.deepcopy(NAME), pickle.loads(pickle.dumps(NAME))):
        assert refusal(moved) == "use iminuit"
        assert repr(moved) == "<pocket_coffea.lib.fit of PocketCoffea, which isn't here>"
    assert digest(uses) != digest(lambda: MODULE(NAME))
    assert (refusal(MODULE), refusal("anything else")) == ("use pyhf", None)
