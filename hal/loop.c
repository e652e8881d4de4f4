#include "hal/loop.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <uv.h>

enum { BEAT_MS = 1000 };

struct post {
    struct post *next;
    loop_callback *callback;
    void *context;
};

struct loop {
    uv_loop_t uv;
    int wake_fd;      /* written to when another thread posted or wants a stop */
    uv_poll_t wake;   /* for it; a uv_async_t spins while the other thread is held up in its send */
    uv_timer_t limit; /* ends a loop_run_once */
    bool single;      /* within loop_run_once: return after the first callback */
    atomic_bool stopping;
    pthread_mutex_t lock; /* guards the posts */
    struct post *first;
    struct post **last;
};

struct loop_timer {
    uv_timer_t uv;
    uint64_t repeat_ms;
    loop_callback *callback;
    void *context;
};

struct loop_poll {
    uv_poll_t uv;
    unsigned wanted;
    loop_poll_callback *callback;
    void *context;
};

struct loop_signal {
    uv_signal_t uv;
    loop_callback *callback;
    void *context;
};

enum { LOOKUP_MAX = 8, PORT_TEXT = 6 };

struct loop_lookup {
    uv_getaddrinfo_t uv;
    loop_lookup_callback *callback; /* NULL once cancelled */
    void *context;
};

static enum err code_of(int status)
{
    return fault_errno(NULL, -status, "", "");
}

static enum err fail(struct fault *fault, int status, const char *doing)
{
    return fault_set(fault, code_of(status), "", "%s: %s", doing, uv_strerror(status));
}

/* Every callback of ours says so here, so that loop_run_once can end its wait. */
static void served(uv_loop_t *uv)
{
    struct loop *loop = uv->data;
    if (loop->single)
        uv_stop(uv);
}

static void run_posts(struct loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    struct post *post = loop->first;
    loop->first = NULL;
    loop->last = &loop->first;
    pthread_mutex_unlock(&loop->lock);
    while (post) {
        struct post *next = post->next;
        post->callback(post->context);
        free(post);
        post = next;
    }
}

static void wake(struct loop *loop)
{
    (void)eventfd_write(loop->wake_fd, 1); /* fails only when it is full of wishes already */
}

static void on_wake(uv_poll_t *uv, int status, int events)
{
    (void)status;
    (void)events;
    struct loop *loop = uv->data;
    eventfd_t wishes;
    (void)eventfd_read(loop->wake_fd, &wishes);
    run_posts(loop);
    served(&loop->uv);
    if (atomic_load(&loop->stopping))
        uv_stop(&loop->uv);
}

enum err loop_open(struct loop **out, struct fault *fault)
{
    struct loop *loop = calloc(1, sizeof *loop);
    if (!loop)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    int status = uv_loop_init(&loop->uv);
    if (status) {
        free(loop);
        return fail(fault, status, "event loop");
    }
    loop->uv.data = loop;
    loop->wake.data = loop;
    loop->last = &loop->first;
    loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    status = loop->wake_fd < 0 ? uv_translate_sys_error(errno)
                               : uv_poll_init(&loop->uv, &loop->wake, loop->wake_fd);
    if (status) {
        if (loop->wake_fd >= 0)
            (void)close(loop->wake_fd);
        (void)uv_loop_close(&loop->uv);
        free(loop);
        return fail(fault, status, "event loop");
    }
    (void)uv_poll_start(&loop->wake, UV_READABLE, on_wake);
    (void)uv_timer_init(&loop->uv, &loop->limit);
    loop->limit.data = loop;
    pthread_mutex_init(&loop->lock, NULL);
    *out = loop;
    return ERR_OK;
}

static void assert_closing(uv_handle_t *handle, void *unused)
{
    (void)unused;
    assert(uv_is_closing(handle));
    (void)handle;
}

void loop_close(struct loop *loop)
{
    if (!loop)
        return;
    while (loop->first)
        run_posts(loop);
    uv_close((uv_handle_t *)&loop->limit, NULL);
    uv_close((uv_handle_t *)&loop->wake, NULL);
    uv_walk(&loop->uv, assert_closing, NULL);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    int status = uv_loop_close(&loop->uv);
    assert(status == 0);
    (void)status;
    (void)close(loop->wake_fd);
    pthread_mutex_destroy(&loop->lock);
    free(loop);
}

