from __future__ import annotations

import pytest

from pocket.compat.executors import get_executor_factory
from pocket.errors import ConfigError


def test_executors_are_imported_and_extended_but_not_made() -> None:
    from pocket_coffea.executors.executors_lxplus import DaskExecutorFactory

    class Mine(DaskExecutorFactory):
        pass

    with pytest.raises(ConfigError, match=r"Mine of PocketCoffea does nothing here: .* derive your own from"):
        Mine({}, "output")
    with pytest.raises(ConfigError, match="get_executor_factory of PocketCoffea does nothing here: choose an executor"):
        get_executor_factory("dask")


def test_their_functions_are_refused_with_the_replacement() -> None:
    with pytest.raises(
        ConfigError, match=r"executors_lxplus\.setup_dask of PocketCoffea isn't here: choose an executor"
    ):
        from pocket_coffea.executors.executors_lxplus import setup_dask  # noqa: F401
