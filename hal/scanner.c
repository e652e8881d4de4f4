#include "hal/framer.h"
#include "hal/scanner_backend.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    RETRY_FIRST_MS = 50,
    RETRY_MOST_MS = 1000,
    LINK_CHECK_MS = 5000, /* while attached: does the path still lead to this device? */
    READ_BYTES = 4096,
    BAUD_MIN = 300,
    BAUD_MAX = 4000000,
};

struct scanner {
    struct loop *loop;
    const struct scanner_backend *backend;
    struct scanner_listener listener;
    char name[SCANNER_NAME_MAX + 1];
    char lane[SCANNER_LANE_MAX + 1];
    char path[PATH_MAX];
    struct scanner_line line;
    struct framer framer;
    struct buf bytes;
    struct scanner_port *port; /* NULL while absent */
    struct loop_poll *poll;
    struct loop_timer *tick; /* the next attempt to attach, or the next look at the link */
    struct loop_timer *idle;
    int64_t retry_ms;
    enum scanner_state state;
    struct fault fault;
    bool busy;   /* within a callback of the loop */
    bool closed; /* by a listener, while busy: freed when the callback is over */
};

static void lose(struct scanner *s);

static void release(struct scanner *s)
{
    buf_free(&s->bytes);
    free(s);
}

/* Brackets around everything that may call the listener. */
static void enter(struct scanner *s)
{
    s->busy = true;
}

static void leave(struct scanner *s)
{
    s->busy = false;
    if (s->closed)
        release(s);
}

static void tell_change(struct scanner *s, enum scanner_state state)
{
    if (s->closed || s->state == state)
        return;
    s->state = state;
    if (s->listener.changed)
        s->listener.changed(s->listener.context, s->name, state);
}

static void tell_frame(struct scanner *s, enum framed framed, const struct frame *frame)
{
    if (framed == FRAMED_SCAN) {
        struct scan scan = {
            .scanner = s->name, .lane = s->lane, .aim = frame->aim, .data = frame->data};
        s->listener.scanned(s->listener.context, &scan);
    } else if (framed == FRAMED_REFUSED && s->listener.refused) {
        s->listener.refused(s->listener.context, s->name, frame->why, frame->bytes);
    }
}

static void tell_cut(struct scanner *s)
{
    struct frame frame;
    tell_frame(s, framer_cut(&s->framer, &frame), &frame);
}

static void take_frames(struct scanner *s)
{
    struct slice input = buf_slice(&s->bytes);
    struct frame frame;
    enum framed framed;
    while (!s->closed && (framed = framer_take(&s->framer, &input, &frame)) != FRAMED_NOTHING)
        tell_frame(s, framed, &frame);
    if (s->closed)
        return;
    if (framer_waiting(&s->framer))
        loop_timer_start(s->idle, FRAMER_IDLE_MS, 0);
    else
        loop_timer_stop(s->idle);
}

static void on_ready(void *context, unsigned ready)
{
    (void)ready;
    struct scanner *s = context;
    enter(s);
    buf_reset(&s->bytes);
    enum err err = s->backend->read(s->port, &s->bytes, &s->fault);
    if (s->bytes.len) {
        s->retry_ms = RETRY_FIRST_MS;
        take_frames(s);
    }
    if (err && !s->closed)
        lose(s);
    leave(s);
}

static void on_idle(void *context)
{
    struct scanner *s = context;
    enter(s);
    tell_cut(s);
    leave(s);
}

/* Grows from attempt to attempt, until bytes come. */
static void try_later(struct scanner *s)
{
    loop_timer_start(s->tick, s->retry_ms, 0);
    s->retry_ms = s->retry_ms * 2 < RETRY_MOST_MS ? s->retry_ms * 2 : RETRY_MOST_MS;
}

static void let_go(struct scanner *s)
{
    loop_poll_close(s->poll);
    s->poll = NULL;
    if (s->port)
        s->backend->detach(s->port);
    s->port = NULL;
}

static void lose(struct scanner *s)
{
    let_go(s);
    loop_timer_stop(s->idle);
    try_later(s);
    tell_cut(s);
    tell_change(s, SCANNER_ABSENT);
}

