"""A Rucio server with a database of its own, on this machine: ``python rucio_server.py FOLDER PORT CONTENT.json``.

It runs in the environment that has the package ``rucio``. The content says ``{"datasets": {name: [{"name", "size",
"sites"}]}}``. The file ``ready`` in the folder tells that the server answers and has it all. A client finds its
configuration if ``RUCIO_HOME`` is the folder.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

CONFIG = """\
[common]
logdir = {folder}
loglevel = WARNING
mailtemplatedir = {folder}
[database]
default = sqlite:///{folder}/rucio.db
[bootstrap]
userpass_identity = tester
userpass_pwd = secret
[alembic]
cfg = {folder}/etc/alembic.ini
[policy]
permission = generic
schema = generic
[api]
endpoints = accounts,auth,config,dids,ping,replicas,rses,scopes
[client]
rucio_host = http://127.0.0.1:{port}
auth_host = http://127.0.0.1:{port}
account = root
auth_type = userpass
username = tester
password = secret
auth_token_file_path = {folder}/token
"""

ALEMBIC = """\
[alembic]
script_location = rucio:db/sqla/migrate_repo
sqlalchemy.url = sqlite:///{folder}/rucio.db
[loggers]
keys = root
[handlers]
keys = console
[formatters]
keys = plain
[logger_root]
level = WARNING
handlers = console
[handler_console]
class = StreamHandler
args = (sys.stderr,)
formatter = plain
[formatter_plain]
format = %(message)s
"""


def main() -> None:
    folder, port, content = Path(sys.argv[1]), int(sys.argv[2]), json.loads(Path(sys.argv[3]).read_text())
    (folder / "etc").mkdir(parents=True)
    for name, text in {"rucio.cfg": CONFIG, "alembic.ini": ALEMBIC}.items():
        (folder / "etc" / name).write_text(text.format(folder=folder, port=port))
    os.environ["RUCIO_HOME"] = str(folder)

    from rucio.db.sqla.util import build_database, create_base_vo, create_root_account
    from werkzeug.serving import make_server

    build_database()
    create_base_vo()
    create_root_account()
    from rucio.web.rest.flaskapi.v1.main import application

    threading.Thread(target=make_server("127.0.0.1", port, application, threaded=True).serve_forever).start()
    fill(content["datasets"])
    (folder / "ready").touch()


def fill(datasets: dict[str, list[dict[str, Any]]]) -> None:
    """Register sites, files, their replicas, and datasets as CMS does: a container of blocks of files."""
    from rucio.client import Client

    client = Client()
    client.add_scope("root", "cms")
    access = {"read": 1, "write": 1, "delete": 1}
    domains = {"lan": access, "wan": {**access, "third_party_copy_read": 1, "third_party_copy_write": 1}}
    for site in sorted({site for files in datasets.values() for file in files for site in file["sites"]}):
        client.add_rse(site)
        # the address that Rucio makes of this isn't used, but must differ from site to site
        host = f"{site.lower().replace('_', '-')}.example"
        protocol = {"hostname": host, "scheme": "root", "port": 1094, "prefix": "/", "domains": domains}
        client.add_protocol(site, {**protocol, "impl": "rucio.rse.protocols.xrootd.Default"})
    for name, files in datasets.items():
        block = f"{name}-block"
        client.add_container("cms", name)
        client.add_dataset("cms", block)
        client.attach_dids("cms", name, [{"scope": "cms", "name": block}])
        for file in files:
            record = {"scope": "cms", "name": file["name"], "bytes": file["size"], "adler32": "00000001"}
            for site in file["sites"]:
                client.add_replicas(site, [record])
        client.attach_dids("cms", block, [{"scope": "cms", "name": file["name"]} for file in files])


if __name__ == "__main__":
    main()
