-- name: parked
SELECT count(*) FROM parked WHERE state = 'open'
-- name: devices
SELECT count(*) FROM device WHERE id <> 'centre'
-- name: devices_online
SELECT count(*) FROM device WHERE id <> 'centre' AND online <> 0
-- name: devices_silent
SELECT count(*) FROM device WHERE id <> 'centre' AND last_seen_ms < ?1 - 3600000
-- name: logs_with_gaps
SELECT count(DISTINCT log_no) FROM held_range
-- name: held
SELECT count(*) FROM ledger_event WHERE state = 'held'
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
SELECT team, count(*) FROM hub_exception WHERE state <> 'resolved' GROUP BY team
-- name: exceptions_overdue
SELECT team, count(*) FROM hub_exception WHERE state <> 'resolved' AND due_ms < ?1 GROUP BY team
-- name: exception_age
SELECT coalesce((?1 - min(raised_ms)) / 1000, 0) FROM hub_exception WHERE state <> 'resolved'
-- name: offline_money
SELECT currency, sum_minor FROM measure_money WHERE measure = 'offline' ORDER BY currency
-- name: buckets
SELECT bucket, count, sum_s FROM measure_bucket WHERE measure = ?1 ORDER BY bucket
