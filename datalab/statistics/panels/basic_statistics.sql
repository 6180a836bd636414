-- name: unknown_names
-- `n` rows whose id_name is not configured.
SELECT COUNT(*) AS n FROM identifiers WHERE id_name NOT IN ({names})

-- name: mismatches
-- `n` explicit rows of the user id that name another id.
SELECT COUNT(*) AS n FROM identifiers WHERE id_name = ? AND id <> user_id

-- name: segment_names
-- `n` distinct segments; `long_names`, those of more code points than the bound number; `broken`, those that are like
-- one of the two bound patterns.
SELECT COUNT(*) AS n,
  CAST(COALESCE(SUM(CASE WHEN LENGTH(s.segment) > ? THEN 1 ELSE 0 END), 0) AS BIGINT) AS long_names,
  CAST(COALESCE(SUM(CASE WHEN s.segment LIKE ? OR s.segment LIKE ? THEN 1 ELSE 0 END), 0) AS BIGINT) AS broken
FROM (SELECT DISTINCT segment FROM segments) s

-- name: demographic_values
-- `ages` and `genders`: distinct values that are not empty; `broken`: pairs with a value like one of the bound patterns.
SELECT COUNT(DISTINCT NULLIF(d.age, '')) AS ages, COUNT(DISTINCT NULLIF(d.gender, '')) AS genders,
  CAST(COALESCE(SUM(CASE WHEN d.age LIKE ? OR d.age LIKE ? OR d.gender LIKE ? OR d.gender LIKE ? THEN 1 ELSE 0 END), 0)
    AS BIGINT) AS broken
FROM (SELECT DISTINCT age, gender FROM demographics) d

-- name: scopes
-- `n` distinct scopes.
SELECT COUNT(DISTINCT scope) AS n FROM embeddings

-- name: empty_embeddings
-- `n` embeddings without a value (NaN is stored as null). One conjunction of IS NULL: Parquet statistics answer it
-- without reading columns that hold no null.
SELECT COUNT(*) AS n FROM embeddings WHERE {all_null}
