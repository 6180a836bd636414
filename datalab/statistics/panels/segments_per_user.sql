-- name: segments_per_user
-- `segment_count`, `all_users` and per matching id `m0`…: users with that number of segments.
SELECT g.segment_count, CAST(SUM(g.users) AS BIGINT) AS all_users,
  {users_by_matching_id}
FROM (
  SELECT m.segment_count, m.matchable, COUNT(*) AS users
  FROM (
    SELECT u.segment_count, {matching_ids} AS matchable
    FROM users u WHERE u.in_identifiers OR u.in_segments
  ) m
  GROUP BY m.segment_count, m.matchable
) g
GROUP BY g.segment_count
ORDER BY g.segment_count NULLS LAST
