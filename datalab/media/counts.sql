-- name: seed_sizes
SELECT s.t, COUNT(*) AS n FROM seed_ids s GROUP BY s.t
-- name: found_ids
SELECT s.t, COUNT(*) AS n FROM seed_ids s WHERE s.id IN (SELECT m.id FROM matching_ids m) GROUP BY s.t
-- name: ids_of_types
SELECT m.t, COUNT(DISTINCT i.id) AS n FROM matched_users m JOIN {ids} i ON m.key = i.key GROUP BY m.t
-- name: users_of_types
SELECT m.t, COUNT(*) AS n FROM matched_users m GROUP BY m.t
-- name: base_users_of_types
SELECT m.t, COUNT(*) AS n FROM matched_users m JOIN room_users u ON m.key = u.key WHERE u.in_base GROUP BY m.t
-- name: users
SELECT COUNT(*) AS n FROM ({members}) s
-- name: ids
SELECT COUNT(DISTINCT i.id) AS n FROM ({members}) s JOIN {ids} i ON s.key = i.key
-- name: user_list
SELECT DISTINCT i.id FROM ({members}) s JOIN {ids} i ON s.key = i.key ORDER BY i.id
