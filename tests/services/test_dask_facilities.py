"""The default analysis at facilities with Dask: workers that see neither the store nor the checkout, and a gateway."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.facility import Facility, scheduler, tls_scheduler
from tests.law_runner import ROOT, Law, Run
from tests.services.dask_gateway import GatewayServer, gateway_server
from tests.services.xrootd_servers import ControlledServer

__all__ = ["scheduler", "tls_scheduler"]

pytestmark = pytest.mark.root

#: what a worker would read of the checkout, if it were there
CODE = [ROOT / name for name in ("pocket", "tasks", "analysis", "params", "datasets")]
ALWAYS = ("--version", "v1", "--config", "nominal", "--params", "toys.scale=0.004", "--cores", "1")


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Law:
    """A store in which this machine has made the templates."""
    law = Law(tmp_path_factory.mktemp("local"))
    run = law.run("MergeOutputs", *ALWAYS)
    assert run.code == 0, run.text
    return law


def templates(law: Law) -> bytes:
    """Return the merged templates as they are on disk."""
    (folder,) = law.outputs("MergeOutputs")
    return (folder / "histograms.h5").read_bytes()


@pytest.fixture(scope="module")
def expected(local: Law) -> bytes:
    """The templates that this machine has made."""
    return templates(local)


def forget(law: Law) -> None:
    """Remove what Dask makes, and what is made of it."""
    for task in ("RunProcessor", "MergeOutputs"):
        shutil.rmtree(law.store / "zmumu" / task, ignore_errors=True)


def run_at(law: Law, *options: str) -> Run:
    """Make the templates again with Dask."""
    forget(law)
    # workers without the checkout compile the engine anew
    run = law.run("MergeOutputs", *ALWAYS, "--executor", "dask", *options)
    assert run.code == 0, run.text
    return run


@contextmanager
def hidden_worker(facility: Facility, store: Path) -> Iterator[None]:
    """Run a worker that sees neither the code nor the store."""
    # what runs is a snapshot of the code
    snapshots = ROOT / ".law"
    snapshots.mkdir(exist_ok=True)
    options = ("--local-directory", str(facility.folder / "disk"))
    with facility.worker("hidden", *options, hidden=[*CODE, snapshots, store]):
        yield


@pytest.mark.slow
def test_outputs_travel_back(local: Law, expected: bytes, tls_scheduler: Facility) -> None:
    certificates = {name: tls_scheduler.folder / f"{name}.pem" for name in ("ca_file", "cert", "key")}
    tls = ",".join(f"tls_{name.removesuffix('_file')}={path}" for name, path in certificates.items())
    with hidden_worker(tls_scheduler, local.store):
        run = run_at(local, "--scheduler", tls_scheduler.address, "--executor-options", tls)
    assert f"Dask workers don't see the store {local.store}: outputs travel back with the results\n" in run.text
    assert templates(local) == expected
    # the outputs were made by workers, which have nothing of them any more
    assert len(list(local.outputs("RunProcessor"))) == 4
    assert not [path for path in tls_scheduler.folder.rglob("*") if path.name == "raw.h5" or path.suffix == ".zip"]


@pytest.mark.slow
def test_outputs_go_to_the_remote_store(
    local: Law, expected: bytes, scheduler: Facility, make_xrootd_server: Callable[..., ControlledServer]
) -> None:
    server = make_xrootd_server(access="r/w")
    remote = dataclasses.replace(local, extra={"POCKET_REMOTE_STORE": f"{server.url}/results"})
    with hidden_worker(scheduler, local.store):
        run = run_at(remote, "--scheduler", scheduler.address)
    assert f"Dask workers don't see the store {local.store}: they write outputs to the remote store\n" in run.text
    assert templates(local) == expected
    uploaded = list((server.store / "results" / "zmumu" / "RunProcessor").rglob("*.zip"))
    assert len(uploaded) == 4


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayServer]:
    with gateway_server(tmp_path_factory.mktemp("gateway")) as server:
        yield server


@pytest.mark.slow
def test_gateway(local: Law, expected: bytes, gateway: GatewayServer) -> None:
    user = dataclasses.replace(local, extra=gateway.environment)
    options = ("--cluster", "gateway", "--max-workers", "1")
    run = run_at(user, *options, "--executor-options", f"{gateway.options},gateway.worker_cores=1")
    assert f"Dask workers write outputs to the store {local.store}\n" in run.text
    assert templates(local) == expected

    forget(local)
    run = user.run(
        "RunProcessor",
        *ALWAYS,
        "--executor",
        "dask",
        *options,
        "--executor-options",
        f"{gateway.options},gateway.cores=1",
    )
    assert run.code == 30
    assert run.errors == [f"the Dask gateway {gateway.address} refuses a cluster: Unknown fields ['cores']"]
