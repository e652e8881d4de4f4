#include "sync/hub/connect/posting.h"
#include "hal/base/cleanup.h"
#include "sync/hub/ingest/centre.h"
#include "sync/hub/ingest/exception.h"
#include "sync/hub/ingest/ingest.sql.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ENTRY_BYTES_MAX = 4 * 1024 * 1024, BATCH_MAX = 64 * 1024 * 1024, ENTRY_DEPTH_MAX = 8 };
enum { DATA_MAX = 4096, DETAIL_MAX = 500, KEY_MAX = 256, FAILURES_MAX = 12 };

#define PERIOD_CLOSED "period_closed"

void posting_batch_init(struct posting_batch *batch)
{
    *batch = (struct posting_batch){0};
    arena_init(&batch->arena, BATCH_MAX);
}

void posting_batch_free(struct posting_batch *batch)
{
    for (size_t i = 0; i < batch->text_count; i++)
        json_free(batch->texts[i]);
    arena_free(&batch->arena);
    *batch = (struct posting_batch){0};
}

/* --- Recording ------------------------------------------------------------------------------- */

static const char *reason_code(const struct posting *posting)
{
    if (strcmp(posting->why.where, PERIOD_CLOSED) == 0)
        return PERIOD_CLOSED;
    return posting->err == ERR_CONFLICT ? "posted_otherwise" : "refused_by_connector";
}

static void write_detail(const struct posting *posting, char detail[static DETAIL_MAX])
{
    const struct fault *why = &posting->why;
    (void)snprintf(detail, DETAIL_MAX, "%.100s%s%.380s", why->where, *why->where ? ": " : "",
                   why->text);
}

/*
 * A person must decide: it was refused, or the other side breaks at this one again and again. (When
 * it breaks at all of them each has its turn, and none comes so far soon.)
 */
static bool is_parked(const struct posting *posting)
{
    return err_class(posting->err) == ERR_CLASS_PARK ||
           (posting->err == ERR_IO && posting->attempts + 1 >= FAILURES_MAX);
}

/* Whether the store is to hear that its return isn't posted as a whole. */
static bool has_parked(const struct posting *posting, const struct posting_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct posting *other = &batch->items[i];
        if (other->tried && is_parked(other) &&
            memcmp(&other->correlation, &posting->correlation, sizeof other->correlation) == 0)
            return true;
    }
    return posting->others_parked;
}

/* What the return's store is told, as an event of the centre; its texts are in the batch's arena.
 */
static enum err describe(const struct posting *posting, int64_t now_ms, struct posting_batch *batch,
                         struct centre_fact *fact, struct fault *fault)
{
    struct buf data CLEANUP(buf_free);
    char day[DAY_TEXT + 1];
    char detail[DETAIL_MAX];
    char key[KEY_MAX];
    bool is_posted = posting->err == ERR_OK;
    /* Posted once, but perhaps parked several times: the key says which time. */
    (void)snprintf(key, sizeof key, "%s/%" PRId64, posting->entry.reference,
                   is_posted ? 0 : posting->attempts);
    buf_init(&data, DATA_MAX);
    struct jsonw w = jsonw_to(&data);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "reference", posting->entry.reference);
    if (is_posted) {
        day_format(posting->posted.day, day);
        jsonw_text(&w, "number", posting->posted.number);
        jsonw_text(&w, "date", day);
        if (has_parked(posting, batch))
            jsonw_bool(&w, "parked", true);
    } else {
        write_detail(posting, detail);
        jsonw_text(&w, "code", reason_code(posting));
        jsonw_text(&w, "detail", detail);
    }
    jsonw_text(&w, "rule", posting->entry.rule);
    jsonw_text(&w, "event", posting->entry.event_id);
    jsonw_end(&w);
    enum err err = buf_check(&data, fault, "journal event");
    if (err)
        return err;
    *fact = (struct centre_fact){
        .correlation = posting->correlation,
        .type = is_posted ? EVENT_JOURNAL_POSTED : EVENT_JOURNAL_PARKED,
        .data = {arena_slice_text(&batch->arena, buf_slice(&data)), data.len},
        .now_ms = now_ms,
        .key = arena_text(&batch->arena, key),
    };
    return fact->data.data && fact->key
               ? ERR_OK
               : fault_set(fault, ERR_NO_MEMORY, "journal event", "out of memory");
}

static enum err tell_stores(struct database *db, const struct centre_fact *facts, size_t count,
                            struct posting_batch *batch, struct fault *fault)
{
    char devices[POSTING_BATCH_MAX][DEVICE_ID_MAX + 1];
    enum err err = centre_record_all(db, facts, count, devices, fault);
    for (size_t i = 0; !err && i < count; i++)
        if (*devices[i])
            memcpy(batch->devices[batch->device_count++], devices[i], sizeof devices[i]);
    return err;
}

