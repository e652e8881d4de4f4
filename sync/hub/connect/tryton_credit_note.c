#include "sync/hub/connect/tryton_credit_note.h"
#include "hal/base/cleanup.h"

#include <stdio.h>
#include <string.h>

enum { LINES_MAX = 3 * MILESTONE_LINES_MAX };

struct invoice {
    int64_t id;
    bool posted;
    bool draft;
    int64_t move;
    int64_t day; /* once posted */
    char number[CONNECTOR_NUMBER_MAX + 1];
};

static enum err read_invoice(struct tryton_way *way, int64_t id, struct invoice *invoice)
{
    struct cJSON *document CLEANUP(json_cleanup) = NULL;
    const struct cJSON *rows;
    const struct tryton_reading reading = {
        .model = "account.invoice",
        .fields = {"state", "number", "move", "accounting_date"},
        .limit = 1,
        .company = way->company->id,
    };
    struct jsonw *w = tryton_domain(way->rpc);
    tryton_clause_int(w, "id", "=", id);
    enum err err = tryton_read(way->rpc, &reading, &document, &rows, way->fault);
    if (err)
        return err;
    const struct cJSON *row = json_first(rows);
    const char *state = row ? json_member_text(row, "state") : NULL;
    if (!state)
        return fault_set(way->fault, ERR_UNKNOWN_OUTCOME, "Tryton", "answers no invoice");
    *invoice = (struct invoice){.id = id, .move = json_member_int(row, "move", 0)};
    invoice->posted = strcmp(state, "posted") == 0 || strcmp(state, "paid") == 0;
    invoice->draft = strcmp(state, "draft") == 0 || strcmp(state, "validated") == 0;
    err = tryton_read_number(row, "number", invoice->posted, invoice->number, way->fault);
    if (!err && invoice->posted &&
        tryton_read_day(json_member(row, "accounting_date"), &invoice->day) != ERR_OK)
        return fault_set(way->fault, ERR_CONFLICT, "Tryton",
                         "has a credit note for it, %s, that somebody else posted",
                         invoice->number);
    return err;
}

/* The day of the newest posted invoice after `day`, of this period unless `late`; else `day`. */
static enum err newest_day(struct tryton_way *way, int64_t *day)
{
    struct cJSON *document CLEANUP(json_cleanup) = NULL;
    const struct cJSON *rows;
    const struct tryton_reading reading = {.model = "account.move",
                                           .fields = {"date"},
                                           .order = "date",
                                           .newest_first = true,
                                           .limit = 1,
                                           .company = way->company->id};
    struct jsonw *w = tryton_domain(way->rpc);
    tryton_clause_int(w, "company", "=", way->company->id);
    tryton_clause_text(w, "origin", "like", "account.invoice,%");
    tryton_clause_day(w, "date", ">", *day);
    if (!way->late)
        tryton_clause_int(w, "period", "=", way->period);
    enum err err = tryton_read(way->rpc, &reading, &document, &rows, way->fault);
    const struct cJSON *row = err ? NULL : json_first(rows);
    if (row && tryton_read_day(json_member(row, "date"), day) != ERR_OK)
        err = fault_set(way->fault, ERR_UNKNOWN_OUTCOME, "Tryton", "answers no moves");
    return err;
}

/*
 * Tryton numbers invoices in the order of their days. So one of an earlier day is dated as the
 * newest of its period; and when Tryton refuses that too, as the newest of all, where finance's
 * rule lets entries move.
 */
static enum err choose_day(struct tryton_way *way)
{
    bool may_move = way->order->may_move;
    way->day = way->order->day;
    enum err err = tryton_company_period(way->company, way->rpc, may_move, &way->day, &way->period,
                                         way->fault);
    if (!err)
        err = newest_day(way, &way->day);
    if (!err && way->late)
        err = tryton_company_period(way->company, way->rpc, may_move, &way->day, &way->period,
                                    way->fault);
    return err;
}

static const struct tryton_reading lines_reading = {.model = "account.invoice.line",
                                                    .fields = {"account", "amount"}};
static const struct tryton_reading taxes_reading = {
    .model = "account.invoice.tax", .fields = {"account", "amount", "base", "tax.name"}};

static enum err read_parts(struct tryton_way *way, const struct tryton_reading *what,
                           int64_t invoice, struct cJSON **document, const struct cJSON **rows)
{
    struct tryton_reading reading = *what;
    reading.limit = LINES_MAX;
    reading.company = way->company->id;
    struct jsonw *w = tryton_domain(way->rpc);
    tryton_clause_int(w, "invoice", "=", invoice);
    return tryton_read(way->rpc, &reading, document, rows, way->fault);
}

