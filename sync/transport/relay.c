#include "sync/transport/relay.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* One direction: bytes [start, end) wait. */
struct lane {
    size_t start;
    size_t end;
    bool source_ended;
    bool ended; /* the end was forwarded too */
    char bytes[RELAY_BUFFER_BYTES];
};

struct relay {
    struct tls_stream *stream;
    struct loop_poll *poll;
    int fd;
    relay_ended *told;
    void *context;
    bool over;
    unsigned entered;
    bool closed; /* freed when the last callback of ours returns */
    struct fault fault;
    struct lane in;  /* TLS to local */
    struct lane out; /* local to TLS */
};

static bool is_empty(const struct lane *lane)
{
    return lane->start == lane->end;
}

static bool is_full(const struct lane *lane)
{
    return lane->end == sizeof lane->bytes;
}

static void taken(struct lane *lane, size_t len)
{
    lane->start += len;
    if (lane->start == lane->end)
        lane->start = lane->end = 0;
}

static void leave(struct relay *relay)
{
    if (--relay->entered == 0 && relay->closed)
        free(relay);
}

static void end(struct relay *relay, enum err err, const struct fault *fault)
{
    if (relay->over || relay->closed)
        return;
    relay->over = true;
    loop_poll_want(relay->poll, 0);
    tls_stream_want_read(relay->stream, false);
    relay->told(relay->context, err, fault);
}

static void fail_local(struct relay *relay, int error)
{
    struct fault fault;
    enum err err = fault_errno(&fault, error, "", "the local side of a connection");
    end(relay, err, &fault);
}

/* Each step returns true while it moved something. */

static bool read_tls(struct relay *relay)
{
    struct lane *lane = &relay->in;
    if (lane->source_ended || is_full(lane))
        return false;
    size_t len = 0;
    enum err err = tls_stream_read(relay->stream, lane->bytes + lane->end,
                                   sizeof lane->bytes - lane->end, &len);
    if (err) {
        /* Its words come with `closed`; what was read before them is still delivered. */
        lane->source_ended = true;
        return true;
    }
    lane->end += len;
    return len > 0;
}

static bool write_local(struct relay *relay)
{
    struct lane *lane = &relay->in;
    if (is_empty(lane)) {
        if (!lane->source_ended || lane->ended)
            return false;
        lane->ended = true;
        (void)shutdown(relay->fd, SHUT_WR);
        return true;
    }
    ssize_t sent = send(relay->fd, lane->bytes + lane->start, lane->end - lane->start,
                        MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0)
        taken(lane, (size_t)sent);
    else if (errno == EPIPE || errno == ECONNRESET)
        taken(lane, lane->end - lane->start); /* nobody reads it; the other way may go on */
    else if (errno != EAGAIN && errno != EINTR)
        fail_local(relay, errno);
    return sent > 0;
}

static bool read_local(struct relay *relay)
{
    struct lane *lane = &relay->out;
    if (lane->source_ended || is_full(lane))
        return false;
    ssize_t received =
        recv(relay->fd, lane->bytes + lane->end, sizeof lane->bytes - lane->end, MSG_DONTWAIT);
    if (received > 0) {
        lane->end += (size_t)received;
        return true;
    }
    if (received == 0 || errno == ECONNRESET) {
        lane->source_ended = true;
        return true;
    }
    if (errno != EAGAIN && errno != EINTR)
        fail_local(relay, errno);
    return false;
}

static bool write_tls(struct relay *relay)
{
    struct lane *lane = &relay->out;
    if (is_empty(lane)) {
        if (!lane->source_ended || lane->ended)
            return false;
        lane->ended = true;
        tls_stream_finish(relay->stream);
        return true;
    }
    size_t len = 0;
    enum err err =
        tls_stream_write(relay->stream, lane->bytes + lane->start, lane->end - lane->start, &len);
    if (err) {
        taken(lane, lane->end - lane->start);
        lane->source_ended = lane->ended = true;
        return true;
    }
    taken(lane, len);
    return len > 0;
}

