-- name: find
SELECT device, store, name, state, successor, reason, created_ms, changed_ms, evicted_ms,
       superseded
FROM roster WHERE device = ?1
-- name: list
SELECT device, store, name, state, successor, reason, created_ms, changed_ms, evicted_ms,
       superseded
FROM roster WHERE ?1 = '' OR store = ?1 ORDER BY device
-- name: unwelcome
SELECT device, store, name, state, successor, reason, created_ms, changed_ms, evicted_ms,
       superseded
FROM roster WHERE state IN ('revoked', 'replaced', 'retired') OR superseded = 1 ORDER BY device
-- name: add
INSERT INTO roster (device, store, name, state, reason, created_ms, changed_ms)
VALUES (?1, ?2, ?3, 'invited', '', ?4, ?4)
-- name: set_state
UPDATE roster SET state = ?2, reason = ?3, successor = coalesce(?4, successor), changed_ms = ?5,
       evicted_ms = NULL
WHERE device = ?1
-- name: evicted
UPDATE roster SET evicted_ms = ?2, superseded = ?4 WHERE device = ?1 AND changed_ms = ?3
-- name: supersede
UPDATE roster SET superseded = 1, evicted_ms = NULL WHERE device = ?1
-- name: invite
INSERT INTO invitation (token_hash, locator, device, bundle, seal, expires_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
-- name: withdraw
DELETE FROM invitation WHERE device = ?1 AND used_ms IS NULL
-- name: by_locator
SELECT device, expires_ms, used_ms, key_hash, certificate, bundle, seal
FROM invitation WHERE locator = ?1
-- name: by_token
SELECT device, expires_ms, used_ms, key_hash, certificate, bundle, seal
FROM invitation WHERE token_hash = ?1
-- name: use
UPDATE invitation SET used_ms = ?2, key_hash = ?3, certificate = ?4 WHERE token_hash = ?1
-- name: open_invitation
SELECT max(expires_ms) FROM invitation WHERE device = ?1 AND used_ms IS NULL
-- name: last_words
SELECT stream, through, (SELECT count(*) FROM parked
                         WHERE parked.log_no = stream_log.log_no AND parked.state = 'open'),
       (SELECT coalesce(sum(last - first + 1), 0) FROM held_range
        WHERE held_range.log_no = stream_log.log_no)
FROM stream_log WHERE device = ?1 ORDER BY log_no
-- name: told_waiting
SELECT state, last_seen_ms FROM device WHERE id = ?1
