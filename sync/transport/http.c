#include "sync/transport/http.h"

#include "sync/transport/http_request.h"
#include "sync/transport/listener.h"
#include "sync/transport/relay.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Refuse what RFC 9112 forbids; 1.0 renamed the option. */
#if MHD_VERSION >= 0x01000000
#define STRICTNESS MHD_OPTION_CLIENT_DISCIPLINE_LVL
#else
#define STRICTNESS MHD_OPTION_STRICT_FOR_CLIENT
#endif

enum {
    HANDSHAKE_MS = 5000,
    HEADERS_MS = 10000,
    BODY_MS = 30000,
    IDLE_MS = 60000,
    LINGER_MS = 2000, /* for a TLS peer to take in the last bytes and hang up */
    CONNECTIONS = 128,
    CONNECTION_BYTES = 16 * 1024, /* for a request's headers and what is on its way of a body */
    PER_ADDRESS = 16,
    SWEEP_MS = 1000,
    RUNS_AT_ONCE = 8,
    PASSED_OVER_MAX = 64 * 1024 * 1024,
};

/* A connection from accept to close. MHD has `fd`: the peer's socket, or a pair's end to a relay.
 */
struct http_connection {
    struct http_server *server;
    struct http_connection *next;
    struct http_connection **link;
    struct sockaddr_storage address;
    socklen_t address_len;
    struct tls_stream *stream; /* in its handshake */
    struct relay *relay;
    bool relay_over;
    int fd;
    bool with_mhd;
    struct MHD_Connection *mhd; /* NULL before it began and after it ended */
    bool secure;
    int64_t deadline_ms; /* 0: none */
    char peer[CERTIFICATE_NAME_MAX + 1];
};

struct http_server {
    struct loop *loop;
    struct tls_context *tls;
    struct diag *diag;
    struct http_limits limits;
    void (*handle)(void *context, struct http_request *request);
    void *context;
    struct MHD_Daemon *daemon;
    struct loop_poll *poll; /* MHD's epoll descriptor */
    struct loop_timer *again;
    struct loop_timer *sweep;
    struct listener *listener;
    struct http_connection *connections;
    unsigned entered; /* MHD is on the stack */
};

static void set_deadline(struct http_connection *connection, int64_t limit_ms)
{
    connection->deadline_ms = limit_ms ? loop_now_ms(connection->server->loop) + limit_ms : 0;
}

static void run_mhd(struct http_server *server)
{
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;
    server->entered++;
    for (int i = 0; i < RUNS_AT_ONCE; i++) {
        (void)MHD_run(server->daemon);
        if (MHD_get_timeout(server->daemon, &wait_ms) != MHD_YES || wait_ms > 0)
            break;
        if (i == RUNS_AT_ONCE - 1)
            loop_timer_start(server->again, 0, 0);
    }
    server->entered--;
}

static void on_mhd_ready(void *context, unsigned ready)
{
    (void)ready;
    run_mhd(context);
}

static void on_again(void *context)
{
    run_mhd(context);
}

/* --- Connections ----------------------------------------------------------------------------- */

static void free_connection(struct http_connection *connection)
{
    *connection->link = connection->next;
    if (connection->next)
        connection->next->link = connection->link;
    tls_stream_close(connection->stream);
    relay_close(connection->relay);
    listener_released(connection->server->listener, &connection->address);
    free(connection);
}

/* Cuts it; MHD then notices by itself and lets go. */
static void cut(struct http_connection *connection)
{
    if (!connection->with_mhd) {
        free_connection(connection);
        return;
    }
    connection->deadline_ms = 0;
    (void)shutdown(connection->fd, SHUT_RDWR);
}

static void on_relay_ended(void *context, enum err err, const struct fault *fault)
{
    (void)err;
    (void)fault;
    struct http_connection *connection = context;
    connection->relay_over = true;
    cut(connection);
}

