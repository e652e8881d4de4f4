-- name: hub_read
SELECT epoch, generation, place, broker_group FROM hub WHERE one = 1
-- name: hub_write
INSERT INTO hub (one, epoch, generation, place, broker_group) VALUES (1, ?1, ?2, ?3, ?4)
ON CONFLICT (one) DO UPDATE
SET epoch = excluded.epoch, generation = excluded.generation, place = excluded.place,
    broker_group = CASE WHEN hub.broker_group = '' THEN excluded.broker_group
                        ELSE hub.broker_group END
-- name: hub_forget_place
UPDATE hub SET place = 'restored'
-- name: hub_news
SELECT (SELECT coalesce(max(generation), 0) FROM hub) +
       (SELECT coalesce(max(audit_no), 0) FROM audit)

-- name: device_seen
INSERT INTO device (id, first_seen_ms, last_seen_ms) VALUES (?1, ?2, ?2)
ON CONFLICT (id) DO UPDATE SET last_seen_ms = excluded.last_seen_ms

-- name: log_find
SELECT log_no, device, stream, parent_log, parent_seq, parent_hash, through, hash,
       backed_up_through, ack_no,
       EXISTS (SELECT 1 FROM recalled WHERE recalled.log_no = stream_log.log_no)
FROM stream_log WHERE log_id = ?1
-- name: log_insert
INSERT INTO stream_log (log_id, device, stream, parent_log, parent_seq, parent_hash, through, hash,
                        backed_up_through, ack_no, created_ms, updated_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, 0, 0, ?8, ?8) RETURNING log_no
-- name: log_update
UPDATE stream_log SET through = ?2, hash = ?3, backed_up_through = ?4, ack_no = ?5, updated_ms = ?6
WHERE log_no = ?1
-- name: log_move
UPDATE stream_log SET device = ?2 WHERE log_no = ?1
-- name: log_newest
SELECT max(log_no) FROM stream_log WHERE device = ?1 AND stream = ?2
-- name: log_current
SELECT log_no, log_id, device FROM stream_log
WHERE log_no > ?1 AND stream <> 'centre' AND NOT EXISTS
    (SELECT 1 FROM stream_log AS later WHERE later.device = stream_log.device
     AND later.stream = stream_log.stream AND later.log_no > stream_log.log_no)
ORDER BY log_no LIMIT ?2
-- name: log_untold
SELECT log_no, log_id, device FROM stream_log WHERE untold = 1 AND log_no > ?1
ORDER BY log_no LIMIT ?2
-- name: log_told
UPDATE stream_log SET untold = 0 WHERE log_no = ?1 AND untold = 1
-- name: log_backed_up
UPDATE stream_log SET backed_up_through = ?2, ack_no = ack_no + 1, untold = 1
WHERE log_id = ?1 AND backed_up_through < ?2 AND through >= ?2
-- name: log_all
SELECT log_id, through FROM stream_log

-- name: entry_hash
SELECT hash FROM entry WHERE log_no = ?1 AND seq = ?2
-- name: entry_insert
INSERT INTO entry (log_no, seq, event_no, hash) VALUES (?1, ?2, ?3, ?4)
-- name: entry_delete
DELETE FROM entry WHERE log_no = ?1 AND seq = ?2
-- name: entry_bodies
SELECT entry.seq, entry.hash, event.body FROM entry JOIN event USING (event_no)
WHERE entry.log_no = ?1 AND entry.seq BETWEEN ?2 AND ?3 ORDER BY entry.seq

-- name: event_insert
INSERT INTO event (id, device, log_no, seq, type, subject, correlation, sequence, time_ms,
                   received_ms, body_hash, body, event_no)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
ON CONFLICT DO NOTHING
-- name: event_last
-- Never the number of one that is lost, and of which entries were made.
SELECT coalesce(max(event_no), 0) FROM
    (SELECT max(event_no) AS event_no FROM event
     UNION ALL SELECT event_no FROM ledger_cursor) AS numbers
