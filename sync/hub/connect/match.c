#include "sync/hub/connect/match.h"

#include <string.h>

static const char *const key_words[] = {
#define KEY_WORD(upper, lower) #lower,
    MATCH_KEYS(KEY_WORD)
#undef KEY_WORD
        "none"};

static const char *const mismatch_words[] = {
#define MISMATCH_WORD(upper, lower) #lower,
    MATCH_MISMATCHES(MISMATCH_WORD)
#undef MISMATCH_WORD
};

const char *match_key_name(enum match_key key)
{
    return key_words[key];
}

const char *mismatch_name(enum mismatch mismatch)
{
    return mismatch_words[mismatch];
}

/* Two texts that say the same; "" says nothing. */
static bool agree(const char *a, const char *b)
{
    return *a && strcmp(a, b) == 0;
}

static int64_t magnitude(int64_t minor)
{
    return minor < 0 ? -minor : minor;
}

static bool key_fits(enum match_key key, const struct settlement_line *line,
                     const struct expected_refund *refund)
{
    switch (key) {
    case MATCH_BY_REFERENCE:
        return agree(line->reference, refund->reference);
    case MATCH_BY_OWN:
        return agree(line->own, refund->own);
    case MATCH_BY_PAYMENT:
        return agree(line->payment, refund->payment) &&
               strcmp(line->currency, refund->currency) == 0 &&
               (line->kind == SETTLEMENT_KIND_CHARGEBACK ||
                magnitude(line->gross_minor) == refund->amount_minor);
    case MATCH_BY_TERMINAL:
        return agree(line->terminal, refund->terminal) && agree(line->own, refund->receipt) &&
               line->day == refund->day;
    case MATCH_NONE:
        break;
    }
    return false;
}

static void choose(const struct settlement_line *line, const struct expected_refund *candidates,
                   size_t count, struct match *match)
{
    for (size_t key = 0; key < MATCH_NONE; key++) {
        for (size_t i = 0; i < count; i++) {
            if (!key_fits((enum match_key)key, line, &candidates[i]))
                continue;
            if (match->key == MATCH_NONE || !candidates[i].settled) {
                match->key = (enum match_key)key;
                match->candidate = i;
            }
            if (!candidates[i].settled)
                return;
        }
        if (match->key != MATCH_NONE)
            return;
    }
}

static uint32_t compare(const struct settlement_line *line, const struct expected_refund *refund,
                        const struct match_rule *rule)
{
    uint32_t found = 0;
    bool same_currency = strcmp(line->currency, refund->currency) == 0;
    if (refund->settled)
        found |= MISMATCH_BIT(MISMATCH_DUPLICATE);
    if (!same_currency)
        found |= MISMATCH_BIT(MISMATCH_CURRENCY);
    if (same_currency && magnitude(line->gross_minor) != refund->amount_minor)
        found |= MISMATCH_BIT(MISMATCH_AMOUNT);
    if (line->gross_minor > 0)
        found |= MISMATCH_BIT(MISMATCH_SIGN);
    if (rule->fee_most_minor && line->fee_minor > rule->fee_most_minor)
        found |= MISMATCH_BIT(MISMATCH_FEE);
    if (line->day - refund->day > rule->late_days)
        found |= MISMATCH_BIT(MISMATCH_LATE);
    if (refund->charged_back)
        found |= MISMATCH_BIT(MISMATCH_DUAL_REFUND);
    return found;
}

struct match match_line(const struct settlement_line *line,
                        const struct expected_refund *candidates, size_t count,
                        const struct match_rule *rule)
{
    struct match match = {MATCH_NONE, SIZE_MAX, 0};
    bool is_refund = line->kind == SETTLEMENT_KIND_REFUND;
    bool is_reversal = line->kind == SETTLEMENT_KIND_REFUND_REVERSED;
    if (!is_refund && !is_reversal && line->kind != SETTLEMENT_KIND_CHARGEBACK)
        return match;
    choose(line, candidates, count, &match);
    bool known = match.key != MATCH_NONE;
    if (!known && line->kind != SETTLEMENT_KIND_CHARGEBACK) /* most chargebacks had no refund */
        match.mismatches = MISMATCH_BIT(MISMATCH_UNKNOWN_IN_LEDGER);
    else if (known && is_refund)
        match.mismatches = compare(line, &candidates[match.candidate], rule);
    else if (known)
        match.mismatches = MISMATCH_BIT(is_reversal ? MISMATCH_REVERSED : MISMATCH_DUAL_REFUND);
    return match;
}

void match_batch_add(struct match_batch *batch, const struct settlement_line *line)
{
    if (line->kind != SETTLEMENT_KIND_PAYOUT) {
        batch->net_minor += line->net_minor;
        return;
    }
    batch->payout_minor += line->net_minor;
    batch->has_payout = true;
}

uint32_t match_batch_check(const struct match_batch *batch, const int64_t *bank_minor)
{
    bool differs = batch->has_payout && batch->payout_minor != batch->net_minor;
    int64_t payout = batch->has_payout ? batch->payout_minor : batch->net_minor;
    if (bank_minor && *bank_minor != payout)
        differs = true;
    return differs ? MISMATCH_BIT(MISMATCH_BATCH_TOTAL) : 0;
}
