"""The vendor's enumerations and dictionaries of `decentriq_platform.types` that Data Labs use, without behaviour."""

# ruff: noqa: UP042 - as at the vendor's; a StrEnum would print its value
from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NotRequired, TypeAlias, TypedDict

if TYPE_CHECKING:
    from datalab_dagster.storage import Key

JSONType: TypeAlias = "dict[str, JSONType] | list[JSONType] | str | int | float | bool | None"


class IdType(str, Enum):
    """The type of an identifier; it decides which values are valid."""

    STRING = "STRING"
    EMAIL = "EMAIL"
    HASHED_EMAIL = "HASHED_EMAIL"
    PHONE_NUMBER = "PHONE_NUMBER"
    HASHED_PHONE_NUMBER = "HASHED_PHONE_NUMBER"
    MAID = "MAID"
    HASHED_MAID = "HASHED_MAID"
    UTIQ_MARTECH = "UTIQ_MARTECH"
    UTIQ_ADTECH = "UTIQ_ADTECH"
    FIRST_ID = "FIRST_ID"
    ID5 = "ID5"
    NET_ID = "NET_ID"
    ONE_ID = "ONE_ID"
    IPV4_ADDRESS = "IPV4_ADDRESS"


class MatchingId(str, Enum):
    """The type of the one matching id of a lab without an identifiers config (deprecated by the vendor)."""

    STRING = "STRING"
    EMAIL = "EMAIL"
    HASHED_EMAIL = "HASHED_EMAIL"
    PHONE_NUMBER = "PHONE_NUMBER"
    HASHED_PHONE_NUMBER = "HASHED_PHONE_NUMBER"


class MatchingIdFormat(str, Enum):
    """The type of a matching id, in the spelling of the vendor's first labs."""

    STRING = "STRING"
    EMAIL = "EMAIL"
    HASH_SHA256_HEX = "HASH_SHA256_HEX"
    PHONE_NUMBER_E164 = "PHONE_NUMBER_E164"


class CollaborationType(str, Enum):
    """The uses of a lab in Media DCRs; OVERLAP is always on. In JSON, a type has the name of its member."""

    INSIGHTS = "ENABLE_INSIGHTS"
    LOOKALIKE = "ENABLE_LOOKALIKE_AUDIENCES"
    OVERLAP = "ENABLE_OVERLAP"
    REMARKETING = "ENABLE_REMARKETING"
    EXCLUSION_TARGETING = "ENABLE_EXCLUSION_TARGETING"
    RULE_BASED = "ENABLE_RULED_BASED_AUDIENCES"


class Permission(str, Enum):
    """What a participant of a Media DCR may do."""

    VIEW_OVERLAP = "VIEW_OVERLAP"
    VIEW_INSIGHTS = "VIEW_INSIGHTS"
    PROVIDE_SEED_AUDIENCE = "PROVIDE_SEED_AUDIENCE"
    PROVIDE_BASE_AUDIENCE = "PROVIDE_BASE_AUDIENCE"
    CREATE_CUSTOM_AUDIENCE = "CREATE_CUSTOM_AUDIENCE"
    EXPORT_AUDIENCE = "EXPORT_AUDIENCE"
    MODEL_QUALITY = "MODEL_QUALITY"
    MANAGE_USERS = "MANAGE_USERS"


class DataLabDatasetType(Enum):
    """One of the four datasets of a lab; MATCH is the identifiers."""

    EMBEDDINGS = 1
    DEMOGRAPHICS = 2
    MATCH = 3
    SEGMENTS = 4


class DataLabListFilter(Enum):
    """Which labs `Client.list_data_labs` returns."""

    VALIDATED = 1
    UNVALIDATED = 2


class DatasetUsage(str, Enum):
    """The purpose of a dataset."""

    PUBLISHED = "PUBLISHED"
    TEST = "TEST"


class TestDataset(TypedDict):
    """A dataset for a dry run."""

    manifest_hash: str
    key: Key


class DryRunOptions(TypedDict):
    """The datasets that a dry run reads instead of those provisioned."""

    test_datasets: dict[str, TestDataset]


class DatasetDescription(TypedDict):
    """An uploaded dataset; `id` is its manifest hash."""

    id: str
    manifestHash: str
    name: str
    description: str
    createdAt: str
    size: int
    usage: DatasetUsage
    encryptionKeySecretId: str | None
    metadataSecretId: str | None
    statistics: NotRequired[str | None]


class Dataset(TypedDict):
    """A dataset in a slot of a lab."""

    id: str
    manifestHash: str
    name: str


class DataLabDataset(TypedDict):
    """A slot of a lab and its dataset."""

    name: str
    dataset: Dataset | None


class DataLabDefinition(TypedDict):
    """A lab in the shape of the vendor's first labs, as `Client.get_data_lab` returns it."""

    id: str
    name: str
    datasets: list[DataLabDataset]
    usersDataset: Dataset | None
    segmentsDataset: Dataset | None
    demographicsDataset: Dataset | None
    embeddingsDataset: Dataset | None
    statistics: str | None
    requireSegmentsDataset: bool
    requireDemographicsDataset: bool
    requireEmbeddingsDataset: bool
    isValidated: bool
    numEmbeddings: int
    matchingIdFormat: MatchingIdFormat | None
    validationComputeJobId: str | None
    statisticsComputeJobId: str | None
    highLevelRepresentationAsString: str
    createdAt: str
    updatedAt: str
    dropInvalidRows: bool
    forceSparkValidation: bool