-- name: event_nameless
SELECT event_no, body_hash FROM event WHERE device = ?1 AND body_hash = ?2 AND id IS NULL
-- name: event_place
SELECT event.log_no, event.seq, stream_log.log_id
FROM event JOIN stream_log USING (log_no) WHERE event.event_no = ?1
-- name: event_by_id
SELECT event_no, body_hash FROM event WHERE id = ?1
-- name: return_insert
INSERT INTO return_index (correlation, event_no, device, number, receipt, created_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (correlation) DO NOTHING

-- name: range_near
SELECT first, last FROM held_range
WHERE log_no = ?1 AND first <= ?3 + 1 AND last >= ?2 - 1 ORDER BY first
-- name: range_delete
DELETE FROM held_range WHERE log_no = ?1 AND first = ?2
-- name: range_insert
INSERT INTO held_range (log_no, first, last) VALUES (?1, ?2, ?3)
-- name: range_list
SELECT first, last FROM held_range WHERE log_no = ?1 ORDER BY first LIMIT ?2

-- name: parked_insert
INSERT INTO parked (log_no, seq, event_no, claimed_id, code, detail, state, parked_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'open', ?7)
-- name: parked_of_log
SELECT claimed_id, seq, code, detail FROM parked WHERE log_no = ?1 AND state = 'open' AND seq < ?3
ORDER BY seq DESC LIMIT ?2
-- name: parked_of_log_count
SELECT count(*) FROM parked WHERE log_no = ?1 AND state = 'open'

-- name: exception_raise
INSERT INTO hub_exception (code, device, log_id, seq, detail, times, raised_ms, last_ms, team, due_ms)
VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?6, ?7, ?8)
ON CONFLICT (code, device, log_id, seq) DO UPDATE
SET times = hub_exception.times + 1, last_ms = excluded.last_ms,
    state = CASE hub_exception.state WHEN 'resolved' THEN 'open' ELSE hub_exception.state END,
    due_ms = CASE hub_exception.state WHEN 'resolved' THEN excluded.due_ms
             ELSE hub_exception.due_ms END,
    resolved_ms = NULL

-- name: inbox_number
UPDATE device SET inbox_next = inbox_next + 1 WHERE id = ?1 RETURNING inbox_next - 1
-- name: inbox_insert
INSERT INTO inbox_out (device, number, body, created_ms) VALUES (?1, ?2, ?3, ?4)
-- name: inbox_add
INSERT INTO inbox_out (device, number, body, created_ms)
SELECT id, inbox_next, ?2, ?3 FROM device WHERE id = ?1
-- name: inbox_count_on
UPDATE device SET inbox_next = inbox_next + ?2 WHERE id = ?1
-- name: inbox_mark
SELECT inbox_next, inbox_through FROM device WHERE id = ?1
-- name: inbox_lift
UPDATE inbox_out SET number = -(number + ?2) WHERE device = ?1
AND number > (SELECT inbox_through FROM device WHERE id = ?1)
-- name: inbox_lifted
UPDATE inbox_out SET number = -number WHERE device = ?1 AND number < 0
-- name: inbox_lift_erasures
UPDATE customer_erasure SET number = number + ?2 WHERE device = ?1
AND number > (SELECT inbox_through FROM device WHERE id = ?1)
-- name: inbox_lift_mark
UPDATE device SET inbox_next = inbox_next + ?2, inbox_through = inbox_through + ?2 WHERE id = ?1
-- name: inbox_predecessor
SELECT former.id, former.inbox_through, heir.inbox_next
FROM takeover JOIN device AS former ON former.id = takeover.of JOIN device AS heir ON heir.id = ?1
WHERE takeover.device = ?1 AND former.inbox_next > former.inbox_through + 1
ORDER BY former.first_seen_ms LIMIT 1
-- name: inbox_move
UPDATE inbox_out SET device = ?1, number = number - ?3 + ?4 - 1 WHERE device = ?2 AND number > ?3
-- name: inbox_move_erasures
UPDATE customer_erasure SET device = ?1, number = number - ?3 + ?4 - 1
WHERE device = ?2 AND number > ?3
AND customer NOT IN (SELECT customer FROM customer_erasure WHERE device = ?1)
-- name: inbox_move_mark
UPDATE device SET inbox_next = inbox_next + (SELECT count(*) FROM inbox_out
    WHERE inbox_out.device = ?1 AND inbox_out.number >= device.inbox_next) WHERE id = ?1
-- name: inbox_moved
UPDATE device SET inbox_through = inbox_next - 1 WHERE id = ?1
-- name: inbox_acknowledge
UPDATE device SET inbox_through = ?2 WHERE id = ?1 AND inbox_through <> ?2 AND inbox_next > ?2
-- name: inbox_waiting
SELECT inbox_out.number, inbox_out.body, device.inbox_through FROM inbox_out JOIN device ON device.id = inbox_out.device
WHERE inbox_out.device = ?1 AND inbox_out.number > device.inbox_through
ORDER BY inbox_out.number LIMIT ?2
-- name: inbox_news
SELECT id FROM device WHERE id > ?1 AND inbox_next > inbox_through + 1 AND EXISTS
    (SELECT 1 FROM inbox_out WHERE inbox_out.device = device.id
     AND inbox_out.number = device.inbox_next - 1 AND inbox_out.created_ms >= ?2)
