"""PocketCoffea's executor factories, from which custom executor files derive theirs.

A file has a function ``get_executor_factory(executor_name, run_options=…, outputdir=…)``. Of the factory that it
returns, the Dask client is used: branches run on its workers as tasks. coffea's own executors aren't used.
"""

from __future__ import annotations

import contextlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any, ClassVar

from pocket.base.snapshots.process import import_root
from pocket.compat.import_names import PACKAGE, replacement
from pocket.configuration.user_errors import describe
from pocket.errors import ConfigError, PocketError
from pocket.executors.dask_executor import DaskExecutorFactory as OurDaskFactory
from pocket.executors.proxy import proxy_path

#: Function that describes the Dask cluster of a site: PocketCoffea's name of the site, run options and a command that
#: workers begin with → factory.
ClusterOf = Callable[[str, Mapping[str, Any], str], OurDaskFactory]
FUNCTION = "get_executor_factory"

_cluster_of: ContextVar[ClusterOf] = ContextVar("cluster_of")


class ExecutorFactoryABC:
    """Base of all factories; making one calls :meth:`setup`."""

    def __init__(self, run_options: Mapping[str, Any], outputdir: str = "", **kwargs: Any) -> None:
        self.run_options = run_options
        if outputdir:
            self.outputdir = outputdir
        self.handles_submission = False
        self.setup()

    def setup(self) -> None:
        """Name the proxy."""
        self.setup_proxyfile()

    def setup_proxyfile(self) -> None:
        """Set ``x509_path``; workers get the proxy if the run option ``voms-proxy`` names it."""
        self.x509_path = str(proxy_path(self.run_options.get("voms-proxy") or "auto"))

    def set_env(self) -> None:
        """Do nothing, because branches set what they need."""

    def customized_args(self) -> dict[str, Any]:
        """Return the arguments of coffea's executor, which isn't used."""
        return {}

    def get(self) -> Any:
        """Return ``None`` for coffea's executor, which isn't used."""

    def close(self) -> None:
        """Stop what was started."""


class IterativeExecutorFactory(ExecutorFactoryABC):
    """Stands for branches one after the other in this process."""


class FuturesExecutorFactory(ExecutorFactoryABC):
    """Stands for branches in processes of this machine."""


class DaskExecutorFactory(ExecutorFactoryABC):
    """Starts the Dask cluster of a site, as ``--executor dask --site SITE`` does."""

    #: PocketCoffea's name of the site, empty for one that isn't among those of law.cfg.
    site: ClassVar[str] = ""

    def setup(self) -> None:
        """Start the cluster, and set ``dask_client`` and ``dask_cluster``."""
        super().setup()
        if not self.site:
            raise ConfigError(
                f"{type(self).__name__} is for a site that isn't in law.cfg: write a section of it as "
                "docs/how-to/sites.md says, and use --executor dask --site"
            )
        cluster_of = _cluster_of.get(None)
        if cluster_of is None:
            raise ConfigError(f"{type(self).__name__} starts its cluster only in a run with --executor-custom-setup")
        ours = cluster_of(self.site, self.run_options, "; ".join(self.get_worker_env()))
        self.dask_client = ours.connect()
        self.dask_cluster = ours.cluster

    def get_worker_env(self) -> list[str]:
        """Return commands of the shell that jobs of workers begin with."""
        return list(self.run_options.get("custom-setup-commands") or ())

    def close(self) -> None:
        """Close the client; the cluster ends with the run."""
        self.dask_client.close()


class JobsExecutorFactory(ExecutorFactoryABC):
    """Stands for executors that submit jobs or use Parsl, which can be extended but not made."""

    def setup(self) -> None:
        """Refuse to start."""
        raise ConfigError(
            f"{type(self).__name__} of PocketCoffea does nothing here: {replacement(f'{PACKAGE}.executors')}"
        )


class ParslCondorExecutorFactory(JobsExecutorFactory):
    """Executor on HTCondor by Parsl."""


