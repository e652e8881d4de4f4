#include "sync/hub/ledger/ledger.h"
#include "sync/hub/ledger/debt.h"
#include "sync/hub/ledger/goods.h"
#include "sync/hub/ledger/payout.h"

#include <string.h>

static enum err open_return(struct booking *b)
{
    enum err err = debt_open(b);
    return err ? err : debt_recognise(b);
}

static enum err receive(struct booking *b)
{
    enum err err = goods_receive(b);
    return err ? err : debt_recognise(b);
}

static enum err approve(struct booking *b)
{
    struct position *p = b->position;
    if (p->standing == STANDING_CLOSED)
        return fault_set(b->fault, ERR_CONFLICT, "", "the return is voided, declined or refused");
    if (p->standing == STANDING_OPEN)
        return ERR_OK;
    p->standing =
        b->milestone->decision == DECISION_ACCEPTED ? STANDING_OPEN : STANDING_WAITS_CHECK;
    return debt_recognise(b);
}

static enum err check(struct booking *b)
{
    if (!b->milestone->check_passed)
        return debt_take_back(b, "check_failed");
    if (b->position->standing == STANDING_WAITS_CHECK)
        b->position->standing = STANDING_OPEN;
    return debt_recognise(b);
}

static enum err decline(struct booking *b)
{
    return debt_take_back(b, "declined");
}

static enum err take_back_void(struct booking *b)
{
    return debt_take_back(b, "voided");
}

static enum err complete(struct booking *b)
{
    b->position->completed = true;
    return ERR_OK;
}

/* What each type of event does; the others mean nothing to the books. */
typedef enum err step(struct booking *b);
static step *const steps[EVENT_TYPE_COUNT] = {
    [EVENT_RETURN_CREATED] = open_return,
    [EVENT_RETURN_APPROVED] = approve,
    [EVENT_RETURN_DECLINED] = decline,
    [EVENT_RETURN_CHECKED] = check,
    [EVENT_RETURN_VOIDED] = take_back_void,
    [EVENT_RETURN_COMPLETED] = complete,
    [EVENT_RETURN_CONFLICTED] = debt_conflict,
    [EVENT_RETURN_DISPUTED] = payout_dispute,
    [EVENT_ITEM_RECEIVED] = receive,
    [EVENT_ITEM_DISPOSITIONED] = goods_dispose,
    [EVENT_INVENTORY_RESTOCKED] = goods_restock,
    [EVENT_REFUND_ISSUED] = payout_issue,
    [EVENT_REFUND_FAILED] = payout_fail,
    [EVENT_REFUND_SETTLED] = payout_settle,
    [EVENT_EXCHANGE_LINKED] = payout_exchange,
    [EVENT_TAX_ADJUSTED] = payout_adjust_tax,
    [EVENT_COMMISSION_REVERSED] = payout_reverse_commission,
};

static bool was_booked(const struct position *p, const char *event_id)
{
    for (size_t i = 0; i < p->entry_count; i++)
        if (strcmp(p->entries[i].event_id, event_id) == 0)
            return true;
    return false;
}

enum ledger_turn ledger_turn(const struct position *p, const struct milestone *m)
{
    int64_t applied = position_applied(p, m->source);
    if (m->sequence ? m->sequence <= applied : was_booked(p, m->event_id))
        return LEDGER_DONE;
    if (m->sequence > applied + 1)
        return LEDGER_HELD;
    bool may_be_first = m->type == EVENT_RETURN_CREATED || m->type == EVENT_RETURN_CONFLICTED;
    return p->created || may_be_first || !steps[m->type] ? LEDGER_NEXT : LEDGER_HELD;
}

static enum err note_applied(struct booking *b)
{
    struct position *p = b->position;
    const struct milestone *m = b->milestone;
    if (m->sequence == 0)
        return ERR_OK;
    for (size_t i = 0; i < p->source_count; i++) {
        if (strcmp(p->sources[i].source, m->source) == 0) {
            p->sources[i].applied = m->sequence;
            return ERR_OK;
        }
    }
    if (p->source_count == POSITION_SOURCES_MAX)
        return fault_set(b->fault, ERR_TOO_LARGE, "source", "the return has too many sources");
    const char *source = arena_text(b->arena, m->source);
    if (!source)
        return booking_no_room(b);
    p->sources[p->source_count++] = (struct position_source){source, m->sequence};
    return ERR_OK;
}

/* The return's company: as its position says, or for a new one as the event or its store says. */
static enum err choose_company(const struct books *books, struct booking *b)
{
    const struct milestone *m = b->milestone;
    if (b->position->created)
        return books_company(books, b->position->company, "", &b->company, b->fault);
    if (m->type == EVENT_RETURN_CREATED)
        return books_company(books, m->company, m->store, &b->company, b->fault);
    return ERR_OK;
}

static enum err apply(const struct books *books, const struct position *before, struct booking *b)
{
    struct position *p = b->position;
    enum err err = booking_start(b, before);
    if (err)
        return err;
    if (!p->return_id) {
        p->return_id = arena_text(b->arena, b->milestone->return_id);
        p->number = p->store = p->company = p->country = "";
        p->currency = p->paid_currency = p->sale_rate = p->rate = "";
    }
    if (!p->return_id)
        return booking_no_room(b);
    if (strcmp(p->return_id, b->milestone->return_id) != 0)
        return fault_set(b->fault, ERR_INVALID, "correlationid", "the event is of another return");
    err = choose_company(books, b);
    if (!err && steps[b->milestone->type])
        err = steps[b->milestone->type](b);
    if (!err && p->created)
        err = debt_settle_closed(b);
    return err ? err : note_applied(b);
}

enum err ledger_apply(const struct books *books, const struct position *before,
                      const struct milestone *milestone, struct arena *arena,
                      struct ledger_result *result, struct fault *fault)
{
    enum ledger_turn turn = ledger_turn(before, milestone);
    if (turn == LEDGER_HELD)
        return fault_set(fault, ERR_BUSY, "sequence", "an earlier event of the return is missing");
    struct ledger_result made = {.after = *before};
    struct booking b = {
        .milestone = milestone, .position = &made.after, .arena = arena, .fault = fault};
    enum err err = turn == LEDGER_NEXT ? apply(books, before, &b) : ERR_OK;
    if (err)
        return err;
    made.count = made.after.entry_count - before->entry_count;
    made.entries = made.count ? made.after.entries + before->entry_count : NULL;
    *result = made;
    return ERR_OK;
}
