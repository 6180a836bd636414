-- name: demographic_user_counts
-- `age`, `gender`, `all_users` and per matching id `m0`…: users with that pair.
SELECT g.age, g.gender, CAST(SUM(g.all_users) AS BIGINT) AS all_users,
  {users_by_matching_id}
FROM (
  SELECT age, gender, {largest} AS matchable, COUNT(*) AS all_users, 0 AS users
  FROM demographics
  GROUP BY age, gender
  UNION ALL
  SELECT d.age, d.gender, m.matchable, 0 AS all_users, COUNT(*) AS users
  FROM demographics d JOIN ({others}) m ON d.user_id = m.user_id
  GROUP BY d.age, d.gender, m.matchable
) g
GROUP BY g.age, g.gender
ORDER BY g.age NULLS LAST, g.gender NULLS LAST
