"""Dask clusters: on this machine, on HTCondor, on Slurm."""

from __future__ import annotations

import contextlib
import importlib
import secrets
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pocket.errors import ConfigError, PocketError
from pocket.executors.openssl import keep_errors_apart
from pocket.io.store.paths import private_folder

#: prefix of options that are lines of the batch system's job description
DIRECTIVE = "directive."


@dataclass(frozen=True)
class ClusterSpec:
    """Description of a cluster, whose workers are processes with one thread."""

    kind: str
    min_workers: int
    max_workers: int
    memory: str
    log_folder: Path  # Folder for the logs of batch jobs, and for keys that their workers must be able to read.
    retries: int
    death_timeout: float  # Seconds after which a worker that can't reach the scheduler exits.
    host: str | None = None  # Address that the scheduler listens at; this machine's by default.
    python: str = sys.executable
    disk: str = "1GB"
    walltime: str | None = None  # Time limit of a Slurm job, such as ``"02:00:00"``.
    queue: str | None = None
    account: str | None = None
    image: str | None = None
    port: str | None = None  # Ports, such as ``"8786-8886"``: the scheduler takes the first free one.
    setup: str | None = None  # Shell command at the start of the workers' jobs.
    directives: Mapping[str, str] = field(default_factory=dict)  # Lines of jobs, or options of Slurm.
    label: str = field(default_factory=lambda: f"pocketlaw-{secrets.token_hex(8)}")


@contextlib.contextmanager
def running_cluster(spec: ClusterSpec) -> Iterator[Any]:
    """Start a cluster for :class:`distributed.Client`, which ends with the block."""
    # Connections are encrypted with new keys, because anyone who reaches a scheduler can run code as its user.
    import dask

    # distributed is imported first: imported within changed settings, it would lose its own ones when they are reset.
    import distributed  # noqa: F401

    keep_errors_apart()
    with contextlib.ExitStack() as stack:
        keys = None
        if spec.kind != "local":
            # The logs and the keys are private.
            private_folder(spec.log_folder)
            keys = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=".keys-", dir=spec.log_folder)))
            # Dask removes its jobs only while it reaches its own scheduler.
            stack.callback(_ask, REMOVE[spec.kind](spec.label))
        settings: dict[str, Any] = {
            "distributed.scheduler.allowed-failures": spec.retries,
            # Jobs wait at the scheduler, since a worker may die of another job.
            "distributed.scheduler.worker-saturation": 1.0,
        }
        if spec.kind == "local":
            # Dask's default is one folder for all users of this machine.
            scratch = tempfile.TemporaryDirectory(prefix="pocketlaw-dask-", ignore_cleanup_errors=True)
            settings["temporary-directory"] = stack.enter_context(scratch)
        with dask.config.set(settings):
            cluster = stack.enter_context(_closing(CLUSTERS[spec.kind](spec, keys)))
        yield cluster


@contextlib.contextmanager
def _closing(cluster: Any) -> Iterator[Any]:
    """Close a cluster at the end of the block, also one whose jobs the batch system refused."""
    try:
        yield cluster
    finally:
        try:
            cluster.close()
        except AssertionError:
            # Dask asserts at the end that all workers were started, which would hide why they weren't.
            from distributed.core import Status

            cluster.status = Status.closed


def check_ports(ports: str) -> range:
    """Return a range of ports from a string such as ``"8786-8886"`` or ``"8786"``."""
    first, _, last = str(ports).partition("-")
    if not (first.isdigit() and (last or first).isdigit() and 0 < int(first) <= int(last or first) < 65536):
        raise ConfigError(f"option port of executor dask is {ports!r}, expected a port or a range such as 8786-8886")
    return range(int(first), int(last or first) + 1)


def free_port(ports: str) -> int:
    """Return the first free port of a range."""
    for port in check_ports(ports):
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.bind(("", port))
            return port
    raise PocketError(f"no port of {ports} is free for the scheduler of Dask: try another range (option port)")


def _local(spec: ClusterSpec, keys: Path | None) -> Any:
    from distributed import LocalCluster
    from distributed.security import Security

    cluster = LocalCluster(
        scheduler_port=free_port(spec.port) if spec.port else 0,
        n_workers=0 if spec.min_workers < spec.max_workers else spec.max_workers,
        threads_per_worker=1,
        processes=True,
        host=spec.host or "127.0.0.1",
        # Other users may have accounts on this machine.
        security=Security.temporary(),
        memory_limit=spec.memory,
        dashboard_address="127.0.0.1:0",
    )
    if spec.min_workers < spec.max_workers:
        cluster.adapt(minimum=spec.min_workers, maximum=spec.max_workers)
    return cluster


def _imported(name: str) -> Any:
    """Import a module without dask-jobqueue's handler of Ctrl-C, which ends the process as if all were done."""
    before = signal.getsignal(signal.SIGINT)
    try:
        return importlib.import_module(name)
    finally:
        if signal.getsignal(signal.SIGINT) is not before:
            signal.signal(signal.SIGINT, before)


def _htcondor(spec: ClusterSpec, keys: Path | None) -> Any:
    cluster_class = _imported("dask_jobqueue.htcondor").HTCondorCluster
    return _on_batch_system(spec, keys, cluster_class, disk=spec.disk, job_extra_directives=_of_htcondor(spec))


def _of_htcondor(spec: ClusterSpec) -> dict[str, str]:
    return {**spec.directives, f"MY.{LABEL}": f'"{spec.label}"'}


