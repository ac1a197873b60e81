"""PocketCoffea's classes of executors: a configuration may import and extend them, but nothing here uses them."""

from __future__ import annotations

from typing import Any, NoReturn

from pocket.base.runtime.import_names import PACKAGE, replacement
from pocket.errors import ConfigError


class ExecutorFactoryABC:
    """Base class of executors, which can't be made.

    Args:
        *args: accepted.
        **kwargs: accepted.

    Raises:
        ConfigError: always, with the replacement.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refuse(type(self).__name__)


class IterativeExecutorFactory(ExecutorFactoryABC):
    """Executor of one process."""


class FuturesExecutorFactory(ExecutorFactoryABC):
    """Executor of several processes."""


class DaskExecutorFactory(ExecutorFactoryABC):
    """Executor on Dask."""


class DaskGatewayExecutorFactory(ExecutorFactoryABC):
    """Executor on Dask behind a gateway."""


class ParslCondorExecutorFactory(ExecutorFactoryABC):
    """Executor on HTCondor by Parsl."""


class ParslSlurmExecutorFactory(ExecutorFactoryABC):
    """Executor on Slurm by Parsl."""


class ExecutorFactoryManualABC(ExecutorFactoryABC):
    """Executor that writes job files."""


class ExecutorFactoryCondorCERN(ExecutorFactoryManualABC):
    """Executor that writes job files for CERN's HTCondor."""


def get_executor_factory(*args: Any, **kwargs: Any) -> NoReturn:
    """Refuse to return an executor.

    Raises:
        ConfigError: always, with the replacement.
    """
    _refuse("get_executor_factory")


def _refuse(name: str) -> NoReturn:
    raise ConfigError(f"{name} of PocketCoffea does nothing here: {replacement(f'{PACKAGE}.executors')}")
