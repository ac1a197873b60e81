from __future__ import annotations

from collections.abc import Iterator

import pytest

from pocket.datasets.catalogues.settings import Settings
from tests.catalogue_server import CatalogueServer, catalogue_server


@pytest.fixture
def server() -> Iterator[CatalogueServer]:
    with catalogue_server() as running:
        yield running


@pytest.fixture
def settings(server: CatalogueServer) -> Settings:
    """Settings for the server, with short pauses."""
    return Settings(dbs_url=f"{server.url}/dbs", open_data_url=server.url, timeout=60.0, retries=2, backoff=0.01)
