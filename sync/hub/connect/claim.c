#include "sync/hub/connect/claim.h"
#include "hal/base/cleanup.h"
#include "hal/base/jsonw.h"
#include "sync/hub/ingest/ingest.sql.h"

#include <inttypes.h>
#include <stdio.h>

enum { DATA_MAX = 32 * 1024, DETAIL_MAX = 400, NO_LINE = -1 };

/* What others hold of a line, and the latest of them. */
struct others {
    int64_t quantity;
    struct id latest;
    int64_t unsold; /* their pieces, of whatever item, that name no line of the receipt */
};

/* Under what it is kept which pieces of a receipt are claimed. */
static int64_t kept_under(const struct claim_line *line)
{
    return line->sold ? line->line : NO_LINE;
}

static enum err sum(struct database *db, size_t query, const struct claim *claim, int64_t line,
                    struct others *others, struct fault *fault)
{
    struct statement *s;
    bool row;
    *others = (struct others){0};
    enum err err = database_statement(db, query, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, claim->receipt);
    bind_int(s, 2, line);
    bind_blob(s, 3, claim->correlation.bytes, ID_BYTES);
    if (query == INGEST_CLAIM_USED)
        bind_blob(s, 4, claim->authorisation->bytes, ID_BYTES);
    if (query == INGEST_CLAIM_PROMISED)
        bind_int(s, 4, claim->now_ms);
    err = database_step(db, s, &row, fault);
    if (err)
        return err;
    others->quantity = row ? column_int(s, 0) : 0;
    others->unsold = row && query == INGEST_CLAIM_SUM ? column_int(s, 2) : 0;
    if (query != INGEST_CLAIM_PROMISED &&
        (!row || column_bytes(s, 1, others->latest.bytes, ID_BYTES) != ERR_OK))
        others->latest = (struct id){0};
    statement_reset(s);
    return ERR_OK;
}

enum err claim_used(struct database *db, const struct claim *claim, int64_t line, int64_t *quantity,
                    struct fault *fault)
{
    struct others others;
    enum err err = sum(db, INGEST_CLAIM_USED, claim, line, &others, fault);
    if (!err)
        *quantity = others.quantity;
    return err;
}

/* *known: the centre gave that authorisation for this receipt. */
static enum err read_allowed(struct database *db, const struct claim *claim, int64_t line,
                             bool *known, int64_t *quantity, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_CLAIM_ALLOWED, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, claim->receipt);
    bind_int(s, 2, line);
    bind_blob(s, 3, claim->authorisation->bytes, ID_BYTES);
    err = database_step(db, s, known, fault);
    if (err)
        return err;
    *quantity = *known ? column_int(s, 0) : 0;
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
        bind_int(s, 2, kept_under(&claim->lines[i]));
        bind_blob(s, 3, claim->correlation.bytes, ID_BYTES);
        bind_text(s, 4, kind);
        bind_int(s, 5, claim->lines[i].quantity);
        if (claim->authorisation)
            bind_blob(s, 6, claim->authorisation->bytes, ID_BYTES);
        if (claim->expires_ms)
            bind_int(s, 7, claim->expires_ms);
        err = database_send(db, s, fault);
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
    return database_send(db, s, fault);
}

/* --- Found -------------------------------------------------------------------------------- */

struct excess {
    struct claim_line lines[CLAIM_LINES_MAX]; /* quantity: beyond what was sold */
    size_t count;
    struct id other;
    bool of_authorisation; /* the last one: others used it up before */
    /* Line of the return whose item others brought back, though nobody knows how many were sold. */
    const struct claim_line *asked;
    struct id asked_other;
};

/*
 * How many pieces the return asks for of one sale line, up to and with this one: a return may name
 * the line several times.
 */
static int64_t asked_of(const struct claim *claim, size_t upto)
{
    int64_t sum = 0;
    for (size_t i = 0; i <= upto; i++)
        if (claim->lines[i].line == claim->lines[upto].line)
            sum += claim->lines[i].quantity;
    return sum;
}

/*
 * *over: pieces of the line that no sale stands behind, because other returns took them; 0 or less:
 * none.
 */
static enum err beyond_sale(struct database *db, const struct claim *claim, size_t i, int64_t *over,
                            struct others *others, struct fault *fault)
{
    enum err err = sum(db, INGEST_CLAIM_SUM, claim, claim->lines[i].line, others, fault);
    *over = others->quantity ? others->quantity + asked_of(claim, i) - claim->lines[i].sold : 0;
    return err;
}

/* The same by the item. */
static int64_t item_asked_of(const struct claim *claim, size_t upto)
{
    int64_t sum = 0;
    for (size_t i = 0; i <= upto; i++)
        if (claim_item_is_same(&claim->lines[i].item, &claim->lines[upto].item))
            sum += claim->lines[i].quantity;
    return sum;
}

/*
 * As beyond_sale, but by the item: for a line that names none of the sale, or where other returns
 * named none.
 */
static enum err beyond_item(struct database *db, const struct claim *claim, size_t i, int64_t *over,
                            struct others *others, struct excess *excess, struct fault *fault)
{
    const struct claim_line *line = &claim->lines[i];
    struct claim_item_found found;
    enum err err =
        claim_item_find(db, claim->receipt, &claim->correlation, &line->item, &found, fault);
    if (err || !found.quantity)
        return err;
    int64_t sold = line->item_sold ? line->item_sold : found.sold;
    int64_t beyond = sold ? found.quantity + item_asked_of(claim, i) - sold : 0;
    if (!sold) {
        excess->asked = line;
        excess->asked_other = found.latest;
    }
    if (beyond > *over) {
        *over = beyond;
        others->latest = found.latest;
    }
    return ERR_OK;
}

