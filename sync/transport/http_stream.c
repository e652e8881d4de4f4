#include "sync/transport/http_request.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* A comment line now and then tells the two ends (and what is between them) that both are there. */
enum { HEARTBEAT_MS = 15000, BLOCK_BYTES = 4096 };

static const char opening[] = "retry: 2000\n\n";
static const char heartbeat[] = ":\n\n";

struct http_stream {
    struct MHD_Connection *mhd;
    struct loop_timer *again; /* runs MHD soon */
    int fd;
    struct loop_poll *poll; /* for the peer's end, which MHD doesn't see while suspended */
    struct loop_timer *timer;
    void (*gone)(void *context);
    void *context;
    struct buf waiting;
    bool suspended;
    bool ended; /* by its owner, who no longer has it */
    bool cut;
};

static void wake(struct http_stream *stream)
{
    if (!stream->suspended)
        return;
    stream->suspended = false;
    MHD_resume_connection(stream->mhd);
    loop_timer_start(stream->again, 0, 0);
}

static void cut(struct http_stream *stream)
{
    stream->cut = true;
    loop_poll_want(stream->poll, 0);
    (void)shutdown(stream->fd, SHUT_RDWR);
    wake(stream);
}

static void on_hangup(void *context, unsigned ready)
{
    (void)ready;
    cut(context);
}

static void append(struct http_stream *stream, const char *text, size_t len)
{
    buf_append(&stream->waiting, text, len);
}

static void on_heartbeat(void *context)
{
    struct http_stream *stream = context;
    if (stream->waiting.len == 0)
        append(stream, heartbeat, sizeof heartbeat - 1);
    wake(stream);
}

static ssize_t give(void *context, uint64_t position, char *out, size_t max)
{
    (void)position;
    struct http_stream *stream = context;
    if (stream->cut)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    size_t len = stream->waiting.len < max ? stream->waiting.len : max;
    if (len > 0) {
        memcpy(out, stream->waiting.data, len);
        buf_consume(&stream->waiting, len);
        return (ssize_t)len;
    }
    if (stream->ended)
        return MHD_CONTENT_READER_END_OF_STREAM;
    stream->suspended = true;
    MHD_suspend_connection(stream->mhd);
    return 0;
}

/* MHD is through with it: the peer left, or all was sent after the end, or the server closes. */
static void on_over(void *context)
{
    struct http_stream *stream = context;
    loop_poll_close(stream->poll);
    loop_timer_close(stream->timer);
    if (!stream->ended && stream->gone)
        stream->gone(stream->context);
    buf_free(&stream->waiting);
    free(stream);
}

static struct http_stream *open_stream(struct http_request *request)
{
    struct http_stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return NULL;
    stream->mhd = request->mhd;
    stream->again = request->again;
    stream->fd = request->fd;
    buf_init(&stream->waiting, HTTP_STREAM_WAITING_MAX);
    append(stream, opening, sizeof opening - 1);
    stream->timer = loop_timer_open(request->loop, on_heartbeat, stream);
    if (!stream->timer ||
        loop_poll_open(request->loop, stream->fd, on_hangup, stream, &stream->poll, NULL)) {
        on_over(stream);
        return NULL;
    }
    return stream;
}

static struct http_stream *refuse(struct http_request *request)
{
    struct fault fault;
    (void)fault_set(&fault, ERR_NO_MEMORY, "", "the stream can't be opened now");
    http_problem(request, http_status_of(fault.code), &fault);
    return NULL;
}

struct http_stream *http_stream_begin(struct http_request *request, void (*gone)(void *context),
                                      void *context)
{
    struct http_stream *stream = request->mhd ? open_stream(request) : NULL;
    if (!stream)
        return refuse(request);
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, give, stream, on_over);
    if (!response) {
        on_over(stream);
        return refuse(request);
    }
    stream->gone = gone;
    stream->context = context;
    http_request_headers(response, "text/event-stream; charset=utf-8", NULL, 0);
    loop_poll_want(stream->poll, LOOP_HANGUP);
    loop_timer_start(stream->timer, HEARTBEAT_MS, HEARTBEAT_MS);
    request->streaming = true;
    http_request_respond(request, 200, response);
    return stream;
}

/* A field a line (WHATWG HTML, section 9.2.6): data with line ends takes several. */
static void append_field(struct http_stream *stream, const char *name, struct slice value)
{
    while (true) {
        const char *end = value.len ? memchr(value.data, '\n', value.len) : NULL;
        size_t len = end ? (size_t)(end - value.data) : value.len;
        buf_append_text(&stream->waiting, name);
        append(stream, ": ", 2);
        append(stream, value.data, len);
        append(stream, "\n", 1);
        if (!end)
            return;
        value = (struct slice){.data = end + 1, .len = value.len - len - 1};
    }
}

void http_stream_send(struct http_stream *stream, const char *event, struct slice data)
{
    if (stream->cut)
        return;
    if (event)
        append_field(stream, "event", slice_of(event));
    append_field(stream, "data", data);
    append(stream, "\n", 1);
    if (stream->waiting.failed)
        cut(stream);
    else
        wake(stream);
}

void http_stream_end(struct http_stream *stream)
{
    stream->ended = true;
    wake(stream);
}
