#include "agent/views/return_view.h"
#include "agent/views/return_view.sql.h"
#include "agent/views/return_view_schema.sql.h"
#include "hal/base/cleanup.h"
#include "hal/base/jsonw.h"

#include <string.h>

enum { VERSION = 7 };

static void keep_column(char *to, size_t size, struct statement *statement, int column)
{
    slice_copy(column_slice(statement, column), to, size);
}

static uint8_t small_column(struct statement *statement, int column)
{
    return (uint8_t)(int)column_int(statement, column);
}

static enum err read_row(struct statement *statement, struct return_state *state,
                         struct fault *fault)
{
    *state = (struct return_state){0};
    struct slice tenders = column_slice(statement, 16);
    if (column_bytes(statement, 0, state->id.bytes, ID_BYTES) != ERR_OK ||
        tenders.len > TRACKS_TENDERS_MAX)
        return fault_set(fault, ERR_CORRUPT, RETURN_VIEW_NAME, "a row is damaged");
    keep_column(state->number, sizeof state->number, statement, 1);
    keep_column(state->receipt, sizeof state->receipt, statement, 2);
    state->has_sale = column_bytes(statement, 3, state->sale.bytes, ID_BYTES) == ERR_OK;
    keep_column(state->person, sizeof state->person, statement, 4);
    keep_column(state->customer, sizeof state->customer, statement, 5);
    state->total_minor = column_int(statement, 6);
    state->created_ms = column_int(statement, 7);
    state->updated_ms = column_int(statement, 8);
    state->created_seq = column_int(statement, 9);
    state->sequence = column_int(statement, 10);
    state->tracks = (struct tracks){
        .verdict = small_column(statement, 11),
        .goods = small_column(statement, 12),
        .money = small_column(statement, 13),
        .posting = small_column(statement, 14),
        .complete = (int)column_int(statement, 15) != 0,
        .tender_count = (uint8_t)tenders.len,
        .settles = (uint64_t)column_int(statement, 17),
    };
    keep_column(state->store, sizeof state->store, statement, 18);
    if (tenders.len)
        memcpy(state->tracks.tenders, tenders.data, tenders.len);
    return ERR_OK;
}

static enum err read_one(struct statement *statement, struct return_state *state, bool *found,
                         struct fault *fault)
{
    enum err err = statement_step(statement, found, fault);
    if (!err && *found)
        err = read_row(statement, state, fault);
    statement_reset(statement);
    return err;
}

static bool is_due(const struct tracks *tracks)
{
    return tracks_closed(tracks) && !tracks->complete;
}

/* What later events change, from a position on. */
static void bind_what_moves(struct statement *statement, int at, const struct return_state *state)
{
    const struct tracks *tracks = &state->tracks;
    bind_int(statement, at, state->updated_ms);
    bind_int(statement, at + 1, state->sequence);
    bind_int(statement, at + 2, tracks->verdict);
    bind_int(statement, at + 3, tracks->goods);
    bind_int(statement, at + 4, tracks->money);
    bind_int(statement, at + 5, tracks->posting);
    bind_int(statement, at + 6, tracks->complete);
    bind_blob(statement, at + 7, tracks->tenders, tracks->tender_count);
    bind_int(statement, at + 8, is_due(tracks));
}

static enum err update(struct database_statements *sql, const struct return_state *state,
                       struct fault *fault)
{
    struct statement *statement;
    enum err err = database_attached(sql, RETURN_VIEW_UPDATE, &statement, fault);
    if (err)
        return err;
    bind_blob(statement, 1, state->id.bytes, ID_BYTES);
    bind_what_moves(statement, 2, state);
    return statement_run(statement, fault);
}

static void copy_member(struct jsonw *w, const char *name, struct slice value)
{
    if (value.data)
        jsonw_raw(w, name, value);
}

/* The members of return.created that the sale's next decision starts from. */
static enum err write_given_back(struct buf *out, const struct return_given *given,
                                 struct fault *fault)
{
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    copy_member(&w, "lines", given->lines);
    copy_member(&w, "refund", given->refund);
    copy_member(&w, "authorisation", given->authorisation);
    jsonw_end(&w);
    return buf_check(out, fault, "return");
}

