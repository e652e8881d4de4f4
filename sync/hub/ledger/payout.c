#include "sync/hub/ledger/payout.h"
#include "sync/contract/money.h"
#include "sync/hub/ledger/debt.h"

#include <string.h>

static int64_t above_zero(int64_t amount_minor)
{
    return amount_minor > 0 ? amount_minor : 0;
}

static enum err keep_payment(struct booking *b, const char *type, int64_t cleared_minor,
                             const char *reference)
{
    const struct milestone *m = b->milestone;
    struct payment payment = {
        .event_id = arena_text(b->arena, m->event_id),
        .refund_id = arena_text(b->arena, m->refund_id),
        .type = arena_text(b->arena, type),
        .reference = reference,
        .tender = m->tender,
        .position = m->position,
        .amount_minor = m->amount_minor,
        .cleared_minor = cleared_minor,
    };
    if (!payment.event_id || !payment.refund_id || !payment.type)
        return booking_no_room(b);
    b->position->payments[b->position->payment_count++] = payment;
    return ERR_OK;
}

/* What was handed over, in the currency of the journal. */
static enum err handed_over(const struct booking *b, int64_t *paid_minor)
{
    const struct milestone *m = b->milestone;
    int64_t paid = 0;
    enum err err = booking_convert(b, b->position->rate, m->amount_minor, &paid);
    if (err)
        return err;
    paid += m->rounding_minor;
    if (m->has_paid && !*b->position->rate && m->paid_minor != paid)
        return fault_set(b->fault, ERR_INVALID, "paid", "must be the amount and its rounding");
    *paid_minor = m->has_paid ? m->paid_minor : paid;
    return ERR_OK;
}

enum err payout_issue(struct booking *b)
{
    const struct milestone *m = b->milestone;
    if (strcmp(m->tender_type, "rounding") == 0 && b->position->rounding_minor)
        return ERR_OK;
    int64_t cleared;
    int64_t paid = 0;
    const char *reference;
    enum err err = debt_cleared_by(b, m->amount_minor, &cleared);
    if (!err)
        err = handed_over(b, &paid);
    if (err)
        return err;
    if (b->position->tax_not_ours) {
        struct booking_amounts amounts = {.of[AMOUNT_AMOUNT] = cleared};
        err = booking_book(b, TRIGGER_MARKETPLACE_REFUNDED, &amounts, &reference);
    } else {
        int64_t fx = paid - m->rounding_minor - cleared;
        struct booking_amounts amounts = {.of = {[AMOUNT_CLEARED] = cleared,
                                                 [AMOUNT_ROUNDING] = m->rounding_minor,
                                                 [AMOUNT_FX_LOSS] = above_zero(fx),
                                                 [AMOUNT_FX_GAIN] = above_zero(-fx),
                                                 [AMOUNT_PAID] = paid},
                                          .tender = m->tender_type};
        err = booking_book(b, TRIGGER_REFUND_ISSUED, &amounts, &reference);
    }
    return err ? err : keep_payment(b, m->tender_type, cleared, reference);
}

/* The surest that both say: the attempt, the place in the plan, or the sale's tender. */
static bool same_refund(const struct payment *payment, const struct milestone *m)
{
    if (*m->refund_id && *payment->refund_id)
        return strcmp(payment->refund_id, m->refund_id) == 0;
    if (m->position >= 0 && payment->position >= 0)
        return payment->position == m->position;
    return payment->tender == m->tender;
}

/* The latest such refund that stands; NULL if there is none. */
static struct payment *find_refund(const struct booking *b)
{
    const struct position *p = b->position;
    const struct milestone *m = b->milestone;
    for (size_t i = p->payment_count; i-- > 0;) {
        struct payment *payment = &p->payments[i];
        if (same_refund(payment, m) && !payment->failed && strcmp(payment->type, "rounding") != 0 &&
            strcmp(payment->type, "exchange") != 0)
            return payment;
    }
    return NULL;
}

