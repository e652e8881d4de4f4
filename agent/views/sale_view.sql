-- name: insert
INSERT OR IGNORE INTO sale (id, receipt, order_number, sold_at_ms, data_hash)
VALUES (?1, ?2, ?3, ?4, ?5)

-- name: insert_item
INSERT OR IGNORE INTO sale_item (item, sold_at_ms, sale) VALUES (?1, ?2, ?3)

-- name: insert_authorisation
INSERT OR REPLACE INTO sale_authorisation (number, receipt, data) VALUES (?1, ?2, ?3)

-- name: authorised
SELECT data FROM sale_authorisation WHERE number = ?1

-- name: by_receipt
SELECT id, receipt, sold_at_ms, data_hash FROM sale WHERE receipt = ?1

-- name: by_order
SELECT id, receipt, sold_at_ms, data_hash FROM sale
WHERE order_number = ?1 OR receipt = (SELECT receipt FROM sale_authorisation WHERE number = ?1)
ORDER BY sold_at_ms DESC LIMIT ?2

-- name: by_item
SELECT sale.id, sale.receipt, sale.sold_at_ms, sale.data_hash
FROM sale_item JOIN sale ON sale.id = sale_item.sale
WHERE sale_item.item = ?1 ORDER BY sale_item.sold_at_ms DESC LIMIT ?2
