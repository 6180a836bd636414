"""The behaviour of a package without a deployment, as JSON; the command line names the package.

Run by the interpreter of the package in question, so nothing of the project is imported here.
"""

from __future__ import annotations

import importlib
import json
import sys
import warnings
from collections.abc import Callable
from enum import Enum
from types import SimpleNamespace
from typing import Any

warnings.simplefilter("ignore")
root = sys.argv[1]
dq = importlib.import_module(root)
lab = importlib.import_module(f"{root}.data_lab")
media = importlib.import_module(f"{root}.media")
types = importlib.import_module(f"{root}.types")
client = SimpleNamespace(client_v2=None)

USER = lab.IdentifiersConfig("userId", lab.IdType.STRING, False, True)
EMAIL = lab.IdentifiersConfig("hem", lab.IdType.HASHED_EMAIL, True, False)
OPTIONS = dq.SecretStoreOptions


def builder() -> Any:
    return lab.DataLabBuilder(client)


def access(*users: tuple[str, str], kind: str = "UsersList") -> dict[str, Any]:
    return {"type": kind, "users": [{"id": name, "role": role} for name, role in users]}


def checked(options: Any) -> Any:
    return options.validate_users("me@x.org", [{"email": "you@x.org"}])


QUESTIONS: dict[str, Callable[[], Any]] = {
    "a key is random": lambda: len(dq.Key().material),
    "a key is given": lambda: dq.Key(b"k" * 32).material.decode(),
    "a key is short": lambda: dq.Key(b"short"),
    "an identifier as a dictionary": lambda: [USER.to_dict(), EMAIL.to_dict()],
    "identifiers are equal": lambda: lab.IdentifiersConfig("userId", lab.IdType.STRING, False, True) == USER,
    "an identifier in print": lambda: repr(EMAIL),
    "build without columns": lambda: builder().with_name("x").build(),
    "build with two kinds of matching": lambda: (
        builder().with_identifiers_config([USER]).with_matching_id_format(types.MatchingId.EMAIL).build()
    ),
    "use a lab without an id": lambda: builder().from_existing("").build(),
    "use a lab with None": lambda: builder().from_existing(None).build(),
    "a builder remembers": lambda: {
        name: value
        for name, value in vars(builder().with_name("a").with_segments().with_embeddings(3)).items()
        if name not in {"client", "client_v2", "drop_invalid_rows"}
    },
    "a configuration": lambda: vars(
        lab.DataLabConfig("n", True, False, 0, True, 3, [USER, EMAIL], None, [media.CollaborationType.INSIGHTS])
    ),
    "statistics of nothing": lambda: lab.parse_statistics_result("{}"),
    "statistics of a list": lambda: lab.parse_statistics_result("[]"),
    "statistics of half a file": lambda: lab.parse_statistics_result("{"),
    "a report without its parts": lambda: lab.ValidationReport.model_validate({}).model_dump(),
    "options: access without a key": lambda: OPTIONS(store_encryption_key=False, encryption_key_acl=access()),
    "options: default": lambda: checked(OPTIONS()),
    "options: no owner": lambda: checked(OPTIONS(encryption_key_acl=access(("you@x.org", "User")))),
    "options: another organisation": lambda: checked(
        OPTIONS(encryption_key_acl=access(("me@x.org", "Owner"), ("who@y.org", "User")))
    ),
    "options: a colleague": lambda: checked(
        OPTIONS(encryption_key_acl=access(("me@x.org", "Owner"), ("you@x.org", "User")))
    ),
    "options: another type": lambda: checked(OPTIONS(encryption_key_acl=access(kind="Everybody"))),
    "options: another version": lambda: checked(OPTIONS(encryption_key_acl=access(), encryption_key_acl_version=7)),
    "an invalid token": lambda: dq.create_client("me@x.org", "a"),
    "an interface is abstract": lambda: lab.DataLabInterface(),
    "types in print": lambda: [
        str(kind) for kind in (*lab.IdType, *media.CollaborationType, *types.DataLabDatasetType)
    ],
    "types in JSON": lambda: json.dumps([*lab.IdType]),
    "a type by value": lambda: [media.CollaborationType("ENABLE_OVERLAP").name, lab.IdType("MAID").name],
    "an unknown type": lambda: lab.IdType("NONE"),
    "jobs start without an id": lambda: sorted(lab.ComputeJob.__abstractmethods__),
}  # fmt: skip


def plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "to_dict"):
        return value.to_dict()
    return value


def answer(question: Callable[[], Any]) -> Any:
    try:
        return plain(question())
    except Exception as error:  # noqa: BLE001 - what is raised is the answer
        kinds = [
            kind.__name__ for kind in type(error).__mro__ if kind.__module__ in {"builtins", "binascii", "json.decoder"}
        ]
        text = str(error) if "pydantic" not in type(error).__module__ else f"{error.error_count()} errors"  # type: ignore[attr-defined]
        return {"raises": kinds[0], "text": text.replace(root, "PACKAGE")}


json.dump({name: answer(question) for name, question in QUESTIONS.items()}, sys.stdout, default=repr)