enum err payout_fail(struct booking *b)
{
    struct payment *payment = find_refund(b);
    if (!payment)
        return ERR_OK;
    if (payment->settled)
        return fault_set(b->fault, ERR_REFUSED, "refund", "it was settled and can't have failed");
    payment->failed = true;
    struct entry entry;
    enum err err = booking_begin(b, "refund_failed", &entry);
    for (size_t i = 0; i < b->position->entry_count && !err; i++) {
        struct entry *earlier = &b->position->entries[i];
        if (strcmp(earlier->reference, payment->reference) != 0)
            continue;
        earlier->reversed = true;
        err = booking_mirror(b, &entry, earlier);
    }
    if (!err)
        booking_finish(b, &entry, NULL);
    return err;
}

/* Remembers that a refund of this kind was settled, so that it can't fail; or that it came back. */
static void mark_settled(const struct booking *b, bool settled)
{
    const struct milestone *m = b->milestone;
    for (size_t i = 0; i < b->position->payment_count; i++) {
        struct payment *payment = &b->position->payments[i];
        bool is_it = *m->refund_id ? strcmp(payment->refund_id, m->refund_id) == 0
                                   : strcmp(payment->type, m->tender_type) == 0 &&
                                         payment->amount_minor == m->amount_minor;
        if (is_it && !payment->failed && payment->settled != settled) {
            payment->settled = settled;
            return;
        }
    }
}

static int64_t at_most(int64_t amount_minor, int64_t most_minor)
{
    return amount_minor < most_minor ? amount_minor : most_minor;
}

/*
 * Commission that the marketplace owes us comes with the refund, as a fee that it gives back, and
 * goes again with a refund that came back.
 */
static enum err settle_commission(const struct booking *b, bool reversed, int64_t *fee_minor)
{
    int64_t owed = above_zero(position_balance(b->position, "marketplace_receivable"));
    int64_t had = above_zero(-position_balance(b->position, "commission_expense") - owed);
    int64_t given =
        reversed ? -at_most(above_zero(*fee_minor), had) : at_most(above_zero(-*fee_minor), owed);
    *fee_minor += given;
    return booking_book_amount(b, TRIGGER_COMMISSION_SETTLED, NULL, given);
}

static bool any_settled(const struct position *p)
{
    bool any = false;
    for (size_t i = 0; i < p->payment_count; i++)
        any |= p->payments[i].settled;
    return any;
}

/*
 * Writes off what the marketplace and we owe each other and will never be settled. Where the
 * marketplace collects the tax, it stands for the tender itself: the milestone says the amount.
 * Else only commission can be open, of a refund that never came.
 */
static enum err write_off_marketplace(const struct booking *b)
{
    int64_t open = -position_balance(b->position, "marketplace_receivable");
    int64_t about = b->milestone->amount_minor;
    int64_t amount =
        about < 0 ? -at_most(-about, above_zero(-open)) : at_most(about, above_zero(open));
    if (!b->position->tax_not_ours)
        amount = any_settled(b->position) ? 0 : -above_zero(-open);
    return booking_book_amount(b, TRIGGER_MARKETPLACE_WRITTEN_OFF, NULL, amount);
}

enum err payout_settle(struct booking *b)
{
    static const enum trigger triggers[] = {[SETTLED_REFUND] = TRIGGER_REFUND_SETTLED,
                                            [SETTLED_SALE] = TRIGGER_SALE_SETTLED,
                                            [SETTLED_CHARGEBACK] = TRIGGER_CHARGEBACK_SETTLED,
                                            [SETTLED_REVERSED] = TRIGGER_REFUND_SETTLED,
                                            [SETTLED_WRITTEN_OFF] = TRIGGER_SETTLEMENT_WRITTEN_OFF};
    const struct milestone *m = b->milestone;
    bool reversed = m->settled_kind == SETTLED_REVERSED;
    bool refund = m->settled_kind == SETTLED_REFUND || reversed;
    int64_t amount = reversed ? -m->amount_minor : m->amount_minor;
    int64_t fee = m->fee_minor;
    enum err err = ERR_OK;
    if (refund)
        mark_settled(b, !reversed);
    if (refund && b->position->tax_not_ours) /* it owes us less by all of it */
        return booking_book_amount(b, TRIGGER_MARKETPLACE_SETTLED, NULL, amount + fee);
    if (m->settled_kind == SETTLED_WRITTEN_OFF && b->position->on_marketplace)
        err = write_off_marketplace(b);
    if (m->settled_kind == SETTLED_WRITTEN_OFF && b->position->tax_not_ours)
        return err;
    if (refund && b->position->on_marketplace)
        err = settle_commission(b, reversed, &fee);
    struct booking_amounts amounts = {.of = {[AMOUNT_AMOUNT] = amount,
                                             [AMOUNT_FEE] = fee,
                                             [AMOUNT_PAYOUT] = amount + (refund ? fee : -fee)},
                                      .tender = m->tender_type};
    return err ? err : booking_book(b, triggers[m->settled_kind], &amounts, NULL);
}

