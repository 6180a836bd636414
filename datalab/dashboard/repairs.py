"""Which steps of a repair correct the cause that a finding names; `datalab.ingest.repair` does them."""

from __future__ import annotations

from datalab.ingest.repair import StepName
from datalab.statistics.cause import ARRAYS, WIDE, Cause

STEPS = {
    WIDE: (StepName.WIDE,),
    ARRAYS: (StepName.ARRAYS,),
    "POSSIBLE_WRONG_SEPARATOR": (StepName.SEPARATOR,),
    "POSSIBLE_HEADER_ROW": (StepName.HEADER,),
    "REPEATED_HEADERS": (StepName.HEADER,),
    "SEPARATOR_LINE": (StepName.HEADER,),
    "FOOTER_ROW": (StepName.FOOTER,),
    "GUESSED_ENCODING": (StepName.ENCODING,),
    "UPPER_CASE_IDS": (StepName.LOWER_CASE,),
    "BLANKS_AROUND": (StepName.BLANKS,),
    "INVISIBLE_CHARACTERS": (StepName.BLANKS,),
    "DECIMAL_COMMAS": (StepName.DECIMALS,),
    "ARRAY_IN_CELL": (StepName.ARRAYS,),
    "COLUMNS_IN_OTHER_ORDER": (StepName.ORDER,),
    "PLAIN_VALUES": (StepName.HASH,),
}
"""Code → its steps. A code of which only some files can be repaired has none here."""


def steps_of(cause: Cause) -> tuple[StepName, ...]:
    """Return the steps that correct a cause; empty: no step does.

    >>> from datalab.kinds import MATCHING
    >>> from datalab.statistics.cause import Severity
    >>> steps_of(Cause("UPPER_CASE_IDS", Severity.WARNING, "identifiers", MATCHING))
    (<StepName.LOWER_CASE: 'lower-case'>,)
    """
    return STEPS.get(cause.code, ())
