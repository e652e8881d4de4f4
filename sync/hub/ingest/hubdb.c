#include "sync/hub/ingest/hubdb.h"
#include "hal/base/hex.h"
#include "hal/base/random.h"
#include "hal/storage.h"
#include "sync/hub/ingest/epoch_mark.h"
#include "sync/hub/ingest/ingest.sql.h"
#include "sync/hub/ingest/schema.sql.h"
#include "sync/hub/ingest/schema_fit.h"
#include "sync/hub/ingest/schema_pages.h"
#include "sync/hub/ingest/wal_check.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MS_PER_S = 1000,
    CACHE_KIB = 16 * 1024 /* of the indexes that every batch goes into */
};

/* A hub at work leaves others few moments in which they may write, and short ones. */
enum { BESIDE_TRIES = 15 * 1000, BESIDE_PAUSE_US = 2000 };

struct hubdb {
    struct database *db;
    char folder[PATH_MAX];
    bool on_server;
    int64_t epoch;
    int64_t generation;
    char place[DATABASE_PLACE_MAX];
    unsigned connected; /* the connection on which that was read */
    char group[EPOCH_MARK_GROUP_MAX + 1];
    bool restored;
};

static int64_t highest(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static bool is_restored(const struct hubdb *hub, const struct epoch_mark *row,
                        const struct epoch_mark *file, const char *place)
{
    bool behind = file->found && row->generation < file->generation;
    if (!row->found)
        return file->found;
    return hub->on_server ? behind || strcmp(row->place, place) != 0 : behind || !file->found;
}

static void make_group(char group[static EPOCH_MARK_GROUP_MAX + 1])
{
    uint8_t secret[EPOCH_MARK_GROUP_BYTES];
    random_fill(NULL, secret, sizeof secret);
    hex_encode(secret, sizeof secret, group);
}

/*
 * Judges the epoch. When several hubs begin at once the first one judges, and the others find what
 * it wrote.
 */
static enum err judge(struct hubdb *hub, int64_t now_ms, struct epoch_mark *next,
                      struct fault *fault)
{
    struct epoch_mark file = {0};
    struct epoch_mark row = {0};
    enum err err = epoch_mark_read_file(hub->folder, &file, fault);
    if (!err)
        err = epoch_mark_read(hub->db, &row, fault);
    if (!err)
        err = database_place(hub->db, next->place, fault);
    if (err)
        return err;
    hub->restored = is_restored(hub, &row, &file, next->place);
    next->epoch = highest(row.epoch, file.epoch);
    next->generation = highest(row.generation, file.generation) + 1;
    if (hub->restored || !row.found)
        next->epoch = highest(next->epoch + 1, now_ms / MS_PER_S);
    make_group(next->group); /* the row keeps the one that it has */
    return epoch_mark_write(hub->db, next, hub->restored, fault);
}

static void take_row(struct hubdb *hub, const struct epoch_mark *row)
{
    hub->epoch = row->epoch;
    hub->generation = row->generation;
    memcpy(hub->place, row->place, sizeof hub->place);
    memcpy(hub->group, row->group, sizeof hub->group);
}

/* The database first, then the file: a crash between them leaves the database ahead, which is
 * nothing to worry about. */
static enum err begin_generation(struct hubdb *hub, int64_t now_ms, struct fault *fault)
{
    struct epoch_mark next = {.found = true};
    struct epoch_mark row = {0};
    enum err err = database_begin(hub->db, fault);
    if (!err)
        err = judge(hub, now_ms, &next, fault);
    if (!err)
        err = epoch_mark_read(hub->db, &row, fault);
    if (!err)
        err = database_commit(hub->db, fault);
    if (err) {
        database_rollback(hub->db);
        return err;
    }
    take_row(hub, &row);
    return epoch_mark_write_file(hub->folder, &next, fault);
}

/* Whether it is the database that was opened, and has not gone back in time since. */
static enum err look_again(struct hubdb *hub, struct fault *fault)
{
    struct epoch_mark row = {0};
    char place[DATABASE_PLACE_MAX];
    enum err err = epoch_mark_read(hub->db, &row, fault);
    if (!err)
        err = database_place(hub->db, place, fault);
    if (err)
        return err;
    bool same = row.epoch == hub->epoch && row.generation >= hub->generation &&
                strcmp(place, hub->place) == 0;
    return same ? ERR_OK
                : fault_set(fault, ERR_FORKED, "",
                            "database: another is there now, which may know less: a standby that "
                            "took over, or a backup that was restored");
}

enum err hubdb_begin(struct hubdb *hub, struct fault *fault)
{
    enum err err = database_begin(hub->db, fault);
    unsigned connected = database_connected(hub->db);
    if (err || connected == hub->connected)
        return err;
    err = look_again(hub, fault);
    if (!err)
        hub->connected = connected;
    return err;
}

enum err hubdb_check(struct hubdb *hub, struct fault *fault)
{
    if (!hub->on_server)
        return ERR_OK;
    enum err err = database_begin(hub->db, fault);
    if (!err)
        err = look_again(hub, fault);
    if (!err)
        hub->connected = database_connected(hub->db);
    database_rollback(hub->db);
    return err;
}

bool hubdb_is_server(const char *path)
{
    return strncmp(path, "postgresql:", sizeof "postgresql:" - 1) == 0;
}

/*
 * SQLite goes on without what a damaged write-ahead log has lost, and removes the log at its
 * closing: before that the file says that the database is behind.
 */
static enum err note_lost_end(const struct hubdb_config *config, struct fault *fault)
{
    struct wal_found wal = {0};
    struct epoch_mark file = {0};
    enum err err = wal_check(config->path, &wal, fault);
    if (err || !wal.damaged_at)
        return err;
    err = epoch_mark_read_file(config->folder, &file, fault);
    file.generation++;
    return err || !file.found ? err : epoch_mark_write_file(config->folder, &file, fault);
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
    hub->connected = 1;
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

/* --- What is there --------------------------------------------------------------------------- */

/* Whether `sql` finds something. */
static enum err look_for(struct hubdb *hub, const char *sql, bool *found, struct fault *fault)
{
    struct statement *s;
    bool row = false;
    enum err err = database_prepare(hub->db, sql, &s, fault);
    if (err)
        return err;
    err = statement_step(s, &row, fault);
    *found = !err && row && column_int(s, 0) != 0;
    statement_close(s);
    return err;
}

static enum err not_a_hubs(struct hubdb *hub, const char *what, struct fault *fault)
{
    return fault_set(fault, ERR_NOT_FOUND, database_name(hub->db),
                     "%s; are --state and --db right?", what);
}

/* Refuses a file that has tables, but no hub's. On a server others may have some beside ours. */
static enum err refuse_foreign(struct hubdb *hub, int64_t version, struct fault *fault)
{
    bool hubs = false;
    bool others = false;
    bool appliances = false;
    if (hub->on_server && version == 0)
        return ERR_OK;
    if (hub->on_server) {
        enum err err = look_for(hub, "SELECT to_regclass('hub') IS NOT NULL", &hubs, fault);
        return err || hubs ? err : not_a_hubs(hub, "is another program's database", fault);
    }
    enum err err =
        look_for(hub, "SELECT count(*) FROM sqlite_master WHERE name = 'hub'", &hubs, fault);
    if (!err && !hubs)
        err = look_for(hub, "SELECT count(*) FROM sqlite_master", &others, fault);
    if (!err && others)
        err = look_for(hub, "SELECT count(*) FROM sqlite_master WHERE name = 'inbox_mark'",
                       &appliances, fault);
    if (err || !others)
        return err;
    return not_a_hubs(hub,
                      appliances ? "is an appliance's database, not a hub's"
                                 : "is another program's database",
                      fault);
}

/* That it is a hub's, of this version; or of an earlier one, if `older` may be. */
static enum err check(struct hubdb *hub, bool older, struct fault *fault)
{
    int64_t version = 0;
    enum err err = database_version(hub->db, &version, fault);
    if (!err)
        err = refuse_foreign(hub, version, fault);
    if (!err && version == 0)
        err = not_a_hubs(hub, "holds no hub's database; a hub makes it at its first start", fault);
    if (err || version >= (int64_t)SCHEMA_COUNT) /* whether it is too new */
        return err ? err : database_migrate(hub->db, schema_sql, SCHEMA_COUNT, fault);
    return older ? ERR_OK
                 : fault_set(fault, ERR_REFUSED, database_name(hub->db),
                             "the database has schema version %lld, this program needs %zu; start "
                             "the hub of this version once: it brings the database up to date",
                             (long long)version, (size_t)SCHEMA_COUNT);
}

static enum err migrate(struct hubdb *hub, struct fault *fault)
{
    int64_t version = 0;
    enum err err = database_version(hub->db, &version, fault);
    if (!err)
        err = refuse_foreign(hub, version, fault);
    return err ? err : database_migrate(hub->db, schema_sql, SCHEMA_COUNT, fault);
}

static enum err find_file(const char *path, struct fault *fault)
{
    struct stat found;
    if (stat(path, &found) != 0 && errno == ENOENT)
        return fault_set(
            fault, ERR_NOT_FOUND, path,
            "no hub's database is here; name the folder that the hub has as --state, or "
            "its database as --db");
    if (access(path, R_OK) != 0)
        return fault_errno(fault, errno, path, "open the hub's database");
    return S_ISREG(found.st_mode)
               ? ERR_OK
               : fault_set(fault, ERR_NOT_FOUND, path, "is no file; are --state and --db right?");
}

static enum err open_checked(struct hubdb **out, const struct hubdb_config *config, bool read_only,
                             bool older, struct fault *fault)
{
    struct hubdb *hub = NULL;
    enum err err = open_handle(&hub, config, read_only, fault);
    if (!err)
        err = check(hub, older, fault);
    if (err) {
        hubdb_close(hub);
        return err;
    }
    *out = hub;
    return ERR_OK;
}

/* Opens a database that exists; one that is not a hub's is only read, never changed. */
static enum err open_existing(struct hubdb **out, const struct hubdb_config *config, bool read_only,
                              bool older, struct fault *fault)
{
    struct hubdb *hub = NULL;
    bool server = hubdb_is_server(config->path);
    enum err err = server ? ERR_OK : find_file(config->path, fault);
    if (!err && !server && !read_only)
        err = note_lost_end(config, fault);
    if (!err)
        err = open_checked(&hub, config, read_only || !server, older, fault);
    if (!err && !server && !read_only) {
        hubdb_close(hub);
        err = open_checked(&hub, config, false, older, fault);
    }
    if (err == ERR_CORRUPT)
        return fault_set(fault, err, config->path,
                         "is no database, or damaged; if it is the hub's: tillback-hub rescue, and "
                         "where that can't help, restore");
    if (!err)
        *out = hub;
    return err;
}

/* --- Opening --------------------------------------------------------------------------------- */

static enum err open_or_make(struct hubdb **hub, const struct hubdb_config *config,
                             struct fault *fault)
{
    enum err err = hubdb_is_server(config->path) ? ERR_OK : note_lost_end(config, fault);
    return err ? err : open_handle(hub, config, false, fault);
}

enum err hubdb_open(struct hubdb **out, const struct hubdb_config *config, struct fault *fault)
{
    struct hubdb *hub = NULL;
    enum err err = open_or_make(&hub, config, fault);
    if (!err)
        err = migrate(hub, fault);
    if (!err && !hub->on_server)
        err = schema_fit(config->path, config->vfs, true, fault);
    if (!err)
        err = begin_generation(hub, config->now_ms, fault);
    if (err) {
        hubdb_close(hub);
        return err;
    }
    schema_pages_keep(hub->db, config);
    *out = hub;
    return ERR_OK;
}

enum err hubdb_open_resting(struct hubdb **out, const struct hubdb_config *config, bool may_make,
                            struct fault *fault)
{
    struct hubdb *hub = NULL;
    struct epoch_mark row = {0};
    enum err err = may_make ? open_or_make(&hub, config, fault)
                            : open_existing(&hub, config, false, true, fault);
    if (!err)
        err = migrate(hub, fault);
    if (!err)
        err = epoch_mark_read(hub->db, &row, fault);
    if (!err && row.found)
        take_row(hub, &row);
    else if (!err)
        err = begin_generation(hub, config->now_ms, fault);
    if (err) {
        hubdb_close(hub);
        return err;
    }
    *out = hub;
    return ERR_OK;
}

/* SQLite's own pauses grow to 100 ms and would miss gaps shorter than a millisecond. */
static int pause_beside(void *context, int tries)
{
    (void)context;
    (void)usleep(BESIDE_PAUSE_US);
    return tries < BESIDE_TRIES;
}

enum err hubdb_open_beside(struct hubdb **out, const struct hubdb_config *config, bool read_only,
                           struct fault *fault)
{
    struct hubdb *hub = NULL;
    struct epoch_mark row = {0};
    enum err err = open_existing(&hub, config, read_only, false, fault);
    if (!err)
        err = epoch_mark_read(hub->db, &row, fault);
    if (err) {
        hubdb_close(hub);
        return err;
    }
    take_row(hub, &row);
    if (!read_only && !hub->on_server)
        (void)sqlite3_busy_handler(database_handle(hub->db), pause_beside, NULL);
    *out = hub;
    return ERR_OK;
}

enum err hubdb_open_copy(struct hubdb **out, const struct hubdb_config *config, struct fault *fault)
{
    return open_existing(out, config, true, true, fault);
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
    enum err err = open_existing(&hub, config, false, true, fault);
    if (!err)
        err = epoch_mark_forget_place(hub->db, fault);
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
    return database_connected(hub->db) == hub->connected ? news : 0;
}

enum err hubdb_next_generation(struct hubdb *hub, struct fault *fault)
{
    struct epoch_mark next = {0};
    enum err err = database_begin(hub->db, fault);
    if (!err)
        err = epoch_mark_read(hub->db, &next, fault);
    next.generation++;
    if (!err)
        err = epoch_mark_write(hub->db, &next, false, fault);
    if (!err)
        err = database_commit(hub->db, fault);
    if (err)
        database_rollback(hub->db);
    else
        err = epoch_mark_write_file(hub->folder, &next, fault);
    if (!err)
        hub->generation = next.generation;
    return err;
}
