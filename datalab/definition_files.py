"""Reads the files that people write definitions in, JSON or YAML; what they say is not checked here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from datalab.errors import ConfigurationError, InputMissing, InputUnreadable


def read_definition(path: Path, most_bytes: int, what: str) -> Any:
    """Return the content of a JSON or YAML file.

    Args:
        path: a name that ends in `.json` means JSON.
        most_bytes: how long the file may be.
        what: it is, such as "lab definition".

    Raises:
        InputMissing, InputUnreadable: the file cannot be read.
        ConfigurationError: it is too long, or not JSON or YAML.
    """
    text = _text_of(path, most_bytes, what)
    try:
        return json.loads(text) if path.suffix.lower() == ".json" else _parsed_yaml(text)
    except _Unparsable as error:
        problem = str(error)
    except json.JSONDecodeError as error:
        problem = f"It is not JSON: {error.msg} in line {error.lineno}, column {error.colno}"
    except RecursionError:
        problem = "It is nested too deeply"
    except ValueError:
        problem = "It holds a value that cannot be read, such as an impossible date"
    raise ConfigurationError(str(path), [problem])


class _Unparsable(Exception):
    """A text that is not YAML; its message says where."""


def _parsed_yaml(text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise _Unparsable(f"It is not YAML{f' in line {mark.line + 1}' if mark else ''}") from None


def _text_of(path: Path, most_bytes: int, what: str) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(most_bytes + 1)
        if len(content) > most_bytes:
            raise ConfigurationError(str(path), [f"It is longer than {most_bytes >> 20} MiB, which no {what} is"])
        return content.decode("utf-8-sig")
    except FileNotFoundError:
        raise InputMissing(path) from None
    except OSError as error:
        raise InputUnreadable(path, error.strerror or type(error).__name__) from None
    except UnicodeDecodeError:
        raise ConfigurationError(str(path), ["It is not a text file in UTF-8"]) from None
