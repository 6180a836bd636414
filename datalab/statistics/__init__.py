"""The numbers of a lab's statistics, its findings and its status, from its valid rows; engines execute the SQL."""

from datalab.statistics.compare import Change, Comparison, compare_statistics, headline_numbers
from datalab.statistics.datasets import Summaries, ValidatedDataset, ValidRows, register_valid_rows
from datalab.statistics.findings import Figures, Thresholds, data_errors, quality_warnings
from datalab.statistics.legacy import legacy_statistics
from datalab.statistics.matchable import matchable_users
from datalab.statistics.names import NamesUnknown, require_names_checked
from datalab.statistics.panel import Panel, PanelInputs
from datalab.statistics.panels import PANELS, VIEWS
from datalab.statistics.readiness import Readiness, TypeReadiness, readiness
from datalab.statistics.report import assemble_report, compute_statistics, panel_inputs
from datalab.statistics.status import validation_status
from datalab.statistics.tables import NumberTable, ReportNumbers
from datalab.statistics.users import UserGroups, create_users, user_groups, write_users
from datalab.statistics.view import View

__all__ = [
    "PANELS",
    "VIEWS",
    "Change",
    "Comparison",
    "Figures",
    "NamesUnknown",
    "NumberTable",
    "Panel",
    "PanelInputs",
    "Readiness",
    "ReportNumbers",
    "Summaries",
    "Thresholds",
    "TypeReadiness",
    "UserGroups",
    "ValidRows",
    "ValidatedDataset",
    "View",
    "assemble_report",
    "compare_statistics",
    "compute_statistics",
    "create_users",
    "data_errors",
    "headline_numbers",
    "legacy_statistics",
    "matchable_users",
    "panel_inputs",
    "quality_warnings",
    "readiness",
    "register_valid_rows",
    "require_names_checked",
    "user_groups",
    "validation_status",
    "write_users",
]
