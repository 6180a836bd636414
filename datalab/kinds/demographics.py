"""Demographics: age and gender of users."""

from datalab.kinds.base import USER_ID, Column, Fault, Kind, SampleRows, VendorNames

KIND = Kind(
    name="demographics",
    title="Demographics",
    content="Age and gender of every user",
    purpose="Age and gender of users.",
    one_row_per="user; age and gender may be empty",
    one="demographics",
    columns=(
        USER_ID,
        Column(
            "age",
            "Age or age range of the user; empty: unknown",
            "25-34",
            nullable=True,
            is_name=True,
            sample=(
                ("18-24", 0.11),
                ("25-34", 0.17),
                ("35-44", 0.19),
                ("45-54", 0.18),
                ("55-64", 0.16),
                ("65+", 0.14),
                ("", 0.05),
            ),
        ),
        Column(
            "gender",
            "Gender of the user; empty: unknown",
            "f",
            nullable=True,
            is_name=True,
            sample=(("f", 0.46), ("m", 0.44), ("d", 0.02), ("", 0.08)),
        ),
    ),
    key=("user_id",),
    vendor=VendorNames(
        dataset_type="DEMOGRAPHICS",
        leaf="demographics",
        slot="demographicsDataset",
        policy="demographicsPolicyId",
        report_action="getDemographicsValidationReport",
    ),
    sample=SampleRows(
        per_user=1,
        stride=0.732,
        shift=0.05,
        faults={Fault.DUPLICATE: 4, Fault.MISSING: 3, Fault.TOO_NARROW: 1, Fault.TOO_WIDE: 1},
    ),
)
