#include "agent/service/record.h"
#include "agent/service/binding.h"
#include "agent/service/harmless.h"
#include "agent/service/last_words.h"
#include "agent/service/setup.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"
#include "hal/base/version.h"
#include "hal/device_setting.h"
#include "hal/storage.h"
#include "hal/tar.h"
#include "provisioning/report.h"
#include "sync/transport/url.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

enum { PART_MAX = 256 * 1024 };

static const char *device_of(const struct doctor_subject *subject)
{
    return subject->member ? subject->member->device : "";
}

static const char *store_of(const struct doctor_subject *subject)
{
    return subject->member ? subject->member->store : "";
}

/* --- Ports ----------------------------------------------------------------------------------- */

struct lane_search {
    const char *device;
    char lane[SCANNER_LANE_MAX + 1];
    bool found;
};

static enum err match_port(void *context, const char *name, const char *value, struct fault *fault)
{
    struct lane_search *search = context;
    char device[DEVICE_TEXT_MAX + 1];
    char lane[DEVICE_OPTION_MAX + 1];
    (void)name;
    (void)fault;
    if (harmless_device(value, device, lane) && strcmp(device, search->device) == 0) {
        (void)snprintf(search->lane, sizeof search->lane, "%.*s", SCANNER_LANE_MAX, lane);
        search->found = true;
    }
    return ERR_OK;
}

void record_ports(const struct doctor_subject *subject, struct jsonw *w, const char *key)
{
    struct ports *ports = calloc(1, sizeof *ports);
    struct fault fault;
    if (ports)
        ports_find(subject->root, ports);
    jsonw_array(w, key);
    for (size_t i = 0; ports && i < ports->count; i++) {
        const struct port *port = &ports->list[i];
        struct lane_search search = {.device = port->device};
        if (settings_each(subject->settings, "scanner.*", match_port, &search, &fault) ||
            ports_conf_each(subject->folder, match_port, &search, &fault))
            search.found = false;
        jsonw_object(w, NULL);
        jsonw_text(w, "device", port->device);
        jsonw_text(w, "node", port->node);
        jsonw_text(w, "vendor", port->vendor);
        jsonw_text(w, "product", port->product);
        jsonw_text(w, "serial_number", port->serial_number);
        jsonw_bool(w, "bound", search.found);
        jsonw_text(w, "lane", search.lane);
        jsonw_end(w);
    }
    jsonw_end(w);
    free(ports);
}

/* --- The report ------------------------------------------------------------------------------ */

static void write_report(const struct record *record, const struct identity *identity,
                         struct jsonw *w)
{
    jsonw_object(w, NULL);
    jsonw_text(w, "format", "tillback-commissioning-1");
    jsonw_text(w, "device", device_of(record->subject));
    jsonw_text(w, "store", store_of(record->subject));
    jsonw_text(w, "version", TILLBACK_VERSION);
    jsonw_time(w, "made_at", record->now_ms);
    jsonw_text(w, "technician", record->technician);
    jsonw_text(w, "certificate", identity_facts(identity)->serial);
    findings_write(record->doctor, w, "doctor");
    findings_write(record->selftest, w, "selftest");
    record_ports(record->subject, w, "ports");
    jsonw_end(w);
}

enum err record_report(const struct record *record, struct buf *envelope, struct buf *page,
                       struct fault *fault)
{
    const struct membership *member = record->subject->member;
    struct identity *identity CLEANUP(identity_cleanup) = NULL;
    struct buf payload CLEANUP(buf_free);
    buf_init(&payload, ENVELOPE_PAYLOAD_MAX);
    if (!member || !member->enrolled)
        return fault_set(fault, ERR_REFUSED, "identity",
                         "an appliance that isn't enrolled has no key to sign a report with");
    enum err err = identity_open(&identity, member->folder, IDENTITY_CURRENT, fault);
    if (err)
        return err;
    struct jsonw w = jsonw_to(&payload);
    write_report(record, identity, &w);
    err = buf_check(&payload, fault, "report");
    if (!err)
        err = report_seal(member->folder, buf_slice(&payload), envelope, fault);
    return err ? err : report_page(buf_slice(&payload), page, fault);
}

/* --- Settings -------------------------------------------------------------------------------- */

