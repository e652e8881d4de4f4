#include "sync/hub/connect/acceptance.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"
#include "hal/base/jsonw.h"
#include "sync/hub/connect/acceptance_sale.h"
#include "sync/hub/connect/authorisation.h"
#include "sync/hub/connect/claim.h"
#include "sync/hub/ingest/centre.h"
#include "sync/hub/ingest/ingest.sql.h"
#include "sync/hub/ingest/journal.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

enum { ARENA_MAX = 16 * 1024 * 1024, RETURNS_MAX = 256 };

/* Of the authorisation. */
struct validity {
    int64_t until_ms;
    bool ends;
};
static const struct json_field validity_fields[] = {
    {.name = "valid_until",
     .kind = JSON_TIME,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct validity, until_ms),
     .present_offset = offsetof(struct validity, ends)}};
static const struct json_table validity_table = {validity_fields, 1, sizeof(struct validity), true};

/* An authorised return on its way. */
struct accepting {
    struct database *db;
    struct id correlation;
    struct arena arena;
    struct cJSON *authorised;
    struct cJSON *sale;
    struct id sale_id;
    struct cJSON *others[RETURNS_MAX]; /* return.created of what else came back of this sale */
    size_t other_count;
    struct buf data;
    struct fault *fault;
};

/* --- What is known --------------------------------------------------------------------------- */

/* `about` (NULL: of no interest) is what it correlates with. */
static enum err read_event(struct accepting *a, struct slice body, struct id *about,
                           struct cJSON **data)
{
    struct event event;
    enum err err = event_read(body, &a->arena, &event, a->fault);
    if (!err && about)
        *about = event.correlation;
    return err ? err : json_parse(event.data, JSON_LIMITS_DEFAULT, data, a->fault);
}

static enum err read_authorised(struct accepting *a)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(a->db, INGEST_AUTHORISED_RETURN, &s, a->fault);
    if (err)
        return err;
    bind_blob(s, 1, a->correlation.bytes, ID_BYTES);
    err = database_step(a->db, s, &row, a->fault);
    if (err)
        return err;
    err = row ? read_event(a, column_slice(s, 0), NULL, &a->authorised)
              : fault_set(a->fault, ERR_NOT_FOUND, "return", "is not known");
    statement_reset(s);
    return err;
}

static enum err read_sale(struct accepting *a)
{
    char subject[sizeof "receipt/" + 128];
    struct statement *s;
    bool row;
    (void)snprintf(subject, sizeof subject, "receipt/%.128s",
                   acceptance_text(a->authorised, "receipt"));
    enum err err = database_statement(a->db, INGEST_SALE_BY_SUBJECT, &s, a->fault);
    if (err)
        return err;
    bind_text(s, 1, subject);
    err = database_step(a->db, s, &row, a->fault);
    if (err)
        return err;
    err = row ? read_event(a, column_slice(s, 0), &a->sale_id, &a->sale)
              : fault_set(a->fault, ERR_NOT_FOUND, "return", "its sale is not known");
    statement_reset(s);
    return err;
}

static enum err read_others(struct accepting *a)
{
    struct statement *s;
    bool row = true;
    enum err err = database_statement(a->db, INGEST_RETURNED_OF_RECEIPT, &s, a->fault);
    if (err)
        return err;
    bind_text(s, 1, acceptance_text(a->authorised, "receipt"));
    while ((err = database_step(a->db, s, &row, a->fault)) == ERR_OK && row) {
        err = a->other_count == RETURNS_MAX
                  ? fault_set(a->fault, ERR_TOO_LARGE, "return", "its sale has too many returns")
                  : read_event(a, column_slice(s, 0), NULL, &a->others[a->other_count]);
        if (err)
            break;
        a->other_count++;
    }
    statement_reset(s);
    return err;
}

static enum err check_time(struct accepting *a, int64_t now_ms)
{
    struct validity validity = {0};
    enum err err = json_read(a->authorised, &validity_table, &validity, &a->arena, a->fault);
    return err || !validity.ends || now_ms <= validity.until_ms
               ? err
               : fault_set(a->fault, ERR_REFUSED, "return",
                           "authorisation_expired: it was good until %s; authorise it anew",
                           acceptance_text(a->authorised, "valid_until"));
}

static enum err check_sale(const struct accepting *a)
{
    return json_member(a->sale, "marketplace")
               ? fault_set(a->fault, ERR_REFUSED, "return",
                           "it was sold on a marketplace: a store must take it")
               : ERR_OK;
}

/* --- Lines ----------------------------------------------------------------------------------- */

/* A line that is asked for twice would be counted from the same place twice. */
static bool stands_before(const struct accepting *a, const struct cJSON *asked)
{
    const struct cJSON *line = acceptance_first(a->authorised, "lines");
    int64_t number = json_member_int(asked, "line", -1);
    while (line != asked && json_member_int(line, "line", -1) != number)
        line = json_next(line);
    return line != asked;
}

/* A store may have taken some of it by the same authorisation. */
static enum err check_unused(const struct accepting *a, int64_t line)
{
    const struct claim claim = {.correlation = a->correlation,
                                .receipt = acceptance_text(a->authorised, "receipt"),
                                .authorisation = &a->correlation};
    int64_t used = 0;
    enum err err = claim_used(a->db, &claim, line, &used, a->fault);
    return err || !used ? err
                        : fault_set(a->fault, ERR_REFUSED, "lines",
                                    "authorisation_exceeded: of line %" PRId64 " %" PRId64
                                    " were returned under it in a store",
                                    line, used);
}

