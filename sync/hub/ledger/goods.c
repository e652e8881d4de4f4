#include "sync/hub/ledger/goods.h"
#include "sync/contract/money.h"

#include <string.h>

static const enum trigger trigger_of[] = {
    [DISPOSITION_UNDECIDED] = TRIGGER_COUNT,
    [DISPOSITION_RESTOCK] = TRIGGER_RESTOCKED,
    [DISPOSITION_QUARANTINE] = TRIGGER_COUNT,
    [DISPOSITION_REPAIR] = TRIGGER_SENT_TO_REPAIR,
    [DISPOSITION_RETURN_TO_SUPPLIER] = TRIGGER_RETURNED_TO_SUPPLIER,
    [DISPOSITION_RETURN_TO_MANUFACTURER] = TRIGGER_RETURNED_TO_SUPPLIER,
    [DISPOSITION_LIQUIDATE] = TRIGGER_LIQUIDATED,
    [DISPOSITION_DONATE] = TRIGGER_DONATED,
    [DISPOSITION_DESTROY] = TRIGGER_WRITTEN_OFF,
    [DISPOSITION_WRITE_OFF] = TRIGGER_WRITTEN_OFF,
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t greatest(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The cost of units from..to of those that are ours. */
static int64_t cost_of(const struct position_line *line, int64_t from, int64_t to)
{
    return money_share(line->cost_minor, to, line->quantity) -
           money_share(line->cost_minor, from, line->quantity);
}

static enum err receive_line(struct booking *b, const struct milestone_line *came, int64_t *cost)
{
    int64_t left = came->quantity;
    bool ours = strcmp(came->condition, "wrong_goods") != 0;
    for (size_t i = 0; i < b->position->line_count && left; i++) {
        struct position_line *line = &b->position->lines[i];
        if (line->line != came->line)
            continue;
        int64_t take = least(left, line->quantity - line->received);
        left -= take;
        line->received += take;
        if (ours) {
            *cost += cost_of(line, line->ours, line->ours + take);
            line->ours += take;
        }
    }
    if (left)
        return fault_set(b->fault, ERR_REFUSED, "lines",
                         "%lld units more were received than line %lld has", (long long)left,
                         (long long)came->line);
    return ERR_OK;
}

enum err goods_receive(struct booking *b)
{
    struct booking_amounts amounts = {0};
    if (b->position->standing == STANDING_CLOSED)
        return ERR_OK;
    for (size_t i = 0; i < b->milestone->line_count; i++) {
        enum err err = receive_line(b, &b->milestone->lines[i], &amounts.of[AMOUNT_COST]);
        if (err)
            return err;
    }
    return booking_book(b, TRIGGER_GOODS_RECEIVED, &amounts, NULL);
}

static int64_t held(const struct position_line *line, bool from_repair)
{
    return from_repair ? line->in_repair : line->received - line->disposed;
}

/* Takes units, at most those held, out of quarantine or repair; gives their cost. */
static int64_t take_out(struct position_line *line, int64_t units, bool from_repair)
{
    if (units == 0)
        return 0;
    if (from_repair) {
        int64_t cost = money_share(line->repair_cost_minor, units, line->in_repair);
        line->repair_cost_minor -= cost;
        line->in_repair -= units;
        return cost;
    }
    int64_t ours = least(units, line->ours - line->disposed_ours);
    int64_t cost = cost_of(line, line->disposed_ours, line->disposed_ours + ours);
    line->disposed += units;
    line->disposed_ours += ours;
    return cost;
}

/* How many of `units` must still be booked as restocked. */
static int64_t restock_units(struct position_line *line, int64_t units, int64_t *counter)
{
    int64_t before = greatest(line->restock_decided, line->restock_reported);
    *counter += units;
    return greatest(line->restock_decided, line->restock_reported) - before;
}

/* One line of the position gives up to `wanted` units; says how many it answered for. */
static enum err dispose_units(struct booking *b, const struct milestone_line *said,
                              struct position_line *line, int64_t wanted, struct entry *entry,
                              int64_t *answered)
{
    bool from_repair = said->from_repair;
    int64_t units = least(wanted, held(line, from_repair));
    int64_t leaving = units;
    enum trigger trigger = trigger_of[said->disposition];
    if (trigger == TRIGGER_RESTOCKED) {
        int64_t reported = greatest(line->restock_reported - line->restock_decided, 0);
        units = least(wanted, held(line, from_repair) + reported);
        leaving = restock_units(line, units, &line->restock_decided);
    }
    int64_t cost = take_out(line, leaving, from_repair);
    if (trigger == TRIGGER_SENT_TO_REPAIR) {
        line->in_repair += leaving;
        line->repair_cost_minor += cost;
    }
    int64_t value;
    enum err err = booking_convert(b, b->position->sale_rate, said->nrv_minor, &value);
    if (err)
        return err;
    value = least(money_share(value, units, said->quantity), cost);
    struct booking_amounts amounts = {
        .of = {[AMOUNT_COST] = cost, [AMOUNT_VALUE] = value, [AMOUNT_WRITE_DOWN] = cost - value},
        .from_repair = from_repair};
    *answered = units;
    return booking_add(b, entry, trigger, &amounts);
}

static enum err dispose_line(struct booking *b, const struct milestone_line *said,
                             struct entry *entry)
{
    int64_t left = said->quantity;
    bool kept = false;
    for (size_t i = 0; i < b->position->line_count && left; i++) {
        struct position_line *line = &b->position->lines[i];
        int64_t answered = 0;
        if (line->line != said->line)
            continue;
        kept |= line->goods == GOODS_NONE;
        enum err err = dispose_units(b, said, line, left, entry, &answered);
        if (err)
            return err;
        left -= answered;
    }
    /* Goods that the customer keeps have no cost here, wherever they go. */
    if (left && !kept)
        return fault_set(b->fault, ERR_BUSY, "lines",
                         "%lld units of line %lld were not received yet", (long long)left,
                         (long long)said->line);
    return ERR_OK;
}

/* All lines of the event that go the same way, in one entry. */
static enum err dispose_lines(struct booking *b, enum trigger trigger)
{
    const struct milestone *m = b->milestone;
    struct entry entry;
    enum err err = booking_begin(b, trigger_name(trigger), &entry);
    for (size_t i = 0; i < m->line_count && !err; i++)
        if (trigger_of[m->lines[i].disposition] == trigger)
            err = dispose_line(b, &m->lines[i], &entry);
    if (!err)
        booking_finish(b, &entry, NULL);
    return err;
}

enum err goods_dispose(struct booking *b)
{
    bool done[TRIGGER_COUNT + 1] = {[TRIGGER_COUNT] = true};
    enum err err = ERR_OK;
    if (b->position->standing == STANDING_CLOSED)
        return ERR_OK;
    for (size_t i = 0; i < b->milestone->line_count && !err; i++) {
        enum trigger trigger = trigger_of[b->milestone->lines[i].disposition];
        if (!done[trigger])
            err = dispose_lines(b, trigger);
        done[trigger] = true;
    }
    return err;
}

static enum err restock_line(struct booking *b, const struct milestone_line *said,
                             struct entry *entry)
{
    int64_t left = said->quantity;
    for (size_t i = 0; i < b->position->line_count && left; i++) {
        struct position_line *line = &b->position->lines[i];
        if (line->line != said->line)
            continue;
        int64_t decided = greatest(line->restock_decided - line->restock_reported, 0);
        int64_t units = least(left, held(line, false) + decided);
        int64_t leaving = restock_units(line, units, &line->restock_reported);
        struct booking_amounts amounts = {.of[AMOUNT_COST] = take_out(line, leaving, false)};
        enum err err = booking_add(b, entry, TRIGGER_RESTOCKED, &amounts);
        if (err)
            return err;
        left -= units;
    }
    if (left)
        return fault_set(b->fault, ERR_BUSY, "lines",
                         "%lld units of line %lld were not received yet", (long long)left,
                         (long long)said->line);
    return ERR_OK;
}

enum err goods_restock(struct booking *b)
{
    if (b->position->standing == STANDING_CLOSED)
        return ERR_OK;
    struct entry entry;
    enum err err = booking_begin(b, trigger_name(TRIGGER_RESTOCKED), &entry);
    for (size_t i = 0; i < b->milestone->line_count && !err; i++)
        err = restock_line(b, &b->milestone->lines[i], &entry);
    if (!err)
        booking_finish(b, &entry, NULL);
    return err;
}
