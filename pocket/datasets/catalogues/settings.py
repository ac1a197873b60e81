"""Settings of catalogues: addresses, time-outs, and the sites that files are read from."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from pocket.errors import ConfigError, check_known

SECTION = "[catalogues] of law.cfg"
#: End of the names of disks of sites that also have tapes.
_DISK = "_Disk"


@dataclass(frozen=True)
class SiteRules:
    """Rules for the sites that files are read from, and their order.

    The disks of a site may be named as in Rucio, T1_US_FNAL_Disk, or as the site, T1_US_FNAL.

    Args:
        allow: if given, only these sites, in this order.
        block: never these sites.
        regex: only sites whose name has a match of this expression.
        priority: these sites first, in this order, if they are allowed.
    """

    allow: tuple[str, ...] = ()
    block: tuple[str, ...] = ()
    regex: str = ""
    priority: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        try:
            re.compile(self.regex)
        except re.error as error:
            raise ConfigError(f"regex_sites in {SECTION} is {self.regex!r}, no regular expression: {error}") from None

    def order(self, sites: list[str]) -> list[str]:
        """Return the allowed ones of ``sites``, the best first; otherwise equal sites keep their order."""
        allowed = [
            site
            for site in sites
            if (not self.allow or _position(self.allow, site) < len(self.allow))
            and _position(self.block, site) == len(self.block)
            and re.search(self.regex, site)
        ]

        def rank(site: str) -> tuple[int, int]:
            return (_position(self.priority, site), _position(self.allow, site))

        return sorted(allowed, key=rank)


@dataclass(frozen=True)
class Settings:
    """Settings of requests to catalogues.

    Args:
        dbs_url: address of DBS, to which instance and ``DBSReader`` are appended.
        redirector: prefix of a file's logical name if no site is known.
        max_replicas: largest number of locations per file, besides ``storage_prefix``.
        sites_map: JSON file with the address of each site, instead of those in CVMFS.
        timeout: seconds to wait for a connection, and for each piece of an answer.
        backoff: seconds before the second repetition of a failed request; doubled for each further one.
        cache_hours: time for which answers of catalogues are valid.
    """

    dbs_url: str = "https://cmsweb.cern.ch:8443/dbs"
    open_data_url: str = "https://opendata.cern.ch"
    redirector: str = "root://xrootd-cms.infn.it//"
    sites: SiteRules = field(default_factory=SiteRules)
    max_replicas: int = 3
    sites_map: str = ""
    timeout: float = 30.0
    retries: int = 4
    backoff: float = 1.0
    cache_hours: float = 24.0

    def __post_init__(self) -> None:
        for name in ("dbs_url", "open_data_url"):
            if not re.match(r"https?://", getattr(self, name)):
                raise ConfigError(f"{name} in {SECTION} is {getattr(self, name)!r}, expected an address https://…")
        for name, least in (("max_replicas", 1), ("retries", 0), ("backoff", 0), ("cache_hours", 0)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} in {SECTION} is {getattr(self, name)}, expected at least {least}")
        if self.timeout <= 0:
            raise ConfigError(f"timeout in {SECTION} is {self.timeout} s, expected more than 0")

    def places(self, source: str, storage_prefix: str) -> str:
        """Return the settings that decide, besides the answers, where the files of a dataset are read from."""
        if source == "open_data":
            return self.open_data_url
        return f"{self.dbs_url} {storage_prefix} {self.sites} {self.max_replicas} {self.sites_map} {self.redirector}"


_LISTS = {"allow_sites": "allow", "block_sites": "block", "priority_sites": "priority"}
_NUMBERS: dict[str, Callable[[str], float]] = {
    "max_replicas": int,
    "timeout": float,
    "retries": int,
    "backoff": float,
    "cache_hours": float,
}


def read_settings(options: Mapping[str, str]) -> Settings:
    """Return the settings in a section of a configuration file; empty values mean the defaults.

    Options are the fields of :class:`Settings`, and ``allow_sites``, ``block_sites``, ``priority_sites`` (separated by
    commas) and ``regex_sites``.
    """
    known = [item.name for item in fields(Settings) if item.name != "sites"]
    check_known("option", options, [*known, *_LISTS, "regex_sites"], SECTION)
    values: dict[str, Any] = {}
    sites: dict[str, Any] = {}
    for name, text in options.items():
        if not text:
            continue
        if name in _LISTS:
            sites[_LISTS[name]] = tuple(filter(None, re.split(r"[,\s]+", text)))
        elif name == "regex_sites":
            sites["regex"] = text
        else:
            values[name] = _number(name, text) if name in _NUMBERS else text
    return Settings(**values, sites=SiteRules(**sites))


def _number(name: str, text: str) -> float:
    try:
        return _NUMBERS[name](text)
    except ValueError:
        raise ConfigError(f"{name} in {SECTION} is {text!r}, expected a number") from None


def _position(names: tuple[str, ...], name: str) -> int:
    """Return the place of a site among names, their number if it isn't one of them."""
    sites = [each.removesuffix(_DISK) for each in names]
    site = name.removesuffix(_DISK)
    return sites.index(site) if site in sites else len(sites)
