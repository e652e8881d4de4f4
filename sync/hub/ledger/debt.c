#include "sync/hub/ledger/debt.h"
#include "sync/contract/money.h"

#include <assert.h>
#include <string.h>

static int64_t sum_of(const struct tax_list *tax)
{
    int64_t sum = 0;
    for (size_t i = 0; i < tax->count; i++)
        sum += tax->items[i].amount_minor;
    return sum;
}

/*
 * Gross and tax in the journal's currency, at the sale's rate; net is what is left. Where the
 * marketplace collected the tax, it is not in the amounts.
 */
static enum err take_amounts(const struct booking *b, int64_t gross_minor,
                             const struct tax_list *tax, struct amounts *out)
{
    enum err err = booking_convert(b, b->position->sale_rate, gross_minor, &out->gross_minor);
    if (!err)
        err = booking_convert_tax(b, tax, &out->tax);
    if (err)
        return err;
    out->net_minor = out->gross_minor - sum_of(&out->tax);
    if (b->position->tax_not_ours) {
        out->tax.count = 0;
        out->gross_minor = out->net_minor;
    }
    return ERR_OK;
}

/* The stored amounts of units from..to of the line's quantity. */
static enum err share_amounts(const struct booking *b, const struct position_line *line,
                              int64_t from, int64_t to, struct amounts *out)
{
    const struct amounts *whole = &line->money;
    struct tax_piece *items = arena_alloc(b->arena, whole->tax.count + 1, sizeof *items);
    if (!items)
        return booking_no_room(b);
    for (size_t i = 0; i < whole->tax.count; i++) {
        int64_t amount = whole->tax.items[i].amount_minor;
        items[i] = whole->tax.items[i];
        items[i].amount_minor =
            money_share(amount, to, line->quantity) - money_share(amount, from, line->quantity);
    }
    out->tax = (struct tax_list){items, whole->tax.count};
    out->gross_minor = money_share(whole->gross_minor, to, line->quantity) -
                       money_share(whole->gross_minor, from, line->quantity);
    out->net_minor = out->gross_minor - sum_of(&out->tax);
    return ERR_OK;
}

static int64_t share(int64_t amount_minor, int64_t from, int64_t to, int64_t quantity)
{
    return money_share(amount_minor, to, quantity) - money_share(amount_minor, from, quantity);
}

/* The fee's tax at the rates of the line, by the weight of each component. */
static enum err fee_taxes(const struct booking *b, const struct position_line *line,
                          int64_t fee_tax_minor, struct tax_list *out)
{
    const struct tax_list *tax = &line->money.tax;
    size_t count = tax->count ? tax->count : 1;
    struct tax_piece *items = arena_alloc(b->arena, count, sizeof *items);
    int64_t *numbers = arena_alloc(b->arena, 2 * count, sizeof *numbers);
    if (!items || !numbers)
        return booking_no_room(b);
    items[0] = (struct tax_piece){"", "", "", "", 0};
    for (size_t i = 0; i < tax->count; i++) {
        items[i] = tax->items[i];
        numbers[i] = tax->items[i].amount_minor;
    }
    if (sum_of(tax) == 0)
        numbers[0] = 1;
    enum err err = money_spread(fee_tax_minor, numbers, count, numbers + count);
    for (size_t i = 0; i < count; i++)
        items[i].amount_minor = numbers[count + i];
    *out = (struct tax_list){items, count};
    return err;
}

static enum err copy_texts(struct booking *b)
{
    struct position *p = b->position;
    const struct milestone *m = b->milestone;
    const struct {
        const char **to;
        const char *from;
    } texts[] = {
        {&p->number, m->number},
        {&p->store, m->store},
        {&p->country, *m->country ? m->country : b->company->country},
        {&p->currency, m->currency},
        {&p->paid_currency, m->exchange.currency ? m->exchange.currency : m->currency},
        {&p->sale_rate, m->exchange.currency ? m->exchange.sale_rate : ""},
        {&p->rate, m->exchange.currency ? m->exchange.rate : ""},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        *texts[i].to = arena_text(b->arena, texts[i].from);
        if (!*texts[i].to)
            return booking_no_room(b);
    }
    p->company = b->company->name;
    return ERR_OK;
}