/* What it gave back stays when later events follow. */
static enum err insert(struct database_statements *sql, const struct return_state *state,
                       const struct return_given *given, struct fault *fault)
{
    struct buf given_back CLEANUP(buf_free);
    buf_init(&given_back, EVENT_BODY_MAX);
    struct statement *statement;
    enum err err = write_given_back(&given_back, given, fault);
    if (!err)
        err = database_attached(sql, RETURN_VIEW_INSERT, &statement, fault);
    if (err)
        return err;
    bind_blob(statement, 1, state->id.bytes, ID_BYTES);
    bind_text(statement, 2, state->number);
    bind_text(statement, 3, state->receipt);
    if (state->has_sale)
        bind_blob(statement, 4, state->sale.bytes, ID_BYTES);
    bind_text(statement, 5, state->person);
    bind_text(statement, 6, state->customer);
    bind_int(statement, 7, state->total_minor);
    bind_int(statement, 8, state->created_ms);
    bind_int(statement, 9, state->created_seq);
    bind_int(statement, 10, (int64_t)state->tracks.settles);
    bind_slice(statement, 11, buf_slice(&given_back));
    bind_text(statement, 12, state->store);
    bind_what_moves(statement, 13, state);
    return statement_run(statement, fault);
}

static enum err count_one(struct database_statements *sql, struct fault *fault)
{
    struct statement *statement;
    enum err err = database_attached(sql, RETURN_VIEW_COUNT_UP, &statement, fault);
    return err ? err : statement_run(statement, fault);
}

static enum err find(struct database_statements *sql, const struct id *id,
                     struct return_state *state, bool *found, struct fault *fault)
{
    struct statement *statement;
    enum err err = database_attached(sql, RETURN_VIEW_FIND, &statement, fault);
    if (err)
        return err;
    bind_blob(statement, 1, id->bytes, ID_BYTES);
    return read_one(statement, state, found, fault);
}

/* `context`: as of views_tell_due, or NULL. */
static enum err apply(void *context, struct database_statements *sql,
                      const struct eventlog_record *record, struct fault *fault)
{
    if (record->stream == STREAM_SALES)
        return ERR_OK;
    struct return_state state;
    struct return_given given;
    bool found;
    enum err err = find(sql, &record->event.correlation, &state, &found, fault);
    if (err)
        return err;
    bool creates = record->event.type == EVENT_RETURN_CREATED;
    if (found == creates)
        return ERR_OK; /* not a return of ours, or one that is known already */
    err = creates ? return_state_create(&state, &given, record, fault)
                  : return_state_apply(&state, record, fault);
    if (err_class(err) == ERR_CLASS_PARK)
        return ERR_OK; /* late news from the centre changes nothing here */
    if (!err && creates)
        err = count_one(sql, fault);
    if (err)
        return err;
    if (context && is_due(&state.tracks))
        __atomic_store_n((bool *)context, true, __ATOMIC_RELEASE);
    return creates ? insert(sql, &state, &given, fault) : update(sql, &state, fault);
}

void return_view_define(struct eventlog_view *view)
{
    *view = (struct eventlog_view){
        .name = RETURN_VIEW_NAME,
        .version = VERSION,
        .create = return_view_schema_sql[RETURN_VIEW_SCHEMA_CREATE].text,
        .drop = return_view_schema_sql[RETURN_VIEW_SCHEMA_DROP].text,
        .statements = return_view_sql,
        .statement_count = sizeof return_view_sql / sizeof *return_view_sql,
        .apply = apply,
    };
}

enum err return_view_find(const struct views *views, const struct id *id,
                          struct return_state *state, struct fault *fault)
{
    bool found;
    struct return_state row;
    enum err err = find(views->returns, id, &row, &found, fault);
    if (!err && !found)
        err = fault_set(fault, ERR_NOT_FOUND, "return", "no return has this id");
    if (!err)
        *state = row;
    return err;
}

enum err return_view_by_number(const struct views *views, const char *number,
                               struct return_state *state, struct fault *fault)
{
    struct statement *statement;
    enum err err = database_attached(views->returns, RETURN_VIEW_BY_NUMBER, &statement, fault);
    if (err)
        return err;
    bind_text(statement, 1, number);
    bool found;
    struct return_state row;
    err = read_one(statement, &row, &found, fault);
    if (!err && !found)
        err = fault_set(fault, ERR_NOT_FOUND, "return", "no return has the number %s", number);
    if (!err)
        *state = row;
    return err;
}

enum err return_view_numbered(const struct views *views, const char *number, bool *taken,
                              struct fault *fault)
{
    struct statement *statement;
    enum err err = database_attached(views->returns, RETURN_VIEW_NUMBERED, &statement, fault);
    if (err)
        return err;
    bind_text(statement, 1, number);
    err = statement_step(statement, taken, fault);
    statement_reset(statement);
    return err;
}

enum err return_view_counted(const struct views *views, int64_t *last, struct fault *fault)
{
    struct statement *statement;
    enum err err = database_attached(views->returns, RETURN_VIEW_COUNTED, &statement, fault);
    if (err)
        return err;
    bool row;
    err = statement_step(statement, &row, fault);
    if (!err)
        *last = row ? column_int(statement, 0) : 0;
    statement_reset(statement);
    return err;
}

