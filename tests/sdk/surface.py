"""What scripts written for the vendor's package rely on, member by member (its version 0.42.1); no test is here.

Signatures are written as in a `def`, without annotations. `ADDED` are our own additions: optional parameters only.
"""

from __future__ import annotations

import importlib
import inspect
from enum import Enum
from typing import Any

_LAB = "data_lab"
_JOBS = "data_lab.compute_job"
_LOCAL = (
    "self, key, matching_data_path, segments_data_path=None, demographics_data_path=None, "
    "embeddings_data_path=None, *, secret_store_options=None"
)

SIGNATURES = {
    "create_client": (
        "user_email, api_token, *, client_id=?, api_host='api.decentriq.com', api_port=443, api_use_tls=True, "
        "request_timeout=None, unsafe_disable_known_root_ca_check=False"
    ),
    f"{_LAB}.parse_statistics_result": "json_str",
    f"{_LAB}.check_data_lab_type.get_data_lab_type": "client, data_lab_id",
    # builder and configuration
    f"{_LAB}.DataLabBuilder.__init__": "self, client",
    f"{_LAB}.DataLabBuilder.with_name": "self, name",
    f"{_LAB}.DataLabBuilder.with_disable_drop_invalid_rows": "self",
    f"{_LAB}.DataLabBuilder.with_num_identifiers_columns": "self, num_identifiers_columns",
    f"{_LAB}.DataLabBuilder.with_identifiers_config": "self, identifiers_config",
    f"{_LAB}.DataLabBuilder.with_matching_id_format": "self, matching_id",
    f"{_LAB}.DataLabBuilder.with_demographics": "self",
    f"{_LAB}.DataLabBuilder.with_embeddings": "self, num_embeddings",
    f"{_LAB}.DataLabBuilder.with_segments": "self",
    f"{_LAB}.DataLabBuilder.with_collaboration_types": "self, collaboration_types",
    f"{_LAB}.DataLabBuilder.from_existing": "self, data_lab_id",
    f"{_LAB}.DataLabBuilder.build": "self",
    f"{_LAB}.DataLabConfig.__init__": (
        "self, name, has_demographics, has_embeddings, num_embeddings, has_segments, num_identifiers_columns, "
        "identifiers_config=None, matching_id=None, collaboration_types=None, force_spark_validation=False, "
        "drop_invalid_rows=True, share_statistics=False"
    ),
    f"{_LAB}.IdentifiersConfig.__init__": "self, id_name, id_type, is_matching_id, is_activation_id",
    f"{_LAB}.IdentifiersConfig.to_dict": "self",
    f"{_LAB}.data_lab.ExistingDataLab.__init__": "self, id, policy_ids",
    # the lab
    f"{_LAB}.DataLab.__init__": "self, client, cfg, existing_data_lab=None",
    f"{_LAB}.DataLab.provision_local_datasets": _LOCAL,
    f"{_LAB}.DataLab.provision_dataset": "self, manifest_hash, key, dataset_type",
    f"{_LAB}.DataLab.deprovision_dataset": "self, dataset_type",
    f"{_LAB}.DataLab.run": "self",
    f"{_LAB}.DataLab.get_validation_report": "self, timeout=None",
    f"{_LAB}.DataLab.get_statistics_report": "self, timeout=None",
    f"{_LAB}.DataLab.get_validation_status": "self, timeout=None",
    f"{_LAB}.DataLab.get_enhanced_validation_status": "self, timeout=None",
    f"{_LAB}.DataLab.is_validation_passed": "self, validation_report",
    f"{_LAB}.DataLab.is_statistics_shared_with_dq": "self",
    f"{_LAB}.DataLab.get": "self",
    f"{_LAB}.DataLab.is_data_lab_validated": "client_v2, data_lab_id, verification_key",
    f"{_LAB}.DataLabInterface.provision_local_datasets": _LOCAL,
    f"{_LAB}.DataLabInterface.provision_dataset": "self, manifest_hash, key, dataset_type",
    f"{_LAB}.DataLabInterface.deprovision_dataset": "self, dataset_type",
    f"{_LAB}.DataLabInterface.run": "self, /, *, dry_run=None, parameters=None",
    f"{_LAB}.DataLabInterface.get_validation_report": "self, timeout=None",
    f"{_LAB}.DataLabInterface.get_statistics_report": "self, timeout=None",
    f"{_LAB}.DataLabInterface.is_validation_passed": "self, validation_report",
    # jobs
    f"{_LAB}.ComputeJob.__init__": "self, dcr_id, action, result_zip_file_name, client, as_decentriq_admin=False",
    f"{_LAB}.ComputeJob.run": "self",
    f"{_LAB}.ComputeJob.wait_for_completion": "self, timeout=None, sleep_interval=1",
    f"{_LAB}.ComputeJob.is_complete": "self",
    f"{_LAB}.ComputeJob.result": "self",
    f"{_LAB}.ComputeJob.get_result_as_zipfile": "self",
    f"{_LAB}.ComputeJob.get_result": "self",
    f"{_LAB}.ComputeJob.download_result": "self, task_result_hash",
    f"{_LAB}.ValidationReports.__init__": "self, identifiers, segments=None, demographics=None, embeddings=None",
    f"{_LAB}.ValidationReports.model_dump_json": "self",
    f"{_LAB}.ValidationReports.is_passed": "self",
    f"{_JOBS}.DataLabStatisticsJob.__init__": "self, data_lab_id, client",
    f"{_JOBS}.DataLabStatisticsJob.result": "self",
    f"{_JOBS}.DataLabValidationStatusJob.__init__": "self, data_lab_id, client",
    f"{_JOBS}.DataLabValidationStatusJob.result": "self",
    f"{_JOBS}.DataLabEnhancedValidationStatusJob.__init__": "self, data_lab_id, client",
    f"{_JOBS}.DataLabEnhancedValidationStatusJob.result": "self",
    f"{_JOBS}.ValidationReportJob.__init__": "self, data_lab_id, action, client",
    f"{_JOBS}.ValidationReportJob.get_validation_report": "self",
    f"{_JOBS}.DataLabIdentifiersValidationReportJob.__init__": "self, data_lab_id, client",
    f"{_JOBS}.DataLabIdentifiersValidationReportJob.result": "self",
    f"{_JOBS}.DataLabSegmentsValidationReportJob.__init__": "self, data_lab_id, client",
    f"{_JOBS}.DataLabSegmentsValidationReportJob.result": "self",
    f"{_JOBS}.DataLabDemographicsValidationReportJob.__init__": "self, data_lab_id, client",
    f"{_JOBS}.DataLabDemographicsValidationReportJob.result": "self",
    f"{_JOBS}.DataLabEmbeddingsValidationReportJob.__init__": "self, data_lab_id, client",
    f"{_JOBS}.DataLabEmbeddingsValidationReportJob.result": "self",
    f"{_JOBS}.DataLabValidationReportsJob.__init__": (
        "self, data_lab_id, client, has_segments=True, has_demographics=False, has_embeddings=False"
    ),
    f"{_JOBS}.DataLabValidationReportsJob.run": "self",
    f"{_JOBS}.DataLabValidationReportsJob.wait_for_completion": "self, timeout=None, sleep_interval=1",
    f"{_JOBS}.DataLabValidationReportsJob.is_complete": "self",
    f"{_JOBS}.DataLabValidationReportsJob.result": "self",
    # client, keys
    "storage.Key.__init__": "self, material=None",
    "client.SecretStoreOptions.__init__": (
        "self, *, store_encryption_key=True, encryption_key_acl=None, encryption_key_acl_version=0"
    ),
    "client.SecretStoreOptions.validate_users": "self, client_user, organization_user",
    "client.Client.create_session_v2": "self",
    "client.Client.notify_participants": "self, dcr_id, description=None, enclave_specs=None",
    "client.Client.upload_dataset": (
        "self, data, key, file_name, /, *, description='', chunk_size=8388608, parallel_uploads=8, usage=PUBLISHED, "
        "secret_store_options=None, is_accessory=False"
    ),
    "client.Client.download_dataset": "self, manifest_hash, key",
    "client.Client.get_dataset": "self, manifest_hash",
    "client.Client.get_available_datasets": "self",
    "client.Client.get_dataset_key": "self, manifest_hash",
    "client.Client.get_dataset_encryption_key_secret_id": "self, manifest_hash",
    "client.Client.delete_dataset": "self, manifest_hash, force=False",
    "client.Client.list_data_labs": "self, filter=None",
    "client.Client.list_data_labs_v2": "self",
    "client.Client.get_data_lab": "self, id",
    # the lower level
    "archv2.client.ClientV2.create_data_lab": "self, create_data_lab, verification_key",
    "archv2.client.ClientV2.get_data_lab": "self, data_lab_id, verification_key",
    "archv2.client.ClientV2.get_data_labs": "self, user_id, verification_key",
    "archv2.client.ClientV2.delete_data_lab": "self, data_lab_id",
    "archv2.client.ClientV2.check_data_labs_compatibility": "self, data_room_id, data_lab_ids",
    "archv2.client.ClientV2.get_data_room_actions": "self, data_room_id",
    "archv2.client.ClientV2.get_data_room_policies": "self, data_room_id, policy_ids",
    "archv2.client.ClientV2.create_job": (
        "self, data_room_id, data_room_compute_action, freshness_token=None, mode=None"
    ),
    "archv2.client.ClientV2.get_job": "self, job_id",
    "archv2.client.ClientV2.get_job_status": "self, job_id",
    "archv2.client.ClientV2.get_job_tasks": "self, job_id",
    "archv2.session.SessionV2.send_get_verification_key_request": "self",
    "archv2.session.SessionV2.create_policy": "self, policy",
    "archv2.session.SessionV2.send_data_room_state_action_request": "self, data_room_id, action",
    "archv2.session.SessionV2.get_secret": "self, secret_id",
    "archv2.session.SessionV2.update_secret_acl": "self, secret_id, new_acl, expected_cas_index",
}

