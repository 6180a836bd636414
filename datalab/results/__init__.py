"""Models of everything that a lab returns: validation reports, statistics and status.

Import from the modules; `model_dump_json(by_alias=True)` of a model is the report, and nothing here computes anything.
"""