/* `fd` is MHD's from here on, also when it fails. */
static enum err give_to_mhd(struct http_connection *connection, int fd)
{
    struct http_server *server = connection->server;
    connection->fd = fd;
    connection->with_mhd = true;
    set_deadline(connection, server->limits.headers_ms);
    if (MHD_add_connection(server->daemon, fd, (struct sockaddr *)&connection->address,
                           connection->address_len) == MHD_YES) {
        run_mhd(server);
        return ERR_OK;
    }
    connection->with_mhd = false;
    diag_write(server->diag, DIAG_WARN, "http.refused", "MHD took no further connection");
    return ERR_BUSY;
}

static enum err begin_relay(struct http_connection *connection, int *mhd_end, struct fault *fault)
{
    int ends[2];
    struct tls_stream *stream = connection->stream;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0)
        return fault_errno(fault, errno, "", "making a socket pair");
    connection->stream = NULL;
    enum err err = relay_open(&connection->relay, connection->server->loop, stream, ends[0],
                              on_relay_ended, connection, fault);
    if (err)
        (void)close(ends[1]);
    else
        *mhd_end = ends[1];
    return err;
}

static void on_tls_connected(void *context, enum err err, const struct fault *why)
{
    struct http_connection *connection = context;
    struct fault fault;
    int mhd_end = -1;
    if (err) {
        fault = *why;
    } else {
        memcpy(connection->peer, tls_stream_peer(connection->stream), sizeof connection->peer);
        err = begin_relay(connection, &mhd_end, &fault);
    }
    if (err)
        diag_fault(connection->server->diag, DIAG_INFO, "http.handshake", &fault);
    if (err || give_to_mhd(connection, mhd_end))
        free_connection(connection);
}

static enum err begin_handshake(struct http_connection *connection, int fd, struct fault *fault)
{
    struct http_server *server = connection->server;
    const struct tls_line line = {.fd = fd, .handshake_timeout_ms = server->limits.handshake_ms};
    enum err err = tls_stream_open(
        &connection->stream, server->loop, server->tls, &line,
        &(struct tls_listener){.connected = on_tls_connected, .context = connection}, fault);
    if (err)
        (void)close(fd);
    return err;
}

/* Often enough that no limit is missed by more than a quarter; not at all for nobody. */
static void begin_sweeping(struct http_server *server)
{
    const struct http_limits *limits = &server->limits;
    int64_t least = limits->headers_ms < limits->body_ms ? limits->headers_ms : limits->body_ms;
    least = limits->idle_ms < least ? limits->idle_ms : least;
    int64_t every_ms = least / 4 < SWEEP_MS ? least / 4 + 1 : SWEEP_MS;
    loop_timer_start(server->sweep, every_ms, every_ms);
}

static void on_accepted(void *context, int fd, const struct sockaddr_storage *address,
                        socklen_t len)
{
    struct http_server *server = context;
    struct http_connection *connection = calloc(1, sizeof *connection);
    if (!connection) {
        (void)close(fd);
        listener_released(server->listener, address);
        return;
    }
    if (!server->connections)
        begin_sweeping(server);
    connection->server = server;
    connection->address = *address;
    connection->address_len = len;
    connection->secure = server->tls != NULL;
    connection->next = server->connections;
    connection->link = &server->connections;
    if (connection->next)
        connection->next->link = &connection->next;
    server->connections = connection;
    struct fault fault;
    enum err err =
        server->tls ? begin_handshake(connection, fd, &fault) : give_to_mhd(connection, fd);
    if (err)
        free_connection(connection);
}

/* Absolute limits, since a peer that sends a byte now and then is never idle. */
static void on_sweep(void *context)
{
    struct http_server *server = context;
    int64_t now_ms = loop_now_ms(server->loop);
    struct http_connection *next;
    for (struct http_connection *at = server->connections; at; at = next) {
        next = at->next;
        if (at->deadline_ms && at->deadline_ms <= now_ms)
            cut(at);
    }
    if (!server->connections)
        loop_timer_stop(server->sweep);
}

