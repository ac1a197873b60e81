"""Isolation of broken TLS connections: what one leaves behind is kept from the others of its thread."""

from __future__ import annotations

import contextlib
import functools
import ssl
from typing import Any


def forget_errors() -> None:
    """Empty OpenSSL's queue of errors of this thread.

    A connection that the other side broke may leave its error there. Python then takes it for one of the next
    connection that it reads from, though that is healthy (https://github.com/python/cpython/issues/148594).
    """
    # Python empties the queue after a failure of these, and nothing else does so without a connection
    with contextlib.suppress(ssl.SSLError):
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).set_ciphers("none")


@functools.cache
def keep_errors_apart() -> None:
    """Have the TLS connections of Dask, which share one thread, not break each other.

    Without this, a worker that ends takes with it all connections of a scheduler that runs in this process.
    """
    from tornado.iostream import SSLIOStream

    close = SSLIOStream.close

    def close_and_forget(self: SSLIOStream, exc_info: Any = False) -> None:
        if exc_info:
            forget_errors()
        close(self, exc_info)

    SSLIOStream.close = close_and_forget  # type: ignore[method-assign, assignment]
