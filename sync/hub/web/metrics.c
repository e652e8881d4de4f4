#include "sync/hub/web/metrics.h"
#include "sync/hub/ingest/measure.h"
#include "sync/hub/web/listing.h"
#include "sync/hub/web/metrics.sql.h"

#include <inttypes.h>

enum { CURRENCIES_MAX = 200 };

/* A family of one value, or with a label one of each row: (label, value). */
struct family {
    const char *name;
    const char *type;
    const char *help;
    size_t statement;
    const char *label;
};

static const struct family families[] = {
    {"parked_events", "gauge", "Events that wait for a person.", METRICS_PARKED, NULL},
    {"devices", "gauge", "Appliances known.", METRICS_DEVICES, NULL},
    {"devices_online", "gauge", "Appliances connected.", METRICS_DEVICES_ONLINE, NULL},
    {"devices_silent", "gauge", "Appliances not heard of for an hour.", METRICS_DEVICES_SILENT,
     NULL},
    {"devices_stalled", "gauge",
     "Appliances connected whose events wait, and whose watermarks haven't moved for 15 minutes.",
     METRICS_DEVICES_STALLED, NULL},
    {"torn_ends", "gauge",
     "Power cuts, kills and crashes of appliances' programs, as they said last.", METRICS_TORN_ENDS,
     NULL},
    {"backlog_events", "gauge", "Events that connected appliances said are waiting there.",
     METRICS_BACKLOG, NULL},
    {"logs_with_gaps", "gauge", "Logs that hold events above their watermark.",
     METRICS_LOGS_WITH_GAPS, NULL},
    {"held_events", "gauge", "Events that wait for an earlier one of their return.", METRICS_HELD,
     NULL},
    {"unbooked_events", "gauge", "Events that the ledger hasn't looked at yet.", METRICS_UNBOOKED,
     NULL},
    {"postings_ready", "gauge", "Journal entries not yet posted.", METRICS_POSTINGS_READY, NULL},
    {"postings_parked", "gauge", "Journal entries that wait for a person.", METRICS_POSTINGS_PARKED,
     NULL},
    {"oldest_posting_age_seconds", "gauge",
     "Age of the oldest journal entry that is not yet posted.", METRICS_POSTING_AGE, NULL},
    {"settlement_lines_total", "counter", "Lines of settlement files taken in.", METRICS_LINES,
     NULL},
    {"settlement_refund_lines_total", "counter", "Lines about refunds that were looked at.",
     METRICS_REFUND_LINES, NULL},
    {"settlement_lines_waiting", "gauge", "Lines that are not matched, by state.",
     METRICS_LINES_WAITING, "state"},
    {"refunds_expected_total", "counter", "Refunds that a settlement must show.", METRICS_REFUNDS,
     NULL},
    {"refunds_unsettled_minor", "gauge", "Refunds not settled yet, in minor units.",
     METRICS_REFUNDS_OPEN, "currency"},
    {"oldest_unsettled_refund_age_seconds", "gauge", "Age of the oldest refund not settled yet.",
     METRICS_REFUND_AGE, NULL},
    {"duplicate_refunds_total", "counter", "Refunds found that a customer got twice.",
     METRICS_DUAL_REFUNDS, NULL},
    {"payouts_without_bank", "gauge", "Payouts that no bank statement shows yet.",
     METRICS_BATCHES_WITHOUT_BANK, NULL},
    {"exceptions", "gauge", "Exceptions not resolved, by team.", METRICS_EXCEPTIONS, "team"},
    {"exceptions_overdue", "gauge", "Exceptions not resolved in their target time, by team.",
     METRICS_EXCEPTIONS_OVERDUE, "team"},
    {"oldest_exception_age_seconds", "gauge", "Age of the oldest exception not resolved.",
     METRICS_EXCEPTION_AGE, NULL},
    {"exceptions_aged", "gauge", "Exceptions not resolved, by age: up to so many days, or older.",
     METRICS_EXCEPTIONS_AGED, "age"},
    {"returns_accepted_total", "counter", "Returns accepted.", METRICS_RETURNS_ACCEPTED, NULL},
    {"returns_voided_total", "counter", "Returns accepted that came to nothing.",
     METRICS_RETURNS_VOIDED, NULL},
    {"offline_exposure_minor", "gauge",
     "Refunds given a minute or more before the hub knew of them, and not settled yet, in minor "
     "units.",
     METRICS_OFFLINE_EXPOSURE, "currency"},
    {"offline_refunds_minor_total", "counter",
     "Returns accepted a minute or more before the hub knew of them, in minor units.",
     METRICS_OFFLINE_MONEY, "currency"},
};

