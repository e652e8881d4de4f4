#include "agent/capture/question.h"
#include "agent/capture/authorised.h"
#include "agent/returns/gtin.h"
#include "agent/views/return_view.h"
#include "agent/views/sale_returned.h"

#include <string.h>
#include <time.h>

enum { DAY_MS = 24 * 60 * 60 * 1000 };

struct gathering {
    const struct views *views;
    const struct question_asked *asked;
    struct arena *arena;
    struct question *question;
};

static enum err gather_sale(struct gathering *g, struct fault *fault)
{
    struct question *question = g->question;
    struct sale_row row;
    enum err err = sale_view_by_receipt(g->views, question->request->receipt, &row, fault);
    if (err == ERR_NOT_FOUND)
        return ERR_OK; /* the rules say what an unknown receipt means */
    if (!err)
        err = sale_view_load(g->views, &row.id, g->arena, &question->found, fault);
    struct sale_returned returned;
    if (!err)
        err = sale_returned_read(g->views, &question->found, g->asked->except, g->arena, &returned,
                                 fault);
    if (err)
        return err;
    question->has_sale = true;
    question->history = returned.history;
    question->facts.velocity[VELOCITY_RECEIPT] =
        (struct fact_velocity){.returns = returned.returns, .amount_minor = returned.amount_minor};
    return ERR_OK;
}

/* What came back of the receipt while nobody knew its sale names no lines of it. */
static enum err gather_unsold(struct gathering *g, struct fault *fault)
{
    int64_t unsold = 0;
    enum err err = return_view_unsold(g->views, g->question->request->receipt, &unsold, fault);
    if (unsold > 0)
        g->question->facts.history_uncertain = true;
    return err;
}

static enum err gather_velocity(struct gathering *g, enum velocity per, const char *party,
                                struct fault *fault)
{
    int64_t days = policy_velocity_days(g->asked->store->policy, per);
    if (days == 0 || !party || !party[0])
        return ERR_OK;
    struct fact_velocity *velocity = &g->question->facts.velocity[per];
    return return_view_velocity(g->views, per == VELOCITY_CUSTOMER, party,
                                g->asked->now.wall_ms - days * DAY_MS, &velocity->returns,
                                &velocity->amount_minor, fault);
}

/* The lowest unit price of lines with this item. */
static bool cheaper(const struct sale_line *a, const struct sale_line *b)
{
    return !b || money_compare_each(a->gross_minor, a->quantity, b->gross_minor, b->quantity) < 0;
}

static bool is_item(const struct sale_line *line, const struct request_line *asked)
{
    if (asked->gtin)
        return gtin_equal(line->gtin, asked->gtin);
    return line->sku && strcmp(line->sku, asked->sku) == 0;
}

static enum err consider_sale(struct gathering *g, const struct id *id,
                              const struct request_line *asked, struct fact_item *item,
                              struct fault *fault)
{
    struct question_item_sale *kept = arena_alloc(g->arena, 1, sizeof *kept);
    if (!kept)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    kept->next = g->question->item_sales;
    g->question->item_sales = kept;
    struct sale_found *found = &kept->found;
    enum err err = sale_view_load(g->views, id, g->arena, found, fault);
    if (err)
        return err == ERR_NOT_FOUND ? ERR_OK : err;
    if (strcmp(found->sale.currency->code, g->question->facts.currency) != 0)
        return ERR_OK; /* a price in another currency is no price here */
    for (size_t i = 0; i < found->sale.line_count; i++) {
        const struct sale_line *line = &found->sale.lines[i];
        if (is_item(line, asked) && cheaper(line, item->cheapest))
            item->cheapest = line;
    }
    return ERR_OK;
}

static enum err gather_item(struct gathering *g, const struct request_line *asked,
                            struct fact_item *item, struct fault *fault)
{
    struct sale_row rows[SALE_VIEW_LIST_MAX];
    size_t count = 0;
    enum err err = sale_view_list(g->views, asked->gtin ? SALE_BY_GTIN : SALE_BY_SKU,
                                  asked->gtin ? asked->gtin : asked->sku, rows, &count, fault);
    int64_t since = g->asked->now.wall_ms - g->asked->store->policy->no_receipt.price_days * DAY_MS;
    for (size_t i = 0; !err && i < count && rows[i].sold_at_ms >= since; i++)
        err = consider_sale(g, &rows[i].id, asked, item, fault);
    return err;
}

