/*
 * A thousand made-up returns, each arriving in order and then in another order with duplicates:
 * the journal is the same, balanced, nothing in it twice, and what must end at zero does.
 * LEDGER_SEED=N repeats a run.
 */
#include "tests/support/ledger_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { RETURNS = 1000, EVENTS_MAX = 64, LINES_MAX = 4, TENDERS = 2 };

static const char *const store = "/store/0042/device/a";
static const char *const centre = "/centre";

struct made_event {
    enum event_type type;
    bool of_centre;
    int64_t sequence; /* within its source */
    int64_t after;    /* of the centre: the store's events that it had seen */
    uint8_t id;
    struct buf data;
};

struct made_line {
    int64_t quantity;
    int64_t gross;
    int64_t tax;
    int64_t fee;
    int64_t cost;
    bool kept; /* by the customer */
};

/* A refund that stands. */
struct made_refund {
    const char *type;
    int64_t amount;
};

struct history {
    uint64_t seed;
    struct made_event events[EVENTS_MAX];
    size_t count;
    int64_t store_events;
    int64_t centre_events;
    struct made_line lines[LINES_MAX];
    size_t line_count;
    int64_t total;
    struct made_refund refunds[TENDERS];
    size_t refund_count;
    bool in_yen;
    bool voided; /* or refused by the check: in any case closed */
};

