/*
 * A sale as the till recorded it: what a return reverses.
 *
 * Read from the JSON of POST /v1/sales, or filled by a mapper and then checked. Amounts are minor
 * units of the sale's currency; nothing is recomputed from a rate, what was charged is stored.
 * Texts are borrowed from the document read; lists live in the arena. Pure, any thread.
 */
#ifndef AGENT_RETURNS_SALE_H
#define AGENT_RETURNS_SALE_H

#include "agent/returns/cardnumber.h"
#include "agent/returns/words.h"
#include "hal/base/json.h"
#include "sync/contract/money.h"

enum {
    SALE_LINES_MAX = 1000,
    SALE_TAXES_MAX = 8,
    SALE_TENDERS_MAX = 50,
    SALE_GROUPS_MAX = 100,
    SALE_QUANTITY_MAX = 1000000000,
};

/* One tax component of a line, for the whole line, after all discounts. */
struct sale_tax {
    int type;  /* enum tax_type */
    int class; /* enum tax_class */
    const char *jurisdiction;
    const char *rate; /* per cent as a decimal text: for the record, never multiplied */
    int64_t amount_minor;
};

struct sale_line {
    int64_t line; /* the till's number, from 1 */
    const char *sku;
    const char *gtin;
    const char *description;
    const char *category; /* "apparel/socks"; "" if none */
    const char *serial;
    const char *lot;
    const char *group;    /* lines sold together at one discount (a bundle, three for two) */
    int kind;             /* enum line_kind */
    int unit;             /* enum unit */
    int64_t quantity;     /* in `unit` */
    int64_t amount_minor; /* as sent: after line discounts, before group and order discounts */
    struct sale_tax *taxes;
    size_t tax_count;
    int64_t cost_minor; /* of the whole line */
    bool has_cost;

    /* Made by sale_check. */
    int64_t paid_minor; /* the stored amount A: after all discounts, gross if prices include tax */
    int64_t tax_minor;  /* of all components */
    int64_t gross_minor;
    int64_t net_minor;
};

/* A discount on the lines of one group, spread over them like the order discount. */
struct sale_group {
    const char *group;
    int64_t discount_minor;
};

struct sale_tender {
    int64_t tender;       /* the till's number, from 1 */
    int type;             /* enum tender_type */
    int64_t amount_minor; /* net of change; only rounding may be negative */
    const char *reference;
};

struct sale_market_line {
    int64_t line;
    int64_t fee_minor;      /* commission charged for the whole line */
    const char *kept_rate;  /* per cent of the commission kept on a refund; "" is none */
    int64_t kept_cap_minor; /* at most this for the line */
    bool has_kept_cap;
};

struct sale_market {
    const char *name;
    struct sale_market_line *lines;
    size_t line_count;
    int tax_collected_by; /* enum collector */
};

struct sale {
    const char *receipt;
    const char *order;
    const char *transaction;
    int channel; /* enum channel */
    const char *store;
    const char *lane;
    const char *associate;
    const char *customer; /* a token, never a name */
    int entry;            /* enum entry_method */
    int64_t sold_at_ms;
    const char *currency_code;
    bool prices_include_tax;
    struct sale_line *lines;
    size_t line_count;
    struct sale_group *groups;
    size_t group_count;
    int64_t order_discount_minor;
    struct sale_tender *tenders;
    size_t tender_count;
    struct sale_market market;
    bool has_market;

    /* Made by sale_check. */
    const struct currency *currency;
    int64_t gross_minor;    /* of all lines: the entitlement of returning everything */
    int64_t rounding_minor; /* of the rounding tenders */
};

/* The fields of POST /v1/sales. */
extern const struct json_table sale_table;

/*
 * Reads and checks. ERR_INVALID names field and rule, ERR_REFUSED a card number. `known` may be
 * NULL. The document must outlive the sale.
 */
enum err sale_read(const struct cJSON *json, const struct known_formats *known, struct arena *arena,
                   struct sale *sale, struct fault *fault) MUST_CHECK;

/*
 * Checks a sale filled by hand: currency, numbers unique, sums of lines, discounts and tenders,
 * taxes within their line, one rounding sign, no card numbers; and makes the derived members.
 */
enum err sale_check(struct sale *sale, const struct known_formats *known, struct arena *arena,
                    struct fault *fault) MUST_CHECK;

/* The index of a line by its number; line_count if there is none. */
size_t sale_line_index(const struct sale *sale, int64_t line);
size_t sale_tender_index(const struct sale *sale, int64_t tender);

#endif
