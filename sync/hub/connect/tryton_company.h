/*
 * A company in Tryton as the hub's entries meet it: its record, currency, journal and accounts,
 * looked up by their names and codes once and kept, and its periods, asked for each time because
 * accountants close them. Blocks, one thread.
 */
#ifndef SYNC_HUB_CONNECT_TRYTON_COMPANY_H
#define SYNC_HUB_CONNECT_TRYTON_COMPANY_H

#include "sync/hub/connect/tryton_config.h"
#include "sync/hub/connect/tryton_query.h"

struct tryton_account_record {
    char code[65];
    int64_t id;
    bool needs_party;
};

struct tryton_company {
    const struct tryton_company_config *config;
    int64_t id; /* 0: not looked up yet */
    int64_t journal;
    int64_t party; /* 0: none */
    struct currency currency;
    int64_t currency_id;
    struct tryton_account_record *accounts; /* in the order of their codes */
    size_t account_count;
};

/* Looks up what isn't known yet. ERR_REFUSED names what Tryton doesn't have. */
enum err tryton_company_look_up(struct tryton_company *company, struct tryton_rpc *rpc,
                                struct fault *fault) MUST_CHECK;
void tryton_company_free(struct tryton_company *company);

/* The account that an account of the books is; asks Tryton again for one that isn't known. */
enum err tryton_company_account(struct tryton_company *company, struct tryton_rpc *rpc,
                                const char *account, const struct tryton_account_record **found,
                                struct fault *fault) MUST_CHECK;

/*
 * The open period for that day, or if it is closed and `may_move` the first open one after it;
 * *day is then its first. ERR_REFUSED when there is none; its place is "period_closed".
 */
enum err tryton_company_period(const struct tryton_company *company, struct tryton_rpc *rpc,
                               bool may_move, int64_t *day, int64_t *period,
                               struct fault *fault) MUST_CHECK;

#endif
