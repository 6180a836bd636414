"""The error for names of the vendor's package that have nothing to do with Data Labs."""

from __future__ import annotations


class NotOffered(ImportError):
    """A script uses a name of the vendor's package that has nothing to do with Data Labs."""

    def __init__(self, module: str, name: str, why: str) -> None:
        vendor = module.replace("datalab_dagster", "decentriq_platform")
        super().__init__(
            f"{module}.{name} does not exist: {why}. Data Labs are not affected; import {name} from {vendor}.",
            name=module,
        )


def not_offered(module: str, name: str, why: str) -> Exception:
    """Return the error that a module's `__getattr__` raises for `name`."""
    if name.startswith("__"):
        return AttributeError(f"module {module!r} has no attribute {name!r}")
    return NotOffered(module, name, why)
