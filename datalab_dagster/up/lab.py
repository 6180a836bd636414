"""Starts and stops everything of `datalab up`: lock, database, addresses, supervisor, and back in reverse order."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from datalab.formats import counted
from datalab.home.directory import home_directory
from datalab.home.private import close_to_others
from datalab.home.secret import make_secret, remove_secret
from datalab.home.settings import HOME
from datalab.home.up import HomeUnusable, UpRecord, held, left_record, remove_record, write_record
from datalab.registry import EmbeddedPostgres, embedded_server
from datalab.registry.probe import Probe
from datalab.scratch import why
from datalab_dagster.graph.home import check_home, prepare_home
from datalab_dagster.up import plan
from datalab_dagster.up.apart import apart
from datalab_dagster.up.database import WatchedDatabase, stop_unused
from datalab_dagster.up.processes import sweep
from datalab_dagster.up.supervisor import Supervisor


def up(
    addresses: plan.Addresses,
    say: Callable[[str], None],
    answered: Callable[[Path, str | None], None],
    environment: Mapping[str, str] = os.environ,
) -> None:
    """Start a Data Lab and keep it running until a signal arrives.

    Args:
        addresses: of the pages.
        say: prints a message.
        answered: called once when everything answers, with the home directory and, while there are no users, the
            secret that signs in.
        environment: contains the home directory and the database.

    Raises:
        SettingsWrong: the master key in the environment cannot be used.
        DagsterHomeUnusable: `DAGSTER_HOME` names settings that cannot be used.
        UpIsRunning: another `up` runs on this home directory.
        PortTaken, AddressUnusable, HomeUnusable, RegistryError: nothing was started, or the database cannot be used.
        BindRefused: other machines would reach the pages, and there is no user who could sign in.
        ServiceKeepsEnding, DatabaseKeepsEnding: restarting failed too often; everything is stopped.
    """
    home = home_directory(environment)
    environment = {**environment, HOME: str(home)}
    apart(lambda: _check_master_key(home, environment))
    check_home(environment)
    with ExitStack() as stack:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            stack.callback(signal.signal, number, signal.signal(number, signal.default_int_handler))
        stack.enter_context(held(home))
        if closed := close_to_others(home):
            say(f"{counted(closed, 'place')} in the home could be opened by other accounts; now only its owner can.")
        before = left_record(home)
        if before and (left := sweep(before.children)):
            say(f"Ended {left} process{'es' if left > 1 else ''} that a killed `datalab up` had left.")
        addresses.check()
        say("Starting …")
        record = UpRecord(os.getpid(), addresses.dagster_url, addresses.portal_url)
        if before and before.started_database:
            record = replace(record, started_database=True)
        stack.callback(remove_record, home)
        _record(home, record)
        secret = make_secret(home)
        stack.callback(remove_secret, home)
        server = embedded_server(environment)
        if server is not None:
            record = _with_database(home, record, server, stack, say)
        url, has_users = apart(lambda: _prepared(environment, addresses.hosts))
        known = None if has_users else secret

        children = prepare_home(environment)
        probe = stack.enter_context(Probe(url))
        database = stack.enter_context(WatchedDatabase(server, probe.answers, say))
        services = plan.services(home, addresses)
        Supervisor(home, services, children, record, database, say).run(lambda: answered(home, known))


def _check_master_key(home: Path, environment: Mapping[str, str]) -> None:
    from datalab_dagster.up.prepare import check_master_key

    check_master_key(home, environment)


def _prepared(environment: Mapping[str, str], hosts: Iterable[str]) -> tuple[str, bool]:
    from datalab_dagster.up.prepare import prepared_database

    return prepared_database(environment, hosts)


def _with_database(
    home: Path, record: UpRecord, server: EmbeddedPostgres, stack: ExitStack, say: Callable[[str], None]
) -> UpRecord:
    """Start the database, and stop it at the end if this process started it."""
    started = server.start()
    record = replace(record, started_database=record.started_database or started)
    if record.started_database:

        def stop() -> None:
            if not stop_unused(server):
                say("Other processes still use the database; it keeps running.")

        stack.callback(stop)
    _record(home, record)
    return record


def _record(home: Path, record: UpRecord) -> None:
    """Write the record of this `up`.

    Raises:
        HomeUnusable: the disk is full, say.
    """
    try:
        write_record(home, record)
    except OSError as error:
        raise HomeUnusable(home, why(error)) from None
