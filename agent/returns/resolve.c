#include "agent/returns/resolve.h"
#include "agent/returns/disposition.h"
#include "agent/returns/gtin.h"
#include "agent/returns/refund.h"

#include <stdio.h>
#include <string.h>

/* One line asked for, with its codes looked up. */
struct asked {
    const struct request_line *line;
    size_t index;
    size_t reason;
    size_t condition;
    bool adjustment;
};

static enum err invalid(struct fault *fault, size_t index, const char *field, const char *rule)
{
    char where[FAULT_WHERE_MAX];
    snprintf(where, sizeof where, "lines[%zu].%s", index, field);
    return fault_set(fault, ERR_INVALID, where, "%s", rule);
}

static enum err no_memory(struct fault *fault)
{
    return fault_set(fault, ERR_NO_MEMORY, "lines", "no memory for the decision");
}

static void decline(struct resolve *r, const struct asked *asked, const char *code)
{
    reasons_add(r->reasons, code, "", OUTCOME_DECLINED, asked->index);
}

static bool sold_elsewhere(const struct decide_input *in)
{
    const char *here = in->facts->store;
    return in->sale && here && *here && strcmp(in->sale->store, here) != 0;
}

static struct when_facts when_of(const struct resolve *r, const struct asked *asked,
                                 const struct sale_line *sold, int64_t quantity)
{
    const struct decide_input *in = r->in;
    const struct request_line *line = asked->line;
    return (struct when_facts){
        .category = sold ? sold->category : "",
        .channel = in->sale ? in->sale->channel : CHANNEL_STORE,
        .kind = sold ? sold->kind : KIND_ITEM,
        .reason = asked->reason,
        .condition = asked->condition,
        .receipt = in->request->receipt != NULL,
        .link = in->facts->link_up,
        .clock = in->facts->clock_trusted,
        .in_hand = line->has_in_hand ? line->in_hand : in->request->in_hand,
        .other_store = sold_elsewhere(in),
        .currency = r->currency,
        .value_minor = sold ? disposition_value(sold, quantity)
                            : (line->has_claimed_price ? line->claimed_price_minor : 0),
    };
}

static const struct policy_fee *fee_for(const struct policy *policy, const struct when_facts *when)
{
    for (size_t i = 0; i < policy->fee_count; i++)
        if (when_fits(&policy->fees[i].when, when))
            return policy->fees[i].rate.digits ? &policy->fees[i] : NULL;
    return NULL;
}

static const char *returnless_rule(const struct policy *policy, const struct when_facts *when)
{
    for (size_t i = 0; i < policy->returnless_count; i++)
        if (when_fits(&policy->returnless[i].when, when))
            return policy->returnless[i].rule;
    return NULL;
}

/* Where the goods are to go, or that the customer keeps them. */
static void route_goods(const struct policy *policy, const struct when_facts *when,
                        struct decided_line *line)
{
    line->disposition = DISPOSITION_UNDECIDED;
    line->disposition_rule = "";
    line->goods = GOODS_NONE;
    if (when->kind != KIND_ITEM || line->adjustment)
        return;
    if (!when->in_hand)
        line->returnless_rule = returnless_rule(policy, when);
    if (line->returnless_rule)
        return;
    line->goods = when->in_hand ? GOODS_RECEIVED : GOODS_EXPECTED;
    line->disposition = disposition_choose(policy, when, &line->disposition_rule);
}

/* A new decided line with its `when`; NULL when memory is exhausted. */
static struct decided_line *push(struct resolve *r, const struct asked *asked, size_t sale_index,
                                 const struct sale_line *sold, int64_t quantity)
{
    if (r->line_count == r->capacity)
        return NULL;
    struct decided_line *line = &r->lines[r->line_count];
    *line = (struct decided_line){
        .request_index = asked->index,
        .sale_index = sale_index,
        .line = sale_index == DECISION_NO_INDEX ? (int64_t)asked->index + 1
                                                : r->in->sale->lines[sale_index].line,
        .quantity = quantity,
        .reason = asked->line->reason,
        .condition = asked->line->condition,
        .serial = asked->line->serial,
        .fee = {.rule = ""},
        .adjustment = asked->adjustment,
    };
    if (sold && sold->tax_count) {
        line->taxes = arena_alloc(r->arena, sold->tax_count, sizeof *line->taxes);
        if (!line->taxes)
            return NULL;
    }
    r->whens[r->line_count++] = when_of(r, asked, sold, quantity);
    return line;
}

