-- name: two_segment_users
-- `all_users` and per matching id `m0`…: users with exactly two segments.
SELECT CAST(COALESCE(SUM(g.users), 0) AS BIGINT) AS all_users, {users_by_matching_id}
FROM (
  SELECT m.matchable, COUNT(*) AS users
  FROM (SELECT {matching_ids} AS matchable FROM users u WHERE u.segment_count = 2) m
  GROUP BY m.matchable
) g