ORDER BY id LIMIT ?3
-- name: inbox_forget
DELETE FROM inbox_out WHERE device = ?1
AND number <= (SELECT inbox_through FROM device WHERE id = ?1) - ?2
-- name: inbox_forget_old
DELETE FROM inbox_out WHERE device = ?1 AND created_ms < ?2 AND number IN
    (SELECT number FROM inbox_out WHERE device = ?1
     AND number <= (SELECT inbox_through FROM device WHERE id = ?1) ORDER BY number LIMIT 200)
-- name: inbox_drop_taken
DELETE FROM inbox_out WHERE number <= (SELECT inbox_through FROM device WHERE id = inbox_out.device)
-- name: inbox_renumber
INSERT INTO inbox_out (device, number, body, created_ms)
SELECT device, -row_number() OVER (PARTITION BY device ORDER BY number), body, created_ms
FROM inbox_out
-- name: inbox_drop_old
DELETE FROM inbox_out WHERE number > 0
-- name: inbox_restore
UPDATE inbox_out SET number = -number
-- name: inbox_restart
UPDATE device SET inbox_through = 0,
    inbox_next = 1 + (SELECT count(*) FROM inbox_out WHERE inbox_out.device = device.id)
-- name: erasure_drop_taken
DELETE FROM customer_erasure WHERE device NOT IN (SELECT device FROM inbox_out)
-- name: erasure_renumber
UPDATE customer_erasure SET hub_epoch = (SELECT epoch FROM hub),
    number = (SELECT max(number) FROM inbox_out WHERE inbox_out.device = customer_erasure.device)

-- name: state_born
UPDATE device SET session = ?2, session_started_ms = ?4, online = 1, state = ?3, last_seen_ms = ?4,
    waiting = ?5, torn_ends = ?6
WHERE id = ?1
-- name: state_died
UPDATE device SET online = 0, last_seen_ms = ?3 WHERE id = ?1 AND session = ?2
-- name: event_of_another
SELECT 1 FROM event WHERE correlation = ?1 AND device NOT IN (?2, 'centre')
  AND device NOT IN (SELECT of FROM takeover WHERE takeover.device = ?2) LIMIT 1
-- name: sale_by_subject
SELECT body FROM event WHERE subject = ?1
AND type IN ('com.tillback.sale.recorded.v1', 'com.tillback.sale.pushed.v1')
ORDER BY event_no LIMIT 1
-- name: event_body_by_id
SELECT body FROM event WHERE id = ?1
-- name: tax_given_back
SELECT body FROM event
WHERE type IN ('com.tillback.return.created.v1', 'com.tillback.tax.adjusted.v1')
  AND (correlation = ?1
       OR correlation IN (SELECT correlation FROM claim WHERE receipt = ?2 AND live = 1))
ORDER BY event_no
-- name: authorised_return
SELECT body FROM event
WHERE correlation = ?1 AND type = 'com.tillback.return.authorised.v1' ORDER BY event_no LIMIT 1
-- name: returned_of_receipt
SELECT body FROM event
WHERE type = 'com.tillback.return.created.v1'
  AND correlation IN (SELECT correlation FROM claim WHERE receipt = ?1 AND live = 1)
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
-- name: posting_insert
INSERT INTO posting (reference, company, state, updated_ms)
SELECT reference, company, 'ready', made_ms FROM journal_entry WHERE entry_no > ?1 ORDER BY entry_no
ON CONFLICT DO NOTHING
-- name: posting_company
SELECT company FROM posting WHERE state = 'ready' AND company > ?1 ORDER BY company LIMIT 1
-- name: posting_pick
SELECT journal_entry.entry_no, journal_entry.reference, journal_entry.body, journal_entry.company,
       journal_entry.document_day, journal_entry.correlation, posting.attempts
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
UPDATE posting SET state = ?2, next_ms = 0, updated_ms = ?3
WHERE state = 'parked' AND reference = (SELECT reference FROM journal_entry WHERE entry_no = ?1)
-- name: journal_all
SELECT journal_entry.entry_no, journal_entry.body, posting.state, posting.number
FROM journal_entry LEFT JOIN posting USING (reference)
WHERE journal_entry.document_day BETWEEN ?1 AND ?2 ORDER BY journal_entry.entry_no
-- name: centre_log
SELECT log_no, device, stream, parent_log, parent_seq, parent_hash, through, hash,
       backed_up_through, ack_no, log_id
FROM stream_log WHERE device = 'centre' AND stream = 'centre' LIMIT 1
-- name: homes_of_return
-- Those that hold the sale, or have just asked for it, and whether the return is the centre's own. The
-- types are as event_of_sale has them, so that it can be used.
SELECT sale.device, return_index.device = 'centre' FROM return_index JOIN event AS sale
  ON sale.subject = 'receipt/' || return_index.receipt
  AND sale.type IN ('com.tillback.sale.recorded.v1', 'com.tillback.sale.pushed.v1')
  AND sale.type = 'com.tillback.sale.recorded.v1'
