-- name: hub_read
SELECT epoch, generation, place, broker_group FROM hub WHERE one = 1

-- name: hub_write
INSERT INTO hub (one, epoch, generation, place, broker_group) VALUES (1, ?1, ?2, ?3, ?4)
ON CONFLICT (one) DO UPDATE
SET epoch = excluded.epoch, generation = excluded.generation, place = excluded.place,
    broker_group = CASE WHEN hub.broker_group = '' THEN excluded.broker_group
                        ELSE hub.broker_group END

-- name: hub_forget_place
UPDATE hub SET place = 'restored'

-- name: hub_news
SELECT (SELECT coalesce(max(generation), 0) FROM hub) +
       (SELECT coalesce(max(audit_no), 0) FROM audit)

-- name: device_seen
INSERT INTO device (id, first_seen_ms, last_seen_ms) VALUES (?1, ?2, ?2)
ON CONFLICT (id) DO UPDATE SET last_seen_ms = excluded.last_seen_ms

-- name: log_find
SELECT log_no, device, stream, parent_log, parent_seq, parent_hash, through, hash,
       backed_up_through, ack_no,
       EXISTS (SELECT 1 FROM recalled WHERE recalled.log_no = stream_log.log_no)
FROM stream_log WHERE log_id = ?1

-- name: log_insert
INSERT INTO stream_log (log_id, device, stream, parent_log, parent_seq, parent_hash, through, hash,
                        backed_up_through, ack_no, created_ms, updated_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, 0, 0, ?8, ?8) RETURNING log_no

-- name: log_update
UPDATE stream_log SET through = ?2, hash = ?3, backed_up_through = ?4, ack_no = ?5, updated_ms = ?6
WHERE log_no = ?1

-- name: log_move
UPDATE stream_log SET device = ?2 WHERE log_no = ?1

-- name: log_newest
SELECT max(log_no) FROM stream_log WHERE device = ?1 AND stream = ?2

-- name: log_current
SELECT log_no, log_id, device FROM stream_log
WHERE log_no > ?1 AND stream <> 'centre' AND NOT EXISTS
    (SELECT 1 FROM stream_log AS later WHERE later.device = stream_log.device
     AND later.stream = stream_log.stream AND later.log_no > stream_log.log_no)
ORDER BY log_no LIMIT ?2

-- name: log_untold
SELECT log_no, log_id, device FROM stream_log WHERE untold = 1 AND log_no > ?1
ORDER BY log_no LIMIT ?2

-- name: log_told
UPDATE stream_log SET untold = 0 WHERE log_no = ?1 AND untold = 1

-- name: log_backed_up
UPDATE stream_log SET backed_up_through = ?2, ack_no = ack_no + 1, untold = 1
WHERE log_id = ?1 AND backed_up_through < ?2 AND through >= ?2

-- name: log_all
SELECT log_id, through FROM stream_log

-- name: entry_hash
SELECT hash FROM entry WHERE log_no = ?1 AND seq = ?2

-- name: entry_insert
INSERT INTO entry (log_no, seq, event_no, hash) VALUES (?1, ?2, ?3, ?4)

-- name: entry_delete
DELETE FROM entry WHERE log_no = ?1 AND seq = ?2

-- name: entry_bodies
SELECT entry.seq, entry.hash, event.body FROM entry JOIN event USING (event_no)
WHERE entry.log_no = ?1 AND entry.seq BETWEEN ?2 AND ?3 ORDER BY entry.seq

-- name: event_insert
INSERT INTO event (id, device, log_no, seq, type, subject, correlation, sequence, time_ms,
                   received_ms, body_hash, body, event_no)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
ON CONFLICT DO NOTHING

-- name: event_last
-- Never the number of one that is lost, and of which entries were made.
SELECT coalesce(max(event_no), 0) FROM
    (SELECT max(event_no) AS event_no FROM event
     UNION ALL SELECT event_no FROM ledger_cursor) AS numbers

