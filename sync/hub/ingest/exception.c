#include "sync/hub/ingest/exception.h"
#include "hal/base/cleanup.h"
#include "hal/base/jsonw.h"
#include "sync/hub/ingest/exception_target.h"
#include "sync/hub/ingest/ingest.sql.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { DATA_MAX = 4096, CODE_MAX = 64, KEY_MAX = 512, HOUR_MS = 3600 * 1000 };

static bool of_no_return(const struct id *correlation)
{
    static const struct id none;
    return id_equal(correlation, &none);
}

/* --- Raising --------------------------------------------------------------------------------- */

/* The same wherever and however often it is raised. */
static struct id id_of(const struct exception *exception)
{
    char key[KEY_MAX];
    if (exception->key)
        (void)snprintf(key, sizeof key, "%s/%s", exception->code, exception->key);
    else
        (void)snprintf(key, sizeof key, "%s/%" PRId64, exception->code, exception->subject);
    return exception->id ? *exception->id : centre_id(&exception->correlation, "exception", key);
}

static int64_t due_ms(const struct exception *exception)
{
    return exception->now_ms + exception_target_hours(exception->code) * HOUR_MS;
}

static void bind_what(struct statement *s, const struct exception *exception)
{
    bind_text(s, 1, exception->code);
    bind_text(s, 2, CENTRE_DEVICE);
    bind_blob(s, 3, exception->correlation.bytes, ID_BYTES);
    bind_int(s, 4, exception->subject);
    bind_text(s, 5, exception->detail);
    bind_int(s, 6, exception->now_ms);
}

/* One that was resolved; *turn stays 0 when there is none. */
static enum err reopen(struct database *db, const struct exception *exception, int64_t *turn,
                       struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(db, INGEST_EXCEPTION_REOPEN, &s, fault);
    if (err)
        return err;
    bind_what(s, exception);
    bind_int(s, 7, due_ms(exception));
    err = database_step(db, s, &row, fault);
    if (err)
        return err;
    if (row)
        *turn = column_int(s, 0);
    statement_reset(s);
    return ERR_OK;
}

/* *turn stays 0 when it stands open already. */
static enum err insert(struct database *db, const struct exception *exception, const struct id *id,
                       int64_t *turn, struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(db, INGEST_EXCEPTION_ABOUT, &s, fault);
    if (err)
        return err;
    bind_what(s, exception);
    if (!of_no_return(&exception->correlation))
        bind_blob(s, 7, exception->correlation.bytes, ID_BYTES);
    bind_blob(s, 8, id->bytes, ID_BYTES);
    bind_text(s, 9, exception_team(exception->code));
    bind_int(s, 10, due_ms(exception));
    err = database_step(db, s, &row, fault);
    if (err)
        return err;
    if (row && column_int(s, 0) == 1)
        *turn = 1;
    statement_reset(s);
    return ERR_OK;
}

/* What names an event of the exception: its first turn, by its id alone. */
static void name_turn(const char *id, int64_t turn, const char *person, char key[static KEY_MAX])
{
    if (turn == 1)
        (void)snprintf(key, KEY_MAX, "%s", id);
    else
        (void)snprintf(key, KEY_MAX, "%s/%" PRId64 "%s%s", id, turn, person ? "/" : "",
                       person ? person : "");
}

enum err exception_raise(struct database *db, const struct exception *exception,
                         char device[static DEVICE_ID_MAX + 1], struct fault *fault)
{
    struct buf data CLEANUP(buf_free);
    char text[ID_TEXT + 1];
    char key[KEY_MAX];
    int64_t turn = 0;
    buf_init(&data, DATA_MAX);
    const struct id id = id_of(exception);
    *device = '\0';
    enum err err = reopen(db, exception, &turn, fault);
    if (!err && !turn)
        err = insert(db, exception, &id, &turn, fault);
    if (err || !turn || exception->id || of_no_return(&exception->correlation))
        return err;
    id_format(&id, text);
    name_turn(text, turn, NULL, key);
    struct jsonw w = jsonw_to(&data);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "exception", text);
    jsonw_text(&w, "code", exception->code);
    jsonw_text(&w, "detail", exception->detail);
    jsonw_text(&w, "owner", exception_team(exception->code));
    jsonw_end(&w);
    const struct centre_fact fact = {.correlation = exception->correlation,
                                     .type = EVENT_EXCEPTION_RAISED,
                                     .data = buf_slice(&data),
                                     .now_ms = exception->now_ms,
                                     .key = key};
    err = buf_check(&data, fault, "exception");
    return err ? err : centre_record(db, &fact, device, fault);
}

/* --- Going on -------------------------------------------------------------------------------- */

