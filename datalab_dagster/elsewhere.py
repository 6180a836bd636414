"""Names of the vendor's package that have nothing to do with Data Labs: what a script is told that uses one."""

from __future__ import annotations


class NotOffered(ImportError):
    """A name of the vendor's package is asked for that is not about Data Labs."""

    def __init__(self, module: str, name: str, why: str) -> None:
        vendor = module.replace("datalab_dagster", "decentriq_platform")
        super().__init__(
            f"{module}.{name} does not exist: {why}. Data Labs are not affected; import {name} from {vendor}.",
            name=module,
        )


def not_offered(module: str, name: str, why: str) -> Exception:
    """Return what a module's `__getattr__` raises for `name`."""
    if name.startswith("__"):
        return AttributeError(f"module {module!r} has no attribute {name!r}")
    return NotOffered(module, name, why)
