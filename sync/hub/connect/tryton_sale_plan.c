#include "sync/hub/connect/tryton_sale_plan.h"
#include "hal/base/cleanup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 512 };

/* --- Prices ---------------------------------------------------------------------------------- */

static int64_t minor_unit(int exponent)
{
    int64_t unit = 1;
    for (int places = exponent; places < SALE_PRICE_PLACES; places++)
        unit *= 10;
    return unit;
}

/* Half to even, as Tryton rounds. */
static int64_t round_to(int64_t value, int64_t unit)
{
    int64_t down = value / unit;
    int64_t left = value % unit;
    bool up = 2 * left > unit || (2 * left == unit && down % 2 != 0);
    return (down + up) * unit;
}

void sale_price(int64_t amount_minor, int64_t quantity, int exponent, int64_t *price, int64_t *rest)
{
    int64_t unit = minor_unit(exponent);
    int64_t size = amount_minor < 0 ? -amount_minor : amount_minor;
    int64_t sign = amount_minor < 0 ? -1 : 1;
    int64_t whole = size * unit;
    int64_t each = (whole + quantity / 2) / quantity;
    int64_t last = 0;
    if (round_to(each * quantity, unit) != whole) {
        each = whole / quantity;
        last = whole - round_to(each * (quantity - 1), unit);
    }
    *price = sign * each;
    *rest = sign * last;
}

/* --- Finding --------------------------------------------------------------------------------- */

static enum err find_taxes(struct tryton_way *way, const struct tax_list *list,
                           int64_t taxes[static MILESTONE_TAXES_MAX])
{
    enum err err = ERR_OK;
    for (size_t i = 0; !err && i < list->count; i++) {
        const struct tax_piece *piece = &list->items[i];
        const char *name;
        err = tryton_config_tax(way->company->config, piece->jurisdiction, piece->rate, &name,
                                way->fault);
        if (!err)
            err = tryton_find(way->rpc, "account.tax", "name", name, way->company->id, &taxes[i],
                              way->fault);
    }
    return err;
}

/* The symbols that Tryton ships; what it doesn't have is refused by name. */
static const char *unit_symbol(const char *unit)
{
    return strcmp(unit, "each") == 0 ? "u" : unit;
}

static enum err find_product(struct tryton_way *way, const struct document_line *line,
                             struct sale_plan_line *planned)
{
    enum err err = ERR_OK;
    if (!line->to_stock || (!*line->sku && !*line->gtin))
        return ERR_OK;
    if (*line->sku)
        err = tryton_find(way->rpc, "product.product", "code", line->sku, 0, &planned->product,
                          way->fault);
    else
        err = tryton_find(way->rpc, "product.product", "identifiers.code", line->gtin, 0,
                          &planned->product, way->fault);
    return err ? err
               : tryton_find(way->rpc, "product.uom", "symbol", unit_symbol(line->unit), 0,
                             &planned->unit, way->fault);
}

static enum err find_line(struct tryton_way *way, struct sale_plan *plan, size_t i)
{
    const struct document_line *line = &plan->document->lines[i];
    struct sale_plan_line *planned = &plan->lines[i];
    enum err err = find_product(way, line, planned);
    if (!err)
        err = find_taxes(way, &line->item.tax, planned->taxes);
    if (!err)
        err = find_taxes(way, &line->item.fee_tax, planned->fee_taxes);
    return err;
}

static enum err find_address(struct tryton_way *way, int64_t *address)
{
    struct cJSON *document CLEANUP(json_cleanup) = NULL;
    const struct cJSON *rows;
    const struct tryton_reading reading = {.model = "party.address",
                                           .fields = {"id"},
                                           .order = "id",
                                           .limit = 1,
                                           .company = way->company->id};
    struct jsonw *w = tryton_domain(way->rpc);
    tryton_clause_int(w, "party", "=", way->company->party);
    enum err err = tryton_read(way->rpc, &reading, &document, &rows, way->fault);
    if (!err && !json_first(rows))
        err = fault_set(way->fault, ERR_REFUSED, "Tryton", "party \"%.100s\" has no address",
                        way->company->config->party);
    if (!err)
        *address = json_member_int(json_first(rows), "id", 0);
    return err;
}

/* A receipt that Tryton doesn't know, or knows twice, is no reason to refuse the return. */
static enum err find_origin(struct tryton_way *way, const char *receipt, int64_t *origin)
{
    if (!*receipt)
        return ERR_OK;
    enum err err = tryton_find(way->rpc, "sale.sale", "reference", receipt, way->company->id,
                               origin, way->fault);
    return err == ERR_REFUSED ? ERR_OK : err;
}

