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
UPDATE device SET inbox_through = ?2 WHERE id = ?1 AND inbox_through <> ?2

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
