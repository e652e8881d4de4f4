#include "sync/hub/ingest/schema_fit.h"
#include "hal/database.h"
#include "sync/hub/ingest/ingest.sql.h"
#include "sync/hub/ingest/schema.sql.h"

enum err schema_fit(const char *path, const char *vfs, bool read_only, struct fault *fault)
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
    if (!err && version == SCHEMA_COUNT)
        err = database_prepare_all(db, fault);
    database_close(db);
    return err;
}
