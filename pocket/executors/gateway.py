"""Clusters of a Dask Gateway, a server that starts Dask clusters for its users."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from pocket.errors import ConfigError, PocketError

#: prefix of options of a cluster; the server knows them by the rest of their names
OPTION = "gateway."


@dataclass(frozen=True)
class GatewaySpec:
    """A cluster of a gateway, or of that in Dask's configuration: a running one by its name, or a new one."""

    address: str | None
    proxy_address: str | None
    cluster: str | None
    options: Mapping[str, str] = field(default_factory=dict)
    min_workers: int = 0
    max_workers: int = 20


@contextlib.contextmanager
def gateway_cluster(spec: GatewaySpec) -> Iterator[Any]:
    """Connect to a cluster of a gateway; a new one ends with the block, an existing one goes on."""
    try:
        from dask_gateway import Gateway, GatewayClusterError, GatewayServerError
    except ModuleNotFoundError:
        raise ConfigError("--cluster gateway needs the package dask-gateway: pip install dask-gateway") from None
    from aiohttp import ClientError

    with contextlib.ExitStack() as stack:
        name = spec.address or "of Dask's configuration"
        try:
            # The gateway closes itself when nothing refers to it, and prints a warning if it was closed before.
            gateway = Gateway(address=spec.address, proxy_address=spec.proxy_address)
            if spec.cluster is not None:
                cluster = gateway.connect(spec.cluster)
            else:
                cluster = gateway.new_cluster(**_options(spec), shutdown_on_close=True)
        except (GatewayClusterError, GatewayServerError) as error:
            raise PocketError(f"the Dask gateway {name} starts no cluster: {_first_line(error)}") from error
        except (ValueError, TypeError) as error:
            raise ConfigError(f"the Dask gateway {name} refuses a cluster: {_first_line(error)}") from error
        except (OSError, ClientError) as error:
            raise PocketError(
                f"no Dask gateway answers at {name}, set gateway in --executor-options or in the section of the site: "
                f"{_first_line(error)}"
            ) from error
        stack.enter_context(cluster)
        if spec.cluster is None:
            cluster.adapt(minimum=spec.min_workers, maximum=spec.max_workers)
        yield cluster


def _options(spec: GatewaySpec) -> dict[str, Any]:
    """Return the options of a cluster, parsed as YAML values; ``{prefix}`` stands for Python's prefix."""
    return {name: yaml.safe_load(text.replace("{prefix}", sys.prefix)) for name, text in spec.options.items()}


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
