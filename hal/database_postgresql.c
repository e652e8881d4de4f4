#include "hal/postgresql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Writers hold it for the length of a transaction: one at a time, as with SQLite. Nearly all that a
 * hub writes ends in one order: the events' numbers, by which the books go on; the order in which
 * events were applied; the entries' numbers; the chain of the centre's own log, to which each step
 * of booking, posting and reconciling adds. Writers side by side would meet in its rows, whoever
 * came first holding them to the end of its transaction, and in those of appliances in ever another
 * order, which is a deadlock. So they take turns, and what counts is that a turn is short: few
 * waits for the server (database_send, database_ask), many rows in each.
 */
#define WRITER_LOCK "pg_advisory_xact_lock(1414548556, hashtext(current_schema()))"
/* The one that leads holds it for as long as its connection lasts. */
#define LEADER_LOCK "pg_try_advisory_lock(1414548557, hashtext(current_schema() || '/%s'))"

/* --- Errors ---------------------------------------------------------------------------------- */

static enum err code_of(const char *state)
{
    static const struct {
        const char *prefix;
        enum err code;
    } classes[] = {
        {"23", ERR_CONFLICT},    {"53100", ERR_DISK_FULL}, {"53200", ERR_NO_MEMORY},
        {"53", ERR_BUSY},        {"40", ERR_BUSY},         {"55P03", ERR_BUSY},
        {"57", ERR_UNREACHABLE}, {"08", ERR_UNREACHABLE},  {"25006", ERR_READ_ONLY},
        {"28", ERR_FORBIDDEN},   {"3D000", ERR_NOT_FOUND}, {"22", ERR_INVALID},
        {"XX001", ERR_CORRUPT},  {"XX002", ERR_CORRUPT},   {"25P03", ERR_UNREACHABLE},
    };
    for (size_t i = 0; state && i < sizeof classes / sizeof *classes; i++)
        if (strncmp(state, classes[i].prefix, strlen(classes[i].prefix)) == 0)
            return classes[i].code;
    return ERR_IO;
}

enum err postgresql_fail(struct database *db, const PGresult *result, struct fault *fault)
{
    struct server *server = db->native;
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *text = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    /*
     * A result without a state is libpq's own: the connection is lost, though its status may not
     * say so yet.
     */
    bool lost = PQstatus(server->connection) != CONNECTION_OK || (result && !state);
    if (server->silent)
        text = "the server is silent";
    else if (!text || !*text)
        text = PQerrorMessage(server->connection);
    int len = (int)strcspn(text, "\n");
    enum err code = lost ? ERR_UNREACHABLE : code_of(state);
    server->stale |= lost || code == ERR_READ_ONLY;
    return fault_set(fault, code, "", "database: %.*s", len, text);
}

/* --- The connection -------------------------------------------------------------------------- */

/*
 * A writer's statements find rows by an index. The server plans them once, maybe while a table is
 * still empty, and keeps the plan when it has grown: so it must never plan to read all of one, nor
 * (since it takes what it must read all the same for costly) to compile that.
 */
static const char writer_session[] =
    "SET enable_seqscan = off; SET jit = off;"
    /* A writer that is frozen, or gone without a word, doesn't keep its turn from the others. */
    "SET idle_in_transaction_session_timeout = '15s'; SET tcp_user_timeout = '15s';"
    "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 2;"
    /* Quick rather than small, where the server knows how (14 and later). */
    "SELECT set_config(name, 'lz4', false) FROM pg_settings"
    " WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)";

static enum err begin_session(struct database *db, struct fault *fault)
{
    struct server *server = db->native;
    if (PQstatus(server->connection) != CONNECTION_OK)
        return postgresql_fail(db, NULL, fault);
    return db->read_only ? ERR_OK : postgresql_run(db, writer_session, fault);
}

static enum err open_server(struct database *db, const struct database_config *config,
                            struct fault *fault)
{
    struct server *server = calloc(1, sizeof *server);
    if (!server)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    db->native = server;
    server->uri = strdup(config->path);
    if (!server->uri)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    server->connection = postgresql_dial(server->uri);
    server->connected = 1;
    return begin_session(db, fault);
}

