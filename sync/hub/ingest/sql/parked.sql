-- name: parked_insert
INSERT INTO parked (log_no, seq, event_no, claimed_id, code, detail, state, parked_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'open', ?7)

-- name: parked_of_log
SELECT claimed_id, seq, code, detail FROM parked WHERE log_no = ?1 AND state = 'open' AND seq < ?3
ORDER BY seq DESC LIMIT ?2

-- name: parked_of_log_count
SELECT count(*) FROM parked WHERE log_no = ?1 AND state = 'open'

-- name: exception_raise
INSERT INTO hub_exception (code, device, log_id, seq, detail, times, raised_ms, last_ms, team, due_ms)
VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?6, ?7, ?8)
ON CONFLICT (code, device, log_id, seq) DO UPDATE
SET times = hub_exception.times + 1, last_ms = excluded.last_ms,
    state = CASE hub_exception.state WHEN 'resolved' THEN 'open' ELSE hub_exception.state END,
    due_ms = CASE hub_exception.state WHEN 'resolved' THEN excluded.due_ms
             ELSE hub_exception.due_ms END,
    resolved_ms = NULL

-- name: parked_by_ledger
INSERT INTO parked (log_no, seq, event_no, claimed_id, code, detail, state, parked_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'open', ?7)
ON CONFLICT (event_no) DO UPDATE
SET code = excluded.code, detail = excluded.detail, state = 'open', parked_ms = excluded.parked_ms

-- name: token_insert
INSERT INTO access_token (name, role, hash, created_ms) VALUES (?1, ?2, ?3, ?4)

-- name: token_find
SELECT name, role FROM access_token WHERE hash = ?1 AND revoked_ms IS NULL

-- name: token_list
SELECT token_no, name, role, created_ms, revoked_ms FROM access_token ORDER BY token_no

-- name: token_revoke
UPDATE access_token SET revoked_ms = ?2 WHERE token_no = ?1 AND revoked_ms IS NULL

-- name: audit_insert
INSERT INTO audit (at_ms, actor, role, action, subject, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6)

-- name: parked_find
SELECT parked.parked_no, parked.event_no, parked.log_no, parked.state,
       EXISTS (SELECT 1 FROM ledger_event WHERE ledger_event.event_no = parked.event_no),
       stream_log.log_id, parked.seq, parked.claimed_id, parked.code, event.correlation,
       event.device, parked.decided
FROM parked JOIN stream_log USING (log_no) JOIN event USING (event_no)
WHERE parked_no = ?1 OR claimed_id = ?2 ORDER BY state = 'open' DESC, parked_no LIMIT 1

-- name: parked_at
SELECT parked_no FROM parked JOIN stream_log USING (log_no)
WHERE log_id = ?1 AND parked.seq = ?2 AND device = (SELECT device FROM event WHERE event_no = ?3)

-- name: parked_list
SELECT parked.parked_no, parked.claimed_id, parked.seq, parked.code, parked.detail,
       parked.parked_ms, stream_log.device, stream_log.stream
FROM parked JOIN stream_log USING (log_no)
WHERE parked.state = 'open' ORDER BY parked.parked_no

-- name: parked_body
SELECT event.body FROM parked JOIN event USING (event_no) WHERE parked_no = ?1

-- name: parked_state
UPDATE parked SET state = ?2, decided = decided + 1 WHERE parked_no = ?1

-- name: exception_assign
UPDATE hub_exception SET state = 'assigned', owner = ?2, assigned_ms = ?3, turn = turn + 1
WHERE exception_no = ?1 AND state <> 'resolved'

-- name: exception_resolve
UPDATE hub_exception SET state = 'resolved', resolution = ?2, resolved_ms = ?3
WHERE exception_no = ?1 AND state <> 'resolved'

-- name: exception_about
-- No row: it was resolved.
INSERT INTO hub_exception (code, device, log_id, seq, detail, times, raised_ms, last_ms,
                           correlation, id, team, due_ms)
VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?6, ?7, ?8, ?9, ?10)
ON CONFLICT (code, device, log_id, seq) DO UPDATE
SET times = hub_exception.times + 1, last_ms = excluded.last_ms, detail = excluded.detail
WHERE hub_exception.state <> 'resolved'
RETURNING times

-- name: exception_reopen
-- As posting_mark.
UPDATE hub_exception
SET state = 'open', turn = turn + 1, times = times + 1, last_ms = ?6, detail = ?5, due_ms = ?7,
    resolved_ms = NULL
WHERE code = ?1 AND device = ?2 AND log_id = ?3 AND seq = ?4 AND state || '' = 'resolved'
RETURNING turn

-- name: exception_find
SELECT code, id, correlation, turn, CASE state WHEN 'assigned' THEN owner END, exception_no
FROM hub_exception WHERE exception_no = ?1

-- name: exception_of_centre
-- As exception_find.
SELECT code, id, correlation, turn, CASE state WHEN 'assigned' THEN owner END, exception_no
FROM hub_exception
WHERE code = ?1 AND device = ?2 AND seq = ?3 AND state <> 'resolved'

-- name: exception_of_centre_about
-- As exception_find.
SELECT code, id, correlation, turn, CASE state WHEN 'assigned' THEN owner END, exception_no
FROM hub_exception
WHERE code = ?1 AND device = ?2 AND log_id = ?3 AND seq = ?4 AND state <> 'resolved'

-- name: exception_by_id
SELECT exception_no FROM hub_exception WHERE id = ?1 AND state <> 'resolved'
