#include "sync/hub/connect/acceptance_sale.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

/* Of the sale. */
struct terms {
    bool prices_include_tax;
};
static const struct json_field terms_fields[] = {
    {.name = "prices_include_tax",
     .kind = JSON_FLAG,
     .offset = offsetof(struct terms, prices_include_tax)}};
static const struct json_table terms_table = {terms_fields, 1, sizeof(struct terms), true};

/* Of a fee that was taken before. */
struct taken_fee {
    bool taxed;
};
static const struct json_field taken_fields[] = {{.name = "taxed",
                                                  .kind = JSON_FLAG,
                                                  .presence = JSON_OPTIONAL,
                                                  .offset = offsetof(struct taken_fee, taxed)}};
static const struct json_table taken_table = {taken_fields, 1, sizeof(struct taken_fee), true};

const char *acceptance_text(const struct cJSON *object, const char *name)
{
    const char *text = object ? json_member_text(object, name) : NULL;
    return text ? text : "";
}

const struct cJSON *acceptance_first(const struct cJSON *object, const char *name)
{
    const struct cJSON *list = object ? json_member(object, name) : NULL;
    return list ? json_first(list) : NULL;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* --- What was paid for each line ------------------------------------------------------------- */

/*
 * Takes a discount off the lines of one group (NULL: all lines), by largest remainder over what is
 * left of each. `weights` and `shares` have room for every line.
 */
static bool take_off(struct acceptance_sale *sale, const char *group, int64_t discount_minor,
                     int64_t *weights, int64_t *shares)
{
    const struct cJSON *line = acceptance_first(sale->sale, "lines");
    int64_t sum = 0;
    for (size_t i = 0; i < sale->line_count; i++, line = json_next(line)) {
        bool in = !group || strcmp(acceptance_text(line, "group"), group) == 0;
        weights[i] = in ? sale->paid_minor[i] : 0;
        sum += weights[i];
    }
    if (discount_minor == 0)
        return true;
    if (discount_minor < 0 || discount_minor > sum ||
        money_spread(discount_minor, weights, sale->line_count, shares) != ERR_OK)
        return false;
    for (size_t i = 0; i < sale->line_count; i++)
        sale->paid_minor[i] -= shares[i];
    return true;
}

static enum err take_off_all(struct acceptance_sale *sale, int64_t *weights, int64_t *shares,
                             struct fault *fault)
{
    bool fits = true;
    for (const struct cJSON *group = acceptance_first(sale->sale, "groups"); fits && group;
         group = json_next(group))
        fits = take_off(sale, acceptance_text(group, "group"),
                        json_member_int(group, "discount", 0), weights, shares);
    fits = fits &&
           take_off(sale, NULL, json_member_int(sale->sale, "order_discount", 0), weights, shares);
    return fits ? ERR_OK
                : fault_set(fault, ERR_REFUSED, "return",
                            "the discounts of its sale are more than its lines");
}

enum err acceptance_sale_read(struct acceptance_sale *sale, struct arena *arena,
                              struct fault *fault)
{
    struct terms terms = {false};
    enum err err = json_read(sale->sale, &terms_table, &terms, arena, fault);
    if (err)
        return err;
    sale->prices_include_tax = terms.prices_include_tax;
    sale->line_count = 0;
    for (const struct cJSON *line = acceptance_first(sale->sale, "lines"); line;
         line = json_next(line))
        sale->line_count++;
    int64_t *room = arena_alloc(arena, sale->line_count * 3 + 1, sizeof *room);
    if (!room)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    size_t i = 0;
    for (const struct cJSON *line = acceptance_first(sale->sale, "lines"); line;
         line = json_next(line))
        room[i++] = json_member_int(line, "amount", 0);
    sale->paid_minor = room;
    return take_off_all(sale, room + sale->line_count, room + 2 * sale->line_count, fault);
}

/* --- What came back of a line ---------------------------------------------------------------- */

struct share {
    int64_t quantity;
    int64_t net_minor;
    int64_t gross_minor;
    int64_t taxes_minor[ACCEPTANCE_TAXES_MAX];
    int64_t cost_minor;
    int64_t fee_minor; /* at the rate of this return, tax included */
    int64_t fee_tax_minor;
    int64_t fee_base_minor;
};

static bool same_tax(const struct cJSON *one, const struct cJSON *other)
{
    static const char *const names[] = {"type", "class", "jurisdiction", "rate"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(acceptance_text(one, names[i]), acceptance_text(other, names[i])) != 0)
            return false;
    return true;
}

static bool same_fee(const struct acceptance_sale *sale, const struct cJSON *fee)
{
    struct decimal rate;
    struct taken_fee taken = {false};
    struct arena none; /* nothing but a flag is read */
    arena_init(&none, 0);
    return *acceptance_text(fee, "rate") &&
           decimal_parse(slice_of(acceptance_text(fee, "rate")), &rate) == ERR_OK &&
           json_read(fee, &taken_table, &taken, &none, NULL) == ERR_OK &&
           rate.digits == sale->fee.rate.digits && rate.places == sale->fee.rate.places &&
           taken.taxed == sale->fee.taxed;
}

/* Adds what one line of another return took of the sold line. */
static enum err add_given(const struct acceptance_sale *sale, const struct cJSON *sold,
                          const struct cJSON *line, struct share *given, struct fault *fault)
{
    const struct cJSON *fee = json_member(line, "fee");
    size_t i = 0;
    if (json_member(line, "adjustment"))
        return fault_set(fault, ERR_REFUSED, "lines",
                         "the price of line %" PRId64 " was adjusted: a store must take it back",
                         json_member_int(line, "line", 0));
    given->quantity += json_member_int(line, "quantity", 0);
    given->net_minor += json_member_int(line, "net", 0);
    given->gross_minor += json_member_int(line, "gross", 0);
    for (const struct cJSON *tax = acceptance_first(sold, "tax"); tax && i < ACCEPTANCE_TAXES_MAX;
         tax = json_next(tax), i++)
        for (const struct cJSON *t = acceptance_first(line, "tax"); t; t = json_next(t))
            if (same_tax(tax, t))
                given->taxes_minor[i] += json_member_int(t, "amount", 0);
    if (!fee || !same_fee(sale, fee))
        return ERR_OK;
    given->fee_minor += json_member_int(fee, "amount", 0);
    given->fee_tax_minor += json_member_int(fee, "tax", 0);
    given->fee_base_minor += json_member_int(fee, "base", 0);
    return ERR_OK;
}

static enum err sum_given(const struct acceptance_sale *sale, const struct cJSON *sold,
                          struct share *given, struct fault *fault)
{
    int64_t number = json_member_int(sold, "line", -1);
    enum err err = ERR_OK;
    *given = (struct share){0};
    for (size_t i = 0; !err && i < sale->other_count; i++)
        for (const struct cJSON *line = acceptance_first(sale->others[i], "lines"); !err && line;
             line = json_next(line))
            if (json_member_int(line, "line", -2) == number)
                err = add_given(sale, sold, line, given, fault);
    return err;
}

/* --- What comes back now --------------------------------------------------------------------- */

static int64_t rest_of(int64_t amount_minor, int64_t units, int64_t quantity, int64_t given_minor)
{
    int64_t rest = money_share(amount_minor, units, quantity) - given_minor;
    return rest > 0 ? rest : 0;
}

/*
 * Takes the restocking fee on the net of all pieces that bore this rate, less what was taken for
 * them before.
 */
static void take_fee(const struct acceptance_sale *sale, const struct cJSON *sold,
                     int64_t paid_minor, const struct share *given, struct share *part)
{
    struct decimal factor = {sale->fee.rate.digits, (uint8_t)(sale->fee.rate.places + 2)};
    int64_t tax_sold = 0;
    for (const struct cJSON *tax = acceptance_first(sold, "tax"); tax; tax = json_next(tax))
        tax_sold += json_member_int(tax, "amount", 0);
    int64_t net_sold = sale->prices_include_tax ? paid_minor - tax_sold : paid_minor;
    int64_t net = money_times(given->fee_base_minor + part->net_minor, factor);
    int64_t tax = sale->fee.taxed && net_sold > 0 ? money_share(net, tax_sold, net_sold) : 0;
    int64_t due = net + tax - given->fee_minor;
    int64_t tax_due = tax - given->fee_tax_minor;
    part->fee_base_minor = part->net_minor;
    part->fee_minor = due < 0 ? 0 : smaller(due, part->gross_minor);
    part->fee_tax_minor = tax_due < 0 ? 0 : smaller(tax_due, part->fee_minor);
}

/* The share of `part->quantity` more units; a piece's tax is at most its gross. */
static void derive(const struct acceptance_sale *sale, const struct cJSON *sold, int64_t paid_minor,
                   const struct share *given, struct share *part)
{
    bool included = sale->prices_include_tax;
    int64_t quantity = json_member_int(sold, "quantity", 1);
    int64_t units = given->quantity + part->quantity;
    int64_t amount =
        rest_of(paid_minor, units, quantity, included ? given->gross_minor : given->net_minor);
    int64_t taxes = 0;
    size_t i = 0;
    for (const struct cJSON *tax = acceptance_first(sold, "tax"); tax && i < ACCEPTANCE_TAXES_MAX;
         tax = json_next(tax), i++) {
        int64_t rest =
            rest_of(json_member_int(tax, "amount", 0), units, quantity, given->taxes_minor[i]);
        part->taxes_minor[i] = included ? smaller(rest, amount - taxes) : rest;
        taxes += part->taxes_minor[i];
    }
    part->gross_minor = included ? amount : amount + taxes;
    part->net_minor = part->gross_minor - taxes;
    int64_t cost = json_member_int(sold, "cost", 0);
    part->cost_minor =
        money_share(cost, units, quantity) - money_share(cost, given->quantity, quantity);
    if (sale->fee.rate.digits)
        take_fee(sale, sold, paid_minor, given, part);
}

static void write_taxes(struct jsonw *w, const struct cJSON *sold, const struct share *part)
{
    static const char *const names[] = {"type", "class", "jurisdiction", "rate"};
    size_t i = 0;
    jsonw_array(w, "tax");
    for (const struct cJSON *tax = acceptance_first(sold, "tax"); tax && i < ACCEPTANCE_TAXES_MAX;
         tax = json_next(tax), i++) {
        jsonw_object(w, NULL);
        for (size_t k = 0; k < sizeof names / sizeof *names; k++)
            if (*acceptance_text(tax, names[k]))
                jsonw_text(w, names[k], acceptance_text(tax, names[k]));
        jsonw_int(w, "amount", part->taxes_minor[i]);
        jsonw_end(w);
    }
    jsonw_end(w);
}

static void write_fee(struct jsonw *w, const struct acceptance_fee *fee, const struct share *part)
{
    struct buf rate;
    if (!fee->rate.digits)
        return;
    buf_init(&rate, 64);
    decimal_write(&rate, fee->rate);
    jsonw_object(w, "fee");
    jsonw_int(w, "amount", part->fee_minor);
    jsonw_int(w, "tax", part->fee_tax_minor);
    jsonw_text(w, "rule", "authorised");
    jsonw_text(w, "rate", rate.data ? rate.data : "");
    jsonw_bool(w, "taxed", fee->taxed);
    jsonw_int(w, "base", part->fee_base_minor);
    jsonw_end(w);
    buf_free(&rate);
}

static void write_line(struct jsonw *w, const struct acceptance_sale *sale,
                       const struct cJSON *asked, const struct cJSON *sold,
                       const struct share *part)
{
    jsonw_object(w, NULL);
    jsonw_int(w, "line", json_member_int(sold, "line", 0));
    jsonw_int(w, "quantity", part->quantity);
    if (*acceptance_text(asked, "reason"))
        jsonw_text(w, "reason", acceptance_text(asked, "reason"));
    jsonw_int(w, "net", part->net_minor);
    write_taxes(w, sold, part);
    jsonw_int(w, "gross", part->gross_minor);
    write_fee(w, &sale->fee, part);
    jsonw_int(w, "cost", part->cost_minor);
    jsonw_text(w, "goods", "expected");
    jsonw_end(w);
}

enum err acceptance_line_write(const struct acceptance_sale *sale, const struct cJSON *asked,
                               struct jsonw *w, struct acceptance_sums *sums, struct fault *fault)
{
    int64_t number = json_member_int(asked, "line", -1);
    const struct cJSON *sold = acceptance_first(sale->sale, "lines");
    size_t at = 0;
    for (; sold && json_member_int(sold, "line", -1) != number; at++)
        sold = json_next(sold);
    if (!sold)
        return fault_set(fault, ERR_REFUSED, "lines", "line %" PRId64 " is not on the receipt",
                         number);
    struct share given;
    struct share part = {.quantity = json_member_int(asked, "quantity", 0)};
    enum err err = sum_given(sale, sold, &given, fault);
    if (err)
        return err;
    if (given.quantity + part.quantity > json_member_int(sold, "quantity", 0))
        return fault_set(fault, ERR_REFUSED, "lines",
                         "quantity_exceeds_remaining: of line %" PRId64 " %" PRId64
                         " were returned meanwhile",
                         number, given.quantity);
    derive(sale, sold, sale->paid_minor[at], &given, &part);
    write_line(w, sale, asked, sold, &part);
    sums->total_minor += part.gross_minor - part.fee_minor;
    sums->tax_minor += part.gross_minor - part.net_minor;
    sums->fee_minor += part.fee_minor;
    return ERR_OK;
}

/* --- Tenders --------------------------------------------------------------------------------- */

/*
 * What can be given back to somebody who isn't there, in the order of the policy that ships. Cash
 * and cheques can't.
 */
static const struct way {
    const char *tender;
    bool reissued; /* as a new card, not on the one that it was paid by */
} ways[] = {
    {"card", false},        {"wallet", false}, {"online_payment", false}, {"gift_card", true},
    {"store_credit", true}, {"voucher", true}, {"store_account", false},  {"loyalty", false},
};

/* What was paid on a tender, less what any other return of the sale means to give back on it. */
static int64_t left_on(const struct acceptance_sale *sale, const struct cJSON *tender)
{
    int64_t number = json_member_int(tender, "tender", 0);
    int64_t left = json_member_int(tender, "amount", 0);
    for (size_t i = 0; i < sale->other_count; i++)
        for (const struct cJSON *t =
                 acceptance_first(json_member(sale->others[i], "refund"), "tenders");
             t; t = json_next(t))
            if (json_member_int(t, "tender", -1) == number)
                left -= json_member_int(t, "amount", 0);
    return left > 0 ? left : 0;
}

static void write_tender(struct jsonw *w, const struct cJSON *tender, const struct way *way,
                         int64_t amount_minor)
{
    jsonw_object(w, NULL);
    jsonw_int(w, "tender", json_member_int(tender, "tender", 0));
    jsonw_text(w, "type", way->tender);
    jsonw_int(w, "amount", amount_minor);
    if (way->reissued)
        jsonw_bool(w, "reissued", true);
    else if (*acceptance_text(tender, "reference"))
        jsonw_text(w, "reference", acceptance_text(tender, "reference"));
    jsonw_text(w, "executor", "hub");
    jsonw_text(w, "state", "pending");
    jsonw_end(w);
}

/* All tenders of one kind; returns what is still to be given back. */
static int64_t write_way(const struct acceptance_sale *sale, const struct way *way,
                         int64_t rest_minor, struct jsonw *w)
{
    for (const struct cJSON *tender = acceptance_first(sale->sale, "tenders");
         tender && rest_minor > 0; tender = json_next(tender)) {
        if (strcmp(acceptance_text(tender, "type"), way->tender) != 0)
            continue;
        int64_t amount = smaller(left_on(sale, tender), rest_minor);
        if (amount > 0)
            write_tender(w, tender, way, amount);
        rest_minor -= amount;
    }
    return rest_minor;
}

enum err acceptance_refund_write(const struct acceptance_sale *sale,
                                 const struct acceptance_sums *sums, struct jsonw *w,
                                 struct fault *fault)
{
    int64_t rest_minor = sums->total_minor;
    jsonw_object(w, "refund");
    jsonw_text(w, "currency", acceptance_text(sale->sale, "currency"));
    jsonw_int(w, "total", sums->total_minor);
    jsonw_int(w, "payout", sums->total_minor);
    jsonw_int(w, "tax", sums->tax_minor);
    jsonw_int(w, "fee", sums->fee_minor);
    jsonw_array(w, "tenders");
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        rest_minor = write_way(sale, &ways[i], rest_minor, w);
    jsonw_end(w);
    jsonw_end(w);
    return rest_minor ? fault_set(fault, ERR_REFUSED, "return",
                                  "refund_exceeds_paid: %" PRId64 " of it was paid in cash or by "
                                  "cheque, or given back before: a store must take it",
                                  rest_minor)
                      : ERR_OK;
}