static void close_server(struct database *db)
{
    struct server *server = db->native;
    if (!server)
        return;
    postgresql_end_hurry(server);
    PQfinish(server->connection);
    free(server->uri);
    free(server);
}

enum err postgresql_connect(struct database *db, struct fault *fault)
{
    struct server *server = db->native;
    /* One that couldn't leave pipeline mode, for want of memory, is as good as lost. */
    bool stuck = !server->sent && PQpipelineStatus(server->connection) != PQ_PIPELINE_OFF;
    if (PQstatus(server->connection) == CONNECTION_OK && !stuck && !server->stale)
        return ERR_OK;
    enum err err = postgresql_renew(db, fault);
    return err ? err : begin_session(db, fault);
}

/* --- What is sent without waiting ------------------------------------------------------------ */

static bool is_success(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

enum err postgresql_begin_sending(struct database *db, struct fault *fault)
{
    struct server *server = db->native;
    enum err err = postgresql_send_gathered(db, fault);
    if (err || server->sent || PQenterPipelineMode(server->connection) == 1)
        return err;
    return postgresql_fail(db, NULL, fault);
}

/*
 * The results up to the synchronisation. NULL stands between them; two in a row are the end of a
 * line that was lost while it was written to, which then still counts as good.
 */
static enum err read_results(struct database *db, PGresult **last, struct fault *fault)
{
    struct server *server = db->native;
    enum err err = ERR_OK;
    bool synchronised = false;
    bool between = false;
    bool ended = false;
    size_t place = 0;
    while (!synchronised && !ended && PQstatus(server->connection) == CONNECTION_OK) {
        PGresult *result = postgresql_next(server);
        ended = !result && between;
        between = !result;
        synchronised = result && PQresultStatus(result) == PGRES_PIPELINE_SYNC;
        if (result && !synchronised && !err && !is_success(result))
            err = postgresql_fail(db, result, fault);
        place += result == NULL;
        if (result && !synchronised && !err && postgresql_keep_answer(db, place, result))
            continue;
        if (result && !synchronised && last) {
            PQclear(*last);
            *last = result;
        } else {
            PQclear(result);
        }
    }
    server->stale |= ended;
    return err || synchronised ? err : postgresql_fail(db, NULL, fault);
}

enum err postgresql_await(struct database *db, PGresult **last, struct fault *fault)
{
    struct server *server = db->native;
    PGresult *result = NULL;
    enum err unsent = postgresql_send_gathered(db, fault);
    if (!server->sent)
        return unsent;
    server->sent = 0;
    enum err err = PQpipelineSync(server->connection) == 1 ? read_results(db, &result, fault)
                                                           : postgresql_fail(db, NULL, fault);
    if (PQexitPipelineMode(server->connection) != 1 && !err)
        err = postgresql_fail(db, NULL, fault);
    err = err ? err : unsent;
    postgresql_forget_asked(db, NULL, true);
    if (err || !last)
        PQclear(result);
    else
        *last = result;
    return err;
}

static enum err send_plain(struct database *db, const char *sql, struct fault *fault)
{
    struct server *server = db->native;
    enum err err = postgresql_begin_sending(db, fault);
    if (err)
        return err;
    if (PQsendQueryParams(server->connection, sql, 0, NULL, NULL, NULL, NULL, 0) != 1)
        return postgresql_fail(db, NULL, fault);
    server->sent++;
    return ERR_OK;
}

/* Sends a statement after those sent before, and waits once for all of them. */
static enum err send_last(struct database *db, const char *sql, PGresult **result,
                          struct fault *fault)
{
    enum err err = send_plain(db, sql, fault);
    return err ? err : postgresql_await(db, result, fault);
}

enum err postgresql_run(struct database *db, const char *sql, struct fault *fault)
{
    struct server *server = db->native;
    enum err err = postgresql_await(db, NULL, fault);
    if (err)
        return err;
    PGresult *result = postgresql_last(server, PQsendQuery(server->connection, sql));
    if (!is_success(result))
        err = postgresql_fail(db, result, fault);
    PQclear(result);
    return err;
}

static enum err script(struct database *db, const char *sql, struct fault *fault)
{
    struct buf text;
    buf_init(&text, POSTGRESQL_SQL_MAX);
    postgresql_translate(sql, true, &text);
    enum err err = buf_check(&text, fault, "sql");
    if (!err)
        err = postgresql_run(db, text.data ? text.data : "", fault);
    buf_free(&text);
    return err;
}

/* --- Transactions ---------------------------------------------------------------------------- */

static enum err begin(struct database *db, struct fault *fault)
{
    enum err err = postgresql_connect(db, fault);
    postgresql_forget_asked(db, NULL, false);
    if (err)
        return err;
    return postgresql_run(db,
                          db->read_only ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
                                        : "BEGIN; SELECT " WRITER_LOCK,
                          fault);
}

/* A transaction that failed is rolled back by COMMIT, which calls that a success. */
static enum err commit(struct database *db, struct fault *fault)
{
    PGresult *result = NULL;
    enum err err = send_last(db, "COMMIT", &result, fault);
    postgresql_forget_asked(db, NULL, false);
    if (!err && strcmp(PQcmdStatus(result), "COMMIT") != 0)
        err = fault_set(fault, ERR_IO, "", "database: the transaction had failed");
    PQclear(result);
    return err;
}

static enum err move(struct database *db, enum database_move move, struct fault *fault)
{
    switch (move) {
    case DATABASE_BEGIN:
        return begin(db, fault);
    case DATABASE_COMMIT:
        return commit(db, fault);
    case DATABASE_SAVEPOINT:
        return send_plain(db, "SAVEPOINT step", fault);
    case DATABASE_RELEASE:
        return send_last(db, "RELEASE SAVEPOINT step", NULL, fault);
    case DATABASE_ROLLBACK_SAVEPOINT:
        break;
    }
    (void)postgresql_await(db, NULL, NULL); /* what failed in it is undone with it */
    postgresql_forget_asked(db, NULL, false);
    return postgresql_run(db, "ROLLBACK TO SAVEPOINT step; RELEASE SAVEPOINT step", fault);
}

static void rollback(struct database *db)
{
    struct server *server = db->native;
    (void)postgresql_await(db, NULL, NULL);
    postgresql_forget_asked(db, NULL, false);
    if (PQtransactionStatus(server->connection) != PQTRANS_IDLE)
        (void)postgresql_run(db, "ROLLBACK", NULL);
}

/* Rows that were read are here already: nothing on the server stands open. */
static void reset_all(struct database *db)
{
    (void)db;
}

static int64_t changes(struct database *db)
{
    struct server *server = db->native;
    return server->changes;
}

/* --- Among many ------------------------------------------------------------------------------ */

/* The first column of the one row that the query gives; the caller clears *result. */
static enum err ask(struct database *db, const char *sql, PGresult **result, struct fault *fault)
{
    struct server *server = db->native;
    *result = NULL;
    enum err err = postgresql_await(db, NULL, fault);
    if (err)
        return err;
    *result = postgresql_last(server, PQsendQuery(server->connection, sql));
    return PQresultStatus(*result) == PGRES_TUPLES_OK && PQntuples(*result) == 1
               ? ERR_OK
               : postgresql_fail(db, *result, fault);
}

/* Its place in the list, free or not yet led. */
static size_t place_of(const struct server *server, const char *matter)
{
    size_t i = 0;
    while (i + 1 < DATABASE_LEADS_MAX && server->leads[i].matter &&
           strcmp(server->leads[i].matter, matter) != 0)
        i++;
    return i;
}

static enum err lead(struct database *db, const char *matter, bool *leads, struct fault *fault)
{
    struct server *server = db->native;
    size_t at = place_of(server, matter);
    *leads = server->leads[at].matter && server->leads[at].connected == server->connected;
    if (*leads)
        return ERR_OK;
    PGresult *result;
    char sql[256];
    (void)snprintf(sql, sizeof sql, "SELECT " LEADER_LOCK, matter);
    enum err err = ask(db, sql, &result, fault);
    if (!err)
        *leads = *PQgetvalue(result, 0, 0) == 't';
    if (!err && *leads) {
        server->leads[at].matter = matter;
        server->leads[at].connected = server->connected;
    }
    PQclear(result);
    return err;
}

/*
 * A dump that is loaded makes another database; going back to a point in time, or a standby that
 * takes over, another timeline: that of the log, since the last checkpoint may be from before it.
 */
static enum err place(struct database *db, char place[static DATABASE_PLACE_MAX],
                      struct fault *fault)
{
    PGresult *result;
    enum err err =
        ask(db,
            "SELECT (SELECT system_identifier FROM pg_control_system()) || '/' || (SELECT"
            " ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint)"
            " || '/' ||"
            " (SELECT oid FROM pg_database WHERE datname = current_database())",
            &result, fault);
    if (!err)
        (void)snprintf(place, DATABASE_PLACE_MAX, "%s", PQgetvalue(result, 0, 0));
    PQclear(result);
    return err;
}

/* --- The schema's version -------------------------------------------------------------------- */

static enum err read_version(struct database *db, int64_t *version, struct fault *fault)
{
    PGresult *result;
    enum err err = ask(db, "SELECT to_regclass('schema_version') IS NOT NULL", &result, fault);
    bool found = !err && *PQgetvalue(result, 0, 0) == 't';
    PQclear(result);
    *version = 0;
    if (err || !found)
        return err;
    err = ask(db, "SELECT coalesce(max(version), 0) FROM schema_version", &result, fault);
    if (!err)
        *version = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    return err;
}

/* What SQLite has and PostgreSQL hasn't. */
static const char functions[] =
    "CREATE OR REPLACE FUNCTION max(bigint, bigint) RETURNS bigint"
    " LANGUAGE sql IMMUTABLE AS 'SELECT greatest($1, $2)';"
    "CREATE OR REPLACE FUNCTION max(bytea, bytea) RETURNS bytea"
    " LANGUAGE sql IMMUTABLE AS 'SELECT greatest($1, $2)';"
    "CREATE OR REPLACE FUNCTION min(bytea, bytea) RETURNS bytea"
    " LANGUAGE sql IMMUTABLE AS 'SELECT least($1, $2)';"
    "CREATE OR REPLACE AGGREGATE max(bytea) (SFUNC = max, STYPE = bytea);"
    "CREATE OR REPLACE AGGREGATE min(bytea) (SFUNC = min, STYPE = bytea);"
    "CREATE OR REPLACE FUNCTION instr(text, text) RETURNS integer"
    " LANGUAGE sql IMMUTABLE AS 'SELECT position($2 in $1)'";

static enum err write_version(struct database *db, size_t version, struct fault *fault)
{
    char sql[192];
    (void)snprintf(sql, sizeof sql,
                   "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL);"
                   "DELETE FROM schema_version; INSERT INTO schema_version VALUES (%zu)",
                   version);
    enum err err = postgresql_run(db, sql, fault);
    return err ? err : postgresql_run(db, functions, fault);
}

static const char *name(struct database *db)
{
    struct server *server = db->native;
    return PQdb(server->connection);
}

static unsigned connected(const struct database *db)
{
    const struct server *server = db->native;
    return server->connected;
}

const struct database_backend database_postgresql = {
    .open = open_server,
    .close = close_server,
    .script = script,
    .move = move,
    .rollback = rollback,
    .reset_all = reset_all,
    .changes = changes,
    .read_version = read_version,
    .write_version = write_version,
    .name = name,
    .connected = connected,
    .lead = lead,
    .place = place,
    .hurry = postgresql_hurry,
    .statements = &postgresql_statements,
};
