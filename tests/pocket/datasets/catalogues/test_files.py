from __future__ import annotations

from pocket.datasets.catalogues.files import CatalogueFile


def test_identity() -> None:
    file = CatalogueFile("/store/a.root", 10, "abc", 5)
    assert file.identity == "/store/a.root 10 bytes abc"
    # without a checksum another content may have the same name and size
    assert CatalogueFile("/store/a.root", 10).identity == ""
    assert CatalogueFile("/store/a.root", None, "abc").identity == ""