WHERE return_index.correlation = ?1 AND sale.device <> return_index.device
UNION
SELECT sale_holder.device, return_index.device = 'centre' FROM return_index
  JOIN sale_holder ON sale_holder.receipt = return_index.receipt
WHERE return_index.correlation = ?1 AND sale_holder.device <> return_index.device
UNION
SELECT receipt_lease.device, return_index.device = 'centre' FROM return_index
  JOIN receipt_lease ON receipt_lease.receipt = return_index.receipt
WHERE return_index.correlation = ?1 AND receipt_lease.device <> return_index.device
  AND receipt_lease.until_ms > ?2
LIMIT 16
-- name: centre_facts
-- What must be known of facts before they are recorded. Of each there are asked its id (NULL: a new
-- one) and its return; answered are the centre's log, as centre_log has it, the last of all events,
-- as event_last has it, whether the id is there, what the centre has told of the return, the return's
-- appliance and its next message's number, and the device of an exception that is of no return, and
-- correlates with itself.
SELECT log.log_no, log.device, log.stream, log.parent_log, log.parent_seq, log.parent_hash,
       log.through, log.hash, log.backed_up_through, log.ack_no, log.log_id,
       max((SELECT coalesce(max(event_no), 0) FROM event), (SELECT event_no FROM ledger_cursor)),
       (SELECT count(*) FROM event WHERE event.id = asked.id),
       (SELECT count(*) FROM event WHERE event.correlation = asked.correlation
        AND event.device = 'centre' AND event.sequence > 0),
       home.device, (SELECT inbox_next FROM device WHERE device.id = home.device),
       (SELECT device FROM event WHERE event.correlation = asked.correlation
        AND event.type = 'com.tillback.exception.raised.v1' AND event.device <> 'centre' LIMIT 1)
FROM (
    SELECT 0 AS place, CAST(?1 AS BLOB) AS id, CAST(?2 AS BLOB) AS correlation
    UNION ALL SELECT 1, ?3, ?4
    UNION ALL SELECT 2, ?5, ?6
    UNION ALL SELECT 3, ?7, ?8
    UNION ALL SELECT 4, ?9, ?10
    UNION ALL SELECT 5, ?11, ?12
    UNION ALL SELECT 6, ?13, ?14
    UNION ALL SELECT 7, ?15, ?16
    UNION ALL SELECT 8, ?17, ?18
    UNION ALL SELECT 9, ?19, ?20
    UNION ALL SELECT 10, ?21, ?22
    UNION ALL SELECT 11, ?23, ?24
    UNION ALL SELECT 12, ?25, ?26
    UNION ALL SELECT 13, ?27, ?28
    UNION ALL SELECT 14, ?29, ?30
    UNION ALL SELECT 15, ?31, ?32
) AS asked
  LEFT JOIN (SELECT * FROM stream_log WHERE device = 'centre' AND stream = 'centre' LIMIT 1) AS log
    ON TRUE
  LEFT JOIN return_index AS home
    ON home.correlation = asked.correlation AND home.device <> 'centre'
WHERE asked.correlation IS NOT NULL ORDER BY asked.place
-- name: centre_fact
-- The same of one fact alone, which most are.
SELECT log.log_no, log.device, log.stream, log.parent_log, log.parent_seq, log.parent_hash,
       log.through, log.hash, log.backed_up_through, log.ack_no, log.log_id,
       max((SELECT coalesce(max(event_no), 0) FROM event), (SELECT event_no FROM ledger_cursor)),
       (SELECT count(*) FROM event WHERE event.id = asked.id),
       (SELECT count(*) FROM event WHERE event.correlation = asked.correlation
        AND event.device = 'centre' AND event.sequence > 0),
       home.device, (SELECT inbox_next FROM device WHERE device.id = home.device),
       (SELECT device FROM event WHERE event.correlation = asked.correlation
        AND event.type = 'com.tillback.exception.raised.v1' AND event.device <> 'centre' LIMIT 1)
FROM (
    SELECT 0 AS place, CAST(?1 AS BLOB) AS id, CAST(?2 AS BLOB) AS correlation
) AS asked
  LEFT JOIN (SELECT * FROM stream_log WHERE device = 'centre' AND stream = 'centre' LIMIT 1) AS log
    ON TRUE
  LEFT JOIN return_index AS home
    ON home.correlation = asked.correlation AND home.device <> 'centre'
