/*
 * A thousand made-up returns, each arriving in order and then in another order with duplicates:
 * the journal is the same, balanced, nothing in it twice, and what must end at zero does.
 * TILLBACK_SEED=N repeats a run.
 */
#include "tests/support/ledger_run.h"
#include "tests/support/made_history.h"
#include "tests/support/seed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { RETURNS = 1000 };

static const char *const store = "/store/0042/device/a";
static const char *const centre = "/centre";

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
static bool is_next(const struct made_history *h, const struct ledger_run *run,
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
static void drain(struct made_history *h, struct ledger_run *run, const bool *arrived, bool *done,
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

static void arrive_shuffled(struct made_history *h, struct ledger_run *run)
{
    bool arrived[MADE_EVENTS_MAX] = {false};
    bool done[MADE_EVENTS_MAX] = {false};
    struct cJSON *documents[MADE_EVENTS_MAX] = {NULL};
    size_t left = h->count;
    while (left) {
        size_t i = (size_t)made_history_pick(h, 0, (int64_t)h->count - 1);
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

static void arrive_in_order(struct made_history *h, struct ledger_run *run)
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
static void check_items(const struct made_history *h, const struct position *p)
{
    int64_t quantities[MADE_LINES_MAX] = {0};
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
static void check_end(const struct made_history *h, const struct position *p)
{
    assert_int_equal(position_balance(p, "refunds_payable"), 0);
    assert_int_equal(position_balance(p, "quarantine_stock"), 0);
    assert_int_equal(position_balance(p, "disputed"), 0);
    assert_int_equal(position_balance(p, "marketplace_receivable"), 0);
    if (h->market)
        assert_int_equal(position_balance(p, "payment_fees"), 0);
    if (!h->in_yen) {
        assert_int_equal(tender_balance(p, "card"), 0);
        assert_int_equal(tender_balance(p, "online_payment"), 0);
    }
    if (!h->voided)
        return;
    assert_int_equal(position_balance(p, "returns"), 0);
    assert_int_equal(position_balance(p, "tax"), 0);
    assert_int_equal(position_balance(p, "cost_of_goods_sold"), 0);
}

static void any_order_of_arrival_gives_the_same_balanced_journal(void **state)
{
    (void)state;
    uint64_t seed = seed_chosen();
    for (uint64_t i = 0; i < RETURNS; i++) {
        struct made_history h;
        struct ledger_run ordered;
        struct ledger_run shuffled;
        made_history_make(&h, seed + i);
        ledger_run_make(&ordered);
        ledger_run_make(&shuffled);
        arrive_in_order(&h, &ordered);
        arrive_shuffled(&h, &shuffled);
        if (strcmp(ordered.text.data, shuffled.text.data) != 0)
            fail_msg("TILLBACK_SEED=%llu: the journals differ", (unsigned long long)(seed + i));
        check_entries(&ordered.position);
        check_end(&h, &ordered.position);
        check_items(&h, &ordered.position);
        ledger_run_free(&ordered);
        ledger_run_free(&shuffled);
        made_history_free(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order_of_arrival_gives_the_same_balanced_journal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
