#include "hal/database_backend.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Types by their numbers in pg_type.dat, which never change. */
enum { OID_BOOL = 16, OID_BYTEA = 17, OID_INT8 = 20, OID_INT2 = 21, OID_INT4 = 23 };
enum { OID_FLOAT4 = 700, OID_FLOAT8 = 701, OID_NUMERIC = 1700 };

enum { PARAMETERS_MAX = 32, SQL_MAX = 256 * 1024, NAME_MAX_BYTES = 24 };

/* Writers hold it for the length of a transaction: one at a time, as with SQLite. */
#define WRITER_LOCK "pg_advisory_xact_lock(1414548556, hashtext(current_schema()))"
/* The one that leads holds it for as long as its connection lasts. */
#define LEADER_LOCK "pg_try_advisory_lock(1414548557, hashtext(current_schema()))"

struct server {
    PGconn *connection;
    unsigned connected; /* how many times; a statement lives as long as its connection */
    unsigned named;     /* statements so far */
    unsigned leading;   /* the connection that leads; 0: none */
    int64_t changes;
};

struct value {
    enum column_kind kind;
    struct slice bytes;
    char number[24];
};

struct prepared {
    char *sql;
    int parameters;
    bool kept;
    char name[NAME_MAX_BYTES];
    unsigned connected; /* the connection that knows it; 0: none yet */
    Oid types[PARAMETERS_MAX];
    struct value values[PARAMETERS_MAX];
    PGresult *result;
    int row;
    unsigned char **cells; /* of this row, decoded so far */
};

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
        {"XX001", ERR_CORRUPT},  {"XX002", ERR_CORRUPT},
    };
    for (size_t i = 0; state && i < sizeof classes / sizeof *classes; i++)
        if (strncmp(state, classes[i].prefix, strlen(classes[i].prefix)) == 0)
            return classes[i].code;
    return ERR_IO;
}

static enum err fail(struct database *db, const PGresult *result, struct fault *fault)
{
    struct server *server = db->native;
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *text = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    bool lost = PQstatus(server->connection) != CONNECTION_OK;
    if (!text || !*text)
        text = PQerrorMessage(server->connection);
    int len = (int)strcspn(text, "\n");
    return fault_set(fault, lost ? ERR_UNREACHABLE : code_of(state), "", "database: %.*s", len,
                     text);
}

/* --- The connection -------------------------------------------------------------------------- */

static void ignore_notice(void *context, const PGresult *result)
{
    (void)context;
    (void)result;
}

static enum err open_server(struct database *db, const struct database_config *config,
                            struct fault *fault)
{
    struct server *server = calloc(1, sizeof *server);
    if (!server)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    db->native = server;
    const char *const words[] = {"dbname", "fallback_application_name", "client_encoding", NULL};
    const char *const values[] = {config->path, "tillback", "UTF8", NULL};
    server->connection = PQconnectdbParams(words, values, 1);
    server->connected = 1;
    if (PQstatus(server->connection) != CONNECTION_OK) {
        enum err err = fail(db, NULL, fault);
        return err;
    }
    PQsetNoticeReceiver(server->connection, ignore_notice, NULL);
    return ERR_OK;
}

static void close_server(struct database *db)
{
    struct server *server = db->native;
    if (!server)
        return;
    PQfinish(server->connection);
    free(server);
}

/* A connection that was lost is made anew before anything is begun on it. */
static enum err have_connection(struct database *db, struct fault *fault)
{
    struct server *server = db->native;
    if (PQstatus(server->connection) == CONNECTION_OK)
        return ERR_OK;
    PQreset(server->connection);
    server->connected++;
    return PQstatus(server->connection) == CONNECTION_OK ? ERR_OK : fail(db, NULL, fault);
}

static enum err run(struct database *db, const char *sql, struct fault *fault)
{
    struct server *server = db->native;
    PGresult *result = PQexec(server->connection, sql);
    ExecStatusType status = PQresultStatus(result);
    enum err err =
        status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ? ERR_OK : fail(db, result, fault);
    PQclear(result);
    return err;
}

