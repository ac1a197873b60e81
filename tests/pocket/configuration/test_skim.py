from __future__ import annotations

from typing import Any

import pytest

from pocket.configuration.skim import Skim
from pocket.errors import ConfigError, UnknownNameError
from pocket.plan.skim import SkimPlan


def test_the_plan_of_a_skim() -> None:
    skim = Skim(config="main", mode="presel_any_variation", keep=["Muon_*"], drop=["HLT_*"], compression="ZSTD")
    assert skim.plan() == SkimPlan("presel_any_variation", ("Muon_*",), ("HLT_*",), "ZSTD")


def test_unknown_mode() -> None:
    with pytest.raises(UnknownNameError, match="unknown mode 'skimm' in skim of configuration 'main', did you mean"):
        Skim(config="main", mode="skimm")


def test_unknown_compression() -> None:
    with pytest.raises(UnknownNameError, match="unknown compression 'zstd' in skim of configuration 'main', did you"):
        Skim(config="main", compression="zstd")


@pytest.mark.parametrize("patterns", ["Muon_*", [1], [""]])
def test_patterns_must_be_a_list_of_texts(patterns: Any) -> None:
    with pytest.raises(ConfigError, match="keep of the skim of configuration 'main' must be a list of patterns such"):
        Skim(config="main", keep=patterns)
    with pytest.raises(ConfigError, match="drop of the skim"):
        Skim(config="main", drop=patterns)
