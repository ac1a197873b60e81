"""Stand-alone program that asks Rucio for replicas, and CVMFS for the addresses of sites, through coffea.

It reads a request from stdin and writes an answer to stdout, both as JSON. It is a process of its own, since it can be
killed if Rucio hangs, and since coffea writes its map of the sites to the working directory, prints, and sets
variables.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any


class Recorder:
    """Client of Rucio that passes replicas on and records the names of the files, which coffea drops."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.names: list[str] = []

    def list_replicas(self, dids: list[dict[str, str]]) -> Iterator[dict[str, Any]]:
        """Yield the client's replicas."""
        for record in self.client.list_replicas(dids):
            self.names.append(record["name"])
            yield record


def dataset_replicas(dataset: str, timeout: float) -> dict[str, list[list[str]]]:
    """Return logical name → pairs of site and address, for the files of a dataset."""
    from coffea.dataset_tools import rucio_utils
    from rucio.client import Client

    recorder = Recorder(Client(timeout=timeout))
    addresses, sites, _ = rucio_utils.get_dataset_files_replicas(
        dataset, mode="full", partial_allowed=True, client=recorder
    )
    return {
        name: [[site, address] for site, address in zip(of_file, at, strict=True) if address]
        for name, of_file, at in zip(recorder.names, sites, addresses, strict=True)
    }


def site_addresses(places: Iterable[tuple[str, str]]) -> dict[str, list[list[str]]]:
    """Return logical name → pairs of site and address, for files that are known to be at one site."""
    from coffea.dataset_tools import rucio_utils

    rules = rucio_utils.get_xrootd_sites_map()
    found: dict[str, list[list[str]]] = {}
    for name, site in places:
        address = rucio_utils._get_pfn_for_site(name, rules[site]) if site in rules else None
        found[name] = [[site, address]] if address else []
    return found


def main() -> None:
    """Answer one request: ``{"dataset", "timeout"}`` or ``{"places"}``."""
    request = json.load(sys.stdin)
    answer: dict[str, Any]
    with contextlib.redirect_stdout(sys.stderr):
        try:
            if "dataset" in request:
                answer = {"replicas": dataset_replicas(request["dataset"], request["timeout"])}
            else:
                answer = {"replicas": site_addresses(request["places"])}
        # Any exception of the client, coffea or a missing CVMFS is passed to the caller, which reports it and
        # continues.
        except BaseException as error:
            text = " ".join(str(error).split())
            answer = {"error": f"{type(error).__name__}: {text}"[:300]}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
