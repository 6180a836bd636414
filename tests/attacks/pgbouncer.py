"""A real pgbouncer in front of a real PostgreSQL, as a user of its own if root runs the tests; no test is here."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import make_url

from datalab.registry.programs import let_through, server_user
from tests.up.processes import PATIENCE, free_port, within

PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")


@contextmanager
def bouncer(url: str, mode: str, **settings: object) -> Iterator[str]:
    """Run pgbouncer in a pool mode in front of `url`, and yield the URL through it."""
    address = make_url(url)
    port = free_port()
    folder = Path(tempfile.mkdtemp(prefix="datalab-bouncer-"))
    (folder / "users.txt").write_text(f'"{address.username}" ""\n')
    lines = {
        "listen_addr": "127.0.0.1",
        "listen_port": port,
        "unix_socket_dir": "",
        "auth_type": "trust",
        "auth_file": folder / "users.txt",
        "pool_mode": mode,
        **settings,
    }
    host = address.query.get("host") or address.host
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n* = host={host} port={address.query.get('port') or address.port}\n[pgbouncer]\n"
        + "".join(f"{key} = {value}\n" for key, value in lines.items())
    )
    user = server_user()
    if user:
        for path in (folder, *folder.iterdir()):
            os.chown(path, user.pw_uid, user.pw_gid)
        let_through(folder)
    assert PROGRAM
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [PROGRAM, str(folder / "pgbouncer.ini")],
            stdout=log,
            stderr=log,
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
        )
    try:
        assert within(PATIENCE, lambda: b"process up" in (folder / "log").read_bytes()), (folder / "log").read_text()
        yield address.set(host="127.0.0.1", port=port, query={}).render_as_string(hide_password=False)
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)
