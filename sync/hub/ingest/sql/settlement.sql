-- name: follow_cursor
SELECT applied_no FROM follow_cursor WHERE one = 1

-- name: follow_cursor_move
UPDATE follow_cursor SET applied_no = ?1 WHERE one = 1

-- name: follow_ahead
SELECT ledger_event.applied_no, ledger_event.event_no, ledger_event.state, event.type,
       CASE WHEN length(event.body) <= ?3 THEN event.body END, event.received_ms,
       ledger_event.correlation, ledger_event.source = '/centre'
FROM ledger_event JOIN event USING (event_no)
WHERE ledger_event.applied_no > ?1 ORDER BY ledger_event.applied_no LIMIT ?2

-- name: expected_insert
INSERT INTO expected_refund (event_no, correlation, company, number, receipt, terminal, own,
                             reference, payment, tender_no, tender, currency, amount_minor, day,
                             position, offline, state, charged_back)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, 'open',
        CASE WHEN EXISTS (SELECT 1 FROM settlement_line WHERE payment = ?9 AND ?9 <> ''
                          AND kind = 'chargeback') THEN 1 ELSE 0 END)
ON CONFLICT DO NOTHING
RETURNING expected_no, charged_back

-- name: expected_fail
UPDATE expected_refund SET state = 'failed'
WHERE expected_no = (SELECT expected_no FROM expected_refund
                     WHERE correlation = ?1 AND event_no < ?4
                       AND (CASE WHEN ?2 <> '' THEN own = ?2 ELSE tender_no = ?3 END)
                     ORDER BY expected_no DESC LIMIT 1)
RETURNING expected_no, missed

-- name: expected_charge_back
UPDATE expected_refund SET charged_back = 1 WHERE correlation = ?1 AND (?2 = '' OR tender = ?2)

-- name: expected_candidates
SELECT expected_no, reference, own, payment, terminal, receipt, currency, amount_minor, day, state,
       charged_back, number, tender_no, tender, correlation, company, position, missed
FROM expected_refund
WHERE state <> 'failed'
  AND ((reference = ?1 AND ?1 <> '') OR (own = ?2 AND ?2 <> '') OR (number = ?2 AND ?2 <> '')
       OR (payment = ?3 AND ?3 <> '') OR (receipt = ?2 AND ?2 <> ''))
ORDER BY amount_minor <> ?4, expected_no LIMIT ?5

-- name: expected_find
SELECT expected_no, reference, own, payment, terminal, receipt, currency, amount_minor, day, state,
       charged_back, number, tender_no, tender, correlation, company, position, missed
FROM expected_refund WHERE expected_no = ?1

-- name: expected_state
UPDATE expected_refund SET state = ?2, settled_day = ?3 WHERE expected_no = ?1

-- name: expected_mark_charged_back
UPDATE expected_refund SET charged_back = ?2 WHERE expected_no = ?1

-- name: expected_missing
SELECT expected_no, correlation, number, amount_minor, currency, day, position, own
FROM expected_refund
WHERE state = 'open' AND missed = 0 AND day < ?1 ORDER BY day LIMIT ?2

-- name: expected_missed
UPDATE expected_refund SET missed = 1 WHERE expected_no = ?1

-- name: settlement_file_find
SELECT file_no, lines FROM settlement_file WHERE hash = ?1

-- name: settlement_file_insert
INSERT INTO settlement_file (format, hash, lines, holder, received_ms, state)
VALUES (?1, ?2, 0, ?3, ?4, 'new') RETURNING file_no

-- name: settlement_file_lines
UPDATE settlement_file SET lines = ?2 WHERE file_no = ?1

-- name: settlement_file_done
UPDATE settlement_file SET state = 'matched' WHERE file_no = ?1 AND state = 'new'

-- name: settlement_file_next
SELECT file_no FROM settlement_file WHERE state = 'new' ORDER BY file_no LIMIT 1

-- name: settlement_line_insert
INSERT INTO settlement_line (file_no, row_no, format, kind, type, batch, reference, payment, own,
                             terminal, currency, gross_minor, net_currency, fee_minor, net_minor,
                             day, state)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, 'new')

