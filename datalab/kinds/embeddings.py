"""Embeddings: numeric profiles of users."""

from datalab.kinds.base import USER_ID, Column, Fault, Kind, NumberedColumns, SampleRows, VendorNames

KIND = Kind(
    name="embeddings",
    title="Embeddings",
    content="A vector per user and scope",
    purpose="Numeric profiles of users, for lookalike modelling.",
    one_row_per="user and scope",
    one="an embedding",
    columns=(
        USER_ID,
        Column(
            "scope",
            "What the embedding describes the user in",
            "news",
            sample=(("news", 1.0), ("sport", 0.6), ("video", 0.3), ("shop", 0.2), ("recipes", 0.1)),
        ),
    ),
    numbered=NumberedColumns(
        prefix="e",
        meaning="Value {} of the embedding; empty: unknown",
        example="0.25",
        what="embedding",
        count="num_embeddings",
    ),
    key=("user_id", "scope"),
    vendor=VendorNames(
        dataset_type="EMBEDDINGS",
        leaf="embeddings",
        slot="embeddingsDataset",
        policy="embeddingsPolicyId",
        report_action="getEmbeddingsValidationReport",
    ),
    sample=SampleRows(
        per_user=0.25,
        stride=0.236,
        faults={Fault.BAD_NUMBER: 4, Fault.MISSING: 2, Fault.DUPLICATE: 2, Fault.TOO_NARROW: 1, Fault.TOO_WIDE: 1},
    ),
)
