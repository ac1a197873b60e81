"""The user's X.509 proxy: its file, its lifetime and checks."""

from __future__ import annotations

import os
import re
import stat
from datetime import UTC, datetime
from pathlib import Path

from pocket.errors import ConfigError

#: command that makes a proxy with a lifetime of eight days
MAKE_PROXY = "voms-proxy-init -voms cms -rfc -valid 192:00"
# This extension of a proxy holds the attributes of VOMS (OGF GFD.182), which have their own lifetime.
_VOMS = "1.3.6.1.4.1.8005.100.100.5"
# In DER, AttCertValidityPeriod of RFC 5755 is a sequence of two times.
_VALIDITY = re.compile(rb"\x30\x22\x18\x0f\d{14}Z\x18\x0f(\d{14})Z")


def read_proxy(place: str) -> bytes:
    """Return the content of a proxy, by its path or ``auto``: ``$X509_USER_PROXY``, else ``/tmp/x509up_u<uid>``."""
    path = proxy_path(place)
    try:
        with path.open("rb") as file:
            found, content = os.fstat(file.fileno()), file.read()
    except OSError as error:
        raise ConfigError(f"X509 proxy {path}: {error.strerror}; make one with voms-proxy-init") from None
    if found.st_uid != os.geteuid():
        # In /tmp, anybody may make a file with this name, and read with it in the name of others.
        raise ConfigError(
            f"X509 proxy {path} belongs to somebody else: make your own one with voms-proxy-init -out PATH"
        )
    if (mode := stat.S_IMODE(found.st_mode)) & 0o077:
        raise ConfigError(f"X509 proxy {path} can be used by others than its owner: chmod 400 {path}")
    if mode not in (0o400, 0o600):
        raise ConfigError(f"X509 proxy {path} has the mode {mode:04o}, expected 0600 or 0400: chmod 400 {path}")
    if b"-----BEGIN CERTIFICATE-----" not in content or b"PRIVATE KEY-----" not in content:
        raise ConfigError(f"{path} is no X509 proxy: it holds no certificate with its key")
    return content


def proxy_path(place: str) -> Path:
    """Return the path of a proxy, which may be ``auto`` as in :func:`read_proxy`."""
    if place == "auto":
        return Path(os.environ.get("X509_USER_PROXY") or f"/tmp/x509up_u{os.getuid()}")
    return Path(place).expanduser().absolute()


def proxy_ends(place: str) -> tuple[datetime, datetime | None]:
    """Return the end of a proxy's lifetime and of its VOMS attributes; the latter is ``None`` if it has none."""
    content = read_proxy(place)
    try:
        from cryptography import x509
    except ModuleNotFoundError:
        raise ConfigError(
            "how long an X509 proxy lives is read with the package cryptography: pip install cryptography"
        ) from None
    try:
        certificates = x509.load_pem_x509_certificates(content)
        ends = [certificate.not_valid_after_utc for certificate in certificates]
        values = [
            extension.value.value
            for certificate in certificates
            for extension in certificate.extensions
            if extension.oid.dotted_string == _VOMS and isinstance(extension.value, x509.UnrecognizedExtension)
        ]
    except ValueError:
        raise ConfigError(f"the certificates in X509 proxy {proxy_path(place)} can't be read: {MAKE_PROXY}") from None
    times = [time for value in values for time in _VALIDITY.findall(value)]
    attributes = [datetime.strptime(time.decode(), "%Y%m%d%H%M%S").replace(tzinfo=UTC) for time in times]
    return min(ends), min(attributes, default=None)


def check_proxy(place: str, hours: float) -> Path:
    """Return the path of a proxy, after checking that it and its VOMS attributes live long enough."""
    path = proxy_path(place)
    ends, attributes = proxy_ends(place)
    what = f"X509 proxy {path}"
    if attributes is not None and attributes < ends:
        ends, what = attributes, f"the membership (VOMS) in {what}"
    left = (ends - datetime.now(UTC)).total_seconds()
    if left <= 0:
        raise ConfigError(f"{what} expired at {ends:%Y-%m-%d %H:%M} UTC: {MAKE_PROXY}")
    if left < hours * 3600:
        raise ConfigError(
            f"{what} expires in {in_words(left)}, but jobs may run for {in_words(hours * 3600)}: {MAKE_PROXY}"
        )
    return path


def in_words(seconds: float) -> str:
    """Return a duration in hours and minutes, or in seconds.

    >>> in_words(7300), in_words(59), in_words(200000)
    ('2 h 1 min', '59 s', '55 h 33 min')
    """
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes else f"{seconds} s"
