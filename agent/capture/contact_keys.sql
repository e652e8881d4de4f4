-- name: find
SELECT id, nonce, sealed FROM contact_key WHERE customer = ?1
-- name: insert
INSERT INTO contact_key (customer, id, nonce, sealed, told) VALUES (?1, ?2, ?3, ?4, 0)
-- name: untold
SELECT id, nonce, sealed, customer FROM contact_key WHERE told = 0 LIMIT 1
-- name: told
UPDATE contact_key SET told = 1 WHERE id = ?1
-- name: erasure
INSERT OR IGNORE INTO erasure (event) VALUES (?1)
-- name: erase
DELETE FROM contact_key WHERE customer = ?1
-- name: forget
DELETE FROM contact_key
