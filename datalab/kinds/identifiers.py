"""Identifiers: the ids of every user. Users are matched by them, so every lab has this dataset."""

from dataclasses import replace

from datalab.kinds.base import (
    USER_ID,
    Column,
    Fault,
    IdFormat,
    Kind,
    ReportForm,
    SampleRows,
    VendorNames,
)

KIND = Kind(
    name="identifiers",
    title="Identifiers",
    content="Which ids every user has",
    purpose="Which ids the lab holds, and how far they reach.",
    one_row_per="id of a user; simpler forms with one or two columns exist",
    one="an identifier",
    columns=(
        replace(USER_ID, id_format=IdFormat.USER_ID),
        Column(
            "id_name",
            "The name of the identifier, as configured",
            "hashed_email",
            # A name is listed once for each id of that name that a user can have.
            sample=(
                ("hashed_email", 1.0),
                ("maid", 0.6),
                ("hashed_phone", 0.3),
                ("maid", 0.2),
                ("hashed_email", 0.12),
                ("userId", 0.08),
                ("maid", 0.06),
            ),
        ),
        Column("id", "The id itself, in the format of its type", "9f86d0…", id_format=IdFormat.NAMED_ID),
    ),
    key=("user_id", "id_name", "id"),
    file_forms={1: ("user_id",), 2: ("user_id", "id"), 3: ("user_id", "id_name", "id")},
    width="num_identifiers_columns",
    report_form=ReportForm.IDS,
    is_matching=True,
    fails_empty=True,
    vendor=VendorNames(
        dataset_type="MATCH",
        leaf="matching",
        slot="usersDataset",
        policy="identifiersPolicyId",
        report_action="getIdentifiersValidationReport",
    ),
    sample=SampleRows(
        per_user=2.5,
        spread=0.5,
        stride=0.618,
        faults={
            Fault.MALFORMED_ID: 5,
            Fault.DUPLICATE: 2,
            Fault.MISSING: 2,
            Fault.TOO_NARROW: 1,
            Fault.TOO_WIDE: 1,
            Fault.UNKNOWN_NAME: 1,
        },
    ),
)
