-- name: certificates
CREATE TABLE issued (
    serial       TEXT PRIMARY KEY,  -- lower-case hexadecimal
    name         TEXT NOT NULL,     -- common name
    purpose      INTEGER NOT NULL,
    issued_ms    INTEGER NOT NULL,
    not_after_ms INTEGER NOT NULL,
    revoked_ms   INTEGER,
    reason       INTEGER            -- RFC 5280, section 5.3.1
) STRICT;
CREATE INDEX issued_by_name ON issued(name);
CREATE INDEX issued_revoked ON issued(revoked_ms) WHERE revoked_ms IS NOT NULL;
CREATE TABLE revocation_list (
    number         INTEGER PRIMARY KEY AUTOINCREMENT,
    this_update_ms INTEGER NOT NULL,
    next_update_ms INTEGER NOT NULL
) STRICT;
