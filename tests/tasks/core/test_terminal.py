from __future__ import annotations

import pytest
from luigi.parameter import MissingParameterException

from tasks.chain.plotting import PlotTemplates
from tasks.core.terminal import sentence_of


def test_option_that_is_missing_is_named() -> None:
    with pytest.raises(MissingParameterException) as error:
        PlotTemplates(params=("a=[1]",))
    expected = "PlotTemplates needs --version, the name of this version of the outputs, e.g. --version v1"
    assert sentence_of(error.value) == expected
    assert sentence_of(ValueError("else")) == "else"
