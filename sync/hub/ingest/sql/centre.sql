-- name: sale_by_subject
SELECT body FROM event WHERE subject = ?1
AND type IN ('com.tillback.sale.recorded.v1', 'com.tillback.sale.pushed.v1')
ORDER BY event_no LIMIT 1

-- name: authorised_return
SELECT body FROM event
WHERE correlation = ?1 AND type = 'com.tillback.return.authorised.v1' ORDER BY event_no LIMIT 1

-- name: returned_of_receipt
SELECT body FROM event
WHERE type = 'com.tillback.return.created.v1'
  AND correlation IN (SELECT correlation FROM claim WHERE receipt = ?1 AND live = 1)
ORDER BY event_no

-- name: centre_log
SELECT log_no, device, stream, parent_log, parent_seq, parent_hash, through, hash,
       backed_up_through, ack_no, log_id
FROM stream_log WHERE device = 'centre' AND stream = 'centre' LIMIT 1

-- name: homes_of_return
-- Those that hold the sale, or have just asked or been asked for it, and whether the return is the centre's own. The
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
UNION
SELECT receipt_lease.holder, return_index.device = 'centre' FROM return_index
  JOIN receipt_lease ON receipt_lease.receipt = return_index.receipt
WHERE return_index.correlation = ?1 AND receipt_lease.holder <> return_index.device
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
-- No row: another has it, whoever took it a moment ago at another hub, too.
INSERT INTO receipt_lease (receipt, device, until_ms, taken_ms) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (receipt) DO UPDATE
SET device = excluded.device, until_ms = excluded.until_ms, taken_ms = excluded.taken_ms,
    holder = CASE WHEN receipt_lease.until_ms > ?4 THEN receipt_lease.holder END,
    asked_ms = CASE WHEN receipt_lease.until_ms > ?4 THEN receipt_lease.asked_ms END
WHERE receipt_lease.device = excluded.device OR receipt_lease.until_ms <= ?4
RETURNING until_ms

-- name: lease_end
DELETE FROM receipt_lease
WHERE receipt = ?1 AND taken_ms <= ?3
  AND device = (SELECT device FROM return_index WHERE correlation = ?2)

-- name: lease_ask
UPDATE receipt_lease SET holder = ?2, asked_ms = coalesce(asked_ms, ?3) WHERE receipt = ?1
RETURNING asked_ms

-- name: lease_answered
UPDATE receipt_lease SET asked_ms = NULL
WHERE receipt = ?1 AND holder = ?2 AND until_ms > ?3 RETURNING device

-- name: leases_of_holder
SELECT receipt, until_ms - ?2 FROM receipt_lease
WHERE holder = ?1 AND until_ms > ?2 ORDER BY until_ms DESC LIMIT ?3

-- name: holder_of_sale
-- The appliance of the store that wrote the receipt, unless that store asks itself: online, heard of
-- lately, and of a version that answers. Without a sale it is the store that is named. The types are
-- as event_of_sale has them.
SELECT id FROM (
    SELECT 0 AS place, device.id, device.session_started_ms
    FROM event AS sale JOIN store_device AS home ON home.device = sale.device
      JOIN store_device AS member ON member.store = home.store
      JOIN device ON device.id = member.device
    WHERE sale.subject = ?1
      AND sale.type IN ('com.tillback.sale.recorded.v1', 'com.tillback.sale.pushed.v1')
      AND sale.type = 'com.tillback.sale.recorded.v1'
      AND device.online = 1 AND device.confirms = 1 AND device.last_seen_ms > ?3
      AND home.store NOT IN (SELECT store FROM store_device WHERE device = ?2)
    UNION ALL
    SELECT 1, device.id, device.session_started_ms
    FROM store_device AS member JOIN device ON device.id = member.device
    WHERE member.store = ?4
      AND device.online = 1 AND device.confirms = 1 AND device.last_seen_ms > ?3
      AND member.store NOT IN (SELECT store FROM store_device WHERE device = ?2)) AS holder
ORDER BY place, session_started_ms DESC LIMIT 1

-- name: returns_of_others
-- How many returns of a receipt were not captured in the store of that appliance.
SELECT count(*) FROM return_index
WHERE receipt = ?1 AND device <> ?2
  AND device NOT IN (SELECT own.device FROM store_device AS own JOIN store_device AS home
                     ON home.store = own.store WHERE home.device = ?2)

-- name: events_from_outside
-- How many of a return's events its store has told.
SELECT count(*) FROM event WHERE correlation = ?1 AND device <> 'centre' AND sequence > 0

-- name: claim_insert
INSERT INTO claim (receipt, line, correlation, kind, quantity, live, authorisation, expires_ms)
VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?7)
ON CONFLICT (receipt, line, correlation) DO UPDATE
SET kind = excluded.kind, authorisation = excluded.authorisation, expires_ms = excluded.expires_ms,
    quantity = CASE WHEN claim.kind = excluded.kind THEN claim.quantity + excluded.quantity
                    ELSE excluded.quantity END

-- name: claim_sum
-- Of that line; and of lines that are none of the receipt, since the sale wasn't known.
SELECT coalesce(sum(CASE WHEN line = ?2 THEN quantity END), 0),
       max(CASE WHEN line = ?2 THEN correlation END),
       coalesce(sum(CASE WHEN line < 0 THEN quantity END), 0)
FROM claim
WHERE receipt = ?1 AND line IN (?2, -1) AND live = 1 AND correlation <> ?3 AND kind = 'returned'

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
