/*
 * A connection to a PostgreSQL server, and what its statements need of it. Only for
 * hal/database_postgresql.c and hal/postgresql_*.c.
 */
#ifndef HAL_POSTGRESQL_H
#define HAL_POSTGRESQL_H

#include "hal/database_backend.h"

#include <libpq-fe.h>

/* Types by their numbers in pg_type.dat, which never change. */
enum { OID_BOOL = 16, OID_BYTEA = 17, OID_INT8 = 20, OID_INT2 = 21, OID_INT4 = 23 };
enum { OID_FLOAT4 = 700, OID_FLOAT8 = 701, OID_NUMERIC = 1700 };

enum { POSTGRESQL_SQL_MAX = 256 * 1024 };

struct server {
    PGconn *connection;
    unsigned connected; /* how many times; a statement lives as long as its connection */
    unsigned named;     /* statements so far */
    int64_t changes;
    size_t
        sent; /* and not waited for yet; the connection is in pipeline mode while there are any */
    struct {
        const char *matter;
        unsigned connected; /* the connection that leads in it */
    } leads[DATABASE_LEADS_MAX];
};

/* The fault of a result, or of the connection when that is NULL. */
enum err postgresql_fail(struct database *db, const PGresult *result, struct fault *fault);
/* A connection that was lost is made anew, before anything is begun on it. */
enum err postgresql_connect(struct database *db, struct fault *fault) MUST_CHECK;
enum err postgresql_run(struct database *db, const char *sql, struct fault *fault);
/*
 * Waits for what was sent. `last`, unless NULL, gets the result of what was sent last, for the
 * caller to clear. The fault is that of the first that failed.
 */
enum err postgresql_await(struct database *db, PGresult **last, struct fault *fault);
/* One more may be sent: enters pipeline mode. */
enum err postgresql_begin_sending(struct database *db, struct fault *fault);
/* Our SQL in the server's words; in a `schema`, the types too. Appended. */
void postgresql_translate(const char *sql, bool schema, struct buf *out);

extern const struct statement_backend postgresql_statements;

#endif
