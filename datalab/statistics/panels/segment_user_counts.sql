-- name: segment_user_counts
-- `segment`, `all_users` and per matching id `m0`…: users in the segment, sorted by name.
SELECT g.segment, CAST(SUM(g.users) AS BIGINT) AS all_users,
  {users_by_matching_id}
FROM (
  SELECT s.segment, m.matchable, COUNT(*) AS users
  FROM segments s
  JOIN (SELECT u.user_id, {matching_ids} AS matchable FROM users u WHERE u.in_segments) m
    ON s.user_id = m.user_id
  GROUP BY s.segment, m.matchable
) g
GROUP BY g.segment
ORDER BY g.segment NULLS LAST
