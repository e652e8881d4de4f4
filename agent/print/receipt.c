#include "agent/print/receipt.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"

#include <string.h>

enum { TAXES_MAX = 16 };

struct gathering {
    struct arena *arena;
    struct receipt *receipt;
    bool no_memory;
    char sale_id[ID_TEXT + 1]; /* of the exchange; "" for none */
};

/* --- Small steps over documents ----------------------------------------------------------------
 */

static const char *keep(struct gathering *g, const char *text)
{
    const char *copy = text ? arena_text(g->arena, text) : NULL;
    g->no_memory |= text && !copy;
    return copy;
}

static size_t count_of(const struct cJSON *list)
{
    size_t count = 0;
    for (const struct cJSON *item = json_first(list); item; item = json_next(item))
        count++;
    return count;
}

static void *make_list(struct gathering *g, size_t count, size_t size)
{
    void *list = arena_alloc(g->arena, count ? count : 1, size);
    g->no_memory |= !list;
    return list;
}

static int word_of(const struct cJSON *object, const char *name, const char *const *words)
{
    const char *text = json_member_text(object, name);
    int word = text ? word_find(words, text) : -1;
    return word < 0 ? 0 : word;
}

static const struct cJSON *line_numbered(const struct cJSON *list, int64_t number)
{
    for (const struct cJSON *line = json_first(list); line; line = json_next(line))
        if (json_member_int(line, "line", 0) == number)
            return line;
    return NULL;
}

static const struct cJSON *item_at(const struct cJSON *list, int64_t position)
{
    const struct cJSON *item = json_first(list);
    while (item && position-- > 0)
        item = json_next(item);
    return item;
}

static const char *name_of(const struct cJSON *line)
{
    static const char *const names[] = {"description", "sku", "gtin"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *text = json_member_text(line, names[i]);
        if (text && *text)
            return text;
    }
    return "";
}

/* --- return.created ----------------------------------------------------------------------------
 */

static void take_tax(struct gathering *g, const struct cJSON *tax)
{
    struct receipt *r = g->receipt;
    int type = word_of(tax, "type", tax_words);
    const char *rate = json_member_text(tax, "rate");
    int64_t amount_minor = json_member_int(tax, "amount", 0);
    for (size_t i = 0; i < r->tax_count; i++) {
        if (r->taxes[i].type == type && strcmp(r->taxes[i].rate, rate ? rate : "") == 0) {
            r->taxes[i].amount_minor += amount_minor;
            return;
        }
    }
    if (r->tax_count < TAXES_MAX)
        r->taxes[r->tax_count++] =
            (struct receipt_tax){type, keep(g, rate ? rate : ""), amount_minor};
}

/* A line has its name from the sale, or without one from what was asked for. */
static void take_lines(struct gathering *g, const struct cJSON *created)
{
    struct receipt *r = g->receipt;
    const struct cJSON *lines = json_member(created, "lines");
    const struct cJSON *sold = json_member(json_member(created, "sale"), "lines");
    const struct cJSON *asked = json_member(json_member(created, "request"), "lines");
    r->lines = make_list(g, count_of(lines), sizeof *r->lines);
    r->taxes = make_list(g, TAXES_MAX, sizeof *r->taxes);
    for (const struct cJSON *l = json_first(lines); l && !g->no_memory; l = json_next(l)) {
        const struct cJSON *goods = sold ? line_numbered(sold, json_member_int(l, "line", 0))
                                         : item_at(asked, json_member_int(l, "item", 0));
        r->lines[r->line_count++] = (struct receipt_line){
            .name = keep(g, name_of(goods)),
            .quantity = json_member_int(l, "quantity", 0),
            .unit = word_of(goods, "unit", unit_words),
            .gross_minor = json_member_int(l, "gross", 0),
            .fee_minor = json_member_int(json_member(l, "fee"), "amount", 0),
        };
        r->net_minor += json_member_int(l, "net", 0);
        const struct cJSON *tax = json_first(json_member(l, "tax"));
        for (; tax && !g->no_memory; tax = json_next(tax))
            take_tax(g, tax);
    }
}

static void take_tenders(struct gathering *g, const struct cJSON *refund)
{
    struct receipt *r = g->receipt;
    const struct cJSON *tenders = json_member(refund, "tenders");
    r->tenders = make_list(g, count_of(tenders), sizeof *r->tenders);
    for (const struct cJSON *t = json_first(tenders); t && !g->no_memory; t = json_next(t)) {
        int64_t amount_minor = json_member_int(t, "amount", 0);
        struct receipt_tender tender = {
            .type = word_of(t, "type", tender_words),
            .amount_minor = json_member_int(t, "paid_out", amount_minor),
            .executor = word_of(t, "executor", executor_words),
        };
        r->cash |= tender.type == TENDER_CASH && tender.executor == EXECUTOR_TILL;
        r->tenders[r->tender_count++] = tender;
    }
}

