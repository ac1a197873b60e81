"""Custom executor files of PocketCoffea: branches run as tasks on the Dask client of the factory that a file makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import law

from pocket.compat import executors as theirs
from pocket.compat.parameters import get_default_run_options
from pocket.errors import ConfigError
from pocket.executors import DaskExecutorFactory, Executor, IterativeExecutorFactory
from tasks.framework.executors import FuturesExecutorFactory, all_options
from tasks.settings.run_options import find_site, read_run_options, translate

#: what every executor is told besides its options
_OF_RUN = ("cores", "analysis", "log_folder")


@dataclass(frozen=True)
class Custom:
    """What the command line says about a custom executor file; empty run options are none."""

    file: str
    executor: str
    run_options: str

    @property
    def path(self) -> Path:
        return Path(self.file).expanduser().absolute()

    def check(self) -> None:
        """Refuse a file that isn't there or lacks the function."""
        if not self.path.is_file():
            raise ConfigError(f"--executor-custom-setup {self.file}: there is no such file")
        if theirs.FUNCTION not in self.path.read_text(encoding="utf-8"):
            raise ConfigError(
                f"--executor-custom-setup {self.file} has no function {theirs.FUNCTION}(executor_name, **kwargs), "
                "which returns the factory"
            )

    def given(self) -> dict[str, Any]:
        return read_run_options(self.run_options) if self.run_options else {}


class CustomExecutorFactory(DaskExecutorFactory):
    """Runs jobs on the Dask client of a factory that a custom executor file makes."""

    def __init__(self, run_options: Mapping[str, Any]) -> None:
        self.setup_file = Custom(**run_options["custom"])
        options = {name: value for name, value in run_options.items() if name != "custom"}
        if proxy := self.setup_file.given().get("voms-proxy"):
            options.setdefault("proxy", proxy)
        super().__init__(options)
        self.custom: Any = None
        self.clusters: list[DaskExecutorFactory] = []

    @classmethod
    def check(cls, run_options: Mapping[str, Any]) -> None:
        """Refuse a file without the function, and options that clusters don't have."""
        Custom(**run_options["custom"]).check()
        super().check({name: value for name, value in run_options.items() if name != "custom"})

    @property
    def kind(self) -> str:
        """Kind of the cluster, if a class of this package started it."""
        return self.clusters[-1].kind if self.clusters else self.setup_file.path.name

    @property
    def stands_for_processes(self) -> bool:
        """Whether the file chose an executor of this machine."""
        return isinstance(self.custom, theirs.FuturesExecutorFactory | theirs.IterativeExecutorFactory)

    def setup(self) -> None:
        """Make the factory of the file, and prepare the workers of its client."""
        options = {**get_default_run_options().general, **self.setup_file.given()}
        if most := self.option("max_workers"):
            options["scaleout"] = most
        path, name = self.setup_file.path, self.setup_file.executor
        self.custom = theirs.make_factory(path, name, options, self.run_options["log_folder"], self.cluster_of)
        if self.stands_for_processes:
            return
        if getattr(self.custom, "dask_client", None) is None:
            raise ConfigError(
                f"--executor-custom-setup {self.setup_file.file}: {theirs.FUNCTION}({name!r}) gives "
                f"{'None' if self.custom is None else type(self.custom).__name__}, expected a factory with a "
                "dask_client, or one for iterative or futures"
            )
        super().setup()

    def cluster_of(self, site: str, given: Mapping[str, Any], command: str) -> DaskExecutorFactory:
        """Return the description of a cluster that isn't started yet, from PocketCoffea's site and run options."""
        where = f"--executor-custom-setup {self.setup_file.file}"
        place = find_site(site, where)
        usual = get_default_run_options().general
        changed = {name: value for name, value in given.items() if name not in usual or value != usual[name]}
        own = {name: value for name, value in self.run_options.items() if name not in _OF_RUN}
        params = {"executor": "dask", "site": place, "cluster": own.get("cluster", law.NO_STR)}
        found = translate(changed, where, params)
        translated = {name: value for name, value in found.options.items() if name in self.known_options}
        scheduler = {"scheduler": translated.pop("scheduler")} if "scheduler" in translated else {}
        more = {**found.executor_options, **({"setup": command} if command else {})}
        options = DaskExecutorFactory.combined({**translated, **more}, {**scheduler, **own})
        options = all_options(DaskExecutorFactory, "dask", place, options)
        DaskExecutorFactory.check(options)
        cluster = DaskExecutorFactory({**options, **{name: self.run_options[name] for name in _OF_RUN}})
        self.clusters.append(cluster)
        return cluster

    def connect(self) -> Any:
        self.cluster = self.clusters[-1].cluster if self.clusters else None
        return self.custom.dask_client

    def get(self) -> Executor:
        if not self.stands_for_processes:
            return super().get()
        in_processes = isinstance(self.custom, theirs.FuturesExecutorFactory)
        return (FuturesExecutorFactory if in_processes else IterativeExecutorFactory)(self.run_options).get()

    def close(self) -> None:
        """Restore the workers, close the file's factory, and end the clusters that were started here."""
        try:
            super().close()
            if self.custom is not None:
                self.custom.close()
        finally:
            for cluster in self.clusters:
                cluster.close()
