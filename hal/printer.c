#include "hal/printer.h"
#include "hal/escpos_status.h"
#include "hal/printer_link.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TICK_MS = 1000,
    RETRY_FIRST_MS = 100,
    RETRY_MOST_MS = 1000,
    SILENT_TICKS_MAX = 3, /* then it is lost */
    BAUD_DEFAULT = 9600,
};

enum phase { PHASE_IDLE, PHASE_SENDING, PHASE_CONFIRMING };

struct job {
    uint64_t number;
    int64_t give_up_ms;
    struct buf bytes;
};

struct printer {
    struct loop *loop;
    struct printer_listener listener;
    char name[PRINTER_NAME_MAX + 1];
    char *device;
    int baud;
    int64_t patience_ms;
    struct printer_link *link; /* NULL between attempts */
    bool linked;
    struct loop_poll *poll; /* NULL for a file */
    struct loop_timer *tick;
    struct loop_timer *begin; /* takes up what was submitted */
    int64_t retry_ms;
    struct fault fault;

    enum printer_state state;
    bool mute;
    bool talks;            /* it has answered a request since the link opened */
    unsigned awaited;      /* answers to the last state request still to come */
    unsigned silent_ticks; /* since the last answer, or since it was last asked */
    struct escpos_status status;

    struct job jobs[PRINTER_JOBS_MAX]; /* the first is the one in hand */
    size_t job_count;
    enum phase phase;
    bool confirm;   /* the print in hand ends with a request that confirms it */
    struct buf out; /* on its way to the printer */

    bool busy;   /* within a callback of the loop */
    bool closed; /* by a listener, while busy: freed when the callback is over */
};

static void attach(struct printer *p);

const char *printer_state_name(enum printer_state state)
{
    static const char *const names[] = {"offline", "ready", "paper_out", "cover_open", "failed"};
    return names[state];
}

static void release(struct printer *p)
{
    free(p->device);
    free(p);
}

static void enter(struct printer *p)
{
    p->busy = true;
}

static void leave(struct printer *p)
{
    p->busy = false;
    if (p->closed)
        release(p);
}

static void set_state(struct printer *p, enum printer_state state)
{
    if (p->closed || p->state == state)
        return;
    p->state = state;
    if (p->listener.changed)
        p->listener.changed(p->listener.context, p->name, state);
}

/* Takes the first print off the queue and tells what became of it. */
static void finish_job(struct printer *p, enum err err, const char *why)
{
    struct job job = p->jobs[0];
    p->job_count--;
    memmove(&p->jobs[0], &p->jobs[1], p->job_count * sizeof p->jobs[0]);
    p->phase = PHASE_IDLE;
    buf_free(&job.bytes);
    struct fault fault;
    (void)fault_set(&fault, err, p->name, "%s", why);
    p->listener.finished(p->listener.context, p->name, job.number, err, &fault);
}

static void let_go(struct printer *p)
{
    loop_poll_close(p->poll);
    p->poll = NULL;
    printer_link_close(p->link);
    p->link = NULL;
    p->linked = false;
    p->talks = false;
    p->awaited = 0;
    p->silent_ticks = 0;
    p->status = (struct escpos_status){0};
    buf_reset(&p->out);
}

/* The line is gone or useless: begin anew later. A print that was begun is not begun again. */
static void lose(struct printer *p)
{
    let_go(p);
    loop_timer_start(p->tick, p->retry_ms, 0);
    p->retry_ms = p->retry_ms * 2 < RETRY_MOST_MS ? p->retry_ms * 2 : RETRY_MOST_MS;
    if (p->phase != PHASE_IDLE)
        finish_job(p, ERR_UNKNOWN_OUTCOME, "the printer was lost in the middle of the print");
    set_state(p, PRINTER_OFFLINE);
}

/* Writes what the device takes now. False when the line is lost. */
static bool write_out(struct printer *p)
{
    while (p->out.len) {
        ssize_t written = printer_link_write(p->link, p->out.data, p->out.len);
        if (written > 0) {
            buf_consume(&p->out, (size_t)written);
        } else if (written < 0 && errno == EAGAIN) {
            break;
        } else if (written == 0 || errno != EINTR) {
            (void)fault_errno(&p->fault, written ? errno : EIO, p->name, "write to the printer");
            lose(p);
            return false;
        }
    }
    if (p->poll)
        loop_poll_want(p->poll, p->out.len ? LOOP_READ | LOOP_WRITE : LOOP_READ);
    return true;
}

