#include "sync/hub/ingest/exception_target.h"

#include <string.h>

static const struct {
    const char *code;
    const char *team;
    int64_t target_hours;
} targets[] = {
    {"dual_refund", "finance", 24},
    {"refund_exceeds_paid", "finance", 24},
    {"disputed", "finance", 7 * 24},
    {"settlement_variance", "finance", 3 * 24},
    {"currency_mismatch", "finance", 24},
    {"amount_rebased", "finance", 2 * 24},
    {"period_closed", "finance", 24},
    {"gift_card_spent", "finance", 2 * 24},
    {"unmapped_code", "finance", 24},
    {"tax_jurisdiction_mismatch", "finance", 3 * 24},
    {"tax_payment_mismatch", "finance", 3 * 24},
    {"log_forked", "it", 4},
    {"log_restarted", "it", 4},
    {"fork_parent_differs", "it", 4},
    {"seq_conflict", "it", 4},
    {"chain_broken", "it", 4},
    {"batch_refused", "it", 4},
    {"discard_asked", "it", 24},
    {"signature_invalid", "it", 4},
    {"clock_untrusted", "it", 24},
    {"database_rescued", "it", 4},
    {"events_recalled", "it", 4},
    {"events_lost", "it", 4},
    {"duplicate_event", "it", 24},
    {"id_body_conflict", "it", 24},
};

/* What the table doesn't name goes to the stores' own desk. */
static const char default_team[] = "stores";
enum { DEFAULT_HOURS = 3 * 24 };

int64_t exception_target_hours(const char *code)
{
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
        if (strcmp(targets[i].code, code) == 0)
            return targets[i].target_hours;
    return DEFAULT_HOURS;
}

const char *exception_team(const char *code)
{
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
        if (strcmp(targets[i].code, code) == 0)
            return targets[i].team;
    return default_team;
}
