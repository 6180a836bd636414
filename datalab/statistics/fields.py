"""The names of a report's numbers for people."""

FIELDS = {
    "total_rows": "Rows",
    "valid_rows": "Valid rows",
    "invalid_rows": "Invalid rows",
    "distinct_user_ids": "Distinct userIds",
    "distinct_id_names": "Id names in use",
    "distinct_ids": "Distinct ids",
    "distinct_segments": "Distinct segments",
    "distinct_ages": "Distinct ages",
    "distinct_genders": "Distinct genders",
    "distinct_scopes": "Distinct scopes",
    "matchable_users": "Matchable users",
    "matchable_users_with_embeddings": "Matchable users with embedding",
    "reachable_activation_ids": "Reachable activation ids",
}
"""Key in the report → name."""
