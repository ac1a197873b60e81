"""CERN Open Data portal, which lists public files of its records."""

from __future__ import annotations

import re
from typing import Any

from pocket.datasets.catalogues.files import CatalogueFile
from pocket.datasets.catalogues.settings import Settings
from pocket.datasets.catalogues.web import get_json
from pocket.errors import DatasetError


def open_data_files(record: str, settings: Settings) -> list[CatalogueFile]:
    """Return the ROOT files of a record, named by their root:// address.

    The record is given by its number (``"30563"``), its DOI (``"10.7483/…"``) or its title, which for CMS is the
    dataset's name.
    """
    if re.fullmatch(r"\d+", record):
        content = get_json(f"{_records(settings)}/{record}", {}, settings)
    else:
        content = _search(record, settings)
    metadata = content.get("metadata") if isinstance(content, dict) else None
    if not isinstance(metadata, dict):
        raise DatasetError(f"CERN Open Data answers without metadata for record {record}")
    # A record lists its files itself or, if there are many, in indices.
    entries = [*_list(metadata, "files")]
    for index in _list(metadata, "_file_indices"):
        entries += _list(index, "files")
    files = {}
    for entry in entries:
        uri = str(entry.get("uri", ""))
        if uri.startswith("root://") and uri.endswith(".root"):
            files[uri] = CatalogueFile(uri, entry.get("size"), str(entry.get("checksum") or ""))
    if not files:
        raise DatasetError(f"record {record} of CERN Open Data has no ROOT file; it has {len(entries)} others")
    return list(files.values())


def _search(record: str, settings: Settings) -> Any:
    field = "doi" if re.match(r"10\.\d+/", record) else "title"
    # Several hits are requested, because a search also finds titles that merely contain the words.
    answer = get_json(_records(settings), {"q": f'{field}:"{record}"', "page": "1", "size": "50"}, settings)
    hits = answer.get("hits", {}).get("hits", []) if isinstance(answer, dict) else []
    exact = [hit for hit in hits if str(hit.get("metadata", {}).get(field, "")).lower() == record.lower()]
    if len(exact) == 1:
        # The record itself is read, because a search may leave out files.
        return get_json(f"{_records(settings)}/{exact[0]['id']}", {}, settings)
    if exact:
        numbers = ", ".join(str(hit["id"]) for hit in exact)
        raise DatasetError(f"CERN Open Data has several records of {field} {record}: {numbers}; name one by its number")
    others = ", ".join(str(hit.get("metadata", {}).get("title")) for hit in hits[:3])
    raise DatasetError(f"CERN Open Data has no record of {field} {record}" + (f"; it found {others}" if others else ""))


def _records(settings: Settings) -> str:
    return f"{settings.open_data_url.rstrip('/')}/api/records"


def _list(content: Any, key: str) -> list[Any]:
    value = content.get(key) if isinstance(content, dict) else None
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
