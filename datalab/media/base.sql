-- name: room_users
-- The users that an audience can hold, each once. `key` follows the user ids in order of code points: no two users share one.
SELECT CAST(ROW_NUMBER() OVER (ORDER BY COALESCE(i.user_id, b.user_id)) AS INT) AS key,
  COALESCE(i.user_id, b.user_id) AS user_id, i.user_id IS NOT NULL AS has_ids,
  b.user_id IS NOT NULL AS in_base, COALESCE(i.matchable, FALSE) AS matchable
FROM (SELECT r.user_id, {matchable} AS matchable FROM {ids} r GROUP BY r.user_id) i
FULL OUTER JOIN (SELECT DISTINCT r.user_id FROM {base} r) b ON i.user_id = b.user_id
-- name: user_ids
-- The identifier `userId` of a user is the user id, whatever the rows say.
SELECT u.key, u.user_id AS id FROM room_users u WHERE u.has_ids
-- name: named_ids
SELECT u.key, r.id FROM {ids} r JOIN room_users u ON r.user_id = u.user_id WHERE r.id_name = ?
-- name: base_counts
SELECT COUNT(*) AS users, CAST(COALESCE(SUM(CASE WHEN u.matchable THEN 1 ELSE 0 END), 0) AS BIGINT) AS matchable
FROM room_users u WHERE u.in_base
-- name: distinct_values
SELECT DISTINCT r.{column} AS name FROM {dataset} r WHERE r.{column} IS NOT NULL
-- name: user_values
-- Each value of a user once; a blank one has a negative number.
SELECT u.key, n.value FROM {dataset} r JOIN {names} n ON r.{column} = n.name JOIN room_users u ON r.user_id = u.user_id
-- name: any_row
SELECT 1 AS found FROM {dataset} LIMIT 1
-- name: seed_types
SELECT DISTINCT {audience_type} AS name FROM seed r
-- name: seed_ids
SELECT t.t, r.matching_id AS id FROM seed r JOIN seed_types t ON {audience_type} = t.name
-- name: matched_users
-- The users of each audience type, once each, in the base or not.
SELECT DISTINCT s.t, m.key FROM seed_ids s JOIN matching_ids m ON s.id = m.id