static void write_head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP tillback_hub_%s %s\n# TYPE tillback_hub_%s %s\n", name, help, name,
               type);
}

static void write_value(struct buf *out, const char *name, const char *type, const char *help,
                        int64_t value)
{
    write_head(out, name, type, help);
    buf_printf(out, "tillback_hub_%s %" PRId64 "\n", name, value);
}

/* Labels are our own words and currency codes: nothing in them needs escaping. */
static void write_row(struct buf *out, const struct family *family, struct statement *s)
{
    if (!family->label) {
        buf_printf(out, "tillback_hub_%s %" PRId64 "\n", family->name, (int64_t)column_int(s, 0));
        return;
    }
    struct slice label = column_slice(s, 0);
    buf_printf(out, "tillback_hub_%s{%s=\"%.*s\"} %" PRId64 "\n", family->name, family->label,
               (int)label.len, label.data, (int64_t)column_int(s, 1));
}

static enum err write_family(struct answers *answers, const struct family *family, struct buf *out,
                             struct fault *fault)
{
    struct statement *s;
    bool row = true;
    enum err err = database_attached(answers->metrics, family->statement, &s, fault);
    if (err)
        return err;
    if (statement_parameters(s))
        bind_int(s, 1, clock_wall_ms(answers->config.clock));
    write_head(out, family->name, family->type, family->help);
    for (int i = 0; i < CURRENCIES_MAX; i++) {
        err = database_step(answers->config.database, s, &row, fault);
        if (err || !row)
            break;
        write_row(out, family, s);
    }
    statement_reset(s);
    return err;
}

/* --- Histograms ------------------------------------------------------------------------------ */

static void write_buckets(struct buf *out, const char *name, const int64_t *counts, int64_t sum_s)
{
    int64_t below = 0;
    for (int i = 0; i < MEASURE_BOUNDS; i++) {
        below += counts[i];
        buf_printf(out, "tillback_hub_return_%s_seconds_bucket{le=\"%" PRId64 "\"} %" PRId64 "\n",
                   name, measure_bounds_s[i], below);
    }
    below += counts[MEASURE_BOUNDS];
    buf_printf(out,
               "tillback_hub_return_%s_seconds_bucket{le=\"+Inf\"} %" PRId64 "\n"
               "tillback_hub_return_%s_seconds_sum %" PRId64 "\n"
               "tillback_hub_return_%s_seconds_count %" PRId64 "\n",
               name, below, name, sum_s, name, below);
}

static enum err write_histogram(struct answers *answers, enum measure measure, struct buf *out,
                                struct fault *fault)
{
    static const char *const texts[] = {
#define MEASURE_TEXT(upper, lower, text) "Seconds from a return's capture to " text ".",
        MEASURES(MEASURE_TEXT)
#undef MEASURE_TEXT
    };
    const char *name = measure_name(measure);
    int64_t counts[MEASURE_BOUNDS + 1] = {0};
    int64_t sum_s = 0;
    struct statement *s;
    bool row = true;
    enum err err = database_attached(answers->metrics, METRICS_BUCKETS, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, name);
    while ((err = database_step(answers->config.database, s, &row, fault)) == ERR_OK && row) {
        int bucket = (int)column_int(s, 0);
        if (bucket >= 0 && bucket <= MEASURE_BOUNDS)
            counts[bucket] = column_int(s, 1);
        sum_s += column_int(s, 2);
    }
    statement_reset(s);
    buf_printf(out,
               "# HELP tillback_hub_return_%s_seconds %s\n"
               "# TYPE tillback_hub_return_%s_seconds histogram\n",
               name, texts[measure], name);
    write_buckets(out, name, counts, sum_s);
    return err;
}

