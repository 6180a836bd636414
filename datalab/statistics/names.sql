-- The part {names} is a relation of the distinct names of a dataset that are not empty.

-- name: common_users
-- `n`: 1 if a user of the dataset is in {ids}, else 0; the search ends with the first one.
SELECT COUNT(*) AS n FROM (SELECT u.user_id FROM users u WHERE u.in_{kind} AND u.in_{ids} LIMIT 1) c

-- name: number_of_broken
-- `n`: the number of names that hold a line break.
SELECT COUNT(*) AS n FROM ({names}) n WHERE n.name LIKE ? OR n.name LIKE ?

-- name: broken_names
-- `name`: the names that hold a line break; the parameters are its two patterns.
SELECT n.name FROM ({names}) n WHERE n.name LIKE ? OR n.name LIKE ?

-- name: ids_among_names
-- `n`: the names without a line break that are a user id of any dataset, or an id of {ids}.
SELECT COUNT(*) AS n FROM ({names}) n
WHERE n.name NOT LIKE ? AND n.name NOT LIKE ?
  AND n.name IN (SELECT u.user_id FROM users u UNION ALL SELECT i.id FROM {ids} i)

-- name: ids_among_listed
-- `name`: those of the listed names that are a user id of any dataset, or an id of {ids}.
SELECT n.name FROM listed_names n
WHERE n.name IN (SELECT u.user_id FROM users u UNION ALL SELECT i.id FROM {ids} i)

-- name: longest_user_id
-- `n`: the length of the longest user id.
SELECT COALESCE(MAX(LENGTH(u.user_id)), 0) AS n FROM users u

-- name: users_among_listed
-- `name`: those of the listed texts that are a user id of any dataset.
SELECT n.name FROM listed_names n WHERE n.name IN (SELECT u.user_id FROM users u)
