/*
 * The sales that this appliance knows: its own tills' and those that the hub pushed. A table of
 * where to find them; the sale itself is read from its event. May block on the disk. Threads as in
 * views.h.
 */
#ifndef AGENT_VIEWS_SALE_VIEW_H
#define AGENT_VIEWS_SALE_VIEW_H

#include "agent/returns/sale.h"
#include "agent/views/views.h"

#define SALE_VIEW_NAME "sales"

enum { SALE_VIEW_LIST_MAX = 50 };

struct sale_row {
    struct id id; /* the sale's correlation */
    int64_t sold_at_ms;
    struct sha256 data_hash; /* of the event's data: tells a repeat from a contradiction */
};

void sale_view_define(struct eventlog_view *view);

/* ERR_NOT_FOUND when no sale has this receipt number. */
enum err sale_view_by_receipt(const struct views *views, const char *receipt, struct sale_row *row,
                              struct fault *fault) MUST_CHECK;
/*
 * The newest first, at most SALE_VIEW_LIST_MAX. By order finds what the centre authorised, too, by
 * the authorisation's number. A GTIN is the same however many leading zeros it
 * is written with.
 */
enum sale_by { SALE_BY_ORDER, SALE_BY_GTIN, SALE_BY_SKU };
enum err sale_view_list(const struct views *views, enum sale_by by, const char *wanted,
                        struct sale_row *rows, size_t *count, struct fault *fault) MUST_CHECK;

/*
 * What the centre authorised under a number: the data of return.authorised, in the arena.
 * ERR_NOT_FOUND.
 */
enum err sale_view_authorised(const struct views *views, const char *number, struct arena *arena,
                              struct slice *data, struct fault *fault) MUST_CHECK;

/*
 * A sale as its event holds it: `data` is the exact JSON, `sale` is read from it and checked.
 * All of it lives in the arena but `doc`, which the caller frees after the sale.
 */
struct sale_found {
    struct id id;
    int64_t seq;
    struct slice data;
    struct cJSON *doc;
    struct sale sale;
};
enum err sale_view_load(const struct views *views, const struct id *id, struct arena *arena,
                        struct sale_found *found, struct fault *fault) MUST_CHECK;
void sale_found_cleanup(struct sale_found *found); /* for CLEANUP; zeroed is fine */

#endif
