-- name: segment_user_counts
-- `segment`, `all_users` and per matching id `m0`…: users in the segment, sorted by name.
SELECT g.segment, CAST(SUM(g.all_users) AS BIGINT) AS all_users,
  {users_by_matching_id}
FROM (
  SELECT segment, {largest} AS matchable, COUNT(*) AS all_users, 0 AS users
  FROM segments
  GROUP BY segment
  UNION ALL
  SELECT s.segment, m.matchable, 0 AS all_users, COUNT(*) AS users
  FROM segments s JOIN ({others}) m ON s.user_id = m.user_id
  GROUP BY s.segment, m.matchable
) g
GROUP BY g.segment
ORDER BY g.segment NULLS LAST