/* --- Our SQL in the server's words ----------------------------------------------------------- */

/* The word at `at`, outside of quotes and comments, and what it is called here. */
static size_t translate_word(const char *at, const char **word)
{
    static const struct {
        const char *ours;
        const char *theirs;
    } words[] = {
        {"INTEGER PRIMARY KEY", "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"},
        {"INTEGER", "BIGINT"},
        {"BLOB", "BYTEA"},
        {" WITHOUT ROWID", ""},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t len = strlen(words[i].ours);
        if (strncmp(at, words[i].ours, len) == 0) {
            *word = words[i].theirs;
            return len;
        }
    }
    return 0;
}

/* Passes over a quoted text, or a comment to the end of its line. */
static const char *pass_over(const char *at, struct buf *out)
{
    char end = '\n';
    const char *start = at;
    if (*at == '\'' || *at == '"')
        end = *at;
    for (at++; *at && *at != end; at++)
        ;
    at += *at ? 1 : 0;
    buf_append(out, start, (size_t)(at - start));
    return at;
}

static void translate(const char *sql, bool schema, struct buf *out)
{
    while (*sql) {
        const char *word = NULL;
        size_t len = schema ? translate_word(sql, &word) : 0;
        if (*sql == 'x' && sql[1] == '\'') { /* a blob: x'00ff' */
            const char *end = strchr(sql + 2, '\'');
            size_t digits = end ? (size_t)(end - sql - 2) : 0;
            buf_printf(out, "'\\x%.*s'::bytea", (int)digits, sql + 2);
            sql += 2 + digits + (end ? 1 : 0);
        } else if (*sql == '\'' || *sql == '"' || (sql[0] == '-' && sql[1] == '-')) {
            sql = pass_over(sql, out);
        } else if (len) {
            buf_append_text(out, word);
            sql += len;
        } else {
            buf_append_char(out, *sql == '?' ? '$' : *sql);
            sql++;
        }
    }
}

static enum err script(struct database *db, const char *sql, struct fault *fault)
{
    struct buf text;
    buf_init(&text, SQL_MAX);
    translate(sql, true, &text);
    enum err err = buf_check(&text, fault, "sql");
    if (!err)
        err = run(db, text.data ? text.data : "", fault);
    buf_free(&text);
    return err;
}

/* --- Transactions ---------------------------------------------------------------------------- */

static enum err begin(struct database *db, struct fault *fault)
{
    enum err err = have_connection(db, fault);
    if (err)
        return err;
    return run(db,
               db->read_only ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
                             : "BEGIN; SELECT " WRITER_LOCK,
               fault);
}

/* A transaction that failed is rolled back by COMMIT, which calls that a success. */
static enum err commit(struct database *db, struct fault *fault)
{
    struct server *server = db->native;
    PGresult *result = PQexec(server->connection, "COMMIT");
    enum err err = ERR_OK;
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        err = fail(db, result, fault);
    else if (strcmp(PQcmdStatus(result), "COMMIT") != 0)
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
        return run(db, "SAVEPOINT step", fault);
    case DATABASE_RELEASE:
        return run(db, "RELEASE SAVEPOINT step", fault);
    case DATABASE_ROLLBACK_SAVEPOINT:
        break;
    }
    return run(db, "ROLLBACK TO SAVEPOINT step; RELEASE SAVEPOINT step", fault);
}

static void rollback(struct database *db)
{
    struct server *server = db->native;
    if (PQtransactionStatus(server->connection) != PQTRANS_IDLE)
        (void)run(db, "ROLLBACK", NULL);
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
    *result = PQexec(server->connection, sql);
    return PQresultStatus(*result) == PGRES_TUPLES_OK && PQntuples(*result) == 1
               ? ERR_OK
               : fail(db, *result, fault);
}

