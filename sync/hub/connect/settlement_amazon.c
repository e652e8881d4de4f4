/*
 * Amazon settlement report V2 (tab-separated): a summary row with the payout, then one row for
 * each component of a movement. Rows that follow each other and speak of the same movement are
 * summed into one line.
 */
#include "sync/hub/connect/settlement_format.h"
#include "sync/hub/connect/table.h"

#include <stdlib.h>
#include <string.h>

enum column {
    SETTLEMENT_ID,
    DEPOSIT_DATE,
    TOTAL_AMOUNT,
    CURRENCY,
    TRANSACTION_TYPE,
    ORDER_ID,
    MERCHANT_ORDER_ID,
    ADJUSTMENT_ID,
    AMOUNT_TYPE,
    AMOUNT,
    POSTED_DATE,
};

static const struct table_column columns[] = {
    [SETTLEMENT_ID] = {"settlement-id", true},
    [DEPOSIT_DATE] = {"deposit-date", true},
    [TOTAL_AMOUNT] = {"total-amount", true},
    [CURRENCY] = {"currency", true},
    [TRANSACTION_TYPE] = {"transaction-type", true},
    [ORDER_ID] = {"order-id", true},
    [MERCHANT_ORDER_ID] = {"merchant-order-id", false},
    [ADJUSTMENT_ID] = {"adjustment-id", true},
    [AMOUNT_TYPE] = {"amount-type", true},
    [AMOUNT] = {"amount", true},
    [POSTED_DATE] = {"posted-date", true},
};

static const struct {
    const char *type;
    enum settlement_kind kind;
} kinds[] = {
    {"Order", SETTLEMENT_KIND_SALE},
    {"Refund", SETTLEMENT_KIND_REFUND},
    {"Chargeback Refund", SETTLEMENT_KIND_CHARGEBACK},
    {"A-to-z Guarantee Refund", SETTLEMENT_KIND_CHARGEBACK},
    {"ServiceFee", SETTLEMENT_KIND_FEE},
};

struct amazon {
    struct settlement_out out;
    struct table table;
    char currency[4]; /* said once, in the summary row */
    struct settlement_line line;
    bool has_line;
};

static enum err give_line(struct amazon *amazon, struct fault *fault)
{
    if (!amazon->has_line)
        return ERR_OK;
    amazon->has_line = false;
    amazon->line.net_minor = amazon->line.gross_minor - amazon->line.fee_minor;
    return amazon->out.sink(amazon->out.context, &amazon->line, fault);
}

static enum err read_amount(const struct amazon *amazon, enum column column, int64_t *minor,
                            struct fault *fault)
{
    if (!*amazon->currency)
        return table_refuse(&amazon->table, CURRENCY, "the summary row must say it first", fault);
    if (settlement_amount(table_cell(&amazon->table, column), amazon->currency, minor))
        return table_refuse(&amazon->table, column, "must be an amount in its currency", fault);
    return ERR_OK;
}

static enum settlement_kind kind_of(struct slice type)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (slice_is(type, kinds[i].type))
            return kinds[i].kind;
    return SETTLEMENT_KIND_OTHER;
}

static void begin_line(struct amazon *amazon, enum settlement_kind kind)
{
    const struct table *table = &amazon->table;
    struct settlement_line *line = &amazon->line;
    *line = (struct settlement_line){.row = table->row, .kind = kind};
    settlement_text(line->type, table_cell(table, TRANSACTION_TYPE));
    settlement_text(line->batch, table_cell(table, SETTLEMENT_ID));
    settlement_text(line->reference, table_cell(table, ADJUSTMENT_ID));
    settlement_text(line->payment, table_cell(table, ORDER_ID));
    settlement_text(line->own, table_cell(table, MERCHANT_ORDER_ID));
    memcpy(line->currency, amazon->currency, sizeof line->currency);
    memcpy(line->net_currency, amazon->currency, sizeof line->currency);
    amazon->has_line = true;
}

static bool same_movement(const struct amazon *amazon)
{
    const struct table *table = &amazon->table;
    const struct settlement_line *line = &amazon->line;
    return amazon->has_line && slice_is(table_cell(table, TRANSACTION_TYPE), line->type) &&
           slice_is(table_cell(table, ORDER_ID), line->payment) &&
           slice_is(table_cell(table, ADJUSTMENT_ID), line->reference);
}

static enum err take_summary(struct amazon *amazon, struct fault *fault)
{
    const struct table *table = &amazon->table;
    int64_t total = 0;
    if (settlement_currency(table_cell(table, CURRENCY), amazon->currency))
        return table_refuse(table, CURRENCY, "must be an ISO 4217 code", fault);
    enum err err = read_amount(amazon, TOTAL_AMOUNT, &total, fault);
    if (err)
        return err;
    begin_line(amazon, SETTLEMENT_KIND_PAYOUT);
    if (settlement_day(table_cell(table, DEPOSIT_DATE), &amazon->line.day))
        return table_refuse(table, DEPOSIT_DATE, "must be a day", fault);
    amazon->line.gross_minor = total;
    return give_line(amazon, fault);
}

static enum err take(void *context, const struct table *table, struct fault *fault)
{
    struct amazon *amazon = context;
    int64_t amount = 0;
    if (table_cell(table, TOTAL_AMOUNT).len) {
        enum err given = give_line(amazon, fault);
        return given ? given : take_summary(amazon, fault);
    }
    enum err err = read_amount(amazon, AMOUNT, &amount, fault);
    if (!err && !same_movement(amazon)) {
        err = give_line(amazon, fault);
        begin_line(amazon, kind_of(table_cell(table, TRANSACTION_TYPE)));
        if (!err && settlement_day(table_cell(table, POSTED_DATE), &amazon->line.day))
            err = table_refuse(table, POSTED_DATE, "must be a day", fault);
    }
    if (err)
        return err;
    /* Tax that Amazon withholds is between it and us as its fees are; the customer gets it back. */
    bool is_fee = slice_is(table_cell(table, AMOUNT_TYPE), "ItemFees") ||
                  slice_is(table_cell(table, AMOUNT_TYPE), "ItemWithheldTax") ||
                  amazon->line.kind == SETTLEMENT_KIND_FEE;
    if (is_fee)
        amazon->line.fee_minor -= amount;
    else
        amazon->line.gross_minor += amount;
    return ERR_OK;
}

static void *amazon_open(struct settlement_out out, enum settlement_format format)
{
    struct amazon *amazon = calloc(1, sizeof *amazon);
    (void)format;
    if (!amazon)
        return NULL;
    amazon->out = out;
    table_open(&amazon->table, '\t', columns, sizeof columns / sizeof *columns, SETTLEMENT_ROWS_MAX,
               take, amazon);
    return amazon;
}

static enum err amazon_feed(void *self, struct slice bytes, struct fault *fault)
{
    return table_feed(&((struct amazon *)self)->table, bytes, fault);
}

static enum err amazon_finish(void *self, struct fault *fault)
{
    struct amazon *amazon = self;
    enum err err = table_finish(&amazon->table, fault);
    return err ? err : give_line(amazon, fault);
}

static void amazon_close(void *self)
{
    table_close(&((struct amazon *)self)->table);
    free(self);
}

const struct settlement_ops settlement_amazon = {amazon_open, amazon_feed, amazon_finish,
                                                 amazon_close};
