/*
 * What the metrics count of facts, in the database beside them: times as histograms, money as sums.
 * Inside the caller's transaction.
 */
#ifndef SYNC_HUB_INGEST_MEASURE_H
#define SYNC_HUB_INGEST_MEASURE_H

#include "hal/database.h"

/* From a return's capture at the store to ... */
#define MEASURES(X)                                                                                \
    X(ARRIVAL, arrival, "its arrival at the hub")                                                  \
    X(REFUND, refund, "its money being given back")                                                \
    X(RESTOCK, restock, "its goods being back in stock")                                           \
    X(SETTLEMENT, settlement, "its refund being settled")                                          \
    X(COMPLETION, completion, "all of it being done")

#define MEASURE_ENUM(upper, lower, text) MEASURE_##upper,
enum measure { MEASURES(MEASURE_ENUM) MEASURE_COUNT };

const char *measure_name(enum measure measure);

/* The upper ends of the histograms' buckets; one more counts what is above them all. */
extern const int64_t measure_bounds_s[];
enum { MEASURE_BOUNDS = 10 };

/* `seconds` below 0 counts as 0: clocks differ. */
enum err measure_time(struct database *db, enum measure measure, int64_t seconds,
                      struct fault *fault) MUST_CHECK;
/*
 * Money that only grows: "offline", what stores gave before the hub could know of it;
 * "refund_lines", what settlements say of refunds.
 */
enum err measure_sum(struct database *db, const char *name, const char *currency,
                     int64_t amount_minor, struct fault *fault) MUST_CHECK;

/* Money of one return on its business day: "accepted", "voided", "refunded", "settled". */
struct measure_money {
    const char *name;
    int64_t day;
    const char *currency;
    int64_t amount_minor;
};
enum err measure_day(struct database *db, const struct measure_money *money,
                     struct fault *fault) MUST_CHECK;

#endif