-- name: settlement_line_new
-- `|| ''`: by the index of these alone.
SELECT line_no, row_no, format, kind, type, batch, reference, payment, own, terminal, currency,
       gross_minor, net_currency, fee_minor, net_minor, day, state,
       (SELECT hash FROM settlement_file WHERE settlement_file.file_no = settlement_line.file_no),
       mismatches
FROM settlement_line WHERE state || '' = 'new' AND format NOT IN ('camt053', 'camt054')
ORDER BY line_no LIMIT ?1

-- name: settlement_bank_new
-- What the bank says, as it went on; of two that tell the same, the one that says more.
SELECT line_no, row_no, format, kind, type, batch, reference, payment, own, terminal, currency,
       gross_minor, net_currency, fee_minor, net_minor, day, state,
       (SELECT hash FROM settlement_file WHERE settlement_file.file_no = settlement_line.file_no),
       mismatches
FROM settlement_line WHERE state || '' = 'new' AND format IN ('camt053', 'camt054')
ORDER BY day, kind = 'payout_reversed', length(payment) + length(own) DESC, line_no LIMIT ?1

-- name: settlement_bank_told_before
SELECT 1 FROM settlement_line
WHERE reference = ?1 AND line_no <> ?2 AND currency = ?3 AND gross_minor = ?4
  AND day = ?5 AND kind = ?6 AND type = ?7 AND state <> 'new' LIMIT 1

-- name: settlement_line_find
SELECT line_no, row_no, format, kind, type, batch, reference, payment, own, terminal, currency,
       gross_minor, net_currency, fee_minor, net_minor, day, state,
       (SELECT hash FROM settlement_file WHERE settlement_file.file_no = settlement_line.file_no),
       mismatches
FROM settlement_line WHERE line_no = ?1

-- name: settlement_line_mark
UPDATE settlement_line SET state = ?2, match_key = ?3, expected_no = ?4, mismatches = ?5
WHERE line_no = ?1

-- name: settlement_line_again
-- Lines of which nobody knew the refund; one has come that may be it.
UPDATE settlement_line SET state = 'new'
WHERE state || '' = 'unmatched' AND kind || '' IN ('refund', 'refund_reversed')
  AND line_no IN (SELECT line_no FROM settlement_line WHERE reference = ?1 AND reference <> ''
                  UNION SELECT line_no FROM settlement_line WHERE payment = ?2 AND payment <> ''
                  UNION SELECT line_no FROM settlement_line
                  WHERE own IN (?3, ?4, ?5) AND own <> '' AND state = 'unmatched')

-- name: settlement_line_bank
UPDATE settlement_line SET state = 'matched', batch_no = ?2, mismatches = ?3 WHERE line_no = ?1

-- name: settlement_chargeback_of_refund
SELECT line_no FROM settlement_line
WHERE expected_no = ?1 AND kind = 'chargeback' AND line_no > ?2 ORDER BY line_no LIMIT 1

-- name: settlement_batch_add
INSERT INTO settlement_batch (format, batch, currency, net_minor, payout_minor, has_payout,
                              payout_reference, day, unchecked)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1)
ON CONFLICT (format, batch, currency) DO UPDATE
SET unchecked = 1,
    net_minor = settlement_batch.net_minor + excluded.net_minor,
    payout_minor = settlement_batch.payout_minor + excluded.payout_minor,
    has_payout = max(settlement_batch.has_payout, excluded.has_payout),
    payout_reference = CASE excluded.payout_reference WHEN '' THEN settlement_batch.payout_reference
                       ELSE excluded.payout_reference END,
    day = max(settlement_batch.day, excluded.day)

-- name: settlement_batch_unchecked
SELECT batch_no, batch, net_minor, payout_minor, has_payout, bank_minor, currency, mismatches
FROM settlement_batch WHERE unchecked = 1 ORDER BY batch_no LIMIT 1

