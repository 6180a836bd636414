-- name: demographic_user_counts
-- `age`, `gender`, `all_users` and per matching id `m0`…: users with that pair.
SELECT g.age, g.gender, CAST(SUM(g.users) AS BIGINT) AS all_users,
  {users_by_matching_id}
FROM (
  SELECT d.age, d.gender, m.matchable, COUNT(*) AS users
  FROM demographics d
  JOIN (SELECT u.user_id, {matching_ids} AS matchable FROM users u WHERE u.in_demographics) m
    ON d.user_id = m.user_id
  GROUP BY d.age, d.gender, m.matchable
) g
GROUP BY g.age, g.gender
ORDER BY g.age NULLS LAST, g.gender NULLS LAST