-- name: event_nameless
SELECT event_no, body_hash FROM event WHERE device = ?1 AND body_hash = ?2 AND id IS NULL

-- name: event_place
SELECT event.log_no, event.seq, stream_log.log_id
FROM event JOIN stream_log USING (log_no) WHERE event.event_no = ?1

-- name: event_by_id
SELECT event_no, body_hash FROM event WHERE id = ?1

-- name: return_insert
INSERT INTO return_index (correlation, event_no, device, number, receipt, created_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (correlation) DO NOTHING

-- name: range_near
SELECT first, last FROM held_range
WHERE log_no = ?1 AND first <= ?3 + 1 AND last >= ?2 - 1 ORDER BY first

-- name: range_delete
DELETE FROM held_range WHERE log_no = ?1 AND first = ?2

-- name: range_insert
INSERT INTO held_range (log_no, first, last) VALUES (?1, ?2, ?3)

-- name: range_list
SELECT first, last FROM held_range WHERE log_no = ?1 ORDER BY first LIMIT ?2

-- name: state_born
UPDATE device SET session = ?2, session_started_ms = ?4, online = 1, state = ?3, last_seen_ms = ?4,
    waiting = ?5, torn_ends = ?6, confirms = ?7
WHERE id = ?1

-- name: state_died
UPDATE device SET online = 0, last_seen_ms = ?3 WHERE id = ?1 AND session = ?2

-- name: event_of_another
SELECT 1 FROM event WHERE correlation = ?1 AND device NOT IN (?2, 'centre')
  AND device NOT IN (SELECT of FROM takeover WHERE takeover.device = ?2) LIMIT 1

-- name: event_body_by_id
SELECT body FROM event WHERE id = ?1

-- name: log_news
UPDATE stream_log SET ack_no = ack_no + 1, updated_ms = ?2, untold = 1 WHERE log_no = ?1
RETURNING log_id, device

-- name: event_reread
UPDATE event SET id = ?2, type = ?3, subject = ?4, correlation = ?5, sequence = ?6, time_ms = ?7
WHERE event_no = ?1 AND NOT EXISTS (SELECT 1 FROM event WHERE id = ?2)

-- name: event_parked
SELECT event.body, event.device, stream_log.stream FROM event JOIN stream_log USING (log_no)
WHERE event.event_no = ?1

-- name: takeover_insert
INSERT INTO takeover (device, of) VALUES (?1, ?2) ON CONFLICT DO NOTHING

-- name: takeover_inherit
INSERT INTO takeover (device, of) SELECT ?1, of FROM takeover WHERE device = ?2
ON CONFLICT (device, of) DO NOTHING

-- name: takeover_find
SELECT 1 FROM takeover WHERE device = ?1 AND of = ?2

-- name: restore_logs
SELECT log_id, stream, through FROM stream_log
WHERE through > 0 AND stream <> 'centre'
  AND (device = ?1 OR device IN (SELECT of FROM takeover WHERE takeover.device = ?1))
ORDER BY log_no DESC LIMIT ?2

-- name: restore_may
SELECT 1 FROM stream_log WHERE log_id = ?2 AND stream <> 'centre'
  AND (device = ?1 OR device IN (SELECT of FROM takeover WHERE takeover.device = ?1))

-- name: event_heal
INSERT INTO event (id, device, log_no, seq, type, subject, correlation, sequence, time_ms,
                   received_ms, body_hash, body, event_no)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
ON CONFLICT (event_no) DO UPDATE
SET id = excluded.id, type = excluded.type, subject = excluded.subject,
    correlation = excluded.correlation, sequence = excluded.sequence, time_ms = excluded.time_ms,
    body_hash = excluded.body_hash, body = excluded.body

-- name: event_heal_body
UPDATE event SET body = ?2 WHERE event_no = ?1 AND body_hash = ?3
