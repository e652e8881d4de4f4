#include "sync/hub/ingest/measure.h"
#include "sync/hub/ingest/ingest.sql.h"

enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };

const int64_t measure_bounds_s[MEASURE_BOUNDS] = {10,  MINUTE,  10 * MINUTE, HOUR,     6 * HOUR,
                                                  DAY, 3 * DAY, 7 * DAY,     14 * DAY, 30 * DAY};

static const char *const names[] = {
#define MEASURE_NAME(upper, lower, text) #lower,
    MEASURES(MEASURE_NAME)
#undef MEASURE_NAME
};

const char *measure_name(enum measure measure)
{
    return names[measure];
}

enum err measure_time(struct database *db, enum measure measure, int64_t seconds,
                      struct fault *fault)
{
    struct statement *s;
    int bucket = 0;
    if (seconds < 0)
        seconds = 0;
    while (bucket < MEASURE_BOUNDS && seconds > measure_bounds_s[bucket])
        bucket++;
    enum err err = database_statement(db, INGEST_MEASURE_TIME, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, names[measure]);
    bind_int(s, 2, bucket);
    bind_int(s, 3, seconds);
    return database_send(db, s, fault);
}

enum err measure_sum(struct database *db, const char *name, const char *currency,
                     int64_t amount_minor, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_MEASURE_MONEY, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, name);
    bind_text(s, 2, currency);
    bind_int(s, 3, amount_minor);
    return database_send(db, s, fault);
}

enum err measure_day(struct database *db, const struct measure_money *money, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_MEASURE_DAY, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, money->name);
    bind_int(s, 2, money->day);
    bind_text(s, 3, money->currency);
    bind_int(s, 4, money->amount_minor);
    return database_send(db, s, fault);
}
