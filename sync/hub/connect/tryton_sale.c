#include "sync/hub/connect/tryton_sale.h"
#include "hal/base/cleanup.h"
#include "sync/hub/connect/tryton_credit_note.h"
#include "sync/hub/connect/tryton_sale_plan.h"

#include <string.h>

/* All goods come to one place on one day, which is one shipment; more are for the warehouse. */
enum { SHIPMENTS_MAX = 4 };

enum sale_state { SALE_DRAFT, SALE_QUOTED, SALE_CONFIRMED, SALE_PROCESSED };

struct sale {
    int64_t id;
    enum sale_state state;
    int64_t invoice;
    size_t invoice_count;
    int64_t shipments[SHIPMENTS_MAX];
    size_t shipment_count;
};

struct sales {
    struct sale items[TRYTON_SAME_MAX];
    size_t count;
};

/* --- What a sale can say --------------------------------------------------------------------- */

static int64_t tax_of(const struct tax_list *tax)
{
    int64_t sum = 0;
    for (size_t i = 0; i < tax->count; i++)
        sum += tax->items[i].amount_minor;
    return sum;
}

bool tryton_sale_can(const struct post_order *order)
{
    static const char *const roles[] = {"returns", "tax", "fee_income", "fee_tax"};
    const struct entry *entry = order->entry;
    int64_t said[4] = {0};
    int64_t left = 0;
    if (!order->document)
        return false;
    for (size_t i = 0; i < order->document->count; i++) {
        const struct entry_item *item = &order->document->lines[i].item;
        said[0] += item->net_minor;
        said[1] += tax_of(&item->tax);
        said[2] -= item->fee_net_minor;
        said[3] -= tax_of(&item->fee_tax);
    }
    for (size_t i = 0; i < 4; i++) {
        left += said[i];
        if (entry_role_balance(entry, roles[i]) != said[i])
            return false;
    }
    /* The rest is owed, and nothing else. */
    return entry_role_balance(entry, "refunds_payable") == -left &&
           tryton_way_account(entry, "returns") && tryton_way_account(entry, "refunds_payable") &&
           (!said[2] || tryton_way_account(entry, "fee_income"));
}

/* --- Looking up ------------------------------------------------------------------------------ */

static bool read_state(const char *state, enum sale_state *out)
{
    static const struct {
        const char *word;
        enum sale_state state;
    } words[] = {{"draft", SALE_DRAFT},
                 {"quotation", SALE_QUOTED},
                 {"confirmed", SALE_CONFIRMED},
                 {"processing", SALE_PROCESSED},
                 {"done", SALE_PROCESSED}};
    for (size_t i = 0; state && i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i].word, state) == 0) {
            *out = words[i].state;
            return true;
        }
    }
    return false;
}

static enum err read_sale(const struct cJSON *row, struct sale *sale, struct fault *fault)
{
    const struct cJSON *invoice = json_first(json_member(row, "invoices"));
    *sale = (struct sale){.id = json_member_int(row, "id", 0)};
    const struct cJSON *shipment = json_first(json_member(row, "shipment_returns"));
    for (; shipment && sale->shipment_count < SHIPMENTS_MAX; shipment = json_next(shipment))
        if (json_whole(shipment, &sale->shipments[sale->shipment_count]) == ERR_OK)
            sale->shipment_count++;
    if (invoice && json_whole(invoice, &sale->invoice) != ERR_OK)
        sale->invoice = 0;
    for (; invoice; invoice = json_next(invoice))
        sale->invoice_count++;
    return sale->id && read_state(json_member_text(row, "state"), &sale->state)
               ? ERR_OK
               : fault_set(fault, ERR_UNKNOWN_OUTCOME, "Tryton", "answers no sales");
}

/* All sales under our reference that weren't cancelled, oldest first. */
static enum err look_up(struct tryton_way *way, struct sales *sales)
{
    struct cJSON *document CLEANUP(json_cleanup) = NULL;
    const struct cJSON *rows;
    const struct tryton_reading reading = {
        .model = "sale.sale",
        .fields = {"state", "invoices", "shipment_returns"},
        .order = "id",
        .limit = TRYTON_SAME_MAX,
        .company = way->company->id,
    };
    struct jsonw *w = tryton_domain(way->rpc);
    tryton_clause_text(w, "reference", "=", way->order->entry->reference);
    tryton_clause_int(w, "company", "=", way->company->id);
    tryton_clause_text(w, "state", "!=", "cancelled");
    enum err err = tryton_read(way->rpc, &reading, &document, &rows, way->fault);
    sales->count = 0;
    const struct cJSON *row = err ? NULL : json_first(rows);
    for (; !err && row && sales->count < TRYTON_SAME_MAX; row = json_next(row))
        err = read_sale(row, &sales->items[sales->count++], way->fault);
    return err;
}