enum err payout_exchange(struct booking *b)
{
    const struct milestone *m = b->milestone;
    struct booking_amounts amounts = {0};
    const char *reference;
    enum err err = debt_cleared_by(b, m->amount_minor, &amounts.of[AMOUNT_CLEARED]);
    if (!err)
        err = booking_convert_tax(b, &m->tax, &amounts.tax);
    if (err)
        return err;
    amounts.of[AMOUNT_NET] = amounts.of[AMOUNT_CLEARED];
    for (size_t i = 0; i < amounts.tax.count; i++) {
        struct tax_piece *tax = &amounts.tax.items[i];
        tax->amount_minor = money_share(tax->amount_minor, m->amount_minor, m->sale_gross_minor);
        amounts.of[AMOUNT_NET] -= tax->amount_minor;
    }
    err = booking_book(b, TRIGGER_EXCHANGED, &amounts, &reference);
    return err ? err : keep_payment(b, "exchange", amounts.of[AMOUNT_CLEARED], reference);
}

enum err payout_dispute(struct booking *b)
{
    struct position *p = b->position;
    const struct milestone *m = b->milestone;
    const char *tender = *m->tender_type ? m->tender_type : "card";
    int64_t amount = m->has_amount ? m->amount_minor : p->disputed_minor;
    if (m->stage == DISPUTE_FEE)
        return booking_book_amount(b, TRIGGER_CHARGEBACK_FEE, tender, m->fee_minor);
    if (m->stage != DISPUTE_OPENED && !p->disputed_minor)
        return fault_set(b->fault, ERR_REFUSED, "stage", "nothing is disputed");
    if (m->stage != DISPUTE_OPENED && amount > p->disputed_minor)
        amount = p->disputed_minor; /* no more is lost or won than was held back */
    p->disputed_minor += m->stage == DISPUTE_OPENED ? amount : -amount;
    enum trigger trigger = m->stage == DISPUTE_OPENED ? TRIGGER_CHARGEBACK_OPENED
                           : m->stage == DISPUTE_LOST ? TRIGGER_CHARGEBACK_LOST
                                                      : TRIGGER_CHARGEBACK_WON;
    enum err err = booking_book_amount(b, trigger, tender, amount);
    return err ? err : booking_book_amount(b, TRIGGER_CHARGEBACK_FEE, tender, m->fee_minor);
}

enum err payout_adjust_tax(struct booking *b)
{
    struct booking_amounts amounts = {0};
    enum err err = booking_convert_tax(b, &b->milestone->tax, &amounts.tax);
    for (size_t i = 0; i < amounts.tax.count; i++)
        amounts.of[AMOUNT_NET] += amounts.tax.items[i].amount_minor;
    return err ? err : booking_book(b, TRIGGER_TAX_ADJUSTED, &amounts, NULL);
}

enum err payout_reverse_commission(struct booking *b)
{
    int64_t amount;
    enum err err = booking_convert(b, b->position->sale_rate, b->milestone->amount_minor, &amount);
    return err ? err : booking_book_amount(b, TRIGGER_COMMISSION_REVERSED, NULL, amount);
}
