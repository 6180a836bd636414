-- name: base
SELECT u.key FROM room_users u WHERE u.in_base
-- name: seed
SELECT m.key FROM matched_users m WHERE m.t = {t}
-- name: exclusion
SELECT u.key FROM room_users u WHERE u.in_base AND u.key NOT IN ({seed})
-- name: has_any
SELECT DISTINCT v.key FROM {values} v JOIN wanted w ON v.value = w.value
-- name: has_all
SELECT v.key FROM {values} v JOIN wanted w ON v.value = w.value GROUP BY v.key HAVING COUNT(*) = {wanted}
-- name: has_some
SELECT DISTINCT v.key FROM {values} v WHERE v.value > 0
-- name: filtered
SELECT s.key FROM ({source}) s WHERE {condition}
