#include "sync/config/record.h"
#include "hal/base/cleanup.h"
#include "hal/base/json_scan.h"
#include "hal/base/jsonw.h"
#include "hal/storage.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECORD_BYTES_MAX = 8 * 1024, NAME_SIZE = 32 };

#define LIMITS ((struct json_limits){.bytes = RECORD_BYTES_MAX, .depth = 5})

static enum err path_of(const char *folder, const char *name, char path[static PATH_MAX],
                        struct fault *fault)
{
    return storage_path(path, PATH_MAX, folder, name)
               ? fault_set(fault, ERR_TOO_LARGE, folder, "the path is too long")
               : ERR_OK;
}

static void document_name(int64_t version, char name[static NAME_SIZE])
{
    (void)snprintf(name, NAME_SIZE, "%lld.json", (long long)version);
}

/* --- Loading --------------------------------------------------------------------------------- */

static enum err read_record(struct slice text, struct record *record)
{
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct slice report;
    enum err err = json_parse(text, LIMITS, &doc, NULL);
    if (!err)
        err = json_scan_member(text, LIMITS, "report", &report, NULL);
    if (!err)
        err = config_report_read(report, &record->report, NULL);
    if (err)
        return err;
    const struct cJSON *trial = json_member(doc, "trial");
    record->trial = (struct record_trial){
        .began_ms = json_member_int(trial, "began_ms", 0),
        .until_ms = json_member_int(trial, "until_ms", 0),
        .starts = json_member_int(trial, "starts", 0),
    };
    return ERR_OK;
}

enum err record_load(const char *folder, struct record *record, struct fault *fault)
{
    char path[PATH_MAX];
    struct buf text CLEANUP(buf_free);
    struct record read = {.trial = {0}};
    buf_init(&text, RECORD_BYTES_MAX);
    enum err err = path_of(folder, "record.json", path, fault);
    if (!err)
        err = storage_read(path, &text, fault);
    if (err && err != ERR_NOT_FOUND && err != ERR_TOO_LARGE)
        return err;
    if (err || read_record(buf_slice(&text), &read) != ERR_OK)
        read = (struct record){.trial = {0}};
    *record = read;
    return ERR_OK;
}

enum err record_document(const char *folder, int64_t version, const struct sha256 *hash,
                         struct buf *text, struct fault *fault)
{
    char path[PATH_MAX];
    char name[NAME_SIZE];
    document_name(version, name);
    enum err err = path_of(folder, name, path, fault);
    if (!err)
        err = storage_read(path, text, fault);
    if (err)
        return err;
    const struct sha256 found = config_hash(buf_slice(text));
    return sha256_equal(&found, hash)
               ? ERR_OK
               : fault_set(fault, ERR_CORRUPT, path, "is not what was written there");
}

/* --- Saving ---------------------------------------------------------------------------------- */

static void write_record(struct buf *out, const struct record *record)
{
    struct buf report CLEANUP(buf_free);
    buf_init(&report, CONFIG_REPORT_BYTES_MAX);
    config_report_write(&report, &record->report);
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    jsonw_raw(&w, "report", buf_slice(&report));
    if (record->report.state == CONFIG_STATE_PENDING_CONFIRM) {
        jsonw_object(&w, "trial");
        jsonw_int(&w, "began_ms", record->trial.began_ms);
        jsonw_int(&w, "until_ms", record->trial.until_ms);
        jsonw_int(&w, "starts", record->trial.starts);
        jsonw_end(&w);
    }
    jsonw_end(&w);
}

static bool is_named(const struct record *record, int64_t version)
{
    return version == record->report.applied_version ||
           (version == record->report.version &&
            record->report.state == CONFIG_STATE_PENDING_CONFIRM);
}

/* What stays behind after a failure here does no harm, and goes the next time. */
static void sweep(const char *folder, const struct record *record)
{
    DIR *files = opendir(folder);
    if (!files)
        return;
    for (const struct dirent *file; (file = readdir(files));) {
        char path[PATH_MAX];
        char *end;
        long long version = strtoll(file->d_name, &end, 10);
        if (version > 0 && strcmp(end, ".json") == 0 && !is_named(record, version) &&
            storage_path(path, sizeof path, folder, file->d_name) == ERR_OK)
            (void)remove(path);
    }
    (void)closedir(files);
}

static enum err save_document(const char *folder, int64_t version, struct slice document,
                              struct fault *fault)
{
    char path[PATH_MAX];
    char name[NAME_SIZE];
    document_name(version, name);
    enum err err = path_of(folder, name, path, fault);
    return err ? err : storage_replace(path, document, 0600, fault);
}

enum err record_save(const char *folder, const struct record *record, struct slice document,
                     struct fault *fault)
{
    char path[PATH_MAX];
    struct buf text CLEANUP(buf_free);
    buf_init(&text, RECORD_BYTES_MAX);
    enum err err = path_of(folder, "record.json", path, fault);
    if (!err)
        err = storage_make_folder(folder, fault);
    if (!err && document.len)
        err = save_document(folder, record->report.version, document, fault);
    write_record(&text, record);
    if (!err)
        err = buf_check(&text, fault, "record");
    if (!err)
        err = storage_replace(path, buf_slice(&text), 0600, fault);
    if (!err)
        sweep(folder, record);
    return err;
}
