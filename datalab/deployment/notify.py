"""Notifications that a run was interrupted or a lab failed, by webhook and e-mail; they contain no value of a row."""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Callable
from email.message import EmailMessage

from datalab.home.settings import FailureHooks

_SECONDS = 10
_log = logging.getLogger(__name__)


def notify(hooks: FailureHooks, event: str, *, lab: str | None, run_id: str, reason: str) -> None:
    """Notify the configured webhook and recipients.

    A notification that cannot be sent is only logged: the state of the lab shows the failure too.

    Args:
        hooks: the webhook and the recipients.
        event: ``RUN_FAILED`` or ``LAB_FAILED``.
        lab: id of the lab, if the run has one.
        run_id: the run.
        reason: why it failed, as a sentence.
    """
    facts = {"event": event, "lab": lab, "run": run_id, "reason": reason}
    if hooks.webhook:
        _attempt("webhook", lambda: _post(hooks.webhook or "", facts))
    if hooks.email:
        message = EmailMessage()
        message["Subject"] = f"Data Lab {lab or ''}: {event.replace('_', ' ').lower()}"
        message["From"], message["To"] = hooks.email.sender, ", ".join(hooks.email.to)
        message.set_content(f"{reason}\n\nLab: {lab or '-'}\nRun: {run_id}\n")
        host, port = hooks.email.host, hooks.email.port
        _attempt("e-mail", lambda: _send(host, port, message))


def _attempt(what: str, call: Callable[[], None]) -> None:
    try:
        call()
    except Exception as error:  # noqa: BLE001 - a recipient that cannot be reached must not stop the sensor
        _log.warning("The %s about a failure could not be sent (%s).", what, type(error).__name__)


def _post(url: str, facts: dict[str, str | None]) -> None:
    import httpx  # takes a third of a second, and the process of every run loads the sensors

    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs every address; the address of a webhook is a secret
    with (
        httpx.Client(timeout=_SECONDS, follow_redirects=True) as client,
        client.stream("POST", url, json=facts) as response,
    ):
        response.raise_for_status()


def _send(host: str, port: int, message: EmailMessage) -> None:
    with smtplib.SMTP(host, port, timeout=_SECONDS) as server:
        server.send_message(message)