class ParslSlurmExecutorFactory(JobsExecutorFactory):
    """Executor on Slurm by Parsl."""


class ExecutorFactoryManualABC(JobsExecutorFactory):
    """Executor that writes job files."""


class ExecutorFactoryCondorCERN(ExecutorFactoryManualABC):
    """Executor that writes job files for CERN's HTCondor."""


def _of_site(name: str, site: str) -> type[DaskExecutorFactory]:
    """Return the factory of the Dask cluster of a site."""
    return type(name, (DaskExecutorFactory,), {"site": site})


CasaExecutorFactory = _of_site("CasaExecutorFactory", "casa")
InfnExecutorFactory = _of_site("InfnExecutorFactory", "infn-af")
LxplusExecutorFactory = _of_site("LxplusExecutorFactory", "lxplus")
PsiExecutorFactory = _of_site("PsiExecutorFactory", "T3_CH_PSI")
PurdueExecutorFactory = _of_site("PurdueExecutorFactory", "purdue-af")
SwanExecutorFactory = _of_site("SwanExecutorFactory", "swan")


def _chooser(dask: type[DaskExecutorFactory]) -> Callable[..., ExecutorFactoryABC | None]:
    known: dict[str, type[ExecutorFactoryABC]] = {
        "iterative": IterativeExecutorFactory,
        "futures": FuturesExecutorFactory,
        "dask": dask,
    }

    def get_executor_factory(executor_name: str, **kwargs: Any) -> ExecutorFactoryABC | None:
        """Return the factory of an executor, ``None`` for an unknown name."""
        factory = known.get(executor_name)
        return factory(**kwargs) if factory else None

    return get_executor_factory


get_executor_factory = _chooser(DaskExecutorFactory)
get_casa_factory = _chooser(CasaExecutorFactory)
get_infn_factory = _chooser(InfnExecutorFactory)
get_lxplus_factory = _chooser(LxplusExecutorFactory)
get_psi_factory = _chooser(PsiExecutorFactory)
get_purdue_factory = _chooser(PurdueExecutorFactory)
get_swan_factory = _chooser(SwanExecutorFactory)


def make_factory(
    file: Path, executor: str, run_options: Mapping[str, Any], outputdir: str, cluster_of: ClusterOf
) -> Any:
    """Return the factory that a custom executor file makes for the name of an executor and its run options."""
    token = _cluster_of.set(cluster_of)
    try:
        with _on_path(file), _old_names():
            return getattr(_load(file), FUNCTION)(executor, run_options=run_options, outputdir=outputdir)
    except PocketError:
        raise
    except Exception as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
        place = f"{file}:{lines[-1]}" if lines else str(file)
        raise ConfigError(f"--executor-custom-setup {place}: {describe(error)}") from error
    finally:
        _cluster_of.reset(token)


def _load(file: Path) -> Any:
    """Return the module of a file; its objects, and those of modules beside it, travel to workers by value."""
    import cloudpickle

    before = set(sys.modules)
    spec = importlib.util.spec_from_file_location(f"custom_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    for name in set(sys.modules) - before:
        place = getattr(sys.modules[name], "__file__", None)
        if place and Path(place).is_relative_to(import_root(file)):
            cloudpickle.register_pickle_by_value(sys.modules[name])
    return module


@contextlib.contextmanager
def _on_path(file: Path) -> Iterator[None]:
    """Put the folder of a file, and the root of its repository, on the path in the block."""
    before = list(sys.path)
    sys.path[:] = list(dict.fromkeys([str(file.parent), *before, str(import_root(file))]))
    try:
        yield
    finally:
        sys.path[:] = before


@contextlib.contextmanager
def _old_names() -> Iterator[None]:
    """Give Dask's client the method in the block that older releases have for plugins of workers."""
    import distributed

    client: Any = distributed.Client
    if hasattr(client, "register_worker_plugin"):
        yield
        return
    client.register_worker_plugin = client.register_plugin
    try:
        yield
    finally:
        del client.register_worker_plugin
