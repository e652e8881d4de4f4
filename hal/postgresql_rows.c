/*
 * Rows of an INSERT that follow each other, sent as one statement: its VALUES become a SELECT from
 * arrays, one for each parameter, in the binary form of array_recv and the types' own. What a
 * server does for a statement, whatever it says, it then does once for all of them.
 */
#include "hal/postgresql.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_MAX = 200, ROWS_BYTES_MAX = 1024 * 1024, COLUMN_BYTES_MAX = 64 * 1024 * 1024 };

struct rows {
    bool unfit; /* it can't be done */
    char *sql;
    char name[NAME_MAX_BYTES];
    unsigned connected; /* the connection that knows it; 0: none yet */
    size_t count;
    size_t bytes;
    struct buf columns[PARAMETERS_MAX]; /* the arrays' elements */
};

/* --- The statement --------------------------------------------------------------------------- */

static const struct element {
    Oid type;
    Oid array;
    const char *name;
} elements[] = {
    {OID_INT8, OID_INT8_ARRAY, "bigint[]"},
    {OID_TEXT, OID_TEXT_ARRAY, "text[]"},
    {OID_BYTEA, OID_BYTEA_ARRAY, "bytea[]"},
};

static const struct element *element_of(Oid type)
{
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
        if (elements[i].type == type)
            return &elements[i];
    return NULL;
}

/* The parameters as columns of the arrays' rows; what stands in quotes stays. */
static void write_list(struct buf *out, struct slice list)
{
    bool quoted = false;
    for (size_t i = 0; i < list.len; i++) {
        quoted = quoted != (list.data[i] == '\'');
        if (!quoted && list.data[i] == '$')
            buf_append(out, "r.c", 3);
        else
            buf_append_char(out, list.data[i]);
    }
}

static void write_arrays(struct buf *out, const struct prepared *p)
{
    buf_printf(out, " FROM unnest(");
    for (int i = 0; i < p->parameters; i++)
        buf_printf(out, "%s$%d::%s", i ? ", " : "", i + 1, element_of(p->types[i])->name);
    buf_printf(out, ") AS r (");
    for (int i = 0; i < p->parameters; i++)
        buf_printf(out, "%sc%d", i ? ", " : "", i + 1);
    buf_append_char(out, ')');
}

/* "INSERT INTO t (a, b) VALUES ($1, 'x') ..." as "INSERT INTO t (a, b) SELECT r.c1, 'x' FROM ..."
 */
static enum err write_sql(const struct prepared *p, struct buf *out)
{
    static const char word[] = "VALUES (";
    const char *values = strstr(p->sql, word);
    const char *end = values ? strchr(values, ')') : NULL;
    bool fit = end && strncmp(p->sql, "INSERT INTO ", 12) == 0;
    for (int i = 0; fit && i < p->parameters; i++)
        fit = element_of(p->types[i]) != NULL;
    if (!fit)
        return ERR_UNSUPPORTED;
    const char *list = values + sizeof word - 1;
    buf_append(out, p->sql, (size_t)(values - p->sql));
    buf_printf(out, "SELECT ");
    write_list(out, (struct slice){list, (size_t)(end - list)});
    write_arrays(out, p);
    buf_printf(out, "%s", end + 1);
    return buf_check(out, NULL, "");
}

static enum err make_rows(struct prepared *p, struct fault *fault)
{
    struct buf sql;
    struct rows *rows = calloc(1, sizeof *rows);
    if (!rows)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    buf_init(&sql, POSTGRESQL_SQL_MAX);
    rows->unfit = write_sql(p, &sql) != ERR_OK;
    rows->sql = sql.data;
    for (int i = 0; i < PARAMETERS_MAX; i++)
        buf_init(&rows->columns[i], COLUMN_BYTES_MAX);
    p->rows = rows;
    return ERR_OK;
}

static enum err prepare_rows(struct database *db, struct prepared *p, struct fault *fault)
{
    struct server *server = db->native;
    struct rows *rows = p->rows;
    if (rows->connected == server->connected)
        return ERR_OK;
    enum err err = postgresql_begin_sending(db, fault);
    if (err)
        return err;
    (void)snprintf(rows->name, sizeof rows->name, "s%u", ++server->named);
    if (PQsendPrepare(server->connection, rows->name, rows->sql, 0, NULL) != 1)
        return postgresql_fail(db, NULL, fault);
    server->sent++;
    rows->connected = server->connected;
    return ERR_OK;
}