WHERE asked.correlation IS NOT NULL ORDER BY asked.place
-- name: parked_by_ledger
INSERT INTO parked (log_no, seq, event_no, claimed_id, code, detail, state, parked_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'open', ?7)
ON CONFLICT (event_no) DO UPDATE
SET code = excluded.code, detail = excluded.detail, state = 'open', parked_ms = excluded.parked_ms
-- name: log_news
UPDATE stream_log SET ack_no = ack_no + 1, updated_ms = ?2, untold = 1 WHERE log_no = ?1
RETURNING log_id, device
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

-- name: token_insert
INSERT INTO access_token (name, role, hash, created_ms) VALUES (?1, ?2, ?3, ?4)
-- name: token_find
SELECT name, role FROM access_token WHERE hash = ?1 AND revoked_ms IS NULL
-- name: token_list
SELECT token_no, name, role, created_ms, revoked_ms FROM access_token ORDER BY token_no
-- name: token_revoke
UPDATE access_token SET revoked_ms = ?2 WHERE token_no = ?1 AND revoked_ms IS NULL
-- name: audit_insert
INSERT INTO audit (at_ms, actor, role, action, subject, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6)

-- name: parked_find
SELECT parked.parked_no, parked.event_no, parked.log_no, parked.state,
       EXISTS (SELECT 1 FROM ledger_event WHERE ledger_event.event_no = parked.event_no),
       stream_log.log_id, parked.seq, parked.claimed_id, parked.code, event.correlation,
       event.device, parked.decided
FROM parked JOIN stream_log USING (log_no) JOIN event USING (event_no)
WHERE parked_no = ?1 OR claimed_id = ?2 ORDER BY state = 'open' DESC, parked_no LIMIT 1
-- name: parked_at
SELECT parked_no FROM parked JOIN stream_log USING (log_no)
WHERE log_id = ?1 AND parked.seq = ?2 AND device = (SELECT device FROM event WHERE event_no = ?3)
-- name: parked_list
SELECT parked.parked_no, parked.claimed_id, parked.seq, parked.code, parked.detail,
       parked.parked_ms, stream_log.device, stream_log.stream
FROM parked JOIN stream_log USING (log_no)
WHERE parked.state = 'open' ORDER BY parked.parked_no
-- name: parked_body
SELECT event.body FROM parked JOIN event USING (event_no) WHERE parked_no = ?1
-- name: parked_state
UPDATE parked SET state = ?2, decided = decided + 1 WHERE parked_no = ?1
-- name: event_reread
UPDATE event SET id = ?2, type = ?3, subject = ?4, correlation = ?5, sequence = ?6, time_ms = ?7
WHERE event_no = ?1 AND NOT EXISTS (SELECT 1 FROM event WHERE id = ?2)

-- name: exception_assign
UPDATE hub_exception SET state = 'assigned', owner = ?2, assigned_ms = ?3, turn = turn + 1
WHERE exception_no = ?1 AND state <> 'resolved'
-- name: exception_resolve
UPDATE hub_exception SET state = 'resolved', resolution = ?2, resolved_ms = ?3
WHERE exception_no = ?1 AND state <> 'resolved'
-- name: event_parked
SELECT event.body, event.device, stream_log.stream FROM event JOIN stream_log USING (log_no)
WHERE event.event_no = ?1

-- name: takeover_insert
INSERT INTO takeover (device, of) VALUES (?1, ?2) ON CONFLICT DO NOTHING
-- name: takeover_inherit
INSERT INTO takeover (device, of) SELECT ?1, of FROM takeover WHERE device = ?2
ON CONFLICT (device, of) DO NOTHING
-- name: takeover_find
SELECT 1 FROM takeover WHERE device = ?1 AND of = ?2
-- name: restore_logs
SELECT log_id, stream, through FROM stream_log
WHERE through > 0 AND stream <> 'centre'
  AND (device = ?1 OR device IN (SELECT of FROM takeover WHERE takeover.device = ?1))
ORDER BY log_no DESC LIMIT ?2
-- name: restore_may
SELECT 1 FROM stream_log WHERE log_id = ?2 AND stream <> 'centre'
  AND (device = ?1 OR device IN (SELECT of FROM takeover WHERE takeover.device = ?1))
-- name: follow_cursor
SELECT applied_no FROM follow_cursor WHERE one = 1
-- name: follow_cursor_move
UPDATE follow_cursor SET applied_no = ?1 WHERE one = 1
-- name: follow_ahead
SELECT ledger_event.applied_no, ledger_event.event_no, ledger_event.state, event.type,
       CASE WHEN length(event.body) <= ?3 THEN event.body END, event.received_ms