static enum err open_line(struct booking *b, const struct milestone_line *from,
                          struct position_line *line)
{
    struct position *p = b->position;
    *line = (struct position_line){
        .line = from->line, .quantity = from->quantity, .goods = from->goods};
    enum err err = take_amounts(b, from->gross_minor, &from->tax, &line->money);
    if (!err)
        err = booking_convert(b, p->sale_rate, from->fee.amount_minor, &line->fee_minor);
    if (!err)
        err = booking_convert(b, p->sale_rate, from->fee.tax_minor, &line->fee_tax_minor);
    if (!err)
        err = booking_convert(b, p->sale_rate, from->cost_minor, &line->cost_minor);
    p->entitlement_minor += from->gross_minor - from->fee.amount_minor;
    p->due_minor += line->money.gross_minor - line->fee_minor;
    return err;
}

/*
 * The amounts of a line that a conflict concerns: as it says them, or else the share of the last
 * `quantity` units.
 */
static enum err unsupported_amounts(const struct booking *b, const struct position_line *line,
                                    const struct milestone_line *said, struct amounts *out)
{
    if (said->has_gross)
        return take_amounts(b, said->gross_minor, &said->tax, out);
    int64_t from = said->quantity < line->quantity ? line->quantity - said->quantity : 0;
    return share_amounts(b, line, from, line->quantity, out);
}

static enum err add_unsupported(const struct booking *b, struct position_line *line,
                                const struct amounts *more)
{
    struct amounts *all = &line->unsupported;
    size_t count = all->tax.count + more->tax.count;
    struct tax_piece *items = arena_alloc(b->arena, count + 1, sizeof *items);
    if (!items)
        return booking_no_room(b);
    if (all->tax.count)
        memcpy(items, all->tax.items, all->tax.count * sizeof *items);
    if (more->tax.count)
        memcpy(items + all->tax.count, more->tax.items, more->tax.count * sizeof *items);
    all->tax = (struct tax_list){items, count};
    all->net_minor += more->net_minor;
    all->gross_minor += more->gross_minor;
    line->is_unsupported = true;
    return ERR_OK;
}

/* Conflicts that were known before the return was. */
static enum err take_early_conflicts(struct booking *b, const struct position_line *early,
                                     size_t count)
{
    enum err err = ERR_OK;
    for (size_t i = 0; i < count && !err; i++) {
        struct milestone_line said = {.line = early[i].line,
                                      .quantity = early[i].quantity,
                                      .tax = early[i].unsupported.tax,
                                      .gross_minor = early[i].unsupported.gross_minor,
                                      .has_gross = early[i].is_unsupported};
        for (size_t k = 0; k < b->position->line_count && !err; k++) {
            struct position_line *line = &b->position->lines[k];
            struct amounts amounts = {0};
            if (line->line != said.line)
                continue;
            err = unsupported_amounts(b, line, &said, &amounts);
            if (!err)
                err = add_unsupported(b, line, &amounts);
            break;
        }
    }
    return err;
}

static const enum standing standing_of[] = {
    [DECISION_ACCEPTED] = STANDING_OPEN,
    [DECISION_PENDING_CHECK] = STANDING_WAITS_CHECK,
    [DECISION_NEEDS_MANAGER] = STANDING_WAITS_MANAGER,
    [DECISION_NEEDS_LINK] = STANDING_WAITS_MANAGER,
    [DECISION_DECLINED] = STANDING_CLOSED,
};

enum err debt_open(struct booking *b)
{
    struct position *p = b->position;
    const struct milestone *m = b->milestone;
    if (p->created)
        return fault_set(b->fault, ERR_CONFLICT, "", "the return was created before");
    const struct position_line *early = p->lines;
    size_t early_count = p->line_count;
    p->created = true;
    p->standing = (int)standing_of[m->decision];
    p->on_marketplace = m->marketplace.name != NULL;
    p->tax_not_ours = p->on_marketplace && m->marketplace.tax_collected_by_marketplace;
    enum err err = copy_texts(b);
    if (err)
        return err;
    p->line_count = m->line_count;
    p->lines = arena_alloc(b->arena, p->line_count + 1, sizeof *p->lines);
    if (!p->lines)
        return booking_no_room(b);
    for (size_t i = 0; i < p->line_count && !err; i++)
        err = open_line(b, &m->lines[i], &p->lines[i]);
    for (size_t i = 0; i < m->refund.tender_count; i++)
        if (strcmp(m->refund.tenders[i].type, "rounding") == 0)
            p->rounding_minor += m->refund.tenders[i].amount_minor;
    return err ? err : take_early_conflicts(b, early, early_count);
}

