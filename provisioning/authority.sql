-- name: issue
INSERT INTO issued(serial, name, purpose, issued_ms, not_after_ms) VALUES (?1, ?2, ?3, ?4, ?5);

-- name: revoke_name
UPDATE issued SET revoked_ms = ?2, reason = ?3
 WHERE name = ?1 AND revoked_ms IS NULL AND not_after_ms >= ?2;

-- name: revoked
SELECT serial, revoked_ms, reason FROM issued WHERE revoked_ms IS NOT NULL ORDER BY revoked_ms, serial;

-- name: number_list
INSERT INTO revocation_list(this_update_ms, next_update_ms)
SELECT min(?1, max(?1 - ?3, coalesce(
           (SELECT this_update_ms + 1000 FROM revocation_list ORDER BY number DESC LIMIT 1), 0))), ?2
RETURNING number, this_update_ms;

-- name: list
SELECT serial, name, purpose, issued_ms, not_after_ms, coalesce(revoked_ms, 0) FROM issued
 WHERE ?1 IS NULL OR name = ?1 ORDER BY rowid;
