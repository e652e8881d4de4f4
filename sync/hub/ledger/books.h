/*
 * The books of all companies: for each its chart of accounts, journal templates and closed
 * periods, from one JSON document (books.schema.json says what it may hold; books.default.json
 * ships, and its templates stand in for those that a document doesn't give).
 * Owned by whoever opened them; read-only then, any thread.
 */
#ifndef SYNC_HUB_LEDGER_BOOKS_H
#define SYNC_HUB_LEDGER_BOOKS_H

#include "sync/hub/ledger/chart.h"
#include "sync/hub/ledger/period.h"
#include "sync/hub/ledger/template.h"

enum { BOOKS_BYTES_MAX = 4 * 1024 * 1024, BOOKS_COMPANIES_MAX = 200, BOOKS_ROWS_MAX = 10000 };

struct company {
    const char *name;
    const char *country; /* ISO 3166-1, of returns that don't say theirs */
    const char **stores; /* none: all stores that no other company names */
    size_t store_count;
    struct chart chart;
    struct template *own; /* as read; use company->templates */
    size_t own_count;
    const struct template *templates[TRIGGER_COUNT];
    struct period_rule periods;
};

struct books {
    struct arena arena;
    struct cJSON *defaults;
    struct cJSON *document;
    struct company *companies;
    size_t count;
};

/*
 * Reads a document; an empty slice gives the default books. ERR_INVALID names the place and the
 * rule: a template that doesn't balance, one of its own with a role without an account, two
 * companies for one store.
 */
enum err books_open(struct slice text, struct books *books, struct fault *fault) MUST_CHECK;
/* Takes NULL, and zeroed books. */
void books_close(struct books *books);

/* By name, or if that is "" by store. ERR_NOT_FOUND when no company has it. */
enum err books_company(const struct books *books, const char *name, const char *store,
                       const struct company **company, struct fault *fault) MUST_CHECK;

/*
 * A role that the trigger's template uses and the company has no account for; NULL: none. Only a
 * template that ships may: with a newer program it may be newer than the company's accounts, and
 * what is to be booked by it is parked until there is one.
 */
const char *company_lacks(const struct company *company, enum trigger trigger);

#endif
