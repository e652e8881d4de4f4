/* Adyen settlement detail report (CSV). */
#include "sync/hub/connect/settlement_format.h"
#include "sync/hub/connect/table.h"

#include <stdlib.h>
#include <string.h>

enum column {
    PSP_REFERENCE,
    MERCHANT_REFERENCE,
    CREATION_DATE,
    TYPE,
    MODIFICATION_REFERENCE,
    GROSS_CURRENCY,
    GROSS_DEBIT,
    GROSS_CREDIT,
    NET_CURRENCY,
    NET_DEBIT,
    NET_CREDIT,
    COMMISSION,
    MARKUP,
    SCHEME_FEES,
    INTERCHANGE,
    BATCH,
    MODIFICATION_OWN,
    TERMINAL,
};

static const struct table_column columns[] = {
    [PSP_REFERENCE] = {"Psp Reference", true},
    [MERCHANT_REFERENCE] = {"Merchant Reference", true},
    [CREATION_DATE] = {"Creation Date", true},
    [TYPE] = {"Type", true},
    [MODIFICATION_REFERENCE] = {"Modification Reference", true},
    [GROSS_CURRENCY] = {"Gross Currency", true},
    [GROSS_DEBIT] = {"Gross Debit (GC)", true},
    [GROSS_CREDIT] = {"Gross Credit (GC)", true},
    [NET_CURRENCY] = {"Net Currency", true},
    [NET_DEBIT] = {"Net Debit (NC)", true},
    [NET_CREDIT] = {"Net Credit (NC)", true},
    [COMMISSION] = {"Commission (NC)", false},
    [MARKUP] = {"Markup (NC)", false},
    [SCHEME_FEES] = {"Scheme Fees (NC)", false},
    [INTERCHANGE] = {"Interchange (NC)", false},
    [BATCH] = {"Batch Number", true},
    [MODIFICATION_OWN] = {"Modification Merchant Reference", false},
    [TERMINAL] = {"Unique Terminal ID|Terminal ID", false},
};

static const struct {
    const char *type;
    enum settlement_kind kind;
} kinds[] = {
    {"Settled", SETTLEMENT_KIND_SALE},
    {"Refunded", SETTLEMENT_KIND_REFUND},
    {"RefundedReversed", SETTLEMENT_KIND_REFUND_REVERSED},
    {"Chargeback", SETTLEMENT_KIND_CHARGEBACK},
    {"SecondChargeback", SETTLEMENT_KIND_CHARGEBACK},
    {"ChargebackReversed", SETTLEMENT_KIND_CHARGEBACK_REVERSED},
    {"Fee", SETTLEMENT_KIND_FEE},
    {"InvoiceDeduction", SETTLEMENT_KIND_FEE},
    {"MerchantPayout", SETTLEMENT_KIND_PAYOUT},
};

struct adyen {
    struct settlement_out out;
    struct table table;
};

static enum settlement_kind kind_of(struct slice type)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (slice_is(type, kinds[i].type))
            return kinds[i].kind;
    return SETTLEMENT_KIND_OTHER;
}

static enum err read_amount(const struct table *table, enum column column, const char *currency,
                            int64_t *minor, struct fault *fault)
{
    struct slice text = table_cell(table, column);
    if (!text.len) {
        *minor = 0;
        return ERR_OK;
    }
    if (settlement_amount(text, currency, minor))
        return table_refuse(table, column, "must be an amount in its currency", fault);
    return ERR_OK;
}

/* Credit less debit; without a currency both must be empty. */
static enum err read_balance(const struct table *table, enum column currency_column,
                             enum column debit_column, enum column credit_column, char currency[4],
                             int64_t *minor, struct fault *fault)
{
    int64_t debit;
    int64_t credit;
    struct slice text = table_cell(table, currency_column);
    if (text.len && settlement_currency(text, currency))
        return table_refuse(table, currency_column, "must be an ISO 4217 code", fault);
    enum err err = read_amount(table, debit_column, currency, &debit, fault);
    if (!err)
        err = read_amount(table, credit_column, currency, &credit, fault);
    if (!err)
        *minor = credit - debit;
    return err;
}

/* The fee is gross less net; where they have different currencies, the sum of its parts. */
static enum err read_fee(const struct table *table, struct settlement_line *line,
                         struct fault *fault)
{
    static const enum column parts[] = {COMMISSION, MARKUP, SCHEME_FEES, INTERCHANGE};
    if (strcmp(line->currency, line->net_currency) == 0) {
        line->fee_minor = line->gross_minor - line->net_minor;
        return ERR_OK;
    }
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        int64_t part;
        enum err err = read_amount(table, parts[i], line->net_currency, &part, fault);
        if (err)
            return err;
        line->fee_minor += part;
    }
    return ERR_OK;
}

static enum err read_amounts(const struct table *table, struct settlement_line *line,
                             struct fault *fault)
{
    enum err err = read_balance(table, GROSS_CURRENCY, GROSS_DEBIT, GROSS_CREDIT, line->currency,
                                &line->gross_minor, fault);
    if (!err)
        err = read_balance(table, NET_CURRENCY, NET_DEBIT, NET_CREDIT, line->net_currency,
                           &line->net_minor, fault);
    if (err)
        return err;
    if (line->kind == SETTLEMENT_KIND_FEE) {
        line->fee_minor = -line->net_minor;
        return ERR_OK;
    }
    if (line->kind == SETTLEMENT_KIND_PAYOUT) { /* a debit of the balance */
        line->net_minor = -line->net_minor;
        line->gross_minor = line->net_minor;
        memcpy(line->currency, line->net_currency, sizeof line->currency);
        return ERR_OK;
    }
    return read_fee(table, line, fault);
}

static enum err take(void *context, const struct table *table, struct fault *fault)
{
    struct adyen *adyen = context;
    struct settlement_line line = {.row = table->row, .kind = kind_of(table_cell(table, TYPE))};
    struct slice own = table_cell(table, MODIFICATION_OWN);
    settlement_text(line.type, table_cell(table, TYPE));
    settlement_text(line.batch, table_cell(table, BATCH));
    settlement_text(line.payment, table_cell(table, PSP_REFERENCE));
    settlement_text(line.reference, table_cell(table, MODIFICATION_REFERENCE));
    settlement_text(line.own, own.len ? own : table_cell(table, MERCHANT_REFERENCE));
    settlement_text(line.terminal, table_cell(table, TERMINAL));
    if (settlement_day(table_cell(table, CREATION_DATE), &line.day))
        return table_refuse(table, CREATION_DATE, "must be a day", fault);
    enum err err = read_amounts(table, &line, fault);
    return err ? err : adyen->out.sink(adyen->out.context, &line, fault);
}

static void *adyen_open(struct settlement_out out, enum settlement_format format)
{
    struct adyen *adyen = calloc(1, sizeof *adyen);
    (void)format;
    if (!adyen)
        return NULL;
    adyen->out = out;
    table_open(&adyen->table, ',', columns, sizeof columns / sizeof *columns, SETTLEMENT_ROWS_MAX,
               take, adyen);
    return adyen;
}

static enum err adyen_feed(void *self, struct slice bytes, struct fault *fault)
{
    return table_feed(&((struct adyen *)self)->table, bytes, fault);
}

static enum err adyen_finish(void *self, struct fault *fault)
{
    return table_finish(&((struct adyen *)self)->table, fault);
}

static void adyen_close(void *self)
{
    table_close(&((struct adyen *)self)->table);
    free(self);
}

const struct settlement_ops settlement_adyen = {adyen_open, adyen_feed, adyen_finish, adyen_close};
