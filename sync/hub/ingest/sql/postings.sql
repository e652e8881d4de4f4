-- name: posting_insert
INSERT INTO posting (reference, company, state, updated_ms)
SELECT reference, company, 'ready', made_ms FROM journal_entry WHERE entry_no > ?1 ORDER BY entry_no
ON CONFLICT DO NOTHING

-- name: posting_company
SELECT company FROM posting WHERE state = 'ready' AND company > ?1 ORDER BY company LIMIT 1

-- name: posting_pick
-- The last but one: whether another of its return is parked. Hardly ever any is.
SELECT journal_entry.entry_no, journal_entry.reference, journal_entry.body, journal_entry.company,
       journal_entry.document_day, journal_entry.correlation, posting.attempts,
       CASE WHEN EXISTS (SELECT 1 FROM posting AS held WHERE held.state = 'parked')
            THEN (SELECT count(*) FROM journal_entry AS other
                  JOIN posting AS held ON held.reference = other.reference
                  WHERE other.correlation = journal_entry.correlation AND held.state = 'parked')
            ELSE 0 END,
       posting.later_day
FROM posting JOIN journal_entry USING (reference)
WHERE posting.state = 'ready' AND posting.company = ?3 AND posting.next_ms <= ?1
ORDER BY posting.next_ms, posting.posting_no LIMIT ?2

-- name: posting_document
SELECT journal_entry.items, event.body
FROM journal_entry JOIN return_index USING (correlation)
  JOIN event ON event.event_no = return_index.event_no
WHERE journal_entry.reference = ?1 AND journal_entry.items IS NOT NULL

-- name: posting_mark
-- Found by its reference: a server that knows little of the table yet would go through all of a state.
UPDATE posting SET state = ?2, connector = ?3, attempts = attempts + 1, next_ms = ?4, number = ?5,
       posted_day = ?6, code = ?7, detail = ?8, updated_ms = ?9, moved_from = ?10
WHERE reference = ?1 AND state || '' = 'ready'

-- name: posting_decide
UPDATE posting SET state = ?2, next_ms = 0, updated_ms = ?3, later_day = ?4
WHERE state = 'parked' AND (?4 = 0 OR code = 'period_closed')
  AND reference = (SELECT reference FROM journal_entry WHERE entry_no = ?1)

-- name: payment_insert
INSERT INTO payment (event, correlation, position, tender, type, token, return_number, currency,
                     amount_minor, state, code, detail, requested_ms, updated_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?13) ON CONFLICT DO NOTHING

-- name: payment_pick
UPDATE payment SET tries = tries + 1, next_ms = ?2
WHERE next_ms <= ?1 AND payment_no IN (
    SELECT payment_no FROM payment WHERE state IN ('ready', 'pending') AND next_ms <= ?1
    ORDER BY next_ms, payment_no LIMIT ?3)
RETURNING payment_no, correlation, position, round, tender, type, token, return_number, currency,
          amount_minor, state

-- name: payment_release
UPDATE payment SET next_ms = 0 WHERE state = 'ready'

-- name: payment_of_return
SELECT payment_no, event, tender, type, currency, amount_minor, state, round, reference FROM payment
WHERE correlation = ?1 AND position = ?2

-- name: payment_set
UPDATE payment SET state = ?2, reference = coalesce(?3, reference), code = ?4, detail = ?5,
       next_ms = ?6, updated_ms = ?7
WHERE payment_no = ?1

-- name: payment_put_off
UPDATE payment SET state = CASE WHEN ?2 = 'parked' THEN 'parked' ELSE state END, code = ?3,
       detail = ?4, next_ms = ?5, updated_ms = ?6
WHERE payment_no = ?1 AND state IN ('ready', 'pending')

-- name: payment_find
SELECT correlation, position, state, round FROM payment WHERE payment_no = ?1

-- name: payment_again
UPDATE payment SET state = 'ready', round = ?2, tries = 0, next_ms = 0, updated_ms = ?3
WHERE payment_no = ?1

-- name: outlet_next
SELECT ledger_event.applied_no, ledger_event.event_no, ledger_event.state, event.type, event.body,
       event.received_ms
FROM ledger_event JOIN event USING (event_no)
WHERE ledger_event.applied_no > ?1 ORDER BY ledger_event.applied_no LIMIT 1

-- name: outlet_add
INSERT INTO outlet (name, applied_no, tries, held_till_ms)
VALUES (?1, (SELECT coalesce(max(applied_no), 0) FROM ledger_event), 0, 0) ON CONFLICT DO NOTHING

-- name: outlet_hold
UPDATE outlet SET holder = ?2, held_till_ms = ?4
WHERE name = ?1 AND (held_till_ms <= ?3 OR holder = ?2) RETURNING applied_no, tries

-- name: outlet_move
UPDATE outlet SET applied_no = ?3, tries = ?4, held_till_ms = 0 WHERE name = ?1 AND holder = ?2

-- name: outlet_release
UPDATE outlet SET held_till_ms = 0

