from __future__ import annotations

import socket
import sys

import pytest

from pocket.errors import ConfigError, PocketError
from pocket.executors.gateway import _options, gateway_cluster


def test_options_have_types() -> None:
    options = {"worker_cores": "2", "image": "a:b", "env": '{NB_UID: "5"}', "conda_env": "{prefix}"}
    assert _options(options) == {
        "worker_cores": 2,
        "image": "a:b",
        "env": {"NB_UID": "5"},
        "conda_env": sys.prefix,
    }


def test_no_server() -> None:
    with socket.socket() as listener:
        # nobody accepts a connection at a port that is bound only
        listener.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(PocketError, match=f"^no Dask gateway answers at {address}, set gateway in --executor"):
            gateway_cluster(address, None, None, {}, (0, 20)).__enter__()


def test_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    import dask

    with (
        dask.config.set({"gateway.address": None}),
        pytest.raises(
            ConfigError, match=r"^the Dask gateway of Dask's configuration refuses a cluster: No dask-gateway"
        ),
    ):
        gateway_cluster(None, None, None, {}, (0, 20)).__enter__()


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dask_gateway", None)
    with pytest.raises(ConfigError, match="--cluster gateway needs the package dask-gateway"):
        gateway_cluster("http://a", None, None, {}, (0, 20)).__enter__()