static enum printer_state state_of(const struct printer *p)
{
    if (p->status.cover_open)
        return PRINTER_COVER_OPEN;
    if (p->status.paper_out)
        return PRINTER_PAPER_OUT;
    return p->status.failed ? PRINTER_FAILED : PRINTER_READY;
}

/* Asks only between prints, so that no print has a request inside it. */
static void ask_state(struct printer *p)
{
    if (p->awaited || p->out.len)
        return;
    p->awaited = 2;
    p->silent_ticks = 0;
    struct slice quiet = ESCPOS_QUIET;
    struct slice request = ESCPOS_ASK_STATE;
    if (!p->talks)
        buf_append(&p->out, quiet.data, quiet.len);
    buf_append(&p->out, request.data, request.len);
    (void)write_out(p);
}

static void begin_job(struct printer *p)
{
    struct slice bytes = buf_slice(&p->jobs[0].bytes);
    struct slice confirm = ESCPOS_ASK_PRINTED;
    p->phase = PHASE_SENDING;
    p->confirm = p->talks; /* a mute one doesn't */
    p->jobs[0].give_up_ms = loop_now_ms(p->loop) + p->patience_ms;
    buf_append(&p->out, bytes.data, bytes.len);
    if (p->confirm)
        buf_append(&p->out, confirm.data, confirm.len);
    if (buf_check(&p->out, NULL, "") != ERR_OK) {
        buf_reset(&p->out);
        finish_job(p, ERR_NO_MEMORY, "out of memory");
    }
}

/* Moves the print in hand as far as it goes now, and begins the next. */
static void go_on(struct printer *p)
{
    while (!p->closed && p->linked && p->job_count && p->state == PRINTER_READY) {
        if (p->phase == PHASE_IDLE && p->out.len == 0 && !p->awaited)
            begin_job(p);
        if (p->phase != PHASE_SENDING || !write_out(p) || p->out.len)
            return;
        if (p->confirm) {
            p->phase = PHASE_CONFIRMING;
            return;
        }
        finish_job(p, ERR_OK, "sent");
    }
}

static void take_answer(struct printer *p, uint8_t byte)
{
    enum escpos_answer answer = escpos_answer(byte);
    if (answer == ESCPOS_PRINTED && p->phase == PHASE_CONFIRMING) {
        finish_job(p, ERR_OK, "printed");
    } else if (answer == ESCPOS_STATE && p->awaited) {
        escpos_status_take(&p->status, byte, p->awaited == 1);
        p->talks = true;
        p->silent_ticks = 0;
        p->retry_ms = RETRY_FIRST_MS;
        p->fault = (struct fault){0};
        if (--p->awaited == 0)
            set_state(p, state_of(p));
    }
}

static void read_answers(struct printer *p)
{
    uint8_t bytes[64];
    ssize_t got = printer_link_read(p->link, bytes, sizeof bytes);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got == 0 && !printer_link_gone(p->link))
        return;
    if (got <= 0) {
        (void)fault_errno(&p->fault, got ? errno : ECONNRESET, p->name, "read from the printer");
        lose(p);
        return;
    }
    for (ssize_t i = 0; i < got && !p->closed; i++)
        take_answer(p, bytes[i]);
}

static void on_ready(void *context, unsigned ready)
{
    struct printer *p = context;
    enter(p);
    if (ready & (LOOP_READ | LOOP_HANGUP))
        read_answers(p);
    if (!p->closed && p->linked && write_out(p))
        go_on(p);
    leave(p);
}

/* Prints that waited too long: not begun, or begun and never confirmed. */
static void give_up_old_jobs(struct printer *p)
{
    int64_t now_ms = loop_now_ms(p->loop);
    while (!p->closed && p->job_count && p->jobs[0].give_up_ms <= now_ms) {
        if (p->phase != PHASE_IDLE) {
            (void)fault_set(&p->fault, ERR_TIMEOUT, p->name, "it doesn't finish a print");
            lose(p); /* what it still holds of the print must not run into the next */
        } else {
            char why[64];
            (void)snprintf(why, sizeof why, "not printed: the printer is %s",
                           printer_state_name(p->state));
            finish_job(p, ERR_TIMEOUT, why);
        }
    }
}

static void check_answers(struct printer *p)
{
    p->silent_ticks++;
    if (p->awaited && p->silent_ticks > SILENT_TICKS_MAX) {
        (void)fault_set(&p->fault, ERR_TIMEOUT, p->name,
                        "it doesn't answer: is it switched on? One that never answers is set up "
                        "with status=none");
        lose(p);
    } else {
        ask_state(p);
    }
}

