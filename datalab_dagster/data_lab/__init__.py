"""Data Labs from Python, a drop-in for `decentriq_platform.data_lab`: only the names that scripts import."""

from datalab_dagster.archv2.compute_job import ComputeJob
from datalab_dagster.data_lab.api import (
    StatisticsResult,
    StatisticsResultUnion,
    StatisticsResultV2,
    ValidationReport,
    parse_statistics_result,
)
from datalab_dagster.data_lab.builder import DataLabBuilder
from datalab_dagster.data_lab.compute_job import (
    DataLabDemographicsValidationReportJob,
    DataLabEmbeddingsValidationReportJob,
    DataLabIdentifiersValidationReportJob,
    DataLabSegmentsValidationReportJob,
    DataLabStatisticsJob,
    DataLabValidationReportsJob,
    ValidationReportJob,
)
from datalab_dagster.data_lab.configs import IdentifiersConfig, IdType
from datalab_dagster.data_lab.data_lab import DataLab, DataLabConfig
from datalab_dagster.data_lab.data_lab_interface import DataLabInterface
from datalab_dagster.data_lab.local import Preflight, preflight
from datalab_dagster.data_lab.validation_reports import ValidationReports

__all__ = [
    "ComputeJob",
    "DataLab",
    "DataLabBuilder",
    "DataLabConfig",
    "DataLabDemographicsValidationReportJob",
    "DataLabEmbeddingsValidationReportJob",
    "DataLabIdentifiersValidationReportJob",
    "DataLabInterface",
    "DataLabSegmentsValidationReportJob",
    "DataLabStatisticsJob",
    "DataLabValidationReportsJob",
    "IdType",
    "IdentifiersConfig",
    "Preflight",
    "StatisticsResult",
    "StatisticsResultUnion",
    "StatisticsResultV2",
    "ValidationReport",
    "ValidationReportJob",
    "ValidationReports",
    "parse_statistics_result",
    "preflight",
]
