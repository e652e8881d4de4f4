-- name: create
CREATE TABLE sale (
    id BLOB NOT NULL PRIMARY KEY,
    receipt TEXT NOT NULL UNIQUE,
    order_number TEXT,
    sold_at_ms INTEGER NOT NULL,
    data_hash BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX sale_by_order ON sale (order_number) WHERE order_number IS NOT NULL;
CREATE TABLE sale_item (
    item TEXT NOT NULL, -- "gtin/4006381333931" without leading zeros, or "sku/4711"
    sold_at_ms INTEGER NOT NULL,
    sale BLOB NOT NULL,
    PRIMARY KEY (item, sold_at_ms, sale)
) WITHOUT ROWID;
-- What the centre allowed to come back: its number is what the customer has in hand.
CREATE TABLE sale_authorisation (
    number TEXT NOT NULL PRIMARY KEY,
    receipt TEXT NOT NULL,
    data TEXT NOT NULL -- of its event
) WITHOUT ROWID;

-- name: drop
DROP TABLE IF EXISTS sale_authorisation;
DROP TABLE IF EXISTS sale_item;
DROP TABLE IF EXISTS sale;
