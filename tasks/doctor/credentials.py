"""Checks of grid credentials: X.509 proxy, authorities, tokens. No result contains a secret."""

from __future__ import annotations

import base64
import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path

from pocket.errors import ConfigError
from pocket.executors.proxy import MAKE_PROXY, check_proxy, in_words, proxy_ends, proxy_path
from tasks.batch.control import BatchControl
from tasks.doctor.result import Result, Status, of_text

#: age in days from which lists of revoked certificates count as old; authorities renew them more often
OLD_LISTS = 7
CVMFS_AUTHORITIES = "/cvmfs/grid.cern.ch/etc/grid-security/certificates"


def grid_proxy(options: BatchControl) -> Result:
    """Return whether there is a private X.509 proxy that lives as long as jobs may run."""
    wanted = options.site_inst.proxy
    place = wanted or "auto"
    path = proxy_path(place)
    if not wanted and not path.exists():
        return Result("proxy", Status.OK, f"none at {path}; only files on the grid and DBS need one")
    try:
        if wanted:
            options.job_proxy(options.needs.runtime)
        else:
            check_proxy(place, 0)
        ends, attributes = proxy_ends(place)
    except ConfigError as error:
        return of_text("proxy", str(error), Status.PROBLEM if wanted else Status.WARNING)
    left = min(ends, attributes or ends) - datetime.now(UTC)
    found = f"{path} lives for {in_words(left.total_seconds())}"
    if attributes is None:
        return Result("proxy", Status.WARNING, f"{found}, without attributes of VOMS", MAKE_PROXY)
    if options.workflow != "local" and not wanted:
        found += "; jobs don't get it without --proxy auto"
    return Result("proxy", Status.OK, found)


def authorities() -> Result:
    """Return whether the certificates of grid authorities are available, with recent revocation lists."""
    from pocket.datasets.catalogues.web import authorities as chosen

    folder = chosen()
    if not isinstance(folder, str):
        advice = f"export X509_CERT_DIR={CVMFS_AUTHORITIES}"
        return Result("authorities", Status.WARNING, "no certificates of the grid's authorities are here", advice)
    number = len(list(Path(folder).glob("*.0")))
    if not number:
        advice = "set X509_CERT_DIR to a folder with certificates of authorities"
        return Result("authorities", Status.WARNING, f"no certificates are in {folder}", advice)
    lists = [path.stat().st_mtime for path in Path(folder).glob("*.r0")]
    found = f"{number} in {folder}"
    if lists and time.time() - max(lists) > OLD_LISTS * 86400:
        days = (time.time() - max(lists)) / 86400
        return Result("authorities", Status.WARNING, f"{found}, with revocation lists {days:.0f} days old", "fetch-crl")
    return Result("authorities", Status.OK, found)


def token() -> Result | None:
    """Return whether the bearer token is valid and private, ``None`` if WLCG's discovery finds no token."""
    text, where = os.environ.get("BEARER_TOKEN", ""), "in BEARER_TOKEN"
    if not text:
        path = next(filter(Path.is_file, _token_files()), None)
        if path is None:
            return None
        where = f"in {path}"
        try:
            mode, text = path.stat().st_mode, path.read_text()
        except (OSError, ValueError):
            return Result("token", Status.WARNING, f"the one {where} can't be read", "get a new one")
        if mode & 0o077:
            return Result("token", Status.PROBLEM, f"others can use the one {where}", f"chmod 600 {path}")
    ends = _token_ends(text.strip())
    if ends is None:
        return Result("token", Status.OK, f"one is {where}; it doesn't say how long it lives")
    left = ends - time.time()
    if left <= 0:
        return Result("token", Status.WARNING, f"the one {where} expired {in_words(-left)} ago", "get a new one")
    return Result("token", Status.OK, f"the one {where} lives for {in_words(left)}")


def _token_files() -> list[Path]:
    if given := os.environ.get("BEARER_TOKEN_FILE"):
        return [Path(given)]
    folders = [os.environ.get("XDG_RUNTIME_DIR", ""), "/tmp"]
    return [Path(folder, f"bt_u{os.getuid()}") for folder in folders if folder]


def _token_ends(text: str) -> float | None:
    """Return the expiry time of a JSON web token (RFC 7519), in seconds since 1970."""
    try:
        claims = text.split(".")[1]
        return float(json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"])
    except (IndexError, KeyError, TypeError, ValueError):
        return None
