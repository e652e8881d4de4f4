#include "tests/support/made_history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* splitmix64 */
static uint64_t next(uint64_t *seed)
{
    uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

int64_t made_history_pick(struct made_history *h, int64_t least, int64_t most)
{
    return least + (int64_t)(next(&h->seed) % (uint64_t)(most - least + 1));
}

static struct buf *add(struct made_history *h, enum event_type type, bool of_centre)
{
    assert_true(h->count < MADE_EVENTS_MAX);
    struct made_event *event = &h->events[h->count++];
    *event = (struct made_event){
        .type = type, .of_centre = of_centre, .after = h->store_events, .id = (uint8_t)h->count};
    event->sequence = of_centre ? ++h->centre_events : ++h->store_events;
    buf_init(&event->data, 16384);
    return &event->data;
}

static const char *const markets[] = {
    [MADE_NO_MARKET] = "",
    [MADE_MARKET] = ",\"marketplace\":{\"name\":\"bazaar\",\"tax_collected_by\":\"seller\"}",
    [MADE_MARKET_WITH_TAX] =
        ",\"marketplace\":{\"name\":\"bazaar\",\"tax_collected_by\":\"marketplace\"}",
};

static void make_created(struct made_history *h, const char *decision, const char *goods)
{
    struct buf *data = add(h, EVENT_RETURN_CREATED, false);
    buf_printf(data,
               "{\"number\":\"R1\",\"store\":\"0042\",\"currency\":\"EUR\",\"decision\":\"%s\","
               "\"goods\":\"%s\",\"lines\":[",
               decision, goods);
    h->line_count = (size_t)made_history_pick(h, 1, MADE_LINES_MAX);
    h->market = h->centre_events || made_history_pick(h, 0, 3) ? MADE_NO_MARKET
                : made_history_pick(h, 0, 1)                   ? MADE_MARKET
                                                               : MADE_MARKET_WITH_TAX;
    for (size_t i = 0; i < h->line_count; i++) {
        struct made_line *line = &h->lines[i];
        *line = (struct made_line){.quantity = made_history_pick(h, 1, 5),
                                   .gross = made_history_pick(h, 0, 100000),
                                   .cost = made_history_pick(h, 0, 50000)};
        line->kept = made_history_pick(h, 0, 7) == 0;
        line->tax = made_history_pick(h, 0, line->gross / 4);
        line->fee =
            h->market || made_history_pick(h, 0, 3) ? 0 : made_history_pick(h, 0, line->gross);
        h->total += line->gross - line->fee;
        h->tax += line->tax;
        buf_printf(data,
                   "%s{\"line\":%zu,\"quantity\":%lld,\"net\":%lld,\"tax\":[{\"jurisdiction\":"
                   "\"DE\",\"rate\":\"%s\",\"amount\":%lld}],\"gross\":%lld,\"fee\":{\"amount\":"
                   "%lld,\"tax\":%lld},\"cost\":%lld%s}",
                   i ? "," : "", i + 1, (long long)line->quantity,
                   (long long)(line->gross - line->tax), i % 2 ? "7" : "19", (long long)line->tax,
                   (long long)line->gross, (long long)line->fee, (long long)(line->fee / 7),
                   (long long)line->cost, line->kept ? ",\"goods\":\"none\"" : "");
    }
    h->in_yen = !h->market && made_history_pick(h, 0, 2) == 0;
    buf_printf(data, "]%s%s}", markets[h->market],
               h->in_yen ? ",\"exchange\":{\"currency\":\"JPY\",\"sale_rate\":\"163.21\","
                           "\"rate\":\"160.5\"}"
                         : "");
}

static void make_check(struct made_history *h, bool passed)
{
    buf_printf(add(h, EVENT_RETURN_CHECKED, true), "{\"result\":\"%s\"}",
               passed ? "passed" : "failed");
}

/* All goods, line by line, in one or two goes each. */
static void make_received(struct made_history *h)
{
    for (size_t i = 0; i < h->line_count; i++) {
        if (h->lines[i].kept)
            continue;
        int64_t first = made_history_pick(h, 1, h->lines[i].quantity);
        int64_t rest = h->lines[i].quantity - first;
        buf_printf(add(h, EVENT_ITEM_RECEIVED, false),
                   "{\"lines\":[{\"line\":%zu,\"quantity\":%lld}]}", i + 1, (long long)first);
        if (rest)
            buf_printf(add(h, EVENT_ITEM_RECEIVED, false),
                       "{\"lines\":[{\"line\":%zu,\"quantity\":%lld}]}", i + 1, (long long)rest);
    }
}

static void say_restocked(struct made_history *h, size_t line, int64_t quantity)
{
    buf_printf(add(h, EVENT_INVENTORY_RESTOCKED, false),
               "{\"lines\":[{\"line\":%zu,\"quantity\":%lld}]}", line, (long long)quantity);
}

/* What is restocked may also be reported by the stock room, before or after. */
static void dispose(struct made_history *h, size_t line, int64_t quantity)
{
    static const char *const ways[] = {"restock",   "liquidate", "destroy",
                                       "write_off", "donate",    "return_to_supplier"};
    int64_t way = made_history_pick(h, 0, 5);
    int64_t report = way == 0 && quantity ? made_history_pick(h, 0, 2) : 0;
    if (report == 1)
        say_restocked(h, line, quantity);
    if (quantity)
        buf_printf(add(h, EVENT_ITEM_DISPOSITIONED, false),
                   "{\"lines\":[{\"line\":%zu,\"quantity\":%lld,\"disposition\":\"%s\",\"nrv\":"
                   "%lld}]}",
                   line, (long long)quantity, ways[way], (long long)made_history_pick(h, 0, 40000));
    if (report == 2)
        say_restocked(h, line, quantity);
}

/* All goods, each line in one or two goes. */
static void make_dispositions(struct made_history *h)
{
    for (size_t i = 0; i < h->line_count; i++) {
        if (h->lines[i].kept)
            continue;
        int64_t first = made_history_pick(h, 0, h->lines[i].quantity);
        dispose(h, i + 1, first);
        dispose(h, i + 1, h->lines[i].quantity - first);
    }
}

static void make_commission(struct made_history *h)
{
    h->commission = made_history_pick(h, 0, h->total / 5);
    buf_printf(add(h, EVENT_COMMISSION_REVERSED, false), "{\"amount\":%lld,\"lines\":[]}",
               (long long)h->commission);
}

/* A part of what is owed goes towards a new sale. */
static int64_t make_exchange(struct made_history *h)
{
    int64_t applied = made_history_pick(h, 1, h->total);
    int64_t gross = applied + made_history_pick(h, 0, 5000);
    int64_t tax = made_history_pick(h, 0, gross / 5);
    buf_printf(add(h, EVENT_EXCHANGE_LINKED, false),
               "{\"applied\":%lld,\"sale\":{\"net\":%lld,\"tax\":[{\"jurisdiction\":\"DE\","
               "\"rate\":\"19\",\"amount\":%lld}],\"gross\":%lld}}",
               (long long)applied, (long long)(gross - tax), (long long)tax, (long long)gross);
    return applied;
}

/* The whole refund over two tenders; a try may fail first. */
static void make_refunds(struct made_history *h)
{
    static const char *const types[] = {"card", "cash", "gift_card", "store_credit"};
    int64_t left = h->total;
    if (!h->voided && !h->market && left > 0 && made_history_pick(h, 0, 3) == 0)
        left -= make_exchange(h);
    int64_t amounts[MADE_TENDERS] = {made_history_pick(h, 0, left), 0};
    amounts[1] = left - amounts[0];
    for (int i = 0; i < MADE_TENDERS; i++) {
        const char *type = h->market ? "online_payment" : types[made_history_pick(h, 0, 3)];
        int64_t rounding =
            strcmp(type, "cash") == 0 && amounts[i] > 2 ? made_history_pick(h, -2, 2) : 0;
        for (int64_t failures = made_history_pick(h, 0, 4) == 0; failures >= 0; failures--) {
            buf_printf(add(h, EVENT_REFUND_ISSUED, false),
                       "{\"tender\":%d,\"type\":\"%s\",\"amount\":%lld,\"rounding\":%lld}", i + 1,
                       type, (long long)amounts[i], (long long)rounding);
            if (failures)
                buf_printf(add(h, EVENT_REFUND_FAILED, false), "{\"tender\":%d}", i + 1);
        }
        h->refunds[h->refund_count++] = (struct made_refund){type, amounts[i]};
    }
}

static void settle(struct made_history *h, const char *kind, int64_t amount, int64_t fee)
{
    buf_printf(add(h, EVENT_REFUND_SETTLED, true),
               "{\"type\":\"%s\",\"kind\":\"%s\",\"amount\":%lld,\"fee\":%lld}",
               h->market ? "online_payment" : "card", kind, (long long)amount, (long long)fee);
}

/*
 * A marketplace gives its commission back, and what it withheld of tax, with the first of them; or
 * none is ever settled.
 */
static void make_market_settlements(struct made_history *h)
{
    int64_t given = h->commission + (h->market == MADE_MARKET_WITH_TAX ? h->tax : 0);
    bool given_up = made_history_pick(h, 0, 4) == 0;
    for (size_t i = 0; i < h->refund_count; i++) {
        int64_t amount = h->refunds[i].amount;
        if (given_up) {
            settle(h, "written_off", amount, 0);
            continue;
        }
        if (i == 0 && made_history_pick(h, 0, 2) == 0) {
            settle(h, "refund", amount, -given);
            settle(h, "reversed", amount, given);
        }
        settle(h, "refund", amount, -given);
        given = 0;
    }
}

/* Each card refund is settled, perhaps after it came back once, or given up. */
static void make_settlements(struct made_history *h)
{
    for (size_t i = 0; i < h->refund_count; i++) {
        int64_t amount = h->refunds[i].amount;
        if (strcmp(h->refunds[i].type, "card") != 0 || !amount)
            continue;
        bool given_up = made_history_pick(h, 0, 4) == 0;
        if (!given_up && made_history_pick(h, 0, 4) == 0) {
            settle(h, "refund", amount, made_history_pick(h, 0, 30));
            settle(h, "reversed", amount, 0);
        }
        settle(h, given_up ? "written_off" : "refund", amount,
               given_up ? 0 : made_history_pick(h, 0, 30));
    }
}

/* A chargeback from its opening to its end, and the provider's settlement of what was lost. */
static void make_dispute(struct made_history *h)
{
    int64_t amount = made_history_pick(h, 1, 50000);
    int64_t fee = made_history_pick(h, 0, 1500);
    bool lost = made_history_pick(h, 0, 1);
    buf_printf(add(h, EVENT_RETURN_DISPUTED, false),
               "{\"stage\":\"opened\",\"type\":\"card\",\"amount\":%lld}", (long long)amount);
    if (fee)
        buf_printf(add(h, EVENT_RETURN_DISPUTED, false),
                   "{\"stage\":\"fee\",\"type\":\"card\",\"fee\":%lld}", (long long)fee);
    buf_printf(add(h, EVENT_RETURN_DISPUTED, false),
               "{\"stage\":\"%s\",\"type\":\"card\",\"amount\":%lld}", lost ? "lost" : "won",
               (long long)amount);
    if (fee || lost)
        settle(h, "chargeback", fee + (lost ? amount : 0), 0);
}

static void make_tax_adjustment(struct made_history *h)
{
    buf_printf(add(h, EVENT_TAX_ADJUSTED, true),
               "{\"tax\":[{\"jurisdiction\":\"DE\",\"rate\":\"19\",\"amount\":%lld}]}",
               (long long)made_history_pick(h, -500, 500));
}

void made_history_make(struct made_history *h, uint64_t seed)
{
    static const char *const decisions[] = {"accepted", "accepted_pending_check", "needs_manager"};
    *h = (struct made_history){.seed = seed};
    int64_t decision = made_history_pick(h, 0, 2);
    bool refused = made_history_pick(h, 0, 5) == 0;
    if (made_history_pick(h, 0, 9) == 0)
        buf_append_text(add(h, EVENT_RETURN_CONFLICTED, true),
                        "{\"lines\":[{\"line\":1,\"quantity\":1}]}");
    make_created(h, decisions[decision], made_history_pick(h, 0, 1) ? "received" : "expected");
    if (decision == 2)
        buf_append_text(add(h, EVENT_RETURN_APPROVED, false), "{}");
    bool check_early = made_history_pick(h, 0, 1);
    if (decision == 1 && check_early)
        make_check(h, !refused);
    make_received(h);
    if (decision == 1 && !check_early)
        make_check(h, !refused);
    if (!h->market && made_history_pick(h, 0, 9) == 0)
        buf_append_text(add(h, EVENT_RETURN_CONFLICTED, true),
                        "{\"lines\":[{\"line\":1,\"quantity\":1}]}");
    h->voided = decision == 1 && refused;
    if (h->market && !h->voided)
        make_commission(h);
    make_dispositions(h);
    if (made_history_pick(h, 0, 5) == 0) {
        buf_append_text(add(h, EVENT_RETURN_VOIDED, false), "{}");
        h->voided = true;
    }
    if (!h->voided || (!h->market && made_history_pick(h, 0, 1)))
        make_refunds(h);
    buf_append_text(add(h, EVENT_RETURN_COMPLETED, false), "{}");
    /* What is settled and disputed is in the currency paid back. */
    if (h->market)
        make_market_settlements(h);
    else if (!h->in_yen)
        make_settlements(h);
    if (!h->in_yen && !h->market && made_history_pick(h, 0, 4) == 0)
        make_dispute(h);
    if (!h->voided && !h->market && made_history_pick(h, 0, 4) == 0)
        make_tax_adjustment(h);
}

void made_history_free(struct made_history *h)
{
    for (size_t i = 0; i < h->count; i++)
        buf_free(&h->events[i].data);
}
