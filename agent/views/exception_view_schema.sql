-- name: create
CREATE TABLE exception (
    id BLOB NOT NULL PRIMARY KEY,
    subject BLOB NOT NULL,
    code TEXT NOT NULL,
    detail TEXT NOT NULL,
    owner TEXT NOT NULL,
    how TEXT NOT NULL,
    step INTEGER NOT NULL,
    raised_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX exception_by_age ON exception (raised_ms, id);

-- name: drop
DROP TABLE IF EXISTS exception;