static const char *const plain_keys[] = {
    "store.number",          "store.country",          "store.currency",   "http.listen",
    "broker.ack_timeout_ms", "identity.renew_percent", "identity.new_key", "identity.look_s",
    "print.language",        "retention.days",         "retention.events", "retention.mib",
    "retention.least_days",  "retention.every_s",      "diagnostics.level"};
static const char *const url_keys[] = {"broker.url", "broker.proxy", "enrol.url"};

static bool is_among(const char *key, const char *const *keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(key, keys[i]) == 0)
            return true;
    return false;
}

/* Without the name and password that a proxy may want. */
static void write_url(const char *key, const char *text, struct buf *out)
{
    struct url url;
    struct fault fault;
    if (url_parse(text, key, 0, &url, &fault) == ERR_OK)
        buf_printf(out, "%s=%s://%s:%u\n", key, url.scheme, url.host, url.port);
    else
        buf_printf(out, "%s is set, and no address\n", key);
}

struct device_list {
    struct buf *out;
    const char *family; /* "scanner" */
};

static enum err write_device(void *context, const char *name, const char *value,
                             struct fault *fault)
{
    const struct device_list *list = context;
    char device[DEVICE_TEXT_MAX + 1];
    char lane[DEVICE_OPTION_MAX + 1];
    (void)fault;
    if (harmless_device(value, device, lane))
        buf_printf(list->out, "%s.%s=%s%s%s\n", list->family, name, device, *lane ? ",lane=" : "",
                   lane);
    return ERR_OK;
}

static void write_settings(const struct doctor_subject *subject, struct buf *out)
{
    struct fault fault;
    for (size_t i = 0; i < appliance_setting_count; i++) {
        const char *key = appliance_settings[i].key;
        const char *value = strchr(key, '*') ? NULL : settings_text(subject->settings, key);
        if (!value)
            continue;
        if (is_among(key, plain_keys, sizeof plain_keys / sizeof *plain_keys))
            buf_printf(out, "%s=%s\n", key, value);
        else if (is_among(key, url_keys, sizeof url_keys / sizeof *url_keys))
            write_url(key, value, out);
        else
            buf_printf(out, "%s is set\n", key);
    }
    struct device_list scanners = {out, "scanner"};
    struct device_list printers = {out, "printer"};
    if (settings_each(subject->settings, "scanner.*", write_device, &scanners, &fault) ||
        ports_conf_each(subject->folder, write_device, &scanners, &fault) ||
        settings_each(subject->settings, "printer.*", write_device, &printers, &fault))
        buf_append_text(out, "the devices can't be read\n");
}

/* --- The bundle's other parts ---------------------------------------------------------------- */

static void write_versions(const struct record *record, struct buf *out)
{
    struct utsname system;
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "tillback", TILLBACK_VERSION);
    jsonw_text(&w, "device", device_of(record->subject));
    jsonw_text(&w, "store", store_of(record->subject));
    jsonw_time(&w, "made_at", record->now_ms);
    if (uname(&system) == 0) {
        jsonw_text(&w, "system", system.sysname);
        jsonw_text(&w, "release", system.release);
        jsonw_text(&w, "machine", system.machine);
    }
    jsonw_text(&w, "mbedtls", MBEDTLS_VERSION_STRING);
    jsonw_end(&w);
}

static void write_stream(struct jsonw *w, const char *name,
                         const struct eventlog_stream_status *stream)
{
    jsonw_object(w, name);
    jsonw_int(w, "head", stream->head);
    jsonw_int(w, "through", stream->through);
    jsonw_int(w, "backed_up_through", stream->backed_up_through);
    jsonw_int(w, "first_kept", stream->first_kept);
    jsonw_int(w, "parked", stream->parked);
    jsonw_bool(w, "forked", stream->forked);
    jsonw_end(w);
}

static void write_file_size(struct jsonw *w, const char *folder, const char *name)
{
    char path[PATH_MAX];
    struct stat info;
    if (storage_path(path, sizeof path, folder, name) == ERR_OK && stat(path, &info) == 0)
        jsonw_int(w, name, info.st_size);
}

static enum err log_status(const struct doctor_subject *subject, struct eventlog_status *status)
{
    struct eventlog_reader *reader = NULL;
    struct fault fault;
    if (subject->running) {
        *status = subject->running->log;
        return ERR_OK;
    }
    enum err err = eventlog_reader_open(&reader, subject->log_config, &fault);
    if (!err)
        err = eventlog_reader_status(reader, status, &fault);
    eventlog_reader_close(reader);
    return err;
}