FROM ledger_event JOIN event USING (event_no)
WHERE ledger_event.applied_no > ?1 ORDER BY ledger_event.applied_no LIMIT ?2
-- name: created_of_return
SELECT event.body FROM event
WHERE correlation = ?1 AND type = 'com.tillback.return.created.v1' ORDER BY event_no LIMIT 1
-- name: company_of_return
SELECT company FROM journal_entry WHERE correlation = ?1 ORDER BY entry_no LIMIT 1
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
-- name: expected_charge_back
UPDATE expected_refund SET charged_back = 1 WHERE correlation = ?1 AND (?2 = '' OR tender = ?2)
-- name: expected_candidates
SELECT expected_no, reference, own, payment, terminal, receipt, currency, amount_minor, day, state,
       charged_back, number, tender_no, tender, correlation, company, position
FROM expected_refund
WHERE state <> 'failed'
  AND ((reference = ?1 AND ?1 <> '') OR (own = ?2 AND ?2 <> '') OR (number = ?2 AND ?2 <> '')
       OR (payment = ?3 AND ?3 <> '') OR (receipt = ?2 AND ?2 <> ''))
ORDER BY amount_minor <> ?4, expected_no LIMIT ?5
-- name: expected_find
SELECT expected_no, reference, own, payment, terminal, receipt, currency, amount_minor, day, state,
       charged_back, number, tender_no, tender, correlation, company, position
FROM expected_refund WHERE expected_no = ?1
-- name: expected_state
UPDATE expected_refund SET state = ?2, settled_day = ?3 WHERE expected_no = ?1
-- name: expected_mark_charged_back
UPDATE expected_refund SET charged_back = ?2 WHERE expected_no = ?1
-- name: expected_missing
SELECT expected_no, correlation, number, amount_minor, currency, day, position, own
FROM expected_refund
WHERE state = 'open' AND missed = 0 AND day < ?1 ORDER BY day LIMIT 50
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
SELECT line_no, row_no, format, kind, type, batch, reference, payment, own, terminal, currency,
       gross_minor, net_currency, fee_minor, net_minor, day, state,
       (SELECT hash FROM settlement_file WHERE settlement_file.file_no = settlement_line.file_no)
FROM settlement_line WHERE state = 'new' ORDER BY line_no LIMIT 1
-- name: settlement_line_find
SELECT line_no, row_no, format, kind, type, batch, reference, payment, own, terminal, currency,
       gross_minor, net_currency, fee_minor, net_minor, day, state,
       (SELECT hash FROM settlement_file WHERE settlement_file.file_no = settlement_line.file_no)
FROM settlement_line WHERE line_no = ?1
-- name: settlement_line_mark
UPDATE settlement_line SET state = ?2, match_key = ?3, expected_no = ?4, mismatches = ?5
WHERE line_no = ?1
-- name: settlement_line_bank
UPDATE settlement_line SET state = 'matched', batch_no = ?2, mismatches = ?3 WHERE line_no = ?1
-- name: settlement_batch_add
INSERT INTO settlement_batch (format, batch, currency, net_minor, payout_minor, has_payout,
                              payout_reference, day)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
ON CONFLICT (format, batch, currency) DO UPDATE
SET net_minor = settlement_batch.net_minor + excluded.net_minor,
    payout_minor = settlement_batch.payout_minor + excluded.payout_minor,
    has_payout = max(settlement_batch.has_payout, excluded.has_payout),
    payout_reference = CASE excluded.payout_reference WHEN '' THEN settlement_batch.payout_reference
                       ELSE excluded.payout_reference END,
    day = max(settlement_batch.day, excluded.day)
-- name: settlement_batches_of_file
SELECT DISTINCT settlement_batch.batch_no, settlement_batch.batch, settlement_batch.net_minor,
       settlement_batch.payout_minor, settlement_batch.has_payout, settlement_batch.bank_minor,
       settlement_batch.currency
FROM settlement_line JOIN settlement_batch
  ON settlement_batch.format = settlement_line.format
 AND settlement_batch.batch = settlement_line.batch
 AND settlement_batch.currency = settlement_line.net_currency
WHERE settlement_line.file_no = ?1 AND settlement_batch.batch_no > ?2
ORDER BY settlement_batch.batch_no LIMIT 1
-- name: settlement_batch_find
SELECT batch_no, batch, net_minor, payout_minor, has_payout, bank_minor, currency
FROM settlement_batch WHERE batch_no = ?1
-- name: settlement_batch_of_bank
SELECT batch_no FROM settlement_batch
WHERE bank_line IS NULL AND currency = ?1 AND day BETWEEN ?4 - 31 AND ?4 + 3
  AND ((instr(?3, batch) > 0 AND length(batch) >= 3)
       OR (payout_reference <> '' AND instr(?3, payout_reference) > 0)
       OR CASE has_payout WHEN 1 THEN payout_minor ELSE net_minor END = ?2)
