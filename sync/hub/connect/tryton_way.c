#include "sync/hub/connect/tryton_way.h"
#include "hal/base/cleanup.h"

#include <string.h>

/* Looking up, creating, looking up, posting, reading back; and again when somebody came between. */
enum { ROUNDS_MAX = 10 };

enum err tryton_way_go(struct tryton_way *way,
                       enum err (*round)(struct tryton_way *way, struct posted *posted, bool *done),
                       struct posted *posted)
{
    bool done = false;
    int failures = 0;
    for (int i = 0; i < ROUNDS_MAX; i++) {
        enum err err = round(way, posted, &done);
        if (done || (err && err != ERR_REFUSED && err != ERR_IO))
            return err;
        if (err && ++failures > 1 && !way->others)
            return err;
    }
    return fault_set(way->fault, ERR_BUSY, "Tryton",
                     "somebody else changes what is under this reference");
}

const char *tryton_way_account(const struct entry *entry, const char *role)
{
    const char *account = NULL;
    for (size_t i = 0; i < entry->line_count; i++) {
        if (strcmp(entry->lines[i].key.role, role) != 0)
            continue;
        if (account && strcmp(account, entry->lines[i].account) != 0)
            return NULL;
        account = entry->lines[i].account;
    }
    return account;
}

/* --- Sums by account ------------------------------------------------------------------------- */

enum err tryton_sums_add(struct tryton_sums *sums, int64_t account, int64_t amount_minor,
                         struct fault *fault)
{
    size_t i = 0;
    while (i < sums->count && sums->items[i].account != account)
        i++;
    if (i == TRYTON_SUMS_MAX)
        return fault_set(fault, ERR_TOO_LARGE, "lines", "more than %d accounts", TRYTON_SUMS_MAX);
    if (i == sums->count)
        sums->items[sums->count++].account = account;
    sums->items[i].amount_minor += amount_minor;
    return ERR_OK;
}

static int64_t sum_of(const struct tryton_sums *sums, int64_t account)
{
    for (size_t i = 0; i < sums->count; i++)
        if (sums->items[i].account == account)
            return sums->items[i].amount_minor;
    return 0;
}

static bool all_in(const struct tryton_sums *a, const struct tryton_sums *b)
{
    for (size_t i = 0; i < a->count; i++)
        if (a->items[i].amount_minor != sum_of(b, a->items[i].account))
            return false;
    return true;
}

bool tryton_sums_equal(const struct tryton_sums *a, const struct tryton_sums *b)
{
    return all_in(a, b) && all_in(b, a);
}

enum err tryton_sums_of_entry(struct tryton_way *way, struct tryton_sums *sums)
{
    const struct entry *entry = way->order->entry;
    const struct tryton_account_record *account;
    enum err err = ERR_OK;
    *sums = (struct tryton_sums){.count = 0};
    for (size_t i = 0; !err && i < entry->line_count; i++) {
        const struct journal_line *line = &entry->lines[i];
        err = tryton_company_account(way->company, way->rpc, line->account, &account, way->fault);
        if (!err)
            err = tryton_sums_add(sums, account->id, line->debit_minor - line->credit_minor,
                                  way->fault);
    }
    return err;
}

enum err tryton_lines_of_move(struct tryton_way *way, int64_t move, struct cJSON **document,
                              const struct cJSON **rows)
{
    const struct tryton_reading reading = {
        .model = "account.move.line",
        .fields = {"account", "debit", "credit"},
        .limit = ENTRY_LINES_MAX + 1,
        .company = way->company->id,
    };
    struct jsonw *w = tryton_domain(way->rpc);
    tryton_clause_int(w, "move", "=", move);
    return tryton_read(way->rpc, &reading, document, rows, way->fault);
}

enum err tryton_sums_of_move(struct tryton_way *way, int64_t move, struct tryton_sums *sums)
{
    struct cJSON *document CLEANUP(json_cleanup) = NULL;
    const struct cJSON *rows;
    const struct currency *currency = &way->company->currency;
    enum err err = tryton_lines_of_move(way, move, &document, &rows);
    *sums = (struct tryton_sums){.count = 0};
    for (const struct cJSON *row = err ? NULL : json_first(rows); !err && row;
         row = json_next(row)) {
        int64_t debit;
        int64_t credit;
        if (tryton_read_amount(json_member(row, "debit"), currency, &debit) != ERR_OK ||
            tryton_read_amount(json_member(row, "credit"), currency, &credit) != ERR_OK)
            return fault_set(way->fault, ERR_CONFLICT, "Tryton", "holds an amount that isn't ours");
        err = tryton_sums_add(sums, json_member_int(row, "account", 0), debit - credit, way->fault);
    }
    return err;
}