/* --- What MHD calls -------------------------------------------------------------------------- */

static struct http_connection *connection_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static void on_connection(void *context, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http_server *server = context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        int fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        struct http_connection *at = server->connections;
        while (at && !(at->with_mhd && at->fd == fd))
            at = at->next;
        if (at)
            at->mhd = mhd;
        *socket_context = at;
        return;
    }
    struct http_connection *connection = *socket_context;
    if (!connection)
        return;
    connection->with_mhd = false;
    connection->mhd = NULL;
    if (connection->relay && !connection->relay_over)
        set_deadline(connection, LINGER_MS); /* the relay carries the rest, then ends itself */
    else
        free_connection(connection);
}

static void on_completed(void *context, struct MHD_Connection *mhd, void **slot,
                         enum MHD_RequestTerminationCode code)
{
    (void)code;
    struct http_server *server = context;
    struct http_request *request = *slot;
    if (!request)
        return;
    struct http_connection *connection = connection_of(mhd);
    if (connection)
        set_deadline(connection, server->limits.idle_ms);
    *slot = NULL;
    http_request_over(request);
}

static struct http_request *begin_request(struct http_server *server, struct MHD_Connection *mhd,
                                          const char *path, const char *method)
{
    struct http_connection *connection = connection_of(mhd);
    struct http_request *request =
        connection ? http_request_open(mhd, path, method, server->limits.body_bytes) : NULL;
    if (!request)
        return NULL;
    request->loop = server->loop;
    request->again = server->again;
    request->fd = connection->fd;
    request->secure = connection->secure;
    memcpy(request->peer, connection->peer, sizeof request->peer);
    set_deadline(connection, server->limits.body_ms);
    return request;
}

static enum MHD_Result take_body(struct http_request *request, const char *data, size_t *size)
{
    if (!request->body.failed)
        buf_append(&request->body, data, *size);
    /* A body above the cap is read on for a while, so that its sender gets to see the answer. */
    if (request->body.failed)
        request->passed_over += *size;
    *size = 0;
    return request->passed_over > PASSED_OVER_MAX ? MHD_NO : MHD_YES;
}

static void handle(struct http_server *server, struct http_request *request)
{
    request->handled = true;
    struct fault fault;
    enum err err = request->path[0] == '/'
                       ? buf_check(&request->body, &fault, "body")
                       : fault_set(&fault, ERR_INVALID, "", "the path must begin with /");
    if (err)
        http_problem(request, http_status_of(err), &fault);
    else
        server->handle(server->context, request);
}

