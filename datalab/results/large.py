"""Builds large results: while tens of thousands of objects are made, Python must not search all of them for garbage.

A report with 20,000 segments and three matching ids has 200,000 objects, and the collector would look at them, and at
everything else in the process, a dozen times. None of them is garbage.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from typing import TypeVar

from pydantic import BaseModel

Model = TypeVar("Model", bound=BaseModel)


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Let the block make objects without a search for garbage, unless another thread starts one."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def parsed(model: type[Model], json: bytes) -> Model:
    """Return the model in `json`, which may have very many parts.

    Raises:
        pydantic.ValidationError: it has another shape.
    """
    with uncollected():
        return model.model_validate_json(json)
