/*
 * A journal entry: balanced, of one company and one currency, named after the event and the rule
 * it follows from. Its reference is made of these two alone, so that the same event gives the same
 * entry whenever and wherever it is derived, and posting can ask "is it there?" first.
 * It has a document day only; the day it is posted on is period_place's business.
 * Texts and lines live in an arena. Pure, any thread.
 */
#ifndef SYNC_HUB_LEDGER_ENTRY_H
#define SYNC_HUB_LEDGER_ENTRY_H

#include "hal/base/json.h"
#include "hal/base/jsonw.h"
#include "sync/hub/ledger/chart.h"
#include "sync/hub/ledger/item.h"

enum { ENTRY_LINES_MAX = 2000 };

/* One side has an amount above 0, the other is 0. What the key doesn't say is "". */
struct journal_line {
    const char *account;
    struct chart_key key; /* what the account was chosen by */
    int64_t debit_minor;
    int64_t credit_minor;
};

struct entry {
    const char *reference; /* "<event id>/<rule>" */
    const char *return_id;
    const char *number; /* of the return, for people */
    const char *event_id;
    const char *rule; /* a trigger's name, or voided, declined, check_failed, refund_failed */
    const char *company;
    const char *store;
    const char *currency;
    int64_t document_day; /* days since 1970-01-01 */
    const char *text;
    struct journal_line *lines;
    size_t line_count;
    size_t line_room;         /* lines that fit before the list is made anew */
    bool reversed;            /* a later entry of the same return takes it back */
    struct entry_items items; /* of what is booked anew; not written and not read with the entry */
};

/* Debits less credits of all lines. */
int64_t entry_imbalance(const struct entry *entry);
/* Debits less credits of the lines with this role. */
int64_t entry_role_balance(const struct entry *entry, const char *role);

/*
 * Adds `amount_minor` to the debit (or, negative, to the credit) of the line with this account
 * and key, which is made if it isn't there. Nothing is added for 0. Texts are borrowed.
 * ERR_TOO_LARGE beyond ENTRY_LINES_MAX or the arena.
 */
enum err entry_add(struct entry *entry, struct arena *arena, const char *account,
                   const struct chart_key *key, int64_t amount_minor,
                   struct fault *fault) MUST_CHECK;
/* Drops the lines that came to nothing. */
void entry_tidy(struct entry *entry);

/*
 * {"reference","return","number","event","rule","company","store","currency","document_date",
 *  "text","reversed"?,"lines":[{"account","role","debit"|"credit","country"?,"tender"?,
 *  "jurisdiction"?,"rate"?}]}
 */
void entry_write(struct jsonw *w, const char *key, const struct entry *entry);
/* Reads what entry_write wrote, and refuses what doesn't balance. Texts are borrowed. */
enum err entry_read(const struct cJSON *json, struct arena *arena, struct entry *entry,
                    struct fault *fault) MUST_CHECK;

#endif
