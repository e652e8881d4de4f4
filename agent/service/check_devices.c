/* Scanners and printers: as the running appliance sees them, else opened here for a moment. */
#include "agent/service/check.h"
#include "hal/device_setting.h"
#include "hal/printer.h"
#include "hal/scanner.h"

#include <stdio.h>

enum { DEVICE_MS = 2500, OPTIONS = 8 };

static const char scanner_next[] =
    "Look at its plug; tillback ports lists what is there, and binds it to a lane by a test scan.";
static const char printer_next[] = "Look at its plug, power, paper and cover.";

/* A finding of its own for each further device. */
static struct finding *finding_for(struct examination *x, const char *name)
{
    struct finding *first = x->at;
    if (!first->subject[0] && !first->cause[0]) {
        (void)snprintf(first->subject, sizeof first->subject, "%s", name);
        return first;
    }
    return findings_add(x->findings, first->id, name);
}

static void judge(struct examination *x, bool printer, const char *name, bool ready,
                  const char *detail)
{
    struct finding *finding = finding_for(x, name);
    if (ready)
        finding_set(finding, FINDING_OK, "", "it is ready");
    else
        finding_set(finding, FINDING_FAIL, printer ? printer_next : scanner_next, "%s",
                    detail[0] ? detail : "it isn't there");
}

/* --- Opened here ------------------------------------------------------------------------------ */

static void on_scanner(void *context, const char *scanner, enum scanner_state state)
{
    (void)scanner;
    if (state == SCANNER_READY)
        wait_end(context, NULL);
}

static void on_scan(void *context, const struct scan *scan)
{
    (void)context;
    (void)scan;
}

static void on_refused(void *context, const char *scanner, const char *why, size_t bytes)
{
    (void)context;
    (void)scanner;
    (void)why;
    (void)bytes;
}

static void on_printer(void *context, const char *printer, enum printer_state state)
{
    (void)printer;
    if (state != PRINTER_OFFLINE)
        wait_end(context, NULL);
}

static void on_printed(void *context, const char *printer, uint64_t job, enum err err,
                       const struct fault *fault)
{
    (void)context;
    (void)printer;
    (void)job;
    (void)err;
    (void)fault;
}

static void read_device(const char *value, char device[static DEVICE_TEXT_MAX + 1], int *baud)
{
    struct device_option options[OPTIONS] = {
        {.name = "lane"},   {.name = "baud"},    {.name = "layout"}, {.name = "prefix"},
        {.name = "suffix"}, {.name = "columns"}, {.name = "page"},   {.name = "drawer"}};
    struct fault fault;
    if (device_setting_read(value, device, options, OPTIONS, &fault) != ERR_OK ||
        device_option_number(&options[1], 300, 4000000, 0, baud, &fault) != ERR_OK)
        device[0] = '\0';
}

static enum err try_scanner(void *context, const char *name, const char *value, struct fault *fault)
{
    struct examination *x = context;
    struct wait wait;
    struct scanner *scanner = NULL;
    char device[DEVICE_TEXT_MAX + 1] = "";
    struct scanner_config config = {
        .name = name, .lane = "", .device = device, .prefix = "", .suffix = ""};
    read_device(value, device, &config.baud);
    enum err err = wait_open(&wait, fault);
    if (err)
        return err;
    const struct scanner_listener listener = {on_scan, on_refused, on_scanner, &wait};
    err = scanner_open(&scanner, wait.loop, &config, &listener, fault);
    if (!err)
        wait_run(&wait, DEVICE_MS);
    bool ready = !err && scanner_state(scanner) == SCANNER_READY;
    judge(x, false, name, ready, err ? fault->text : scanner_fault(scanner)->text);
    scanner_close(scanner);
    wait_close(&wait);
    return ERR_OK;
}

static enum err try_printer(void *context, const char *name, const char *value, struct fault *fault)
{
    struct examination *x = context;
    struct wait wait;
    struct printer *printer = NULL;
    char device[DEVICE_TEXT_MAX + 1] = "";
    struct printer_config config = {.name = name, .device = device};
    read_device(value, device, &config.baud);
    enum err err = wait_open(&wait, fault);
    if (err)
        return err;
    const struct printer_listener listener = {on_printed, on_printer, &wait};
    err = printer_open(&printer, wait.loop, &config, &listener, fault);
    if (!err)
        wait_run(&wait, DEVICE_MS);
    enum printer_state state = err ? PRINTER_OFFLINE : printer_state(printer);
    judge(x, true, name, state == PRINTER_READY,
          err                        ? fault->text
          : state == PRINTER_OFFLINE ? printer_fault(printer)->text
                                     : printer_state_name(state));
    printer_close(printer);
    wait_close(&wait);
    return ERR_OK;
}

/* --- The checks ------------------------------------------------------------------------------ */

static void look(struct examination *x, bool printers, const char *key, settings_visit *try_one)
{
    const struct doctor_running *running = x->subject->running;
    struct fault fault;
    for (size_t i = 0; running && i < running->device_count; i++)
        if (running->devices[i].printer == printers)
            judge(x, printers, running->devices[i].name, running->devices[i].ready,
                  running->devices[i].detail);
    if (!running && settings_each(x->subject->settings, key, try_one, x, &fault))
        finding_set(x->at, FINDING_FAIL, "", "%s", fault.text);
    if (!x->at->cause[0])
        finding_set(x->at, FINDING_SKIPPED, "", "none is set up");
}

void check_scanners(struct examination *x)
{
    look(x, false, "scanner.*", try_scanner);
}

void check_printers(struct examination *x)
{
    look(x, true, "printer.*", try_printer);
}
