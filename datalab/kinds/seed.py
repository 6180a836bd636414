"""The seed of a Media DCR: an advertiser's matching ids by audience. It is a dataset, but no lab has it.

`datalab.media.seed` validates it; the rules: docs/spec/media.md#14-the-seed-dataset.
"""

from dataclasses import replace

from datalab.kinds.base import Column, IdFormat, Kind, SampleRows

TWO_COLUMNS = Kind(
    name="seed",
    title="Seed audiences",
    content="Which matching ids every seed audience has",
    purpose="The advertiser's own users, by audience.",
    one_row_per="matching id of a seed audience",
    one="a seed audience",
    columns=(
        Column(
            "matching_id",
            "The id by which users are matched, in the format of the DCR's type",
            "9f86d0…",
            id_format=IdFormat.USER_ID,
        ),
        Column("audience_type", "The audience of the id; empty is an audience too", "shoes", nullable=True),
    ),
    key=("matching_id", "audience_type"),
    sample=SampleRows(per_user=1, faults={}),
)
ONE_COLUMN = replace(TWO_COLUMNS, columns=TWO_COLUMNS.columns[:1], key=("matching_id",))
"""A file whose first record has one column: all ids are of one audience."""
