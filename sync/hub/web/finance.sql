-- name: settlement_files
SELECT file_no AS number, format, lines, holder, received_ms, state FROM settlement_file
WHERE file_no > ?1 ORDER BY file_no LIMIT ?2
-- name: settlement_lines
SELECT line_no AS number, file_no AS file, row_no AS "row", format, kind, type, batch, reference,
       payment, own, terminal, currency, gross_minor AS gross, net_currency, fee_minor AS fee,
       net_minor AS net, day AS date_day, state, match_key, expected_no AS refund, mismatches
FROM settlement_line
WHERE line_no IN (
    SELECT * FROM (SELECT line_no FROM settlement_line WHERE CAST(?3 AS TEXT) IS NULL AND line_no > ?1
                   ORDER BY line_no LIMIT ?2) AS every
    UNION ALL
    SELECT * FROM (SELECT line_no FROM settlement_line WHERE state = ?3 AND line_no > ?1
                   ORDER BY line_no LIMIT ?2) AS of_state)
ORDER BY line_no
-- name: refunds
SELECT expected_no AS number, correlation AS return_id, number AS return_number, company, receipt,
       own, reference, payment, tender, currency, amount_minor AS amount, day AS issued_day, state,
       settled_day, charged_back AS "charged_back?", max(0, ?4 - day) AS age_days
FROM expected_refund
WHERE expected_no IN (
    SELECT * FROM (SELECT expected_no FROM expected_refund WHERE CAST(?3 AS TEXT) IS NULL AND expected_no > ?1
                   ORDER BY expected_no LIMIT ?2) AS every
    UNION ALL
    SELECT * FROM (SELECT expected_no FROM expected_refund WHERE state = ?3 AND expected_no > ?1
                   ORDER BY expected_no LIMIT ?2) AS of_state)
ORDER BY expected_no
-- name: payments
SELECT payment_no AS number, correlation AS return_id, return_number, position, round, tender, type,
       currency, amount_minor AS amount, state, tries, reference, code, detail, requested_ms,
       updated_ms
FROM payment
WHERE payment_no IN (
    SELECT * FROM (SELECT payment_no FROM payment WHERE CAST(?3 AS TEXT) IS NULL AND payment_no > ?1
                   ORDER BY payment_no LIMIT ?2) AS every
    UNION ALL
    SELECT * FROM (SELECT payment_no FROM payment WHERE state = ?3 AND payment_no > ?1
                   ORDER BY payment_no LIMIT ?2) AS of_state)
ORDER BY payment_no
-- name: outlets
SELECT row_number() OVER (ORDER BY name) AS number, name, applied_no AS through, tries,
       (SELECT coalesce(max(applied_no), 0) FROM ledger_event) - applied_no AS behind,
       (SELECT count(*) FROM delivery WHERE delivery.outlet = outlet.name
                                        AND delivery.state = 'parked') AS parked
FROM outlet ORDER BY name
-- name: deliveries
SELECT delivery.delivery_no AS number, delivery.outlet, event.id AS event, event.type,
       event.correlation AS return_id, delivery.state, delivery.code, delivery.detail,
       delivery.updated_ms
FROM delivery JOIN event USING (event_no)
WHERE delivery_no IN (
    SELECT * FROM (SELECT delivery_no FROM delivery WHERE CAST(?3 AS TEXT) IS NULL AND delivery_no > ?1
                   ORDER BY delivery_no LIMIT ?2) AS every
    UNION ALL
    SELECT * FROM (SELECT delivery_no FROM delivery WHERE state = ?3 AND delivery_no > ?1
                   ORDER BY delivery_no LIMIT ?2) AS of_state)
ORDER BY delivery.delivery_no
-- name: batches
SELECT batch_no AS number, format, batch, currency, net_minor AS net, payout_minor AS payout,
       has_payout AS "has_payout?", bank_minor AS bank, day AS date_day, mismatches
FROM settlement_batch
WHERE batch_no > ?1 AND ((?3 = 'open') = (bank_minor IS NULL OR mismatches <> 0) OR ?3 IS NULL)
ORDER BY batch_no LIMIT ?2
-- name: ageing
SELECT currency, tender,
       sum(amount_minor) FILTER (WHERE ?1 - day <= 3) AS to_3_days,
       sum(amount_minor) FILTER (WHERE ?1 - day BETWEEN 4 AND 7) AS to_7_days,
       sum(amount_minor) FILTER (WHERE ?1 - day BETWEEN 8 AND 14) AS to_14_days,
       sum(amount_minor) FILTER (WHERE ?1 - day BETWEEN 15 AND 30) AS to_30_days,
       sum(amount_minor) FILTER (WHERE ?1 - day > 30) AS older,
       count(*) AS refunds, sum(amount_minor) AS amount, min(day) AS oldest_day
FROM expected_refund WHERE state = 'open' GROUP BY currency, tender ORDER BY currency, tender
-- name: waiting_lines
SELECT state, kind, currency, count(*) AS lines, sum(abs(gross_minor)) AS amount
FROM settlement_line WHERE state IN ('new', 'unmatched', 'differs')
GROUP BY state, kind, currency ORDER BY state, kind, currency
-- name: line_totals
SELECT (SELECT coalesce(sum(count), 0) FROM measure_money WHERE measure = 'refund_lines') - waiting
       AS matched, waiting
