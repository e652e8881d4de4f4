/*
 * Waiting for a server's answer. TCP notices a host that is gone, but not one whose server stands
 * still: a paused machine, a line through a proxy whose far side is dead. So one that says nothing
 * for a while is asked on a line of its own whether it is there.
 */
#include "hal/postgresql.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

enum { SILENT_MS = 10 * 1000, ASKED_MS = 5 * 1000 };
/* Who hurries asks early, since asking costs little; and is told after a second in all. */
enum { HURRIED_SILENT_MS = 250, HURRIED_ASKED_MS = 750, HURRIED_AGAIN_MS = 1000 };

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* 0: nothing came of it in that time. */
static int poll_line(int line, short events, int64_t within_ms)
{
    struct pollfd at = {.fd = line, .events = events};
    int ready;
    do {
        ready = poll(&at, 1, (int)within_ms);
    } while (ready < 0 && errno == EINTR);
    return ready;
}

/*
 * Whether the host that this connection leads to (the URI may name several) answers a greeting,
 * whatever it says.
 */
static bool is_there(const PGconn *connection, int64_t within_ms)
{
    static const char *const words[] = {"host", "hostaddr", "port", "user", "dbname", NULL};
    const char *const values[] = {PQhost(connection), PQhostaddr(connection), PQport(connection),
                                  PQuser(connection), PQdb(connection),       NULL};
    PGconn *asked = PQconnectStartParams(words, values, 0);
    int64_t end = now_ms() + within_ms;
    int64_t left = within_ms;
    bool there = false;
    bool reads = false;
    while (!there && PQstatus(asked) != CONNECTION_BAD && left > 0 &&
           poll_line(PQsocket(asked), reads ? POLLIN : POLLOUT, left) > 0) {
        char byte;
        there = reads && recv(PQsocket(asked), &byte, 1, MSG_PEEK) > 0;
        reads = PQconnectPoll(asked) == PGRES_POLLING_READING;
        left = end - now_ms();
    }
    PQfinish(asked);
    return there;
}

/* False: nothing came for so long, and nobody is there any more. */
static bool await_bytes(const struct server *server)
{
    int64_t silent_ms = server->renewal ? HURRIED_SILENT_MS : SILENT_MS;
    int64_t asked_ms = server->renewal ? HURRIED_ASKED_MS : ASKED_MS;
    int ready = poll_line(PQsocket(server->connection), POLLIN, silent_ms);
    while (ready == 0 && is_there(server->connection, asked_ms)) {
        silent_ms = server->renewal ? HURRIED_AGAIN_MS : SILENT_MS;
        ready = poll_line(PQsocket(server->connection), POLLIN, silent_ms);
    }
    return ready != 0;
}

PGresult *postgresql_next(struct server *server)
{
    PGconn *connection = server->connection;
    while (PQstatus(connection) == CONNECTION_OK && PQisBusy(connection)) {
        if (!await_bytes(server)) {
            server->silent = true;
            (void)shutdown(PQsocket(connection), SHUT_RDWR); /* which libpq then finds lost */
        }
        if (PQconsumeInput(connection) != 1)
            break;
    }
    return PQgetResult(connection);
}

PGresult *postgresql_last(struct server *server, int sent)
{
    PGresult *last = NULL;
    PGresult *next;
    while (sent == 1 && (next = postgresql_next(server)) != NULL) {
        PQclear(last);
        last = next;
        if (PQstatus(server->connection) != CONNECTION_OK)
            break;
    }
    return last;
}