static void write_status(const struct record *record, struct buf *out)
{
    const struct doctor_subject *subject = record->subject;
    const struct doctor_running *running = subject->running;
    struct eventlog_status log;
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    jsonw_bool(&w, "running", running != NULL);
    jsonw_text(&w, "link",
               running && running->has_uplink ? uplink_state_name(running->link.state) : "none");
    if (log_status(subject, &log) == ERR_OK) {
        jsonw_object(&w, "streams");
        for (int i = 0; i < STREAMS_OF_APPLIANCE; i++)
            write_stream(&w, stream_name((enum stream)i), &log.streams[i]);
        jsonw_end(&w);
        jsonw_int(&w, "hub_epoch", log.hub_epoch);
        jsonw_int(&w, "lost", log.lost[STREAM_RETURNS] + log.lost[STREAM_SALES]);
        jsonw_bool(&w, "can_save", log.can_save);
        jsonw_bool(&w, "damaged", log.damaged);
        jsonw_int(&w, "free_bytes", log.free_bytes);
    }
    jsonw_object(&w, "file_bytes");
    write_file_size(&w, subject->folder, "tillback.db");
    write_file_size(&w, subject->folder, "tillback.db-wal");
    jsonw_end(&w);
    jsonw_end(&w);
}

static void write_findings(const struct record *record, struct buf *out)
{
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    findings_write(record->doctor, &w, "doctor");
    findings_write(record->selftest, &w, "selftest");
    record_ports(record->subject, &w, "ports");
    jsonw_end(&w);
}

static enum err add_part(struct buf *tar, const struct record *record, const char *name,
                         struct slice content)
{
    tar_add(tar, name, content, record->now_ms);
    return tar->failed ? ERR_TOO_LARGE : ERR_OK;
}

/* What the system kept of starts that ended, and of updates; a file that isn't there is none. */
static enum err add_kept_by_system(struct buf *tar, const struct record *record)
{
    static const struct {
        const char *file;
        const char *part;
    } journals[] = {{LAST_WORDS_OF_A_START, "system/last-start.txt"},
                    {LAST_WORDS_OF_A_ROLLBACK, "system/unhealthy-start.txt"}};
    const char *folder = settings_text(record->subject->settings, "diagnostics.system");
    enum err err = ERR_OK;
    for (size_t i = 0; folder && !err && i < sizeof journals / sizeof *journals; i++) {
        struct buf words CLEANUP(buf_free);
        buf_init(&words, LAST_WORDS_BYTES_MAX);
        last_words_read(folder, journals[i].file, &words);
        if (words.len || words.failed)
            err = words.failed ? ERR_TOO_LARGE
                               : add_part(tar, record, journals[i].part, buf_slice(&words));
    }
    return err;
}

enum err record_bundle(const struct record *record, struct slice diagnostics, struct buf *bundle,
                       struct fault *fault)
{
    static void (*const writers[])(const struct record *,
                                   struct buf *) = {write_versions, write_status, write_findings};
    static const char *const names[] = {"tillback/versions.json", "tillback/status.json",
                                        "tillback/doctor.json"};
    struct buf tar CLEANUP(buf_free);
    struct buf part CLEANUP(buf_free);
    buf_init(&tar, (size_t)4 * PART_MAX);
    buf_init(&part, PART_MAX);
    enum err err = ERR_OK;
    for (size_t i = 0; !err && i < sizeof writers / sizeof *writers; i++) {
        buf_reset(&part);
        writers[i](record, &part);
        err = buf_check(&part, fault, names[i]);
        if (!err)
            err = add_part(&tar, record, names[i], buf_slice(&part));
    }
    buf_reset(&part);
    write_settings(record->subject, &part);
    if (!err)
        err = add_part(&tar, record, "tillback/settings.txt", buf_slice(&part));
    if (!err)
        err = add_part(&tar, record, "tillback/diagnostics.jsonl", diagnostics);
    if (!err)
        err = add_kept_by_system(&tar, record);
    tar_end(&tar);
    if (err || buf_check(&tar, fault, "bundle"))
        return fault_set(fault, ERR_TOO_LARGE, "bundle", "is too large");
    return gzip_pack(buf_slice(&tar), bundle, fault);
}
