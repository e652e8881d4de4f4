/*
 * Connections to a server. Who hurries (database_hurry) has a lost one made anew on a thread
 * beside, and is told that it isn't there until it is.
 */
#include "hal/postgresql.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/*
 * libpq's parameters. What stands before the URI is ours unless the URI says otherwise: of several
 * hosts the one that takes what is written; and a host that is gone, without a word, is found out
 * in seconds.
 */
static const char *const connection_words[][2] = {
    {"target_session_attrs", "read-write"},
    {"connect_timeout", "5"},
    {"keepalives_idle", "5"},
    {"keepalives_interval", "5"},
    {"keepalives_count", "2"},
    {"tcp_user_timeout", "15000"},
    {"dbname", NULL}, /* the URI */
    {"fallback_application_name", "tillback"},
    {"client_encoding", "UTF8"},
};
enum { WORDS_MAX = sizeof connection_words / sizeof *connection_words + 1 };

struct renewal {
    const char *uri; /* the server's */
    pthread_t thread;
    bool running;         /* until it was joined */
    bool failed;          /* the one before it */
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t ended;
    bool done;
    PGconn *made;
};

static void ignore_notice(void *context, const PGresult *result)
{
    (void)context;
    (void)result;
}

PGconn *postgresql_dial(const char *uri)
{
    const char *words[WORDS_MAX];
    const char *values[WORDS_MAX];
    for (size_t i = 0; i + 1 < WORDS_MAX; i++) {
        words[i] = connection_words[i][0];
        values[i] = connection_words[i][1] ? connection_words[i][1] : uri;
    }
    words[WORDS_MAX - 1] = NULL;
    values[WORDS_MAX - 1] = NULL;
    PGconn *connection = PQconnectdbParams(words, values, 1);
    PQsetNoticeReceiver(connection, ignore_notice, NULL);
    return connection;
}

/* --- Beside ---------------------------------------------------------------------------------- */

static void *dial(void *context)
{
    struct renewal *renewal = context;
    PGconn *made = postgresql_dial(renewal->uri);
    pthread_mutex_lock(&renewal->lock);
    renewal->made = made;
    renewal->done = true;
    pthread_cond_signal(&renewal->ended);
    pthread_mutex_unlock(&renewal->lock);
    return NULL;
}

enum err postgresql_hurry(struct database *db, struct fault *fault)
{
    struct server *server = db->native;
    struct renewal *renewal = calloc(1, sizeof *renewal);
    if (!renewal)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&renewal->lock, NULL);
    pthread_cond_init(&renewal->ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    renewal->uri = server->uri;
    server->renewal = renewal;
    return ERR_OK;
}

static bool ends_within(struct renewal *renewal, int seconds)
{
    struct timespec until;
    int error = 0;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += seconds;
    pthread_mutex_lock(&renewal->lock);
    while (!renewal->done && !error)
        error = pthread_cond_timedwait(&renewal->ended, &renewal->lock, &until);
    bool done = renewal->done;
    pthread_mutex_unlock(&renewal->lock);
    return done;
}

/* The caller's now. */
static PGconn *take_made(struct renewal *renewal)
{
    PGconn *made = renewal->made;
    pthread_join(renewal->thread, NULL);
    renewal->running = false;
    renewal->done = false;
    renewal->made = NULL;
    return made;
}

void postgresql_end_hurry(struct server *server)
{
    struct renewal *renewal = server->renewal;
    if (!renewal)
        return;
    if (renewal->running) {
        pthread_join(renewal->thread, NULL);
        PQfinish(renewal->made);
    }
    pthread_cond_destroy(&renewal->ended);
    pthread_mutex_destroy(&renewal->lock);
    free(renewal);
}

/* A server that is there is waited for a moment, once: it was only restarted, not silent. */
static enum err renew_beside(struct database *db, struct fault *fault)
{
    struct server *server = db->native;
    struct renewal *renewal = server->renewal;
    bool begins = !renewal->running;
    if (begins) {
        int error = pthread_create(&renewal->thread, NULL, dial, renewal);
        if (error)
            return fault_errno(fault, error, "", "start a thread for a connection");
        renewal->running = true;
    }
    if (!ends_within(renewal, begins && !renewal->failed && !server->silent ? 1 : 0))
        return fault_set(fault, ERR_UNREACHABLE, "", "database: the server doesn't answer");
    PGconn *made = take_made(renewal);
    renewal->failed = PQstatus(made) != CONNECTION_OK;
    PGconn *unneeded = renewal->failed ? made : server->connection;
    if (renewal->failed)
        (void)fault_set(fault, ERR_UNREACHABLE, "", "database: %.*s",
                        (int)strcspn(PQerrorMessage(made), "\n"), PQerrorMessage(made));
    else
        server->connection = made;
    PQfinish(unneeded);
    return renewal->failed ? ERR_UNREACHABLE : ERR_OK;
}

enum err postgresql_renew(struct database *db, struct fault *fault)
{
    struct server *server = db->native;
    if (server->renewal) {
        enum err err = renew_beside(db, fault);
        if (err)
            return err;
    } else {
        PQreset(server->connection);
    }
    server->stale = false;
    server->silent = false;
    server->connected++;
    return ERR_OK;
}
