#include "sync/hub/ingest/log_exception.h"
#include "sync/hub/ingest/exception_target.h"
#include "sync/hub/ingest/ingest.sql.h"

enum { HOUR_MS = 60 * 60 * 1000 };

enum err log_exception_raise(struct database *db, const char *code, const char *device,
                             const struct id *log, int64_t seq, const char *detail, int64_t now_ms,
                             struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_EXCEPTION_RAISE, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, code);
    bind_text(s, 2, device);
    bind_blob(s, 3, log->bytes, ID_BYTES);
    bind_int(s, 4, seq);
    bind_text(s, 5, detail);
    bind_int(s, 6, now_ms);
    bind_text(s, 7, exception_team(code));
    bind_int(s, 8, now_ms + exception_target_hours(code) * HOUR_MS);
    return database_send(db, s, fault);
}
