"""Tells people that a run broke off or a lab failed: a webhook, an e-mail; never a value of a row."""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Callable
from email.message import EmailMessage

from datalab.home.settings import FailureHooks

_SECONDS = 10
_log = logging.getLogger(__name__)


def notify(hooks: FailureHooks, event: str, *, lab: str | None, run_id: str, reason: str) -> None:
    """Tell whoever is configured; one who cannot be reached is only logged, as the lab's state says it too.

    Args:
        hooks: who is told.
        event: ``RUN_FAILED`` or ``LAB_FAILED``.
        lab: id of the lab, if the run has one.
        run_id: the run.
        reason: why, in words.
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
    except Exception as error:  # noqa: BLE001 - whoever is to be told must not stop the sensor
        _log.warning("The %s about a failure could not be sent (%s).", what, type(error).__name__)


def _post(url: str, facts: dict[str, str | None]) -> None:
    import httpx  # takes a third of a second, which every run would pay: its process loads the sensors

    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs every address, and that of a webhook is a secret
    with (
        httpx.Client(timeout=_SECONDS, follow_redirects=True) as client,
        client.stream("POST", url, json=facts) as response,
    ):
        response.raise_for_status()


def _send(host: str, port: int, message: EmailMessage) -> None:
    with smtplib.SMTP(host, port, timeout=_SECONDS) as server:
        server.send_message(message)