/* The unsupported part, once the whole line is recognised: off returns and tax, to suspense. */
static enum err add_unsupported_part(const struct booking *b, struct entry *entry,
                                     enum trigger trigger, const struct amounts *part)
{
    int sign = trigger == TRIGGER_OVER_RETURN ? 1 : -1;
    struct tax_piece *items = arena_alloc(b->arena, part->tax.count + 1, sizeof *items);
    if (!items)
        return booking_no_room(b);
    for (size_t i = 0; i < part->tax.count; i++) {
        items[i] = part->tax.items[i];
        items[i].amount_minor *= sign;
    }
    struct booking_amounts amounts = {
        .of = {[AMOUNT_NET] = sign * part->net_minor, [AMOUNT_UNSUPPORTED] = part->gross_minor},
        .tax = {items, part->tax.count}};
    return booking_add(b, entry, trigger, &amounts);
}

static enum err recognise_line(struct booking *b, struct position_line *line, struct entry *entry)
{
    int64_t target = line->goods == GOODS_EXPECTED ? line->received : line->quantity;
    int64_t from = line->recognised;
    if (target <= from)
        return ERR_OK;
    struct amounts part;
    struct booking_amounts amounts = {0};
    int64_t fee = share(line->fee_minor, from, target, line->quantity);
    int64_t fee_tax = share(line->fee_tax_minor, from, target, line->quantity);
    enum err err = share_amounts(b, line, from, target, &part);
    if (!err)
        err = fee_taxes(b, line, fee_tax, &amounts.fee_tax);
    if (err)
        return err;
    amounts.of[AMOUNT_NET] = part.net_minor;
    amounts.of[AMOUNT_FEE_NET] = fee - fee_tax;
    amounts.of[AMOUNT_DUE] = part.gross_minor - fee;
    amounts.tax = part.tax;
    entry->items.items[entry->items.count++] = (struct entry_item){
        .line = line->line,
        .quantity = target - from,
        .goods = line->goods != GOODS_NONE,
        .net_minor = part.net_minor,
        .tax = part.tax,
        .fee_net_minor = fee - fee_tax,
        .fee_tax = amounts.fee_tax,
    };
    line->recognised = target;
    b->position->recognised_due_minor += part.gross_minor - fee;
    err = booking_add(b, entry, TRIGGER_ACCEPTED, &amounts);
    if (err || !line->is_unsupported || line->recognised < line->quantity)
        return err;
    line->unsupported_booked = true;
    return add_unsupported_part(b, entry, TRIGGER_ACCEPTED, &line->unsupported);
}

/* The rounding that the sale took or gave goes back in proportion to what is owed by now. */
static enum err reverse_rounding(struct booking *b)
{
    struct position *p = b->position;
    if (!p->rounding_minor || p->due_minor <= 0)
        return ERR_OK;
    struct payment payment = {.refund_id = "", .type = "rounding", .position = -1};
    payment.amount_minor = money_share(p->rounding_minor, p->recognised_due_minor, p->due_minor);
    for (size_t i = 0; i < p->payment_count; i++)
        if (!p->payments[i].failed && strcmp(p->payments[i].type, "rounding") == 0)
            payment.amount_minor -= p->payments[i].amount_minor;
    if (!payment.amount_minor)
        return ERR_OK;
    enum err err = debt_cleared_by(b, payment.amount_minor, &payment.cleared_minor);
    if (err)
        return err;
    struct booking_amounts amounts = {.of[AMOUNT_AMOUNT] = payment.cleared_minor};
    err = booking_book(b, TRIGGER_ROUNDING_REVERSED, &amounts, &payment.reference);
    payment.event_id = arena_text(b->arena, b->milestone->event_id);
    if (!err && !payment.event_id)
        err = booking_no_room(b);
    if (!err)
        p->payments[p->payment_count++] = payment;
    return err;
}

enum err debt_recognise(struct booking *b)
{
    struct position *p = b->position;
    if (p->standing != STANDING_OPEN)
        return ERR_OK;
    struct entry entry;
    enum err err = booking_begin(b, trigger_name(TRIGGER_ACCEPTED), &entry);
    if (err)
        return err;
    entry.items.items = arena_alloc(b->arena, p->line_count + 1, sizeof *entry.items.items);
    if (!entry.items.items)
        return booking_no_room(b);
    for (size_t i = 0; i < p->line_count && !err; i++)
        err = recognise_line(b, &p->lines[i], &entry);
    if (err)
        return err;
    booking_finish(b, &entry, NULL);
    return reverse_rounding(b);
}