/* --- The sale -------------------------------------------------------------------------------- */

static enum err create(struct tryton_way *way)
{
    struct cJSON *document CLEANUP(json_cleanup) = NULL;
    const struct cJSON *ids;
    struct sale_plan plan;
    enum err err = sale_plan_make(way, &plan);
    if (err)
        return err;
    struct jsonw *w = tryton_rpc_begin(way->rpc);
    jsonw_array(w, NULL);
    sale_plan_write(way, &plan, w);
    jsonw_end(w);
    tryton_write_context(w, way->company->id);
    sale_plan_free(&plan);
    err = tryton_rpc_call(way->rpc, "model.sale.sale.create", &document, &ids, way->fault);
    if (!err && (!json_first(ids) || json_whole(json_first(ids), &way->mine) != ERR_OK))
        err = fault_set(way->fault, ERR_UNKNOWN_OUTCOME, "Tryton", "answers no new sale");
    return err;
}

static enum err do_sale(struct tryton_way *way, const struct sale *sale, const char *method)
{
    return tryton_do(way->rpc, "sale.sale", method, &sale->id, 1, way->company->id, way->fault);
}

/* Which of the sales is the entry's: the one that was confirmed, or else the oldest. */
static enum err choose(const struct tryton_way *way, const struct sales *sales, size_t *at)
{
    size_t confirmed = 0;
    *at = 0;
    for (size_t i = sales->count; i-- > 0;) {
        bool is = sales->items[i].state >= SALE_CONFIRMED;
        confirmed += is;
        if (is)
            *at = i;
    }
    return confirmed < 2 ? ERR_OK
                         : fault_set(way->fault, ERR_CONFLICT, "Tryton",
                                     "has %zu confirmed sales under this reference", confirmed);
}

/* Deletes all sales but the one at `at`, by the rule of drop_others in tryton.c. */
static enum err drop_others(struct tryton_way *way, const struct sales *sales, size_t at)
{
    bool kept_stays = sales->items[at].state >= SALE_CONFIRMED;
    bool ours_is_younger = false;
    enum err err = ERR_OK;
    for (size_t i = 0; i < sales->count; i++)
        ours_is_younger = ours_is_younger || (i != at && sales->items[i].id == way->mine);
    for (size_t i = 0; !err && i < sales->count; i++)
        if (i != at && (kept_stays || !ours_is_younger || sales->items[i].id == way->mine))
            err = do_sale(way, &sales->items[i], "delete");
    return !err && ours_is_younger && !kept_stays
               ? fault_set(way->fault, ERR_BUSY, "Tryton",
                           "somebody else is at work under this reference")
               : err;
}

/* What Tryton refuses is deleted again; the reason is told as Tryton gave it. */
static enum err confirm(struct tryton_way *way, const struct sale *sale)
{
    struct fault ignored;
    enum err err = sale->state == SALE_DRAFT ? do_sale(way, sale, "quote") : ERR_OK;
    if (!err)
        err = do_sale(way, sale, "confirm");
    if (err == ERR_REFUSED && !way->others) {
        struct tryton_way quiet = *way;
        quiet.fault = &ignored;
        (void)!do_sale(&quiet, sale, "delete");
    }
    return err;
}

/* The goods are here: that is why the debt was booked. */
static enum err receive(struct tryton_way *way, const struct sale *sale)
{
    return sale->shipment_count
               ? tryton_do(way->rpc, "stock.shipment.out.return", "receive", sale->shipments,
                           sale->shipment_count, way->company->id, way->fault)
               : ERR_OK;
}

static enum err settle(struct tryton_way *way, const struct sale *sale, struct posted *posted,
                       bool *done)
{
    if (sale->invoice_count > 1)
        return fault_set(way->fault, ERR_CONFLICT, "Tryton", "has %zu invoices of one return",
                         sale->invoice_count);
    if (!sale->invoice_count)
        return do_sale(way, sale, "process");
    enum err err = receive(way, sale);
    return err ? err : tryton_credit_note(way, sale->invoice, posted, done);
}

enum err tryton_sale_round(struct tryton_way *way, struct posted *posted, bool *done)
{
    struct sales sales;
    size_t at;
    enum err err = look_up(way, &sales);
    if (err)
        return err;
    for (size_t i = 0; i < sales.count; i++)
        way->others = way->others || (way->mine && sales.items[i].id != way->mine);
    if (!sales.count)
        return create(way);
    err = choose(way, &sales, &at);
    if (!err)
        err = drop_others(way, &sales, at);
    if (err)
        return err;
    const struct sale *sale = &sales.items[at];
    if (sale->state < SALE_CONFIRMED)
        return confirm(way, sale);
    return sale->state == SALE_CONFIRMED ? do_sale(way, sale, "process")
                                         : settle(way, sale, posted, done);
}