static void take_refund(struct gathering *g, const struct cJSON *refund)
{
    struct receipt *r = g->receipt;
    const char *currency = json_member_text(refund, "currency");
    const char *paid = json_member_text(refund, "paid_currency");
    r->currency = currency ? currency_find(slice_of(currency)) : NULL;
    r->paid_currency = paid ? currency_find(slice_of(paid)) : r->currency;
    r->total_minor = json_member_int(refund, "total", 0);
    r->payout_minor = json_member_int(refund, "payout", r->total_minor);
    r->fee_minor = json_member_int(refund, "fee", 0);
    take_tenders(g, refund);
}

static enum receipt_state state_of(const struct cJSON *data)
{
    switch (word_of(data, "decision", outcome_words)) {
    case OUTCOME_ACCEPTED:
        return RECEIPT_ACCEPTED;
    case OUTCOME_PENDING_CHECK:
        return RECEIPT_PENDING;
    default:
        return RECEIPT_NONE;
    }
}

static void agree(struct gathering *g, const struct cJSON *data, int64_t at_ms,
                  enum receipt_state state)
{
    const char *lane = json_member_text(data, "lane");
    g->receipt->state = state;
    g->receipt->at_ms = at_ms;
    g->receipt->lane = keep(g, lane ? lane : "");
}

static void take_created(struct gathering *g, const struct cJSON *data, int64_t at_ms)
{
    struct receipt *r = g->receipt;
    r->number = keep(g, json_member_text(data, "number"));
    r->store = keep(g, json_member_text(data, "store"));
    r->sale_receipt = keep(g, json_member_text(data, "receipt"));
    agree(g, data, at_ms, state_of(data));
    take_lines(g, data);
    take_refund(g, json_member(data, "refund"));
}

/* --- What follows ------------------------------------------------------------------------------
 */

static void take_exchange(struct gathering *g, const struct cJSON *data)
{
    struct receipt_exchange *exchange = &g->receipt->exchange;
    const char *sale_id = json_member_text(data, "sale_id");
    exchange->receipt = keep(g, json_member_text(data, "receipt"));
    exchange->gross_minor = json_member_int(json_member(data, "sale"), "gross", 0);
    exchange->applied_minor = json_member_int(data, "applied", 0);
    if (sale_id && strlen(sale_id) == ID_TEXT)
        memcpy(g->sale_id, sale_id, sizeof g->sale_id);
}

static enum err take(void *context, const struct eventlog_record *record, struct fault *fault)
{
    struct gathering *g = context;
    struct receipt *r = g->receipt;
    struct cJSON *data CLEANUP(json_cleanup) = NULL;
    enum err err = json_parse(record->event.data, JSON_LIMITS_DEFAULT, &data, fault);
    if (err)
        return err;
    int64_t at_ms = record->event.time_ms;
    if (record->event.type == EVENT_RETURN_CREATED && !r->number)
        take_created(g, data, at_ms);
    else if (record->event.type == EVENT_RETURN_APPROVED)
        agree(g, data, at_ms, state_of(data));
    else if (record->event.type == EVENT_RETURN_VOIDED && r->state != RECEIPT_NONE)
        agree(g, data, at_ms, RECEIPT_VOIDED);
    else if (record->event.type == EVENT_EXCHANGE_LINKED)
        take_exchange(g, data);
    return g->no_memory ? fault_set(fault, ERR_NO_MEMORY, "", "out of memory") : ERR_OK;
}

static enum err take_sale(void *context, const struct eventlog_record *record, struct fault *fault)
{
    struct gathering *g = context;
    struct receipt_exchange *exchange = &g->receipt->exchange;
    if (record->event.type != EVENT_SALE_RECORDED || exchange->lines)
        return ERR_OK;
    struct cJSON *data CLEANUP(json_cleanup) = NULL;
    enum err err = json_parse(record->event.data, JSON_LIMITS_DEFAULT, &data, fault);
    if (err)
        return err;
    const struct cJSON *lines = json_member(data, "lines");
    exchange->lines = make_list(g, count_of(lines), sizeof *exchange->lines);
    for (const struct cJSON *l = json_first(lines); l && !g->no_memory; l = json_next(l))
        exchange->lines[exchange->line_count++] = (struct receipt_line){
            .name = keep(g, name_of(l)),
            .quantity = json_member_int(l, "quantity", 0),
            .unit = word_of(l, "unit", unit_words),
            .gross_minor = json_member_int(l, "amount", 0),
        };
    return g->no_memory ? fault_set(fault, ERR_NO_MEMORY, "", "out of memory") : ERR_OK;
}

enum err receipt_gather(struct eventlog_reader *reader, const struct id *return_id,
                        struct arena *arena, struct receipt *out, struct fault *fault)
{
    struct receipt receipt = {0};
    struct gathering g = {.arena = arena, .receipt = &receipt};
    enum err err = eventlog_history(reader, return_id, take, &g, fault);
    if (!err && (!receipt.number || !receipt.currency || !receipt.paid_currency))
        err = fault_set(fault, ERR_NOT_FOUND, "return", "the log has no such return any more");
    struct id sale;
    if (!err && id_parse(slice_of(g.sale_id), &sale) == ERR_OK)
        err = eventlog_history(reader, &sale, take_sale, &g, fault);
    if (!err)
        *out = receipt;
    return err;
}
