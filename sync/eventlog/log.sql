-- Rows of events are read as: ordinal, stream, seq, log id, hash, body. 1099511627775 is the seq's
-- part of `pos`; stream 2 is the centre's, which the inbox holds.

-- name: begin
BEGIN IMMEDIATE

-- name: begin_reading
BEGIN

-- name: commit
COMMIT

-- name: savepoint
SAVEPOINT command

-- name: savepoint_release
RELEASE command

-- name: savepoint_rollback
ROLLBACK TO command

-- name: log_newest
SELECT no, id, parent_log, parent_seq, parent_hash, first_kept, before_hash, through,
       backed_up_through, ack_no, hub_epoch
FROM log WHERE no BETWEEN ?1 << 16 AND (?1 << 16) + 65535 ORDER BY no DESC LIMIT 1

-- name: log_after
SELECT no, id, parent_log, parent_seq, parent_hash, first_kept, before_hash, through,
       backed_up_through, ack_no, hub_epoch
FROM log WHERE no > ?1 ORDER BY no LIMIT 1

-- name: log_by_id
SELECT no, id, parent_log, parent_seq, parent_hash, first_kept, before_hash, through,
       backed_up_through, ack_no, hub_epoch
FROM log WHERE id = ?1

-- name: log_insert
INSERT INTO log (no, id, parent_log, parent_seq, parent_hash, first_kept, before_hash, through,
                 backed_up_through, ack_no, hub_epoch)
VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, 0, 0, 0, 0)

-- name: log_acknowledged
UPDATE log SET through = ?2, backed_up_through = ?3, ack_no = ?4, hub_epoch = ?5 WHERE no = ?1

-- name: event_insert
INSERT INTO event (pos, ordinal, correlation, key, hash, body)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)

-- name: event_last
SELECT pos, hash FROM event WHERE pos BETWEEN ?1 AND ?2 ORDER BY pos DESC LIMIT 1

-- name: event_hash
SELECT hash FROM event WHERE pos = ?1

-- name: event_move
UPDATE event SET pos = ?2, hash = ?3 WHERE pos = ?1

-- name: event_body
SELECT body FROM event WHERE pos = ?1

-- name: event_range
SELECT pos, hash, body, key, correlation FROM event WHERE pos BETWEEN ?1 AND ?2
ORDER BY pos LIMIT ?3

-- name: event_by_key
SELECT e.ordinal, e.pos >> 56, e.pos & 1099511627775, l.id, e.hash, e.body
FROM event e JOIN log l ON l.no = e.pos >> 40 WHERE e.key = ?1

-- name: ordinal_last
SELECT max(
    ifnull((SELECT ordinal FROM event WHERE pos < 1 << 56 ORDER BY pos DESC LIMIT 1), 0),
    ifnull((SELECT ordinal FROM event WHERE pos >= 1 << 56 ORDER BY pos DESC LIMIT 1), 0),
    ifnull((SELECT max(ordinal) FROM inbox), 0),
    ifnull((SELECT max(ordinal) FROM checkpoint), 0))

-- name: history
SELECT e.ordinal, e.pos >> 56, e.pos & 1099511627775, l.id, e.hash, e.body
FROM event e JOIN log l ON l.no = e.pos >> 40 WHERE e.correlation = ?1
UNION ALL
SELECT ordinal, 2, number, zeroblob(16), NULL, body FROM inbox WHERE correlation = ?1
ORDER BY 1

-- name: replay_returns
SELECT e.ordinal, 0, e.pos & 1099511627775, l.id, e.hash, e.body
FROM event e CROSS JOIN log l ON l.no = e.pos >> 40 WHERE e.pos < 1 << 56 ORDER BY e.pos

-- name: replay_sales
SELECT e.ordinal, 1, e.pos & 1099511627775, l.id, e.hash, e.body
FROM event e CROSS JOIN log l ON l.no = e.pos >> 40 WHERE e.pos >= 1 << 56 ORDER BY e.pos

-- name: replay_inbox
SELECT ordinal, 2, number, zeroblob(16), NULL, body FROM inbox ORDER BY ordinal

-- name: parked_put
INSERT INTO parked (id, log, seq, code, detail) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (log, seq) DO UPDATE SET id = ?1, code = ?4, detail = ?5

-- name: parked_clear
DELETE FROM parked WHERE log = ?1 AND seq > ?2 AND seq < ?3

-- name: parked_move
UPDATE parked SET log = ?3, seq = seq - ?2 + ?4 WHERE log = ?1 AND seq > ?2

-- name: parked_count
SELECT count(*) FROM parked WHERE log BETWEEN ?1 << 16 AND (?1 << 16) + 65535

