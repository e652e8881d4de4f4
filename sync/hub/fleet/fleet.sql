-- name: device_list
SELECT id, first_seen_ms, last_seen_ms, online, state, inbox_next - 1 - inbox_through, torn_ends
FROM device WHERE id > ?1 AND id <> 'centre' ORDER BY id LIMIT ?2
-- name: device_one
SELECT id, first_seen_ms, last_seen_ms, online, state, inbox_next - 1 - inbox_through, torn_ends
FROM device WHERE id = ?1
-- name: device_logs
SELECT log_id, stream, through, backed_up_through, ack_no, updated_ms, parent_log, parent_seq,
       (SELECT coalesce(sum(last - first + 1), 0) FROM held_range
        WHERE held_range.log_no = stream_log.log_no),
       (SELECT count(*) FROM parked
        WHERE parked.log_no = stream_log.log_no AND parked.state = 'open')
FROM stream_log WHERE device = ?1 ORDER BY log_no
