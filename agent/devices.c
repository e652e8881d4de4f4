#include "agent/devices.h"
#include "agent/capture/peripheral.h"
#include "agent/lanes.h"
#include "agent/service/binding.h"

#include <stdio.h>
#include <stdlib.h>

struct devices {
    struct devices_config config;
    struct devices_listener listener;
    struct peripherals *peripherals;
    struct print_desk *prints;
    struct lanes *lanes; /* NULL: nobody listens yet */
};

/* --- What they tell -------------------------------------------------------------------------- */

static void on_scan(void *context, const struct scan *scan)
{
    struct devices *d = context;
    d->listener.scanned(d->listener.context, scan);
}

static void on_scanner_changed(void *context, const char *scanner, enum scanner_state state)
{
    struct devices *d = context;
    d->listener.scanner_changed(d->listener.context, scanner, state);
    peripherals_note(d->peripherals, PERIPHERAL_SCANNER, scanner,
                     state == SCANNER_READY ? PERIPHERAL_ATTACHED : PERIPHERAL_DETACHED, "");
}

static void on_printer_changed(void *context, const struct print_desk_printer *printer)
{
    static const enum peripheral_state states[] = {
        [PRINTER_OFFLINE] = PERIPHERAL_DETACHED, [PRINTER_READY] = PERIPHERAL_ATTACHED,
        [PRINTER_PAPER_OUT] = PERIPHERAL_FAILED, [PRINTER_COVER_OPEN] = PERIPHERAL_FAILED,
        [PRINTER_FAILED] = PERIPHERAL_FAILED,
    };
    struct devices *d = context;
    bool failed = states[printer->state] == PERIPHERAL_FAILED;
    peripherals_note(d->peripherals, PERIPHERAL_PRINTER, printer->name, states[printer->state],
                     failed ? printer_state_name(printer->state) : printer->detail);
    d->listener.printer_changed(d->listener.context, printer);
}

static void on_print_changed(void *context, const struct print *print, const char *state)
{
    struct devices *d = context;
    d->listener.print_changed(d->listener.context, print, state);
}

/* --- Opening --------------------------------------------------------------------------------- */

static enum err open_printer(void *context, const char *name, const char *value,
                             struct fault *fault)
{
    struct devices *d = context;
    enum err err = print_desk_add_printer(d->prints, name, value, fault);
    if (!err)
        peripherals_note(d->peripherals, PERIPHERAL_PRINTER, name, PERIPHERAL_DETACHED, "");
    return err;
}

static enum err open_panel(void *context, const char *name, const char *value, struct fault *fault)
{
    struct devices *d = context;
    return lanes_add_panel(d->lanes, name, value, fault);
}

static enum err open_printers(struct devices *d, struct fault *fault)
{
    const struct settings *settings = d->config.settings;
    const struct print_desk_config config = {
        .loop = d->config.loop,
        .log = d->config.log,
        .log_config = d->config.log_config,
        .clock = d->config.clock,
        .diag = d->config.diag,
        .folder = d->config.folder,
        .template_file = settings_text(settings, "print.template"),
        .logo_file = settings_text(settings, "print.logo"),
        .store_name = settings_text(settings, "store.name"),
        .store_address = settings_text(settings, "store.address"),
        .language = settings_text(settings, "print.language"),
    };
    const struct print_desk_listener listener = {on_printer_changed, on_print_changed, d};
    const struct peripherals_config peripherals = {
        .loop = d->config.loop, .log = d->config.log, .diag = d->config.diag};
    enum err err = peripherals_open(&d->peripherals, &peripherals, fault);
    if (!err)
        err = print_desk_open(&d->prints, &config, &listener, fault);
    return err ? err : settings_each(settings, "printer.*", open_printer, d, fault);
}

enum err devices_open(struct devices **out, const struct devices_config *config,
                      const struct devices_listener *listener, struct fault *fault)
{
    struct devices *d = calloc(1, sizeof *d);
    if (!d)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    d->config = *config;
    d->listener = *listener;
    enum err err = open_printers(d, fault);
    if (err) {
        devices_close(d);
        return err;
    }
    *out = d;
    return ERR_OK;
}

enum err devices_listen(struct devices *d, struct fault *fault)
{
    const struct settings *settings = d->config.settings;
    const struct lanes_listener listener = {on_scan, on_scanner_changed, d};
    enum err err = lanes_open(&d->lanes, d->config.loop, d->config.diag, &listener, fault);
    if (!err)
        err = settings_each(settings, "scanner.*", devices_bind, d, fault);
    if (!err)
        err = ports_conf_each(d->config.folder, devices_bind, d, fault);
    if (!err)
        err = settings_each(settings, "panel.*", open_panel, d, fault);
    return err;
}

void devices_close(struct devices *d)
{
    if (!d)
        return;
    lanes_close(d->lanes);
    print_desk_close(d->prints);
    peripherals_close(d->peripherals);
    free(d);
}

/* --- Its face -------------------------------------------------------------------------------- */

struct print_desk *devices_prints(struct devices *d)
{
    return d->prints;
}

void devices_committed(struct devices *d)
{
    struct eventlog_status status;
    print_desk_committed(d->prints);
    if (!d->lanes)
        return;
    eventlog_status(d->config.log, &status);
    lanes_can_save(d->lanes, status.can_save);
}

void devices_show(struct devices *d, const char *lane, enum panel_sign sign)
{
    if (d->lanes)
        lanes_show(d->lanes, lane, sign);
}

static void add_device(struct doctor_running *running, bool printer, const char *name, bool ready,
                       const char *detail)
{
    if (running->device_count == DOCTOR_DEVICES_MAX)
        return;
    struct doctor_device *device = &running->devices[running->device_count++];
    *device = (struct doctor_device){.printer = printer, .ready = ready};
    (void)snprintf(device->name, sizeof device->name, "%.*s", FINDING_SUBJECT_MAX, name);
    (void)snprintf(device->detail, sizeof device->detail, "%.*s", DOCTOR_DETAIL_MAX, detail);
}

void devices_tell(void *context, struct doctor_running *running)
{
    struct devices *d = context;
    for (size_t i = 0; d->lanes && i < lanes_scanner_count(d->lanes); i++) {
        struct lanes_scanner scanner = lanes_scanner(d->lanes, i);
        add_device(running, false, scanner.name, scanner.state == SCANNER_READY, scanner.detail);
    }
    for (size_t i = 0; i < print_desk_printer_count(d->prints); i++) {
        struct print_desk_printer printer = print_desk_printer(d->prints, i);
        add_device(running, true, printer.name, printer.state == PRINTER_READY,
                   printer.detail[0] ? printer.detail : printer_state_name(printer.state));
    }
}

enum err devices_bind(void *context, const char *name, const char *value, struct fault *fault)
{
    struct devices *d = context;
    enum err err = lanes_add_scanner(d->lanes, name, value, fault);
    if (!err)
        peripherals_note(d->peripherals, PERIPHERAL_SCANNER, name, PERIPHERAL_DETACHED, "");
    return err;
}
