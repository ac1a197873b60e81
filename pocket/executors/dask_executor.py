"""The executor on a Dask cluster, either started for the run or known by its scheduler."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import re
import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocket.errors import ConfigError, PocketError, UnknownNameError
from pocket.executors.base import Executor, ExecutorFactoryABC, Job, Progress, available_cores
from pocket.executors.clusters import (
    CLUSTERS,
    DIRECTIVE,
    REMOVE,
    ClusterSpec,
    check_ports,
    held_jobs,
    no_worker,
    running_cluster,
)
from pocket.executors.gateway import OPTION, gateway_cluster
from pocket.executors.proxy import check_proxy, read_proxy
from pocket.io.store import store_root
from pocket.io.store.paths import private_folder
from pocket.io.store.remote_manifests import forget

if TYPE_CHECKING:
    from pocket.executors.remote import SharedStore

_log = logging.getLogger(__name__)

#: options with the files of certificates, and for a gateway
_TLS, _GATEWAY = ("tls_ca", "tls_cert", "tls_key"), ("gateway", "gateway_proxy", "gateway_cluster")
#: options without a default that the description of a cluster has under the same name
_OF_SPEC = ("host", "walltime", "queue", "account", "image", "port", "setup")
#: default of each option in --executor-options
OPTIONS: Mapping[str, Any] = {
    "retries": 3,
    "worker_timeout": 600.0,
    "death_timeout": 300.0,
    "python": sys.executable,
    "disk": "1GB",
    **dict.fromkeys(("proxy", "certificates", *_TLS, *_GATEWAY, *_OF_SPEC)),
}
#: kind of cluster that a Dask Gateway server starts
GATEWAY = "gateway"
_ON_BATCH_SYSTEMS = tuple(REMOVE)
#: option, or prefix of options → kinds of clusters that it has an effect on; the other options are for all of them
_KINDS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("walltime", "queue", "account"), ("slurm",)),
    **dict.fromkeys(("python", "setup", "death_timeout", DIRECTIVE), _ON_BATCH_SYSTEMS),
    **dict.fromkeys((*_GATEWAY, OPTION), (GATEWAY,)),
    **dict.fromkeys(("worker_memory", "retries", "host", "port"), tuple(CLUSTERS)),
    "disk": ("htcondor", "lxplus"),
    "image": ("lxplus",),
}
#: default largest number of workers of a cluster on other machines
DEFAULT_WORKERS = 20
#: seconds to wait for an existing scheduler
CONNECT = 30.0
#: prefixes of environment variables that are sent to workers: those of this package and of XRootD's client
_FORWARDED = ("POCKET_", "XRD_")


class DaskExecutorFactory(ExecutorFactoryABC):
    """Runs jobs on a Dask cluster.

    A derived class may return another client from :meth:`connect`; code, proxy and errors are handled in the same way.
    """

    known_options = ("cluster", "scheduler", "min_workers", "max_workers", "worker_memory", *OPTIONS)

    def __init__(self, run_options: Mapping[str, Any]) -> None:
        super().__init__(run_options)
        self.client: Any = None
        self.cluster: Any = None
        self.stack = contextlib.ExitStack()
        self.run = secrets.token_hex(8)
        self.reported: set[str] = set()

    @classmethod
    def check(cls, run_options: Mapping[str, Any]) -> None:
        """Refuse unknown and contradictory options."""
        super().check({name: value for name, value in run_options.items() if not name.startswith((DIRECTIVE, OPTION))})
        kinds = (*CLUSTERS, GATEWAY)
        cluster = run_options.get("cluster", "local")
        if cluster not in kinds:
            raise UnknownNameError("cluster", cluster, kinds, "--cluster")
        if "scheduler" in run_options:
            for name in filter(_is_of_clusters, run_options):
                raise ConfigError(f"option {name} makes a cluster, but --scheduler names a running one")
        for name, default in OPTIONS.items():
            if isinstance(default, int | float):
                number(run_options, name)
        # A derived class may make clusters of its own.
        if "scheduler" not in run_options and cls.connect is DaskExecutorFactory.connect:
            for name in run_options:
                if not has_effect(name, cluster):
                    kinds_of = " or ".join(_KINDS[_known_as(name)])
                    raise ConfigError(f"option {name} of executor dask is for --cluster {kinds_of}, not {cluster}")
        if "port" in run_options:
            check_ports(run_options["port"])
        if "scheduler" in run_options:
            _place_of_scheduler(run_options["scheduler"])
        _tls_files(run_options)
        low, high = (_workers(run_options, name) for name in ("min_workers", "max_workers"))
        if high and low > high:
            raise ConfigError(f"--min-workers {low} is more than --max-workers {high}")
        _check_size(run_options, "worker_memory", "--worker-memory")
        _check_size(run_options, "disk", "option disk of executor dask")
        if importlib.util.find_spec("distributed") is None:
            raise ConfigError("--executor dask needs the extra 'dask' of this package: pip install 'pocketlaw[dask]'")

    @classmethod
    def combined(cls, site: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options of a site, updated with the user's.

        A given scheduler removes the options for clusters, and another kind of cluster those that it doesn't have.
        """
        kind = given.get("cluster", site.get("cluster"))
        if kind != site.get("cluster"):
            site = {name: value for name, value in site.items() if has_effect(name, kind)}
        if "scheduler" in given:
            site = {name: value for name, value in site.items() if not _is_of_clusters(name)}
        return super().combined(site, given)

    def option(self, name: str) -> Any:
        """Return an option, or its default."""
        return self.run_options.get(name, OPTIONS.get(name))

    @property
    def kind(self) -> str:
        """Kind of the cluster, also for messages."""
        return str(self.option("scheduler") or self.option("cluster") or "local")

    @property
    def log_place(self) -> str:
        """Place of the workers' logs, as part of a sentence."""
        if self.kind in REMOVE:
            return f"the logs in {self.run_options['log_folder']}"
        if self.cluster is not None:
            return "what the workers wrote above"
        return "the logs of the scheduler and its workers"

    def setup(self) -> None:
        """Connect to the scheduler, and prepare the workers."""
        from pocket.executors.code import code_folders
        from pocket.executors.dask_jobs import lend_proxy, prepare_workers

        proxy = self.option("proxy")
        content = read_proxy(str(check_proxy(proxy, 0))) if proxy else None
        folders = code_folders(self.run_options["analysis"])
        self.client = self.connect()
        if link := self.client.dashboard_link:
            _log.info("Dask dashboard: %s", link)
        variables = {name: value for name, value in os.environ.items() if name.startswith(_FORWARDED)}
        prepare_workers(
            self.client, self.run, folders, variables, new=self.cluster is not None, store=self.shared_store()
        )
        if content is not None:
            lend_proxy(self.client, content, self.option("certificates"))

    def connect(self) -> Any:
        """Return a :class:`distributed.Client` of the scheduler that the options name, or of a new cluster."""
        from distributed import Client

        address = self.option("scheduler")
        if address is not None:
            return self.client_of(address)
        if self.kind != GATEWAY:
            self.cluster = self.stack.enter_context(running_cluster(self.cluster_spec()))
            return Client(self.cluster)
        address, proxy_address, running = map(self.option, _GATEWAY)
        workers = _workers(self.run_options, "min_workers"), _most_workers(self.run_options, DEFAULT_WORKERS)
        made = gateway_cluster(address, proxy_address, running, self._with_prefix(OPTION), workers)
        cluster = self.stack.enter_context(made)
        # Workers of an existing cluster may have run something else.
        self.cluster = cluster if running is None else None
        return cluster.get_client()

    def client_of(self, address: str) -> Any:
        """Return the client of an existing scheduler.

        Args:
            address: such as ``tls://host:8786``, or the path of a scheduler file.

        Raises:
            ConfigError: if it is neither, or certificates are missing.
            PocketError: if it doesn't answer.
        """
        from distributed import Client
        from distributed.security import Security

        security = None
        if files := _tls_files(self.run_options):
            security = Security(
                require_encryption=True,
                tls_ca_file=files["tls_ca"],
                tls_client_cert=files["tls_cert"],
                tls_client_key=files["tls_key"],
            )
        try:
            return Client(**_place_of_scheduler(address), security=security, timeout=CONNECT)
        except TypeError as error:
            raise ConfigError(
                f"the certificates for {address} aren't known: give tls_ca, tls_cert and tls_key in "
                "--executor-options, or set them in Dask's configuration (distributed.comm.tls)"
            ) from error
        except (OSError, ValueError) as error:
            raise PocketError(
                f"no Dask scheduler answers at {address}, start it or name another one by --scheduler: "
                f"{str(error).splitlines()[0]}"
            ) from error

    def shared_store(self) -> SharedStore | None:
        """Return the store, with a file by which workers recognise it; ``None`` if all workers are on this machine."""
        from pocket.executors.remote import SharedStore

        if self.kind == "local" and self.cluster is not None:
            return None
        folder = private_folder(Path(self.run_options["log_folder"]))
        probe = folder / f"probe-{self.run}"
        store = SharedStore(str(store_root()), str(probe), secrets.token_hex(16))
        probe.write_text(store.token, encoding="utf-8")
        self.stack.callback(_remove_probe, probe)
        return store

    def cluster_spec(self) -> ClusterSpec:
        """Return the description of the cluster."""
        local = self.kind == "local"
        default = int(self.run_options["cores"]) or available_cores() if local else DEFAULT_WORKERS
        most = _most_workers(self.run_options, default)
        return ClusterSpec(
            kind=self.kind,
            min_workers=_workers(self.run_options, "min_workers") or (most if local else 0),
            max_workers=most,
            memory=str(self.run_options.get("worker_memory", "2GB")),
            log_folder=Path(self.run_options["log_folder"]),
            retries=int(number(self.run_options, "retries")),
            death_timeout=number(self.run_options, "death_timeout"),
            directives=self._with_prefix(DIRECTIVE),
            **{name: self.option(name) for name in ("python", "disk", *_OF_SPEC)},
        )

    def _with_prefix(self, prefix: str) -> dict[str, Any]:
        given = self.run_options.items()
        return {name.removeprefix(prefix): value for name, value in given if name.startswith(prefix)}

    def customized_args(self) -> dict[str, Any]:
        """Return the arguments of :func:`pocket.executors.dask_jobs.run_on_dask`."""
        return {
            "client": self.client,
            "run": self.run,
            "worker_timeout": number(self.run_options, "worker_timeout"),
            "logs": self.log_place,
            "problem": self.problem,
            "report": self.report,
        }

    def get(self) -> Executor:
        """Return the executor."""
        return self.execute

    def execute(self, jobs: Mapping[str, Job], progress: Progress) -> None:
        """Report the place of outputs, as far as it is known, and run the jobs."""
        from pocket.executors.dask_jobs import look_at_workers, run_on_dask
        from pocket.executors.travel import REMOTE, place_of

        job = next(iter(jobs.values()))
        for places, differences in look_at_workers(self.client).values():
            self.report(place_of(job, places), differences.others)
        run_on_dask(jobs, progress, **self.customized_args())
        if REMOTE in self.reported:
            # Outputs that this machine's store lacks were looked up before the jobs ran, so the result is outdated.
            forget()

    def report(self, place: str, packages: Sequence[str] = ()) -> None:
        """Report the place of outputs, and packages of workers with other versions than here, each once."""
        from pocket.executors.travel import REMOTE, RESULT, STORE

        store = store_root()
        where = {
            STORE: f"Dask workers write outputs to the store {store}",
            REMOTE: f"Dask workers don't see the store {store}: they write outputs to the remote store",
            RESULT: f"Dask workers don't see the store {store}: outputs travel back with the results",
        }
        if place not in self.reported and not (place == STORE and self.kind == "local"):
            _log.info(where[place])
        others = ", ".join(packages)
        if others and others not in self.reported:
            _log.warning("Dask workers have other versions of packages than this process: %s", others)
        self.reported |= {place, others}

    def problem(self, seconds: float) -> PocketError | None:
        """Return the error if waiting for the first worker is hopeless, else ``None``."""
        if self.cluster is None:
            return None
        late = seconds > number(self.run_options, "worker_timeout")
        submitted, reasons = held_jobs(self.cluster, self.kind)
        if late or (submitted and len(reasons) == submitted):
            return no_worker(self.kind, seconds, reasons, self.log_place)
        return None

    def close(self) -> None:
        """Restore the workers, and end the cluster if it was started here."""
        from pocket.executors.dask_jobs import leave_workers

        if self.client is not None:
            if self.cluster is None:
                leave_workers(self.client, proxy=bool(self.option("proxy")))
            self.client.close()
        self.stack.close()


