/* Stripe balance transactions (CSV), as the dashboard exports them and as itemised reports. */
#include "sync/hub/connect/settlement_format.h"
#include "sync/hub/connect/table.h"

#include <stdlib.h>
#include <string.h>

enum column {
    ID,
    TYPE,
    SOURCE,
    AMOUNT,
    FEE,
    NET,
    CURRENCY,
    CREATED,
    DESCRIPTION,
    BATCH,
    CHARGE,
    OWN
};

static const struct table_column columns[] = {
    [ID] = {"id|balance_transaction_id", true},
    [TYPE] = {"Type|reporting_category", true},
    [SOURCE] = {"Source|source_id", false},
    [AMOUNT] = {"Amount|gross", true},
    [FEE] = {"Fee|fee", true},
    [NET] = {"Net|net", true},
    [CURRENCY] = {"Currency|currency", true},
    [CREATED] = {"Created (UTC)|created_utc|created", true},
    [DESCRIPTION] = {"Description|description", false},
    [BATCH] = {"Transfer|automatic_payout_id", false},
    [CHARGE] = {"Charge ID|charge_id|payment_intent_id", false},
    [OWN] = {"reference (metadata)|order_id (metadata)|payment_metadata[order_id]", false},
};

static const struct {
    const char *type;
    enum settlement_kind kind;
} kinds[] = {
    {"charge", SETTLEMENT_KIND_SALE},
    {"payment", SETTLEMENT_KIND_SALE},
    {"refund", SETTLEMENT_KIND_REFUND},
    {"payment_refund", SETTLEMENT_KIND_REFUND},
    {"refund_failure", SETTLEMENT_KIND_REFUND_REVERSED},
    {"payment_failure_refund", SETTLEMENT_KIND_REFUND_REVERSED},
    {"dispute", SETTLEMENT_KIND_CHARGEBACK},
    {"dispute_reversal", SETTLEMENT_KIND_CHARGEBACK_REVERSED},
    {"stripe_fee", SETTLEMENT_KIND_FEE},
    {"fee", SETTLEMENT_KIND_FEE},
    {"network_cost", SETTLEMENT_KIND_FEE},
    {"payout", SETTLEMENT_KIND_PAYOUT},
};

struct stripe {
    struct settlement_out out;
    struct table table;
};

static bool begins_with(struct slice text, const char *head)
{
    size_t len = strlen(head);
    return text.len >= len && memcmp(text.data, head, len) == 0;
}

/* The dashboard calls a dispute an adjustment; only its description tells. */
static enum settlement_kind kind_of(const struct table *table)
{
    struct slice type = table_cell(table, TYPE);
    struct slice description = table_cell(table, DESCRIPTION);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (slice_is(type, kinds[i].type))
            return kinds[i].kind;
    if (begins_with(description, "Chargeback withdrawal"))
        return SETTLEMENT_KIND_CHARGEBACK;
    if (begins_with(description, "Chargeback reversal"))
        return SETTLEMENT_KIND_CHARGEBACK_REVERSED;
    return SETTLEMENT_KIND_OTHER;
}

static enum err read_amount(const struct table *table, enum column column, const char *currency,
                            int64_t *minor, struct fault *fault)
{
    if (settlement_amount(table_cell(table, column), currency, minor))
        return table_refuse(table, column, "must be an amount in its currency", fault);
    return ERR_OK;
}

static enum err read_amounts(const struct table *table, struct settlement_line *line,
                             struct fault *fault)
{
    if (settlement_currency(table_cell(table, CURRENCY), line->currency))
        return table_refuse(table, CURRENCY, "must be an ISO 4217 code", fault);
    memcpy(line->net_currency, line->currency, sizeof line->currency);
    enum err err = read_amount(table, AMOUNT, line->currency, &line->gross_minor, fault);
    if (!err)
        err = read_amount(table, FEE, line->currency, &line->fee_minor, fault);
    if (!err)
        err = read_amount(table, NET, line->currency, &line->net_minor, fault);
    if (!err && line->net_minor != line->gross_minor - line->fee_minor)
        err = table_refuse(table, NET, "must be the amount less the fee", fault);
    if (err || line->kind != SETTLEMENT_KIND_PAYOUT)
        return err;
    line->gross_minor = -line->gross_minor; /* a debit of the balance */
    line->net_minor = -line->net_minor;
    return ERR_OK;
}

static enum err take(void *context, const struct table *table, struct fault *fault)
{
    struct stripe *stripe = context;
    struct settlement_line line = {.row = table->row, .kind = kind_of(table)};
    struct slice source = table_cell(table, SOURCE);
    struct slice charge = table_cell(table, CHARGE);
    bool is_sale = line.kind == SETTLEMENT_KIND_SALE;
    settlement_text(line.type, table_cell(table, TYPE));
    settlement_text(line.batch, table_cell(table, BATCH));
    settlement_text(line.reference, source.len ? source : table_cell(table, ID));
    settlement_text(line.payment, charge.len || !is_sale ? charge : source);
    settlement_text(line.own, table_cell(table, OWN));
    if (settlement_day(table_cell(table, CREATED), &line.day))
        return table_refuse(table, CREATED, "must be a day", fault);
    enum err err = read_amounts(table, &line, fault);
    return err ? err : stripe->out.sink(stripe->out.context, &line, fault);
}

static void *stripe_open(struct settlement_out out, enum settlement_format format)
{
    struct stripe *stripe = calloc(1, sizeof *stripe);
    (void)format;
    if (!stripe)
        return NULL;
    stripe->out = out;
    table_open(&stripe->table, ',', columns, sizeof columns / sizeof *columns, SETTLEMENT_ROWS_MAX,
               take, stripe);
    return stripe;
}

static enum err stripe_feed(void *self, struct slice bytes, struct fault *fault)
{
    return table_feed(&((struct stripe *)self)->table, bytes, fault);
}

static enum err stripe_finish(void *self, struct fault *fault)
{
    return table_finish(&((struct stripe *)self)->table, fault);
}

static void stripe_close(void *self)
{
    table_close(&((struct stripe *)self)->table);
    free(self);
}

const struct settlement_ops settlement_stripe = {stripe_open, stripe_feed, stripe_finish,
                                                 stripe_close};
