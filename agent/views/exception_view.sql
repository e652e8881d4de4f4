-- name: store
INSERT INTO exception (id, subject, code, detail, owner, how, step, raised_ms, updated_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
ON CONFLICT (id) DO UPDATE
SET detail = ?4, owner = ?5, how = ?6, step = ?7, raised_ms = ?8, updated_ms = ?9

-- name: find
SELECT id, subject, code, detail, owner, how, step, raised_ms, updated_ms
FROM exception WHERE id = ?1

-- name: list
SELECT id, subject, code, detail, owner, how, step, raised_ms, updated_ms
FROM exception
WHERE (?1 < 0 AND step < 2 OR step = ?1) AND (raised_ms, id) > (?2, ?3)
ORDER BY raised_ms, id LIMIT ?4