static enum MHD_Result queue_answer(struct http_server *server, struct MHD_Connection *mhd,
                                    struct http_request *request)
{
    struct MHD_Response *response = request->response;
    request->response = NULL;
    if (!response)
        return MHD_NO; /* no memory for it: better a cut than a wrong answer */
    set_deadline(connection_of(mhd), request->streaming ? 0 : server->limits.idle_ms);
    enum MHD_Result queued = MHD_queue_response(mhd, (unsigned)request->status, response);
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result on_access(void *context, struct MHD_Connection *mhd, const char *path,
                                 const char *method, const char *version, const char *data,
                                 size_t *size, void **slot)
{
    (void)version;
    struct http_server *server = context;
    struct http_request *request = *slot;
    if (!request) {
        *slot = begin_request(server, mhd, path, method);
        return *slot ? MHD_YES : MHD_NO;
    }
    if (*size > 0)
        return take_body(request, data, size);
    if (!request->handled) {
        set_deadline(connection_of(mhd), 0); /* from here on it is the handler's time */
        handle(server, request);
    }
    if (request->answered)
        return queue_answer(server, mhd, request);
    request->suspended = true;
    MHD_suspend_connection(mhd);
    return MHD_YES;
}

/* --- Open and close -------------------------------------------------------------------------- */

static void complete_limits(struct http_limits *limits)
{
    limits->handshake_ms = limits->handshake_ms ? limits->handshake_ms : HANDSHAKE_MS;
    limits->headers_ms = limits->headers_ms ? limits->headers_ms : HEADERS_MS;
    limits->body_ms = limits->body_ms ? limits->body_ms : BODY_MS;
    limits->idle_ms = limits->idle_ms ? limits->idle_ms : IDLE_MS;
    limits->connections = limits->connections ? limits->connections : CONNECTIONS;
    limits->per_address = limits->per_address ? limits->per_address : PER_ADDRESS;
    limits->body_bytes = limits->body_bytes ? limits->body_bytes : HTTP_BODY_MAX;
}

/* A NUL would cut a name off behind our back: it stays as it is written, and fits nothing. */
static size_t unescape(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    return strstr(text, "%00") ? strlen(text) : MHD_http_unescape(text);
}

static enum err start_mhd(struct http_server *server, struct fault *fault)
{
    server->daemon =
        MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0,
                         NULL, NULL, on_access, server, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
                         server, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
                         MHD_OPTION_CONNECTION_LIMIT, 2 * server->limits.connections,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES, STRICTNESS,
                         1, MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL, MHD_OPTION_END);
    if (!server->daemon)
        return fault_set(fault, ERR_IO, "", "libmicrohttpd doesn't start");
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    enum err err =
        loop_poll_open(server->loop, info->epoll_fd, on_mhd_ready, server, &server->poll, fault);
    if (!err)
        loop_poll_want(server->poll, LOOP_READ);
    return err;
}

static enum err start(struct http_server *server, const struct http_config *config,
                      struct fault *fault)
{
    enum err err = start_mhd(server, fault);
    if (err)
        return err;
    server->again = loop_timer_open(server->loop, on_again, server);
    server->sweep = loop_timer_open(server->loop, on_sweep, server);
    if (!server->again || !server->sweep)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    return listener_open(&server->listener, server->loop,
                         &(struct listener_config){.address = config->address,
                                                   .loopback_only = !config->tls,
                                                   .connections = server->limits.connections,
                                                   .per_address = server->limits.per_address,
                                                   .unacknowledged_ms = server->limits.idle_ms,
                                                   .accepted = on_accepted,
                                                   .context = server},
                         fault);
}

enum err http_server_open(struct http_server **out, struct loop *loop,
                          const struct http_config *config, struct fault *fault)
{
    struct http_server *server = calloc(1, sizeof *server);
    if (!server)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    server->loop = loop;
    server->tls = config->tls;
    server->diag = config->diag;
    server->handle = config->handle;
    server->context = config->context;
    server->limits = config->limits;
    complete_limits(&server->limits);
    enum err err = start(server, config, fault);
    if (err) {
        http_server_close(server);
        return err;
    }
    *out = server;
    return ERR_OK;
}

/* MHD can't stop while connections are suspended. */
static void resume_all(struct http_server *server)
{
    for (struct http_connection *at = server->connections; at; at = at->next)
        if (at->mhd &&
            MHD_get_connection_info(at->mhd, MHD_CONNECTION_INFO_CONNECTION_SUSPENDED)->suspended)
            MHD_resume_connection(at->mhd);
}

void http_server_close(struct http_server *server)
{
    if (!server)
        return;
    assert(server->entered == 0);
    resume_all(server);
    if (server->daemon)
        MHD_stop_daemon(server->daemon);
    struct http_connection *next;
    for (struct http_connection *at = server->connections; at; at = next) {
        next = at->next;
        free_connection(at);
    }
    listener_close(server->listener);
    loop_poll_close(server->poll);
    loop_timer_close(server->again);
    loop_timer_close(server->sweep);
    free(server);
}

void http_server_use_tls(struct http_server *server, struct tls_context *tls)
{
    assert(server->tls && tls);
    server->tls = tls;
}

const char *http_server_address(const struct http_server *server)
{
    return listener_address(server->listener);
}
