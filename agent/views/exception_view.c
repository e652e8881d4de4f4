#include "agent/views/exception_view.h"
#include "agent/views/exception_view.sql.h"
#include "agent/views/exception_view_schema.sql.h"

enum { VERSION = 1 };

static void keep_column(char *to, size_t size, struct statement *statement, int column)
{
    slice_copy(column_slice(statement, column), to, size);
}

static enum err read_row(struct statement *statement, struct exception_state *state,
                         struct fault *fault)
{
    *state = (struct exception_state){0};
    if (column_bytes(statement, 0, state->id.bytes, ID_BYTES) != ERR_OK ||
        column_bytes(statement, 1, state->subject.bytes, ID_BYTES) != ERR_OK)
        return fault_set(fault, ERR_CORRUPT, EXCEPTION_VIEW_NAME, "a row is damaged");
    keep_column(state->code, sizeof state->code, statement, 2);
    keep_column(state->detail, sizeof state->detail, statement, 3);
    keep_column(state->owner, sizeof state->owner, statement, 4);
    keep_column(state->how, sizeof state->how, statement, 5);
    state->step = (enum exception_step)(int)column_int(statement, 6);
    state->raised_ms = column_int(statement, 7);
    state->updated_ms = column_int(statement, 8);
    return ERR_OK;
}

static enum err find(struct database_statements *sql, const struct id *id,
                     struct exception_state *state, bool *found, struct fault *fault)
{
    struct statement *statement;
    enum err err = database_attached(sql, EXCEPTION_VIEW_FIND, &statement, fault);
    if (err)
        return err;
    bind_blob(statement, 1, id->bytes, ID_BYTES);
    err = statement_step(statement, found, fault);
    if (!err && *found)
        err = read_row(statement, state, fault);
    statement_reset(statement);
    return err;
}

static enum err store(struct database_statements *sql, const struct exception_state *state,
                      struct fault *fault)
{
    struct statement *statement;
    enum err err = database_attached(sql, EXCEPTION_VIEW_STORE, &statement, fault);
    if (err)
        return err;
    bind_blob(statement, 1, state->id.bytes, ID_BYTES);
    bind_blob(statement, 2, state->subject.bytes, ID_BYTES);
    bind_text(statement, 3, state->code);
    bind_text(statement, 4, state->detail);
    bind_text(statement, 5, state->owner);
    bind_text(statement, 6, state->how);
    bind_int(statement, 7, state->step);
    bind_int(statement, 8, state->raised_ms);
    bind_int(statement, 9, state->updated_ms);
    return statement_run(statement, fault);
}

static bool concerns(const struct eventlog_record *record)
{
    return record->event.type == EVENT_EXCEPTION_RAISED ||
           record->event.type == EVENT_EXCEPTION_RESOLVED;
}

static enum err apply(void *unused_context, struct database_statements *sql,
                      const struct eventlog_record *record, struct fault *fault)
{
    (void)unused_context;
    if (!concerns(record))
        return ERR_OK;
    struct exception_state state = {0};
    struct id id;
    bool found = false;
    enum err err = exception_of(record, &id, fault);
    if (!err)
        err = find(sql, &id, &state, &found, fault);
    bool raised = record->event.type == EVENT_EXCEPTION_RAISED;
    bool is_news = raised ? !found || state.step == EXCEPTION_RESOLVED : found;
    if (!err && !is_news)
        return ERR_OK; /* it stands open, or was never raised here */
    if (!err)
        err = exception_state_apply(&state, record, fault);
    if (err)
        return err_class(err) == ERR_CLASS_PARK ? ERR_OK : err; /* it says nothing that counts */
    return store(sql, &state, fault);
}

void exception_view_define(struct eventlog_view *view)
{
    *view = (struct eventlog_view){
        .name = EXCEPTION_VIEW_NAME,
        .version = VERSION,
        .create = exception_view_schema_sql[EXCEPTION_VIEW_SCHEMA_CREATE].text,
        .drop = exception_view_schema_sql[EXCEPTION_VIEW_SCHEMA_DROP].text,
        .statements = exception_view_sql,
        .statement_count = sizeof exception_view_sql / sizeof *exception_view_sql,
        .apply = apply,
    };
}

enum err exception_view_find(const struct views *views, const struct id *id,
                             struct exception_state *state, struct fault *fault)
{
    bool found;
    struct exception_state row;
    enum err err = find(views->exceptions, id, &row, &found, fault);
    if (!err && !found)
        err = fault_set(fault, ERR_NOT_FOUND, "exception", "no exception has this id");
    if (!err)
        *state = row;
    return err;
}

struct fold {
    const struct id *id;
    const struct id *first;
    bool passed; /* the events of the command that is asked for are behind */
    struct exception_state state;
};

static enum err fold_one(void *context, const struct eventlog_record *record, struct fault *fault)
{
    struct fold *fold = context;
    struct id id;
    if (fold->passed || !concerns(record) || exception_of(record, &id, NULL) != ERR_OK ||
        !id_equal(&id, fold->id))
        return ERR_OK;
    fold->passed = id_equal(&record->event.id, fold->first);
    enum err err = exception_state_apply(&fold->state, record, fault);
    return err_class(err) == ERR_CLASS_PARK ? ERR_OK : err;
}

enum err exception_view_after(const struct views *views, const struct id *id,
                              const struct id *subject, const struct id *first,
                              struct exception_state *state, struct fault *fault)
{
    struct fold fold = {.id = id, .first = first};
    enum err err = views_history(views, subject, fold_one, &fold, fault);
    if (!err && !fold.passed)
        err = fault_set(fault, ERR_NOT_FOUND, "exception", "its events are no longer kept here");
    if (!err)
        *state = fold.state;
    return err;
}

enum err exception_view_list(const struct views *views, const struct exception_view_query *query,
                             exception_view_visit *visit, void *context, struct fault *fault)
{
    struct statement *statement;
    enum err err = database_attached(views->exceptions, EXCEPTION_VIEW_LIST, &statement, fault);
    if (err)
        return err;
    size_t max = query->max < EXCEPTION_VIEW_PAGE_MAX ? query->max : EXCEPTION_VIEW_PAGE_MAX;
    bind_int(statement, 1, query->step);
    bind_int(statement, 2, query->after_ms);
    bind_blob(statement, 3, query->after_id.bytes, ID_BYTES);
    bind_int(statement, 4, (int64_t)max);
    for (size_t i = 0; i < max && !err; i++) {
        bool row;
        struct exception_state state;
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
