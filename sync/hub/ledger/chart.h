/*
 * The chart of accounts as the ledger needs it: which account plays a role, in a country, for a
 * tender, for a tax. Rows name what they are for; the row that names most wins, of equals the
 * first. Read-only, any thread.
 */
#ifndef SYNC_HUB_LEDGER_CHART_H
#define SYNC_HUB_LEDGER_CHART_H

#include "hal/base/buf.h"

/* What is asked for, and what a row is for; "" in a row fits all. */
struct chart_key {
    const char *role;
    const char *country;
    const char *tender;
    const char *jurisdiction; /* of a tax */
    const char *rate;         /* of a tax, as the sale wrote it */
};

struct chart_row {
    struct chart_key key;
    const char *account;
    const char *name; /* for people; may be "" */
};

struct chart {
    struct chart_row *rows;
    size_t count;
};

/* ERR_NOT_FOUND names what has no account: somebody must complete the chart. */
enum err chart_account(const struct chart *chart, const struct chart_key *key, const char **account,
                       struct fault *fault) MUST_CHECK;
/* True if some row is for the role, whatever else it asks for. */
bool chart_has_role(const struct chart *chart, const char *role);

#endif