static int condition_means(const struct resolve *r, const struct asked *asked)
{
    return r->in->policy->conditions[asked->condition].means;
}

/* Returns `quantity` of one line of the sale; more than is left is declined. */
static bool return_units(struct resolve *r, const struct asked *asked, size_t sale_index,
                         int64_t quantity)
{
    const struct policy *policy = r->in->policy;
    const struct sale_line *sold = &r->in->sale->lines[sale_index];
    struct history_line *live = &r->after.lines[sale_index];
    struct decided_line *line = push(r, asked, sale_index, sold, quantity);
    if (!line)
        return false;
    if (quantity > sold->quantity - live->units) {
        decline(r, asked, "quantity_exceeds_remaining");
        return true;
    }
    const struct when_facts *when = &r->whens[r->line_count - 1];
    route_goods(policy, when, line);
    struct refund_terms terms = {
        .fee = fee_for(policy, when),
        .goods_ours = condition_means(r, asked) != CONDITION_WRONG_GOODS && !line->returnless_rule,
        .reverse_commission = r->in->sale->has_market && policy->reverse_commission,
    };
    refund_goods(r->in->sale, live, &terms, line);
    history_add_line(live, line);
    return true;
}

static bool adjust_price(struct resolve *r, const struct asked *asked, size_t sale_index)
{
    const struct sale *sale = r->in->sale;
    struct history_line *live = &r->after.lines[sale_index];
    struct decided_line *line =
        push(r, asked, sale_index, &sale->lines[sale_index], asked->line->quantity);
    if (!line)
        return false;
    line->disposition_rule = "";
    struct refund_terms terms = {
        .reverse_commission = sale->has_market && r->in->policy->reverse_commission,
    };
    if (refund_adjustment(sale, live, &terms, asked->line->amount_minor, line) != ERR_OK)
        decline(r, asked, "refund_exceeds_paid");
    else
        history_add_line(live, line);
    return true;
}

static bool take(struct resolve *r, const struct asked *asked, size_t sale_index, int64_t quantity)
{
    return asked->adjustment ? adjust_price(r, asked, sale_index)
                             : return_units(r, asked, sale_index, quantity);
}

static bool same_item(const struct sale_line *sold, const struct request_line *line)
{
    if (line->gtin && !gtin_equal(sold->gtin, line->gtin))
        return false;
    return !line->sku || (sold->sku && strcmp(sold->sku, line->sku) == 0);
}

static bool same_serial(const struct sale_line *sold, const char *serial)
{
    return serial && sold->serial && strcmp(sold->serial, serial) == 0;
}

static int64_t left_of(const struct resolve *r, size_t sale_index)
{
    return r->in->sale->lines[sale_index].quantity - r->after.lines[sale_index].units;
}

/*
 * The line that takes the whole quantity, preferring the one with the serial; line_count if it
 * must be spread over several.
 */
static size_t whole_line(const struct resolve *r, const struct request_line *line)
{
    const struct sale *sale = r->in->sale;
    size_t best = sale->line_count;
    for (size_t i = 0; i < sale->line_count; i++) {
        if (!same_item(&sale->lines[i], line) || left_of(r, i) < line->quantity)
            continue;
        if (same_serial(&sale->lines[i], line->serial))
            return i;
        if (best == sale->line_count)
            best = i;
    }
    return best;
}

static bool spread_over_lines(struct resolve *r, const struct asked *asked)
{
    const struct sale *sale = r->in->sale;
    int64_t left = 0;
    size_t first = sale->line_count;
    for (size_t i = 0; i < sale->line_count; i++) {
        if (!same_item(&sale->lines[i], asked->line))
            continue;
        left += left_of(r, i);
        first = first == sale->line_count ? i : first;
    }
    if (first == sale->line_count) {
        decline(r, asked, "not_on_receipt");
        return push(r, asked, DECISION_NO_INDEX, NULL, asked->line->quantity) != NULL;
    }
    if (left < asked->line->quantity)
        return take(r, asked, first, asked->line->quantity);
    int64_t due = asked->line->quantity;
    for (size_t i = first; due > 0; i++) {
        int64_t here = same_item(&sale->lines[i], asked->line) ? left_of(r, i) : 0;
        here = here < due ? here : due;
        if (here > 0 && !take(r, asked, i, here))
            return false;
        due -= here;
    }
    return true;
}

