-- The contact keys' database, version by version. Never change a version that was released: add one.
-- name: first
CREATE TABLE contact_key (
    customer TEXT PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    nonce BLOB NOT NULL,
    sealed BLOB NOT NULL, -- under the appliance's secret; its context is the id
    told INTEGER NOT NULL -- the hub holds it
) WITHOUT ROWID;

-- Erasures that were carried out.
CREATE TABLE erasure (
    event BLOB PRIMARY KEY
) WITHOUT ROWID;
