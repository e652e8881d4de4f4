#include "agent/print/desk.h"
#include "agent/print/follow.h"
#include "agent/print/job.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    AGAIN_MS = 5000, /* until what failed is tried again */
    ARENA_MAX_BYTES = 4 * 1024 * 1024,
};

struct station {
    struct print_desk *desk;
    struct printer *printer;
    char name[PRINTER_NAME_MAX + 1];
    struct print_setting setting;
    bool busy; /* `hand` is at the printer */
    struct id hand;
    print_desk_tested *tested; /* a test print is at the printer */
    void *tested_context;
};

struct print_desk {
    struct print_desk_config config;
    struct print_desk_listener listener;
    struct template *template;
    struct logo logo;
    struct layout_store store;
    char *store_name;
    char *store_address;
    enum policy_language language;
    struct eventlog_reader *reader;
    struct loop_timer *again;
    struct id_source ids;
    struct print_queue queue;
    bool changed; /* the queue, since it was saved */
    struct station stations[PRINT_DESK_PRINTERS_MAX];
    size_t station_count;
};

static void pump(struct print_desk *desk);

static void tell(struct print_desk *desk, const struct print *print, const char *outcome)
{
    if (desk->listener.print_changed)
        desk->listener.print_changed(desk->listener.context, print, outcome);
}

/* What can't be saved is tried again; until then nothing is begun. */
static bool save(struct print_desk *desk)
{
    struct fault fault;
    if (!desk->changed)
        return true;
    if (print_queue_save(&desk->queue, &fault) == ERR_OK) {
        desk->changed = false;
        return true;
    }
    diag_fault(desk->config.diag, DIAG_ERROR, "print.not_saved", &fault);
    loop_timer_start(desk->again, AGAIN_MS, 0);
    return false;
}

/* Its own lane's, else one that is bound to none; who has no lane may use any. */
static struct station *station_of(struct print_desk *desk, const char *lane)
{
    struct station *found = NULL;
    for (size_t i = 0; i < desk->station_count; i++) {
        struct station *s = &desk->stations[i];
        if (strcmp(s->setting.lane, lane) == 0)
            return s;
        if (!found && (!s->setting.lane[0] || !lane[0]))
            found = s;
    }
    return found;
}

/* --- What is to be printed -------------------------------------------------------------------- */

static struct print *unprinted_of(struct print_desk *desk, const struct id *return_id)
{
    for (size_t i = 0; i < desk->queue.count; i++) {
        struct print *print = &desk->queue.prints[i];
        if (print->state == PRINT_WAITING && id_equal(&print->return_id, return_id))
            return print;
    }
    return NULL;
}

static enum err add(struct print_desk *desk, const struct id *return_id,
                    const struct receipt *receipt, const char *lane, const char *language,
                    bool copy, struct fault *fault)
{
    int64_t now_ms = clock_wall_ms(desk->config.clock);
    struct print print = {
        .id = id_next(&desk->ids, now_ms),
        .return_id = *return_id,
        .copy = copy,
        .asked_ms = now_ms,
    };
    (void)snprintf(print.number, sizeof print.number, "%s", receipt->number);
    (void)snprintf(print.lane, sizeof print.lane, "%s", lane);
    (void)snprintf(print.language, sizeof print.language, "%s", language);
    enum err err = print_queue_add(&desk->queue, &print, fault);
    if (err)
        return err;
    desk->changed = true;
    tell(desk, &print, print_state_name(print.state));
    return ERR_OK;
}

/* Customers of yesterday have gone home. */
static bool is_old(const struct print_desk *desk, int64_t at_ms)
{
    return clock_wall_ms(desk->config.clock) - at_ms > PRINT_KEPT_MS;
}

/* A return of which something was agreed, unless its print waits already. */
static enum err consider(void *context, const struct id *return_id, struct fault *fault)
{
    struct print_desk *desk = context;
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, ARENA_MAX_BYTES);
    struct receipt receipt;
    enum err err = receipt_gather(desk->reader, return_id, &arena, &receipt, fault);
    if (err == ERR_NOT_FOUND)
        return ERR_OK;
    if (err || receipt.state == RECEIPT_NONE || unprinted_of(desk, return_id) ||
        is_old(desk, receipt.at_ms) || !station_of(desk, receipt.lane))
        return err;
    return add(desk, return_id, &receipt, receipt.lane, "", false, fault);
}

