-- name: events
SELECT event.event_no, event.device, stream_log.stream, stream_log.log_id, event.seq,
       event.received_ms, event.id IS NULL, event.body
FROM event JOIN stream_log USING (log_no)
WHERE event.event_no > ?1 AND (?2 IS NULL OR event.device = ?2)
ORDER BY event.event_no LIMIT ?3
-- name: trail
SELECT event.event_no, event.device, stream_log.stream, stream_log.log_id, event.seq,
       event.received_ms, event.id IS NULL, event.body
FROM event JOIN stream_log USING (log_no)
WHERE event.correlation = ?1 ORDER BY event.sequence, event.event_no LIMIT 1000
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
-- name: exception_list
SELECT exception_no, code, device, seq, detail, times, raised_ms, last_ms FROM hub_exception
WHERE exception_no > ?1 ORDER BY exception_no LIMIT ?2
-- name: count_parked
SELECT count(*) FROM parked WHERE state = 'open'
-- name: count_exceptions
SELECT count(*) FROM hub_exception
-- name: count_devices
SELECT count(*), coalesce(sum(online), 0) FROM device
