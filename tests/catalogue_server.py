"""DBS and the CERN Open Data portal on this machine: a server that answers in their response shapes."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class CatalogueServer:
    """What the server knows, what it was asked, and how it misbehaves.

    Args:
        datasets: name → records of files as DBS keeps them; the default instance is ``prod/global``.
        blocks: name → records of blocks.
        records: number → metadata of a record of CERN Open Data.
        faults: what to do instead of answering, one for each of the next requests: a status, ``"hang"``,
            ``"garbage"`` or ``"hangup"``.
        requests: paths with parameters that were asked for, in order.
    """

    datasets: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    blocks: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    records: dict[int, dict[str, Any]] = field(default_factory=dict)
    faults: list[int | str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    url: str = ""
    stopped: threading.Event = field(default_factory=threading.Event)

    def add_file(self, dataset: str, name: str, events: int, size: int = 1000, **more: Any) -> None:
        """Add a file to a dataset."""
        record = {
            "adler32": f"{abs(hash((name, events))) % 16**8:08x}",
            "block_name": f"{dataset}#1",
            "check_sum": "1",
            "dataset": dataset,
            "event_count": events,
            "file_size": size,
            "file_type": "EDM",
            "is_file_valid": 1,
            "logical_file_name": name,
        }
        self.datasets.setdefault(dataset, []).append({**record, **more})

    def answer(self, path: str) -> tuple[int, Any]:
        """Return status and content for a path with parameters."""
        parts = urlsplit(path)
        options = {name: values[0] for name, values in parse_qs(parts.query).items()}
        for what, known in (("/DBSReader/files", self.datasets), ("/DBSReader/blocks", self.blocks)):
            if parts.path.endswith(what):
                assert options["detail"] == "True"
                return 200, known.get(options["dataset"], [])
        if parts.path.startswith("/api/records"):
            return self._record(parts.path.removeprefix("/api/records").strip("/"), options)
        error = {"reason": "no such API", "message": "", "function": "dbs", "code": 100}
        return 400, [{"error": error, "http": {"code": 400}, "exception": 400, "type": "HTTPError"}]

    def _record(self, number: str, options: dict[str, str]) -> tuple[int, Any]:
        if number:
            known = self.records.get(int(number))
            if known is None:
                return 404, {"status": 404, "message": "PID does not exist."}
            return 200, {"id": int(number), "metadata": known}
        key, _, text = options["q"].partition(":")
        # as the portal's, the search finds what contains the words
        hits = [
            {"id": number, "metadata": {name: metadata[name] for name in ("title", "doi") if name in metadata}}
            for number, metadata in self.records.items()
            if text.strip('"') in metadata.get(key, "")
        ]
        return 200, {"hits": {"hits": hits, "total": len(hits)}}


class Server(ThreadingHTTPServer):
    """A server that doesn't print the errors of connections, which tests cause."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


@contextmanager
def catalogue_server(context: ssl.SSLContext | None = None) -> Iterator[CatalogueServer]:
    """Run a server until the end of the block; with a context it talks TLS."""
    known = CatalogueServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known.requests.append(self.path)
            fault = known.faults.pop(0) if known.faults else None
            if fault == "hang":
                known.stopped.wait(30)
            if fault in ("hang", "hangup"):
                self.close_connection = True
                return
            status, content = (fault, {"message": "try later"}) if isinstance(fault, int) else known.answer(self.path)
            body = b"<html>maintenance</html>" if fault == "garbage" else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    if context is not None:
        # the handshake belongs to the thread of a request, where it may fail
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    known.url = f"http{'s' if context else ''}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield known
    finally:
        known.stopped.set()
        server.shutdown()
        thread.join()
        server.server_close()