/* *over: pieces beyond what the authorisation allows, because other returns used it up. */
static enum err beyond_authorisation(struct database *db, const struct claim *claim, size_t i,
                                     int64_t *over, struct others *others, struct fault *fault)
{
    bool known = false;
    int64_t allowed = 0;
    *over = 0;
    if (!claim->authorisation)
        return ERR_OK;
    enum err err = read_allowed(db, claim, claim->lines[i].line, &known, &allowed, fault);
    if (!err)
        err = sum(db, INGEST_CLAIM_USED, claim, claim->lines[i].line, others, fault);
    if (!err && known && others->quantity)
        *over = others->quantity + asked_of(claim, i) - allowed;
    return err;
}

static enum err find_excess(struct database *db, const struct claim *claim, struct excess *excess,
                            struct fault *fault)
{
    enum err err = ERR_OK;
    *excess = (struct excess){.count = 0};
    for (size_t i = 0; !err && i < claim->count; i++) {
        const struct claim_line *line = &claim->lines[i];
        struct others returned = {0};
        struct others used = {0};
        int64_t over = 0;
        int64_t unauthorised = 0;
        if (line->sold)
            err = beyond_sale(db, claim, i, &over, &returned, fault);
        if (!err && (!line->sold || returned.unsold))
            err = beyond_item(db, claim, i, &over, &returned, excess, fault);
        if (!err && line->sold)
            err = beyond_authorisation(db, claim, i, &unauthorised, &used, fault);
        bool of_authorisation = unauthorised > over;
        over = of_authorisation ? unauthorised : over;
        if (err || over <= 0)
            continue;
        excess->lines[excess->count++] = (struct claim_line){
            .line = line->line, .quantity = over < line->quantity ? over : line->quantity};
        excess->other = of_authorisation ? used.latest : returned.latest;
        excess->of_authorisation = of_authorisation;
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
                   " of receipt %.64s more than %s; return %s came first",
                   claim->number, excess->lines[0].quantity, excess->lines[0].line, claim->receipt,
                   excess->of_authorisation ? "its authorisation allows" : "is left", other);
    const struct exception exception = {.code = "amount_rebased",
                                        .correlation = claim->correlation,
                                        .subject = excess->lines[0].line,
                                        .detail = detail,
                                        .now_ms = claim->now_ms};
    enum err err = exception_raise(db, &exception, device, fault);
    told_add(claim->told, device);
    return err;
}

/* Nobody can tell whether it is the same piece; somebody has to ask. */
static enum err raise_question(struct database *db, const struct claim *claim,
                               const struct excess *excess, struct fault *fault)
{
    char detail[DETAIL_MAX];
    char other[ID_TEXT + 1];
    char device[DEVICE_ID_MAX + 1];
    const struct claim_item *item = &excess->asked->item;
    id_format(&excess->asked_other, other);
    (void)snprintf(detail, sizeof detail,
                   "return %.64s took back %" PRId64 " of item %.64s of receipt %.64s, whose sale "
                   "nobody knows; return %s took such back before: is it the same piece?",
                   claim->number, excess->asked->quantity, *item->gtin ? item->gtin : item->sku,
                   claim->receipt, other);
    const struct exception exception = {.code = "quantity_exceeds_remaining",
                                        .correlation = claim->correlation,
                                        .subject = excess->asked->line,
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
    if (!err && excess.asked)
        err = raise_question(db, claim, &excess, fault);
    if (err || !excess.count || failed)
        return err;
    err = record_conflict(db, claim, &excess, fault);
    return err ? err : raise_conflict(db, claim, &excess, fault);
}

static enum err refuse_more(const struct claim_line *line, int64_t sold, int64_t gone,
                            struct fault *fault)
{
    return fault_set(fault, ERR_REFUSED, "lines",
                     "quantity_exceeds_remaining: of line %" PRId64 " %" PRId64
                     " were sold and %" PRId64 " are returned or authorised",
                     line->line, sold, gone);
}

/* Pieces of the receipt came back while its sale wasn't known: they are told apart by the item. */
static enum err check_item(struct database *db, const struct claim *claim, size_t i,
                           int64_t promised, struct fault *fault)
{
    struct claim_item_found found;
    enum err err = claim_item_find(db, claim->receipt, &claim->correlation, &claim->lines[i].item,
                                   &found, fault);
    if (err || !found.quantity)
        return err;
    int64_t gone = found.quantity + promised;
    return gone + item_asked_of(claim, i) > found.sold
               ? refuse_more(&claim->lines[i], found.sold, gone, fault)
               : ERR_OK;
}

enum err claim_authorise(struct database *db, const struct claim *claim, struct fault *fault)
{
    struct others returned = {0};
    struct others promised = {0};
    for (size_t i = 0; i < claim->count; i++) {
        const struct claim_line *line = &claim->lines[i];
        enum err err = sum(db, INGEST_CLAIM_SUM, claim, line->line, &returned, fault);
        if (!err)
            err = sum(db, INGEST_CLAIM_PROMISED, claim, line->line, &promised, fault);
        int64_t gone = returned.quantity + promised.quantity;
        if (!err && gone + asked_of(claim, i) > line->sold)
            err = refuse_more(line, line->sold, gone, fault);
        if (!err && returned.unsold)
            err = check_item(db, claim, i, promised.quantity, fault);
        if (err)
            return err;
    }
    return insert(db, claim, "authorised", fault);
}