/* splitmix64 */
static uint64_t next(uint64_t *seed)
{
    uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* least..most */
static int64_t pick(struct history *h, int64_t least, int64_t most)
{
    return least + (int64_t)(next(&h->seed) % (uint64_t)(most - least + 1));
}

static struct buf *add(struct history *h, enum event_type type, bool of_centre)
{
    assert_true(h->count < EVENTS_MAX);
    struct made_event *event = &h->events[h->count++];
    *event = (struct made_event){
        .type = type, .of_centre = of_centre, .after = h->store_events, .id = (uint8_t)h->count};
    event->sequence = of_centre ? ++h->centre_events : ++h->store_events;
    buf_init(&event->data, 16384);
    return &event->data;
}

static void make_created(struct history *h, const char *decision, const char *goods)
{
    struct buf *data = add(h, EVENT_RETURN_CREATED, false);
    buf_printf(data,
               "{\"number\":\"R1\",\"store\":\"0042\",\"currency\":\"EUR\",\"decision\":\"%s\","
               "\"goods\":\"%s\",\"lines\":[",
               decision, goods);
    h->line_count = (size_t)pick(h, 1, LINES_MAX);
    for (size_t i = 0; i < h->line_count; i++) {
        struct made_line *line = &h->lines[i];
        *line = (struct made_line){
            .quantity = pick(h, 1, 5), .gross = pick(h, 0, 100000), .cost = pick(h, 0, 50000)};
        line->kept = pick(h, 0, 7) == 0;
        line->tax = pick(h, 0, line->gross / 4);
        line->fee = pick(h, 0, 3) ? 0 : pick(h, 0, line->gross);
        h->total += line->gross - line->fee;
        buf_printf(data,
                   "%s{\"line\":%zu,\"quantity\":%lld,\"net\":%lld,\"tax\":[{\"jurisdiction\":"
                   "\"DE\",\"rate\":\"%s\",\"amount\":%lld}],\"gross\":%lld,\"fee\":{\"amount\":"
                   "%lld,\"tax\":%lld},\"cost\":%lld%s}",
                   i ? "," : "", i + 1, (long long)line->quantity,
                   (long long)(line->gross - line->tax), i % 2 ? "7" : "19", (long long)line->tax,
                   (long long)line->gross, (long long)line->fee, (long long)(line->fee / 7),
                   (long long)line->cost, line->kept ? ",\"goods\":\"none\"" : "");
    }
    h->in_yen = pick(h, 0, 2) == 0;
    buf_printf(data, "]%s}",
               h->in_yen ? ",\"exchange\":{\"currency\":\"JPY\",\"sale_rate\":\"163.21\","
                           "\"rate\":\"160.5\"}"
                         : "");
}

static void make_check(struct history *h, bool passed)
{
    buf_printf(add(h, EVENT_RETURN_CHECKED, true), "{\"result\":\"%s\"}",
               passed ? "passed" : "failed");
}

/* All goods, line by line, in one or two goes each. */
static void make_received(struct history *h)
{
    for (size_t i = 0; i < h->line_count; i++) {
        if (h->lines[i].kept)
            continue;
        int64_t first = pick(h, 1, h->lines[i].quantity);
        int64_t rest = h->lines[i].quantity - first;
        buf_printf(add(h, EVENT_ITEM_RECEIVED, false),
                   "{\"lines\":[{\"line\":%zu,\"quantity\":%lld}]}", i + 1, (long long)first);
        if (rest)
            buf_printf(add(h, EVENT_ITEM_RECEIVED, false),
                       "{\"lines\":[{\"line\":%zu,\"quantity\":%lld}]}", i + 1, (long long)rest);
    }
}

static void say_restocked(struct history *h, size_t line, int64_t quantity)
{
    buf_printf(add(h, EVENT_INVENTORY_RESTOCKED, false),
               "{\"lines\":[{\"line\":%zu,\"quantity\":%lld}]}", line, (long long)quantity);
}

/* What is restocked may also be reported by the stock room, before or after. */
static void dispose(struct history *h, size_t line, int64_t quantity)
{
    static const char *const ways[] = {"restock",   "liquidate", "destroy",
                                       "write_off", "donate",    "return_to_supplier"};
    int64_t way = pick(h, 0, 5);
    int64_t report = way == 0 && quantity ? pick(h, 0, 2) : 0;
    if (report == 1)
        say_restocked(h, line, quantity);
    if (quantity)
        buf_printf(add(h, EVENT_ITEM_DISPOSITIONED, false),
                   "{\"lines\":[{\"line\":%zu,\"quantity\":%lld,\"disposition\":\"%s\",\"nrv\":"
                   "%lld}]}",
                   line, (long long)quantity, ways[way], (long long)pick(h, 0, 40000));
    if (report == 2)
        say_restocked(h, line, quantity);
}

/* All goods, each line in one or two goes. */
static void make_dispositions(struct history *h)
{
    for (size_t i = 0; i < h->line_count; i++) {
        if (h->lines[i].kept)
            continue;
        int64_t first = pick(h, 0, h->lines[i].quantity);
        dispose(h, i + 1, first);
        dispose(h, i + 1, h->lines[i].quantity - first);
    }
}

/* A part of what is owed goes towards a new sale. */
static int64_t make_exchange(struct history *h)
{
    int64_t applied = pick(h, 1, h->total);
    int64_t gross = applied + pick(h, 0, 5000);
    int64_t tax = pick(h, 0, gross / 5);
    buf_printf(add(h, EVENT_EXCHANGE_LINKED, false),
               "{\"applied\":%lld,\"sale\":{\"net\":%lld,\"tax\":[{\"jurisdiction\":\"DE\","
               "\"rate\":\"19\",\"amount\":%lld}],\"gross\":%lld}}",
               (long long)applied, (long long)(gross - tax), (long long)tax, (long long)gross);
    return applied;
}

/* The whole refund over two tenders; a try may fail first. */
static void make_refunds(struct history *h)
{
    static const char *const types[] = {"card", "cash", "gift_card", "store_credit"};
    int64_t left = h->total;
    if (!h->voided && left > 0 && pick(h, 0, 3) == 0)
        left -= make_exchange(h);
    int64_t amounts[TENDERS] = {pick(h, 0, left), 0};
    amounts[1] = left - amounts[0];
    for (int i = 0; i < TENDERS; i++) {
        const char *type = types[pick(h, 0, 3)];
        int64_t rounding = strcmp(type, "cash") == 0 && amounts[i] > 2 ? pick(h, -2, 2) : 0;
        for (int64_t failures = pick(h, 0, 4) == 0; failures >= 0; failures--) {
            buf_printf(add(h, EVENT_REFUND_ISSUED, false),
                       "{\"tender\":%d,\"type\":\"%s\",\"amount\":%lld,\"rounding\":%lld}", i + 1,
                       type, (long long)amounts[i], (long long)rounding);
            if (failures)
                buf_printf(add(h, EVENT_REFUND_FAILED, false), "{\"tender\":%d}", i + 1);
        }
        h->refunds[h->refund_count++] = (struct made_refund){type, amounts[i]};
    }
}

static void settle(struct history *h, const char *kind, int64_t amount, int64_t fee)
{
    buf_printf(add(h, EVENT_REFUND_SETTLED, true),
               "{\"type\":\"card\",\"kind\":\"%s\",\"amount\":%lld,\"fee\":%lld}", kind,
               (long long)amount, (long long)fee);
}

/* Each card refund is settled, perhaps after it came back once, or given up. */
static void make_settlements(struct history *h)
{
    for (size_t i = 0; i < h->refund_count; i++) {
        int64_t amount = h->refunds[i].amount;
        if (strcmp(h->refunds[i].type, "card") != 0 || !amount)
            continue;
        bool given_up = pick(h, 0, 4) == 0;
        if (!given_up && pick(h, 0, 4) == 0) {
            settle(h, "refund", amount, pick(h, 0, 30));
            settle(h, "reversed", amount, 0);
        }
        settle(h, given_up ? "written_off" : "refund", amount, given_up ? 0 : pick(h, 0, 30));
    }
}

/* A chargeback from its opening to its end, and the provider's settlement of what was lost. */
static void make_dispute(struct history *h)
{
    int64_t amount = pick(h, 1, 50000);
    int64_t fee = pick(h, 0, 1500);
    bool lost = pick(h, 0, 1);
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

static void make_tax_adjustment(struct history *h)
{
    buf_printf(add(h, EVENT_TAX_ADJUSTED, true),
               "{\"tax\":[{\"jurisdiction\":\"DE\",\"rate\":\"19\",\"amount\":%lld}]}",
               (long long)pick(h, -500, 500));
}

static void make_history(struct history *h, uint64_t seed)
{
    static const char *const decisions[] = {"accepted", "accepted_pending_check", "needs_manager"};
    *h = (struct history){.seed = seed};
    int64_t decision = pick(h, 0, 2);
    bool refused = pick(h, 0, 5) == 0;
    if (pick(h, 0, 9) == 0)
        buf_append_text(add(h, EVENT_RETURN_CONFLICTED, true),
                        "{\"lines\":[{\"line\":1,\"quantity\":1}]}");
    make_created(h, decisions[decision], pick(h, 0, 1) ? "received" : "expected");
    if (decision == 2)
        buf_append_text(add(h, EVENT_RETURN_APPROVED, false), "{}");
    bool check_early = pick(h, 0, 1);
    if (decision == 1 && check_early)
        make_check(h, !refused);
    make_received(h);
    if (decision == 1 && !check_early)
        make_check(h, !refused);
    if (pick(h, 0, 9) == 0)
        buf_append_text(add(h, EVENT_RETURN_CONFLICTED, true),
                        "{\"lines\":[{\"line\":1,\"quantity\":1}]}");
    h->voided = decision == 1 && refused;
    make_dispositions(h);
    if (pick(h, 0, 5) == 0) {
        buf_append_text(add(h, EVENT_RETURN_VOIDED, false), "{}");
        h->voided = true;
    }
    if (!h->voided || pick(h, 0, 1))
        make_refunds(h);
    buf_append_text(add(h, EVENT_RETURN_COMPLETED, false), "{}");
    /* What is settled and disputed is in the currency paid back. */
    if (!h->in_yen)
        make_settlements(h);
    if (!h->in_yen && pick(h, 0, 4) == 0)
        make_dispute(h);
    if (!h->voided && pick(h, 0, 4) == 0)
        make_tax_adjustment(h);
}

static void free_history(struct history *h)
{
    for (size_t i = 0; i < h->count; i++)
        buf_free(&h->events[i].data);
}

static enum err apply(struct ledger_run *run, const struct made_event *event)
{
    return ledger_run_apply(run, event->of_centre ? centre : store, event->sequence, event->id,
                            event->type, event->data.data);
}

/* What is kept between events is JSON: goes there and back. */
static struct cJSON *through_json(struct ledger_run *run)
{
    struct cJSON *document = NULL;
    struct buf text;
    buf_init(&text, POSITION_BYTES_MAX);
    struct jsonw w = jsonw_to(&text);
    position_write(&w, NULL, &run->position);
    struct json_limits limits = {.bytes = POSITION_BYTES_MAX, .depth = 16};
    assert_int_equal(json_parse(buf_slice(&text), limits, &document, &run->fault), ERR_OK);
    assert_int_equal(position_read(document, &run->arena, &run->position, &run->fault), ERR_OK);
    buf_free(&text);
    return document;
}

/* The centre makes its own events where it stands: none of the store's later ones comes before. */
static bool is_next(const struct history *h, const struct ledger_run *run,
                    const struct made_event *event)
{
    int64_t seen = position_applied(&run->position, store);
    if (event->of_centre)
        return event->after <= seen;
    for (size_t i = 0; i < h->count; i++)
        if (h->events[i].of_centre && h->events[i].after < event->sequence &&
            h->events[i].sequence > position_applied(&run->position, centre))
            return false;
    return true;
}

/* Applies what has arrived and whose turn it is; the rest is held. */
static void drain(struct history *h, struct ledger_run *run, const bool *arrived, bool *done,
                  struct cJSON **documents)
{
    for (bool moved = true; moved;) {
        moved = false;
        for (size_t i = 0; i < h->count; i++) {
            if (!arrived[i] || done[i] || !is_next(h, run, &h->events[i]))
                continue;
            enum err err = apply(run, &h->events[i]);
            if (err == ERR_BUSY)
                continue;
            if (err)
                fail_msg("event %zu: %s: %s", i, run->fault.where, run->fault.text);
            json_free(documents[i]);
            documents[i] = through_json(run);
            done[i] = true;
            moved = true;
        }
    }
}

static void arrive_shuffled(struct history *h, struct ledger_run *run)
{
    bool arrived[EVENTS_MAX] = {false};
    bool done[EVENTS_MAX] = {false};
    struct cJSON *documents[EVENTS_MAX] = {NULL};
    size_t left = h->count;
    while (left) {
        size_t i = (size_t)pick(h, 0, (int64_t)h->count - 1);
        if (done[i]) /* a duplicate, or a replay from the start */
            assert_int_equal(apply(run, &h->events[i]), ERR_OK);
        left -= !arrived[i];
        arrived[i] = true;
        drain(h, run, arrived, done, documents);
    }
    for (size_t i = 0; i < h->count; i++)
        assert_true(done[i]);
    buf_reset(&run->text);
    struct jsonw w = jsonw_to(&run->text);
    position_write(&w, NULL, &run->position);
    for (size_t i = 0; i < h->count; i++)
        json_free(documents[i]);
}

static void arrive_in_order(struct history *h, struct ledger_run *run)
{
    for (size_t i = 0; i < h->count; i++)
        if (apply(run, &h->events[i]))
            fail_msg("event %zu: %s: %s", i, run->fault.where, run->fault.text);
    buf_reset(&run->text);
    struct jsonw w = jsonw_to(&run->text);
    position_write(&w, NULL, &run->position);
}

static void check_entries(const struct position *p)
{
    for (size_t i = 0; i < p->entry_count; i++) {
        assert_int_equal(entry_imbalance(&p->entries[i]), 0);
        assert_true(p->entries[i].line_count >= 2);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(p->entries[i].reference, p->entries[k].reference);
    }
}

static int64_t tender_balance(const struct position *p, const char *tender)
{
    int64_t sum = 0;
    for (size_t i = 0; i < p->entry_count; i++)
        for (size_t k = 0; k < p->entries[i].line_count; k++) {
            const struct journal_line *line = &p->entries[i].lines[k];
            if (strcmp(line->key.tender, tender) == 0)
                sum += line->debit_minor - line->credit_minor;
        }
    return sum;
}

static int64_t tax_of(const struct tax_list *tax)
{
    int64_t sum = 0;
    for (size_t i = 0; i < tax->count; i++)
        sum += tax->items[i].amount_minor;
    return sum;
}

/* What stands beside an entry says the same as the entry, and in the end all pieces once. */
static void check_items(const struct history *h, const struct position *p)
{
    int64_t quantities[LINES_MAX] = {0};
    bool owed = false;
    for (size_t i = 0; i < p->entry_count; i++) {
        const struct entry *entry = &p->entries[i];
        int64_t net = 0;
        int64_t tax = 0;
        int64_t fees = 0;
        for (size_t k = 0; k < entry->items.count; k++) {
            const struct entry_item *item = &entry->items.items[k];
            quantities[item->line - 1] += item->quantity;
            net += item->net_minor;
            tax += tax_of(&item->tax);
            fees += item->fee_net_minor + tax_of(&item->fee_tax);
        }
        if (!entry->items.count)
            continue;
        owed = true;
        /* What no sale stands behind is suspense instead. */
        assert_int_equal(net + tax, entry_role_balance(entry, "returns") +
                                        entry_role_balance(entry, "tax") +
                                        entry_role_balance(entry, "suspense"));
        assert_int_equal(-fees, entry_role_balance(entry, "fee_income") +
                                    entry_role_balance(entry, "fee_tax"));
    }
    for (size_t i = 0; owed && !h->voided && i < h->line_count; i++)
        if (h->lines[i].gross)
            assert_int_equal(quantities[i], h->lines[i].quantity);
}

/* A finished return owes nothing and holds no goods; a closed one has left no trace in sales. */
static void check_end(const struct history *h, const struct position *p)
{
    assert_int_equal(position_balance(p, "refunds_payable"), 0);
    assert_int_equal(position_balance(p, "quarantine_stock"), 0);
    assert_int_equal(position_balance(p, "disputed"), 0);
    if (!h->in_yen)
        assert_int_equal(tender_balance(p, "card"), 0);
    if (!h->voided)
        return;
    assert_int_equal(position_balance(p, "returns"), 0);
    assert_int_equal(position_balance(p, "tax"), 0);
    assert_int_equal(position_balance(p, "cost_of_goods_sold"), 0);
}

static void any_order_of_arrival_gives_the_same_balanced_journal(void **state)
{
    (void)state;
    const char *given = getenv("LEDGER_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) * 1000;
    print_message("LEDGER_SEED=%llu\n", (unsigned long long)seed);
    for (uint64_t i = 0; i < RETURNS; i++) {
        struct history h;
        struct ledger_run ordered;
        struct ledger_run shuffled;
        make_history(&h, seed + i);
        ledger_run_make(&ordered);
        ledger_run_make(&shuffled);
        arrive_in_order(&h, &ordered);
        arrive_shuffled(&h, &shuffled);
        if (strcmp(ordered.text.data, shuffled.text.data) != 0)
            fail_msg("LEDGER_SEED=%llu: the journals differ", (unsigned long long)(seed + i));
        check_entries(&ordered.position);
        check_end(&h, &ordered.position);
        check_items(&h, &ordered.position);
        ledger_run_free(&ordered);
        ledger_run_free(&shuffled);
        free_history(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order_of_arrival_gives_the_same_balanced_journal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