static enum err resolve_in_sale(struct resolve *r, const struct asked *asked, struct fault *fault)
{
    const struct sale *sale = r->in->sale;
    const struct request_line *line = asked->line;
    bool done;
    if (line->line == 0) {
        size_t index = whole_line(r, line);
        done = index < sale->line_count ? take(r, asked, index, line->quantity)
                                        : spread_over_lines(r, asked);
        return done ? ERR_OK : no_memory(fault);
    }
    size_t index = sale_line_index(sale, line->line);
    if (index == sale->line_count)
        return invalid(fault, asked->index, "line", "is not a line of this receipt");
    if (!same_item(&sale->lines[index], line))
        decline(r, asked, "item_mismatch");
    return take(r, asked, index, line->quantity) ? ERR_OK : no_memory(fault);
}

static enum err resolve_without_sale(struct resolve *r, const struct asked *asked,
                                     struct fault *fault)
{
    const struct facts *facts = r->in->facts;
    const struct request_line *asked_line = asked->line;
    const struct sale_line *cheapest = NULL;
    if (facts->items && asked->index < facts->item_count)
        cheapest = facts->items[asked->index].cheapest;
    if (!asked_line->gtin && !asked_line->sku)
        reasons_add(r->reasons, "receipt_unknown", "", OUTCOME_NEEDS_LINK, DECISION_NO_INDEX);
    if (asked->adjustment)
        decline(r, asked, "no_original");
    struct decided_line *line = push(r, asked, DECISION_NO_INDEX, cheapest, asked_line->quantity);
    if (!line)
        return no_memory(fault);
    route_goods(r->in->policy, &r->whens[r->line_count - 1], line);
    refund_without_sale(cheapest,
                        asked_line->has_claimed_price ? asked_line->claimed_price_minor : -1, line);
    if (condition_means(r, asked) == CONDITION_WRONG_GOODS || line->returnless_rule)
        line->has_cost = false;
    return ERR_OK;
}

/* Fills what the policy knows of the codes. */
static enum err look_up(const struct resolve *r, struct asked *asked, struct fault *fault)
{
    const struct policy *policy = r->in->policy;
    const struct request_line *line = asked->line;
    size_t index = asked->index;
    size_t reason = policy_reason(policy, line->reason);
    size_t condition = policy_condition(policy, line->condition);
    if (reason == policy->reason_count)
        return invalid(fault, index, "reason", "is not in the policy's list of reasons");
    if (condition == policy->condition_count)
        return invalid(fault, index, "condition", "is not in the policy's list of conditions");
    bool adjustment = policy->reasons[reason].means == REASON_PRICE_ADJUST;
    if (adjustment && !line->has_amount)
        return invalid(fault, index, "amount", "is missing; a price adjustment says how much");
    if (!adjustment && line->has_amount)
        return invalid(fault, index, "amount", "only a price adjustment names an amount");
    asked->reason = reason;
    asked->condition = condition;
    asked->adjustment = adjustment;
    return ERR_OK;
}

static enum err prepare(struct resolve *r, struct fault *fault)
{
    const struct decide_input *in = r->in;
    r->capacity = in->request->line_count + (in->sale ? in->sale->line_count : 0);
    r->lines = arena_alloc(r->arena, r->capacity, sizeof *r->lines);
    r->whens = arena_alloc(r->arena, r->capacity, sizeof *r->whens);
    if (!r->lines || !r->whens)
        return no_memory(fault);
    if (!in->sale)
        return ERR_OK;
    return in->history ? history_copy(in->history, in->sale, r->arena, &r->after, fault)
                       : history_init(in->sale, r->arena, &r->after, fault);
}

enum err resolve_lines(struct resolve *r, struct fault *fault)
{
    enum err err = prepare(r, fault);
    for (size_t i = 0; i < r->in->request->line_count && !err; i++) {
        struct asked asked = {.line = &r->in->request->lines[i], .index = i};
        err = look_up(r, &asked, fault);
        if (!err)
            err = r->in->sale ? resolve_in_sale(r, &asked, fault)
                              : resolve_without_sale(r, &asked, fault);
    }
    return err;
}