static void scan(struct print_desk *desk)
{
    struct fault fault;
    bool more = false;
    bool moved = false;
    struct print_follow follow = {desk->config.log, desk->reader, &desk->queue, consider, desk};
    enum err err = print_follow(&follow, &moved, &more, &fault);
    desk->changed = desk->changed || moved;
    if (err)
        diag_fault(desk->config.diag, DIAG_WARN, "print.log_not_read", &fault);
    if (err || more)
        loop_timer_start(desk->again, AGAIN_MS, 0);
}

void print_desk_committed(struct print_desk *desk)
{
    if (!desk->station_count)
        return;
    scan(desk);
    pump(desk);
}

/* --- Printing --------------------------------------------------------------------------------- */

static void drop(struct print_desk *desk, struct print *print, const char *why)
{
    struct print gone = *print;
    diag_write(desk->config.diag, DIAG_WARN, "print.dropped", "%s: %s", gone.number, why);
    print_queue_remove(&desk->queue, &gone.id);
    desk->changed = true;
    tell(desk, &gone, "dropped");
}

/* Noted on disk before the first byte: an original is never begun twice. */
static void begin(struct station *s, struct print *print)
{
    struct print_desk *desk = s->desk;
    struct fault fault = {0};
    struct buf bytes CLEANUP(buf_free);
    buf_init(&bytes, PRINTER_JOB_BYTES_MAX);
    const struct job job = {.reader = desk->reader,
                            .template = desk->template,
                            .store = &desk->store,
                            .setting = &s->setting,
                            .language = desk->language};
    enum err err = job_compose(&job, print, &bytes, &fault);
    if (err_class(err) == ERR_CLASS_RETRY) {
        loop_timer_start(desk->again, AGAIN_MS, 0);
        return;
    }
    if (err) {
        drop(desk, print, fault.text);
        return;
    }
    print->state = PRINT_BEGUN;
    desk->changed = true;
    if (!save(desk)) {
        print->state = PRINT_WAITING;
        return;
    }
    err = printer_submit(s->printer, 0, buf_slice(&bytes), &fault);
    if (err) {
        print->state = PRINT_WAITING;
        desk->changed = true;
        loop_timer_start(desk->again, AGAIN_MS, 0);
        return;
    }
    s->busy = true;
    s->hand = print->id;
    tell(desk, print, print_state_name(PRINT_BEGUN));
}

static void drop_old(struct print_desk *desk)
{
    for (size_t i = desk->queue.count; i-- > 0;) {
        struct print *print = &desk->queue.prints[i];
        if (print->state != PRINT_BEGUN && is_old(desk, print->asked_ms))
            drop(desk, print, "it waited for more than a day");
    }
}

static void pump_station(struct station *s)
{
    if (s->busy || s->tested || printer_state(s->printer) != PRINTER_READY)
        return;
    struct print_queue *queue = &s->desk->queue;
    for (size_t i = 0; i < queue->count; i++) {
        if (queue->prints[i].state == PRINT_WAITING &&
            station_of(s->desk, queue->prints[i].lane) == s) {
            begin(s, &queue->prints[i]);
            return;
        }
    }
}

static void pump(struct print_desk *desk)
{
    drop_old(desk);
    if (!save(desk))
        return;
    for (size_t i = 0; i < desk->station_count; i++)
        pump_station(&desk->stations[i]);
}

static void on_again(void *context)
{
    print_desk_committed(context);
}

static void end_test(struct station *s, enum err err, const struct fault *fault)
{
    print_desk_tested *tested = s->tested;
    s->tested = NULL;
    loop_timer_start(s->desk->again, 0, 0); /* what waited for it */
    tested(s->tested_context, err, fault);
}

