-- name: add
INSERT INTO command (command_id, device, name, arguments, holder, created_ms, expires_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
-- name: known
SELECT count(*) FROM device WHERE id = ?1 AND id <> 'centre'
-- name: due
SELECT command_id, device, name, arguments, holder, created_ms, expires_ms FROM command
WHERE outcome IS NULL AND (sent_ms IS NULL OR sent_ms < ?1) ORDER BY created_ms LIMIT ?2
-- name: sent
UPDATE command SET sent_ms = ?2 WHERE command_id = ?1
-- name: end
UPDATE command SET outcome = ?3, detail = ?4, result = ?5, ended_ms = ?6
WHERE command_id = ?1 AND device = ?2 AND outcome IS NULL
-- name: expire
UPDATE command SET outcome = 'expired', detail = 'nobody answered in time', ended_ms = ?1
WHERE outcome IS NULL AND expires_ms < ?1
-- name: waiting
SELECT count(*) FROM command WHERE outcome IS NULL
-- name: find
SELECT command_id, device, name, holder, created_ms, expires_ms, outcome, detail, result, ended_ms
FROM command WHERE command_id = ?1
-- name: of_device
SELECT command_id, device, name, holder, created_ms, expires_ms, outcome, detail, result, ended_ms
FROM command WHERE (?1 = '' OR device = ?1) ORDER BY created_ms DESC LIMIT ?2
