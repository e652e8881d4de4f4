/*
 * What one asks a Tryton over and over: which records have a field with this value, and what a
 * field of a record says. Thin words over tryton_rpc.h; blocks, one thread.
 */
#ifndef SYNC_HUB_CONNECT_TRYTON_QUERY_H
#define SYNC_HUB_CONNECT_TRYTON_QUERY_H

#include "sync/contract/money.h"
#include "sync/hub/connect/connector.h"
#include "sync/hub/connect/tryton_rpc.h"

/* ["field", "op", value] as an item of a domain. */
void tryton_clause_text(struct jsonw *w, const char *field, const char *op, const char *value);
void tryton_clause_int(struct jsonw *w, const char *field, const char *op, int64_t value);
void tryton_clause_day(struct jsonw *w, const char *field, const char *op, int64_t day);
/* A date and a decimal number as Tryton's JSON has them. */
void tryton_write_day(struct jsonw *w, const char *key, int64_t day);
void tryton_write_amount(struct jsonw *w, const char *key, int64_t amount_minor,
                         const struct currency *currency);
/* ERR_INVALID when it is none, or finer than the currency. */
enum err tryton_read_day(const struct cJSON *value, int64_t *day) MUST_CHECK;
enum err tryton_read_amount(const struct cJSON *value, const struct currency *currency,
                            int64_t *amount_minor) MUST_CHECK;

/*
 * What Tryton numbered this record with, "" for a draft's. ERR_UNKNOWN_OUTCOME for a posted one
 * that has none.
 */
enum err tryton_read_number(const struct cJSON *row, const char *field, bool posted,
                            char number[CONNECTOR_NUMBER_MAX + 1], struct fault *fault) MUST_CHECK;

/* {"company": id}; 0: {} */
void tryton_write_context(struct jsonw *w, int64_t company);

/*
 * The one record of `model` whose `field` has the value, within the company unless that is 0.
 * ERR_REFUSED when there is none or more than one, in words that name it.
 */
enum err tryton_find(struct tryton_rpc *rpc, const char *model, const char *field,
                     const char *value, int64_t company, int64_t *id,
                     struct fault *fault) MUST_CHECK;

/* What is read of which records. */
struct tryton_reading {
    const char *model;
    const char *fields[8]; /* ends with NULL */
    const char *order;     /* the field that sorts them; NULL: as Tryton likes */
    bool newest_first;     /* by that field, downwards */
    int64_t limit;
    int64_t company; /* of the context */
};

/* The domain of the next tryton_read: write its clauses, then read. */
struct jsonw *tryton_domain(struct tryton_rpc *rpc);
/* model.<name>.search_read of what tryton_domain began; *rows is part of *document. */
enum err tryton_read(struct tryton_rpc *rpc, const struct tryton_reading *reading,
                     struct cJSON **document, const struct cJSON **rows,
                     struct fault *fault) MUST_CHECK;

/*
 * model.<name>.<method>([ids], context), whose result doesn't matter.
 */
enum err tryton_do(struct tryton_rpc *rpc, const char *model, const char *method,
                   const int64_t *ids, size_t count, int64_t company,
                   struct fault *fault) MUST_CHECK;

#endif
