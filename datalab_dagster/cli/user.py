"""`datalab user`: manages the users of the portal and their roles."""

from __future__ import annotations

import json
import sys

import click

from datalab.errors import UsageError
from datalab.formats import counted
from datalab_dagster.cli import listing
from datalab_dagster.cli.accounts import new_password, opened_accounts
from datalab_dagster.cli.deployment import confirm, json_option, user_option, yes_option
from datalab_dagster.service import Accounts, Role
from datalab_dagster.terminal.text import echo

ROLE = click.Choice(["publisher", "viewer", "admin"])
_stdin_option = click.option("--password-stdin", is_flag=True, help="Read the password from the standard input.")
_take_over_option = click.option(
    "--take-over/--no-take-over",
    default=None,
    help="Whether a publisher also owns the datasets and labs that belong to no user. Default for the first publisher: "
    "a question on a terminal, else yes; for later ones: no.",
)
_TAKEN_OVER = " The datasets and labs that belonged to no user are theirs."


@click.group()
def user() -> None:
    """Manage users and their roles.

    publisher: uploads datasets, creates labs, and may do everything with their own. viewer: reads all labs and
    statistics, no validation report, no file; changes nothing. admin: belongs to the clean room's vendor; sees only the
    aggregates of labs that were created with sharing on.

    Without any user, the portal answers this machine only, signed in by the address that `datalab up` prints. From the
    first user on, all must sign in.
    """


@user.command()
@click.argument("email")
@click.option("--role", type=ROLE, default="publisher", show_default=True)
@_stdin_option
@click.option("--no-password", is_flag=True, help="Cannot sign in with a browser: API tokens only.")
@_take_over_option
@user_option
def add(
    email: str, role: str, password_stdin: bool, no_password: bool, take_over: bool | None, user: str | None
) -> int:
    """Add a user, and ask for a password."""
    password = None if no_password else new_password(password_stdin)
    with opened_accounts(user) as accounts:
        first = not accounts.any_user()
        takes_over = _takes_over(accounts, email, Role(role), take_over)
        added = accounts.add(email, Role(role), password=password, take_over=takes_over)
    echo(f"User {added.email} was added as {added.role.value}.{_TAKEN_OVER if takes_over else ''}")
    if first:
        echo("This is the first user: from now on, everyone must sign in to the portal.")
    return 0


@user.command("list")
@json_option
def list_users(as_json: bool) -> int:
    """List all users."""
    with opened_accounts() as accounts:
        users = accounts.users()
    if as_json:
        rows = [
            {
                "email": one.email,
                "role": one.role.value,
                "hasPassword": one.has_password,
                "createdAt": one.created_at.isoformat(),
                "createdBy": one.created_by,
            }
            for one in users
        ]
        echo(json.dumps(rows, indent=2, ensure_ascii=False))
    elif not users:
        echo("There is no user: the portal answers this machine only; `datalab up` prints the address that signs in.")
    else:
        listing.print_table(
            ["Email", "Role", "Login", "Added", "By"],
            (
                [
                    one.email,
                    one.role.value,
                    "password" if one.has_password else "tokens only",
                    listing.when(one.created_at),
                    one.created_by,
                ]
                for one in users
            ),
        )
    return 0


@user.command("set-role")
@click.argument("email")
@click.argument("role", type=ROLE)
@_take_over_option
@user_option
def set_role(email: str, role: str, take_over: bool | None, user: str | None) -> int:
    """Change the role of a user, effective immediately."""
    with opened_accounts(user) as accounts:
        takes_over = _takes_over(accounts, email, Role(role), take_over)
        changed = accounts.set_role(email, Role(role), take_over=takes_over)
    echo(f"User {changed.email} now has the role {changed.role.value}.{_TAKEN_OVER if takes_over else ''}")
    return 0


@user.command("set-password")
@click.argument("email")
@_stdin_option
@user_option
def set_password(email: str, password_stdin: bool, user: str | None) -> int:
    """Change a user's password and end the user's sessions; API tokens remain valid."""
    password = new_password(password_stdin)
    with opened_accounts(user) as accounts:
        changed = accounts.set_password(email, password)
    echo(f"The password of {changed.email} was changed; running sessions were ended.")
    return 0


@user.command()
@click.argument("email")
@yes_option
@user_option
def delete(email: str, yes: bool, user: str | None) -> int:
    """Delete a user with all sessions and API tokens; labs, datasets and the audit log are kept."""
    confirm(f"Delete user {email} with all sessions and API tokens?", yes=yes)
    with opened_accounts(user) as accounts:
        left = accounts.delete(email)
    echo(f"User {email.strip().lower()} was deleted.")
    if not left:
        echo("No user is left: the portal answers this machine only; the next `datalab up` prints a sign-in address.")
    return 0


def _takes_over(accounts: Accounts, email: str, role: Role, asked: bool | None) -> bool:
    """Return whether a user becomes an owner of what belongs to no user; the first publisher is asked."""
    if role is not Role.PUBLISHER:
        if asked:
            raise UsageError("Only a publisher can take over datasets and labs: give --role publisher.")
        return False
    if asked is not None:
        return asked
    found = accounts.unowned(email)
    if found is None or not (found.datasets or found.labs):
        return False
    if not sys.stdin.isatty():
        return True
    what = f"{counted(found.datasets, 'dataset')} and {counted(found.labs, 'lab')}"
    return click.confirm(f"Until now there was no publisher. Shall {email} own the {what} made so far?", default=True)
