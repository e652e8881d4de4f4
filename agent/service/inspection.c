#include "agent/service/inspection.h"
#include "agent/service/harmless.h"
#include "agent/service/record.h"
#include "agent/service/selftest.h"
#include "hal/base/cleanup.h"
#include "provisioning/envelope.h"

#include <stddef.h>

enum { PAGE_MAX = 1024 * 1024 };

static struct inspection *inspection_of(struct worker_job *job)
{
    return (struct inspection *)((char *)job - offsetof(struct inspection, job));
}

/* --- On the worker's thread ------------------------------------------------------------------ */

static enum err write_report(const struct record *record, struct buf *body, struct fault *fault)
{
    struct buf envelope CLEANUP(buf_free);
    struct buf page CLEANUP(buf_free);
    buf_init(&envelope, ENVELOPE_BYTES_MAX);
    buf_init(&page, PAGE_MAX);
    enum err err = record_report(record, &envelope, &page, fault);
    if (err)
        return err;
    struct jsonw w = jsonw_to(body);
    jsonw_object(&w, NULL);
    jsonw_raw(&w, "report", buf_slice(&envelope));
    jsonw_slice(&w, "page", buf_slice(&page));
    jsonw_end(&w);
    return ERR_OK;
}

static void write_findings(const struct findings *findings, struct buf *body)
{
    struct jsonw w = jsonw_to(body);
    jsonw_object(&w, NULL);
    findings_write(findings, &w, "findings");
    jsonw_end(&w);
}

static void work(struct worker_job *job)
{
    struct inspection *i = inspection_of(job);
    const struct record record = {.subject = &i->subject,
                                  .doctor = &i->findings,
                                  .selftest = &i->steps,
                                  .technician = i->technician,
                                  .now_ms = clock_wall_ms(i->subject.clock)};
    if (i->of == INSPECTION_QUOTE) {
        selftest_quote(settings_text(i->subject.settings, "policy.file"), i->subject.clock,
                       findings_add(&i->findings, "quote", ""));
        return;
    }
    doctor_run(&i->subject, &i->findings);
    if (i->of == INSPECTION_REPORT)
        i->err = write_report(&record, i->body, &i->fault);
    else if (i->of == INSPECTION_BUNDLE)
        i->err = record_bundle(&record, buf_slice(&i->diagnostics), i->body, &i->fault);
    else
        write_findings(&i->findings, i->body);
}

/* --- On the loop ----------------------------------------------------------------------------- */

static void worked(struct worker_job *job)
{
    struct inspection *i = inspection_of(job);
    if (!job->ran)
        i->err = fault_set(&i->fault, ERR_CLOSED, "", "the appliance ends");
    i->done(i->context, i->err, &i->fault,
            job->ran && i->of == INSPECTION_QUOTE ? &i->findings.list[0] : NULL);
}

static void take_line(void *context, struct slice line)
{
    harmless_line(line, context);
}

static void snapshot(struct inspection *i)
{
    const struct service_config *house = i->house;
    struct doctor_running *running = &i->running;
    eventlog_status(house->log, &running->log);
    running->has_uplink = house->uplink != NULL;
    if (house->uplink)
        uplink_status(house->uplink, &running->link);
    running->now = clock_read(house->clock);
    house->devices(house->context, running);
    i->steps = *i->selftest;
    i->subject = (struct doctor_subject){.folder = house->folder,
                                         .settings = house->settings,
                                         .member = house->member,
                                         .running = running,
                                         .log_config = house->log_config,
                                         .clock = house->clock,
                                         .root = ""};
    if (i->of == INSPECTION_BUNDLE)
        diag_recall(house->diag, take_line, &i->diagnostics);
}

static void on_rights(void *context, enum rights_found found)
{
    struct inspection *i = context;
    i->running.rights = found;
    snapshot(i);
    worker_submit(i->worker, &i->job);
}

void inspection_begin(struct inspection *i)
{
    struct fault fault;
    i->job.run = work;
    i->job.done = worked;
    buf_init(&i->diagnostics, (size_t)DIAG_KEPT_LINES * DIAG_KEPT_BYTES);
    if (i->of == INSPECTION_QUOTE || !i->house->uplink ||
        uplink_try_rights(i->house->uplink, on_rights, i, &fault) != ERR_OK)
        on_rights(i, RIGHTS_UNKNOWN);
}

void inspection_free(struct inspection *i)
{
    buf_free(&i->diagnostics);
}
