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
