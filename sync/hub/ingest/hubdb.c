#include "sync/hub/ingest/hubdb.h"
#include "hal/base/cleanup.h"
#include "hal/base/hex.h"
#include "hal/base/json.h"
#include "hal/base/jsonw.h"
#include "hal/base/random.h"
#include "hal/storage.h"
#include "sync/hub/ingest/ingest.sql.h"
#include "sync/hub/ingest/schema.sql.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    EPOCH_FILE_MAX = 256,
    MS_PER_S = 1000,
    CACHE_KIB = 16 * 1024 /* of the indexes that every batch goes into */
};

struct hubdb {
    struct database *db;
    char folder[PATH_MAX];
    bool on_server;
    int64_t epoch;
    int64_t generation;
    char group[HUBDB_GROUP_MAX + 1];
    bool restored;
};

/* What the file beside the database, or the database, says of itself. */
struct mark {
    bool found;
    int64_t epoch;
    int64_t generation;
    char place[DATABASE_PLACE_MAX];  /* the row's only */
    char group[HUBDB_GROUP_MAX + 1]; /* the row's only */
};

static enum err mark_path(const char *folder, char path[static PATH_MAX], struct fault *fault)
{
    if (storage_path(path, PATH_MAX, folder, "epoch") != ERR_OK)
        return fault_set(fault, ERR_TOO_LARGE, folder, "the path is too long");
    return ERR_OK;
}

/* A file that can't be read as what it should be counts as lost. */
static enum err read_file(const char *folder, struct mark *mark, struct fault *fault)
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

static enum err write_file(const char *folder, const struct mark *mark, struct fault *fault)
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

static enum err read_row(struct database *db, struct mark *mark, struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_first(db, INGEST_HUB_READ, &s, &row, fault);
    if (err)
        return err;
    if (row) {
        *mark = (struct mark){true, column_int(s, 0), column_int(s, 1), "", ""};
        (void)snprintf(mark->place, sizeof mark->place, "%s", column_text(s, 2));
        (void)snprintf(mark->group, sizeof mark->group, "%s", column_text(s, 3));
    }
    statement_reset(s);
    return ERR_OK;
}

static enum err write_row(struct database *db, const struct mark *mark, struct fault *fault)
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

/* Messages that wait are numbered anew from 1 under a new epoch. */
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