static void on_finished(void *context, const char *name, uint64_t job, enum err err,
                        const struct fault *fault)
{
    (void)job;
    struct station *s = context;
    struct print_desk *desk = s->desk;
    if (s->tested) {
        end_test(s, err, fault);
        return;
    }
    struct print *print = print_queue_find(&desk->queue, &s->hand);
    s->busy = false;
    if (!print)
        return;
    desk->changed = true;
    if (err == ERR_OK) {
        struct print printed = *print;
        print_queue_remove(&desk->queue, &printed.id);
        tell(desk, &printed, "printed");
    } else {
        print->state = err == ERR_UNKNOWN_OUTCOME ? PRINT_UNSURE : PRINT_WAITING;
        (void)snprintf(print->why, sizeof print->why, "%.*s", PRINT_WHY_MAX, fault->text);
        diag_write(desk->config.diag, DIAG_WARN, "print.not_printed", "%s at %s: %s", print->number,
                   name, fault->text);
        tell(desk, print, print_state_name(print->state));
    }
    (void)save(desk);
    loop_timer_start(desk->again, err ? AGAIN_MS : 0, 0);
}

static void on_changed(void *context, const char *name, enum printer_state state)
{
    struct station *s = context;
    struct print_desk *desk = s->desk;
    diag_write(desk->config.diag, state == PRINTER_READY ? DIAG_INFO : DIAG_WARN, "printer.changed",
               "%s is %s", name, printer_state_name(state));
    struct print_desk_printer told = print_desk_printer(desk, (size_t)(s - desk->stations));
    if (desk->listener.printer_changed)
        desk->listener.printer_changed(desk->listener.context, &told);
    loop_timer_start(desk->again, 0, 0);
}

/* --- Asked for by people ---------------------------------------------------------------------- */

static void let_unsure_go(struct print_desk *desk, const struct id *return_id)
{
    for (size_t i = desk->queue.count; i-- > 0;) {
        struct print *print = &desk->queue.prints[i];
        if (print->state == PRINT_UNSURE && id_equal(&print->return_id, return_id))
            drop(desk, print, "it is printed once more");
    }
}

enum err print_desk_reprint(struct print_desk *desk, const struct id *return_id, const char *lane,
                            const char *language, struct print *print, struct fault *fault)
{
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, ARENA_MAX_BYTES);
    struct receipt receipt;
    if (!station_of(desk, lane))
        return fault_set(fault, ERR_REFUSED, "lane", "no printer is set up for this lane");
    enum err err = receipt_gather(desk->reader, return_id, &arena, &receipt, fault);
    if (!err && receipt.state == RECEIPT_NONE)
        err = fault_set(fault, ERR_NOT_FOUND, "return",
                        "nothing of this return is agreed yet: there is nothing to print");
    if (!err && !unprinted_of(desk, return_id)) {
        let_unsure_go(desk, return_id);
        err = add(desk, return_id, &receipt, lane, language, true, fault);
    }
    if (err)
        return err;
    *print = *unprinted_of(desk, return_id);
    if (!save(desk))
        return fault_set(fault, ERR_IO, "disk", "the print can't be noted on disk");
    loop_timer_start(desk->again, 0, 0);
    return ERR_OK;
}

enum err print_desk_drop(struct print_desk *desk, const struct id *id, struct fault *fault)
{
    struct print *print = print_queue_find(&desk->queue, id);
    if (!print)
        return fault_set(fault, ERR_NOT_FOUND, "id", "no such print waits");
    if (print->state == PRINT_BEGUN)
        return fault_set(fault, ERR_CONFLICT, "id", "it is being printed");
    drop(desk, print, "a person let it go");
    (void)save(desk);
    return ERR_OK;
}

enum err print_desk_test(struct print_desk *desk, size_t printer, print_desk_tested *tested,
                         void *context, struct fault *fault)
{
    struct station *s = &desk->stations[printer];
    struct buf bytes CLEANUP(buf_free);
    buf_init(&bytes, PRINTER_JOB_BYTES_MAX);
    if (s->busy || s->tested)
        return fault_set(fault, ERR_BUSY, s->name, "it prints something else just now");
    enum err err = layout_test_print(&s->setting.paper, s->name, &bytes, fault);
    if (!err)
        err = printer_submit(s->printer, 0, buf_slice(&bytes), fault);
    if (err)
        return err;
    s->tested = tested;
    s->tested_context = context;
    return ERR_OK;
}

/* --- Looking ---------------------------------------------------------------------------------- */

size_t print_desk_printer_count(const struct print_desk *desk)
{
    return desk->station_count;
}

struct print_desk_printer print_desk_printer(const struct print_desk *desk, size_t index)
{
    const struct station *s = &desk->stations[index];
    return (struct print_desk_printer){
        .name = s->name,
        .lane = s->setting.lane,
        .state = printer_state(s->printer),
        .detail = printer_fault(s->printer)->text,
    };
}

