-- name: tax_given_back
SELECT body FROM event
WHERE type IN ('com.tillback.return.created.v1', 'com.tillback.tax.adjusted.v1')
  AND (correlation = ?1
       OR correlation IN (SELECT correlation FROM claim WHERE receipt = ?2 AND live = 1))
ORDER BY event_no

-- name: events_of_receipt
SELECT event.body FROM return_index JOIN event USING (correlation)
WHERE return_index.receipt = ?1 ORDER BY return_index.event_no, event.sequence, event.event_no LIMIT ?2

-- name: ledger_cursor
SELECT event_no FROM ledger_cursor WHERE one = 1

-- name: goods_unbooked
-- Whether goods of a return came that are not in its books yet.
SELECT 1 FROM event LEFT JOIN ledger_event ON ledger_event.event_no = event.event_no
WHERE event.correlation = ?1 AND event.type = 'com.tillback.item.received.v1'
  AND (event.event_no > (SELECT event_no FROM ledger_cursor WHERE one = 1)
       OR ledger_event.state = 'held') LIMIT 1

-- name: ledger_cursor_move
UPDATE ledger_cursor SET event_no = ?1 WHERE one = 1

-- name: ledger_next
SELECT event_no, id IS NULL, body FROM event WHERE event_no > ?1 ORDER BY event_no LIMIT 1

-- name: ledger_ahead
-- Beside each event what its return's books say. A long text, which is rare, is left for later.
SELECT event.event_no, event.id IS NULL, event.received_ms, event.correlation,
       CASE WHEN length(event.body) <= ?3 THEN event.body END,
       CASE WHEN octet_length(ledger_position.position) <= ?3 THEN ledger_position.position END,
       coalesce(octet_length(ledger_position.position), 0),
       (SELECT count(*) FROM ledger_event WHERE ledger_event.correlation = event.correlation
        AND ledger_event.state = 'held')
FROM event LEFT JOIN ledger_position ON ledger_position.correlation = event.correlation
WHERE event.event_no > ?1 ORDER BY event.event_no LIMIT ?2

-- name: ledger_applied_last
SELECT coalesce(max(applied_no), 0) FROM ledger_event

-- name: ledger_applied
INSERT INTO ledger_event (event_no, correlation, source, sequence, state, applied_no)
VALUES (?1, ?2, ?3, ?4, 'applied', ?5)

-- name: ledger_file
INSERT INTO ledger_event (event_no, correlation, source, sequence, state)
VALUES (?1, ?2, ?3, ?4, 'held')

-- name: ledger_candidates
-- The first that is held of each source, and all that have no place in an order; beside each, how
-- many are held in all.
SELECT event_no, (SELECT count(*) FROM ledger_event WHERE correlation = ?1 AND state = 'held')
FROM ledger_event AS waiting
WHERE correlation = ?1 AND state = 'held' AND (sequence = 0 OR NOT EXISTS (
    SELECT 1 FROM ledger_event AS before
    WHERE before.correlation = ?1 AND before.state = 'held' AND before.source = waiting.source
      AND before.sequence BETWEEN 1 AND waiting.sequence
      AND (before.sequence < waiting.sequence OR before.event_no < waiting.event_no)))
ORDER BY source, sequence, event_no LIMIT 64

-- name: ledger_event_body
SELECT event.body, event.received_ms, event.log_no, event.seq FROM event WHERE event_no = ?1

-- name: ledger_mark
UPDATE ledger_event SET state = ?2, applied_no = CASE WHEN ?2 IN ('applied', 'discarded')
    THEN (SELECT coalesce(max(applied_no), 0) + 1 FROM ledger_event) END
WHERE event_no = ?1

-- name: ledger_in_order
SELECT event_no, state, applied_no, correlation FROM ledger_event WHERE applied_no > ?1
ORDER BY applied_no LIMIT 1

-- name: ledger_state_of
SELECT state, correlation FROM ledger_event WHERE event_no = ?1

-- name: position_read
SELECT position FROM ledger_position WHERE correlation = ?1

