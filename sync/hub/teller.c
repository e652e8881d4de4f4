#include "sync/hub/teller.h"
#include "sync/hub/ingest/ingest.sql.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    AT_ONCE = 100,
    PAUSE_MS = 20,
    WAIT_MS = 100,            /* for the broker to take what it has */
    CLOCKS_DIFFER_MS = 60000, /* those of the hubs on one database */
};

struct teller {
    struct teller_config config;
    struct loop_timer *timer;
    bool busy;
    bool all;   /* this round tells all, not only news */
    bool again; /* there was news after this round began */
    bool logs_told;
    int64_t log_no;                 /* told up to here */
    char device[DEVICE_ID_MAX + 1]; /* its inbox, and those of all before it */
    int64_t began_ms;
    int64_t since_ms; /* inboxes without a message newer than this have no news */
};

static void begin(struct teller *teller, bool all)
{
    int64_t now = clock_wall_ms(teller->config.desk->clock);
    teller->busy = true;
    teller->all = all;
    teller->again = false;
    teller->logs_told = false;
    teller->log_no = 0;
    *teller->device = '\0';
    teller->since_ms = all ? 0 : teller->began_ms - CLOCKS_DIFFER_MS;
    teller->began_ms = now;
    loop_timer_start(teller->timer, 0, 0);
}

static void keep_device(struct statement *s, int column, char device[static DEVICE_ID_MAX + 1])
{
    struct slice text = column_slice(s, column);
    (void)snprintf(device, DEVICE_ID_MAX + 1, "%.*s", (int)text.len, text.data);
}

static enum err tell_log(struct teller *teller, struct statement *s, struct fault *fault)
{
    struct id log;
    char device[DEVICE_ID_MAX + 1];
    enum err err = column_bytes(s, 1, log.bytes, ID_BYTES);
    keep_device(s, 2, device);
    if (!err)
        err = arrival_acknowledge(teller->config.desk, teller->config.worker, &log, device);
    if (!err)
        teller->log_no = column_int(s, 0);
    return err ? fault_set(fault, err, device, "%s", err_text(err)) : ERR_OK;
}

static enum err tell_inbox(struct teller *teller, struct statement *s, struct fault *fault)
{
    char device[DEVICE_ID_MAX + 1];
    keep_device(s, 0, device);
    enum err err = arrival_push(teller->config.desk, teller->config.worker, device);
    if (err)
        return fault_set(fault, err, device, "%s", err_text(err));
    (void)snprintf(teller->device, sizeof teller->device, "%s", device);
    return ERR_OK;
}

/* *more: there may be further rows. */
static enum err tell_rows(struct teller *teller, struct statement *s,
                          enum err (*tell)(struct teller *, struct statement *, struct fault *),
                          bool *more, struct fault *fault)
{
    int rows = 0;
    bool row = true;
    enum err err = ERR_OK;
    while (!err && (err = database_step(teller->config.reader, s, &row, fault)) == ERR_OK && row) {
        err = tell(teller, s, fault);
        rows++;
    }
    statement_reset(s);
    *more = rows == AT_ONCE;
    return err;
}

static enum err tell_logs(struct teller *teller, bool *more, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(
        teller->config.reader, teller->all ? INGEST_LOG_CURRENT : INGEST_LOG_UNTOLD, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, teller->log_no);
    bind_int(s, 2, AT_ONCE);
    return tell_rows(teller, s, tell_log, more, fault);
}

static enum err tell_inboxes(struct teller *teller, bool *more, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(teller->config.reader, INGEST_INBOX_NEWS, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, teller->device);
    bind_int(s, 2, teller->since_ms);
    bind_int(s, 3, AT_ONCE);
    return tell_rows(teller, s, tell_inbox, more, fault);
}

static void work(void *context)
{
    struct teller *teller = context;
    struct fault fault;
    bool more = false;
    if (!teller->config.may_send(teller->config.context)) {
        loop_timer_start(teller->timer, WAIT_MS, 0);
        return;
    }
    enum err err =
        teller->logs_told ? tell_inboxes(teller, &more, &fault) : tell_logs(teller, &more, &fault);
    if (err && err != ERR_BUSY)
        diag_fault(teller->config.desk->diag, DIAG_WARN, "hub.untold", &fault);
    if (err) {
        loop_timer_start(teller->timer, WAIT_MS, 0);
        return;
    }
    if (!more && teller->logs_told) {
        teller->busy = false;
        if (teller->again)
            begin(teller, false);
        return;
    }
    teller->logs_told |= !more;
    loop_timer_start(teller->timer, PAUSE_MS, 0);
}

void teller_tell_all(struct teller *teller)
{
    begin(teller, true);
}

void teller_tell_news(struct teller *teller)
{
    if (teller->busy)
        teller->again = true;
    else
        begin(teller, false);
}

enum err teller_open(struct teller **out, struct loop *loop, const struct teller_config *config,
                     struct fault *fault)
{
    struct teller *teller = calloc(1, sizeof *teller);
    if (!teller)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    teller->config = *config;
    teller->began_ms = clock_wall_ms(config->desk->clock);
    teller->timer = loop_timer_open(loop, work, teller);
    if (!teller->timer) {
        free(teller);
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    }
    *out = teller;
    return ERR_OK;
}

void teller_close(struct teller *teller)
{
    if (!teller)
        return;
    loop_timer_close(teller->timer);
    free(teller);
}