/* Without a receipt: the lowest price of each item asked for. */
static enum err gather_items(struct gathering *g, struct fault *fault)
{
    const struct return_request *request = g->question->request;
    struct fact_item *items = arena_alloc(g->arena, request->line_count, sizeof *items);
    if (!items)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    for (size_t i = 0; i < request->line_count; i++) {
        if (!request->lines[i].gtin && !request->lines[i].sku)
            continue;
        enum err err = gather_item(g, &request->lines[i], &items[i], fault);
        if (err)
            return err;
    }
    g->question->facts.items = items;
    g->question->facts.item_count = request->line_count;
    return ERR_OK;
}

/* What the policy says that money of the sale is in the currency asked for. */
static void gather_rates(struct gathering *g)
{
    const struct question *question = g->question;
    struct facts *facts = &g->question->facts;
    const char *wanted = g->asked->request->currency;
    const char *from = question->has_sale ? question->found.sale.currency->code : facts->currency;
    if (!wanted || strcmp(wanted, from) == 0)
        return;
    const struct policy *policy = g->asked->store->policy;
    int64_t sold_ms = question->has_sale ? question->found.sale.sold_at_ms : facts->now_ms;
    facts->fx.to = wanted;
    facts->fx.at_sale = policy_rate_on(policy, from, wanted, facts_day(facts, sold_ms));
    facts->fx.today = policy_rate_on(policy, from, wanted, facts_day(facts, facts->now_ms));
}

int32_t utc_offset_minutes(int64_t now_ms)
{
    time_t now = (time_t)(now_ms / 1000);
    struct tm local;
    if (!localtime_r(&now, &local))
        return 0;
    return (int32_t)(local.tm_gmtoff / 60);
}

static struct facts store_facts(const struct question_asked *asked)
{
    const struct capture_config *store = asked->store;
    struct eventlog_status status;
    eventlog_status(store->log, &status);
    return (struct facts){
        .history_uncertain = status.lost[STREAM_RETURNS] > 0,
        .now_ms = asked->now.wall_ms,
        .utc_offset_minutes = utc_offset_minutes(asked->now.wall_ms),
        .clock_trusted = asked->now.trusted,
        .link_up = store->link_up && store->link_up(store->context),
        .confirmed = asked->actor->confirmed,
        .manager = asked->actor->manager,
        .store = store->store.number,
        .country = store->store.country,
        .currency = store->store.currency,
    };
}

enum err question_decide(const struct views *views, const struct question_asked *asked,
                         struct arena *arena, struct question *question, struct fault *fault)
{
    struct gathering g = {views, asked, arena, question};
    question->request = asked->request;
    question->facts = store_facts(asked);
    enum err err = asked->request->receipt ? gather_sale(&g, fault) : gather_items(&g, fault);
    if (!err && asked->request->receipt)
        err = gather_unsold(&g, fault);
    if (!err && asked->request->authorisation)
        err = authorised_gather(views, asked, arena, question, fault);
    if (!err)
        err = gather_velocity(&g, VELOCITY_ASSOCIATE, asked->actor->person, fault);
    if (!err)
        err = gather_velocity(&g, VELOCITY_CUSTOMER, asked->request->customer, fault);
    if (err)
        return err;
    gather_rates(&g);
    struct decide_input in = {
        .sale = question->has_sale ? &question->found.sale : NULL,
        .history = question->has_sale ? &question->history : NULL,
        .request = asked->request,
        .policy = asked->store->policy,
        .facts = &question->facts,
        .exchange_minor = asked->exchange_minor,
    };
    return returns_decide(&in, arena, &question->decision, fault);
}

void question_cleanup(struct question *question)
{
    sale_found_cleanup(&question->found);
    for (struct question_item_sale *kept = question->item_sales; kept; kept = kept->next)
        sale_found_cleanup(&kept->found);
}