void postgresql_forget_rows(struct database *db, struct prepared *p)
{
    struct server *server = db->native;
    struct rows *rows = p->rows;
    if (!rows)
        return;
    if (server->gathering == p)
        server->gathering = NULL;
    for (int i = 0; i < PARAMETERS_MAX; i++)
        buf_free(&rows->columns[i]);
    free(rows->sql);
    free(rows);
    p->rows = NULL;
}

/* --- The rows -------------------------------------------------------------------------------- */

static void put_int32(struct buf *out, int32_t value)
{
    uint32_t big = htobe32((uint32_t)value);
    buf_append(out, (const char *)&big, sizeof big);
}

static void put_element(struct buf *out, const struct value *value)
{
    if (value->kind == COLUMN_NULL) {
        put_int32(out, -1);
    } else if (value->kind == COLUMN_INT) {
        uint64_t big = htobe64((uint64_t)strtoll(value->number, NULL, 10));
        put_int32(out, sizeof big);
        buf_append(out, (const char *)&big, sizeof big);
    } else {
        put_int32(out, (int32_t)value->bytes.len);
        if (value->bytes.len)
            buf_append(out, value->bytes.data, value->bytes.len);
    }
}

/* An array of one dimension, of which some may be NULL; its elements follow. */
static void put_header(struct buf *out, Oid type, size_t count)
{
    put_int32(out, 1);
    put_int32(out, 1);
    put_int32(out, (int32_t)type);
    put_int32(out, (int32_t)count);
    put_int32(out, 1);
}

static enum err send_arrays(struct database *db, struct prepared *p, struct fault *fault)
{
    struct server *server = db->native;
    struct rows *rows = p->rows;
    struct buf arrays[PARAMETERS_MAX];
    const char *values[PARAMETERS_MAX];
    int lengths[PARAMETERS_MAX];
    int formats[PARAMETERS_MAX];
    enum err err = ERR_OK;
    for (int i = 0; i < p->parameters; i++) {
        buf_init(&arrays[i], COLUMN_BYTES_MAX);
        put_header(&arrays[i], p->types[i], rows->count);
        buf_append(&arrays[i], rows->columns[i].data, rows->columns[i].len);
        values[i] = arrays[i].data;
        lengths[i] = (int)arrays[i].len;
        formats[i] = 1;
        err = err ? err : buf_check(&arrays[i], fault, "rows");
    }
    if (!err && PQsendQueryPrepared(server->connection, rows->name, p->parameters, values, lengths,
                                    formats, 0) != 1)
        err = postgresql_fail(db, NULL, fault);
    for (int i = 0; i < p->parameters; i++)
        buf_free(&arrays[i]);
    server->sent += !err;
    return err;
}

enum err postgresql_send_gathered(struct database *db, struct fault *fault)
{
    struct server *server = db->native;
    struct prepared *p = server->gathering;
    if (!p)
        return ERR_OK;
    server->gathering = NULL; /* what is called here would send them first */
    enum err err = prepare_rows(db, p, fault);
    if (!err)
        err = postgresql_begin_sending(db, fault);
    if (!err)
        err = send_arrays(db, p, fault);
    p->rows->count = 0;
    p->rows->bytes = 0;
    for (int i = 0; i < p->parameters; i++)
        buf_reset(&p->rows->columns[i]);
    return err;
}

enum err postgresql_gather(struct database *db, struct prepared *p, struct fault *fault)
{
    struct server *server = db->native;
    enum err err = p->rows ? ERR_OK : make_rows(p, fault);
    if (!err && p->rows->unfit)
        err = ERR_UNSUPPORTED;
    if (!err && server->gathering != p)
        err = postgresql_send_gathered(db, fault);
    if (err)
        return err;
    struct rows *rows = p->rows;
    server->gathering = p;
    rows->count++;
    for (int i = 0; i < p->parameters; i++) {
        put_element(&rows->columns[i], &p->values[i]);
        rows->bytes += sizeof(int32_t) + p->values[i].bytes.len;
        err = err ? err : buf_check(&rows->columns[i], fault, "rows");
    }
    bool full = rows->count >= ROWS_MAX || rows->bytes >= ROWS_BYTES_MAX;
    return err || !full ? err : postgresql_send_gathered(db, fault);
}
