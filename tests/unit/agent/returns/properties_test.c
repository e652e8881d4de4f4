/*
 * What holds for every sale, tried on random ones. The seed is printed; TILLBACK_SEED repeats it.
 */
#include "tests/support/seed.h"
#include "tests/unit/agent/returns/counter.h"

enum { ROUNDS = 300, LINES_MAX = 8, LIVE_MAX = 400 };

struct dice {
    uint64_t state;
};

/* splitmix64 */
static uint64_t roll(struct dice *dice)
{
    uint64_t z = (dice->state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static int64_t roll_to(struct dice *dice, int64_t most)
{
    return (int64_t)(roll(dice) % (uint64_t)(most + 1));
}

static struct sale_line random_line(struct counter *c, struct dice *dice, int64_t number)
{
    static const char *const jurisdictions[] = {"US-NY", "NYC", "MTA"};
    struct sale_line line = {.line = number, .sku = "sku"};
    bool weighed = roll_to(dice, 3) == 0;
    line.unit = weighed ? UNIT_G : UNIT_EACH;
    line.quantity = 1 + roll_to(dice, weighed ? 2500 : 12);
    line.amount_minor = roll_to(dice, 4) == 0 ? roll_to(dice, 20) : roll_to(dice, 40000);
    line.tax_count = (size_t)roll_to(dice, 3);
    line.taxes = arena_alloc(&c->arena, 3, sizeof *line.taxes);
    for (size_t i = 0; i < line.tax_count; i++)
        line.taxes[i] =
            (struct sale_tax){.type = TAX_SALES, .jurisdiction = jurisdictions[i], .rate = "8.875"};
    line.group = roll_to(dice, 2) == 0 ? "three for two" : NULL;
    line.has_cost = roll_to(dice, 1) == 1;
    line.cost_minor = line.has_cost ? roll_to(dice, 20000) : 0;
    return line;
}

/* Taxes are charged on what is left after the discounts, so the sale is checked twice. */
static void charge_taxes(struct sale *sale, struct dice *dice)
{
    for (size_t i = 0; i < sale->line_count; i++)
        for (size_t k = 0; k < sale->lines[i].tax_count; k++)
            sale->lines[i].taxes[k].amount_minor =
                money_share(sale->lines[i].paid_minor, roll_to(dice, 14), 100);
}

static void pay(struct sale *sale, struct dice *dice, struct sale_tender *tenders)
{
    static const int types[] = {TENDER_CARD, TENDER_GIFT_CARD, TENDER_CASH, TENDER_WALLET};
    int64_t rounding = roll_to(dice, 2) == 0 ? roll_to(dice, 8) - 4 : 0;
    rounding = rounding > sale->gross_minor ? sale->gross_minor : rounding;
    rounding = rounding < -sale->gross_minor ? 0 : rounding;
    int64_t due = sale->gross_minor - rounding;
    sale->tenders = tenders;
    sale->tender_count = 1 + (size_t)roll_to(dice, 3);
    for (size_t i = 0; i < sale->tender_count; i++) {
        int64_t part = i + 1 == sale->tender_count ? due : roll_to(dice, due);
        tenders[i] =
            (struct sale_tender){.tender = (int64_t)i + 1, .type = types[i], .amount_minor = part};
        due -= part;
    }
    if (rounding != 0)
        tenders[sale->tender_count++] =
            (struct sale_tender){.tender = 9, .type = TENDER_ROUNDING, .amount_minor = rounding};
}

/* Takes a discount off the lines of the group, if there are any; returns it. */
static int64_t discount_group(struct counter *c, struct dice *dice)
{
    int64_t sum = 0;
    for (size_t i = 0; i < c->sale.line_count; i++)
        sum += c->sale.lines[i].group ? c->sale.lines[i].amount_minor : 0;
    if (sum == 0)
        return 0;
    c->sale.groups = arena_alloc(&c->arena, 1, sizeof *c->sale.groups);
    c->sale.groups[0] =
        (struct sale_group){.group = "three for two", .discount_minor = roll_to(dice, sum)};
    c->sale.group_count = 1;
    return c->sale.groups[0].discount_minor;
}

static void random_sale(struct counter *c, struct dice *dice)
{
    struct sale *sale = &c->sale;
    *sale = (struct sale){
        .receipt = "R1",
        .store = "0042",
        .sold_at_ms = c->facts.now_ms,
        .currency_code = "EUR",
        .prices_include_tax = roll_to(dice, 1) == 1,
    };
    sale->line_count = 1 + (size_t)roll_to(dice, LINES_MAX - 1);
    sale->lines = arena_alloc(&c->arena, sale->line_count, sizeof *sale->lines);
    int64_t sum = 0;
    for (size_t i = 0; i < sale->line_count; i++) {
        sale->lines[i] = random_line(c, dice, (int64_t)i + 1);
        sum += sale->lines[i].amount_minor;
    }
    int64_t off = discount_group(c, dice);
    sale->order_discount_minor = roll_to(dice, 1) == 1 ? roll_to(dice, sum - off) : 0;
    /* Once without tenders, only for what the discounts leave of each line. */
    if (sale_check(sale, NULL, &c->arena, NULL) != ERR_OK)
        assert_true(sale->gross_minor > 0);
    charge_taxes(sale, dice);
    sale->gross_minor = 0;
    for (size_t i = 0; i < sale->line_count; i++) {
        const struct sale_line *line = &sale->lines[i];
        sale->gross_minor += line->paid_minor;
        for (size_t k = 0; k < line->tax_count && !sale->prices_include_tax; k++)
            sale->gross_minor += line->taxes[k].amount_minor;
    }
    pay(sale, dice, arena_alloc(&c->arena, 6, sizeof(struct sale_tender)));
    if (sale_check(sale, NULL, &c->arena, &c->fault) != ERR_OK)
        fail_msg("%s: %s", c->fault.where, c->fault.text);
    c->has_sale = true;
    assert_int_equal(history_init(sale, &c->arena, &c->history, &c->fault), ERR_OK);
}

/* A part of what the line still could refund, given back while the goods stay. */
static bool make_adjustment(const struct counter *c, struct dice *dice, size_t index,
                            struct request_line *line)
{
    const struct history_line *live = &c->history.lines[index];
    int64_t left = c->sale.lines[index].paid_minor - live->amount_minor - live->adjusted_minor;
    if (!c->adjusts || left < 1 || roll_to(dice, 4) != 0)
        return false;
    *line = (struct request_line){
        .line = c->sale.lines[index].line,
        .quantity = 1,
        .reason = "price_adjust",
        .condition = "open_box",
        .amount_minor = 1 + roll_to(dice, left - 1),
        .has_amount = true,
    };
    return true;
}

/* Asks for some units of some lines that are left; false if nothing is. */
static bool random_return(struct counter *c, struct dice *dice, struct decision *decision)
{
    struct request_line *lines = arena_alloc(&c->arena, LINES_MAX, sizeof *lines);
    struct return_request *request = arena_alloc(&c->arena, 1, sizeof *request);
    *request = (struct return_request){.receipt = "R1", .lines = lines, .in_hand = true};
    for (size_t i = 0; i < c->sale.line_count; i++) {
        int64_t left = c->sale.lines[i].quantity - c->history.lines[i].units;
        if (left > 0 && make_adjustment(c, dice, i, &lines[request->line_count])) {
            request->line_count++;
            continue;
        }
        if (left == 0 || roll_to(dice, 2) == 0)
            continue;
        lines[request->line_count++] = (struct request_line){
            .line = c->sale.lines[i].line,
            .quantity = roll_to(dice, 3) == 0 ? left : 1 + roll_to(dice, left - 1),
            .reason = "unwanted",
            .condition = "open_box",
        };
    }
    if (request->line_count == 0)
        return false;
    struct decide_input in = {
        .sale = &c->sale,
        .history = &c->history,
        .request = request,
        .policy = &c->policy,
        .facts = &c->facts,
    };
    if (returns_decide(&in, &c->arena, decision, &c->fault) != ERR_OK)
        fail_msg("%s: %s", c->fault.where, c->fault.text);
    if (decision->outcome != OUTCOME_ACCEPTED)
        fail_msg("%s", decision->reasons[0].code);
    return true;
}

static bool all_returned(const struct counter *c)
{
    for (size_t i = 0; i < c->sale.line_count; i++)
        if (c->history.lines[i].units < c->sale.lines[i].quantity)
            return false;
    return true;
}

static void assert_sums_of_decision(const struct decision *d)
{
    int64_t total = 0;
    for (size_t i = 0; i < d->line_count; i++) {
        const struct decided_line *line = &d->lines[i];
        assert_true(line->net_minor >= 0);
        int64_t tax = 0;
        for (size_t k = 0; k < line->tax_count; k++)
            tax += line->taxes[k].amount_minor;
        assert_int_equal(line->net_minor + tax, line->gross_minor);
        total += line->gross_minor - line->fee.amount_minor;
    }
    assert_int_equal(total, d->total_minor);
    for (size_t i = 0; i < d->tender_count; i++)
        total -= d->tenders[i].amount_minor;
    assert_int_equal(total, 0);
}

/* Of all lines together, at each jurisdiction that charged. */
static void assert_tax_never_above(const struct counter *c)
{
    static const char *const jurisdictions[] = {"US-NY", "NYC", "MTA"};
    for (size_t at = 0; at < sizeof jurisdictions / sizeof *jurisdictions; at++) {
        int64_t charged = 0;
        int64_t reversed = 0;
        for (size_t i = 0; i < c->sale.line_count; i++)
            for (size_t k = 0; k < c->sale.lines[i].tax_count; k++) {
                if (strcmp(c->sale.lines[i].taxes[k].jurisdiction, jurisdictions[at]) != 0)
                    continue;
                charged += c->sale.lines[i].taxes[k].amount_minor;
                reversed += c->history.lines[i].taxes_minor[k] +
                            c->history.lines[i].adjusted_taxes_minor[k];
            }
        assert_true(reversed >= 0 && reversed <= charged);
    }
}

static void assert_never_above(const struct counter *c)
{
    assert_tax_never_above(c);
    for (size_t i = 0; i < c->sale.line_count; i++) {
        const struct sale_line *sold = &c->sale.lines[i];
        const struct history_line *live = &c->history.lines[i];
        assert_true(live->amount_minor + live->adjusted_minor <= sold->paid_minor);
        assert_true(live->cost_minor <= sold->cost_minor);
        for (size_t k = 0; k < sold->tax_count; k++)
            assert_true(live->taxes_minor[k] + live->adjusted_taxes_minor[k] <=
                        sold->taxes[k].amount_minor);
    }
    for (size_t i = 0; i < c->sale.tender_count; i++) {
        const struct sale_tender *paid = &c->sale.tenders[i];
        int64_t refunded = c->history.tenders[i].refunded_minor;
        if (paid->type == TENDER_ROUNDING)
            assert_true(llabs(refunded) <= llabs(paid->amount_minor));
        else
            assert_true(refunded <= paid->amount_minor && refunded >= 0);
        assert_true(c->history.tenders[i].handed_over_minor <= llabs(paid->amount_minor));
    }
}

static void assert_all_given_back(const struct counter *c)
{
    assert_int_equal(c->history.refunded_minor, c->sale.gross_minor);
    for (size_t i = 0; i < c->sale.line_count; i++) {
        const struct sale_line *sold = &c->sale.lines[i];
        const struct history_line *live = &c->history.lines[i];
        assert_int_equal(live->amount_minor + live->adjusted_minor, sold->paid_minor);
        assert_int_equal(live->cost_minor, sold->cost_minor);
        for (size_t k = 0; k < sold->tax_count; k++)
            assert_int_equal(live->taxes_minor[k] + live->adjusted_taxes_minor[k],
                             sold->taxes[k].amount_minor);
    }
    for (size_t i = 0; i < c->sale.tender_count; i++)
        assert_int_equal(c->history.tenders[i].refunded_minor, c->sale.tenders[i].amount_minor);
}

/* One round: a fresh counter, random policy of splitting, a random sale. */
static void open_round(struct counter *c, struct dice *dice)
{
    counter_open(c);
    c->policy.rule_count = 0;
    c->facts.country = roll_to(dice, 1) == 1 ? "FI" : "DE"; /* cash is rounded there, or it isn't */
    c->policy.tenders.split =
        roll_to(dice, 1) == 1 ? POLICY_SPLIT_PROPORTIONAL : POLICY_SPLIT_PRIORITY;
    random_sale(c, dice);
}

static void give_all_back(bool adjusts)
{
    struct dice dice = {seed_chosen()};
    for (int round = 0; round < ROUNDS; round++) {
        struct counter c;
        open_round(&c, &dice);
        c.adjusts = adjusts;
        while (!all_returned(&c)) {
            struct decision decision;
            if (!random_return(&c, &dice, &decision))
                continue;
            assert_sums_of_decision(&decision);
            counter_keep(&c, &decision);
            assert_never_above(&c);
        }
        assert_all_given_back(&c);
        counter_close(&c);
    }
}

static void pieces_in_any_order_sum_to_the_whole(void **state)
{
    (void)state;
    give_all_back(false);
}

static void pieces_and_price_adjustments_sum_to_the_whole(void **state)
{
    (void)state;
    give_all_back(true);
}

static void fees_leave_no_more_than_was_paid(void **state)
{
    (void)state;
    struct dice dice = {seed_chosen()};
    for (int round = 0; round < ROUNDS; round++) {
        struct counter c;
        open_round(&c, &dice);
        struct policy_fee fee = {.rule = "fee", .rate = {75, 1}, .taxed = round % 2 == 0};
        c.policy.fees = &fee;
        c.policy.fee_count = 1;
        int64_t fees = 0;
        while (!all_returned(&c)) {
            struct decision decision;
            if (!random_return(&c, &dice, &decision))
                continue;
            assert_sums_of_decision(&decision);
            fees += decision.fee_minor;
            counter_keep(&c, &decision);
            assert_never_above(&c);
        }
        assert_int_equal(c.history.refunded_minor + fees, c.sale.gross_minor);
        counter_close(&c);
    }
}

static void voided_and_returned_again_never_above_the_total(void **state)
{
    (void)state;
    struct dice dice = {seed_chosen()};
    for (int round = 0; round < ROUNDS; round++) {
        struct counter c;
        open_round(&c, &dice);
        struct decision live[LIVE_MAX];
        size_t count = 0;
        for (int step = 0; step < 60; step++) {
            if (count > 0 && roll_to(&dice, 3) == 0) {
                count--;
                live[(size_t)roll_to(&dice, (int64_t)count)] = live[count];
            } else if (random_return(&c, &dice, &live[count])) {
                assert_sums_of_decision(&live[count++]);
            }
            counter_rebuild(&c, live, count);
            assert_never_above(&c);
            if (all_returned(&c))
                assert_true(c.history.refunded_minor <= c.sale.gross_minor);
        }
        counter_close(&c);
    }
}

static void write_decision(struct counter *c, const struct decision *decision, struct buf *out)
{
    buf_init(out, 1024 * 1024);
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    decision_write(decision, &c->policy, POLICY_EN, &w);
    jsonw_end(&w);
    assert_int_equal(buf_check(out, &c->fault, "decision"), ERR_OK);
}

static void the_same_input_gives_the_same_bytes(void **state)
{
    (void)state;
    uint64_t start = seed_chosen();
    for (uint64_t round = 0; round < 30; round++) {
        struct buf text[2];
        for (int k = 0; k < 2; k++) {
            struct dice dice = {start + round};
            struct counter c;
            open_round(&c, &dice);
            struct decision decision;
            while (!random_return(&c, &dice, &decision))
                ;
            write_decision(&c, &decision, &text[k]);
            counter_close(&c);
        }
        assert_string_equal(text[0].data, text[1].data);
        buf_free(&text[0]);
        buf_free(&text[1]);
    }
}

static void assert_same_history(const struct counter *c, const struct history *other)
{
    assert_int_equal(c->history.refunded_minor, other->refunded_minor);
    assert_memory_equal(c->history.tenders, other->tenders,
                        other->tender_count * sizeof *other->tenders);
    for (size_t i = 0; i < other->line_count; i++) {
        const struct history_line *a = &c->history.lines[i];
        const struct history_line *b = &other->lines[i];
        assert_int_equal(a->units, b->units);
        assert_int_equal(a->amount_minor, b->amount_minor);
        assert_int_equal(a->cost_units, b->cost_units);
        assert_int_equal(a->cost_minor, b->cost_minor);
        assert_int_equal(a->fee_count, b->fee_count);
        if (a->fee_count)
            assert_int_equal(a->fees[0].fee_minor, b->fees[0].fee_minor);
        assert_memory_equal(a->taxes_minor, b->taxes_minor,
                            c->sale.lines[i].tax_count * sizeof *a->taxes_minor);
    }
}

static void history_from_written_decisions_is_the_same(void **state)
{
    (void)state;
    struct dice dice = {seed_chosen()};
    for (int round = 0; round < 60; round++) {
        struct counter c;
        open_round(&c, &dice);
        struct policy_fee fee = {.rule = "fee", .rate = {75, 1}, .taxed = round % 2 == 0};
        c.policy.fees = &fee;
        c.policy.fee_count = 1;
        struct history read;
        assert_int_equal(history_init(&c.sale, &c.arena, &read, &c.fault), ERR_OK);
        for (int step = 0; step < 4; step++) {
            struct decision decision;
            if (!random_return(&c, &dice, &decision))
                continue;
            counter_keep(&c, &decision);
            struct buf text;
            write_decision(&c, &decision, &text);
            struct cJSON *json = counter_json(&c, text.data);
            buf_free(&text);
            if (history_add_json(&read, &c.sale, json, &c.arena, &c.fault) != ERR_OK)
                fail_msg("%s: %s", c.fault.where, c.fault.text);
        }
        assert_same_history(&c, &read);
        counter_close(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_in_any_order_sum_to_the_whole),
        cmocka_unit_test(pieces_and_price_adjustments_sum_to_the_whole),
        cmocka_unit_test(fees_leave_no_more_than_was_paid),
        cmocka_unit_test(voided_and_returned_again_never_above_the_total),
        cmocka_unit_test(the_same_input_gives_the_same_bytes),
        cmocka_unit_test(history_from_written_decisions_is_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