const struct print *print_desk_prints(const struct print_desk *desk, size_t *count)
{
    *count = desk->queue.count;
    return desk->queue.prints;
}

/* --- Opening ---------------------------------------------------------------------------------- */

static enum err take_config(struct print_desk *desk, struct fault *fault)
{
    const struct print_desk_config *config = &desk->config;
    int language = word_find(policy_languages, config->language);
    if (language < 0)
        return fault_set(fault, ERR_INVALID, "print.language", "must be en, de, fr, es or pt");
    desk->language = (enum policy_language)language;
    desk->store_name = strdup(config->store_name);
    desk->store_address = strdup(config->store_address);
    desk->again = loop_timer_open(config->loop, on_again, desk);
    if (!desk->store_name || !desk->store_address || !desk->again)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    enum err err = config->logo_file ? logo_load(config->logo_file, &desk->logo, fault) : ERR_OK;
    desk->store = (struct layout_store){.name = desk->store_name,
                                        .address = desk->store_address,
                                        .logo = config->logo_file ? &desk->logo : NULL};
    return err ? err : template_open(&desk->template, config->template_file, fault);
}

static enum err load(struct print_desk *desk, struct fault *fault)
{
    enum err err = print_queue_load(&desk->queue, desk->config.folder, fault);
    if (err == ERR_CORRUPT) {
        diag_fault(desk->config.diag, DIAG_ERROR, "print.queue_lost", fault);
        err = ERR_OK;
    }
    return err;
}

enum err print_desk_open(struct print_desk **out, const struct print_desk_config *config,
                         const struct print_desk_listener *listener, struct fault *fault)
{
    struct print_desk *desk = calloc(1, sizeof *desk);
    if (!desk)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    desk->config = *config;
    desk->listener = *listener;
    id_source_init(&desk->ids, NULL, NULL);
    enum err err = take_config(desk, fault);
    if (!err)
        err = load(desk, fault);
    if (!err)
        err = eventlog_reader_open(&desk->reader, config->log_config, fault);
    if (err) {
        print_desk_close(desk);
        return err;
    }
    loop_timer_start(desk->again, 0, 0); /* what an earlier process left */
    *out = desk;
    return ERR_OK;
}

void print_desk_use(struct print_desk *desk, struct template *template)
{
    template_close(desk->template);
    desk->template = template;
}

void print_desk_close(struct print_desk *desk)
{
    if (!desk)
        return;
    for (size_t i = 0; i < desk->station_count; i++)
        printer_close(desk->stations[i].printer);
    loop_timer_close(desk->again);
    eventlog_reader_close(desk->reader);
    template_close(desk->template);
    logo_free(&desk->logo);
    free(desk->store_name);
    free(desk->store_address);
    free(desk);
}

static enum err open_station(struct station *s, const char *name, const char *value,
                             struct fault *fault)
{
    enum err err = print_setting_read(value, &s->setting, fault);
    if (err)
        return err;
    (void)snprintf(s->name, sizeof s->name, "%.*s", PRINTER_NAME_MAX, name);
    struct printer_config config = {.name = name,
                                    .device = s->setting.device,
                                    .baud = s->setting.baud,
                                    .mute = s->setting.mute};
    struct printer_listener listener = {on_finished, on_changed, s};
    return printer_open(&s->printer, s->desk->config.loop, &config, &listener, fault);
}

enum err print_desk_add_printer(struct print_desk *desk, const char *name, const char *value,
                                struct fault *fault)
{
    if (desk->station_count == PRINT_DESK_PRINTERS_MAX)
        return fault_set(fault, ERR_TOO_LARGE, "printer", "at most %d printers",
                         PRINT_DESK_PRINTERS_MAX);
    struct station *s = &desk->stations[desk->station_count];
    *s = (struct station){.desk = desk};
    enum err err = open_station(s, name, value, fault);
    if (err) {
        char head[PRINTER_NAME_MAX + 16];
        (void)snprintf(head, sizeof head, "printer.%.*s", PRINTER_NAME_MAX, name);
        fault_within(fault, head);
        return err;
    }
    desk->station_count++;
    return ERR_OK;
}
