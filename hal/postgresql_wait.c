/*
 * Waiting for a server's answer. TCP notices a host that is gone, but not one whose server stands
 * still: a paused machine, a line through a proxy whose far side is dead. So one that says nothing
 * for a while is asked on a line of its own whether it is there.
 */
#include "hal/postgresql.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

enum { SILENT_MS = 10 * 1000 };

/* Of several hosts, the one that this line leads to. */
static bool is_there(const PGconn *connection)
{
    static const char *const words[] = {"host", "hostaddr", "port", "connect_timeout", NULL};
    const char *const values[] = {PQhost(connection), PQhostaddr(connection), PQport(connection),
                                  "5", NULL};
    PGPing answer = PQpingParams(words, values, 0);
    return answer == PQPING_OK || answer == PQPING_REJECT;
}

/* False: nothing came for so long, and nobody is there any more. */
static bool await_bytes(const PGconn *connection)
{
    struct pollfd line = {.fd = PQsocket(connection), .events = POLLIN};
    int ready;
    do {
        ready = poll(&line, 1, SILENT_MS);
    } while ((ready < 0 && errno == EINTR) || (ready == 0 && is_there(connection)));
    return ready != 0;
}

PGresult *postgresql_next(struct server *server)
{
    PGconn *connection = server->connection;
    while (PQstatus(connection) == CONNECTION_OK && PQisBusy(connection)) {
        if (!await_bytes(connection))
            (void)shutdown(PQsocket(connection), SHUT_RDWR); /* which libpq then finds lost */
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