def _slurm(spec: ClusterSpec, keys: Path | None) -> Any:
    options = {"walltime": spec.walltime, "queue": spec.queue, "account": spec.account}
    chosen: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    directives = [_option_of_slurm(name, value) for name, value in spec.directives.items()]
    # dask-jobqueue writes these paths without quotes.
    directives += [f'--{name}="{spec.log_folder}/{spec.label}-%J.{name[:3]}"' for name in ("output", "error")]
    skipped = [f"-{letter} {spec.log_folder}" for letter in "oe"]
    chosen |= {"job_name": spec.label, "job_extra_directives": directives, "job_directives_skip": skipped}
    return _on_batch_system(spec, keys, _imported("dask_jobqueue.slurm").SLURMCluster, **chosen)


def _option_of_slurm(name: str, value: str) -> str:
    """Return an option of Slurm, whose dashes may be left out, as in a line of a job."""
    option = name if name.startswith("-") else f"--{name}"
    quoted = f'"{value}"' if " " in value and value[0] not in "\"'" else value
    return f"{option}={quoted}" if value else option


def _lxplus(spec: ClusterSpec, keys: Path | None) -> Any:
    try:
        cluster_class = _imported("dask_lxplus").CernCluster
    except ModuleNotFoundError:
        raise ConfigError("--cluster lxplus needs the package dask_lxplus: pip install dask-lxplus") from None
    container = {"container_runtime": "singularity", "worker_image": spec.image} if spec.image else {}
    directives = {"MY.SendCredential": "True", **_of_htcondor(spec)}
    options = {"disk": spec.disk, "job_extra_directives": directives, **(container or {"container_runtime": "none"})}
    return _on_batch_system(spec, keys, cluster_class, **options)


def _on_batch_system(spec: ClusterSpec, keys: Path | None, cluster_class: Any, **options: Any) -> Any:
    """Return a started cluster of dask-jobqueue; workers that the batch system removes are requested again."""
    assert keys is not None
    scheduler: dict[str, Any] = {"dashboard_address": "127.0.0.1:0"}
    if spec.host is not None:
        scheduler["host"] = spec.host
    if spec.port is not None:
        scheduler["port"] = free_port(spec.port)
    cluster = cluster_class(
        cores=1,
        # With several processes per job, the cluster would scale for ever.
        processes=1,
        memory=spec.memory,
        log_directory=str(spec.log_folder),
        # It becomes a word of the shell.
        python=shlex.quote(spec.python),
        death_timeout=spec.death_timeout,
        job_script_prologue=[spec.setup] if spec.setup else [],
        security=_security(keys),
        scheduler_options=scheduler,
        **options,
    )
    cluster.adapt(minimum=spec.min_workers, maximum=spec.max_workers)
    return cluster


def _security(keys: Path) -> Any:
    """Return new keys for encrypted connections, in files that only the user can read."""
    from distributed.security import Security

    class Keys(Security):
        """Keys whose paths are words of the shell for workers, whose commands are made of them."""

        def get_tls_config_for_role(self, role: str) -> dict[str, Any]:
            found: dict[str, Any] = super().get_tls_config_for_role(role)  # type: ignore[no-untyped-call, unused-ignore]
            if role != "worker":
                return found
            return {name: shlex.quote(value) if isinstance(value, str) else value for name, value in found.items()}

    made = Security.temporary().get_tls_config_for_role("worker")
    paths = {}
    for name in ("ca_file", "cert", "key"):
        path = keys / f"{name}.pem"
        path.touch(mode=0o600)
        path.write_text(made[name])
        paths[name] = str(path)
    of_roles = {
        f"tls_{role}_{part}": paths[part] for role in ("client", "scheduler", "worker") for part in ("cert", "key")
    }
    make: Any = Keys
    return make(require_encryption=True, tls_ca_file=paths["ca_file"], **of_roles)


#: kind of cluster → function that starts it
CLUSTERS: Mapping[str, Callable[[ClusterSpec, Path | None], Any]] = {
    "local": _local,
    "htcondor": _htcondor,
    "slurm": _slurm,
    "lxplus": _lxplus,
}


#: attribute of an HTCondor job with the label of its cluster
LABEL = "PocketlawCluster"


def _remove_from_htcondor(label: str) -> list[str]:
    return ["condor_rm", "-constraint", f'{LABEL} == "{label}"']


#: kind of cluster → command that removes all jobs with a label
REMOVE: Mapping[str, Callable[[str], list[str]]] = {
    "htcondor": _remove_from_htcondor,
    "slurm": lambda label: ["scancel", f"--name={label}"],
    "lxplus": _remove_from_htcondor,
}

#: expression for held jobs, except for those whose files are being transferred to the schedd, as on lxplus
HELD = "JobStatus == 5 && HoldReasonCode =!= 16"


def held_jobs(cluster: Any, kind: str) -> tuple[int, list[str]]:
    """Return the number of a cluster's workers on HTCondor, and the reasons of those on hold, as far as it answers."""
    if kind not in ("htcondor", "lxplus"):
        return 0, []
    ids = [str(job.job_id) for job in cluster.workers.values() if getattr(job, "job_id", None)]
    if not ids:
        return 0, []
    answer = _ask(["condor_q", *ids, "-constraint", HELD, "-af", "HoldReason"])
    return len(ids), [line for line in answer.splitlines() if line]


def _ask(command: Sequence[str]) -> str:
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout if result.returncode == 0 else ""


def no_worker(kind: str, seconds: float, reasons: Sequence[str], logs: str) -> PocketError:
    """Return the error for a cluster without workers."""
    why = f"; held: {reasons[0]}" if reasons else ""
    return PocketError(f"no worker of the Dask cluster ({kind}) came within {seconds:.0f} s{why}; see {logs}")
