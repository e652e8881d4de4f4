#include "hal/postgresql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    buf_init(&text, POSTGRESQL_SQL_MAX);
    postgresql_translate(sql, false, &text);
    if (!made || buf_check(&text, NULL, "") != ERR_OK || !text.data) {
        free(made);
        buf_free(&text);
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    }
    made->sql = text.data; /* its owner from now on */
    (void)kept;            /* the server keeps each until it is forgotten */
    made->parameters = highest_parameter(made->sql);
    s->native = made;
    if (made->parameters <= PARAMETERS_MAX)
        return ERR_OK;
    s->db->backend->statements->finalize(s);
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
    if (p->connected != server->connected || postgresql_await(db, NULL, NULL) ||
        PQtransactionStatus(server->connection) == PQTRANS_INERROR)
        return;
    (void)snprintf(sql, sizeof sql, "DEALLOCATE %s", p->name);
    (void)postgresql_run(db, sql, NULL);
    p->connected = 0;
}

static void finalize(struct statement *s)
{
    struct prepared *p = s->native;
    if (!p)
        return;
    reset(s);
    postgresql_forget_rows(s->db, p);
    postgresql_forget_asked(s->db, p, false);
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
    PGresult *result = postgresql_last(server, PQsendDescribePrepared(server->connection, p->name));
    enum err err =
        PQresultStatus(result) == PGRES_COMMAND_OK ? ERR_OK : postgresql_fail(db, result, fault);
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
    enum err err = postgresql_await(db, NULL, fault);
    if (err)
        return err;
    forget_on_server(db, p);
    (void)snprintf(p->name, sizeof p->name, "s%u", ++server->named);
    PGresult *result = postgresql_last(
        server, PQsendPrepare(server->connection, p->name, p->sql, p->parameters, types));
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        err = postgresql_fail(db, result, fault);
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

/* What is bound, as libpq takes it. */
struct arguments {
    const char *values[PARAMETERS_MAX];
    int lengths[PARAMETERS_MAX];
    int formats[PARAMETERS_MAX];
    char *texts[PARAMETERS_MAX]; /* copies that end with a NUL */
};

static void fill(struct arguments *arguments, const struct prepared *p)
{
    for (int i = 0; i < p->parameters; i++) {
        const struct value *value = &p->values[i];
        arguments->formats[i] = p->types[i] == OID_BYTEA;
        arguments->values[i] = value->kind == COLUMN_NULL ? NULL : value->bytes.data;
        arguments->lengths[i] = (int)value->bytes.len;
        arguments->texts[i] = NULL;
        if (value->kind == COLUMN_INT)
            arguments->values[i] = value->number;
        else if (arguments->values[i] && !arguments->formats[i])
            arguments->values[i] = arguments->texts[i] =
                strndup(value->bytes.data, value->bytes.len);
    }
}

static void empty(struct arguments *arguments, const struct prepared *p)
{
    for (int i = 0; i < p->parameters; i++)
        free(arguments->texts[i]);
}

/* Into the pipeline, behind what was sent before. */
static enum err pass_on(struct database *db, const struct prepared *p, struct fault *fault)
{
    struct server *server = db->native;
    struct arguments arguments;
    enum err err = postgresql_begin_sending(db, fault);
    if (err)
        return err;
    fill(&arguments, p);
    if (PQsendQueryPrepared(server->connection, p->name, p->parameters, arguments.values,
                            arguments.lengths, arguments.formats, 0) == 1)
        server->sent++;
    else
        err = postgresql_fail(db, NULL, fault);
    empty(&arguments, p);
    return err;
}

/* What was asked ahead is here, or under way; else what was sent before and this take one wait. */
static enum err execute(struct database *db, struct prepared *p, struct fault *fault)
{
    struct server *server = db->native;
    enum err err = postgresql_take_answer(db, p, &p->result, fault);
    if (!err && !p->result)
        err = pass_on(db, p, fault);
    if (!err && !p->result)
        err = postgresql_await(db, &p->result, fault);
    if (err)
        return err;
    server->changes = strtoll(PQcmdTuples(p->result), NULL, 10);
    p->row = -1;
    p->cells = calloc((size_t)PQnfields(p->result) + 1, sizeof *p->cells);
    return p->cells ? ERR_OK : fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
}

/* The connection is there, and the server knows the statement. */
static enum err make_ready(struct database *db, struct prepared *p, struct fault *fault)
{
    struct server *server = db->native;
    enum err err = ERR_OK;
    if (!server->sent && PQtransactionStatus(server->connection) != PQTRANS_INTRANS)
        err = postgresql_connect(db, fault);
    if (!err && !is_prepared(server, p))
        err = prepare_on_server(db, p, fault);
    return err;
}

static enum err step(struct statement *s, bool *row, struct fault *fault)
{
    struct prepared *p = s->native;
    if (!p->result) {
        enum err err = make_ready(s->db, p, fault);
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

static enum err send(struct statement *s, struct fault *fault)
{
    struct server *server = s->db->native;
    if (!server->sent && PQtransactionStatus(server->connection) != PQTRANS_INTRANS)
        return statement_run(s, fault); /* nothing would wait for it */
    enum err err = make_ready(s->db, s->native, fault);
    return err ? err : pass_on(s->db, s->native, fault);
}

static enum err send_row(struct statement *s, struct fault *fault)
{
    struct server *server = s->db->native;
    if (!server->sent && PQtransactionStatus(server->connection) != PQTRANS_INTRANS)
        return statement_run(s, fault);
    enum err err = make_ready(s->db, s->native, fault);
    if (!err)
        err = postgresql_gather(s->db, s->native, fault);
    return err == ERR_UNSUPPORTED ? pass_on(s->db, s->native, fault) : err;
}

static enum err ask(struct statement *s, struct fault *fault)
{
    struct server *server = s->db->native;
    if (!server->sent && PQtransactionStatus(server->connection) != PQTRANS_INTRANS)
        return ERR_OK;
    enum err err = make_ready(s->db, s->native, fault);
    if (!err)
        err = pass_on(s->db, s->native, fault);
    if (!err)
        postgresql_asked(s->db, s->native);
    return err;
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

const struct statement_backend postgresql_statements = {
    .prepare = prepare,
    .check = check,
    .finalize = finalize,
    .step = step,
    .send = send,
    .send_row = send_row,
    .ask = ask,
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
