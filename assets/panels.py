"""Layer 3: `users`, built once from the valid rows, and one asset per panel of the statistics page.

Metadata holds counts by configured names only: segment names, ages and genders are values of rows.
"""

from collections.abc import Callable
from dataclasses import dataclass

import dagster as dg
from pydantic import BaseModel

from assets.guard import guarded
from assets.partitions import OWNERS, data_labs
from assets.session import ID_PROFILES, Session
from assets.tables import numbers_of
from datalab import statistics
from datalab.engines import Engine
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from resources import FindingThresholds, LabWorkspace, SqlEngine

VALID_ROWS = [f"valid_{kind.value}" for kind in DatasetKind]


@dataclass(frozen=True)
class Panel:
    """One asset of this layer: what it computes, from what."""

    name: str
    question: str
    deps: tuple[str, ...]
    compute: Callable[[Session, statistics.Thresholds], BaseModel]


def _in_engine(compute: Callable[[Engine, LabDefinition], BaseModel]) -> Callable[..., BaseModel]:
    """Let `compute` work on the lab's valid rows and users."""

    def computed(session: Session, _: statistics.Thresholds) -> BaseModel:
        with session.engine() as engine:
            return compute(engine, session.lab)

    return computed


def _basic(session: Session, limits: statistics.Thresholds) -> BaseModel:
    with session.engine() as engine:
        return statistics.basic_statistics(
            engine,
            session.lab,
            session.summaries,
            session.profiles,
            max_segment_name_length=limits.max_segment_name_length,
        )


PANELS = (
    Panel(
        ID_PROFILES,
        "How many ids of each kind are there, and how many does each audience reach? Four panels are read from it.",
        ("users", "valid_identifiers"),
        _in_engine(statistics.id_profiles),
    ),
    Panel(
        "identifiers_overview",
        "Which ids are available? For each, how many distinct ids exist, and to how many users does each map?",
        (ID_PROFILES,),
        lambda session, _: statistics.identifiers_overview(session.lab, session.profiles),
    ),
    Panel(
        "basic_statistics",
        "What are the basic data quality statistics of every dataset?",
        ("users", ID_PROFILES, *VALID_ROWS),
        _basic,
    ),
    Panel(
        "remarketing_activation_potential",
        "When matching on a given matching id, how many distinct activation ids can be reached?",
        (ID_PROFILES,),
        lambda session, _: statistics.remarketing_activation_potential(session.lab, session.profiles),
    ),
    Panel(
        "segments_activation_potential",
        "For the users with at least one segment, how many activation ids can be reached?",
        (ID_PROFILES,),
        lambda session, _: statistics.segments_activation_potential(session.lab, session.profiles),
    ),
    Panel(
        "segment_user_counts",
        "How is segment membership distributed across all users and those who can be matched?",
        ("users", "valid_segments"),
        _in_engine(statistics.segment_user_counts),
    ),
    Panel(
        "segments_per_user",
        "How many segments does each user belong to?",
        ("users",),
        _in_engine(statistics.segments_per_user),
    ),
    Panel(
        "demographic_user_counts",
        "How do age and gender compare between all users and those who can be matched?",
        ("users", "valid_demographics"),
        _in_engine(statistics.demographic_user_counts),
    ),
    Panel(
        "embeddings_activation_potential",
        "For the users with an embedding, how many activation ids can be reached?",
        (ID_PROFILES,),
        lambda session, _: statistics.embeddings_activation_potential(session.lab, session.profiles),
    ),
    Panel(
        "matchable_embeddings_users",
        "How many matchable users have embeddings?",
        ("users",),
        _in_engine(statistics.matchable_embeddings_users),
    ),
)


@dg.asset(
    name="users",
    deps=VALID_ROWS,
    group_name="statistics",
    kinds={"duckdb", "parquet"},
    owners=OWNERS,
    description="One row per user: which identifiers he has, which datasets he is in, how many segments.",
    partitions_def=data_labs,
)
def users(context: dg.AssetExecutionContext, workspace: LabWorkspace, sql: SqlEngine) -> dg.MaterializeResult[None]:
    with guarded(workspace, context):
        session = Session(context.partition_key, workspace, sql)
        with session.engine(with_users=False) as engine:
            statistics.write_users(engine, session.lab, workspace.new_users(session.name))
        workspace.keep_users(session.name)
        with session.engine() as engine:
            groups = statistics.user_groups(engine, session.lab)
        return dg.MaterializeResult(metadata={"dagster/row_count": sum(group.users for group in groups)})


def panel_asset(panel: Panel) -> dg.AssetsDefinition:
    """Build the asset of one panel."""

    @dg.asset(
        name=panel.name,
        deps=panel.deps,
        group_name="statistics",
        kinds={"duckdb", "sql"} if "users" in panel.deps else {"json"},
        owners=OWNERS,
        description=panel.question,
        partitions_def=data_labs,
    )
    def computed(
        context: dg.AssetExecutionContext, workspace: LabWorkspace, sql: SqlEngine, thresholds: FindingThresholds
    ) -> dg.MaterializeResult[None]:
        with guarded(workspace, context):
            session = Session(context.partition_key, workspace, sql)
            value = panel.compute(session, thresholds.thresholds())
            session.store(panel.name, value)
            numbers = numbers_of(value)
            return dg.MaterializeResult(
                metadata={**numbers.plotted, "datalab/table": dg.MetadataValue.md(numbers.markdown)}
            )

    return computed


ASSETS = [users, *(panel_asset(panel) for panel in PANELS)]
