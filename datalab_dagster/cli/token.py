"""`datalab token`: API tokens of users, for the SDK, scripts and the command line on other machines."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import click

from datalab_dagster.cli import listing
from datalab_dagster.cli.accounts import opened_accounts
from datalab_dagster.cli.deployment import json_option, user_option
from datalab_dagster.service import TokenInfo
from datalab_dagster.terminal.text import echo


@click.group()
def token() -> None:
    """Create, list and revoke API tokens.

    A token has the permissions of its user. Send it as `Authorization: Bearer TOKEN`, or give it to the SDK.
    """


@token.command()
@click.argument("email")
@click.option("--name", required=True, help="What it is for, such as 'nightly upload'.")
@click.option("--days", type=click.IntRange(1, 366), default=90, show_default=True, help="How long it is valid.")
@user_option
@json_option
def create(email: str, name: str, days: int, user: str | None, as_json: bool) -> int:
    """Create a token for a user and print it. It cannot be printed again, because only its hash is kept."""
    with opened_accounts(user) as accounts:
        made, secret = accounts.create_token(email, name, lifetime=timedelta(days=days))
    if as_json:
        echo(json.dumps({**_plain(made), "token": secret}, indent=2, ensure_ascii=False))
        return 0
    echo(f"Token {made.id} of {made.email}, valid until {listing.when(made.expires_at)}. Save it now:", err=True)
    echo(secret)
    return 0


@token.command("list")
@click.argument("email", required=False)
@json_option
def list_tokens(email: str | None, as_json: bool) -> int:
    """List all tokens, or those of a user, and the time of their last use."""
    with opened_accounts() as accounts:
        tokens = accounts.tokens(email)
    if as_json:
        echo(json.dumps([_plain(one) for one in tokens], indent=2, ensure_ascii=False))
    elif not tokens:
        echo("There is no API token.")
    else:
        listing.print_table(
            ["Id", "User", "Name", "State", "Until", "Last used"],
            (
                [
                    one.id,
                    one.email,
                    one.name,
                    _state(one),
                    listing.when(one.expires_at),
                    listing.when(one.last_used_at) if one.last_used_at else "never",
                ]
                for one in tokens
            ),
        )
    return 0


@token.command()
@click.argument("token_id", metavar="ID")
@user_option
def revoke(token_id: str, user: str | None) -> int:
    """Revoke a token immediately."""
    with opened_accounts(user) as accounts:
        ended = accounts.revoke_token(token_id)
    echo(f"Token {ended.id} of {ended.email} is revoked.")
    return 0


def _state(one: TokenInfo) -> str:
    if one.revoked_at is not None:
        return "revoked"
    return "valid" if one.expires_at > datetime.now(UTC) else "expired"


def _plain(one: TokenInfo) -> dict[str, str | None]:
    return {
        "id": one.id,
        "user": one.email,
        "name": one.name,
        "state": _state(one),
        "createdAt": one.created_at.isoformat(),
        "createdBy": one.created_by,
        "expiresAt": one.expires_at.isoformat(),
        "lastUsedAt": one.last_used_at.isoformat() if one.last_used_at else None,
    }
