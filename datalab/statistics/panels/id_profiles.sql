-- Distinct ids are counted exactly without storing them: ids are grouped by a 64-bit hash, and only ids whose hash
-- occurs more than once are compared as text. The parts {names} and {users} are relations made of the lab's identifiers.

-- name: id_hashes
-- `k`, `row_count`, `h`, `hashes`: the number of hashes with that number of rows. Hashes with one row are counted in
-- one row per identifier, with a null `h`. Each other hash has its own row; its rows may belong to several identifiers:
-- grouping by the hash alone is faster, and rows of such hashes are compared as text.
SELECT g.k, g.row_count, CASE WHEN g.row_count > 1 THEN g.h END AS h, COUNT(*) AS hashes
FROM (
  SELECT MIN(n.k) AS k, xxhash64(i.id) AS h, COUNT(*) AS row_count
  FROM identifiers i JOIN ({names}) n ON i.id_name = n.id_name
  GROUP BY xxhash64(i.id)
) g
GROUP BY g.k, g.row_count, CASE WHEN g.row_count > 1 THEN g.h END

-- name: shared_ids
-- `k`, `id`, `user_id`: the rows of every id whose hash occurs more than once.
SELECT n.k, i.id, i.user_id
FROM identifiers i
JOIN ({names}) n ON i.id_name = n.id_name
JOIN id_hashes c ON c.h = xxhash64(i.id)
WHERE c.h IS NOT NULL

-- name: id_counts
-- `k`, `distinct_ids`, `pairs` (of id and user), `shared_pairs` (those of ids with several users) and `max_users` (of
-- one id).
SELECT c.k, CAST(SUM(c.ids) AS BIGINT) AS distinct_ids, CAST(SUM(c.pairs) AS BIGINT) AS pairs,
  CAST(SUM(c.shared_pairs) AS BIGINT) AS shared_pairs, MAX(c.max_users) AS max_users
FROM (
  SELECT k, hashes AS ids, hashes AS pairs, 0 AS shared_pairs, CAST(1 AS BIGINT) AS max_users
  FROM id_hashes WHERE h IS NULL
  UNION ALL
  SELECT s.k, COUNT(*) AS ids, SUM(s.users) AS pairs, SUM(CASE WHEN s.users > 1 THEN s.users ELSE 0 END) AS shared_pairs,
    MAX(s.users) AS max_users
  FROM (SELECT k, id, COUNT(*) AS users FROM shared_ids GROUP BY k, id) s GROUP BY s.k
) c
GROUP BY c.k

-- name: without_own_id
-- `k` and the number of `users` who share each of their ids of that name with another user. Of all rows, only those of
-- users of shared ids are counted.
SELECT o.k, COUNT(*) AS users
FROM (
  SELECT s.k, s.user_id
  FROM (
    SELECT r.k, r.user_id, COUNT(*) AS ids
    FROM shared_ids r
    JOIN (SELECT k, id FROM shared_ids GROUP BY k, id HAVING COUNT(*) > 1) c ON r.k = c.k AND r.id = c.id
    WHERE r.k IN ({matching_ids})
    GROUP BY r.k, r.user_id
  ) s
  JOIN identifiers i ON i.user_id = s.user_id
  JOIN ({names}) n ON n.id_name = i.id_name AND n.k = s.k
  GROUP BY s.k, s.user_id, s.ids
  HAVING COUNT(*) = s.ids
) o
GROUP BY o.k

-- name: audience_rows
-- `audiences` and, per activation id, `ids_<k>`: the number of id rows of their users.
SELECT u.audiences, {totals}
FROM ({users}) u
GROUP BY u.audiences

-- name: audience_excess
-- `k` and, per audience `m0`…, the number of those rows that repeat an id of another user of the audience.
SELECT s.k, {excess}
FROM (
  SELECT g.k, g.id, {users_by_audience}
  FROM (
    SELECT c.k, c.id, u.audiences, COUNT(*) AS users
    FROM shared_ids c JOIN ({users}) u ON c.user_id = u.user_id
    WHERE c.k IN ({activation_ids})
    GROUP BY c.k, c.id, u.audiences
  ) g
  GROUP BY g.k, g.id
) s
GROUP BY s.k

-- name: audience_users
-- Users in identifiers with `audiences`: a bit per matching id, one for segments, one for embeddings.
SELECT {columns}, {audiences} AS audiences FROM users u WHERE u.in_identifiers