static void attach(struct scanner *s)
{
    enum err err = s->backend->attach(s->backend->context, s->path, &s->line, &s->port, &s->fault);
    if (!err)
        err = loop_poll_open(s->loop, s->backend->descriptor(s->port), on_ready, s, &s->poll,
                             &s->fault);
    if (err) {
        let_go(s);
        try_later(s);
        return;
    }
    loop_poll_want(s->poll, LOOP_READ);
    loop_timer_start(s->tick, LINK_CHECK_MS, LINK_CHECK_MS);
    s->fault = (struct fault){0};
    tell_change(s, SCANNER_READY);
}

/* A stable name that now leads to another device: the port was renumbered, this one is stale. */
static bool moved(const struct scanner *s)
{
    struct stat named;
    struct stat held;
    return stat(s->path, &named) == 0 && fstat(s->backend->descriptor(s->port), &held) == 0 &&
           S_ISCHR(named.st_mode) && named.st_rdev != held.st_rdev;
}

static void on_tick(void *context)
{
    struct scanner *s = context;
    enter(s);
    if (!s->port) {
        attach(s);
    } else if (moved(s)) {
        s->retry_ms = RETRY_FIRST_MS;
        lose(s);
    }
    leave(s);
}

static enum err copy(char *to, size_t size, const char *from, const char *field,
                     struct fault *fault)
{
    if (strlen(from) >= size)
        return fault_set(fault, ERR_INVALID, field, "must have at most %zu bytes", size - 1);
    memcpy(to, from, strlen(from) + 1);
    return ERR_OK;
}

static enum err take_config(struct scanner *s, const struct scanner_config *config,
                            const char *path, struct fault *fault)
{
    enum err err = copy(s->name, sizeof s->name, config->name, "name", fault);
    if (!err)
        err = copy(s->lane, sizeof s->lane, config->lane ? config->lane : "", "lane", fault);
    if (!err)
        err = copy(s->path, sizeof s->path, path, "device", fault);
    if (!err)
        err = framer_init(&s->framer, config->prefix, config->suffix, config->terminator, fault);
    s->line.baud = config->baud ? config->baud : 9600;
    s->line.layout = config->layout;
    if (!err && (s->line.baud < BAUD_MIN || s->line.baud > BAUD_MAX))
        err = fault_set(fault, ERR_INVALID, "baud", "must be from %d to %d", BAUD_MIN, BAUD_MAX);
    return err;
}

enum err scanner_open_backend(struct scanner **out, struct loop *loop,
                              const struct scanner_config *config,
                              const struct scanner_listener *listener,
                              const struct scanner_backend *backend, struct fault *fault)
{
    size_t scheme = strlen(backend->scheme);
    if (strncmp(config->device, backend->scheme, scheme) != 0 || config->device[scheme] != ':')
        return fault_set(fault, ERR_INVALID, "device", "must begin with \"%s:\"", backend->scheme);
    struct scanner *s = calloc(1, sizeof *s);
    if (!s)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    *s = (struct scanner){.loop = loop,
                          .backend = backend,
                          .listener = *listener,
                          .retry_ms = RETRY_FIRST_MS,
                          .state = SCANNER_ABSENT};
    buf_init(&s->bytes, READ_BYTES);
    s->tick = loop_timer_open(loop, on_tick, s);
    s->idle = loop_timer_open(loop, on_idle, s);
    enum err err = s->tick && s->idle ? take_config(s, config, config->device + scheme + 1, fault)
                                      : fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    if (err) {
        scanner_close(s);
        return err;
    }
    loop_timer_start(s->tick, 0, 0);
    *out = s;
    return ERR_OK;
}

enum err scanner_open(struct scanner **out, struct loop *loop, const struct scanner_config *config,
                      const struct scanner_listener *listener, struct fault *fault)
{
    static const struct scanner_backend *const backends[] = {&scanner_serial, &scanner_hid, NULL};
    for (size_t i = 0; backends[i]; i++) {
        size_t scheme = strlen(backends[i]->scheme);
        if (strncmp(config->device, backends[i]->scheme, scheme) == 0 &&
            config->device[scheme] == ':')
            return scanner_open_backend(out, loop, config, listener, backends[i], fault);
    }
    return fault_set(fault, ERR_INVALID, "device", "must be serial:PATH or hid:PATH");
}

void scanner_close(struct scanner *s)
{
    if (!s || s->closed)
        return;
    let_go(s);
    loop_timer_close(s->tick);
    loop_timer_close(s->idle);
    s->closed = true;
    if (!s->busy)
        release(s);
}

enum scanner_state scanner_state(const struct scanner *s)
{
    return s->state;
}

const struct fault *scanner_fault(const struct scanner *s)
{
    return &s->fault;
}
