-- name: parked
SELECT count(*) FROM parked WHERE state = 'open'
-- name: devices
SELECT count(*) FROM device WHERE id <> 'centre'
-- name: devices_online
SELECT count(*) FROM device WHERE id <> 'centre' AND online <> 0
-- name: devices_silent
SELECT count(*) FROM device WHERE id <> 'centre' AND last_seen_ms < ?1 - 3600000
-- name: devices_stalled
SELECT count(*) FROM device
WHERE id <> 'centre' AND online <> 0 AND waiting > 0 AND NOT EXISTS (
    SELECT 1 FROM stream_log
    WHERE stream_log.device = device.id AND stream_log.updated_ms > ?1 - 900000)
-- name: torn_ends
SELECT coalesce(sum(torn_ends), 0) FROM device
-- name: backlog
SELECT coalesce(sum(waiting), 0) FROM device WHERE online <> 0
-- name: logs_with_gaps
SELECT count(DISTINCT log_no) FROM held_range
-- name: held
SELECT count(*) FROM ledger_event WHERE state = 'held' AND state <> 'applied'
-- name: unbooked
SELECT max(0, (SELECT coalesce(max(event_no), 0) FROM event) -
              (SELECT event_no FROM ledger_cursor WHERE one = 1))
-- name: postings_ready
SELECT count(*) FROM posting WHERE state = 'ready'
-- name: postings_parked
SELECT count(*) FROM posting WHERE state = 'parked'
-- name: posting_age
SELECT coalesce((?1 - min(updated_ms)) / 1000, 0) FROM posting WHERE state = 'ready'
-- name: lines
SELECT coalesce(max(line_no), 0) FROM settlement_line
-- name: refund_lines
SELECT coalesce(sum(count), 0) FROM measure_money WHERE measure = 'refund_lines'
-- name: lines_waiting
SELECT state, count(*) FROM settlement_line
WHERE state IN ('new', 'unmatched', 'differs') AND kind <> 'payout' GROUP BY state
-- name: refunds
SELECT coalesce(max(expected_no), 0) FROM expected_refund
-- name: refunds_open
SELECT currency, sum(amount_minor) FROM expected_refund WHERE state = 'open' GROUP BY currency
-- name: refund_age
SELECT coalesce(?1 - min(day) * 86400000, 0) / 1000 FROM expected_refund WHERE state = 'open'
-- name: dual_refunds
SELECT count(*) FROM hub_exception WHERE code IN ('dual_refund', 'refund_exceeds_paid')
-- name: batches_without_bank
SELECT count(*) FROM settlement_batch WHERE bank_minor IS NULL
-- name: exceptions
SELECT team, count(*) FROM hub_exception WHERE state IN ('open', 'assigned') GROUP BY team
-- name: exceptions_overdue
SELECT team, count(*) FROM hub_exception WHERE state IN ('open', 'assigned') AND due_ms < ?1 GROUP BY team
-- name: exception_age
SELECT coalesce((?1 - min(raised_ms)) / 1000, 0) FROM hub_exception WHERE state IN ('open', 'assigned')
-- name: exceptions_aged
SELECT age, count(*) FROM (
    SELECT CASE WHEN ?1 - raised_ms < 86400000 THEN '1d' WHEN ?1 - raised_ms < 259200000 THEN '3d'
                WHEN ?1 - raised_ms < 604800000 THEN '7d' WHEN ?1 - raised_ms < 2592000000 THEN '30d'
                ELSE 'older' END AS age
    FROM hub_exception WHERE state IN ('open', 'assigned')) AS open GROUP BY age
-- name: returns_accepted
SELECT coalesce(sum(count), 0) FROM measure_day WHERE measure = 'accepted'
-- name: returns_voided
SELECT coalesce(sum(count), 0) FROM measure_day WHERE measure = 'voided'
-- name: offline_exposure
SELECT currency, sum(amount_minor) FROM expected_refund
WHERE state = 'open' AND offline <> 0 GROUP BY currency
-- name: offline_money
SELECT currency, sum_minor FROM measure_money WHERE measure = 'offline' ORDER BY currency
-- name: buckets
SELECT bucket, count, sum_s FROM measure_bucket WHERE measure = ?1 ORDER BY bucket
