"""Requests to catalogues, with verified TLS, time-outs, and retries after increasing pauses."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pocket.datasets.catalogues.settings import Settings
from pocket.errors import DatasetError

#: Status codes of temporary errors.
_TRANSIENT = (429, 500, 502, 503, 504)
_GRID_AUTHORITIES = Path("/etc/grid-security/certificates")


def get_json(url: str, params: Mapping[str, str], settings: Settings, *, grid: bool = False) -> Any:
    """Return the decoded answer of a catalogue.

    With ``grid``, the user's proxy or certificate authenticates, and the authorities of the grid are trusted.
    """
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    retry = Retry(
        settings.retries,
        backoff_factor=settings.backoff / 2,
        status_forcelist=_TRANSIENT,
        raise_on_status=False,
    )
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=retry))
        session.mount("https://", HTTPAdapter(max_retries=retry))
        if grid and url.startswith("https:"):
            session.cert = user_certificate()
            session.verify = authorities()
        try:
            answer = session.get(url, params=dict(params), timeout=(settings.timeout, settings.timeout))
        # An OSError means that a file of certificates can't be read.
        except (requests.RequestException, OSError) as error:
            tries = f" after {settings.retries + 1} tries" if settings.retries else ""
            hint = "; you have no grid proxy (voms-proxy-init)" if grid and session.cert is None else ""
            raise DatasetError(f"{url} doesn't answer{tries}: {_reason(error)}{hint}") from error
    if answer.status_code in (401, 403):
        hint = "; is your grid proxy there and valid (voms-proxy-info)?" if grid else ""
        raise DatasetError(f"{answer.url} refuses access ({answer.status_code}){hint}")
    try:
        content = answer.json()
    except ValueError:
        if answer.ok:
            raise DatasetError(f"{answer.url} answers something else than JSON: {answer.text[:80]!r}") from None
        content = None
    if not answer.ok:
        raise DatasetError(f"{answer.url} answers {answer.status_code}: {_message(content) or answer.reason}")
    return content


def user_certificate() -> str | tuple[str, str] | None:
    """Return the files to authenticate with: a proxy, a certificate and its key, or None if there are neither.

    They are searched for in ``$X509_USER_PROXY``, in ``$X509_USER_CERT`` with ``$X509_USER_KEY``, and at the default
    path of voms-proxy-init, in this order.
    """
    for names in (("X509_USER_PROXY",), ("X509_USER_CERT", "X509_USER_KEY")):
        paths = [os.environ.get(name, "") for name in names]
        if all(paths):
            for name, path in zip(names, paths, strict=True):
                if not Path(path).is_file():
                    raise DatasetError(f"${name} is {path}, where there is no file; make a proxy with voms-proxy-init")
            return paths[0] if len(paths) == 1 else (paths[0], paths[1])
    usual = Path(f"/tmp/x509up_u{os.getuid()}")
    return str(usual) if usual.is_file() else None


def authorities() -> str | bool:
    """Return the certificates of trusted authorities: those of the grid if they exist, else the default ones."""
    given = os.environ.get("X509_CERT_DIR")
    if given:
        return given
    return str(_GRID_AUTHORITIES) if _GRID_AUTHORITIES.is_dir() else True


def _reason(error: BaseException) -> str:
    # The reason is wrapped by urllib3 and again by requests.
    inner = error.args[0] if error.args and isinstance(error.args[0], BaseException) else error
    return re.sub(r"^HTTPS?Connection\w*\(.*?\): ", "", str(getattr(inner, "reason", None) or inner))[:200]


def _message(content: Any) -> str:
    """Return the error message of DBS or the Open Data portal."""
    answer = content[0] if isinstance(content, list) and content else content
    if not isinstance(answer, dict):
        return ""
    error = answer.get("error")
    reasons = [error.get(key) for key in ("reason", "message")] if isinstance(error, dict) else []
    found = [str(text) for text in (*reasons, answer.get("message")) if text]
    return found[0][:200] if found else ""