/* A closed period is finance's to decide, and no question any more once the entry is posted. */
static enum err tell_finance(struct database *db, const struct posting *posting, int64_t now_ms,
                             struct fault *fault)
{
    char detail[DETAIL_MAX];
    char device[DEVICE_ID_MAX + 1]; /* tell_stores names it already */
    if (posting->err == ERR_OK)
        return posting->attempts ? exception_settle(db, PERIOD_CLOSED, posting->entry_no,
                                                    "it was posted", now_ms, fault)
                                 : ERR_OK;
    if (strcmp(reason_code(posting), PERIOD_CLOSED) != 0)
        return ERR_OK;
    write_detail(posting, detail);
    const struct exception exception = {.code = PERIOD_CLOSED,
                                        .correlation = posting->correlation,
                                        .subject = posting->entry_no,
                                        .key = posting->entry.reference,
                                        .detail = detail,
                                        .now_ms = now_ms};
    return exception_raise(db, &exception, device, fault);
}

static enum err mark(struct database *db, const struct posting *posting, const char *connector,
                     int64_t now_ms, int64_t retry_ms, struct fault *fault)
{
    char detail[DETAIL_MAX];
    struct statement *s;
    bool parked = is_parked(posting);
    enum err err = database_statement(db, INGEST_POSTING_MARK, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, posting->entry.reference);
    bind_text(s, 2, posting->err == ERR_OK ? "posted" : parked ? "parked" : "ready");
    bind_text(s, 3, connector);
    bind_int(s, 4, retry_ms);
    if (posting->err == ERR_OK) {
        bind_text(s, 5, posting->posted.number);
        bind_int(s, 6, posting->posted.day);
        if (posting->posted.day != posting->entry.document_day)
            bind_int(s, 10, posting->entry.document_day);
    } else {
        write_detail(posting, detail);
        bind_text(s, 7, parked ? reason_code(posting) : err_name(posting->err));
        bind_text(s, 8, detail);
    }
    bind_int(s, 9, now_ms);
    return database_send(db, s, fault);
}

/* Its outcome is final until a person decides otherwise. */
static bool is_told(const struct posting *posting)
{
    return posting->err == ERR_OK || is_parked(posting);
}

enum err posting_record(struct database *db, const char *connector, int64_t now_ms,
                        int64_t retry_ms, struct posting_batch *batch, struct fault *fault)
{
    struct centre_fact facts[POSTING_BATCH_MAX];
    size_t count = 0;
    enum err err = ERR_OK;
    for (size_t i = 0; !err && i < batch->count; i++) {
        const struct posting *posting = &batch->items[i];
        if (!posting->tried)
            continue;
        err = mark(db, posting, connector, now_ms, retry_ms, fault);
        if (!err && is_told(posting))
            err = describe(posting, now_ms, batch, &facts[count++], fault);
    }
    if (!err)
        err = tell_stores(db, facts, count, batch, fault);
    for (size_t i = 0; !err && i < batch->count; i++)
        if (batch->items[i].tried && is_told(&batch->items[i]))
            err = tell_finance(db, &batch->items[i], now_ms, fault);
    return err;
}

/* --- Picking --------------------------------------------------------------------------------- */

static enum err read_entry(struct statement *s, struct posting_batch *batch,
                           struct posting *posting, struct fault *fault)
{
    const struct json_limits limits = {.bytes = ENTRY_BYTES_MAX, .depth = ENTRY_DEPTH_MAX};
    struct cJSON **json = &batch->texts[batch->text_count];
    enum err err = json_parse(column_slice(s, 2), limits, json, fault);
    if (err)
        return err;
    batch->text_count++;
    posting->entry_no = column_int(s, 0);
    err = entry_read(*json, &batch->arena, &posting->entry, fault);
    if (!err)
        err = column_bytes(s, 5, posting->correlation.bytes, ID_BYTES);
    posting->attempts = column_int(s, 6);
    posting->others_parked = column_int(s, 7) > 0;
    posting->later_day = column_int(s, 8) != 0;
    return err;
}

static enum err read_ready(struct database *db, const char *company, size_t limit, int64_t now_ms,
                           struct posting_batch *batch, struct fault *fault)
{
    struct statement *s;
    bool row = true;
    enum err err = database_statement(db, INGEST_POSTING_PICK, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, now_ms);
    bind_int(s, 2, (int64_t)(limit < POSTING_BATCH_MAX ? limit : POSTING_BATCH_MAX));
    bind_text(s, 3, company);
    while (!err && (err = database_step(db, s, &row, fault)) == ERR_OK && row)
        err = read_entry(s, batch, &batch->items[batch->count++], fault);
    statement_reset(s);
    return err;
}