static enum err visit_rows(struct statement *statement, size_t max, return_view_visit *visit,
                           void *context, struct fault *fault)
{
    enum err err = ERR_OK;
    for (size_t i = 0; i < max && !err; i++) {
        bool row;
        struct return_state state;
        err = statement_step(statement, &row, fault);
        if (err || !row)
            break;
        err = read_row(statement, &state, fault);
        if (!err)
            err = visit(context, &state, fault);
    }
    statement_reset(statement);
    return err;
}

enum err return_view_of_sale(const struct views *views, const struct id *sale,
                             return_view_visit *visit, void *context, struct fault *fault)
{
    struct statement *statement;
    enum err err = database_attached(views->returns, RETURN_VIEW_OF_SALE, &statement, fault);
    if (err)
        return err;
    bind_blob(statement, 1, sale->bytes, ID_BYTES);
    return visit_rows(statement, SIZE_MAX, visit, context, fault);
}

enum err return_view_live_of_sale(const struct views *views, const struct id *sale,
                                  return_view_visit_given_back *visit, void *context,
                                  struct fault *fault)
{
    struct statement *statement;
    enum err err = database_attached(views->returns, RETURN_VIEW_LIVE_OF_SALE, &statement, fault);
    if (err)
        return err;
    bind_blob(statement, 1, sale->bytes, ID_BYTES);
    bool row;
    while (!(err = statement_step(statement, &row, fault)) && row) {
        struct return_given_back given = {
            .total_minor = column_int(statement, 1),
            .body = column_slice(statement, 2),
        };
        err = column_bytes(statement, 0, given.id.bytes, ID_BYTES);
        err = err ? fault_set(fault, ERR_CORRUPT, RETURN_VIEW_NAME, "a row is damaged")
                  : visit(context, &given, fault);
        if (err)
            break;
    }
    statement_reset(statement);
    return err;
}

enum err return_view_due(const struct views *views, const char *store, size_t max,
                         return_view_visit *visit, void *context, struct fault *fault)
{
    struct statement *statement;
    enum err err = database_attached(views->returns, RETURN_VIEW_DUE, &statement, fault);
    if (err)
        return err;
    bind_int(statement, 1, (int64_t)max);
    bind_text(statement, 2, store);
    return visit_rows(statement, max, visit, context, fault);
}

enum err return_view_list(const struct views *views, const struct return_view_query *query,
                          return_view_visit *visit, void *context, struct fault *fault)
{
    struct statement *statement;
    enum err err = database_attached(views->returns, RETURN_VIEW_LIST, &statement, fault);
    if (err)
        return err;
    size_t max = query->max < RETURN_VIEW_PAGE_MAX ? query->max : RETURN_VIEW_PAGE_MAX;
    bind_int(statement, 1, query->before_ms);
    bind_blob(statement, 2, query->before_id.bytes, ID_BYTES);
    bind_int(statement, 3, query->from_ms);
    bind_text(statement, 4, query->receipt);
    bind_int(statement, 5,
             query->state == RETURN_VIEW_ANY ? -1 : query->state == RETURN_VIEW_COMPLETE);
    bind_int(statement, 6, (int64_t)max);
    bind_text(statement, 7, query->store ? query->store : "");
    return visit_rows(statement, max, visit, context, fault);
}

enum err return_view_unsold(const struct views *views, const char *receipt, int64_t *count,
                            struct fault *fault)
{
    struct statement *statement;
    enum err err = database_attached(views->returns, RETURN_VIEW_UNSOLD, &statement, fault);
    if (err)
        return err;
    bind_text(statement, 1, receipt);
    bool row;
    err = statement_step(statement, &row, fault);
    if (!err)
        *count = column_int(statement, 0);
    statement_reset(statement);
    return err;
}

enum err return_view_velocity(const struct views *views, bool of_customer, const char *party,
                              int64_t since_ms, int64_t *returns, int64_t *amount_minor,
                              struct fault *fault)
{
    size_t index = of_customer ? RETURN_VIEW_VELOCITY_OF_CUSTOMER : RETURN_VIEW_VELOCITY_OF_PERSON;
    struct statement *statement;
    enum err err = database_attached(views->returns, index, &statement, fault);
    if (err)
        return err;
    bind_text(statement, 1, party);
    bind_int(statement, 2, since_ms);
    bool row;
    err = statement_step(statement, &row, fault);
    if (!err) {
        *returns = column_int(statement, 0);
        *amount_minor = column_int(statement, 1);
    }
    statement_reset(statement);
    return err;
}