FROM (SELECT count(*) AS waiting FROM settlement_line
      WHERE state IN ('unmatched', 'differs') AND kind IN ('refund', 'refund_reversed')) AS lines
-- name: waiting_batches
SELECT format, currency, count(*) FILTER (WHERE bank_minor IS NULL) AS without_bank,
       count(*) FILTER (WHERE mismatches <> 0) AS differing,
       sum(CASE has_payout WHEN 1 THEN payout_minor ELSE net_minor END)
           FILTER (WHERE bank_minor IS NULL) AS amount
FROM settlement_batch WHERE bank_minor IS NULL OR mismatches <> 0
GROUP BY format, currency ORDER BY format, currency
-- name: exceptions
-- What names one is its log and a seq there; or its return, and the number of an event that a store
-- told or that is parked, or of something else of the centre's, which nobody could find by it.
SELECT exception_no AS number, code, team,
       coalesce(about.device, return_index.device, hub_exception.device) AS device,
       hub_exception.correlation AS return_id, stream_log.stream,
       CASE WHEN stream_log.log_no IS NOT NULL
            THEN coalesce(about.seq, nullif(hub_exception.seq, 0)) END AS seq, detail, times,
       raised_ms, last_ms, state, owner, assigned_ms, resolution, resolved_ms, due_ms,
       (coalesce(resolved_ms, ?4) - raised_ms) / 3600000 AS age_hours,
       (state <> 'resolved' AND due_ms < ?4) AS "overdue?"
FROM hub_exception
LEFT JOIN event AS about
  ON about.event_no = hub_exception.seq AND about.correlation = hub_exception.correlation
     AND (about.type = 'com.tillback.exception.raised.v1' OR code = 'unmapped_code')
LEFT JOIN return_index ON return_index.correlation = hub_exception.correlation
LEFT JOIN stream_log
  ON stream_log.log_id = hub_exception.log_id OR stream_log.log_no = about.log_no
WHERE exception_no > ?1
  AND state IN (?3, CASE ?3 WHEN 'open' THEN 'assigned' ELSE ?3 END) ORDER BY exception_no LIMIT ?2
-- name: exception_ages
SELECT team, count(*) AS exceptions, count(*) FILTER (WHERE due_ms < ?1) AS overdue,
       count(*) FILTER (WHERE state = 'open') AS unassigned, (?1 - min(raised_ms)) / 1000 AS oldest_s
FROM hub_exception WHERE state IN ('open', 'assigned') GROUP BY team ORDER BY team
-- name: days
SELECT day AS date_day, measure, currency, count, sum_minor AS amount FROM measure_day
WHERE day BETWEEN ?1 AND ?2 ORDER BY day, measure, currency LIMIT 2000
-- name: measures
SELECT measure, bucket, count, sum_s FROM measure_bucket ORDER BY measure, bucket
-- name: balances
SELECT company, role, tender, account, currency, sum(debit_minor) - sum(credit_minor) AS balance,
       sum(debit_minor) FILTER (WHERE month = ?1) AS month_debit,
       sum(credit_minor) FILTER (WHERE month = ?1) AS month_credit
FROM journal_balance WHERE month <= ?1
GROUP BY company, role, tender, account, currency ORDER BY company, account, role, tender, currency
-- name: accruals
SELECT company, CASE role WHEN 'refunds_payable' THEN 'accepted, not refunded'
                          WHEN 'tender' THEN 'refunded, not settled'
                          WHEN 'quarantine_stock' THEN 'received, not disposed of'
                          WHEN 'suspense' THEN 'over-returns to be cleared'
                          WHEN 'disputed' THEN 'disputed' ELSE 'receivable' END AS what,
       role, tender, account, currency, sum(debit_minor) - sum(credit_minor) AS balance
FROM journal_balance
WHERE month <= ?1 AND role IN ('refunds_payable', 'quarantine_stock', 'suspense', 'disputed',
                               'marketplace_receivable', 'supplier_receivable')
      OR (month <= ?1 AND role = 'tender' AND tender IN ('card', 'wallet', 'online_payment'))
GROUP BY company, role, tender, account, currency
HAVING sum(debit_minor) <> sum(credit_minor) ORDER BY company, account, role, tender, currency
-- name: cut_off
SELECT entry_no AS entry, reference, company, document_day, state, number, posted_day FROM (
    SELECT entry_no, reference, journal_entry.company, document_day, posting.state, posting.number,
           posting.posted_day
    FROM posting JOIN journal_entry USING (reference)
    WHERE posting.moved_from BETWEEN ?1 AND ?2 AND posting.posted_day > ?2
    UNION ALL
    SELECT entry_no, reference, journal_entry.company, document_day, posting.state, posting.number,
           posting.posted_day
    FROM posting JOIN journal_entry USING (reference)
    WHERE posting.state IN ('ready', 'parked', 'discarded') AND document_day BETWEEN ?1 AND ?2
) AS late WHERE entry_no > ?3 ORDER BY entry_no LIMIT ?4
-- name: from_before
SELECT journal_entry.company, count(*) AS entries, min(document_day) AS oldest_day
FROM journal_entry JOIN posting USING (reference)
WHERE posting.moved_from < ?1 AND posting.posted_day BETWEEN ?1 AND ?2
GROUP BY journal_entry.company ORDER BY journal_entry.company