-- name: delivery_ready
SELECT delivery.event_no, event.body FROM delivery JOIN event USING (event_no)
WHERE delivery.outlet = ?1 AND delivery.state = 'ready' ORDER BY delivery.delivery_no LIMIT ?2

-- name: delivery_park
INSERT INTO delivery (outlet, event_no, state, code, detail, updated_ms)
VALUES (?1, ?2, 'parked', ?3, ?4, ?5)
ON CONFLICT (outlet, event_no) DO UPDATE
SET state = 'parked', code = excluded.code, detail = excluded.detail,
    updated_ms = excluded.updated_ms

-- name: delivery_done
UPDATE delivery SET state = 'delivered', updated_ms = ?3 WHERE outlet = ?1 AND event_no = ?2

-- name: delivery_decide
UPDATE delivery SET state = ?2, updated_ms = ?3 WHERE delivery_no = ?1 AND state = 'parked'

-- name: connector_unlist
UPDATE connector SET listed = 0

-- name: connector_put
INSERT INTO connector (kind, name, system, most_a_minute, listed) VALUES (?1, ?2, ?3, ?4, 1)
ON CONFLICT (kind, name) DO UPDATE
SET system = excluded.system, most_a_minute = excluded.most_a_minute, listed = 1

-- name: connector_drop
DELETE FROM connector WHERE listed = 0

-- name: connector_company_drop
DELETE FROM connector_company

-- name: connector_company_insert
INSERT INTO connector_company (company, name) VALUES (?2, ?1)

-- name: connector_answered
UPDATE connector SET failures = 0, failing_since_ms = NULL, next_ms = 0, answered_ms = ?3
WHERE kind = ?1 AND name = ?2

-- name: connector_failed
UPDATE connector SET failures = ?4, failing_since_ms = coalesce(failing_since_ms, ?3), next_ms = ?5,
    failed_ms = ?3, code = ?6, detail = ?7
WHERE kind = ?1 AND name = ?2

-- name: connectors
-- All of them, with what is ready for each and what of it waits for a person. Of an outlet, which
-- may not want them all, the applied events that it hasn't looked at count as waiting.
WITH entries AS (
    SELECT coalesce((SELECT name FROM connector_company WHERE company = each_company.company),
                    (SELECT name FROM connector WHERE kind = 'posting'
                     AND name NOT IN (SELECT name FROM connector_company))) AS name,
           state, sum(count) AS count, min(first) AS first
    FROM (SELECT company, state, count(*) AS count, min(posting_no) AS first FROM posting
          WHERE state IN ('ready', 'parked') GROUP BY company, state) AS each_company
    GROUP BY 1, 2
), waiting AS (
    SELECT 'posting' AS kind, entries.name, entries.count, journal_entry.made_ms AS since_ms
    FROM entries JOIN posting ON posting.posting_no = entries.first
        JOIN journal_entry ON journal_entry.reference = posting.reference
    WHERE entries.state = 'ready'
    UNION ALL
    SELECT 'payment', name, (SELECT count(*) FROM payment WHERE state = 'ready'),
        (SELECT min(requested_ms) FROM payment WHERE state = 'ready')
    FROM connector WHERE kind = 'payment'
    UNION ALL
    SELECT 'outlet', name, (SELECT coalesce(max(applied_no), 0) FROM ledger_event) - applied_no +
        (SELECT count(*) FROM delivery WHERE outlet = outlet.name AND state = 'ready'),
        (SELECT event.received_ms FROM ledger_event JOIN event USING (event_no)
         WHERE ledger_event.applied_no > outlet.applied_no ORDER BY ledger_event.applied_no LIMIT 1)
    FROM outlet
), parked AS (
    SELECT 'posting' AS kind, name, count FROM entries WHERE state = 'parked'
    UNION ALL
    SELECT 'payment', name, (SELECT count(*) FROM payment WHERE state = 'parked')
    FROM connector WHERE kind = 'payment'
    UNION ALL
    SELECT 'outlet', outlet, count(*) FROM delivery WHERE state = 'parked' GROUP BY outlet
)
SELECT row_number() OVER (ORDER BY connector.kind DESC, connector.name) AS number, connector.kind,
       connector.name, connector.system,
       CASE WHEN connector.failures = 0 THEN 'closed' WHEN connector.next_ms > ?1 THEN 'open'
            ELSE 'half_open' END AS circuit,
       coalesce(waiting.count, 0) AS waiting, waiting.since_ms AS oldest_ms,
       coalesce(parked.count, 0) AS parked, connector.most_a_minute, connector.failures,
       connector.failing_since_ms,
       CASE WHEN connector.failures > 0 THEN connector.next_ms END AS next_try_ms,
       connector.answered_ms, connector.failed_ms, connector.code, connector.detail
FROM connector
  LEFT JOIN waiting ON waiting.kind = connector.kind AND waiting.name = connector.name
  LEFT JOIN parked ON parked.kind = connector.kind AND parked.name = connector.name
ORDER BY number