/* --- The process ----------------------------------------------------------------------------- */

static void write_of_connector(struct buf *out, const char *name, const char *connector,
                               int64_t value)
{
    buf_printf(out, "tillback_hub_%s{connector=\"%s\"} %" PRId64 "\n", name, connector, value);
}

static void write_posters(const struct web_facts *facts, struct buf *out)
{
    static const char posted[] = "posted_entries_total";
    static const char retries[] = "posting_retries_total";
    static const char unreachable[] = "posting_unreachable";
    const struct posters_fact *posters = facts->posters;
    write_head(out, posted, "counter", "Journal entries posted and read back.");
    for (size_t i = 0; i < facts->poster_count; i++)
        write_of_connector(out, posted, posters[i].name, posters[i].counters.posted);
    write_head(out, retries, "counter", "Tries to post that failed and are repeated.");
    for (size_t i = 0; i < facts->poster_count; i++)
        write_of_connector(out, retries, posters[i].name, posters[i].counters.retried);
    write_head(out, unreachable, "gauge", "Whether the accounting system can't be reached.");
    for (size_t i = 0; i < facts->poster_count; i++)
        write_of_connector(out, unreachable, posters[i].name, posters[i].counters.waiting);
}

static void write_process(const struct web_facts *facts, struct buf *out)
{
    const struct arrival_desk *desk = facts->desk;
    write_value(out, "broker_connected", "gauge", "Whether the broker is connected.",
                facts->broker_online);
    write_value(out, "database_failing", "gauge",
                "Whether the database takes nothing at the moment.", facts->database.code != 0);
    write_value(out, "database_verified", "gauge",
                "Whether the database was read to its end since the start.", facts->verified);
    write_value(out, "database_damage", "gauge", "What that reading found damaged.", facts->damage);
    write_value(out, "batches_total", "counter", "Batches committed.", desk->batches);
    write_value(out, "events_total", "counter", "Events new to the hub.", desk->events);
    write_value(out, "duplicate_batches_total", "counter", "Batches that held nothing new.",
                desk->duplicates);
    write_value(out, "conflicting_batches_total", "counter",
                "Batches that contradict what is held.", desk->conflicts);
    write_value(out, "refused_messages_total", "counter",
                "Messages that made no sense or weren't the sender's to send.", desk->refused);
    write_value(out, "uncommitted_messages_total", "counter",
                "Messages that the database did not take.", desk->failed);
    write_value(out, "booked_events_total", "counter", "Events taken into the ledger.",
                facts->booked);
    write_value(out, "entries_total", "counter", "Journal entries made.", facts->entries);
    write_posters(facts, out);
    write_value(out, "payments_unreachable", "gauge",
                "Whether the payment provider can't be reached.", facts->payments_wait);
    write_value(out, "outlets_unreachable", "gauge", "Systems that take no events at the moment.",
                facts->outlets_waiting);
    write_value(out, "dropped_answers_total", "counter",
                "Answers that found no connection to the broker.", facts->answers_dropped);
    write_value(out, "enrolments_total", "counter",
                "Questions of appliances about their identities that were answered.",
                facts->enrolments);
    write_value(out, "enrolments_refused_total", "counter",
                "Such questions that were refused; many of them are somebody's guesses.",
                facts->enrolments_refused);
    if (facts->list_until_ms)
        write_value(out, "revocation_list_until_seconds", "gauge",
                    "When the revocation list ends: brokers refuse every new client then.",
                    facts->list_until_ms / 1000);
}

enum err metrics_answer(struct answers *answers, const struct answers_asked *asked, struct buf *out,
                        struct fault *fault)
{
    (void)asked;
    struct web_facts facts = {0};
    enum err err = ERR_OK;
    answers->config.facts(answers->config.context, &facts);
    write_process(&facts, out);
    for (size_t i = 0; !err && i < sizeof families / sizeof *families; i++)
        err = write_family(answers, &families[i], out, fault);
    for (int i = 0; !err && i < MEASURE_COUNT; i++)
        err = write_histogram(answers, (enum measure)i, out, fault);
    return err;
}
