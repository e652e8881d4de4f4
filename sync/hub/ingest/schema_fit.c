#include "sync/hub/ingest/schema_fit.h"
#include "hal/database.h"
#include "sync/hub/ingest/ingest.sql.h"
#include "sync/hub/ingest/schema.sql.h"
#include "sync/hub/ingest/schema_shape.h"

static enum err fit(const char *path, const char *vfs, bool read_only, bool *ours,
                    struct fault *fault)
{
    const struct database_config config = {
        .path = path,
        .vfs = vfs,
        .read_only = read_only,
        .statements = ingest_sql,
        .statement_count = INGEST_COUNT,
    };
    struct database *db = NULL;
    int64_t version = 0;
    enum err err = database_open(&db, &config, fault);
    if (!err) {
        database_keep_wal(db, true);
        err = database_script(db, "SELECT count(*) FROM sqlite_schema", fault);
    }
    if (!err)
        err = database_version(db, &version, fault);
    *ours = !err && version == SCHEMA_COUNT;
    if (*ours)
        err = database_prepare_all(db, fault);
    if (*ours && !err)
        err = schema_shape_check(db, fault);
    database_close(db);
    return err;
}

enum err schema_fit(const char *path, const char *vfs, bool read_only, struct fault *fault)
{
    bool ours;
    enum err err = fit(path, vfs, true, &ours, fault);
    if (!err && ours && !read_only) /* opening for writing would change somebody else's file */
        err = fit(path, vfs, false, &ours, fault);
    return err;
}
