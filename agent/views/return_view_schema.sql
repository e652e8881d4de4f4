-- name: create
CREATE TABLE return (
    id BLOB NOT NULL PRIMARY KEY,
    number TEXT NOT NULL,
    receipt TEXT NOT NULL,
    sale BLOB,
    person TEXT NOT NULL,
    customer TEXT NOT NULL,
    total_minor INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    created_seq INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    verdict INTEGER NOT NULL,
    goods INTEGER NOT NULL,
    money INTEGER NOT NULL,
    posting INTEGER NOT NULL,
    complete INTEGER NOT NULL,
    tenders BLOB NOT NULL,
    settles INTEGER NOT NULL,
    due INTEGER NOT NULL, -- all tracks are closed, and return.completed is still to be told
    given_back TEXT NOT NULL, -- its lines and refund: what it takes from its sale while it is live
    store TEXT NOT NULL -- that captured it
) WITHOUT ROWID;
-- Not unique: what an emptied appliance has counted before its log came back must not keep it away.
CREATE INDEX return_by_number ON return (number);
CREATE INDEX return_by_sale ON return (sale) WHERE sale IS NOT NULL;
CREATE INDEX return_by_person ON return (person, created_ms) WHERE person <> '';
CREATE INDEX return_by_customer ON return (customer, created_ms) WHERE customer <> '';
CREATE INDEX return_unsold ON return (receipt) WHERE sale IS NULL;
CREATE INDEX return_by_time ON return (created_ms, id);
CREATE INDEX return_due ON return (id) WHERE due = 1;
CREATE TABLE return_counter (only INTEGER PRIMARY KEY CHECK (only = 1), last INTEGER NOT NULL);
INSERT INTO return_counter VALUES (1, 0);

-- name: drop
DROP TABLE IF EXISTS return_counter;
DROP TABLE IF EXISTS return;