static bool has_company(const struct posting_share *share, const char *company)
{
    for (size_t i = 0; i < share->count; i++)
        if (strcmp(share->companies[i], company) == 0)
            return share->only;
    return !share->only;
}

/* The next behind `company` in their order, of those that have something ready. */
static enum err next_company(struct database *db, char company[static POSTING_COMPANY_MAX + 1],
                             bool *found, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_POSTING_COMPANY, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, company);
    err = database_step(db, s, found, fault);
    if (err || !*found)
        return err;
    slice_copy(column_slice(s, 0), company, POSTING_COMPANY_MAX + 1);
    statement_reset(s);
    return ERR_OK;
}

/* Of the companies behind the one whose turn it was, the first that is ours with something due. */
static enum err read_behind(struct database *db, struct posting_round *round, size_t limit,
                            int64_t now_ms, struct posting_batch *batch, struct fault *fault)
{
    bool found = true;
    enum err err = ERR_OK;
    while (!err && found && !batch->count) {
        err = next_company(db, round->company, &found, fault);
        if (!err && found && has_company(&round->share, round->company))
            err = read_ready(db, round->company, limit, now_ms, batch, fault);
    }
    return err;
}

static enum err read_turn(struct database *db, struct posting_round *round, size_t limit,
                          int64_t now_ms, struct posting_batch *batch, struct fault *fault)
{
    bool from_first = !*round->company;
    enum err err = read_behind(db, round, limit, now_ms, batch, fault);
    if (err || batch->count || from_first)
        return err;
    *round->company = '\0';
    return read_behind(db, round, limit, now_ms, batch, fault);
}

static enum err choose_day(const struct books *books, struct posting *posting, struct fault *fault)
{
    const struct company *company;
    enum err err = books_company(books, posting->entry.company, "", &company, fault);
    if (err)
        return err;
    struct period_rule rule = company->periods;
    if (posting->later_day)
        rule.when_closed = WHEN_CLOSED_MOVE;
    posting->may_move = rule.when_closed == WHEN_CLOSED_MOVE;
    return period_place(&rule, posting->entry.document_day, &posting->day, fault);
}

static enum err load_documents(struct database *db, struct posting_batch *batch,
                               struct fault *fault)
{
    enum err err = ERR_OK;
    for (size_t i = 0; !err && i < batch->count; i++) {
        struct posting *posting = &batch->items[i];
        struct cJSON **texts = &batch->texts[batch->text_count];
        batch->text_count += DOCUMENT_TEXTS;
        err = document_load(db, posting->entry.reference, &batch->arena, texts, &posting->document,
                            fault);
    }
    return err;
}

enum err posting_pick(struct database *db, struct posting_round *round, size_t limit,
                      int64_t now_ms, struct posting_batch *batch, struct fault *fault)
{
    size_t kept = 0;
    enum err err = read_turn(db, round, limit, now_ms, batch, fault);
    if (!err && round->connector->documents)
        err = load_documents(db, batch, fault);
    for (size_t i = 0; !err && i < batch->count; i++) {
        struct posting *posting = &batch->items[i];
        posting->err = choose_day(round->books, posting, &posting->why);
        if (posting->err == ERR_OK) {
            batch->items[kept++] = *posting;
            continue;
        }
        struct centre_fact fact;
        err = mark(db, posting, round->name, now_ms, 0, fault);
        if (!err)
            err = describe(posting, now_ms, batch, &fact, fault);
        if (!err)
            err = tell_stores(db, &fact, 1, batch, fault);
        if (!err)
            err = tell_finance(db, posting, now_ms, fault);
        batch->parked++;
    }
    batch->count = kept;
    return err;
}

enum err posting_decide(struct database *db, int64_t entry_no, enum posting_verdict verdict,
                        int64_t now_ms, struct fault *fault)
{
    struct statement *s;
    bool discard = verdict == POSTING_DISCARD;
    bool later = verdict == POSTING_LATER_DAY;
    enum err err = database_statement(db, INGEST_POSTING_DECIDE, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, entry_no);
    bind_text(s, 2, discard ? "discarded" : "ready");
    bind_int(s, 3, now_ms);
    bind_int(s, 4, later);
    err = database_run(db, s, fault);
    if (!err && database_changes(db) == 0)
        return fault_set(fault, ERR_NOT_FOUND, "id",
                         later ? "no such entry is parked because its period is closed"
                               : "no such entry is parked");
    return err || !discard
               ? err
               : exception_settle(db, PERIOD_CLOSED, entry_no, "it was discarded", now_ms, fault);
}