ADDED = {
    # The project decided that the lab itself takes what its interface takes.
    f"{_LAB}.DataLab.run": "self, /, *, dry_run=None, parameters=None, again=False",
    # There is no verification key, so it may be left out.
    "archv2.client.ClientV2.create_data_lab": "self, create_data_lab, verification_key=b''",
    "archv2.client.ClientV2.get_data_lab": "self, data_lab_id, verification_key=b''",
    "archv2.client.ClientV2.get_data_labs": "self, user_id, verification_key=b''",
    "archv2.session.SessionV2.update_secret_acl": "self, secret_id, new_acl, expected_cas_index=0",
}

NAMES = {
    "": [
        "Client", "DataLabBuilder", "Key", "Permission", "Secret", "SecretStoreOptions", "SessionV2", "analytics",
        "authentication", "create_client", "data_connectors", "data_lab", "legacy", "media", "storage", "types",
    ],
    "data_lab": [
        "ComputeJob", "DataLab", "DataLabBuilder", "DataLabConfig", "DataLabDemographicsValidationReportJob",
        "DataLabEmbeddingsValidationReportJob", "DataLabIdentifiersValidationReportJob", "DataLabInterface",
        "DataLabSegmentsValidationReportJob", "DataLabStatisticsJob", "DataLabValidationReportsJob", "IdType",
        "IdentifiersConfig", "StatisticsResult", "StatisticsResultUnion", "StatisticsResultV2", "ValidationReport",
        "ValidationReportJob", "ValidationReports", "parse_statistics_result",
    ],
    "data_lab.data_lab": ["DataLab", "DataLabConfig", "ExistingDataLab"],
    "data_lab.compute_job": ["DataLabValidationStatusJob", "DataLabEnhancedValidationStatusJob"],
    "data_lab.check_data_lab_type": ["DataLabType", "get_data_lab_type"],
    "data_lab.configs": ["IdType", "IdentifiersConfig"],
    "data_lab.api": [
        "ActivationIdStats", "ActivationPotential", "BasicStatistics", "CellLocation", "CellValidationError",
        "CellValidationErrorCode", "ColumnStatistics", "DatasetBasicStatistics", "DatasetStatistics",
        "DemographicStatistics", "DemographicsBasicStatistics", "DistributionValue", "DropInvalidRows",
        "DuplicationValidationError", "DuplicationValidationErrorCode", "EmbeddingsBasicStatistics",
        "EmbeddingsStatistics", "IdentifierInfo", "IdentifiersBasicStatistics", "IdentifiersOverview",
        "IdentifiersValidationReport", "IdentifiersValidationReportV0", "MultiColumnLocation",
        "RemarketingActivationPotential", "SchemaValidationError", "SchemaValidationErrorCode", "SegmentStatistics",
        "SegmentUserCounts", "SegmentsBasicStatistics", "StatisticsFinding", "StatisticsResult",
        "StatisticsResultUnion", "StatisticsResultV2", "TableValidationError", "TableValidationErrorCode",
        "UniqueUsersCount", "ValidatedColumnV0", "ValidatedSchemaV0", "ValidatedTableV0", "ValidatedUniqueness",
        "ValidationOutcome", "ValidationReport", "ValidationReportV0", "parse_statistics_result",
    ],
    "types": ["DataLabDatasetType", "DataLabListFilter", "DatasetUsage", "DryRunOptions", "IdType", "MatchingId"],
    "media": ["CollaborationType", "IdType", "MatchingId"],
    "storage": ["Key"],
    "client": ["Client", "SecretStoreOptions", "create_client"],
    "archv2": ["ClientV2", "ComputeJob", "DataLabV2", "JobStatus", "Secret", "SessionV2"],
    "archv2.client": ["ClientV2", "DataLabV2", "JobStatus"],
    "archv2.compute_job": ["ComputeJob"],
    "api": ["ApiError", "AuthorizationError", "BadRequestError", "NotFoundError", "ServerError"],
    "legacy.data_lab": ["DataLab", "DataLabConfig", "DataLabDatasetType", "ExistingDataLab", "MatchingId"],
}  # fmt: skip

