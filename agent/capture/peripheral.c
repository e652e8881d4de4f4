#include "agent/capture/peripheral.h"
#include "hal/base/cleanup.h"
#include "hal/base/jsonw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 64, DETAIL_MAX_BYTES = 200, DATA_MAX_BYTES = 1024 };

struct device {
    enum peripheral_kind kind;
    char name[NAME_MAX_BYTES + 1];
    char detail[DETAIL_MAX_BYTES + 1];
    enum peripheral_state state;
    enum peripheral_state told; /* what the log says; attached, as long as it says nothing */
    int64_t since_ms;
};

struct peripherals {
    struct peripherals_config config;
    struct loop_timer *timer;
    struct device devices[PERIPHERALS_MAX];
    size_t count;
};

/* One event on its way. */
struct note {
    struct eventlog_command command;
    struct diag *diag;
    struct device device;
};

/* Writer thread. */
static enum err decide(void *context, struct eventlog_txn *txn, struct fault *fault)
{
    static const char *const kinds[] = {"scanner", "printer"};
    static const char *const states[] = {"attached", "detached", "failed"};
    const struct device *device = &((struct note *)context)->device;
    struct buf data CLEANUP(buf_free);
    buf_init(&data, DATA_MAX_BYTES);
    struct jsonw w = jsonw_to(&data);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "name", device->name);
    jsonw_text(&w, "kind", kinds[device->kind]);
    jsonw_text(&w, "state", states[device->state]);
    if (device->detail[0])
        jsonw_text(&w, "detail", device->detail);
    jsonw_end(&w);
    char subject[sizeof "peripheral/" + NAME_MAX_BYTES];
    (void)snprintf(subject, sizeof subject, "peripheral/%s", device->name);
    struct id_source ids;
    id_source_init(&ids, NULL, NULL);
    struct event event = {
        .type = EVENT_PERIPHERAL_CHANGED,
        .subject = slice_of(subject),
        .correlation = id_next(&ids, eventlog_txn_now(txn).wall_ms),
        .traceparent = {"", 0},
        .data = buf_slice(&data),
    };
    int64_t seq;
    enum err err = buf_check(&data, fault, "peripheral");
    return err ? err : eventlog_append(txn, &event, &seq, fault);
}

static void done(void *context, enum err err, const struct fault *fault)
{
    struct note *note = context;
    if (err)
        diag_fault(note->diag, DIAG_WARN, "peripheral.not_told", fault);
    free(note);
}

static void tell(struct peripherals *p, struct device *device)
{
    struct note *note = calloc(1, sizeof *note);
    if (!note)
        return; /* with the next change */
    device->told = device->state;
    *note = (struct note){.diag = p->config.diag, .device = *device};
    note->command = (struct eventlog_command){.decide = decide, .done = done, .context = note};
    eventlog_submit(p->config.log, &note->command);
}

/* Tells what has settled, and waits for the next that will. */
static void look(void *context)
{
    struct peripherals *p = context;
    int64_t now_ms = loop_now_ms(p->config.loop);
    int64_t next_ms = INT64_MAX;
    for (size_t i = 0; i < p->count; i++) {
        struct device *device = &p->devices[i];
        int64_t due_ms = device->since_ms + p->config.settle_ms;
        if (device->state == device->told)
            continue;
        if (due_ms <= now_ms)
            tell(p, device);
        else if (due_ms < next_ms)
            next_ms = due_ms;
    }
    if (next_ms != INT64_MAX)
        loop_timer_start(p->timer, next_ms - now_ms, 0);
}

static struct device *device_of(struct peripherals *p, enum peripheral_kind kind, const char *name)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->devices[i].kind == kind && strcmp(p->devices[i].name, name) == 0)
            return &p->devices[i];
    if (p->count == PERIPHERALS_MAX)
        return NULL;
    struct device *device = &p->devices[p->count++];
    *device = (struct device){.kind = kind};
    (void)snprintf(device->name, sizeof device->name, "%s", name);
    return device;
}

void peripherals_note(struct peripherals *p, enum peripheral_kind kind, const char *name,
                      enum peripheral_state state, const char *detail)
{
    struct device *device = device_of(p, kind, name);
    if (!device)
        return;
    device->state = state;
    device->since_ms = loop_now_ms(p->config.loop);
    (void)snprintf(device->detail, sizeof device->detail, "%s", detail);
    look(p);
}

enum err peripherals_open(struct peripherals **out, const struct peripherals_config *config,
                          struct fault *fault)
{
    struct peripherals *p = calloc(1, sizeof *p);
    if (p)
        p->timer = loop_timer_open(config->loop, look, p);
    if (!p || !p->timer) {
        free(p);
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    }
    p->config = *config;
    if (!p->config.settle_ms)
        p->config.settle_ms = PERIPHERAL_SETTLE_MS;
    *out = p;
    return ERR_OK;
}

void peripherals_close(struct peripherals *p)
{
    if (!p)
        return;
    loop_timer_close(p->timer);
    free(p);
}
