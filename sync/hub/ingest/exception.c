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

/* *turn: 1 when it is new, 0 when it stands open already, -1 when it was resolved. */
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
    *turn = !row ? -1 : column_int(s, 0) == 1;
    statement_reset(s);
    return ERR_OK;
}

/* One that was resolved. */
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
    *turn = row ? column_int(s, 0) : 0;
    statement_reset(s);
    return ERR_OK;
}

/*
 * The key of an exception's event: its id, and from the second time it is raised on also which time
 * that is and who acted.
 */
static void name_turn(const char *id, int64_t turn, const char *person, char key[static KEY_MAX])
{
    if (turn == 1)
        (void)snprintf(key, KEY_MAX, "%s", id);
    else
        (void)snprintf(key, KEY_MAX, "%s/%" PRId64 "%s%s", id, turn, person ? "/" : "",
                       person ? person : "");
}

/* Whether the return's trail and its appliance are told. */
static bool is_told(const struct exception *exception)
{
    return !exception->id && !of_no_return(&exception->correlation);
}

/* Asks the server ahead for what recording the event will need. */
static enum err ask_ahead(struct database *db, const struct id *correlation, enum event_type type,
                          const struct id *id, int64_t turn, struct fault *fault)
{
    char text[ID_TEXT + 1];
    char key[KEY_MAX];
    id_format(id, text);
    name_turn(text, turn, NULL, key);
    const struct centre_fact fact = {.correlation = *correlation, .type = type, .key = key};
    return centre_ask(db, &fact, fault);
}

static enum err record(struct database *db, const struct centre_fact *fact,
                       struct centre_queue *queue, char device[static DEVICE_ID_MAX + 1],
                       struct fault *fault)
{
    return queue ? centre_queue_add(queue, fact, fault) : centre_record(db, fact, device, fault);
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
    enum err err = ERR_OK;
    if (is_told(exception) && !exception->queue)
        err = ask_ahead(db, &exception->correlation, EVENT_EXCEPTION_RAISED, &id, 1, fault);
    if (!err)
        err = insert(db, exception, &id, &turn, fault);
    if (!err && turn < 0)
        err = reopen(db, exception, &turn, fault);
    if (err || !turn || !is_told(exception))
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
    return err ? err : record(db, &fact, exception->queue, device, fault);
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
    int64_t number;
    char code[CODE_MAX];
    struct id id;
    struct id correlation;
    int64_t turn;
    bool of_return;
    bool has_owner; /* who is asked for has it already */
};

static void read_found(struct statement *s, const char *person, struct found *found)
{
    struct slice code = column_slice(s, 0);
    *found = (struct found){.number = column_int(s, 5),
                            .turn = column_int(s, 3),
                            .has_owner = person && slice_is(column_slice(s, 4), person)};
    if (code.len < CODE_MAX)
        memcpy(found->code, code.data, code.len);
    found->of_return = column_bytes(s, 1, found->id.bytes, ID_BYTES) == ERR_OK &&
                       column_bytes(s, 2, found->correlation.bytes, ID_BYTES) == ERR_OK;
}

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
    read_found(s, step->person, found);
    statement_reset(s);
    return ERR_OK;
}

/* The step as an event of the return. */
static enum err tell(struct database *db, struct exception_step *step, const struct found *found,
                     const char *state, struct centre_queue *queue, struct fault *fault)
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
    return err ? err : record(db, &fact, queue, step->device, fault);
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
    return err ? err : tell(db, step, &found, "assigned", NULL, fault);
}

static enum err bind_resolved(struct database *db, int64_t number, const char *how, int64_t now_ms,
                              struct statement **ready, struct fault *fault)
{
    enum err err = database_statement(db, INGEST_EXCEPTION_RESOLVE, ready, fault);
    if (err)
        return err;
    bind_int(*ready, 1, number);
    bind_text(*ready, 2, how);
    bind_int(*ready, 3, now_ms);
    return ERR_OK;
}

static enum err mark_resolved(struct database *db, int64_t number, const char *how, int64_t now_ms,
                              struct fault *fault)
{
    struct statement *s;
    enum err err = bind_resolved(db, number, how, now_ms, &s, fault);
    return err ? err : run_change(db, s, fault);
}

enum err exception_resolve(struct database *db, struct exception_step *step, struct fault *fault)
{
    struct found found;
    enum err err = find(db, step, &found, fault);
    if (!err && found.of_return)
        err = ask_ahead(db, &found.correlation, EVENT_EXCEPTION_RESOLVED, &found.id, found.turn,
                        fault);
    if (!err)
        err = mark_resolved(db, step->number, step->how, step->now_ms, fault);
    return err ? err : tell(db, step, &found, "resolved", NULL, fault);
}

/* The statement, bound, finds it. */
static enum err settle(struct database *db, struct statement *s, const struct exception_end *end,
                       struct fault *fault)
{
    bool row;
    struct found found;
    struct exception_step step = {.how = end->how, .now_ms = end->now_ms};
    enum err err = database_step(db, s, &row, fault);
    if (err || !row)
        return err;
    read_found(s, NULL, &found);
    statement_reset(s);
    err = bind_resolved(db, found.number, end->how, end->now_ms, &s, fault);
    if (!err)
        err = database_send(db, s, fault);
    return err ? err : tell(db, &step, &found, "resolved", end->queue, fault);
}

enum err exception_settle(struct database *db, const char *code, int64_t subject, const char *how,
                          int64_t now_ms, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_EXCEPTION_OF_CENTRE, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, code);
    bind_text(s, 2, CENTRE_DEVICE);
    bind_int(s, 3, subject);
    const struct exception_end end = {.how = how, .now_ms = now_ms};
    return settle(db, s, &end, fault);
}

enum err exception_settle_of(struct database *db, const struct exception_end *end,
                             struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_EXCEPTION_OF_CENTRE_ABOUT, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, end->code);
    bind_text(s, 2, CENTRE_DEVICE);
    bind_blob(s, 3, end->correlation.bytes, ID_BYTES);
    bind_int(s, 4, end->subject);
    return settle(db, s, end, fault);
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