ORDER BY (payout_reference <> '' AND instr(?3, payout_reference) > 0) DESC,
         (instr(?3, batch) > 0 AND length(batch) >= 3) DESC, abs(day - ?4), batch_no LIMIT 1
-- name: settlement_banks_waiting
SELECT line_no, row_no, format, kind, type, batch, reference, payment, own, terminal, currency,
       gross_minor, net_currency, fee_minor, net_minor, day, state,
       (SELECT hash FROM settlement_file WHERE settlement_file.file_no = settlement_line.file_no)
FROM settlement_line WHERE state = 'unmatched' AND kind = 'payout' AND line_no > ?1
ORDER BY line_no LIMIT 1
-- name: settlement_batch_bank
UPDATE settlement_batch SET bank_minor = ?2, bank_line = ?3 WHERE batch_no = ?1
-- name: settlement_batch_mismatch
UPDATE settlement_batch SET mismatches = ?2 WHERE batch_no = ?1
-- name: exception_about
INSERT INTO hub_exception (code, device, log_id, seq, detail, times, raised_ms, last_ms,
                           correlation, id, team, due_ms)
VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?6, ?7, ?8, ?9, ?10)
ON CONFLICT (code, device, log_id, seq) DO UPDATE
SET times = hub_exception.times + 1, last_ms = excluded.last_ms, detail = excluded.detail
RETURNING times
-- name: exception_reopen
-- As posting_mark.
UPDATE hub_exception
SET state = 'open', turn = turn + 1, times = times + 1, last_ms = ?6, detail = ?5, due_ms = ?7,
    resolved_ms = NULL
WHERE code = ?1 AND device = ?2 AND log_id = ?3 AND seq = ?4 AND state || '' = 'resolved'
RETURNING turn
-- name: exception_find
SELECT code, id, correlation, turn, CASE state WHEN 'assigned' THEN owner END
FROM hub_exception WHERE exception_no = ?1
-- name: exception_of_centre
SELECT exception_no FROM hub_exception
WHERE code = ?1 AND device = ?2 AND seq = ?3 AND state <> 'resolved'
-- name: exception_by_id
SELECT exception_no FROM hub_exception WHERE id = ?1 AND state <> 'resolved'
-- name: settlement_line_told_before
SELECT 1 FROM settlement_line
WHERE reference = ?1 AND line_no < ?2 AND kind = 'payout' AND currency = ?3 AND gross_minor = ?4
  AND day = ?5 AND format IN ('camt053', 'camt054') LIMIT 1
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
-- name: store_device_learn
INSERT INTO store_device (device, store) VALUES (?1, ?2)
ON CONFLICT (device) DO UPDATE SET store = excluded.store
-- name: store_devices
SELECT device FROM store_device WHERE store = ?1 ORDER BY device LIMIT 16
-- name: pushed_sale_find
SELECT hash, event_no FROM pushed_sale WHERE receipt = ?1
-- name: pushed_sale_insert
INSERT INTO pushed_sale (receipt, hash, event_no) VALUES (?1, ?2, ?3)
-- name: sale_holder_insert
INSERT INTO sale_holder (receipt, device) VALUES (?1, ?2) ON CONFLICT (receipt, device) DO NOTHING
-- name: lease_find
SELECT until_ms FROM receipt_lease WHERE receipt = ?1 AND device <> ?2 AND until_ms > ?3
-- name: lease_take
INSERT INTO receipt_lease (receipt, device, until_ms) VALUES (?1, ?2, ?3)
ON CONFLICT (receipt) DO UPDATE SET device = excluded.device, until_ms = excluded.until_ms
-- name: lease_end
DELETE FROM receipt_lease WHERE receipt = ?1
-- name: claim_insert
INSERT INTO claim (receipt, line, correlation, kind, quantity, live, authorisation, expires_ms)
VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?7)
ON CONFLICT (receipt, line, correlation) DO UPDATE
SET kind = excluded.kind, authorisation = excluded.authorisation, expires_ms = excluded.expires_ms,
    quantity = CASE WHEN claim.kind = excluded.kind THEN claim.quantity + excluded.quantity
                    ELSE excluded.quantity END
-- name: claim_sum
SELECT coalesce(sum(quantity), 0), max(correlation) FROM claim
WHERE receipt = ?1 AND line = ?2 AND live = 1 AND correlation <> ?3 AND kind = 'returned'
-- name: claim_promised
-- What is authorised, may still come, and hasn't come back yet.
SELECT coalesce(sum(CASE WHEN quantity > used THEN quantity - used ELSE 0 END), 0)
FROM (SELECT quantity, (SELECT coalesce(sum(use.quantity), 0) FROM claim AS use
                        WHERE use.authorisation = claim.correlation
                          AND use.receipt = claim.receipt AND use.line = claim.line
                          AND use.live = 1) AS used
      FROM claim
      WHERE receipt = ?1 AND line = ?2 AND live = 1 AND correlation <> ?3 AND kind = 'authorised'
        AND (expires_ms IS NULL OR expires_ms >= ?4))
  AS promise
