"""The table of the schedules of labs; `models` has those of labs and datasets, and what all share."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, false
from sqlalchemy.orm import Mapped, mapped_column

from datalab.registry.models import Base, LabRow, now


class ScheduleRow(Base):
    """When a lab is validated again, and what came of the last time that it was due; deleted with the lab."""

    __tablename__ = "lab_schedules"

    lab_id: Mapped[str] = mapped_column(ForeignKey(LabRow.id), primary_key=True)
    cron: Mapped[str]
    timezone: Mapped[str]
    set_by: Mapped[str]
    set_at: Mapped[datetime] = now()
    next_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    """When it was due last; the following columns are about this time."""
    requested: Mapped[bool] = mapped_column(server_default=false())
    """Whether a run was requested that may not exist yet."""
    run_id: Mapped[str | None]
    outcome: Mapped[str] = mapped_column(server_default="")
    """Why no run was started."""