static enum err read_amount(struct tryton_way *way, const struct cJSON *row, const char *name,
                            int64_t *amount_minor)
{
    return tryton_read_amount(json_member(row, name), &way->company->currency, amount_minor)
               ? fault_set(way->fault, ERR_CONFLICT, "Tryton", "holds an amount that isn't ours")
               : ERR_OK;
}

/* The ids of the lines that come back, or of the fees, as one argument; then their account. */
static enum err write_accounts_of(struct tryton_way *way, const struct cJSON *rows, bool fees,
                                  int64_t account, struct jsonw *w)
{
    enum err err = ERR_OK;
    jsonw_array(w, NULL);
    for (const struct cJSON *row = json_first(rows); !err && row; row = json_next(row)) {
        int64_t amount;
        err = read_amount(way, row, "amount", &amount);
        if (!err && (amount > 0) == fees)
            jsonw_int(w, NULL, json_member_int(row, "id", 0));
    }
    jsonw_end(w);
    jsonw_object(w, NULL);
    jsonw_int(w, "account", account);
    jsonw_end(w);
    return err;
}

static enum err find_account(struct tryton_way *way, const char *role, int64_t *id)
{
    const char *account = tryton_way_account(way->order->entry, role);
    const struct tryton_account_record *record;
    if (!account)
        return ERR_OK;
    enum err err = tryton_company_account(way->company, way->rpc, account, &record, way->fault);
    if (!err)
        *id = record->id;
    return err;
}

static enum err set_accounts(struct tryton_way *way, const struct invoice *invoice)
{
    struct cJSON *document CLEANUP(json_cleanup) = NULL;
    struct cJSON *answer CLEANUP(json_cleanup) = NULL;
    const struct cJSON *rows;
    const struct cJSON *result;
    int64_t returns = 0;
    int64_t fees = 0;
    enum err err = find_account(way, "returns", &returns);
    if (!err)
        err = find_account(way, "fee_income", &fees);
    if (!err)
        err = read_parts(way, &lines_reading, invoice->id, &document, &rows);
    if (err)
        return err;
    struct jsonw *w = tryton_rpc_begin(way->rpc);
    err = write_accounts_of(way, rows, false, returns, w);
    if (!err && fees)
        err = write_accounts_of(way, rows, true, fees, w);
    tryton_write_context(w, way->company->id);
    return err ? err
               : tryton_rpc_call(way->rpc, "model.account.invoice.line.write", &answer, &result,
                                 way->fault);
}

static enum err set_head(struct tryton_way *way, const struct invoice *invoice)
{
    struct cJSON *document CLEANUP(json_cleanup) = NULL;
    const struct cJSON *result;
    int64_t owed = 0;
    enum err err = find_account(way, "refunds_payable", &owed);
    if (err)
        return err;
    struct jsonw *w = tryton_rpc_begin(way->rpc);
    jsonw_array(w, NULL);
    jsonw_int(w, NULL, invoice->id);
    jsonw_end(w);
    jsonw_object(w, NULL);
    jsonw_int(w, "account", owed);
    jsonw_text(w, "reference", way->order->entry->reference);
    jsonw_text(w, "description", way->order->entry->number);
    tryton_write_day(w, "invoice_date", way->day);
    tryton_write_day(w, "accounting_date", way->day);
    jsonw_null(w, "payment_term");
    jsonw_end(w);
    tryton_write_context(w, way->company->id);
    return tryton_rpc_call(way->rpc, "model.account.invoice.write", &document, &result, way->fault);
}

/* What the document says of that tax, on what comes back or on the fees; as the invoice counts. */
static enum err tax_amount(const struct tryton_way *way, const char *name, bool of_fees,
                           int64_t *amount_minor)
{
    const struct document *document = way->order->document;
    enum err err = ERR_OK;
    *amount_minor = 0;
    for (size_t i = 0; !err && i < document->count; i++) {
        const struct entry_item *item = &document->lines[i].item;
        const struct tax_list *list = of_fees ? &item->fee_tax : &item->tax;
        for (size_t k = 0; !err && k < list->count; k++) {
            const struct tax_piece *piece = &list->items[k];
            const char *tax;
            err = tryton_config_tax(way->company->config, piece->jurisdiction, piece->rate, &tax,
                                    way->fault);
            if (!err && strcmp(tax, name) == 0)
                *amount_minor += of_fees ? piece->amount_minor : -piece->amount_minor;
        }
    }
    return err;
}

