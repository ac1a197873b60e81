"""Clusters of a Dask Gateway, a server that starts Dask clusters for its users."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from pocket.errors import ConfigError, PocketError

#: prefix of options of a cluster; the server knows them by the rest of their names
OPTION = "gateway."


@contextlib.contextmanager
def gateway_cluster(
    address: str | None, proxy: str | None, running: str | None, options: Mapping[str, Any], workers: tuple[int, int]
) -> Iterator[Any]:
    """Connect to a cluster of a gateway; a new one ends with the block, a running one, given by its name, goes on.

    By default the gateway is that of Dask's configuration, which facilities set. A new cluster has options, and a least
    and a largest number of workers.
    """
    try:
        from dask_gateway import Gateway, GatewayClusterError, GatewayServerError
    except ModuleNotFoundError:
        raise ConfigError("--cluster gateway needs the package dask-gateway: pip install dask-gateway") from None
    from aiohttp import ClientError

    with contextlib.ExitStack() as stack:
        name = address or "of Dask's configuration"
        try:
            # The gateway closes itself when nothing refers to it, and prints a warning if it was closed before.
            gateway = Gateway(address=address, proxy_address=proxy)
            if running is not None:
                cluster = gateway.connect(running)
            else:
                cluster = gateway.new_cluster(**_options(options), shutdown_on_close=True)
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
        if running is None:
            cluster.adapt(minimum=workers[0], maximum=workers[1])
        yield cluster


def _options(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a cluster, parsed as YAML values; ``{prefix}`` stands for Python's prefix."""
    return {name: yaml.safe_load(str(text).replace("{prefix}", sys.prefix)) for name, text in given.items()}


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