def has_effect(option: str, cluster: str) -> bool:
    """Whether an option has an effect on a kind of cluster."""
    return cluster in _KINDS.get(_known_as(option), (cluster,))


def _is_of_clusters(option: str) -> bool:
    """Tell whether an option is for starting a cluster, so that it doesn't apply to an existing scheduler."""
    return _known_as(option) in {"cluster", "min_workers", "max_workers", *_KINDS}


def _known_as(option: str) -> str:
    """Return the prefix of an option that begins with one, else its name."""
    return next((prefix for prefix in (DIRECTIVE, OPTION) if option.startswith(prefix)), option)


def _place_of_scheduler(place: str) -> dict[str, str]:
    """Return the argument of a client for a scheduler, from its address or the path of its file."""
    if Path(place).is_file():
        return {"scheduler_file": place}
    if ":" not in place:
        raise ConfigError(f"--scheduler is {place!r}, expected an address such as tcp://host:8786, or a scheduler file")
    return {"address": place}


def _tls_files(run_options: Mapping[str, Any]) -> dict[str, str]:
    """Return option → file of certificates for an existing scheduler; empty if no option names one."""
    files = {name: str(run_options.get(name, "")) for name in _TLS}
    if not any(files.values()):
        return {}
    if missing := [name for name, path in files.items() if not Path(path).is_file()]:
        raise ConfigError(f"option {missing[0]} of executor dask is {files[missing[0]]!r}, expected an existing file")
    return files


