"""Look-up of a dataset's files and their locations by the dataset's name."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pocket.datasets.catalogues.cache import AnswerCache, FileCache
from pocket.datasets.catalogues.dbs import dbs_files, dbs_sites
from pocket.datasets.catalogues.files import CatalogueFile
from pocket.datasets.catalogues.open_data import open_data_files
from pocket.datasets.catalogues.replicas import Replicas, is_unreachable, replicas_of, rucio_replicas, site_replicas
from pocket.datasets.catalogues.settings import Settings
from pocket.datasets.definitions import GLOBAL
from pocket.errors import DatasetError

_log = logging.getLogger(__name__)
#: key of Rucio among the servers that don't answer
_RUCIO = "Rucio"


@dataclass(frozen=True)
class ListedFile:
    """File of a dataset and its addresses, the best first; there is at least one."""

    file: CatalogueFile
    urls: tuple[str, ...]


@dataclass
class Catalogues:
    """Catalogues, and the cache of their answers and of files' metadata in a folder; ``fresh`` asks again."""

    settings: Settings
    folder: Path
    fresh: bool = False
    answers: AnswerCache = field(init=False)
    opened: FileCache = field(init=False)
    # Server that doesn't answer, or Rucio, → its error: each of many datasets would wait for it in vain.
    _down: dict[str, str] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.answers = AnswerCache(self.folder / "answers", self.settings.cache_hours)
        self.opened = FileCache(self.folder / "files.jsonl")

    def open_data(self, record: str) -> list[ListedFile]:
        """Return the files of a record of CERN Open Data, see :func:`.open_data.open_data_files`."""
        question = f"open data {self.settings.open_data_url} {record}"
        files = self._files(question, self.settings.open_data_url, lambda: open_data_files(record, self.settings))
        return [ListedFile(file, (file.name,)) for file in files]

    def das(self, dataset: str, instance: str = GLOBAL, storage_prefix: str = "") -> list[ListedFile]:
        """Return the valid files of a dataset of CMS in an instance of DBS.

        The location of a file is, in this order: at ``storage_prefix`` followed by its logical name, if that is remote
        or the file exists there; at the allowed sites; and, if there are none or Rucio isn't reachable, at the
        redirector. The last case is logged.
        """
        question = f"dbs {self.settings.dbs_url} {instance} {dataset}"
        known = self._files(question, self.settings.dbs_url, lambda: dbs_files(dataset, instance, self.settings))
        # Invalid files are cached, too, so that each build says that they are left out.
        files = [file for file in known if file.valid]
        if left_out := len(known) - len(files):
            _log.warning("%s: %d of %d files are invalid in DBS and left out", dataset, left_out, len(known))
        replicas = self._replicas(dataset, instance, files)
        listed = []
        without_site: list[str] = []
        for file in files:
            own = storage_prefix + file.name
            urls = [own] if storage_prefix and ("://" in own or Path(own).is_file()) else []
            at = dict(replicas.get(file.name, []))
            sites = self.settings.sites.order(list(at))
            urls += [at[site] for site in sites[: self.settings.max_replicas]]
            if not sites:
                without_site.append(file.name)
                urls.append(f"{self.settings.redirector.rstrip('/')}/{file.name}")
            listed.append(ListedFile(file, tuple(dict.fromkeys(urls))))
        if replicas and without_site:
            _log.warning(
                "%s: %d of %d files are at no allowed site, e.g. %s; they are read through %s",
                dataset,
                len(without_site),
                len(files),
                without_site[0],
                self.settings.redirector,
            )
        return listed

    def _files(self, question: str, server: str, ask: Callable[[], list[CatalogueFile]]) -> list[CatalogueFile]:
        known = None if self.fresh else self.answers.get(question)
        if known is not None:
            return [CatalogueFile(**content) for content in known]
        if server in self._down:
            raise DatasetError(self._down[server])
        try:
            files = ask()
        except DatasetError as error:
            # Requests fail with an OSError if there is no answer after all retries.
            if isinstance(error.__cause__, OSError):
                self._down[server] = str(error)
            raise
        self.answers.put(question, [asdict(file) for file in files])
        return files

    def _replicas(self, dataset: str, instance: str, files: Sequence[CatalogueFile]) -> Replicas:
        """Return the replicas, none if they can't be found; only answers are cached."""
        source = os.environ.get("RUCIO_HOME", "") if instance == GLOBAL else self.settings.dbs_url
        question = f"replicas {source} {self.settings.sites_map} {instance} {dataset}"
        known = None if self.fresh else self.answers.get(question)
        if known is not None:
            return replicas_of(known)
        if instance == GLOBAL and _RUCIO in self._down:
            return {}
        try:
            if instance == GLOBAL:
                replicas = rucio_replicas(dataset, self.settings, self.folder)
            else:
                sites = dbs_sites(dataset, instance, self.settings)
                places = [(file.name, sites[file.block]) for file in files if sites.get(file.block)]
                replicas = site_replicas(places, self.settings, self.folder)
        except DatasetError as error:
            if instance != GLOBAL or not is_unreachable(error):
                _log.warning("%s; %s is read through %s", error, dataset, self.settings.redirector)
            elif self._down.setdefault(_RUCIO, message := str(error)) is message:  # the first of several threads
                _log.warning("%s; it isn't asked again, and files are read through %s", error, self.settings.redirector)
            return {}
        self.answers.put(question, replicas)
        return replicas
