#include "sync/hub/ingest/epoch_mark.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"
#include "hal/base/jsonw.h"
#include "hal/storage.h"
#include "sync/hub/ingest/ingest.sql.h"

#include <limits.h>
#include <stdio.h>

enum { EPOCH_FILE_MAX = 256 };

static enum err mark_path(const char *folder, char path[static PATH_MAX], struct fault *fault)
{
    if (storage_path(path, PATH_MAX, folder, "epoch") != ERR_OK)
        return fault_set(fault, ERR_TOO_LARGE, folder, "the path is too long");
    return ERR_OK;
}

enum err epoch_mark_read_file(const char *folder, struct epoch_mark *mark, struct fault *fault)
{
    char path[PATH_MAX];
    struct buf text CLEANUP(buf_free);
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    buf_init(&text, EPOCH_FILE_MAX);
    enum err err = mark_path(folder, path, fault);
    if (!err)
        err = storage_read(path, &text, fault);
    if (err == ERR_NOT_FOUND || err == ERR_TOO_LARGE)
        return ERR_OK;
    if (err || json_parse(buf_slice(&text), JSON_LIMITS_DEFAULT, &doc, NULL) != ERR_OK)
        return err;
    mark->epoch = json_member_int(doc, "epoch", 0);
    mark->generation = json_member_int(doc, "generation", 0);
    mark->found = mark->epoch > 0 && mark->generation > 0;
    return ERR_OK;
}

enum err epoch_mark_write_file(const char *folder, const struct epoch_mark *mark,
                               struct fault *fault)
{
    char path[PATH_MAX];
    struct buf text CLEANUP(buf_free);
    buf_init(&text, EPOCH_FILE_MAX);
    struct jsonw w = jsonw_to(&text);
    jsonw_object(&w, NULL);
    jsonw_int(&w, "epoch", mark->epoch);
    jsonw_int(&w, "generation", mark->generation);
    jsonw_end(&w);
    enum err err = buf_check(&text, fault, "epoch");
    if (!err)
        err = mark_path(folder, path, fault);
    return err ? err : storage_replace(path, buf_slice(&text), 0600, fault);
}

enum err epoch_mark_read(struct database *db, struct epoch_mark *mark, struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_first(db, INGEST_HUB_READ, &s, &row, fault);
    if (err)
        return err;
    if (row) {
        *mark = (struct epoch_mark){true, column_int(s, 0), column_int(s, 1), "", ""};
        (void)snprintf(mark->place, sizeof mark->place, "%s", column_text(s, 2));
        (void)snprintf(mark->group, sizeof mark->group, "%s", column_text(s, 3));
    }
    statement_reset(s);
    return ERR_OK;
}

static enum err write_row(struct database *db, const struct epoch_mark *mark, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_HUB_WRITE, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, mark->epoch);
    bind_int(s, 2, mark->generation);
    bind_text(s, 3, mark->place);
    bind_text(s, 4, mark->group);
    return database_run(db, s, fault);
}

static enum err run_plain(struct database *db, size_t statement, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, statement, &s, fault);
    return err ? err : database_run(db, s, fault);
}

static enum err restart_inboxes(struct database *db, struct fault *fault)
{
    static const size_t steps[] = {INGEST_INBOX_DROP_TAKEN, INGEST_INBOX_RENUMBER,
                                   INGEST_INBOX_DROP_OLD,   INGEST_INBOX_RESTORE,
                                   INGEST_INBOX_RESTART,    INGEST_ERASURE_DROP_TAKEN,
                                   INGEST_ERASURE_RENUMBER};
    enum err err = ERR_OK;
    for (size_t i = 0; !err && i < sizeof steps / sizeof *steps; i++)
        err = run_plain(db, steps[i], fault);
    return err;
}

enum err epoch_mark_write(struct database *db, const struct epoch_mark *mark, bool new_epoch,
                          struct fault *fault)
{
    enum err err = write_row(db, mark, fault);
    return err || !new_epoch ? err : restart_inboxes(db, fault);
}

enum err epoch_mark_forget_place(struct database *db, struct fault *fault)
{
    return run_plain(db, INGEST_HUB_FORGET_PLACE, fault);
}
