#include "sync/hub/connector_command.h"
#include "hal/base/cleanup.h"
#include "hal/base/rfc3339.h"
#include "sync/hub/ingest/ingest.sql.h"
#include "sync/hub/web/listing.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { JSON_MAX = 1024 * 1024 };

/* As the statement's columns stand. */
enum { KIND = 1, NAME, SYSTEM, CIRCUIT, WAITING, OLDEST, PARKED, MOST, FAILURES, SINCE, NEXT };
enum { ANSWERED = NEXT + 1, FAILED, CODE, DETAIL };

static void print_time(const char *before, struct statement *s, int column)
{
    char text[RFC3339_TEXT + 1];
    if (column_is_null(s, column))
        return;
    rfc3339_format(column_int(s, column), text);
    (void)printf("%s%s", before, text);
}

static void print_connector(struct statement *s)
{
    (void)printf("%s %s (%s): %s", column_text(s, KIND), column_text(s, NAME),
                 column_text(s, SYSTEM), column_int(s, FAILURES) ? "doesn't answer" : "answers");
    if (column_int(s, FAILURES)) {
        (void)printf(", %" PRId64 " times", (int64_t)column_int(s, FAILURES));
        print_time(" since ", s, SINCE);
        print_time("; next try ", s, NEXT);
    }
    (void)printf("\n    %" PRId64 " wait", (int64_t)column_int(s, WAITING));
    print_time(", the oldest since ", s, OLDEST);
    (void)printf("; %" PRId64 " are parked", (int64_t)column_int(s, PARKED));
    if (column_int(s, MOST))
        (void)printf("; at most %" PRId64 " a minute", (int64_t)column_int(s, MOST));
    print_time("; answered last ", s, ANSWERED);
    if (!column_is_null(s, FAILED)) {
        print_time("\n    latest failure ", s, FAILED);
        (void)printf(": %s: %s", column_text(s, CODE), column_text(s, DETAIL));
    }
    (void)printf("\n");
}

static enum err list(struct database *db, bool as_json, int64_t now_ms, struct fault *fault)
{
    struct buf json CLEANUP(buf_free);
    struct statement *s;
    bool row = true;
    bool any = false;
    buf_init(&json, JSON_MAX);
    enum err err = database_statement(db, INGEST_CONNECTORS, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, now_ms);
    struct jsonw w = jsonw_to(&json);
    jsonw_object(&w, NULL);
    jsonw_array(&w, "connectors");
    while ((err = database_step(db, s, &row, fault)) == ERR_OK && row) {
        any = true;
        jsonw_object(&w, NULL);
        listing_row(&w, s);
        jsonw_end(&w);
        if (!as_json)
            print_connector(s);
    }
    jsonw_end(&w);
    jsonw_end(&w);
    statement_reset(s);
    if (!err)
        err = buf_check(&json, fault, "connectors");
    if (!err && as_json)
        (void)printf("%s\n", json.data);
    else if (!err && !any)
        (void)printf("There are none: see posting.connector, payment.provider and outlets.file.\n");
    return err;
}

enum err connector_run(const struct hubdb_config *config, int count, char *const *words,
                       struct fault *fault)
{
    bool as_json = count == 2 && strcmp(words[1], "--json") == 0;
    struct hubdb *hub = NULL;
    if (!count || strcmp(words[0], "list") != 0 || (count > 1 && !as_json))
        return fault_set(fault, ERR_INVALID, "connector", "is used as: connector list [--json]");
    enum err err = hubdb_open_beside(&hub, config, true, fault);
    if (!err)
        err = list(hubdb_database(hub), as_json, config->now_ms, fault);
    hubdb_close(hub);
    return err;
}