static enum err remember_early_conflict(struct booking *b)
{
    struct position *p = b->position;
    const struct milestone *m = b->milestone;
    struct position_line *lines =
        arena_alloc(b->arena, p->line_count + m->line_count, sizeof *lines);
    if (!lines)
        return booking_no_room(b);
    if (p->line_count)
        memcpy(lines, p->lines, p->line_count * sizeof *lines);
    for (size_t i = 0; i < m->line_count; i++) {
        const struct milestone_line *said = &m->lines[i];
        struct position_line *line = &lines[p->line_count++];
        *line = (struct position_line){
            .line = said->line, .quantity = said->quantity, .is_unsupported = said->has_gross};
        line->unsupported.net_minor = said->net_minor;
        line->unsupported.gross_minor = said->gross_minor;
        enum err err = booking_convert_tax(b, &said->tax, &line->unsupported.tax);
        if (err)
            return err;
    }
    p->lines = lines;
    return ERR_OK;
}

static enum err conflict_line(struct booking *b, const struct milestone_line *said,
                              struct position_line *line, struct entry *entry)
{
    struct amounts amounts = {0};
    enum err err = unsupported_amounts(b, line, said, &amounts);
    if (!err)
        err = add_unsupported(b, line, &amounts);
    if (err || line->recognised < line->quantity)
        return err;
    line->unsupported_booked = true;
    return add_unsupported_part(b, entry, TRIGGER_OVER_RETURN, &amounts);
}

enum err debt_conflict(struct booking *b)
{
    struct position *p = b->position;
    if (!p->created)
        return remember_early_conflict(b);
    if (p->standing == STANDING_CLOSED)
        return ERR_OK;
    struct entry entry;
    enum err err = booking_begin(b, trigger_name(TRIGGER_OVER_RETURN), &entry);
    for (size_t i = 0; i < b->milestone->line_count && !err; i++) {
        const struct milestone_line *said = &b->milestone->lines[i];
        size_t k = 0;
        while (k < p->line_count && p->lines[k].line != said->line)
            k++;
        err = k < p->line_count ? conflict_line(b, said, &p->lines[k], &entry)
                                : fault_set(b->fault, ERR_INVALID, "lines",
                                            "the return has no line %lld", (long long)said->line);
    }
    if (!err)
        booking_finish(b, &entry, NULL);
    return err;
}

static bool is_undone_by_void(const struct entry *entry)
{
    for (size_t i = 0; i < TRIGGER_COUNT; i++)
        if (strcmp(entry->rule, trigger_name((enum trigger)i)) == 0)
            return trigger_undone_by_void((enum trigger)i);
    return false;
}

enum err debt_take_back(struct booking *b, const char *rule)
{
    struct position *p = b->position;
    if (p->standing == STANDING_CLOSED)
        return ERR_OK;
    struct entry entry;
    enum err err = booking_begin(b, rule, &entry);
    for (size_t i = 0; i < p->entry_count && !err; i++) {
        struct entry *earlier = &p->entries[i];
        if (earlier->reversed || !is_undone_by_void(earlier))
            continue;
        err = booking_mirror(b, &entry, earlier);
        earlier->reversed = true;
        for (size_t k = 0; k < p->payment_count; k++)
            if (strcmp(p->payments[k].reference, earlier->reference) == 0)
                p->payments[k].failed = true;
    }
    if (err)
        return err;
    booking_finish(b, &entry, NULL);
    p->standing = STANDING_CLOSED;
    return ERR_OK;
}

enum err debt_settle_closed(struct booking *b)
{
    if (b->position->standing != STANDING_CLOSED)
        return ERR_OK;
    return booking_book_amount(b, TRIGGER_REFUND_UNSUPPORTED, NULL,
                               position_balance(b->position, "refunds_payable"));
}

enum err debt_cleared_by(const struct booking *b, int64_t amount_minor, int64_t *cleared_minor)
{
    const struct position *p = b->position;
    int64_t amounts = amount_minor;
    int64_t cleared = 0;
    for (size_t i = 0; i < p->payment_count; i++) {
        if (p->payments[i].failed)
            continue;
        amounts += p->payments[i].amount_minor;
        cleared += p->payments[i].cleared_minor;
    }
    if (p->entitlement_minor <= 0)
        return booking_convert(b, p->sale_rate, amount_minor, cleared_minor);
    *cleared_minor = money_share(p->due_minor, amounts, p->entitlement_minor) - cleared;
    return ERR_OK;
}
