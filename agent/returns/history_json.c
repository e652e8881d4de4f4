#include "agent/returns/decision.h"
#include "agent/returns/fields.h"
#include "agent/returns/history.h"

#include <string.h>

/* What decision_write wrote, as far as it changes what is left of the sale. */
struct past_tax {
    int64_t amount_minor;
};

struct past_fee {
    int64_t amount_minor;
    int64_t tax_minor;
    int64_t base_minor;
    const char *rule;
    const char *rate;
    bool taxed;
};

struct past_commission {
    int64_t fee_minor;
    int64_t reversed_minor;
};

struct past_line {
    int64_t line;
    int64_t quantity;
    int64_t net_minor;
    int64_t gross_minor;
    struct past_tax *taxes;
    size_t tax_count;
    struct past_fee fee;
    struct past_commission commission;
    int64_t cost_minor;
    bool has_cost;
    bool adjustment;
};

struct past_tender {
    int64_t tender;
    int type;
    int64_t amount_minor;
    int64_t paid_out_minor;
    bool has_paid_out;
};

struct past_refund {
    const char *currency;
    const char *paid_currency;
    int64_t total_minor;
    struct past_tender *tenders;
    size_t tender_count;
};

struct past_return {
    struct past_line *lines;
    size_t line_count;
    struct past_refund refund;
};

/* Newer versions may write more. */
#define OPEN_TABLE(list, type)                                                                     \
    {                                                                                              \
        .fields = list, .count = FIELD_COUNT(list), .item_size = sizeof(struct type),              \
        .allow_unknown = true                                                                      \
    }
#define SIGNED(type, field, member)                                                                \
    {                                                                                              \
        .name = field, .kind = JSON_INT, AT(type, member), .min = -MONEY_MAX_MINOR,                \
        .max = MONEY_MAX_MINOR                                                                     \
    }

static const struct json_field tax_fields[] = {AMOUNT(past_tax, "amount", amount_minor)};
static const struct json_table tax_table = OPEN_TABLE(tax_fields, past_tax);

static const struct json_field fee_fields[] = {
    AMOUNT(past_fee, "amount", amount_minor),      AMOUNT(past_fee, "tax", tax_minor),
    OPTIONAL_AMOUNT(past_fee, "base", base_minor), OPTIONAL_NAME(past_fee, "rule", rule),
    OPTIONAL_NAME(past_fee, "rate", rate),         OPTIONAL_FLAG(past_fee, "taxed", taxed),
};
static const struct json_table fee_table = OPEN_TABLE(fee_fields, past_fee);

static const struct json_field commission_fields[] = {
    AMOUNT(past_commission, "fee", fee_minor),
    AMOUNT(past_commission, "reversed", reversed_minor),
};
static const struct json_table commission_table = OPEN_TABLE(commission_fields, past_commission);

static const struct json_field line_fields[] = {
    NUMBER(past_line, "line", line),
    {.name = "quantity",
     .kind = JSON_INT,
     AT(past_line, quantity),
     .min = 1,
     .max = SALE_QUANTITY_MAX},
    AMOUNT(past_line, "net", net_minor),
    AMOUNT(past_line, "gross", gross_minor),
    LIST(past_line, "tax", taxes, tax_count, tax_table, 0, SALE_TAXES_MAX),
    OBJECT(past_line, "fee", fee, fee_table),
    OBJECT(past_line, "commission", commission, commission_table),
    {.name = "cost",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     AT(past_line, cost_minor),
     .max = MONEY_MAX_MINOR,
     .present_offset = offsetof(struct past_line, has_cost)},
    OPTIONAL_FLAG(past_line, "adjustment", adjustment),
};
static const struct json_table line_table = OPEN_TABLE(line_fields, past_line);

static const struct json_field tender_fields[] = {
    {.name = "tender", .kind = JSON_INT, AT(past_tender, tender), .max = INT32_MAX},
    CHOICE(past_tender, "type", type, tender_words),
    SIGNED(past_tender, "amount", amount_minor),
    {.name = "paid_out",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     AT(past_tender, paid_out_minor),
     .max = MONEY_MAX_MINOR,
     .present_offset = offsetof(struct past_tender, has_paid_out)},
};
static const struct json_table tender_table = OPEN_TABLE(tender_fields, past_tender);

static const struct json_field refund_fields[] = {
    NAME(past_refund, "currency", currency),
    OPTIONAL_NAME(past_refund, "paid_currency", paid_currency),
    AMOUNT(past_refund, "total", total_minor),
    LIST(past_refund, "tenders", tenders, tender_count, tender_table, 0, SALE_TENDERS_MAX + 1),
};
static const struct json_table refund_table = OPEN_TABLE(refund_fields, past_refund);

