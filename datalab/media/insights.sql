-- name: profiles
-- A row per base user; no age or gender, or a blank one, is N/A.
SELECT u.key, u.matchable, COALESCE(a.name, 'N/A') AS age, COALESCE(g.name, 'N/A') AS gender
FROM room_users u LEFT JOIN {demographics} d ON u.user_id = d.user_id
LEFT JOIN (SELECT n.name FROM age_names n WHERE n.value > 0) a ON d.age = a.name
LEFT JOIN (SELECT n.name FROM gender_names n WHERE n.value > 0) g ON d.gender = g.name
WHERE u.in_base
-- name: possible_values
SELECT DISTINCT p.{column} AS name FROM profiles p
-- name: possible_interests
SELECT DISTINCT s.value AS name FROM segments_values s JOIN profiles p ON s.key = p.key
-- name: with_interests
-- A user contributes each segment once, so rows are users of a cell.
SELECT p.key, p.matchable, p.age, p.gender, s.value AS interest FROM profiles p JOIN segments_values s ON s.key = p.key
-- name: cells
SELECT {columns}, COUNT(*) AS everyone, CAST(SUM(CASE WHEN p.matchable THEN 1 ELSE 0 END) AS BIGINT) AS matchable
FROM ({people}) p GROUP BY {columns}
-- name: cells_of_type
-- The cells that matched users of an audience type are in.
SELECT {of_cells}, c.everyone, c.matchable, t.matched
FROM (SELECT {columns}, COUNT(*) AS matched FROM ({people}) p JOIN matched_users m ON p.key = m.key WHERE m.t = ?
  GROUP BY {columns}) t
JOIN cells c ON {same_cell}
