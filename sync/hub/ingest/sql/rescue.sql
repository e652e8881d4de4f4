-- name: verify_newest
SELECT coalesce(max(event_no), 0) FROM event

-- name: verify_events
SELECT event_no, body_hash, body FROM event
WHERE event_no > ?1 AND event_no NOT IN (SELECT event_no FROM recalled)
ORDER BY event_no LIMIT ?2

-- name: verify_logs
SELECT log_no, log_id FROM stream_log WHERE log_no > ?1 ORDER BY log_no LIMIT ?2

-- name: verify_entries
SELECT entry.seq, entry.hash, event.body FROM entry LEFT JOIN event USING (event_no)
WHERE entry.log_no = ?1 AND entry.seq > ?2 AND entry.seq <= ?4 ORDER BY entry.seq LIMIT ?3

-- name: verify_held
SELECT coalesce(sum(last - first + 1), 0) FROM held_range WHERE log_no = ?1 AND first > ?2

-- name: recall_logs
SELECT log_id FROM stream_log ORDER BY log_no LIMIT ?2 OFFSET ?1

-- name: recall_entries
SELECT entry.seq, entry.hash, entry.event_no, event.body_hash, event.body
FROM entry LEFT JOIN event ON event.event_no = entry.event_no
WHERE entry.log_no = ?1 AND entry.seq > ?2 ORDER BY entry.seq LIMIT ?3

-- name: recall_place
INSERT INTO recalled (log_no, seq, event_no, hash, body, recalled_ms)
SELECT entry.log_no, entry.seq,
       CASE WHEN entry.event_no <= (SELECT event_no FROM ledger_cursor)
            OR entry.event_no IN (SELECT event_no FROM parked) THEN entry.event_no ELSE 0 END,
       entry.hash, event.body, ?3
FROM entry LEFT JOIN event ON event.event_no = entry.event_no
WHERE entry.log_no = ?1 AND entry.seq = ?2 ON CONFLICT (log_no, seq) DO NOTHING

-- name: recall_lost_place
INSERT INTO recalled (log_no, seq, event_no, recalled_ms) VALUES (?1, ?2, 0, ?3)
ON CONFLICT (log_no, seq) DO NOTHING

-- name: recall_forget_index
-- What nothing was made of yet comes as if it had never been here.
DELETE FROM return_index WHERE event_no = ?1 AND event_no > (SELECT event_no FROM ledger_cursor)
AND event_no NOT IN (SELECT event_no FROM parked)

-- name: recall_forget_event
DELETE FROM event WHERE event_no = ?1 AND event_no > (SELECT event_no FROM ledger_cursor)
AND event_no NOT IN (SELECT event_no FROM parked)

-- name: recall_forget_ranges
DELETE FROM held_range WHERE log_no = ?1

-- name: recall_forget_orphans
DELETE FROM entry WHERE log_no NOT IN (SELECT log_no FROM stream_log)

-- name: recall_find
SELECT event_no FROM recalled WHERE log_no = ?1 AND seq = ?2 AND hash = ?3

-- name: recall_is_wanted
SELECT 1 FROM recalled WHERE log_no = ?1 AND seq = ?2

-- name: recall_done
DELETE FROM recalled WHERE log_no = ?1 AND seq = ?2

-- name: recall_epoch
UPDATE hub SET place = 'recalled', generation = 0

-- name: recall_count
SELECT count(*), coalesce(sum(CASE WHEN stream_log.stream = 'centre' THEN 1 ELSE 0 END), 0)
FROM recalled LEFT JOIN stream_log USING (log_no)

-- name: recall_told
SELECT count(*) FROM recalled WHERE log_no = ?1 AND seq BETWEEN ?2 AND ?3

-- name: rescue_postings
-- Each entry has a posting; one whose posting is lost is looked up before it is posted again.
INSERT INTO posting (reference, company, state, updated_ms)
SELECT reference, company, 'ready', ?1 FROM journal_entry
WHERE reference NOT IN (SELECT reference FROM posting)

-- name: rescue_ledger_cursor
INSERT INTO ledger_cursor (one, event_no)
SELECT 1, (SELECT coalesce(max(event_no), 0) FROM ledger_event)
WHERE NOT EXISTS (SELECT 1 FROM ledger_cursor)

-- name: rescue_follow_cursor
INSERT INTO follow_cursor (one, applied_no)
SELECT 1, (SELECT coalesce(max(applied_no), 0) FROM ledger_event)
WHERE NOT EXISTS (SELECT 1 FROM follow_cursor)

-- name: rescue_devices
INSERT INTO device (id, first_seen_ms, last_seen_ms)
SELECT device, ?1, ?1 FROM stream_log WHERE device NOT IN (SELECT id FROM device) GROUP BY device

-- name: rescue_unlogged
SELECT log_no, min(device) FROM event WHERE log_no NOT IN (SELECT log_no FROM stream_log)
GROUP BY log_no ORDER BY log_no LIMIT 1

-- name: rescue_log
-- What is known of a log is its events; the log itself comes again as a new one.
INSERT INTO stream_log (log_no, log_id, device, stream, through, hash, backed_up_through, ack_no,
                        created_ms, updated_ms)
VALUES (?1, ?2, ?3, 'returns', 0, ?4, 0, 0, ?5, ?5)
