#include "sync/hub/connect/claim.h"
#include "hal/base/cleanup.h"
#include "hal/base/jsonw.h"
#include "sync/hub/ingest/ingest.sql.h"

#include <inttypes.h>
#include <stdio.h>

enum { DATA_MAX = 32 * 1024, DETAIL_MAX = 400 };

/* What others hold of a line, and the latest of them. */
struct others {
    int64_t quantity;
    struct id latest;
};

static enum err sum_others(struct database *db, const struct claim *claim, int64_t line,
                           bool authorised_too, struct others *others, struct fault *fault)
{
    struct statement *s;
    bool row;
    *others = (struct others){0};
    enum err err = database_statement(db, INGEST_CLAIM_SUM, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, claim->receipt);
    bind_int(s, 2, line);
    bind_blob(s, 3, claim->correlation.bytes, ID_BYTES);
    bind_int(s, 4, authorised_too);
    err = database_step(db, s, &row, fault);
    if (err)
        return err;
    if (row) {
        others->quantity = column_int(s, 0);
        if (column_bytes(s, 1, others->latest.bytes, ID_BYTES) != ERR_OK)
            others->latest = (struct id){0};
    }
    statement_reset(s);
    return ERR_OK;
}

static enum err insert(struct database *db, const struct claim *claim, const char *kind,
                       struct fault *fault)
{
    enum err err = ERR_OK;
    for (size_t i = 0; !err && i < claim->count; i++) {
        struct statement *s;
        err = database_statement(db, INGEST_CLAIM_INSERT, &s, fault);
        if (err)
            return err;
        bind_text(s, 1, claim->receipt);
        bind_int(s, 2, claim->lines[i].line);
        bind_blob(s, 3, claim->correlation.bytes, ID_BYTES);
        bind_text(s, 4, kind);
        bind_int(s, 5, claim->lines[i].quantity);
        err = database_run(db, s, fault);
    }
    return err;
}

enum err claim_end(struct database *db, const struct id *correlation, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_CLAIM_END, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, correlation->bytes, ID_BYTES);
    return database_run(db, s, fault);
}

/* --- Found -------------------------------------------------------------------------------- */

struct excess {
    struct claim_line lines[CLAIM_LINES_MAX]; /* quantity: beyond what was sold */
    size_t count;
    struct id other;
};

/* The same line may stand in a return several times: they are looked at together. */
static int64_t asked_of(const struct claim *claim, size_t upto)
{
    int64_t sum = 0;
    for (size_t i = 0; i <= upto; i++)
        if (claim->lines[i].line == claim->lines[upto].line)
            sum += claim->lines[i].quantity;
    return sum;
}

static enum err find_excess(struct database *db, const struct claim *claim, struct excess *excess,
                            struct fault *fault)
{
    struct others others;
    enum err err = ERR_OK;
    excess->count = 0;
    for (size_t i = 0; !err && i < claim->count; i++) {
        const struct claim_line *line = &claim->lines[i];
        if (!line->sold) /* without a sale nothing can be said */
            continue;
        err = sum_others(db, claim, line->line, false, &others, fault);
        int64_t over = others.quantity + asked_of(claim, i) - line->sold;
        if (err || over <= 0 || !others.quantity)
            continue;
        excess->lines[excess->count++] = (struct claim_line){
            .line = line->line, .quantity = over < line->quantity ? over : line->quantity};
        excess->other = others.latest;
    }
    return err;
}

static enum err record(struct database *db, const struct claim *claim, enum event_type type,
                       const char *key, const struct buf *data, struct fault *fault)
{
    char device[DEVICE_ID_MAX + 1] = "";
    const struct centre_fact fact = {.correlation = claim->correlation,
                                     .type = type,
                                     .data = buf_slice(data),
                                     .now_ms = claim->now_ms,
                                     .key = key};
    enum err err = buf_check(data, fault, "claim");
    if (!err)
        err = centre_record(db, &fact, device, fault);
    if (!err)
        told_add(claim->told, device);
    return err;
}

static enum err record_conflict(struct database *db, const struct claim *claim,
                                const struct excess *excess, struct fault *fault)
{
    struct buf data CLEANUP(buf_free);
    char other[ID_TEXT + 1];
    buf_init(&data, DATA_MAX);
    struct jsonw w = jsonw_to(&data);
    jsonw_object(&w, NULL);
    jsonw_array(&w, "lines");
    for (size_t i = 0; i < excess->count; i++) {
        jsonw_object(&w, NULL);
        jsonw_int(&w, "line", excess->lines[i].line);
        jsonw_int(&w, "quantity", excess->lines[i].quantity);
        jsonw_end(&w);
    }
    jsonw_end(&w);
    id_format(&excess->other, other);
    jsonw_text(&w, "other", other);
    jsonw_end(&w);
    return record(db, claim, EVENT_RETURN_CONFLICTED, other, &data, fault);
}

static enum err raise_conflict(struct database *db, const struct claim *claim,
                               const struct excess *excess, struct fault *fault)
{
    char detail[DETAIL_MAX];
    char other[ID_TEXT + 1];
    char device[DEVICE_ID_MAX + 1];
    id_format(&excess->other, other);
    (void)snprintf(detail, sizeof detail,
                   "return %.64s took back %" PRId64 " of line %" PRId64
                   " of receipt %.64s more than is left; return %s came first",
                   claim->number, excess->lines[0].quantity, excess->lines[0].line, claim->receipt,
                   other);
    const struct exception exception = {.code = "amount_rebased",
                                        .correlation = claim->correlation,
                                        .subject = excess->lines[0].line,
                                        .detail = detail,
                                        .now_ms = claim->now_ms};
    enum err err = exception_raise(db, &exception, device, fault);
    told_add(claim->told, device);
    return err;
}

static enum err record_check(struct database *db, const struct claim *claim, bool passed,
                             struct fault *fault)
{
    struct buf data CLEANUP(buf_free);
    buf_init(&data, DATA_MAX);
    struct jsonw w = jsonw_to(&data);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "result", passed ? "passed" : "failed");
    if (!passed) {
        jsonw_text(&w, "code", "quantity_exceeds_remaining");
        jsonw_text(&w, "detail", "the same goods were returned elsewhere");
    }
    jsonw_end(&w);
    return record(db, claim, EVENT_RETURN_CHECKED, "checked", &data, fault);
}

enum err claim_return(struct database *db, const struct claim *claim, struct fault *fault)
{
    struct excess excess;
    enum err err = find_excess(db, claim, &excess, fault);
    bool failed = !err && excess.count && claim->pending_check;
    if (!err && !failed)
        err = insert(db, claim, "returned", fault);
    if (!err && claim->pending_check)
        err = record_check(db, claim, !failed, fault);
    if (err || !excess.count || failed)
        return err;
    err = record_conflict(db, claim, &excess, fault);
    return err ? err : raise_conflict(db, claim, &excess, fault);
}

enum err claim_authorise(struct database *db, const struct claim *claim, struct fault *fault)
{
    struct others others;
    for (size_t i = 0; i < claim->count; i++) {
        const struct claim_line *line = &claim->lines[i];
        enum err err = sum_others(db, claim, line->line, true, &others, fault);
        if (err)
            return err;
        if (others.quantity + asked_of(claim, i) > line->sold)
            return fault_set(fault, ERR_REFUSED, "lines",
                             "quantity_exceeds_remaining: of line %" PRId64 " %" PRId64
                             " were sold and %" PRId64 " are returned or authorised",
                             line->line, line->sold, others.quantity);
    }
    return insert(db, claim, "authorised", fault);
}
