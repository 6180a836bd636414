"""Reads and checks the settings files of the command line, and names every error in them."""

from __future__ import annotations

from pathlib import Path

import yaml

from datalab.errors import ConfigurationError, InputMissing, InputUnreadable
from datalab.statistics.findings import limits_from_dict


def load_limits(path: Path) -> dict[str, float]:
    """Read limits of findings from a JSON or YAML file (names: `datalab.statistics.Thresholds`).

    Raises:
        InputMissing, InputUnreadable: the file cannot be read.
        ConfigurationError: it contains no limits, unknown names or impossible values.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8-sig"))  # JSON is YAML
    except FileNotFoundError:
        raise InputMissing(path) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputUnreadable(path, type(error).__name__) from None
    except yaml.YAMLError:
        raise ConfigurationError(str(path), ["It is neither JSON nor YAML"]) from None
    if not isinstance(data, dict):
        raise ConfigurationError(str(path), ["It must contain names of limits and their values"])
    return limits_from_dict(data, str(path))
