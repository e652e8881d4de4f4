/*
 * The life of one return in the ledger, for tests: events go in as the JSON of their data, and the
 * journal comes out as text, one line for each entry:
 *
 *     accepted: returns +280, tax DE 19 +53, refunds_payable -333
 */
#ifndef TESTS_SUPPORT_LEDGER_RUN_H
#define TESTS_SUPPORT_LEDGER_RUN_H

#include "sync/hub/ledger/ledger.h"

struct ledger_run {
    struct arena arena;
    struct books books;
    struct position position;
    struct fault fault; /* of the last event */
    int64_t sequence;   /* of the store's last event */
    uint8_t events;     /* made so far */
    struct buf text;
};

void ledger_run_make(struct ledger_run *run);
/* With other books than the default ones. */
void ledger_run_make_with(struct ledger_run *run, const char *books);
void ledger_run_free(struct ledger_run *run);

/* The store's next event; asserts that it is taken. */
void ledger_run_event(struct ledger_run *run, enum event_type type, const char *data);
/* The same with whatever comes of it. */
enum err ledger_run_try(struct ledger_run *run, enum event_type type, const char *data);
/* Any event: of a source, with a sequence and the last byte of its id. */
enum err ledger_run_apply(struct ledger_run *run, const char *source, int64_t sequence,
                          uint8_t event, enum event_type type, const char *data);

/* The journal so far; valid until the next call. */
const char *ledger_run_journal(struct ledger_run *run);
/* The lines of one entry as text, appended. */
void ledger_run_write(struct buf *out, const struct entry *entry);

#endif
