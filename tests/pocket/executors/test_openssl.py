from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator

import pytest
from distributed.security import Security
from tornado.iostream import SSLIOStream

from pocket.executors import openssl


@contextlib.contextmanager
def connection() -> Iterator[tuple[ssl.SSLSocket, ssl.SSLSocket]]:
    """The two ends of an encrypted connection."""
    security = Security.temporary()
    ends = socket.socketpair()
    listening = security.get_listen_args("scheduler")["ssl_context"]
    calling = security.get_connection_args("client")["ssl_context"]
    first = listening.wrap_socket(ends[0], server_side=True, do_handshake_on_connect=False)
    second = calling.wrap_socket(ends[1], do_handshake_on_connect=False)
    with first, second:
        pending = [first, second]
        for end in pending:
            end.setblocking(False)
        while pending:
            for end in list(pending):
                with contextlib.suppress(ssl.SSLWantReadError):
                    end.do_handshake()
                    pending.remove(end)
        yield first, second


def received(end: ssl.SSLSocket) -> bytes:
    """Return what has come, nothing if there isn't anything."""
    try:
        return end.recv(10)
    except ssl.SSLWantReadError:
        return b""


def test_a_broken_connection_breaks_no_other() -> None:
    with connection() as (broken, peer), connection() as (healthy, sender):
        # what TLS sends after the handshake
        received(healthy), received(sender)
        peer.close()
        failures = 0
        for _ in range(10):
            try:
                broken.send(b"x")
            except OSError:
                failures += 1
        assert failures
        openssl.forget_errors()
        with pytest.raises(ssl.SSLWantReadError):
            healthy.recv(10)
        sender.send(b"y")
        assert received(healthy) == b"y"


@pytest.mark.parametrize(("exc_info", "times"), [(False, 0), (BrokenPipeError(), 1)])
def test_errors_are_forgotten_when_a_connection_breaks(
    monkeypatch: pytest.MonkeyPatch, exc_info: object, times: int
) -> None:
    calls: list[None] = []
    monkeypatch.setattr(openssl, "forget_errors", lambda: calls.append(None))
    monkeypatch.setattr(SSLIOStream, "close", super(SSLIOStream, SSLIOStream).close)
    openssl.keep_errors_apart.__wrapped__()
    with contextlib.ExitStack() as stack:
        ends = socket.socketpair()
        stack.enter_context(ends[1])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        wrapped = context.wrap_socket(ends[0], do_handshake_on_connect=False, server_hostname="localhost")

        async def close() -> None:
            SSLIOStream(wrapped).close(exc_info)

        asyncio.run(close())
        assert wrapped.fileno() == -1
    assert len(calls) == times
