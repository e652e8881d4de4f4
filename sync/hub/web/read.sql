-- name: events
SELECT event.event_no, event.device, stream_log.stream, stream_log.log_id, event.seq,
       event.received_ms, event.id IS NULL, event.body
FROM event JOIN stream_log USING (log_no)
WHERE event.event_no > ?1 AND event.device <> 'centre' ORDER BY event.event_no LIMIT ?2
-- name: events_of_device
SELECT event.event_no, event.device, stream_log.stream, stream_log.log_id, event.seq,
       event.received_ms, event.id IS NULL, event.body
FROM event JOIN stream_log USING (log_no)
WHERE event.event_no > ?1 AND event.device = ?3
ORDER BY event.event_no LIMIT ?2
-- name: trail
SELECT event.event_no, event.device, stream_log.stream, stream_log.log_id, event.seq,
       event.received_ms, event.id IS NULL, event.body, ledger_event.state
FROM event JOIN stream_log USING (log_no) LEFT JOIN ledger_event USING (event_no)
WHERE event.correlation = ?1
ORDER BY event.device = 'centre', event.sequence, event.event_no LIMIT 1000
-- name: correlation_by_number
SELECT correlation FROM return_index WHERE number = ?1
-- name: by_receipt
SELECT event_no, correlation, number, device, created_ms FROM return_index
WHERE receipt = ?1 ORDER BY event_no LIMIT ?2
-- name: parked_list
SELECT parked.parked_no, parked.claimed_id, parked.seq, parked.code, parked.detail, parked.state,
       parked.parked_ms, stream_log.device, stream_log.stream
FROM parked JOIN stream_log USING (log_no)
WHERE parked.parked_no > ?1 AND parked.state = 'open' ORDER BY parked.parked_no LIMIT ?2
-- name: count_devices
SELECT count(*) FROM device WHERE id <> 'centre'
-- name: by_number
SELECT event_no, correlation, number, device, created_ms FROM return_index
WHERE number = ?1 ORDER BY event_no LIMIT ?2
-- name: by_posted
SELECT DISTINCT return_index.event_no, return_index.correlation, return_index.number,
       return_index.device, return_index.created_ms
FROM posting JOIN journal_entry USING (reference) JOIN return_index USING (correlation)
WHERE posting.number = ?1 ORDER BY return_index.event_no LIMIT ?2
-- name: by_seq
SELECT return_index.event_no, return_index.correlation, return_index.number, return_index.device,
       return_index.created_ms
FROM stream_log JOIN entry USING (log_no) JOIN event USING (event_no)
JOIN return_index USING (correlation)
WHERE stream_log.device = ?1 AND stream_log.stream = 'returns' AND entry.seq = ?3
ORDER BY stream_log.log_no DESC LIMIT ?2
-- name: journal_page
SELECT entry_no, journal_entry.body, made_ms, posting.state, posting.number, posting.posted_day,
       posting.attempts, posting.code, posting.detail
FROM journal_entry JOIN posting USING (reference) WHERE entry_no > ?1 ORDER BY entry_no LIMIT ?2
-- name: journal_of_return
SELECT entry_no, journal_entry.body, made_ms, posting.state, posting.number, posting.posted_day,
       posting.attempts, posting.code, posting.detail
FROM journal_entry JOIN posting USING (reference)
WHERE entry_no > ?1 AND correlation = ?3 ORDER BY entry_no LIMIT ?2
-- name: journal_of_state
SELECT entry_no, journal_entry.body, made_ms, posting.state, posting.number, posting.posted_day,
       posting.attempts, posting.code, posting.detail
FROM posting JOIN journal_entry USING (reference)
WHERE entry_no > ?1 AND posting.state = ?3 ORDER BY entry_no LIMIT ?2
-- name: journal_posted
SELECT entry_no, journal_entry.body, made_ms, posting.state, posting.number, posting.posted_day,
       posting.attempts, posting.code, posting.detail
FROM journal_entry CROSS JOIN posting -- in this order, which SQLite keeps to
WHERE posting.reference = journal_entry.reference
  AND entry_no > ?1 AND posting.state = ?3 ORDER BY entry_no LIMIT ?2
-- name: audit_list
SELECT audit_no, at_ms, actor, role, action, subject, reason FROM audit
WHERE audit_no > ?1 ORDER BY audit_no LIMIT ?2
-- name: trace_events
SELECT event_no, device, type, id, time_ms, received_ms, body FROM event
WHERE correlation = ?1 AND id IS NOT NULL ORDER BY event_no LIMIT 1000
-- name: trace_entries
SELECT entry_no, journal_entry.reference, made_ms, posting.state, posting.updated_ms, posting.number
FROM journal_entry JOIN posting USING (reference) WHERE correlation = ?1 ORDER BY entry_no LIMIT 1000
