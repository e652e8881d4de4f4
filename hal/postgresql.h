/*
 * A connection to a PostgreSQL server, and what its statements need of it. Only for
 * hal/database_postgresql.c and hal/postgresql_*.c. Threads as in hal/database.h.
 */
#ifndef HAL_POSTGRESQL_H
#define HAL_POSTGRESQL_H

#include "hal/database_backend.h"

#include <libpq-fe.h>

/* Types by their numbers in pg_type.dat, which never change. */
enum { OID_BOOL = 16, OID_BYTEA = 17, OID_INT8 = 20, OID_INT2 = 21, OID_INT4 = 23 };
enum { OID_FLOAT4 = 700, OID_FLOAT8 = 701, OID_NUMERIC = 1700 };

enum { OID_TEXT = 25, OID_INT8_ARRAY = 1016, OID_TEXT_ARRAY = 1009, OID_BYTEA_ARRAY = 1001 };

enum { POSTGRESQL_SQL_MAX = 256 * 1024, PARAMETERS_MAX = 32, NAME_MAX_BYTES = 24 };

struct value {
    enum column_kind kind;
    struct slice bytes;
    char number[24];
};

/* A statement, as struct statement has it in `native`. */
struct prepared {
    char *sql;
    int parameters;
    char name[NAME_MAX_BYTES];
    unsigned connected; /* the connection that knows it; 0: none yet */
    Oid types[PARAMETERS_MAX];
    struct value values[PARAMETERS_MAX];
    PGresult *result;
    int row;
    unsigned char **cells; /* of this row, decoded so far */
    struct rows *rows;     /* NULL: it was never one of many */
};

struct renewal;

struct server {
    char *uri;
    PGconn *connection;
    struct renewal *renewal; /* who hurries has one */
    unsigned connected;      /* how many times; a statement lives as long as its connection */
    unsigned named;          /* statements so far */
    bool stale;  /* it takes nothing any more: another line may, or another server that leads now */
    bool silent; /* it said nothing for too long, and the connection was given up */
    int64_t changes;
    size_t
        sent; /* and not waited for yet; the connection is in pipeline mode while there are any */
    struct prepared *gathering; /* whose rows wait to be sent together; NULL: nobody's */
    struct asked *asked;        /* what was asked ahead, in its order */
    struct {
        const char *matter;
        unsigned connected; /* the connection that leads in it */
    } leads[DATABASE_LEADS_MAX];
};

/* The fault of a result, or of the connection when that is NULL. */
enum err postgresql_fail(struct database *db, const PGresult *result, struct fault *fault);
/* Made, or as it failed: the caller's to finish. */
PGconn *postgresql_dial(const char *uri);
enum err postgresql_hurry(struct database *db, struct fault *fault) MUST_CHECK;
/* Waits for a connection that is being made. */
void postgresql_end_hurry(struct server *server);
/* Another connection instead of the one that was lost; it may have failed as well. */
enum err postgresql_renew(struct database *db, struct fault *fault) MUST_CHECK;
/* A connection that was lost is made anew, before anything is begun on it. */
enum err postgresql_connect(struct database *db, struct fault *fault) MUST_CHECK;
enum err postgresql_run(struct database *db, const char *sql, struct fault *fault);
/*
 * Waits for what was sent. `last`, unless NULL, gets the result of what was sent last, for the
 * caller to clear. The fault is that of the first that failed.
 */
enum err postgresql_await(struct database *db, PGresult **last, struct fault *fault);
/* PQgetResult, which waits no longer than the server is there: then the line is lost. */
PGresult *postgresql_next(struct server *server);
/* The last result of what a PQsend... function has just `sent`, outside of pipeline mode; it is 1,
 * as libpq says, or nothing was. NULL: see PQerrorMessage. */
PGresult *postgresql_last(struct server *server, int sent);
/* One more may be sent: enters pipeline mode. */
enum err postgresql_begin_sending(struct database *db, struct fault *fault);
/*
 * One more row of an INSERT, of whose parameters' types the server was asked. ERR_UNSUPPORTED: it
 * isn't one whose rows can be gathered.
 */
enum err postgresql_gather(struct database *db, struct prepared *p, struct fault *fault);
/* Sends the rows that were gathered. Each call below that sends or waits does so first. */
enum err postgresql_send_gathered(struct database *db, struct fault *fault);
void postgresql_forget_rows(struct database *db, struct prepared *p);
/* What was sent last, with what is bound to it, was asked ahead. */
void postgresql_asked(struct database *db, struct prepared *p);
/* The result of what was sent at that place since the last wait; true: it is an answer, and kept.
 */
bool postgresql_keep_answer(struct database *db, size_t place, PGresult *result);
/*
 * The answer to the statement as it is bound now; waits for it, and the caller clears it. NULL:
 * that wasn't asked ahead.
 */
enum err postgresql_take_answer(struct database *db, struct prepared *p, PGresult **answer,
                                struct fault *fault);
/* Answers that nobody took: those of `p`, NULL: all; or only what has none yet. */
void postgresql_forget_asked(struct database *db, const struct prepared *p, bool unanswered);
/* Our SQL in the server's words; in a `schema`, the types too. Appended. */
void postgresql_translate(const char *sql, bool schema, struct buf *out);

extern const struct statement_backend postgresql_statements;

#endif