static enum err lead(struct database *db, bool *leads, struct fault *fault)
{
    struct server *server = db->native;
    if (server->leading == server->connected) {
        *leads = true;
        return ERR_OK;
    }
    PGresult *result;
    enum err err = ask(db, "SELECT " LEADER_LOCK, &result, fault);
    if (!err)
        *leads = *PQgetvalue(result, 0, 0) == 't';
    if (!err && *leads)
        server->leading = server->connected;
    PQclear(result);
    return err;
}

/* A dump that is loaded makes another database; going back to a point in time, another timeline. */
static enum err place(struct database *db, char place[static DATABASE_PLACE_MAX],
                      struct fault *fault)
{
    PGresult *result;
    enum err err = ask(db,
                       "SELECT (SELECT system_identifier FROM pg_control_system()) || '/' ||"
                       " (SELECT timeline_id FROM pg_control_checkpoint()) || '/' ||"
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
    enum err err = ask(db,
                       "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL);"
                       "SELECT coalesce(max(version), 0) FROM schema_version",
                       &result, fault);
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
    char sql[128];
    (void)snprintf(sql, sizeof sql,
                   "DELETE FROM schema_version; INSERT INTO schema_version VALUES (%zu)", version);
    enum err err = run(db, sql, fault);
    return err ? err : run(db, functions, fault);
}

static const char *name(struct database *db)
{
    struct server *server = db->native;
    return PQdb(server->connection);
}

/* --- Statements ------------------------------------------------------------------------------ */

static int highest_parameter(const char *sql)
{
    int highest = 0;
    for (const char *at = strchr(sql, '$'); at; at = strchr(at + 1, '$')) {
        int number = (int)strtol(at + 1, NULL, 10);
        highest = number > highest ? number : highest;
    }
    return highest;
}

static enum err prepare(struct statement *s, const char *sql, bool kept, struct fault *fault)
{
    struct buf text;
    struct prepared *made = calloc(1, sizeof *made);
    buf_init(&text, SQL_MAX);
    translate(sql, false, &text);
    if (!made || buf_check(&text, NULL, "") != ERR_OK || !text.data) {
        free(made);
        buf_free(&text);
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    }
    made->sql = text.data; /* its owner from now on */
    made->kept = kept;
    made->parameters = highest_parameter(made->sql);
    s->native = made;
    if (made->parameters <= PARAMETERS_MAX)
        return ERR_OK;
    s->db->backend->finalize(s);
    return fault_set(fault, ERR_TOO_LARGE, "sql", "at most %d parameters", PARAMETERS_MAX);
}

static void forget_row(struct prepared *p)
{
    for (int i = 0; p->cells && i < PQnfields(p->result); i++) {
        PQfreemem(p->cells[i]);
        p->cells[i] = NULL;
    }
}

static void reset(struct statement *s)
{
    struct prepared *p = s->native;
    forget_row(p);
    free(p->cells);
    PQclear(p->result);
    p->cells = NULL;
    p->result = NULL;
}

/* The server forgets a statement that was used once. */
static void forget_on_server(struct database *db, struct prepared *p)
{
    struct server *server = db->native;
    char sql[NAME_MAX_BYTES + 16];
    if (p->connected != server->connected ||
        PQtransactionStatus(server->connection) == PQTRANS_INERROR)
        return;
    (void)snprintf(sql, sizeof sql, "DEALLOCATE %s", p->name);
    (void)run(db, sql, NULL);
    p->connected = 0;
}

static void finalize(struct statement *s)
{
    struct prepared *p = s->native;
    if (!p)
        return;
    reset(s);
    forget_on_server(s->db, p);
    free(p->sql);
    free(p);
    s->native = NULL;
}

/* Whether the server's idea of a parameter fits what is bound to it. */
static bool fits(Oid type, const struct value *value)
{
    switch (value->kind) {
    case COLUMN_INT:
        return type == OID_INT8;
    case COLUMN_BLOB:
        return type == OID_BYTEA;
    case COLUMN_TEXT:
        return type != OID_INT8;
    default:
        return true;
    }
}

static bool is_prepared(const struct server *server, const struct prepared *p)
{
    bool fit = p->connected == server->connected;
    for (int i = 0; fit && i < p->parameters; i++)
        fit = fits(p->types[i], &p->values[i]);
    return fit;
}

static enum err read_types(struct database *db, struct prepared *p, struct fault *fault)
{
    struct server *server = db->native;
    PGresult *result = PQdescribePrepared(server->connection, p->name);
    enum err err = PQresultStatus(result) == PGRES_COMMAND_OK ? ERR_OK : fail(db, result, fault);
    for (int i = 0; !err && i < p->parameters; i++)
        p->types[i] = PQparamtype(result, i);
    PQclear(result);
    return err;
}

/* Numbers are always of 64 bits; of texts and bytes the server knows best. */
static enum err prepare_on_server(struct database *db, struct prepared *p, struct fault *fault)
{
    struct server *server = db->native;
    Oid types[PARAMETERS_MAX];
    for (int i = 0; i < p->parameters; i++)
        types[i] = p->values[i].kind == COLUMN_INT    ? OID_INT8
                   : p->values[i].kind == COLUMN_BLOB ? OID_BYTEA
                                                      : 0;
    forget_on_server(db, p);
    (void)snprintf(p->name, sizeof p->name, "s%u", ++server->named);
    PGresult *result = PQprepare(server->connection, p->name, p->sql, p->parameters, types);
    enum err err = PQresultStatus(result) == PGRES_COMMAND_OK ? ERR_OK : fail(db, result, fault);
    PQclear(result);
    if (err)
        return err;
    p->connected = server->connected;
    return read_types(db, p, fault);
}

static enum err check(struct statement *s, struct fault *fault)
{
    return prepare_on_server(s->db, s->native, fault);
}

static enum err execute(struct database *db, struct prepared *p, struct fault *fault)
{
    struct server *server = db->native;
    const char *values[PARAMETERS_MAX];
    int lengths[PARAMETERS_MAX];
    int formats[PARAMETERS_MAX];
    char *texts[PARAMETERS_MAX] = {NULL};
    for (int i = 0; i < p->parameters; i++) {
        const struct value *value = &p->values[i];
        formats[i] = p->types[i] == OID_BYTEA;
        values[i] = value->kind == COLUMN_NULL ? NULL : value->bytes.data;
        lengths[i] = (int)value->bytes.len;
        if (value->kind == COLUMN_INT)
            values[i] = value->number;
        else if (values[i] && !formats[i])
            values[i] = texts[i] = strndup(value->bytes.data, value->bytes.len);
    }
    p->result =
        PQexecPrepared(server->connection, p->name, p->parameters, values, lengths, formats, 0);
    for (int i = 0; i < p->parameters; i++)
        free(texts[i]);
    ExecStatusType status = PQresultStatus(p->result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        enum err err = fail(db, p->result, fault);
        PQclear(p->result);
        p->result = NULL;
        return err;
    }
    server->changes = strtoll(PQcmdTuples(p->result), NULL, 10);
    p->row = -1;
    p->cells = calloc((size_t)PQnfields(p->result) + 1, sizeof *p->cells);
    return p->cells ? ERR_OK : fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
}

static enum err step(struct statement *s, bool *row, struct fault *fault)
{
    struct server *server = s->db->native;
    struct prepared *p = s->native;
    enum err err = ERR_OK;
    if (!p->result) {
        if (PQtransactionStatus(server->connection) != PQTRANS_INTRANS)
            err = have_connection(s->db, fault);
        if (!err && !is_prepared(server, p))
            err = prepare_on_server(s->db, p, fault);
        if (!err)
            err = execute(s->db, p, fault);
        if (err)
            return err;
    }
    forget_row(p);
    if (p->row < PQntuples(p->result))
        p->row++;
    *row = p->row < PQntuples(p->result);
    return ERR_OK;
}

static void unbind(struct statement *s)
{
    struct prepared *p = s->native;
    memset(p->values, 0, sizeof p->values);
}

static int parameters(struct statement *s)
{
    const struct prepared *p = s->native;
    return p->parameters;
}

static void put(struct statement *s, int position, enum column_kind kind, struct slice bytes)
{
    struct prepared *p = s->native;
    if (position < 1 || position > p->parameters)
        return;
    p->values[position - 1].kind = kind;
    p->values[position - 1].bytes = bytes;
}

static void put_int(struct statement *s, int position, int64_t value)
{
    struct prepared *p = s->native;
    put(s, position, COLUMN_INT, (struct slice){"", 0});
    if (position >= 1 && position <= p->parameters)
        (void)snprintf(p->values[position - 1].number, sizeof p->values[0].number, "%lld",
                       (long long)value);
}

static void put_text(struct statement *s, int position, struct slice text)
{
    put(s, position, COLUMN_TEXT, text);
}

static void put_blob(struct statement *s, int position, struct slice bytes)
{
    put(s, position, COLUMN_BLOB, bytes);
}

static void put_null(struct statement *s, int position)
{
    put(s, position, COLUMN_NULL, (struct slice){"", 0});
}

static void put_column(struct statement *s, int position, struct statement *row, int column)
{
    enum column_kind kind = column_kind(row, column);
    if (kind == COLUMN_INT)
        put_int(s, position, column_int(row, column));
    else
        put(s, position, kind, column_slice(row, column));
}

/* --- Columns --------------------------------------------------------------------------------- */

static int count_columns(struct statement *s)
{
    const struct prepared *p = s->native;
    return PQnfields(p->result);
}

static const char *name_column(struct statement *s, int column)
{
    const struct prepared *p = s->native;
    return PQfname(p->result, column);
}

static enum column_kind kind_of(struct statement *s, int column)
{
    const struct prepared *p = s->native;
    if (PQgetisnull(p->result, p->row, column))
        return COLUMN_NULL;
    switch (PQftype(p->result, column)) {
    case OID_BOOL:
    case OID_INT2:
    case OID_INT4:
    case OID_INT8:
    case OID_NUMERIC: /* a sum of BIGINTs */
        return COLUMN_INT;
    case OID_FLOAT4:
    case OID_FLOAT8:
        return COLUMN_REAL;
    case OID_BYTEA:
        return COLUMN_BLOB;
    default:
        return COLUMN_TEXT;
    }
}

static int64_t get_int(struct statement *s, int column)
{
    const struct prepared *p = s->native;
    const char *text = PQgetvalue(p->result, p->row, column);
    if (PQftype(p->result, column) == OID_BOOL)
        return *text == 't';
    return strtoll(text, NULL, 10);
}

static const char *get_text(struct statement *s, int column)
{
    const struct prepared *p = s->native;
    return PQgetisnull(p->result, p->row, column) ? NULL : PQgetvalue(p->result, p->row, column);
}

static struct slice get_slice(struct statement *s, int column)
{
    struct prepared *p = s->native;
    const char *text = PQgetvalue(p->result, p->row, column);
    size_t len = (size_t)PQgetlength(p->result, p->row, column);
    if (PQftype(p->result, column) != OID_BYTEA || len < 2)
        return (struct slice){text, len};
    size_t decoded;
    if (!p->cells[column])
        p->cells[column] = PQunescapeBytea((const unsigned char *)text, &decoded);
    if (!p->cells[column])
        return (struct slice){"", 0};
    return (struct slice){(const char *)p->cells[column], (len - 2) / 2}; /* "\\x", then hex */
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
    .lead = lead,
    .place = place,
    .prepare = prepare,
    .check = check,
    .finalize = finalize,
    .step = step,
    .reset = reset,
    .unbind = unbind,
    .parameters = parameters,
    .bind_int = put_int,
    .bind_text = put_text,
    .bind_blob = put_blob,
    .bind_null = put_null,
    .bind_column = put_column,
    .column_count = count_columns,
    .column_name = name_column,
    .column_kind = kind_of,
    .column_int = get_int,
    .column_text = get_text,
    .column_slice = get_slice,
};