MEMBERS = {
    "types.IdType": dict.fromkeys(
        [
            "STRING", "EMAIL", "HASHED_EMAIL", "PHONE_NUMBER", "HASHED_PHONE_NUMBER", "MAID", "HASHED_MAID",
            "UTIQ_MARTECH", "UTIQ_ADTECH", "FIRST_ID", "ID5", "NET_ID", "ONE_ID", "IPV4_ADDRESS",
        ]
    ),
    "types.MatchingId": dict.fromkeys(["STRING", "EMAIL", "HASHED_EMAIL", "PHONE_NUMBER", "HASHED_PHONE_NUMBER"]),
    "types.DataLabDatasetType": {"EMBEDDINGS": 1, "DEMOGRAPHICS": 2, "MATCH": 3, "SEGMENTS": 4},
    "types.DataLabListFilter": {"VALIDATED": 1, "UNVALIDATED": 2},
    "types.DatasetUsage": dict.fromkeys(["PUBLISHED", "TEST"]),
    "media.CollaborationType": {
        "INSIGHTS": "ENABLE_INSIGHTS",
        "LOOKALIKE": "ENABLE_LOOKALIKE_AUDIENCES",
        "OVERLAP": "ENABLE_OVERLAP",
        "REMARKETING": "ENABLE_REMARKETING",
        "EXCLUSION_TARGETING": "ENABLE_EXCLUSION_TARGETING",
        "RULE_BASED": "ENABLE_RULED_BASED_AUDIENCES",
    },
    "archv2.client.JobStatus": {"RUNNING": "Running", "SUCCESS": "Success", "FAILED": "Failed"},
    "data_lab.check_data_lab_type.DataLabType": {"ARCHV2": "archv2", "LEGACY": "legacy"},
    "data_lab.api.ValidationOutcome": dict.fromkeys(["PASSED", "FAILED"]),
    "data_lab.api.SchemaValidationErrorCode": dict.fromkeys(
        [
            "INTERNAL_VALIDATION_ERROR", "DUPLICATE_VALUES", "NOT_ENOUGH_COLUMNS_PROVIDED",
            "TOO_MANY_COLUMNS_PROVIDED", "EMPTY_FILE", "INVALID_FILE_TYPE", "FILE_TYPE_DETECTION_FAILED",
            "NO_FILE_PROVIDED", "PARQUET_READ_ERROR", "GZIP_DECODE_ERROR", "ZIP_DECODE_ERROR",
        ]
    ),
}  # fmt: skip
"""Enumeration → member → value; None: the value is the member's name."""