static const struct json_field return_fields[] = {
    LIST(past_return, "lines", lines, line_count, line_table, 0, SALE_LINES_MAX * 2),
    {.name = "refund", .kind = JSON_OBJECT, AT(past_return, refund), .items = &refund_table},
};
static const struct json_table return_table = OPEN_TABLE(return_fields, past_return);

static enum err rebuild_fee(const struct past_fee *past, struct decided_fee *fee,
                            struct fault *fault)
{
    *fee = (struct decided_fee){
        .rule = past->rule ? past->rule : "",
        .taxed = past->taxed,
        .base_minor = past->base_minor,
        .amount_minor = past->amount_minor,
        .tax_minor = past->tax_minor,
    };
    if (past->rate && decimal_parse(slice_of(past->rate), &fee->rate) != ERR_OK)
        return fault_set(fault, ERR_INVALID, "lines[].fee.rate", "must be a decimal number");
    return ERR_OK;
}

static enum err rebuild_line(const struct past_line *past, const struct sale *sale,
                             struct arena *arena, struct decided_line *line, struct fault *fault)
{
    size_t index = sale_line_index(sale, past->line);
    if (index == sale->line_count)
        return fault_set(fault, ERR_INVALID, "lines[].line", "is not a line of this sale");
    if (past->tax_count != sale->lines[index].tax_count)
        return fault_set(fault, ERR_INVALID, "lines[].tax", "has other components than the sale");
    *line = (struct decided_line){
        .sale_index = index,
        .line = past->line,
        .quantity = past->quantity,
        .amount_minor = sale->prices_include_tax ? past->gross_minor : past->net_minor,
        .net_minor = past->net_minor,
        .gross_minor = past->gross_minor,
        .tax_count = past->tax_count,
        .cost_minor = past->cost_minor,
        .has_cost = past->has_cost,
        .adjustment = past->adjustment,
        .commission = {.fee_minor = past->commission.fee_minor,
                       .reversed_minor = past->commission.reversed_minor},
    };
    line->taxes = arena_alloc(arena, past->tax_count + 1, sizeof *line->taxes);
    if (!line->taxes)
        return fault_set(fault, ERR_NO_MEMORY, "lines", "no memory for the past return");
    for (size_t i = 0; i < past->tax_count; i++)
        line->taxes[i].amount_minor = past->taxes[i].amount_minor;
    return rebuild_fee(&past->fee, &line->fee, fault);
}

static enum err rebuild_tender(const struct past_tender *past, const struct sale *sale,
                               struct decided_tender *tender, struct fault *fault)
{
    *tender = (struct decided_tender){
        .tender = past->tender,
        .sale_index = DECISION_NO_INDEX,
        .type = past->type,
        .amount_minor = past->amount_minor,
        .paid_out_minor = past->has_paid_out ? past->paid_out_minor : past->amount_minor,
    };
    if (past->tender == 0)
        return ERR_OK;
    tender->sale_index = sale_tender_index(sale, past->tender);
    if (tender->sale_index == sale->tender_count)
        return fault_set(fault, ERR_INVALID, "refund.tenders[].tender",
                         "is not a tender of this sale");
    return ERR_OK;
}

static enum err rebuild(const struct past_return *past, const struct sale *sale,
                        struct arena *arena, struct decision *decision, struct fault *fault)
{
    const struct past_refund *refund = &past->refund;
    struct decision made = {
        .line_count = past->line_count,
        .tender_count = refund->tender_count,
        .total_minor = refund->total_minor,
        .currency = sale->currency,
        .paid_currency = refund->paid_currency ? NULL : sale->currency,
    };
    made.lines = arena_alloc(arena, past->line_count + 1, sizeof *made.lines);
    made.tenders = arena_alloc(arena, refund->tender_count + 1, sizeof *made.tenders);
    if (!made.lines || !made.tenders)
        return fault_set(fault, ERR_NO_MEMORY, "lines", "no memory for the past return");
    if (strcmp(refund->currency, sale->currency->code) != 0)
        return fault_set(fault, ERR_INVALID, "refund.currency", "is not that of the sale");
    enum err err = ERR_OK;
    for (size_t i = 0; i < past->line_count && !err; i++)
        err = rebuild_line(&past->lines[i], sale, arena, &made.lines[i], fault);
    for (size_t i = 0; i < refund->tender_count && !err; i++)
        err = rebuild_tender(&refund->tenders[i], sale, &made.tenders[i], fault);
    if (!err)
        *decision = made;
    return err;
}

enum err history_add_json(struct history *history, const struct sale *sale,
                          const struct cJSON *json, struct arena *arena, struct fault *fault)
{
    struct past_return past = {0};
    struct decision decision;
    enum err err = json_read(json, &return_table, &past, arena, fault);
    if (!err)
        err = rebuild(&past, sale, arena, &decision, fault);
    return err ? err : history_add(history, sale, &decision, fault);
}