static int64_t highest(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static enum err commit_mark(struct database *db, const struct mark *mark, bool new_epoch,
                            struct fault *fault)
{
    enum err err = database_begin(db, fault);
    if (!err)
        err = write_row(db, mark, fault);
    if (!err && new_epoch)
        err = restart_inboxes(db, fault);
    if (!err)
        err = database_commit(db, fault);
    if (err)
        database_rollback(db);
    return err;
}

static bool is_restored(const struct hubdb *hub, const struct mark *row, const struct mark *file,
                        const char *place)
{
    bool behind = file->found && row->generation < file->generation;
    if (!row->found)
        return file->found;
    return hub->on_server ? behind || strcmp(row->place, place) != 0 : behind || !file->found;
}

static void make_group(char group[static HUBDB_GROUP_MAX + 1])
{
    uint8_t secret[HUBDB_GROUP_BYTES];
    random_fill(NULL, secret, sizeof secret);
    hex_encode(secret, sizeof secret, group);
}

/* The database first, then the file: a crash between them leaves the database ahead, which is
 * nothing to worry about. */
static enum err begin_generation(struct hubdb *hub, int64_t now_ms, struct fault *fault)
{
    struct mark file = {0};
    struct mark row = {0};
    struct mark next = {.found = true};
    enum err err = read_file(hub->folder, &file, fault);
    if (!err)
        err = read_row(hub->db, &row, fault);
    if (!err)
        err = database_place(hub->db, next.place, fault);
    if (err)
        return err;
    hub->restored = is_restored(hub, &row, &file, next.place);
    next.epoch = highest(row.epoch, file.epoch);
    next.generation = highest(row.generation, file.generation) + 1;
    if (hub->restored || !row.found)
        next.epoch = highest(next.epoch + 1, now_ms / MS_PER_S);
    make_group(next.group); /* the row keeps the one that it has */
    err = commit_mark(hub->db, &next, hub->restored, fault);
    if (!err)
        err = write_file(hub->folder, &next, fault);
    if (!err)
        err = read_row(hub->db, &row, fault);
    if (err)
        return err;
    memcpy(hub->group, row.group, sizeof hub->group);
    hub->epoch = next.epoch;
    hub->generation = next.generation;
    return ERR_OK;
}

bool hubdb_is_server(const char *path)
{
    return strncmp(path, "postgresql:", sizeof "postgresql:" - 1) == 0;
}

static enum err open_handle(struct hubdb **out, const struct hubdb_config *config, bool read_only,
                            struct fault *fault)
{
    struct hubdb *hub = calloc(1, sizeof *hub);
    if (!hub)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    const struct database_config db = {
        .path = config->path,
        .vfs = config->vfs,
        .read_only = read_only,
        .cache_kib = read_only ? 0 : CACHE_KIB,
        .statements = ingest_sql,
        .statement_count = INGEST_COUNT,
        .backend = hubdb_is_server(config->path) ? &database_postgresql : NULL,
    };
    hub->on_server = db.backend != NULL;
    enum err err = ERR_OK;
    if (storage_path(hub->folder, sizeof hub->folder, config->folder, "") != ERR_OK)
        err = fault_set(fault, ERR_TOO_LARGE, config->folder, "the path is too long");
    if (!err)
        err = database_open(&hub->db, &db, fault);
    if (err) {
        hubdb_close(hub);
        return err;
    }
    *out = hub;
    return ERR_OK;
}

enum err hubdb_open(struct hubdb **out, const struct hubdb_config *config, struct fault *fault)
{
    struct hubdb *hub = NULL;
    enum err err = open_handle(&hub, config, false, fault);
    if (!hub)
        return err;
    err = database_migrate(hub->db, schema_sql, SCHEMA_COUNT, fault);
    if (!err)
        err = begin_generation(hub, config->now_ms, fault);
    if (err) {
        hubdb_close(hub);
        return err;
    }
    *out = hub;
    return ERR_OK;
}

enum err hubdb_open_beside(struct hubdb **out, const struct hubdb_config *config, bool read_only,
                           struct fault *fault)
{
    struct hubdb *hub = NULL;
    struct mark row = {0};
    enum err err = open_handle(&hub, config, read_only, fault);
    if (!hub)
        return err;
    err = read_row(hub->db, &row, fault);
    if (err) {
        hubdb_close(hub);
        return err;
    }
    hub->epoch = row.epoch;
    hub->generation = row.generation;
    memcpy(hub->group, row.group, sizeof hub->group);
    *out = hub;
    return ERR_OK;
}

void hubdb_close(struct hubdb *hub)
{
    if (!hub)
        return;
    database_close(hub->db);
    free(hub);
}

struct database *hubdb_database(struct hubdb *hub)
{
    return hub->db;
}

bool hubdb_on_server(const struct hubdb *hub)
{
    return hub->on_server;
}

int64_t hubdb_epoch(const struct hubdb *hub)
{
    return hub->epoch;
}

const char *hubdb_group(const struct hubdb *hub)
{
    return hub->group;
}

bool hubdb_restored(const struct hubdb *hub)
{
    return hub->restored;
}

enum err hubdb_forget_place(const struct hubdb_config *config, struct fault *fault)
{
    struct hubdb *hub = NULL;
    enum err err = hubdb_open_beside(&hub, config, false, fault);
    if (!err)
        err = run_plain(hub->db, INGEST_HUB_FORGET_PLACE, fault);
    hubdb_close(hub);
    return err;
}

int64_t hubdb_news(struct hubdb *hub)
{
    struct statement *s;
    int64_t news = 0;
    bool row;
    enum err err = hub->on_server
                       ? database_prepare(hub->db, ingest_sql[INGEST_HUB_NEWS].text, &s, NULL)
                       : database_prepare(hub->db, "PRAGMA data_version", &s, NULL);
    if (err)
        return 0;
    if (statement_step(s, &row, NULL) == ERR_OK && row)
        news = column_int(s, 0);
    statement_close(s);
    return news;
}

enum err hubdb_next_generation(struct hubdb *hub, struct fault *fault)
{
    struct mark next = {0};
    enum err err = read_row(hub->db, &next, fault);
    next.generation++;
    if (!err)
        err = commit_mark(hub->db, &next, false, fault);
    if (!err)
        err = write_file(hub->folder, &next, fault);
    if (!err)
        hub->generation = next.generation;
    return err;
}
