"""The executor on a Dask cluster: one made for the run, or a scheduler that is there already."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pocket.errors import ConfigError, PocketError, UnknownNameError
from pocket.executors.base import Executor, ExecutorFactoryABC, available_cores
from pocket.executors.clusters import CLUSTERS, DIRECTIVE, ClusterSpec, held_jobs, no_worker, running_cluster
from pocket.executors.proxy import read_proxy

#: option → default, of those in --executor-options
OPTIONS: Mapping[str, Any] = {
    "retries": 3,
    "worker_timeout": 600.0,
    "death_timeout": 300.0,
    "proxy": None,
    "certificates": None,
    "host": None,
    "python": sys.executable,
    "disk": "1GB",
    "walltime": None,
    "queue": None,
    "account": None,
    "image": None,
}
#: options that describe a cluster, and mean nothing for a scheduler that is there already
_OF_CLUSTERS = ("cluster", "min_workers", "max_workers", "worker_memory", "retries", "death_timeout")
#: seconds to wait for a scheduler that should be there
CONNECT = 30.0
#: variables that workers get: those of this package and of XRootD's client
_FORWARDED = ("POCKET_", "XRD_")


class DaskExecutorFactory(ExecutorFactoryABC):
    """Runs jobs on a Dask cluster.

    A derived class may return another client from :meth:`connect`; code, proxy and errors stay as they are.
    """

    known_options = ("cluster", "scheduler", "min_workers", "max_workers", "worker_memory", *OPTIONS)

    def __init__(self, run_options: Mapping[str, Any]) -> None:
        super().__init__(run_options)
        self.client: Any = None
        self.cluster: Any = None
        self.stack = contextlib.ExitStack()
        self.run = secrets.token_hex(8)

    @classmethod
    def check(cls, run_options: Mapping[str, Any]) -> None:
        """Refuse unknown options, and those that contradict each other."""
        super().check({name: value for name, value in run_options.items() if not name.startswith(DIRECTIVE)})
        cluster = run_options.get("cluster", "local")
        if cluster not in CLUSTERS:
            raise UnknownNameError("cluster", cluster, CLUSTERS, "--cluster")
        if "scheduler" in run_options:
            for name in (*_OF_CLUSTERS, *(name for name in run_options if name.startswith(DIRECTIVE))):
                if name in run_options:
                    raise ConfigError(f"option {name} makes a cluster, but --scheduler names one that is there already")
        for name, default in OPTIONS.items():
            if isinstance(default, int | float):
                number(run_options, name)
        low, high = int(run_options.get("min_workers", 0)), int(run_options.get("max_workers", 0))
        if low < 0 or high < 0 or (high and low > high):
            raise ConfigError(f"workers from {low} to {high}: expected 0 or more, and no more at least than at most")
        if importlib.util.find_spec("distributed") is None:
            raise ConfigError("--executor dask needs the extra 'dask' of this package: pip install 'pocketlaw[dask]'")

    def option(self, name: str) -> Any:
        """Return an option, or its default."""
        return self.run_options.get(name, OPTIONS.get(name))

    @property
    def kind(self) -> str:
        """The kind of cluster, for messages too."""
        return str(self.option("scheduler") or self.option("cluster") or "local")

    @property
    def log_place(self) -> str:
        """Where the workers' logs are, as part of a sentence."""
        if self.kind in ("htcondor", "slurm", "lxplus"):
            return f"the logs in {self.run_options['log_folder']}"
        if self.cluster is not None:
            return "what the workers wrote above"
        return "the logs of the scheduler and its workers"

    def setup(self) -> None:
        """Connect, and prepare the workers."""
        from pocket.executors.code import code_folders
        from pocket.executors.dask_jobs import lend_proxy, prepare_workers

        proxy = self.option("proxy")
        content = read_proxy(proxy) if proxy else None
        folders = code_folders(self.run_options["analysis"])
        self.client = self.connect()
        if link := self.client.dashboard_link:
            print(f"Dask dashboard: {link}", file=sys.stderr)
        variables = {name: value for name, value in os.environ.items() if name.startswith(_FORWARDED)}
        prepare_workers(self.client, self.run, folders, variables, new=self.cluster is not None)
        if content is not None:
            lend_proxy(self.client, content, self.option("certificates"))

    def connect(self) -> Any:
        """Return a :class:`distributed.Client`, of the scheduler that the options name or of a new cluster."""
        from distributed import Client

        address = self.option("scheduler")
        if address is None:
            self.cluster = self.stack.enter_context(running_cluster(self.cluster_spec()))
            return Client(self.cluster)
        try:
            return Client(address, timeout=CONNECT)
        except (OSError, ValueError) as error:
            raise PocketError(f"no Dask scheduler answers at {address}: {str(error).splitlines()[0]}") from error

    def cluster_spec(self) -> ClusterSpec:
        """Return what the cluster is made of."""
        local = self.kind == "local"
        default = int(self.run_options["cores"]) or available_cores() if local else 20
        most = int(self.run_options.get("max_workers", 0)) or default
        directives = [name for name in self.run_options if name.startswith(DIRECTIVE)]
        return ClusterSpec(
            kind=self.kind,
            min_workers=int(self.run_options.get("min_workers", 0)) or (most if local else 0),
            max_workers=most,
            memory=str(self.run_options.get("worker_memory", "2GB")),
            log_folder=Path(self.run_options["log_folder"]),
            retries=int(number(self.run_options, "retries")),
            death_timeout=number(self.run_options, "death_timeout"),
            directives={name.removeprefix(DIRECTIVE): self.run_options[name] for name in directives},
            **{name: self.option(name) for name in ("host", "python", "disk", "walltime", "queue", "account", "image")},
        )

    def customized_args(self) -> dict[str, Any]:
        """Return the arguments of :func:`pocket.executors.dask_jobs.run_on_dask`."""
        return {
            "client": self.client,
            "run": self.run,
            "worker_timeout": number(self.run_options, "worker_timeout"),
            "logs": self.log_place,
            "problem": self.problem,
        }

    def get(self) -> Executor:
        """Return the executor."""
        from pocket.executors.dask_jobs import run_on_dask

        return functools.partial(run_on_dask, **self.customized_args())

    def problem(self, seconds: float) -> PocketError | None:
        """Return the error if there is reason to give up waiting for the first worker."""
        if self.cluster is None:
            return None
        late = seconds > number(self.run_options, "worker_timeout")
        submitted, reasons = held_jobs(self.cluster, self.kind)
        if late or (submitted and len(reasons) == submitted):
            return no_worker(self.kind, seconds, reasons, self.log_place)
        return None

    def close(self) -> None:
        """Leave the workers as they were, and end the cluster if it was made here."""
        from pocket.executors.dask_jobs import leave_workers

        if self.client is not None:
            if self.cluster is None:
                leave_workers(self.client, proxy=bool(self.option("proxy")))
            self.client.close()
        self.stack.close()


def number(run_options: Mapping[str, Any], name: str) -> float:
    """Return an option that is a number of 0 or more.

    Raises:
        ConfigError: if it isn't one.
    """
    value = run_options.get(name, OPTIONS[name])
    try:
        found = float(value)
    except ValueError:
        found = -1.0
    if not 0 <= found < float("inf"):
        raise ConfigError(f"option {name} of executor dask is {value!r}, expected a number of 0 or more")
    return found
