"""DBS, the catalogue of CMS, which lists the files of a dataset and their numbers of events."""

from __future__ import annotations

import re
from typing import Any

from pocket.datasets.catalogues.files import CatalogueFile
from pocket.datasets.catalogues.settings import Settings
from pocket.datasets.catalogues.web import get_json
from pocket.errors import DatasetError


def dbs_files(dataset: str, instance: str, settings: Settings) -> list[CatalogueFile]:
    """Return the files of a dataset sorted by their logical names, also those that DBS calls invalid."""
    if not re.fullmatch(r"(/[\w.-]+){3}", dataset):
        raise DatasetError(f"{dataset!r} is no dataset name of CMS, expected /primary/processed/tier without wildcards")
    records = _ask("files", dataset, instance, settings)
    files = []
    for record in records:
        try:
            name, entries, size = record["logical_file_name"], record["event_count"], record["file_size"]
            valid = bool(record["is_file_valid"])
        except KeyError as error:
            raise DatasetError(f"DBS {instance} answers without {error} for {dataset}") from None
        checksum = record.get("adler32") or record.get("check_sum") or ""
        files.append(CatalogueFile(name, size, str(checksum), entries, record.get("block_name") or "", valid))
    if not records:
        raise DatasetError(f"DBS {instance} knows no files of {dataset}; is the name right?")
    if not any(file.valid for file in files):
        raise DatasetError(f"none of the {len(files)} files of {dataset} is valid in DBS {instance}")
    return sorted(files, key=lambda file: file.name)


def dbs_sites(dataset: str, instance: str, settings: Settings) -> dict[str, str]:
    """Return block → site at which the files of a dataset were made."""
    blocks = _ask("blocks", dataset, instance, settings)
    return {block["block_name"]: block.get("origin_site_name") or "" for block in blocks if "block_name" in block}


def _ask(what: str, dataset: str, instance: str, settings: Settings) -> list[dict[str, Any]]:
    """Return the records that DBS has of a dataset: ``files`` or ``blocks``."""
    url = f"{settings.dbs_url.rstrip('/')}/{instance}/DBSReader/{what}"
    answer = get_json(url, {"dataset": dataset, "detail": "True"}, settings, grid=True)
    if not isinstance(answer, list) or not all(isinstance(record, dict) for record in answer):
        raise DatasetError(f"DBS {instance} answers something else than a list of {what} for {dataset}")
    return answer
