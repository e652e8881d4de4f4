#include "sync/eventlog/views.h"
#include "sync/eventlog/checkpoint.h"
#include "sync/eventlog/log.sql.h"
#include "sync/eventlog/record.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum err views_attach(struct views *views, struct database *db, const struct eventlog_view *list,
                      size_t count, struct fault *fault)
{
    struct views made = {.db = db, .list = list, .count = count};
    made.statements = calloc(count + 1, sizeof(struct database_statements *));
    if (!made.statements)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    for (size_t i = 0; i < count; i++) {
        enum err err = database_attach(db, list[i].statements, list[i].statement_count,
                                       &made.statements[i], fault);
        if (err) {
            views_detach(&made);
            return err;
        }
    }
    *views = made;
    return ERR_OK;
}

void views_detach(struct views *views)
{
    free(views->statements);
    *views = (struct views){0};
}

struct database_statements *views_find(const struct views *views, const char *name)
{
    for (size_t i = 0; i < views->count; i++)
        if (strcmp(views->list[i].name, name) == 0)
            return views->statements[i];
    return NULL;
}

static enum err apply_one(struct views *views, size_t i, const struct eventlog_record *record,
                          struct fault *fault)
{
    const struct eventlog_view *view = &views->list[i];
    enum err err = view->apply(view->context, views->statements[i], record, fault);
    return err ? fault_wrap(fault, err, view->name) : ERR_OK;
}

enum err views_apply(struct views *views, const struct eventlog_record *record, struct fault *fault)
{
    enum err err = ERR_OK;
    for (size_t i = 0; i < views->count && !err; i++)
        err = apply_one(views, i, record, fault);
    return err;
}

/* --- Rebuilding ------------------------------------------------------------------------------ */

struct chosen {
    struct views *views;
    const bool *which; /* NULL: all */
};

static enum err apply_chosen(void *context, const struct eventlog_record *record,
                             struct fault *fault)
{
    struct chosen *chosen = context;
    enum err err = ERR_OK;
    for (size_t i = 0; i < chosen->views->count && !err; i++)
        if (!chosen->which || chosen->which[i])
            err = apply_one(chosen->views, i, record, fault);
    return err;
}

static enum err put_version(struct database *db, const struct eventlog_view *view,
                            struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, LOG_VIEW_PUT, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, view->name);
    bind_int(s, 2, view->version);
    return database_run(db, s, fault);
}

static enum err make_again(struct database *db, const struct eventlog_view *view,
                           struct fault *fault)
{
    enum err err = database_script(db, view->drop, fault);
    if (!err)
        err = database_script(db, view->create, fault);
    if (!err)
        err = put_version(db, view, fault);
    return err ? fault_wrap(fault, err, view->name) : ERR_OK;
}

static enum err rebuild(struct views *views, const bool *which, struct fault *fault)
{
    database_reset(views->db); /* a statement standing on a row would hold its table */
    enum err err = ERR_OK;
    for (size_t i = 0; i < views->count && !err; i++)
        if (!which || which[i])
            err = make_again(views->db, &views->list[i], fault);
    struct chosen chosen = {views, which};
    int64_t after = 0;
    if (!err)
        err = checkpoint_load(views, which, views->db, &after, fault);
    return err ? err : record_replay(views->db, after, INT64_MAX, apply_chosen, &chosen, fault);
}

enum err views_rebuild(struct views *views, struct fault *fault)
{
    return rebuild(views, NULL, fault);
}

enum err views_fill_from(struct views *views, struct database *source, struct fault *fault)
{
    enum err err = ERR_OK;
    for (size_t i = 0; i < views->count && !err; i++)
        err = database_script(views->db, views->list[i].create, fault);
    struct chosen chosen = {views, NULL};
    int64_t after = 0;
    if (!err)
        err = checkpoint_load(views, NULL, source, &after, fault);
    return err ? err : record_replay(source, after, INT64_MAX, apply_chosen, &chosen, fault);
}

/* --- At start -------------------------------------------------------------------------------- */

static enum err is_current(struct database *db, const struct eventlog_view *view, bool *current,
                           struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, LOG_VIEW_VERSION, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, view->name);
    bool there;
    err = database_step(db, s, &there, fault);
    if (err)
        return err;
    *current = there && column_int(s, 0) == view->version;
    statement_reset(s);
    return ERR_OK;
}

static enum err forget(struct database *db, const char *name, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, LOG_VIEW_FORGET, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, name);
    return database_run(db, s, fault);
}

/* A view that nobody feeds now would be stale when it is registered again. */
static enum err forget_unregistered(struct views *views, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(views->db, LOG_VIEW_NAMES, &s, fault);
    bool there = true;
    while (!err && there) {
        err = database_step(views->db, s, &there, fault);
        const char *name = there && !err ? column_text(s, 0) : NULL;
        if (name && !views_find(views, name))
            err = forget(views->db, name, fault);
    }
    if (!err)
        statement_reset(s);
    return err;
}

enum err views_catch_up(struct views *views, size_t *rebuilt, struct fault *fault)
{
    enum err err = forget_unregistered(views, fault);
    bool *stale = calloc(views->count + 1, sizeof *stale);
    if (!stale)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    size_t count = 0;
    for (size_t i = 0; i < views->count && !err; i++) {
        bool current = false;
        err = is_current(views->db, &views->list[i], &current, fault);
        stale[i] = !current;
        count += stale[i];
    }
    if (!err && count)
        err = rebuild(views, stale, fault);
    free(stale);
    if (!err)
        *rebuilt = count;
    return err;
}