def _workers(run_options: Mapping[str, Any], name: str) -> int:
    """Return a number of workers, 0 if it isn't given; the value may be a string."""
    value = run_options.get(name, 0)
    if not str(value).isdigit():
        raise ConfigError(f"--{name.replace('_', '-')} is {value}, expected 0 or more")
    return int(value)


def _most_workers(run_options: Mapping[str, Any], default: int) -> int:
    """Return the largest number of workers, which by default isn't less than the smallest one."""
    return _workers(run_options, "max_workers") or max(default, _workers(run_options, "min_workers"))


def _check_size(run_options: Mapping[str, Any], name: str, label: str) -> None:
    """Check that an option is a size with a unit; a number without one would mean bytes."""
    if name in run_options and not re.fullmatch(r"\d+(\.\d+)?\s*[kMGT]i?B", str(run_options[name]), re.IGNORECASE):
        raise ConfigError(f"{label} is {run_options[name]!r}, expected a size with its unit, such as 2GB")


def _remove_probe(probe: Path) -> None:
    """Remove the file by which workers recognise the store, and its folder if there are no logs in it."""
    with contextlib.suppress(OSError):
        probe.unlink(missing_ok=True)
        probe.parent.rmdir()


def number(run_options: Mapping[str, Any], name: str) -> float:
    """Return an option that is a number of 0 or more."""
    value = run_options.get(name, OPTIONS[name])
    try:
        found = float(value)
    except ValueError:
        found = -1.0
    if not 0 <= found < float("inf"):
        raise ConfigError(f"option {name} of executor dask is {value!r}, expected a number of 0 or more")
    return found
