"""What the models of several reports have in common."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, SerializerFunctionWrapHandler, model_serializer

Status = Literal["SUCCESS", "FAILED"]


class OmitsNone(BaseModel):
    """A model whose optional keys are left out, never `null`, when they have no value."""

    @model_serializer(mode="wrap")
    def _without_nones(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in handler(self).items() if value is not None}