TEXT_ENUMERATIONS = [
    "types.IdType", "types.MatchingId", "types.DatasetUsage", "media.CollaborationType", "archv2.client.JobStatus",
]  # fmt: skip
"""Those whose members are strings, and print as ``IdType.EMAIL``."""

REPORT_KEYS = {
    "ValidationReportV0": [
        "columns", "detectedFileType", "dropInvalidRows", "numInvalidRowsTotal", "numInvalidRowsByErrorCode",
        "numRowsTotal", "originalFileSizeBytes", "outcome", "schema", "table", "uniqueness",
    ],
    "IdentifiersValidationReportV0": [
        "outcome", "originalFileSizeBytes", "detectedFileType", "numRowsTotal", "config", "schema", "table",
        "numValidRows", "invalidRows", "uniqueness", "numInvalidRowsByErrorCode",
    ],
    "StatisticsResult": [
        "errors", "original_number_of_unique_users", "filtered_number_of_unique_users",
        "segments_per_user_distributions", "share_of_users_per_segment_distribution", "demographics_distributions",
    ],
    "StatisticsResultV2": [
        "identifiers_overview", "basic_statistics", "remarketing_activation_potential",
        "segments_activation_potential", "embeddings_activation_potential", "segment_statistics",
        "demographic_statistics", "embeddings_statistics", "status", "data_errors", "quality_warnings",
    ],
    "UniqueUsersCount": ["matching", "segments", "demographics", "embeddings", "all"],
    "IdentifierInfo": [
        "id_type", "is_matching_id", "is_activation_id", "distinct_ids", "avg_userids_per_id", "max_userids_per_id",
    ],
    "IdentifiersBasicStatistics": [
        "total_rows", "valid_rows", "invalid_rows", "invalid_rows_by_reason", "distinct_user_ids",
        "distinct_id_names", "distinct_ids",
    ],
}  # fmt: skip
"""Model → keys of its `model_dump()`, in order."""


def found(root: str, dotted: str) -> Any:
    """Return what is at a path below the package `root`, importing modules on the way."""
    here: Any = importlib.import_module(root)
    name = root
    for part in dotted.split("."):
        name = f"{name}.{part}"
        try:
            here = getattr(here, part)
        except AttributeError:
            here = importlib.import_module(name)
    return here


def spelled(function: Any) -> str:
    """Return a signature as in a `def`, without annotations."""
    empty = inspect.Parameter.empty
    shown = [
        one.replace(annotation=empty, default=empty if one.default is empty else _Spelled(one.default))
        for one in inspect.signature(function).parameters.values()
    ]
    return str(inspect.Signature(shown)).strip("()")


class _Spelled:
    def __init__(self, value: Any) -> None:
        self._text = value.name if isinstance(value, Enum) else repr(value)

    def __repr__(self) -> str:
        return self._text
