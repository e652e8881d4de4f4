-- The hub's database, version by version. Never change a version that was released: add one.
-- name: first
CREATE TABLE hub (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    epoch INTEGER NOT NULL,
    generation INTEGER NOT NULL -- grows at each start and after each backup: see hubdb.h
);

CREATE TABLE device (
    id TEXT PRIMARY KEY,
    first_seen_ms INTEGER NOT NULL,
    last_seen_ms INTEGER NOT NULL,
    session BLOB,
    session_started_ms INTEGER,
    online INTEGER NOT NULL DEFAULT 0,
    state TEXT, -- the newest up/state, as it came
    inbox_next INTEGER NOT NULL DEFAULT 1,
    inbox_through INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE stream_log (
    log_no INTEGER PRIMARY KEY,
    log_id BLOB NOT NULL UNIQUE,
    device TEXT NOT NULL REFERENCES device (id),
    stream TEXT NOT NULL,
    parent_log BLOB,
    parent_seq INTEGER,
    parent_hash BLOB,
    through INTEGER NOT NULL,
    hash BLOB NOT NULL, -- the chain at through; at 0 the log's origin
    backed_up_through INTEGER NOT NULL,
    ack_no INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL
);
CREATE INDEX stream_log_by_device ON stream_log (device, stream, log_no);

-- A fact, once, however many logs and batches brought it. `id` is NULL when the body can't be
-- trusted to name itself: unreadable, or with the id of another event; such a one is parked.
CREATE TABLE event (
    event_no INTEGER PRIMARY KEY,
    id BLOB UNIQUE,
    device TEXT NOT NULL,
    log_no INTEGER NOT NULL REFERENCES stream_log (log_no),
    seq INTEGER NOT NULL,
    type TEXT,
    subject TEXT,
    correlation BLOB,
    sequence INTEGER,
    time_ms INTEGER,
    received_ms INTEGER NOT NULL,
    body_hash BLOB NOT NULL,
    body BLOB NOT NULL
);
CREATE UNIQUE INDEX event_nameless ON event (device, body_hash) WHERE id IS NULL;
CREATE INDEX event_by_correlation ON event (correlation, sequence);
CREATE INDEX event_by_subject ON event (subject);

-- Where events stand in logs: a forked log brings some of its parent's again.
CREATE TABLE entry (
    log_no INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    event_no INTEGER NOT NULL,
    hash BLOB NOT NULL, -- the chain at this event
    PRIMARY KEY (log_no, seq)
) WITHOUT ROWID;

-- What is held above `through`: neither touching nor overlapping.
CREATE TABLE held_range (
    log_no INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (log_no, first)
) WITHOUT ROWID;

CREATE TABLE parked (
    parked_no INTEGER PRIMARY KEY,
    log_no INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    event_no INTEGER NOT NULL UNIQUE REFERENCES event (event_no),
    claimed_id BLOB, -- the id that the body gives itself, if it can be read
    code TEXT NOT NULL,
    detail TEXT NOT NULL,
    state TEXT NOT NULL, -- open, resubmitted, mended, discarded
    parked_ms INTEGER NOT NULL
);
CREATE INDEX parked_by_log ON parked (log_no, state, parked_no);

-- What a person should look at; the same thing again only counts.
CREATE TABLE hub_exception (
    exception_no INTEGER PRIMARY KEY,
    code TEXT NOT NULL,
    device TEXT NOT NULL,
    log_id BLOB NOT NULL,
    seq INTEGER NOT NULL,
    detail TEXT NOT NULL,
    times INTEGER NOT NULL,
    raised_ms INTEGER NOT NULL,
    last_ms INTEGER NOT NULL,
    UNIQUE (code, device, log_id, seq)
);

CREATE TABLE return_index (
    correlation BLOB PRIMARY KEY,
    event_no INTEGER NOT NULL,
    device TEXT NOT NULL,
    number TEXT,
    receipt TEXT,
    created_ms INTEGER NOT NULL
);
CREATE INDEX return_index_by_receipt ON return_index (receipt);
CREATE INDEX return_index_by_number ON return_index (number);

CREATE TABLE inbox_out (
    device TEXT NOT NULL REFERENCES device (id),
    number INTEGER NOT NULL,
    body BLOB NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (device, number)
);
-- name: ledger
-- What the ledger made of each event of a return. Positions and entries follow from `event` and
-- `applied_no` alone, and can be made again; what was posted is a fact, and is kept apart.
CREATE TABLE ledger_cursor (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    event_no INTEGER NOT NULL -- events up to here have been looked at
);
INSERT INTO ledger_cursor (one, event_no) VALUES (1, 0);

CREATE TABLE ledger_event (
    event_no INTEGER PRIMARY KEY REFERENCES event (event_no),
    correlation BLOB NOT NULL,
    source TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    state TEXT NOT NULL, -- held, applied, parked, replaced, discarded
    applied_no INTEGER UNIQUE -- the order in which they were applied or discarded
);
CREATE INDEX ledger_event_by_return ON ledger_event (correlation, state, source, sequence);
CREATE INDEX ledger_event_by_state ON ledger_event (state, event_no) WHERE state <> 'applied';

CREATE TABLE ledger_position (
    correlation BLOB PRIMARY KEY,
    position TEXT NOT NULL
);

CREATE TABLE journal_entry (
    entry_no INTEGER PRIMARY KEY,
    reference TEXT NOT NULL UNIQUE, -- "<event id>/<rule>"
    correlation BLOB NOT NULL,
    event_no INTEGER NOT NULL REFERENCES event (event_no),
    company TEXT NOT NULL,
    document_day INTEGER NOT NULL,
    made_ms INTEGER NOT NULL, -- when the hub received the event
    body TEXT NOT NULL -- the whole entry, as entry_write says
);
CREATE INDEX journal_entry_by_return ON journal_entry (correlation, entry_no);
CREATE INDEX journal_entry_by_day ON journal_entry (document_day, entry_no);

-- The journal as it was, while a rebuild compares; empty otherwise.
CREATE TABLE journal_before (
    reference TEXT PRIMARY KEY,
    body TEXT NOT NULL
);

-- What became of an entry outside.
CREATE TABLE posting (
    posting_no INTEGER PRIMARY KEY,
    reference TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL, -- ready, posted, parked, discarded
    connector TEXT, -- that tried last
    attempts INTEGER NOT NULL DEFAULT 0,
    next_ms INTEGER NOT NULL DEFAULT 0, -- when to try next
    number TEXT, -- the other side's
    posted_day INTEGER,
    code TEXT, -- of the latest failure
    detail TEXT,
    updated_ms INTEGER NOT NULL
);
CREATE INDEX posting_by_state ON posting (state, next_ms, posting_no);
-- name: people
-- Who may ask the hub, what people changed, and how exceptions go on.
CREATE TABLE access_token (
    token_no INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL, -- viewer, it, finance, commerce
    hash BLOB NOT NULL UNIQUE, -- SHA-256 of the token, which is told once and not kept
    created_ms INTEGER NOT NULL,
    revoked_ms INTEGER
);

CREATE TABLE audit (
    audit_no INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    actor TEXT NOT NULL,
    role TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    reason TEXT NOT NULL
);

ALTER TABLE hub_exception ADD COLUMN state TEXT NOT NULL DEFAULT 'open'; -- open, assigned, resolved
ALTER TABLE hub_exception ADD COLUMN owner TEXT;
ALTER TABLE hub_exception ADD COLUMN resolution TEXT;
ALTER TABLE hub_exception ADD COLUMN resolved_ms INTEGER;
CREATE INDEX hub_exception_by_state ON hub_exception (state, exception_no);
-- name: takeover
-- Which appliances came in another's place, and may have back what that one captured.
CREATE TABLE takeover (
    device TEXT NOT NULL,
    of TEXT NOT NULL,
    PRIMARY KEY (device, of)
) WITHOUT ROWID;
-- name: settlement
-- What providers and banks must show of what was paid out, and what they did show.
CREATE TABLE follow_cursor (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    applied_no INTEGER NOT NULL -- applied events up to here have been followed up
);
INSERT INTO follow_cursor (one, applied_no) VALUES (1, 0);

CREATE TABLE expected_refund (
    expected_no INTEGER PRIMARY KEY,
    event_no INTEGER NOT NULL UNIQUE REFERENCES event (event_no), -- its refund.issued
    correlation BLOB NOT NULL,
    company TEXT NOT NULL,
    number TEXT NOT NULL, -- the return's
    receipt TEXT NOT NULL,
    terminal TEXT NOT NULL,
    own TEXT NOT NULL, -- our id of the refund
    reference TEXT NOT NULL, -- the provider's
    payment TEXT NOT NULL, -- the original payment's token
    tender_no INTEGER NOT NULL,
    position INTEGER NOT NULL, -- of the tender in the return's plan
    tender TEXT NOT NULL,
    currency TEXT NOT NULL,
    amount_minor INTEGER NOT NULL,
    day INTEGER NOT NULL,
    state TEXT NOT NULL, -- open, settled, failed, written_off
    settled_day INTEGER,
    charged_back INTEGER NOT NULL DEFAULT 0,
    missed INTEGER NOT NULL DEFAULT 0 -- a person was told that it isn't settled yet
);
CREATE INDEX expected_by_return ON expected_refund (correlation);
CREATE INDEX expected_by_own ON expected_refund (own);
CREATE INDEX expected_by_reference ON expected_refund (reference);
CREATE INDEX expected_by_payment ON expected_refund (payment);
CREATE INDEX expected_by_number ON expected_refund (number);
CREATE INDEX expected_by_receipt ON expected_refund (receipt);
CREATE INDEX expected_by_state ON expected_refund (state, day);

CREATE TABLE settlement_file (
    file_no INTEGER PRIMARY KEY,
    format TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE, -- SHA-256: the same file again is known
    lines INTEGER NOT NULL,
    holder TEXT NOT NULL,
    received_ms INTEGER NOT NULL,
    state TEXT NOT NULL -- new, matched: all of its lines were looked at
);
CREATE INDEX settlement_file_by_state ON settlement_file (state, file_no);

CREATE TABLE settlement_line (
    line_no INTEGER PRIMARY KEY,
    file_no INTEGER NOT NULL REFERENCES settlement_file (file_no),
    row_no INTEGER NOT NULL,
    format TEXT NOT NULL,
    kind TEXT NOT NULL,
    type TEXT NOT NULL,
    batch TEXT NOT NULL,
    reference TEXT NOT NULL,
    payment TEXT NOT NULL,
    own TEXT NOT NULL,
    terminal TEXT NOT NULL,
    currency TEXT NOT NULL,
    gross_minor INTEGER NOT NULL,
    net_currency TEXT NOT NULL,
    fee_minor INTEGER NOT NULL,
    net_minor INTEGER NOT NULL,
    day INTEGER NOT NULL,
    state TEXT NOT NULL, -- new, noted, matched, differs, unmatched, set_aside
    match_key TEXT,
    expected_no INTEGER,
    batch_no INTEGER, -- the payout that this line of the bank is
    mismatches INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX settlement_line_by_state ON settlement_line (state, line_no);
CREATE INDEX settlement_line_by_reference ON settlement_line (reference, line_no);
CREATE INDEX settlement_line_by_payment ON settlement_line (payment, kind);
CREATE INDEX settlement_line_by_refund ON settlement_line (expected_no);

CREATE TABLE settlement_batch (
    batch_no INTEGER PRIMARY KEY,
    format TEXT NOT NULL,
    batch TEXT NOT NULL,
    currency TEXT NOT NULL,
    net_minor INTEGER NOT NULL,
    payout_minor INTEGER NOT NULL,
    has_payout INTEGER NOT NULL,
    payout_reference TEXT NOT NULL,
    day INTEGER NOT NULL, -- of its newest line
    bank_minor INTEGER, -- what came in at the bank
    bank_line INTEGER,
    mismatches INTEGER NOT NULL DEFAULT 0,
    UNIQUE (format, batch, currency)
);
CREATE INDEX settlement_batch_by_payout ON settlement_batch (currency, payout_minor);

-- Exceptions of the centre: about which return, and told under which id.
ALTER TABLE hub_exception ADD COLUMN correlation BLOB;
ALTER TABLE hub_exception ADD COLUMN id BLOB;
ALTER TABLE hub_exception ADD COLUMN team TEXT NOT NULL DEFAULT 'it';
ALTER TABLE hub_exception ADD COLUMN due_ms INTEGER;
ALTER TABLE hub_exception ADD COLUMN assigned_ms INTEGER;
CREATE INDEX hub_exception_by_id ON hub_exception (id);
-- name: measures
-- What the metrics count: kept with the facts, so that a restart forgets nothing.
CREATE TABLE measure_bucket (
    measure TEXT NOT NULL,
    bucket INTEGER NOT NULL, -- of measure.c, from 0
    count INTEGER NOT NULL,
    sum_s INTEGER NOT NULL,
    PRIMARY KEY (measure, bucket)
);

CREATE TABLE measure_money (
    measure TEXT NOT NULL,
    currency TEXT NOT NULL,
    count INTEGER NOT NULL,
    sum_minor INTEGER NOT NULL,
    PRIMARY KEY (measure, currency)
);

CREATE TABLE measure_day (
    measure TEXT NOT NULL, -- accepted, refunded, settled
    day INTEGER NOT NULL,
    currency TEXT NOT NULL,
    count INTEGER NOT NULL,
    sum_minor INTEGER NOT NULL,
    PRIMARY KEY (measure, day, currency)
);
-- name: orders
-- Which appliance stands in which store: as its logs say.
CREATE TABLE store_device (
    device TEXT PRIMARY KEY,
    store TEXT NOT NULL
);
CREATE INDEX store_device_by_store ON store_device (store);

-- Orders and other sales that came to the centre, not from an appliance.
CREATE TABLE pushed_sale (
    receipt TEXT PRIMARY KEY,
    hash BLOB NOT NULL, -- SHA-256 of the document
    event_no INTEGER NOT NULL
);

-- A receipt that an appliance has just asked for: nobody else takes it back meanwhile.
CREATE TABLE receipt_lease (
    receipt TEXT PRIMARY KEY,
    device TEXT NOT NULL,
    until_ms INTEGER NOT NULL
);

-- What is returned, or authorised to be, of each line of a receipt.
CREATE TABLE claim (
    receipt TEXT NOT NULL,
    line INTEGER NOT NULL,
    correlation BLOB NOT NULL,
    kind TEXT NOT NULL, -- returned, authorised
    quantity INTEGER NOT NULL,
    live INTEGER NOT NULL,
    PRIMARY KEY (receipt, line, correlation)
);
CREATE INDEX claim_by_return ON claim (correlation);
-- name: closing
-- The journal's sums by month of the document day: what a month's end asks for. They follow from
-- journal_entry, and are made again with it.
CREATE TABLE journal_balance (
    company TEXT NOT NULL,
    month TEXT NOT NULL, -- "2026-11"
    role TEXT NOT NULL,
    tender TEXT NOT NULL,
    account TEXT NOT NULL,
    currency TEXT NOT NULL,
    debit_minor INTEGER NOT NULL,
    credit_minor INTEGER NOT NULL,
    PRIMARY KEY (company, month, role, tender, account, currency)
);
-- name: place
-- Which database this is (database_place): another one, or one that went back, was restored.
ALTER TABLE hub ADD COLUMN place TEXT NOT NULL DEFAULT '';
-- name: payments
-- Refunds that the hub has paid out by a payment provider: a fact, as what was posted is.
CREATE TABLE payment (
    payment_no INTEGER PRIMARY KEY,
    event BLOB NOT NULL, -- id of its refund.requested
    correlation BLOB NOT NULL,
    position INTEGER NOT NULL, -- of the tender in the return's plan
    round INTEGER NOT NULL DEFAULT 1, -- grows when a declined one is asked for again
    tender INTEGER NOT NULL,
    type TEXT NOT NULL,
    token TEXT NOT NULL, -- of the original payment
    return_number TEXT NOT NULL,
    currency TEXT NOT NULL,
    amount_minor INTEGER NOT NULL,
    state TEXT NOT NULL, -- ready, pending, issued, failed, parked
    tries INTEGER NOT NULL DEFAULT 0, -- of this round
    next_ms INTEGER NOT NULL DEFAULT 0, -- when to ask or look next
    reference TEXT, -- the provider's
    code TEXT, -- of the latest failure
    detail TEXT,
    requested_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    UNIQUE (correlation, position)
);
CREATE INDEX payment_by_state ON payment (state, next_ms, payment_no);
-- name: config
-- What the centre wants of its appliances: layers of settings, each as it was put one after the
-- other. The newest of a scope up to some change is the layer as of that change.
CREATE TABLE config_change (
    change_no INTEGER PRIMARY KEY,
    scope TEXT NOT NULL, -- fleet, group/NAME, store/NUMBER, device/ID
    settings TEXT NOT NULL, -- a JSON merge patch over the layers below it
    holder TEXT NOT NULL,
    reason TEXT NOT NULL,
    at_ms INTEGER NOT NULL
);
CREATE INDEX config_change_by_scope ON config_change (scope, change_no);

CREATE TABLE config_group (
    name TEXT NOT NULL,
    device TEXT NOT NULL,
    PRIMARY KEY (name, device)
) WITHOUT ROWID;
CREATE INDEX config_group_by_device ON config_group (device, name);

-- The one document that each appliance is to have, as it was signed.
CREATE TABLE config_desired (
    device TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    change_no INTEGER NOT NULL, -- rendered from the layers as of it; 0: of none
    rollout_no INTEGER NOT NULL, -- 0: none
    hash BLOB NOT NULL,
    settings TEXT NOT NULL,
    envelope BLOB NOT NULL,
    desired_ms INTEGER NOT NULL,
    sent_ms INTEGER NOT NULL
);

-- What each says of it.
CREATE TABLE config_report (
    device TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    version INTEGER NOT NULL, -- of what the state is; 0: of nothing that is to be believed
    seen INTEGER NOT NULL,
    applied_version INTEGER NOT NULL,
    applied_hash BLOB,
    path TEXT NOT NULL,
    reason TEXT NOT NULL,
    drift TEXT NOT NULL, -- sections, with commas
    reported_ms INTEGER NOT NULL
);

CREATE TABLE rollout (
    rollout_no INTEGER PRIMARY KEY,
    scope TEXT NOT NULL,
    change_no INTEGER NOT NULL,
    rules TEXT NOT NULL,
    state TEXT NOT NULL, -- running, paused, halted, done, aborted
    wave INTEGER NOT NULL,
    forgiven INTEGER NOT NULL,
    why TEXT NOT NULL, -- of its state
    holder TEXT NOT NULL,
    reason TEXT NOT NULL,
    started_ms INTEGER NOT NULL,
    wave_ms INTEGER NOT NULL, -- when the present wave began
    ended_ms INTEGER
);
CREATE INDEX rollout_by_state ON rollout (state, rollout_no);

CREATE TABLE rollout_device (
    rollout_no INTEGER NOT NULL REFERENCES rollout (rollout_no),
    device TEXT NOT NULL,
    wave INTEGER NOT NULL,
    state TEXT NOT NULL, -- planned, sent, good, bad, returned
    before_change INTEGER NOT NULL, -- what it goes back to
    version INTEGER NOT NULL, -- that it was sent; 0: nothing yet
    online INTEGER NOT NULL, -- when it was sent
    waiting INTEGER NOT NULL, -- its backlog then
    sent_ms INTEGER NOT NULL,
    PRIMARY KEY (rollout_no, device)
) WITHOUT ROWID;
CREATE INDEX rollout_device_by_wave ON rollout_device (rollout_no, state, wave);
CREATE INDEX rollout_device_by_device ON rollout_device (device, rollout_no);

CREATE TABLE command (
    command_id TEXT PRIMARY KEY,
    device TEXT NOT NULL,
    name TEXT NOT NULL,
    arguments TEXT NOT NULL,
    holder TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    sent_ms INTEGER, -- last
    outcome TEXT, -- as answered; or expired
    detail TEXT,
    result TEXT,
    ended_ms INTEGER
);
CREATE INDEX command_by_device ON command (device, created_ms);
CREATE INDEX command_by_outcome ON command (outcome, created_ms);
-- name: enrolment
-- The appliances that were invited, and how each stands.
CREATE TABLE roster (
    device TEXT PRIMARY KEY,
    store TEXT NOT NULL,
    name TEXT NOT NULL, -- for people
    state TEXT NOT NULL, -- invited, enrolled, revoked, replaced, retired
    successor TEXT, -- who came in its place
    reason TEXT NOT NULL, -- why it is no longer in service
    created_ms INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL,
    evicted_ms INTEGER -- when its connection was ended, after it was closed
);
CREATE INDEX roster_by_store ON roster (store);

-- One-time codes, as hashes, and what they lead to.
CREATE TABLE invitation (
    token_hash BLOB PRIMARY KEY,
    locator BLOB NOT NULL UNIQUE,
    device TEXT NOT NULL,
    bundle BLOB NOT NULL, -- signed, without the code
    seal BLOB NOT NULL,
    expires_ms INTEGER NOT NULL,
    used_ms INTEGER,
    key_hash BLOB, -- of the key for which it was used
    certificate TEXT -- what was given for it
);
CREATE INDEX invitation_by_device ON invitation (device);
-- name: outlets
-- Systems outside that are told events: how far each is, and what it did not take.
CREATE TABLE outlet (
    name TEXT PRIMARY KEY,
    applied_no INTEGER NOT NULL, -- applied events up to here are told, parked or not for it
    tries INTEGER NOT NULL, -- of the next
    holder BLOB, -- the hub that is at it
    held_till_ms INTEGER NOT NULL
);

CREATE TABLE delivery (
    delivery_no INTEGER PRIMARY KEY,
    outlet TEXT NOT NULL,
    event_no INTEGER NOT NULL REFERENCES event (event_no),
    state TEXT NOT NULL, -- parked, ready, delivered, discarded
    code TEXT NOT NULL,
    detail TEXT NOT NULL,
    updated_ms INTEGER NOT NULL,
    UNIQUE (outlet, event_no)
);
CREATE INDEX delivery_by_state ON delivery (state, delivery_no);
-- name: contacts
-- The keys that open customers' contacts, as the appliances told them. Erased on a customer's wish;
-- what they sealed stays in the events, and says nothing any more.
CREATE TABLE customer_key (
    key_id BLOB PRIMARY KEY,
    customer TEXT NOT NULL,
    device TEXT NOT NULL,
    secret BLOB NOT NULL,
    received_ms INTEGER NOT NULL
);
CREATE INDEX customer_key_by_customer ON customer_key (customer);

-- Which message told whom to erase: a key that an appliance took from its store before that message
-- is not taken any more.
CREATE TABLE customer_erasure (
    customer TEXT NOT NULL,
    device TEXT NOT NULL,
    hub_epoch INTEGER NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (customer, device)
);
-- name: group
-- The group in which the hubs on this database share what comes from the broker: a secret, since a
-- broker may let any client into a group whose name it knows, and hands it a part of all messages.
ALTER TABLE hub ADD COLUMN broker_group TEXT NOT NULL DEFAULT '';
-- name: untold
-- Whether the acknowledgement says something that no batch asked for and nobody was told yet.
ALTER TABLE stream_log ADD COLUMN untold INTEGER NOT NULL DEFAULT 0;
CREATE INDEX stream_log_untold ON stream_log (log_no) WHERE untold = 1;
-- name: releases
-- Which release an appliance is to run when it has taken the rollout's document: '' when the
-- rollout doesn't change that.
ALTER TABLE rollout_device ADD COLUMN release TEXT NOT NULL DEFAULT '';
-- name: watching
-- What the metrics and the dashboard ask often: kept or indexed, so that a year of events doesn't slow
-- them down.
ALTER TABLE device ADD COLUMN waiting INTEGER NOT NULL DEFAULT 0; -- events, as it said last
ALTER TABLE expected_refund ADD COLUMN offline INTEGER NOT NULL DEFAULT 0; -- given before we knew of it
INSERT INTO measure_money (measure, currency, count, sum_minor)
SELECT 'refund_lines', currency, count(*), sum(abs(gross_minor)) FROM settlement_line
WHERE kind IN ('refund', 'refund_reversed') AND state <> 'new' GROUP BY currency;
CREATE INDEX expected_of_state ON expected_refund (state, expected_no);
CREATE INDEX payment_of_state ON payment (state, payment_no);
-- name: documents
-- Which pieces an entry books the debt for, as entry_items_write says, for an accounting system that
-- takes returns as documents. Of an entry made before, NULL until a rebuild.
ALTER TABLE journal_entry ADD COLUMN items TEXT;
-- name: vault
-- Keys in customer_key are sealed from now on: see vault.h.
ALTER TABLE hub ADD COLUMN contact_secret BLOB; -- the fingerprint of the secret
-- name: torn
-- How often each appliance was torn off, as it said last.
ALTER TABLE device ADD COLUMN torn_ends INTEGER NOT NULL DEFAULT 0;
-- name: cards
-- What refunds put on gift cards and their like, and what sales took from them.
CREATE TABLE gift_card (
    card_no INTEGER PRIMARY KEY,
    reference TEXT NOT NULL UNIQUE,
    currency TEXT NOT NULL,
    loaded_minor INTEGER NOT NULL,
    spent_minor INTEGER NOT NULL,
    correlation BLOB -- of the return that made it; NULL: none that is known here
);
-- name: superseded
-- Whether a former box of this name may still be connected, whose certificate a new code has ended.
ALTER TABLE roster ADD COLUMN superseded INTEGER NOT NULL DEFAULT 0;
-- name: closings
-- What a month's end and a search by the other side's number ask, of a year of postings.
ALTER TABLE posting ADD COLUMN moved_from INTEGER; -- the document's day, where it wasn't posted on it
UPDATE posting SET moved_from =
    (SELECT document_day FROM journal_entry WHERE journal_entry.reference = posting.reference
     AND document_day <> posting.posted_day)
WHERE state = 'posted';
CREATE INDEX posting_moved ON posting (moved_from) WHERE moved_from IS NOT NULL;
CREATE INDEX posting_by_number ON posting (number) WHERE number IS NOT NULL;
-- name: authorisations
-- Under which authorisation it was returned; a return of the centre's own, under its own.
ALTER TABLE claim ADD COLUMN authorisation BLOB;
CREATE INDEX claim_by_authorisation ON claim (authorisation);
-- name: parked_pages
-- An appliance asks for all that is parked of its log, page by page.
CREATE INDEX parked_by_seq ON parked (log_no, state, seq);
-- name: turns
-- What tells one step with the same thing from the next, in the ids of the centre's events.
ALTER TABLE hub_exception ADD COLUMN turn INTEGER NOT NULL DEFAULT 1; -- grows: reopened, assigned
ALTER TABLE parked ADD COLUMN decided INTEGER NOT NULL DEFAULT 0; -- how often
-- name: connectors
-- What is ready to be posted is found by its company: each may have a connector of its own, and a
-- backlog of one doesn't stand before the others'.
ALTER TABLE posting ADD COLUMN company TEXT NOT NULL DEFAULT ''; -- '': posted before this version
UPDATE posting SET company = coalesce(
    (SELECT company FROM journal_entry WHERE journal_entry.reference = posting.reference), '')
WHERE state <> 'posted';
DROP INDEX posting_by_state;
CREATE INDEX posting_of_company ON posting (state, company, next_ms, posting_no);
-- name: recalled
-- Places in logs whose event was damaged or lost here, until their appliance has sent it again: see
-- recall.h.
CREATE TABLE recalled (
    log_no INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    event_no INTEGER NOT NULL, -- that it gets again; 0: nothing was made of it yet
    hash BLOB, -- the chain there, as far as it was kept
    body BLOB, -- as it was found
    recalled_ms INTEGER NOT NULL,
    PRIMARY KEY (log_no, seq)
);
CREATE INDEX recalled_by_event ON recalled (event_no);
-- name: expiry
-- Until when pieces are promised by an authorisation.
ALTER TABLE claim ADD COLUMN expires_ms INTEGER; -- NULL: as long as nobody used it
-- name: holders
-- Who holds a sale that came to the centre: those are told what comes back of it elsewhere.
CREATE TABLE sale_holder (
    receipt TEXT NOT NULL,
    device TEXT NOT NULL,
    PRIMARY KEY (receipt, device)
);
-- name: connector_states
-- The connectors to systems outside, and how each stands.
CREATE TABLE connector (
    kind TEXT NOT NULL, -- posting, payment, outlet
    name TEXT NOT NULL,
    system TEXT NOT NULL,
    most_a_minute INTEGER NOT NULL,
    listed INTEGER NOT NULL, -- 0: the settings know it no more
    failures INTEGER NOT NULL DEFAULT 0, -- one after the other
    failing_since_ms INTEGER, -- while there are any
    next_ms INTEGER NOT NULL DEFAULT 0, -- after a failure: not tried before
    answered_ms INTEGER, -- when the other side did last
    failed_ms INTEGER, -- the latest failure
    code TEXT,
    detail TEXT,
    PRIMARY KEY (kind, name)
);
-- Whose entries a connector posts; one without takes what no other names.
CREATE TABLE connector_company (
    company TEXT PRIMARY KEY,
    name TEXT NOT NULL
);
-- name: unpaid
-- Entries up to here were looked at: was the money given back whose tax was?
CREATE TABLE unpaid_cursor (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    entry_no INTEGER NOT NULL
);
INSERT INTO unpaid_cursor (one, entry_no) VALUES (1, 0);
-- name: subjects
-- Only sales are looked for by their subject; what else an event is about is its correlation.
DROP INDEX event_by_subject;
CREATE INDEX event_of_sale ON event (subject)
WHERE type IN ('com.tillback.sale.recorded.v1', 'com.tillback.sale.pushed.v1');
-- name: settlement_files
-- A file's batches are asked for when all of its lines were looked at.
CREATE INDEX settlement_line_by_file ON settlement_line (file_no);
-- name: reservations
-- The store that wrote a receipt is asked before another is told yes: see lease.h.
ALTER TABLE receipt_lease ADD COLUMN taken_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE receipt_lease ADD COLUMN holder TEXT; -- the appliance that was asked
ALTER TABLE receipt_lease ADD COLUMN asked_ms INTEGER; -- first, without an answer so far
CREATE INDEX receipt_lease_by_holder ON receipt_lease (holder) WHERE holder IS NOT NULL;
ALTER TABLE device ADD COLUMN confirms INTEGER NOT NULL DEFAULT 0; -- it answers then
-- name: missing
-- Refunds that people were told to miss may wait for long; the others are looked for.
DROP INDEX expected_by_state;
CREATE INDEX expected_by_state ON expected_refund (state, missed, day);
-- name: unknown_lines
-- Lines whose refund nobody knew are looked for when one becomes known.
CREATE INDEX settlement_line_unmatched ON settlement_line (own) WHERE state = 'unmatched';
-- name: approvals
-- Finance approved that the entry of a closed period is posted in the first open one.
ALTER TABLE posting ADD COLUMN later_day INTEGER NOT NULL DEFAULT 0;
-- name: bank_order
-- What the bank says is looked at by its days, and payouts are checked once it was.
ALTER TABLE settlement_batch ADD COLUMN unchecked INTEGER NOT NULL DEFAULT 0;
CREATE INDEX settlement_batch_unchecked ON settlement_batch (batch_no) WHERE unchecked = 1;
CREATE INDEX settlement_line_of_bank ON settlement_line (currency, day)
WHERE format IN ('camt053', 'camt054');
CREATE INDEX settlement_line_new ON settlement_line (line_no)
WHERE state || '' = 'new' AND format NOT IN ('camt053', 'camt054');
CREATE INDEX settlement_line_new_of_bank ON settlement_line (day)
WHERE state || '' = 'new' AND format IN ('camt053', 'camt054');
CREATE INDEX settlement_line_by_batch ON settlement_line (batch_no) WHERE batch_no IS NOT NULL;