enum err sale_plan_make(struct tryton_way *way, struct sale_plan *out)
{
    struct sale_plan plan = {.document = way->order->document};
    plan.lines = calloc(plan.document->count, sizeof *plan.lines);
    if (!plan.lines)
        return fault_set(way->fault, ERR_NO_MEMORY, "", "out of memory");
    enum err err = find_address(way, &plan.address);
    if (!err)
        err = find_origin(way, plan.document->receipt, &plan.origin);
    for (size_t i = 0; !err && i < plan.document->count; i++)
        err = find_line(way, &plan, i);
    if (err)
        sale_plan_free(&plan);
    else
        *out = plan;
    return err;
}

void sale_plan_free(struct sale_plan *plan)
{
    free(plan->lines);
    *plan = (struct sale_plan){0};
}

/* --- Writing --------------------------------------------------------------------------------- */

struct sale_line {
    int64_t product;
    int64_t unit;
    int64_t quantity; /* negative: comes back */
    int64_t price;
    const char *description;
    const int64_t *taxes;
    size_t tax_count;
};

static void write_line(struct jsonw *w, const struct sale_line *line)
{
    const struct currency price = {.exponent = SALE_PRICE_PLACES};
    jsonw_object(w, NULL);
    jsonw_text(w, "type", "line");
    jsonw_int(w, "quantity", line->quantity);
    tryton_write_amount(w, "unit_price", line->price, &price);
    jsonw_text(w, "description", line->description);
    if (line->product) {
        jsonw_int(w, "product", line->product);
        jsonw_int(w, "unit", line->unit);
    }
    jsonw_array(w, "taxes");
    jsonw_array(w, NULL);
    jsonw_text(w, NULL, "add");
    jsonw_array(w, NULL);
    for (size_t i = 0; i < line->tax_count; i++)
        jsonw_int(w, NULL, line->taxes[i]);
    for (int i = 0; i < 4; i++)
        jsonw_end(w);
}

static void write_goods(const struct tryton_way *way, const struct document_line *said,
                        const struct sale_plan_line *planned, struct jsonw *w)
{
    const struct entry_item *item = &said->item;
    struct sale_line line = {.product = planned->product,
                             .unit = planned->unit,
                             .quantity = -item->quantity,
                             .description = *said->description ? said->description : "Returned",
                             .taxes = planned->taxes,
                             .tax_count = item->tax.count};
    int64_t rest;
    sale_price(item->net_minor, item->quantity, way->company->currency.exponent, &line.price,
               &rest);
    if (rest)
        line.quantity++;
    write_line(w, &line);
    line.quantity = -1;
    line.price = rest;
    if (rest)
        write_line(w, &line);
}

static void write_fee(const struct tryton_way *way, const struct document_line *said,
                      const struct sale_plan_line *planned, struct jsonw *w)
{
    struct sale_line line = {.quantity = 1,
                             .description = "Restocking fee",
                             .taxes = planned->fee_taxes,
                             .tax_count = said->item.fee_tax.count};
    int64_t rest;
    sale_price(said->item.fee_net_minor, 1, way->company->currency.exponent, &line.price, &rest);
    write_line(w, &line);
}

void sale_plan_write(const struct tryton_way *way, const struct sale_plan *plan, struct jsonw *w)
{
    const struct entry *entry = way->order->entry;
    const struct tryton_company *company = way->company;
    char origin[TEXT_MAX];
    jsonw_object(w, NULL);
    jsonw_int(w, "company", company->id);
    jsonw_int(w, "party", company->party);
    jsonw_int(w, "invoice_address", plan->address);
    jsonw_int(w, "shipment_address", plan->address);
    jsonw_int(w, "currency", company->currency_id);
    jsonw_text(w, "reference", entry->reference);
    jsonw_text(w, "description", entry->number);
    tryton_write_day(w, "sale_date", entry->document_day);
    jsonw_null(w, "payment_term");
    jsonw_text(w, "invoice_method", "order");
    jsonw_text(w, "shipment_method", "order");
    (void)snprintf(origin, sizeof origin, "sale.sale,%" PRId64, plan->origin);
    if (plan->origin)
        jsonw_text(w, "origin", origin);
    jsonw_array(w, "lines");
    jsonw_array(w, NULL);
    jsonw_text(w, NULL, "create");
    jsonw_array(w, NULL);
    for (size_t i = 0; i < plan->document->count; i++) {
        const struct document_line *line = &plan->document->lines[i];
        write_goods(way, line, &plan->lines[i], w);
        if (line->item.fee_net_minor)
            write_fee(way, line, &plan->lines[i], w);
    }
    for (int i = 0; i < 4; i++)
        jsonw_end(w);
}
