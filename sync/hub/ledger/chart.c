#include "sync/hub/ledger/chart.h"

#include <string.h>

/* 0 or 1 for a selector that fits, -1 for one that doesn't. */
static int fit(const char *row, const char *asked)
{
    if (!*row)
        return 0;
    return strcmp(row, asked) == 0 ? 1 : -1;
}

/* How closely a row fits; -1: not at all. */
static int closeness(const struct chart_key *row, const struct chart_key *key)
{
    if (strcmp(row->role, key->role) != 0)
        return -1;
    int fits[] = {fit(row->country, key->country), fit(row->tender, key->tender),
                  fit(row->jurisdiction, key->jurisdiction), fit(row->rate, key->rate)};
    int sum = 0;
    for (size_t i = 0; i < sizeof fits / sizeof *fits; i++) {
        if (fits[i] < 0)
            return -1;
        sum += fits[i];
    }
    return sum;
}

enum err chart_account(const struct chart *chart, const struct chart_key *key, const char **account,
                       struct fault *fault)
{
    const struct chart_row *best = NULL;
    int best_closeness = -1;
    for (size_t i = 0; i < chart->count; i++) {
        int close = closeness(&chart->rows[i].key, key);
        if (close > best_closeness) {
            best = &chart->rows[i];
            best_closeness = close;
        }
    }
    if (!best)
        return fault_set(fault, ERR_NOT_FOUND, "accounts",
                         "no account for role \"%s\" (country \"%s\", tender \"%s\", "
                         "jurisdiction \"%s\", rate \"%s\")",
                         key->role, key->country, key->tender, key->jurisdiction, key->rate);
    *account = best->account;
    return ERR_OK;
}

bool chart_has_role(const struct chart *chart, const char *role)
{
    for (size_t i = 0; i < chart->count; i++)
        if (strcmp(chart->rows[i].key.role, role) == 0)
            return true;
    return false;
}