-- name: claim_used
SELECT coalesce(sum(quantity), 0), max(correlation) FROM claim
WHERE authorisation = ?4 AND receipt = ?1 AND line = ?2 AND live = 1 AND correlation <> ?3
-- name: claim_allowed
SELECT sum(CASE WHEN line = ?2 THEN quantity ELSE 0 END) FROM claim
WHERE correlation = ?3 AND receipt = ?1 HAVING count(*) > 0
-- name: claim_end
UPDATE claim SET live = 0 WHERE correlation = ?1
-- name: return_voided
SELECT 1 FROM event WHERE correlation = ?1 AND type = 'com.tillback.return.voided.v1' LIMIT 1
-- name: return_find
SELECT correlation, device FROM return_index WHERE number = ?1 OR correlation = ?2 LIMIT 1
-- name: balance_add
INSERT INTO journal_balance (company, month, role, tender, account, currency, debit_minor,
                             credit_minor)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
ON CONFLICT (company, month, role, tender, account, currency) DO UPDATE
SET debit_minor = journal_balance.debit_minor + excluded.debit_minor,
    credit_minor = journal_balance.credit_minor + excluded.credit_minor
-- name: rebuild_forget_balances
DELETE FROM journal_balance
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
-- name: customer_key_put
INSERT INTO customer_key (key_id, customer, device, secret, received_ms)
SELECT ?1, ?2, ?3, ?4, ?5
WHERE NOT EXISTS (SELECT 1 FROM customer_erasure WHERE customer = ?2 AND device = ?3
                  AND (hub_epoch > ?6 OR (hub_epoch = ?6 AND number > ?7)))
ON CONFLICT (key_id) DO UPDATE SET received_ms = excluded.received_ms
-- name: customer_key_find
SELECT secret FROM customer_key WHERE key_id = ?1
-- name: customer_key_open
SELECT key_id, secret FROM customer_key WHERE length(secret) = ?1 LIMIT 1
-- name: customer_key_seal
UPDATE customer_key SET secret = ?2 WHERE key_id = ?1
-- name: customer_key_forget_all
DELETE FROM customer_key
-- name: vault_read
SELECT contact_secret FROM hub WHERE contact_secret IS NOT NULL
-- name: vault_claim
UPDATE hub SET contact_secret = ?1 WHERE contact_secret IS NULL
-- name: vault_forget
UPDATE hub SET contact_secret = NULL
-- name: customer_key_blank
UPDATE customer_key SET secret = ?2 WHERE customer = ?1
-- name: customer_key_erase
DELETE FROM customer_key WHERE customer = ?1
-- name: customer_erasures
SELECT count(*) FROM event WHERE correlation = ?1
-- name: customer_devices
SELECT id FROM device WHERE id <> 'centre' ORDER BY id
-- name: customer_erasure_put
INSERT INTO customer_erasure (customer, device, hub_epoch, number)
VALUES (?1, ?2, (SELECT epoch FROM hub), ?3)
ON CONFLICT (customer, device) DO UPDATE
SET hub_epoch = excluded.hub_epoch, number = excluded.number
-- name: contact_of_return
SELECT body FROM event WHERE correlation = ?1 AND type = ?2 ORDER BY event_no LIMIT 1

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
WHERE entry.log_no = ?1 AND entry.seq > ?2 ORDER BY entry.seq LIMIT ?3
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
-- name: event_heal
INSERT INTO event (id, device, log_no, seq, type, subject, correlation, sequence, time_ms,
                   received_ms, body_hash, body, event_no)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
ON CONFLICT (event_no) DO UPDATE
SET id = excluded.id, type = excluded.type, subject = excluded.subject,
    correlation = excluded.correlation, sequence = excluded.sequence, time_ms = excluded.time_ms,
    body_hash = excluded.body_hash, body = excluded.body
-- name: event_heal_body
UPDATE event SET body = ?2 WHERE event_no = ?1 AND body_hash = ?3
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
-- name: unpaid_cursor
SELECT entry_no FROM unpaid_cursor WHERE one = 1
-- name: unpaid_cursor_move
UPDATE unpaid_cursor SET entry_no = ?1 WHERE one = 1
-- name: unpaid_next
SELECT entry_no, made_ms, correlation, document_day, reference LIKE '%/accepted' FROM journal_entry
WHERE entry_no > ?1 ORDER BY entry_no LIMIT 1
