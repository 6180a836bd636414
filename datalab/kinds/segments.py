"""Segments: which audiences users belong to."""

from datalab.kinds.base import USER_ID, Column, Fault, Kind, SampleRows, VendorNames

_INTERESTS = """News & Politics|Sports|Football|Travel|Food & Drink|Movies|Music|Technology|Automotive|Health|Weather
Personal Finance|Family|Home & Garden|Fashion|Video Games|Shopping|Recipes|Fitness|Pets|Real Estate|Careers
Education|Science|Beauty|Television|Celebrities|Local News|Economy|Stock Market|Insurance|Winter Sports
Formula 1|Tennis|Cycling|Running|Hiking|City Trips|Beach Holidays|Camping|Electric Vehicles|Used Cars
Smartphones|Photography|Streaming|Books|Podcasts|Theatre|Museums|Parenting|Weddings|Gardening|DIY
Interior Design|Vegan Cooking|Wine|Coffee|Luxury Watches|Sailing|Horse Riding""".replace("\n", "|").split("|")
"""Interests similar to those of the IAB content taxonomy, the most popular first."""

KIND = Kind(
    name="segments",
    title="Segments",
    content="Which segments every user is in",
    purpose="Which audiences users belong to.",
    one_row_per="segment of a user",
    one="a segment",
    columns=(
        USER_ID,
        Column(
            "segment",
            "A segment that the user is in",
            "sport",
            is_name=True,
            sample=tuple((interest, 1 / (rank + 1) ** 0.8) for rank, interest in enumerate(_INTERESTS)),
        ),
    ),
    key=("user_id", "segment"),
    in_new_labs=True,
    fails_empty=True,
    rows_per_user="segment_count",
    headline="distinct_segments",
    vendor=VendorNames(
        dataset_type="SEGMENTS",
        leaf="segments",
        slot="segmentsDataset",
        policy="segmentsPolicyId",
        report_action="getSegmentsValidationReport",
    ),
    sample=SampleRows(
        per_user=5,
        spread=1.0,
        stride=0.414,
        shift=0.03,
        faults={Fault.DUPLICATE: 4, Fault.MISSING: 3, Fault.TOO_NARROW: 2, Fault.TOO_WIDE: 1},
    ),
)