/* Neither direction may keep the loop for long; what is left is announced again. */
enum { ROUNDS_MAX = 16 };

static void carry_in(struct relay *relay)
{
    bool moved = true;
    for (int round = 0; moved && !relay->over && round < ROUNDS_MAX; round++) {
        moved = read_tls(relay);
        moved |= write_local(relay);
    }
}

static void carry_out(struct relay *relay)
{
    bool moved = true;
    for (int round = 0; moved && !relay->over && round < ROUNDS_MAX; round++) {
        moved = read_local(relay);
        moved |= write_tls(relay);
    }
}

static void settle(struct relay *relay)
{
    if (relay->closed || relay->over)
        return;
    if (relay->in.ended && (relay->out.ended || relay->fault.code)) {
        if (relay->fault.code == ERR_OK)
            (void)fault_set(&relay->fault, ERR_CLOSED, "", "both sides ended the connection");
        end(relay, relay->fault.code, &relay->fault);
        return;
    }
    loop_poll_want(relay->poll,
                   (!relay->out.source_ended && !is_full(&relay->out) ? LOOP_READ : 0u) |
                       (!is_empty(&relay->in) ? LOOP_WRITE : 0u));
    tls_stream_want_read(relay->stream, !relay->in.source_ended && !is_full(&relay->in));
}

static void on_local(void *context, unsigned ready)
{
    struct relay *relay = context;
    relay->entered++;
    if (ready & (LOOP_WRITE | LOOP_HANGUP))
        carry_in(relay);
    if (ready & (LOOP_READ | LOOP_HANGUP))
        carry_out(relay);
    settle(relay);
    leave(relay);
}

static void on_readable(void *context)
{
    struct relay *relay = context;
    relay->entered++;
    carry_in(relay);
    settle(relay);
    leave(relay);
}

static void on_writable(void *context)
{
    struct relay *relay = context;
    relay->entered++;
    carry_out(relay);
    settle(relay);
    leave(relay);
}

static void on_closed(void *context, enum err err, const struct fault *fault)
{
    struct relay *relay = context;
    relay->entered++;
    relay->in.source_ended = true;
    if (err != ERR_CLOSED)
        relay->fault = *fault;
    carry_in(relay);
    settle(relay);
    leave(relay);
}

static enum err refuse(struct tls_stream *stream, int fd, enum err err)
{
    tls_stream_close(stream);
    (void)close(fd);
    return err;
}

enum err relay_open(struct relay **out, struct loop *loop, struct tls_stream *stream, int fd,
                    relay_ended *ended, void *context, struct fault *fault)
{
    struct relay *relay = calloc(1, sizeof *relay);
    if (!relay)
        return refuse(stream, fd, fault_set(fault, ERR_NO_MEMORY, "", "out of memory"));
    enum err err = loop_poll_open(loop, fd, on_local, relay, &relay->poll, fault);
    if (err) {
        free(relay);
        return refuse(stream, fd, err);
    }
    relay->stream = stream;
    relay->fd = fd;
    relay->told = ended;
    relay->context = context;
    tls_stream_listen(stream, &(struct tls_listener){.readable = on_readable,
                                                     .writable = on_writable,
                                                     .closed = on_closed,
                                                     .context = relay});
    loop_poll_want(relay->poll, LOOP_READ);
    *out = relay;
    return ERR_OK;
}

void relay_close(struct relay *relay)
{
    if (!relay || relay->closed)
        return;
    loop_poll_close(relay->poll);
    tls_stream_close(relay->stream);
    (void)close(relay->fd);
    relay->stream = NULL;
    relay->closed = true;
    if (relay->entered == 0)
        free(relay);
}

void relay_flush(struct relay *relay)
{
    relay->entered++;
    carry_in(relay);
    carry_out(relay);
    leave(relay);
}

const struct fault *relay_fault(const struct relay *relay)
{
    return &relay->fault;
}