-- name: position_write
INSERT INTO ledger_position (correlation, position) VALUES (?1, ?2)
ON CONFLICT (correlation) DO UPDATE SET position = excluded.position

-- name: journal_last
SELECT coalesce(max(entry_no), 0) FROM journal_entry

-- name: journal_insert
INSERT INTO journal_entry (reference, correlation, event_no, company, document_day, made_ms, body,
                           items, entry_no)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)

-- name: journal_all
SELECT journal_entry.entry_no, journal_entry.body, posting.state, posting.number,
       journal_entry.document_day
FROM journal_entry LEFT JOIN posting USING (reference)
WHERE (journal_entry.document_day, journal_entry.entry_no) > (?1, ?3)
    AND journal_entry.document_day <= ?2
ORDER BY journal_entry.document_day, journal_entry.entry_no LIMIT ?4

-- name: rebuild_keep
INSERT INTO journal_before (reference, body) SELECT reference, body FROM journal_entry

-- name: rebuild_forget_entries
DELETE FROM journal_entry

-- name: rebuild_forget_positions
DELETE FROM ledger_position

-- name: rebuild_drop
DELETE FROM journal_before

-- name: rebuild_compare
SELECT (SELECT count(*) FROM journal_entry),
       (SELECT count(*) FROM (SELECT reference, body FROM journal_entry
                              EXCEPT SELECT reference, body FROM journal_before) AS added) +
       (SELECT count(*) FROM (SELECT reference, body FROM journal_before
                              EXCEPT SELECT reference, body FROM journal_entry) AS gone),
       (SELECT count(*) FROM (SELECT reference, body FROM journal_before
                              EXCEPT SELECT reference, body FROM journal_entry) AS changed
        JOIN posting USING (reference) WHERE posting.state = 'posted')

-- name: created_of_return
SELECT event.body FROM event
WHERE correlation = ?1 AND type = 'com.tillback.return.created.v1' ORDER BY event_no LIMIT 1

-- name: company_of_return
SELECT company FROM journal_entry WHERE correlation = ?1 ORDER BY entry_no LIMIT 1

-- name: measure_time
INSERT INTO measure_bucket (measure, bucket, count, sum_s) VALUES (?1, ?2, 1, ?3)
ON CONFLICT (measure, bucket) DO UPDATE
SET count = measure_bucket.count + 1, sum_s = measure_bucket.sum_s + excluded.sum_s

-- name: measure_money
INSERT INTO measure_money (measure, currency, count, sum_minor) VALUES (?1, ?2, 1, ?3)
ON CONFLICT (measure, currency) DO UPDATE
SET count = measure_money.count + 1, sum_minor = measure_money.sum_minor + excluded.sum_minor

-- name: measure_day
INSERT INTO measure_day (measure, day, currency, count, sum_minor) VALUES (?1, ?2, ?3, 1, ?4)
ON CONFLICT (measure, day, currency) DO UPDATE
SET count = measure_day.count + 1, sum_minor = measure_day.sum_minor + excluded.sum_minor

-- name: balance_add
INSERT INTO journal_balance (company, month, role, tender, account, currency, debit_minor,
                             credit_minor)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
ON CONFLICT (company, month, role, tender, account, currency) DO UPDATE
SET debit_minor = journal_balance.debit_minor + excluded.debit_minor,
    credit_minor = journal_balance.credit_minor + excluded.credit_minor

-- name: rebuild_forget_balances
DELETE FROM journal_balance

-- name: gift_card_add
INSERT INTO gift_card (reference, currency, loaded_minor, spent_minor, correlation)
VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (reference) DO UPDATE
SET loaded_minor = gift_card.loaded_minor + excluded.loaded_minor,
    spent_minor = gift_card.spent_minor + excluded.spent_minor,
    correlation = coalesce(gift_card.correlation, excluded.correlation)
RETURNING card_no, loaded_minor, spent_minor, correlation

-- name: gift_card_void
UPDATE gift_card SET loaded_minor = 0 WHERE reference = ?1 AND correlation = ?2
RETURNING card_no, loaded_minor, spent_minor, correlation