static void on_tick(void *context)
{
    struct printer *p = context;
    enter(p);
    give_up_old_jobs(p);
    if (!p->closed && !p->link) {
        attach(p);
    } else if (!p->closed) {
        loop_timer_start(p->tick, TICK_MS, 0);
        if (p->poll && !p->mute)
            check_answers(p);
        go_on(p);
    }
    leave(p);
}

static void on_begin(void *context)
{
    struct printer *p = context;
    enter(p);
    go_on(p);
    leave(p);
}

static enum err watch(struct printer *p)
{
    if (printer_link_is_file(p->link))
        return ERR_OK;
    return loop_poll_open(p->loop, printer_link_descriptor(p->link), on_ready, p, &p->poll,
                          &p->fault);
}

static void on_opened(void *context, enum err err, const struct fault *fault)
{
    struct printer *p = context;
    enter(p);
    if (err)
        p->fault = *fault;
    else
        err = watch(p);
    if (err) {
        lose(p);
    } else {
        p->linked = true;
        loop_timer_start(p->tick, TICK_MS, 0);
        if (p->mute || printer_link_is_file(p->link)) {
            p->fault = (struct fault){0};
            set_state(p, PRINTER_READY);
            go_on(p);
        } else {
            ask_state(p);
        }
    }
    leave(p);
}

static void attach(struct printer *p)
{
    enum err err =
        printer_link_open(&p->link, p->loop, p->device, p->baud, on_opened, p, &p->fault);
    if (err)
        lose(p);
    else
        loop_timer_start(p->tick, TICK_MS, 0);
}

static enum err take_config(struct printer *p, const struct printer_config *config,
                            struct fault *fault)
{
    if (strlen(config->name) > PRINTER_NAME_MAX)
        return fault_set(fault, ERR_INVALID, "name", "must have at most %d bytes",
                         PRINTER_NAME_MAX);
    memcpy(p->name, config->name, strlen(config->name) + 1);
    p->baud = config->baud ? config->baud : BAUD_DEFAULT;
    p->mute = config->mute;
    p->patience_ms = config->patience_ms ? config->patience_ms : PRINTER_PATIENCE_MS;
    p->device = strdup(config->device);
    p->tick = loop_timer_open(p->loop, on_tick, p);
    p->begin = loop_timer_open(p->loop, on_begin, p);
    if (!p->device || !p->tick || !p->begin)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    return printer_link_check(config->device, fault);
}

enum err printer_open(struct printer **out, struct loop *loop, const struct printer_config *config,
                      const struct printer_listener *listener, struct fault *fault)
{
    struct printer *p = calloc(1, sizeof *p);
    if (!p)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    p->loop = loop;
    p->listener = *listener;
    p->retry_ms = RETRY_FIRST_MS;
    buf_init(&p->out, PRINTER_JOB_BYTES_MAX + 64);
    enum err err = take_config(p, config, fault);
    if (err) {
        printer_close(p);
        return err;
    }
    loop_timer_start(p->tick, 0, 0);
    *out = p;
    return ERR_OK;
}

void printer_close(struct printer *p)
{
    if (!p || p->closed)
        return;
    let_go(p);
    loop_timer_close(p->tick);
    loop_timer_close(p->begin);
    for (size_t i = 0; i < p->job_count; i++)
        buf_free(&p->jobs[i].bytes);
    p->job_count = 0;
    buf_free(&p->out);
    p->closed = true;
    if (!p->busy)
        release(p);
}

enum err printer_submit(struct printer *p, uint64_t number, struct slice bytes, struct fault *fault)
{
    if (bytes.len == 0)
        return fault_set(fault, ERR_INVALID, p->name, "nothing to print");
    if (p->job_count == PRINTER_JOBS_MAX)
        return fault_set(fault, ERR_BUSY, p->name, "%d prints wait already", PRINTER_JOBS_MAX);
    struct job job = {.number = number, .give_up_ms = loop_now_ms(p->loop) + p->patience_ms};
    buf_init(&job.bytes, PRINTER_JOB_BYTES_MAX);
    buf_append(&job.bytes, bytes.data, bytes.len);
    enum err err = buf_check(&job.bytes, fault, p->name);
    if (err) {
        buf_free(&job.bytes);
        return err;
    }
    p->jobs[p->job_count++] = job;
    loop_timer_start(p->begin, 0, 0);
    return ERR_OK;
}

enum printer_state printer_state(const struct printer *p)
{
    return p->state;
}

const struct fault *printer_fault(const struct printer *p)
{
    return &p->fault;
}