-- name: settlement_batch_of_bank
-- ?3: the bank's texts. A short name may be part of any number, so it must stand by itself.
SELECT batch_no FROM (
    SELECT batch_no, day, batch AS name,
           payout_reference <> '' AND instr(?3, CASE WHEN length(payout_reference) < 8
               THEN ' ' || payout_reference || ' ' ELSE payout_reference END) > 0 AS by_reference,
           length(batch) >= 3 AND instr(?3, CASE WHEN length(batch) < 8
               THEN ' ' || batch || ' ' ELSE batch END) > 0 AS by_batch,
           CASE has_payout WHEN 1 THEN payout_minor ELSE net_minor END = ?2 AS by_amount
    FROM settlement_batch
    WHERE bank_line IS NULL AND currency = ?1 AND day BETWEEN ?4 - 31 AND ?4 + 3) AS batches
WHERE by_amount OR (?2 > 0 AND (by_reference OR by_batch))
ORDER BY by_reference DESC, by_batch DESC, by_amount DESC, abs(day - ?4), day, name
LIMIT 1

-- name: settlement_batch_of_reversal
-- One that came in as the amount that is taken back.
SELECT settlement_batch.batch_no
FROM settlement_batch JOIN settlement_line ON settlement_line.line_no = settlement_batch.bank_line
WHERE settlement_batch.currency = ?1 AND settlement_batch.bank_minor + ?2 = 0
  AND settlement_line.day BETWEEN ?4 - 31 AND ?4
ORDER BY (instr(?3, settlement_batch.batch) > 0) DESC,
         abs(settlement_line.day - ?4), settlement_batch.batch DESC LIMIT 1

-- name: settlement_batch_bank
UPDATE settlement_batch SET bank_minor = ?2, bank_line = ?3, unchecked = 1 WHERE batch_no = ?1

-- name: settlement_bank_release
-- A file came: what the bank says around its days is looked at anew, but for what a person decided.
UPDATE settlement_line SET state = 'new'
WHERE format IN ('camt053', 'camt054') AND state || '' IN ('noted', 'matched', 'unmatched')
  AND currency IN (SELECT net_currency FROM settlement_line WHERE file_no = ?1)
  AND day BETWEEN (SELECT min(day) FROM settlement_line WHERE file_no = ?1) - 3
              AND (SELECT max(day) FROM settlement_line WHERE file_no = ?1) + 31

-- name: settlement_bank_release_all
-- ... with all that was said of the same payouts before.
UPDATE settlement_line SET state = 'new'
WHERE batch_no IN (SELECT batch_no FROM settlement_line
                   WHERE state = 'new' AND batch_no IS NOT NULL)

-- name: settlement_batch_release
UPDATE settlement_batch SET bank_minor = NULL, bank_line = NULL, unchecked = 1
WHERE batch_no IN (SELECT batch_no FROM settlement_line
                   WHERE state = 'new' AND batch_no IS NOT NULL)

-- name: settlement_bank_released
UPDATE settlement_line SET batch_no = NULL WHERE state = 'new' AND batch_no IS NOT NULL

-- name: settlement_bank_again
-- The bank took one back: what came in on that day may be the same once more.
UPDATE settlement_line SET state = 'new'
WHERE format IN ('camt053', 'camt054') AND currency = ?1 AND day = ?2
  AND state || '' = 'unmatched' AND kind || '' = 'payout'

-- name: settlement_batch_mismatch
UPDATE settlement_batch SET mismatches = ?2, unchecked = 0 WHERE batch_no = ?1

-- name: settlement_line_told_before
SELECT 1 FROM settlement_line
WHERE reference = ?1 AND line_no < ?2 AND currency = ?3 AND gross_minor = ?4
  AND day = ?5 AND kind = ?6 AND type = ?7 LIMIT 1

-- name: unpaid_cursor
SELECT entry_no FROM unpaid_cursor WHERE one = 1

-- name: unpaid_cursor_move
UPDATE unpaid_cursor SET entry_no = ?1 WHERE one = 1

-- name: unpaid_next
-- With whether by it money came to be owed, and whether because a refund failed.
SELECT entry_no, made_ms, correlation, document_day,
       reference LIKE '%/accepted' OR reference LIKE '%/refund_failed',
       reference LIKE '%/refund_failed'
FROM journal_entry WHERE entry_no > ?1 ORDER BY entry_no LIMIT 1
