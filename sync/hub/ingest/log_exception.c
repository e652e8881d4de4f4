#include "sync/hub/ingest/log_exception.h"
#include "sync/hub/ingest/exception_target.h"
#include "sync/hub/ingest/ingest.sql.h"

enum { HOUR_MS = 60 * 60 * 1000 };

enum err log_exception_raise(struct database *db, const struct log_exception *exception,
                             struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_EXCEPTION_RAISE, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, exception->code);
    bind_text(s, 2, exception->device);
    bind_blob(s, 3, exception->log.bytes, ID_BYTES);
    bind_int(s, 4, exception->seq);
    bind_text(s, 5, exception->detail);
    bind_int(s, 6, exception->now_ms);
    bind_text(s, 7, exception_team(exception->code));
    bind_int(s, 8, exception->now_ms + exception_target_hours(exception->code) * HOUR_MS);
    return database_send(db, s, fault);
}