void loop_run(struct loop *loop)
{
    while (!atomic_exchange(&loop->stopping, false))
        (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
}

static void on_limit(uv_timer_t *limit)
{
    struct loop *loop = limit->data;
    wake(loop); /* a timer that is due before the wait doesn't end it */
}

void loop_run_once(struct loop *loop, int64_t timeout_ms)
{
    loop->single = true;
    uv_update_time(&loop->uv);
    (void)uv_timer_start(&loop->limit, on_limit, timeout_ms > 0 ? (uint64_t)timeout_ms : 0, 0);
    (void)uv_run(&loop->uv, UV_RUN_ONCE);
    (void)uv_timer_stop(&loop->limit);
    loop->single = false;
}

void loop_stop(struct loop *loop)
{
    atomic_store(&loop->stopping, true);
    wake(loop);
}

int64_t loop_now_ms(struct loop *loop)
{
    (void)loop;
    return (int64_t)(uv_hrtime() / 1000000);
}

enum err loop_post(struct loop *loop, loop_callback *callback, void *context)
{
    struct post *post = malloc(sizeof *post);
    if (!post)
        return ERR_NO_MEMORY;
    *post = (struct post){.callback = callback, .context = context};
    pthread_mutex_lock(&loop->lock);
    bool waits = loop->first; /* for a loop that is awake already */
    *loop->last = post;
    loop->last = &post->next;
    pthread_mutex_unlock(&loop->lock);
    if (!waits)
        wake(loop);
    return ERR_OK;
}

/* Timers, polls and signals are freed here, after the callback that closed them returned. */
static void free_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_timer(uv_timer_t *uv)
{
    struct loop_timer *timer = uv->data;
    served(uv->loop);
    if (timer->repeat_ms >= BEAT_MS) {
        uint64_t now = uv_now(uv->loop);
        uint64_t beat = (now + timer->repeat_ms + BEAT_MS / 2) / BEAT_MS * BEAT_MS;
        (void)uv_timer_start(uv, on_timer, beat - now, 0);
    }
    timer->callback(timer->context);
}

struct loop_timer *loop_timer_open(struct loop *loop, loop_callback *callback, void *context)
{
    struct loop_timer *timer = calloc(1, sizeof *timer);
    if (!timer)
        return NULL;
    timer->callback = callback;
    timer->context = context;
    (void)uv_timer_init(&loop->uv, &timer->uv);
    timer->uv.data = timer;
    return timer;
}

void loop_timer_start(struct loop_timer *timer, int64_t after_ms, int64_t repeat_ms)
{
    assert(repeat_ms >= 0);
    /* libuv counts from the start of its pass: a slow callback would make the timer early. */
    uv_update_time(timer->uv.loop);
    timer->repeat_ms = (uint64_t)repeat_ms;
    (void)uv_timer_start(&timer->uv, on_timer, after_ms > 0 ? (uint64_t)after_ms : 0,
                         repeat_ms < BEAT_MS ? (uint64_t)repeat_ms : 0);
}

void loop_timer_stop(struct loop_timer *timer)
{
    (void)uv_timer_stop(&timer->uv);
}

void loop_timer_close(struct loop_timer *timer)
{
    if (timer)
        uv_close((uv_handle_t *)&timer->uv, free_closed);
}

static int uv_events(unsigned events)
{
    return (events & LOOP_READ ? UV_READABLE : 0) | (events & LOOP_WRITE ? UV_WRITABLE : 0) |
           (events & LOOP_HANGUP ? UV_DISCONNECT : 0);
}

static void on_poll(uv_poll_t *uv, int status, int events)
{
    struct loop_poll *poll = uv->data;
    served(uv->loop);
    if (status < 0) {
        /* libuv stopped watching. The owner meets the error at its next read or write; until it
         * has, this stays level-triggered. */
        (void)uv_poll_start(uv, uv_events(poll->wanted), on_poll);
        poll->callback(poll->context, poll->wanted | LOOP_HANGUP);
        return;
    }
    unsigned ready = (events & UV_READABLE ? LOOP_READ : 0u) |
                     (events & UV_WRITABLE ? LOOP_WRITE : 0u) |
                     (events & UV_DISCONNECT ? LOOP_HANGUP : 0u);
    poll->callback(poll->context, ready);
}

enum err loop_poll_open(struct loop *loop, int fd, loop_poll_callback *callback, void *context,
                        struct loop_poll **out, struct fault *fault)
{
    struct loop_poll *poll = calloc(1, sizeof *poll);
    if (!poll)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    int status = uv_poll_init(&loop->uv, &poll->uv, fd);
    if (status) {
        free(poll);
        return fail(fault, status, "watching a descriptor");
    }
    poll->callback = callback;
    poll->context = context;
    poll->uv.data = poll;
    *out = poll;
    return ERR_OK;
}

void loop_poll_want(struct loop_poll *poll, unsigned events)
{
    if (events == poll->wanted)
        return;
    poll->wanted = events;
    if (events)
        (void)uv_poll_start(&poll->uv, uv_events(events), on_poll);
    else
        (void)uv_poll_stop(&poll->uv);
}

void loop_poll_close(struct loop_poll *poll)
{
    if (poll)
        uv_close((uv_handle_t *)&poll->uv, free_closed);
}

static void on_signal(uv_signal_t *uv, int number)
{
    (void)number;
    struct loop_signal *signal = uv->data;
    served(uv->loop);
    signal->callback(signal->context);
}

enum err loop_signal_open(struct loop *loop, int number, loop_callback *callback, void *context,
                          struct loop_signal **out, struct fault *fault)
{
    struct loop_signal *signal = calloc(1, sizeof *signal);
    if (!signal)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    int status = uv_signal_init(&loop->uv, &signal->uv);
    if (status) {
        free(signal);
        return fail(fault, status, "watching a signal");
    }
    signal->callback = callback;
    signal->context = context;
    signal->uv.data = signal;
    status = uv_signal_start(&signal->uv, on_signal, number);
    if (status) {
        loop_signal_close(signal);
        return fail(fault, status, "watching a signal");
    }
    *out = signal;
    return ERR_OK;
}

void loop_signal_close(struct loop_signal *signal)
{
    if (signal)
        uv_close((uv_handle_t *)&signal->uv, free_closed);
}

static void on_lookup(uv_getaddrinfo_t *uv, int status, struct addrinfo *list)
{
    struct loop_lookup *lookup = uv->data;
    struct sockaddr_storage addresses[LOOKUP_MAX];
    socklen_t lengths[LOOKUP_MAX];
    size_t count = 0;
    for (const struct addrinfo *at = list; at && count < LOOKUP_MAX; at = at->ai_next) {
        if (at->ai_addrlen > sizeof addresses[0])
            continue;
        memcpy(&addresses[count], at->ai_addr, at->ai_addrlen);
        lengths[count++] = at->ai_addrlen;
    }
    uv_freeaddrinfo(list);
    served(uv->loop);
    if (lookup->callback) {
        enum err err = count ? ERR_OK : status == UV_EAI_NONAME ? ERR_NOT_FOUND : ERR_UNREACHABLE;
        lookup->callback(lookup->context, err, addresses, lengths, count);
    }
    free(lookup);
}

enum err loop_lookup_open(struct loop *loop, const char *host, uint16_t port,
                          loop_lookup_callback *callback, void *context, struct loop_lookup **out,
                          struct fault *fault)
{
    struct loop_lookup *lookup = calloc(1, sizeof *lookup);
    if (!lookup)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    lookup->callback = callback;
    lookup->context = context;
    lookup->uv.data = lookup;
    char service[PORT_TEXT];
    (void)snprintf(service, sizeof service, "%u", port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    int status = uv_getaddrinfo(&loop->uv, &lookup->uv, on_lookup, host, service, &hints);
    if (status) {
        free(lookup);
        return fault_set(fault, ERR_INVALID, host, "not a host name: %s", uv_strerror(status));
    }
    *out = lookup;
    return ERR_OK;
}

void loop_lookup_cancel(struct loop_lookup *lookup)
{
    if (!lookup)
        return;
    lookup->callback = NULL;
    (void)uv_cancel((uv_req_t *)&lookup->uv);
}

/* --- Work beside the loop -------------------------------------------------------------------- */

struct work {
    uv_work_t uv;
    loop_callback *run;
    loop_callback *done;
    void *context;
};

static void on_work(uv_work_t *uv)
{
    struct work *work = uv->data;
    work->run(work->context);
}

static void after_work(uv_work_t *uv, int status)
{
    struct work *work = uv->data;
    (void)status; /* nobody cancels it */
    served(uv->loop);
    work->done(work->context);
    free(work);
}

enum err loop_work(struct loop *loop, loop_callback *run, loop_callback *done, void *context,
                   struct fault *fault)
{
    struct work *work = calloc(1, sizeof *work);
    if (!work)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    *work = (struct work){.run = run, .done = done, .context = context};
    work->uv.data = work;
    int status = uv_queue_work(&loop->uv, &work->uv, on_work, after_work);
    if (!status)
        return ERR_OK;
    free(work);
    return fail(fault, status, "starting work");
}
