"""Fills a registry with many datasets and labs, as years of use leave it; the lists are measured with it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from sqlalchemy import Engine, text

from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab.registry.models import SCHEMA

_KINDS = ", ".join(f"'{kind.value}'" for kind in DatasetKind)
_HASH = "lpad(to_hex({}), 64, '0')"
_STATEMENTS = (
    f"""INSERT INTO datasets (manifest_hash, name, description, size_bytes, rows, usage, facts, created_at, created_by)
    SELECT {_HASH.format("n")}, kind || '-' || n || '.csv', '', n * 1000, n * 10, 'PUBLISHED',
        jsonb_build_object('is_whole', true, 'records', 100, 'kind', kind), :now - n * interval '1 minute', :owner
    FROM generate_series(1, :datasets) n, LATERAL (SELECT (ARRAY[{_KINDS}])[n % 4 + 1] AS kind) k""",
    """INSERT INTO keychain (manifest_hash, secret_id, wrapped_key, master_key_id)
    SELECT manifest_hash, manifest_hash, 'wrapped', 'master' FROM datasets""",
    "INSERT INTO key_access SELECT manifest_hash, :owner, 'Owner' FROM datasets",
    """INSERT INTO labs (id, partition_key, name, definition, created_at, created_by)
    SELECT lpad(n::text, 36, '0'), 'lab-' || n || '~0000', 'Lab ' || n, CAST(:definition AS jsonb),
        :now - n * interval '1 hour', :owner
    FROM generate_series(1, :labs) n""",
    "INSERT INTO lab_owners (lab_id, user_id) SELECT id, :owner FROM labs",
    f"""INSERT INTO provisioning_events (lab_id, kind, manifest_hash, actor, cause, at)
    SELECT id, (ARRAY[{_KINDS}])[slot], {_HASH.format("((row_number() OVER () - 1) % :datasets + 1)::int")}, :owner,
        'filled', created_at
    FROM labs, generate_series(1, 2) slot""",
    """INSERT INTO provisionings (lab_id, kind, manifest_hash, sequence)
    SELECT lab_id, kind, manifest_hash, sequence FROM provisioning_events""",
    """INSERT INTO runs (run_id, lab_id, datasets, sequence, cause, state, started_at, ended_at)
    SELECT 'run-' || lab_id || '-' || n, lab_id, jsonb_object_agg(kind, manifest_hash), max(sequence), 'filled',
        'FINISHED', max(at), max(at)
    FROM provisioning_events, generate_series(1, :runs) n
    WHERE lab_id::numeric % 3 > 0 GROUP BY lab_id, n ORDER BY n""",
    """INSERT INTO results (run_id, lab_id, datasets, status, paths, summary, names_checked)
    SELECT run_id, lab_id, datasets, CASE lab_id::numeric % 3 WHEN 1 THEN 'SUCCESS' ELSE 'FAILED' END,
        CAST(:paths AS jsonb), '{"identifiers.valid_rows": 10}', true
    FROM runs ORDER BY number""",
)


def fill(
    engine: Engine, definition: LabDefinition, *, owner: str, datasets: int, labs: int, runs: int = 3, files: str = "{}"
) -> None:
    """Fill an empty registry: every lab has two datasets; a third is Ready, a third Failed, a third never validated.

    Args:
        engine: of its database.
        definition: of every lab; it needs identifiers and segments and nothing else.
        owner: of everything.
        datasets: how many.
        labs: how many.
        runs: of each validated lab.
        files: the paths of every result, as JSON.
    """
    values = {
        "now": datetime.now(UTC),
        "owner": owner,
        "datasets": datasets,
        "labs": labs,
        "runs": runs,
        "definition": json.dumps(definition.model_dump(mode="json", by_alias=True)),
        "paths": files,
    }
    with engine.begin() as connection:
        connection.execute(text(f"SET LOCAL search_path = {SCHEMA}"))
        for statement in _STATEMENTS:
            named = {name: value for name, value in values.items() if f":{name}" in statement}
            connection.execute(text(statement), named)
        for table in ("datasets", "key_access", "labs", "provisionings", "runs", "results"):
            connection.execute(text(f"ANALYZE {table}"))