static enum err write_lines(struct accepting *a, const struct acceptance_sale *sale,
                            struct jsonw *w, struct acceptance_sums *sums)
{
    enum err err = ERR_OK;
    jsonw_array(w, "lines");
    for (const struct cJSON *asked = acceptance_first(a->authorised, "lines"); !err && asked;
         asked = json_next(asked)) {
        int64_t number = json_member_int(asked, "line", -1);
        err = stands_before(a, asked) ? fault_set(a->fault, ERR_REFUSED, "lines",
                                                  "line %" PRId64 " is asked for twice", number)
                                      : check_unused(a, number);
        if (!err)
            err = acceptance_line_write(sale, asked, w, sums, a->fault);
    }
    jsonw_end(w);
    return err;
}

/* --- Recording ------------------------------------------------------------------------------- */

/* What the customer was told when it was authorised. */
static enum err read_fee(struct accepting *a, struct acceptance_fee *fee)
{
    const struct cJSON *agreed = json_member(a->authorised, "fee");
    return agreed ? authorisation_fee_read(agreed, &a->arena, fee, a->fault) : ERR_OK;
}

static enum err write_created(struct accepting *a)
{
    struct buf text CLEANUP(buf_free);
    struct acceptance_sums sums = {0};
    struct acceptance_sale sale = {
        .sale = a->sale, .others = a->others, .other_count = a->other_count};
    char sale_id[ID_TEXT + 1];
    id_format(&a->sale_id, sale_id);
    buf_init(&text, EVENT_BODY_MAX);
    json_print(a->sale, &text);
    enum err err = read_fee(a, &sale.fee);
    if (!err)
        err = acceptance_sale_read(&sale, &a->arena, a->fault);
    if (err)
        return err;
    struct jsonw w = jsonw_to(&a->data);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "number", acceptance_text(a->authorised, "number"));
    jsonw_text(&w, "store", acceptance_text(a->sale, "store"));
    jsonw_text(&w, "receipt", acceptance_text(a->authorised, "receipt"));
    jsonw_text(&w, "authorisation", acceptance_text(a->authorised, "number"));
    jsonw_text(&w, "currency", acceptance_text(a->sale, "currency"));
    jsonw_text(&w, "decision", "accepted");
    jsonw_array(&w, "reasons");
    jsonw_end(&w);
    err = write_lines(a, &sale, &w, &sums);
    if (!err)
        err = acceptance_refund_write(&sale, &sums, &w, a->fault);
    if (err)
        return err;
    jsonw_text(&w, "goods", "expected");
    jsonw_text(&w, "money", sums.total_minor ? "pending" : "none");
    jsonw_text(&w, "posting", "none");
    jsonw_text(&w, "sale_id", sale_id);
    jsonw_raw(&w, "sale", buf_slice(&text));
    jsonw_end(&w);
    err = buf_check(&text, a->fault, "sale");
    return err ? err : buf_check(&a->data, a->fault, "return");
}

static enum err record(struct accepting *a, int64_t now_ms, struct told *told)
{
    char device[DEVICE_ID_MAX + 1] = "";
    const struct centre_fact fact = {.correlation = a->correlation,
                                     .type = EVENT_RETURN_CREATED,
                                     .data = buf_slice(&a->data),
                                     .now_ms = now_ms,
                                     .key = "accepted"};
    enum err err = centre_record(a->db, &fact, device, a->fault);
    if (!err)
        told_add(told, device);
    return err;
}

enum err acceptance_record(struct database *db, const struct id *correlation, int64_t now_ms,
                           struct told *told, struct fault *fault)
{
    struct accepting a = {.db = db, .correlation = *correlation, .fault = fault};
    arena_init(&a.arena, ARENA_MAX);
    buf_init(&a.data, EVENT_BODY_MAX);
    enum err err = read_authorised(&a);
    if (!err)
        err = check_time(&a, now_ms);
    if (!err)
        err = read_sale(&a);
    if (!err)
        err = read_others(&a);
    if (!err)
        err = check_sale(&a);
    if (!err)
        err = write_created(&a);
    if (!err)
        err = record(&a, now_ms, told);
    json_free(a.authorised);
    json_free(a.sale);
    for (size_t i = 0; i < a.other_count; i++)
        json_free(a.others[i]);
    buf_free(&a.data);
    arena_free(&a.arena);
    return err;
}

enum err acceptance_is_whole(struct database *db, const struct id *correlation, bool *whole,
                             struct fault *fault)
{
    struct arena arena CLEANUP(arena_free);
    struct cJSON *document CLEANUP(json_cleanup) = NULL;
    struct position position;
    arena_init(&arena, ARENA_MAX);
    enum err err = journal_position(db, correlation, &arena, &document, &position, fault);
    if (err)
        return err;
    bool all = position.standing == STANDING_OPEN;
    for (size_t i = 0; i < position.line_count; i++)
        all = all && position.lines[i].received == position.lines[i].quantity;
    *whole = all;
    return ERR_OK;
}
