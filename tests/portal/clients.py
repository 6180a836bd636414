"""Clients of an app in this process; what they ask is the tests' matter."""

from __future__ import annotations

import warnings

from fastapi import FastAPI

with warnings.catch_warnings():
    # Starlette would rather have httpx2; the project's own client is httpx.
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

__all__ = ["HERE", "TestClient", "visitor"]

HERE = "http://127.0.0.1:8000"


def visitor(app: FastAPI, token: str | None = None, *, address: str = "127.0.0.1", base: str = HERE) -> TestClient:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return TestClient(app, base_url=base, headers=headers, client=(address, 50000), follow_redirects=False)
