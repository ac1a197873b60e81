"""Isolation of broken TLS connections from the others of the same thread."""

from __future__ import annotations

import contextlib
import functools
import ssl
from typing import Any


def forget_errors() -> None:
    """Empty OpenSSL's queue of errors of this thread."""
    # A connection that was broken by the other side may leave its error there. Python then raises it when it reads from
    # the next connection, which is healthy (https://github.com/python/cpython/issues/148594).
    # Python empties the queue after a failure of this call, which is the only way that needs no connection.
    with contextlib.suppress(ssl.SSLError):
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).set_ciphers("none")


@functools.cache
def keep_errors_apart() -> None:
    """Keep errors of a TLS connection of Dask, as to a worker that ends, from breaking others in its thread."""
    from tornado.iostream import SSLIOStream

    close = SSLIOStream.close

    def close_and_forget(self: SSLIOStream, exc_info: Any = False) -> None:
        if exc_info:
            forget_errors()
        close(self, exc_info)

    SSLIOStream.close = close_and_forget  # type: ignore[method-assign, assignment]
