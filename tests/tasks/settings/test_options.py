from __future__ import annotations

from typing import Any, ClassVar

import law
import pytest

from pocket.errors import ConfigError
from tasks.settings.options import Groups, OptionGroup, add_options, dial


def positive(task: Any, params: dict[str, Any]) -> dict[str, Any]:
    if params.get("number", 1) < 1:
        raise ConfigError(f"--number is {params['number']} for {task.task_family}")
    return {**params, "word": params["word"].upper()}


SAID: list[str] = []
NUMBERS = OptionGroup(
    "numbers",
    {"number": dial("a number", 3), "word": dial("a word", law.NO_STR), "tell": dial("say it", False)},
    check=positive,
    of_workflow=frozenset({"word"}),
    actions={"tell": lambda task: SAID.append(task.word)},
)
OTHERS = OptionGroup("others", {"other": dial("another", 1.5, "three halves")})


class Composed(law.Task):
    """A task that lists groups."""

    options: ClassVar[Groups] = (NUMBERS,)
    option_groups: ClassVar[Groups]

    def run(self) -> None:
        """Do nothing."""

    @classmethod
    def modify_task_attributes(cls) -> None:
        add_options(cls)

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        for group in cls.option_groups:
            params = group.check(cls, params)
        return params


class Derived(Composed):
    """A task with more options, one of which isn't an option here."""

    options = (OTHERS,)
    number = 7


class Fixed(Derived):
    """A task that takes the place of an option in a group of its own."""

    options = (OptionGroup("", {"tell": dial("other words", False)}),)


def test_a_task_has_the_options_that_it_and_its_bases_list() -> None:
    assert {"number", "word", "tell"} <= dict(Composed.get_params()).keys()
    assert "other" not in dict(Composed.get_params())
    found = dict(Derived.get_params())
    assert {"word", "tell", "other"} <= found.keys()
    assert "number" not in found
    assert Derived.option_groups == (NUMBERS, OTHERS)
    assert Fixed().other == 1.5
    assert dict(Fixed.get_params())["tell"].description == "other words; default: False"


def test_checks_and_actions() -> None:
    assert Composed(word="b").word == "B"
    with pytest.raises(ConfigError, match=r"^--number is 0 for Composed$"):
        Composed(number=0)
    assert "tell" in Composed.interactive_params
    assert "tell" not in law.Task.interactive_params
    Composed(word="c")._tell(True)
    assert SAID == ["C"]
    assert "word" in Composed.exclude_params_branch
    assert "word" in Derived.exclude_params_branch


def test_descriptions_and_kinds() -> None:
    assert [parameter.description for parameter in NUMBERS.parameters.values()] == [
        "a number; default: 3",
        "a word; no default",
        "say it; default: False",
    ]
    assert OTHERS.parameters["other"].description == "another; default: three halves"
    assert not any(parameter.significant for parameter in NUMBERS.parameters.values())
    assert NUMBERS.parameters["number"].parse("4") == 4
    assert OTHERS.parameters["other"].parse("4") == 4.0
