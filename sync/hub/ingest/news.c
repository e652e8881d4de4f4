#include "sync/hub/ingest/news.h"

#include "sync/hub/ingest/ingest.sql.h"

#include <stdio.h>

enum err news_tell(struct database *db, int64_t log_no, int64_t now_ms, struct news *news,
                   struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(db, INGEST_LOG_NEWS, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, log_no);
    bind_int(s, 2, now_ms);
    err = database_step(db, s, &row, fault);
    if (err)
        return err;
    if (row && news->log_count < NEWS_LOGS_MAX) {
        struct news_log *log = &news->logs[news->log_count];
        struct slice device = column_slice(s, 1);
        (void)snprintf(log->device, sizeof log->device, "%.*s", (int)device.len, device.data);
        if (column_bytes(s, 0, log->id.bytes, ID_BYTES) == ERR_OK)
            news->log_count++;
    }
    statement_reset(s);
    return ERR_OK;
}
