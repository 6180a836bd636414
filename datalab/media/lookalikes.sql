-- name: ranking
-- The base users with a score, the best first; of equal ones the first by user id, which the keys follow.
SELECT s.key, CAST(ROW_NUMBER() OVER (ORDER BY s.score DESC, s.key) AS INT) AS place
FROM ({scores}) s JOIN room_users u ON s.key = u.key WHERE u.in_base
-- name: given_scores
SELECT u.key, g.score FROM given_scores g JOIN room_users u ON g.user_id = u.user_id
-- name: given_held_out
SELECT u.key, g.score FROM given_held_out h JOIN given_scores g ON h.user_id = g.user_id
LEFT JOIN room_users u ON h.user_id = u.user_id
-- name: curve
-- How many held-out users have each score, and how many of them are users of the source.
SELECT h.score, COUNT(*) AS users, COUNT(p.key) AS positives
FROM ({held_out}) h LEFT JOIN ({source}) p ON h.key = p.key GROUP BY h.score ORDER BY h.score DESC
-- name: first_of_ranking
SELECT r.key FROM {ranking} r WHERE r.place <= {n}
-- name: first_without_source
SELECT r.key FROM {ranking} r WHERE r.key NOT IN ({source}) ORDER BY r.place LIMIT {n}
-- name: training_counts
SELECT COUNT(*) AS users, COUNT(p.key) AS positives
FROM room_users u LEFT JOIN ({source}) p ON u.key = p.key WHERE u.in_base AND u.matchable
-- name: source_size
SELECT COUNT(*) AS n FROM room_users u JOIN ({source}) p ON u.key = p.key WHERE u.in_base
-- name: addressable
SELECT COUNT(DISTINCT i.id) AS n FROM {ids} i JOIN room_users u ON i.key = u.key WHERE u.in_base
-- name: reached
-- Each id counts from the first place of its users.
SELECT {columns} FROM (SELECT MIN(r.place) AS place FROM {ids} i JOIN {ranking} r ON i.key = r.key GROUP BY i.id) f
