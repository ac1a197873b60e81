from __future__ import annotations

import copy
import textwrap
from pathlib import Path

import pytest

from pocket.configuration.comparison import square_roots
from pocket.configuration.configurator import Configurator
from pocket.configuration.deferred import Broken, deferred_errors
from pocket.configuration.loading import load_analysis
from pocket.errors import BrokenConfigError, ConfigError, UnknownNameError
from tests.pocket.configs import configure

WRONG = {"common": {"inclusive": ["genWieght"]}}

MODULE = """
from pocket.configuration.analysis import Analysis
from tests.pocket.configs import configure


def make(name):
    return configure(weights={"common": {"inclusive": [name]}})


first = configure()
second = make("SECOND")
analysis = Analysis(name="mine", configs={"first": first, "second": second}, default_config="first")
"""


def write(outside: Path, *edits: tuple[str, str]) -> str:
    """Write the analysis with some texts replaced, and return its reference."""
    text = textwrap.dedent(MODULE).lstrip()
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    (outside / "__init__.py").write_text(text)
    return str(outside)


def broken() -> Configurator:
    with deferred_errors() as made:
        config = configure(weights=WRONG)
    assert made == [config]
    return config


def test_an_error_is_raised_at_once_unless_an_analysis_is_imported() -> None:
    with pytest.raises(UnknownNameError, match="unknown weight 'genWieght'"):
        configure(weights=WRONG)
    with deferred_errors() as made:
        assert not isinstance(configure(), Broken)
    assert made == []


def test_each_use_raises_the_error() -> None:
    config = broken()
    assert isinstance(config, Broken)
    assert isinstance(config, Configurator)
    uses = (
        lambda: config.variables,
        lambda: config.plan().spec(),
        lambda: copy.copy(config).samples,
        lambda: config.with_parameters(config.parameters),
    )
    for use in uses:
        with pytest.raises(BrokenConfigError, match=r"^unknown weight 'genWieght' in weights\.common\.inclusive, did"):
            use()


def test_square_roots_of_a_broken_configuration_are_broken() -> None:
    config = broken()
    assert square_roots(configure(), config) is config
    assert square_roots(config, configure()) is config


def test_others_of_the_analysis_can_be_used(outside: Path) -> None:
    analysis = load_analysis(write(outside, ("SECOND", "genWieght")))
    assert list(analysis.config("first").variables) == ["x"]
    assert list(analysis.broken) == ["second"]
    file = outside / "__init__.py"
    with pytest.raises(BrokenConfigError) as caught:
        analysis.config("second")
    sentence = str(caught.value)
    assert sentence.startswith(
        "configuration 'second': unknown weight 'genWieght' in weights.common.inclusive, did you"
    )
    assert sentence.endswith(f", called in {file}:10)")
    assert sentence.count("configuration 'second'") == 1


def test_a_misspelt_argument(outside: Path) -> None:
    analysis = load_analysis(write(outside, ('make("SECOND")', "configure(wieghts={})")))
    with pytest.raises(BrokenConfigError, match=r"configuration 'second': unknown argument 'wieghts' in .*'weights'"):
        analysis.config("second")


def test_a_configuration_that_no_other_can_replace(outside: Path) -> None:
    sentence = r"^configuration 'second': unknown weight 'genWieght' .* \(in \S+:\d+, called in \S+__init__\.py:10\)$"
    only = ('"first": first, ', ""), ('default_config="first"', 'default_config="second"')
    with pytest.raises(BrokenConfigError, match=sentence):
        load_analysis(write(outside, ("SECOND", "genWieght"), *only))


def test_a_configuration_that_the_analysis_does_not_name(outside: Path) -> None:
    sentence = r"^unknown weight .genWieght. .* \(in \S+:\d+, called in \S+__init__\.py:10\)$"
    with pytest.raises(BrokenConfigError, match=sentence):
        load_analysis(write(outside, ("SECOND", "genWieght"), (', "second": second', "")))


def test_a_configuration_that_the_module_uses(outside: Path) -> None:
    sentence = r"^configuration 'second': unknown weight 'genWieght' .* \(in \S+:\d+, called in \S+__init__\.py:10\)$"
    with pytest.raises(BrokenConfigError, match=sentence):
        load_analysis(write(outside, ("SECOND", "genWieght"), ("analysis =", "print(second.variables)\nanalysis =")))


def test_other_errors_stop_the_analysis(outside: Path) -> None:
    with pytest.raises(ConfigError, match="Cut"):
        load_analysis(write(outside, ("first =", "from pocket import Cut\nCut('', {}, len)\nfirst =")))