static enum err run_change(struct database *db, struct statement *s, struct fault *fault)
{
    enum err err = database_run(db, s, fault);
    if (!err && database_changes(db) == 0)
        return fault_set(fault, ERR_NOT_FOUND, "id", "there is no such open exception");
    return err;
}

struct found {
    char code[CODE_MAX];
    struct id id;
    struct id correlation;
    int64_t turn;
    bool of_return;
    bool has_owner; /* who is asked for has it already */
};

static enum err find(struct database *db, const struct exception_step *step, struct found *found,
                     struct fault *fault)
{
    struct statement *s;
    bool row;
    *found = (struct found){0};
    enum err err = database_statement(db, INGEST_EXCEPTION_FIND, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, step->number);
    err = database_step(db, s, &row, fault);
    if (err || !row)
        return err;
    found->has_owner = step->person && slice_is(column_slice(s, 4), step->person);
    found->turn = column_int(s, 3);
    struct slice code = column_slice(s, 0);
    if (code.len < CODE_MAX)
        memcpy(found->code, code.data, code.len);
    found->of_return = column_bytes(s, 1, found->id.bytes, ID_BYTES) == ERR_OK &&
                       column_bytes(s, 2, found->correlation.bytes, ID_BYTES) == ERR_OK;
    statement_reset(s);
    return ERR_OK;
}

/* The step as an event of the return. */
static enum err tell(struct database *db, struct exception_step *step, const struct found *found,
                     const char *state, struct fault *fault)
{
    struct buf data CLEANUP(buf_free);
    char text[ID_TEXT + 1];
    char key[KEY_MAX];
    buf_init(&data, DATA_MAX);
    *step->device = '\0';
    if (!found->of_return)
        return ERR_OK;
    id_format(&found->id, text);
    name_turn(text, found->turn, step->person, key);
    struct jsonw w = jsonw_to(&data);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "exception", text);
    jsonw_text(&w, "code", found->code);
    jsonw_text(&w, "state", state);
    jsonw_text(&w, "how", step->how);
    if (step->person)
        jsonw_text(&w, "owner", step->person);
    jsonw_end(&w);
    char subject[ID_TEXT + sizeof "exception/"];
    (void)snprintf(subject, sizeof subject, "exception/%s", text);
    const struct centre_fact fact = {.correlation = found->correlation,
                                     .subject =
                                         id_equal(&found->id, &found->correlation) ? subject : NULL,
                                     .type = EVENT_EXCEPTION_RESOLVED,
                                     .data = buf_slice(&data),
                                     .now_ms = step->now_ms,
                                     .key = key};
    enum err err = buf_check(&data, fault, "exception");
    return err ? err : centre_record(db, &fact, step->device, fault);
}

enum err exception_assign(struct database *db, struct exception_step *step, struct fault *fault)
{
    struct statement *s;
    struct found found;
    enum err err = find(db, step, &found, fault);
    if (err || found.has_owner)
        return err;
    err = database_statement(db, INGEST_EXCEPTION_ASSIGN, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, step->number);
    bind_text(s, 2, step->person);
    bind_int(s, 3, step->now_ms);
    err = run_change(db, s, fault);
    found.turn++;
    return err ? err : tell(db, step, &found, "assigned", fault);
}

static enum err mark_resolved(struct database *db, int64_t number, const char *how, int64_t now_ms,
                              struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_EXCEPTION_RESOLVE, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, number);
    bind_text(s, 2, how);
    bind_int(s, 3, now_ms);
    return run_change(db, s, fault);
}

enum err exception_resolve(struct database *db, struct exception_step *step, struct fault *fault)
{
    struct found found;
    enum err err = find(db, step, &found, fault);
    if (!err)
        err = mark_resolved(db, step->number, step->how, step->now_ms, fault);
    return err ? err : tell(db, step, &found, "resolved", fault);
}

enum err exception_settle(struct database *db, const char *code, int64_t subject, const char *how,
                          int64_t now_ms, struct fault *fault)
{
    struct statement *s;
    bool row;
    struct exception_step step = {.how = how, .now_ms = now_ms};
    enum err err = database_statement(db, INGEST_EXCEPTION_OF_CENTRE, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, code);
    bind_text(s, 2, CENTRE_DEVICE);
    bind_int(s, 3, subject);
    err = database_step(db, s, &row, fault);
    if (err || !row)
        return err;
    step.number = column_int(s, 0);
    statement_reset(s);
    return exception_resolve(db, &step, fault);
}

enum err exception_resolved_by_store(struct database *db, const struct id *id, const char *how,
                                     int64_t now_ms, struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(db, INGEST_EXCEPTION_BY_ID, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, id->bytes, ID_BYTES);
    err = database_step(db, s, &row, fault);
    if (err || !row)
        return err;
    int64_t number = column_int(s, 0);
    statement_reset(s);
    return mark_resolved(db, number, how, now_ms, fault);
}