static enum err set_tax(struct tryton_way *way, const struct cJSON *row)
{
    struct cJSON *document CLEANUP(json_cleanup) = NULL;
    const struct cJSON *result;
    const char *name = json_member_text(json_member(row, "tax."), "name");
    int64_t base = 0;
    int64_t is = 0;
    int64_t wanted = 0;
    enum err err = read_amount(way, row, "base", &base);
    if (!err)
        err = read_amount(way, row, "amount", &is);
    if (!err)
        err = tax_amount(way, name ? name : "", base >= 0, &wanted);
    if (err || is == wanted)
        return err;
    struct jsonw *w = tryton_rpc_begin(way->rpc);
    jsonw_array(w, NULL);
    jsonw_int(w, NULL, json_member_int(row, "id", 0));
    jsonw_end(w);
    jsonw_object(w, NULL);
    tryton_write_amount(w, "amount", wanted, &way->company->currency);
    jsonw_end(w);
    tryton_write_context(w, way->company->id);
    return tryton_rpc_call(way->rpc, "model.account.invoice.tax.write", &document, &result,
                           way->fault);
}

/* Tax as the sale stored it: Tryton's own figure is of its rate. */
static enum err set_taxes(struct tryton_way *way, const struct invoice *invoice)
{
    struct cJSON *document CLEANUP(json_cleanup) = NULL;
    const struct cJSON *rows;
    enum err err = read_parts(way, &taxes_reading, invoice->id, &document, &rows);
    for (const struct cJSON *row = err ? NULL : json_first(rows); !err && row; row = json_next(row))
        err = set_tax(way, row);
    return err;
}

/* What the draft will be in the books: a credit for what is positive. */
static enum err add_parts(struct tryton_way *way, const struct tryton_reading *what,
                          const struct invoice *invoice, struct tryton_sums *sums, int64_t *total)
{
    struct cJSON *document CLEANUP(json_cleanup) = NULL;
    const struct cJSON *rows;
    enum err err = read_parts(way, what, invoice->id, &document, &rows);
    for (const struct cJSON *row = err ? NULL : json_first(rows); !err && row;
         row = json_next(row)) {
        int64_t amount;
        err = read_amount(way, row, "amount", &amount);
        if (err)
            break;
        *total += amount;
        err = tryton_sums_add(sums, json_member_int(row, "account", 0), -amount, way->fault);
    }
    return err;
}

static enum err check_draft(struct tryton_way *way, const struct invoice *invoice)
{
    struct tryton_sums wanted;
    struct tryton_sums sums = {.count = 0};
    int64_t total = 0;
    int64_t owed = 0;
    enum err err = tryton_sums_of_entry(way, &wanted);
    if (!err)
        err = add_parts(way, &lines_reading, invoice, &sums, &total);
    if (!err)
        err = add_parts(way, &taxes_reading, invoice, &sums, &total);
    if (!err)
        err = find_account(way, "refunds_payable", &owed);
    if (!err)
        err = tryton_sums_add(&sums, owed, total, way->fault);
    if (!err && !tryton_sums_equal(&sums, &wanted))
        err = fault_set(way->fault, ERR_REFUSED, "Tryton",
                        "the credit note would not say what the entry says: compare its taxes'"
                        " accounts with the books");
    return err;
}

/* A refusal may be for the day: see choose_day. */
static enum err post_invoice(struct tryton_way *way, const struct invoice *invoice)
{
    enum err err = tryton_do(way->rpc, "account.invoice", "post", &invoice->id, 1, way->company->id,
                             way->fault);
    if (err == ERR_REFUSED)
        way->late = way->order->may_move;
    return err;
}

static enum err prove(struct tryton_way *way, const struct invoice *invoice)
{
    struct tryton_sums wanted;
    struct tryton_sums sums;
    enum err err = tryton_sums_of_entry(way, &wanted);
    if (!err)
        err = tryton_sums_of_move(way, invoice->move, &sums);
    if (!err && !tryton_sums_equal(&sums, &wanted))
        err = fault_set(way->fault, ERR_CONFLICT, "Tryton",
                        "has another posted credit note under this reference, %s", invoice->number);
    return err;
}

enum err tryton_credit_note(struct tryton_way *way, int64_t id, struct posted *posted, bool *done)
{
    struct invoice invoice;
    enum err err = read_invoice(way, id, &invoice);
    if (err)
        return err;
    if (invoice.posted) {
        err = prove(way, &invoice);
        *done = !err;
        posted->day = invoice.day;
        memcpy(posted->number, invoice.number, sizeof posted->number);
        return err;
    }
    if (!invoice.draft)
        return fault_set(way->fault, ERR_CONFLICT, "Tryton", "has its credit note cancelled");
    err = choose_day(way);
    if (!err)
        err = set_accounts(way, &invoice);
    if (!err)
        err = set_head(way, &invoice);
    if (!err)
        err = set_taxes(way, &invoice);
    if (!err)
        err = check_draft(way, &invoice);
    return err ? err : post_invoice(way, &invoice);
}