-- name: parked_list
SELECT p.id, p.log, p.seq, p.code, p.detail, l.id FROM parked p JOIN log l ON l.no = p.log
ORDER BY p.log, p.seq

-- name: parked_by_id
SELECT p.id, p.log, p.seq, p.code, p.detail, l.id FROM parked p JOIN log l ON l.no = p.log
WHERE p.id = ?1 ORDER BY p.log DESC, p.seq DESC LIMIT 1

-- name: inbox_insert
INSERT INTO inbox (ordinal, epoch, number, id, correlation, body)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)

-- name: inbox_has
SELECT 1 FROM inbox WHERE id = ?1

-- name: inbox_mark
SELECT epoch, through FROM inbox_mark

-- name: inbox_mark_set
UPDATE inbox_mark SET epoch = ?1, through = ?2

-- name: view_version
SELECT version FROM view WHERE name = ?1

-- name: view_put
INSERT INTO view (name, version) VALUES (?1, ?2)
ON CONFLICT (name) DO UPDATE SET version = ?2

-- name: view_names
SELECT name FROM view

-- name: view_forget
DELETE FROM view WHERE name = ?1

-- name: checkpoint
SELECT ordinal FROM checkpoint ORDER BY ordinal DESC LIMIT 1

-- name: checkpoint_clear
DELETE FROM checkpoint

-- name: checkpoint_put
INSERT INTO checkpoint (ordinal, at_ms) VALUES (?1, ?2)

-- name: log_pruned
UPDATE log SET first_kept = ?2, before_hash = ?3 WHERE no = ?1

-- name: event_prune
DELETE FROM event WHERE pos IN (
    SELECT pos FROM event WHERE pos BETWEEN ?1 AND ?2 ORDER BY pos LIMIT ?3)

-- name: log_sums
SELECT count(*), ifnull(sum(length(body)), 0) FROM event WHERE pos BETWEEN ?1 AND ?2

-- name: prune_rows
SELECT pos, ordinal, hash, body, length(body), correlation FROM event
WHERE pos BETWEEN ?1 AND ?2 ORDER BY pos

-- name: parked_needs
SELECT 1 FROM parked p JOIN event e ON e.pos = (p.log << 40 | p.seq) WHERE e.correlation = ?1

-- name: shrink
PRAGMA incremental_vacuum(128)

-- name: lost_insert
INSERT INTO lost (log, stream, first, last, at_ms, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6)

-- name: lost_list
SELECT log, stream, first, last, at_ms, reason FROM lost ORDER BY no

-- name: lost_unproven
SELECT log, stream, first, last, at_ms, reason, no FROM lost
WHERE no NOT IN (SELECT no FROM lost_proof) ORDER BY no LIMIT 1

-- name: lost_prove
INSERT INTO lost_proof (log, stream, first, last, at_ms, reason, no, hash)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)

-- name: lost_proofs
SELECT p.log, p.stream, p.first, p.last, p.at_ms, p.reason, p.no, p.hash, l.no IS NOT NULL
FROM lost_proof p LEFT JOIN lost l ON l.no = p.no AND l.log = p.log AND l.stream = p.stream
    AND l.first = p.first AND l.last = p.last AND l.at_ms = p.at_ms AND l.reason = p.reason
ORDER BY p.no

-- name: lost_sums
SELECT ifnull(sum(last - first + 1) FILTER (WHERE stream = 0), 0),
       ifnull(sum(last - first + 1) FILTER (WHERE stream = 1), 0), ifnull(max(at_ms), 0)
FROM lost

-- name: integrity
PRAGMA integrity_check

-- name: tables
SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name

-- name: lost_at
SELECT last FROM lost WHERE log = ?1 AND stream = ?2 AND first = ?3

-- name: lost_move
UPDATE lost SET first = ?4 WHERE log = ?1 AND stream = ?2 AND first = ?3

-- name: lost_restored
INSERT OR IGNORE INTO restored SELECT log FROM lost
WHERE log = ?1 AND stream = ?2 AND first = ?4 AND last < ?4 AND ?3 > 0

-- name: lost_forget
DELETE FROM lost WHERE first > last

-- name: log_known
SELECT 1 FROM log WHERE id = ?1 OR parent_log = ?1 UNION ALL SELECT 1 FROM lost WHERE log = ?1
UNION ALL SELECT 1 FROM restored WHERE log = ?1

-- name: event_here
SELECT 1 FROM event WHERE correlation = ?1 AND json_extract(CAST(body AS TEXT), '$.id') = ?2
UNION ALL SELECT 1 FROM inbox WHERE id = ?3
