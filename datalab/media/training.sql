-- name: candidates
-- The users that a model may learn from, in order of user id.
SELECT u.key, u.user_id FROM room_users u WHERE u.in_base AND u.matchable ORDER BY u.key
-- name: positives
SELECT p.key FROM ({source}) p ORDER BY p.key
-- name: base_users
SELECT u.key FROM room_users u WHERE u.in_base ORDER BY u.key
-- name: properties
-- A row per user and property: the columns of the sparse matrix.
SELECT f.key, f.property FROM ({properties}) f JOIN room_users u ON f.key = u.key
WHERE u.in_base ORDER BY f.key, f.property
-- name: properties_of
SELECT v.key, v.value + {offset} AS property FROM {values} v WHERE v.value > 0
-- name: scopes
SELECT DISTINCT e.scope FROM {embeddings} e
-- name: vectors
SELECT u.key, {columns} FROM {embeddings} e JOIN room_users u ON e.user_id = u.user_id WHERE e.scope = ? ORDER BY u.key
