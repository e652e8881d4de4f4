#include "sync/hub/device_report.h"
#include "hal/base/cleanup.h"
#include "hal/base/jsonw.h"
#include "hal/base/rfc3339.h"
#include "sync/hub/fleet/authorities.h"

#include <stdio.h>
#include <string.h>

enum { ANSWER_MAX = 16 * 1024 * 1024 };

static void write_device(struct jsonw *w, const struct roster_device *device)
{
    jsonw_text(w, "id", device->id);
    jsonw_text(w, "store", device->store);
    jsonw_text(w, "name", device->name);
    jsonw_text(w, "state", roster_state_name(device->state));
    if (*device->successor)
        jsonw_text(w, "successor", device->successor);
    if (*device->reason)
        jsonw_text(w, "reason", device->reason);
    jsonw_time(w, "created", device->created_ms);
    jsonw_time(w, "changed", device->changed_ms);
    if (device->evicted_ms)
        jsonw_time(w, "evicted", device->evicted_ms);
}

static enum err flush(struct buf *out, struct fault *fault)
{
    enum err err = buf_check(out, fault, "answer");
    if (!err)
        (void)printf("%s\n", out->data);
    return err;
}

/* --- A list ---------------------------------------------------------------------------------- */

struct listing {
    struct roster *roster;
    struct jsonw *w; /* NULL: for people */
    int64_t now_ms;
};

static void write_software(struct jsonw *w, const struct software *software)
{
    if (!software->version[0])
        return;
    jsonw_text(w, "version", software->version);
    if (software->slot[0])
        jsonw_text(w, "slot", software->slot);
    if (software->last_result[0]) {
        jsonw_object(w, "last_update");
        jsonw_text(w, "version", software->last_version);
        jsonw_text(w, "result", software->last_result);
        jsonw_text(w, "reason", software->last_reason);
        if (software->last_words[0])
            jsonw_text(w, "last_words", software->last_words);
        jsonw_end(w);
    }
    if (software->update_state[0]) {
        jsonw_object(w, "update");
        jsonw_text(w, "version", software->update_version);
        jsonw_text(w, "state", software->update_state);
        jsonw_text(w, "reason", software->update_reason);
        jsonw_end(w);
    }
}

/* "0.1.0 in slot A", and of updates what a person should know. */
static void print_software(const struct software *software)
{
    bool same = strcmp(software->last_version, software->update_version) == 0;
    if (!software->version[0])
        return;
    (void)printf("; %s", software->version);
    if (software->slot[0])
        (void)printf(" in slot %s", software->slot);
    if (software->update_state[0] && strcmp(software->update_state, "installed") != 0)
        (void)printf("; update to %s: %s%s%s", software->update_version, software->update_state,
                     software->update_reason[0] ? ": " : "", software->update_reason);
    if (!same && software->last_result[0] && strcmp(software->last_result, "installed") != 0)
        (void)printf("; update to %s: %s%s%s", software->last_version, software->last_result,
                     software->last_reason[0] ? ": " : "", software->last_reason);
}

static enum err list_one(void *context, const struct roster_device *device, struct fault *fault)
{
    struct listing *listing = context;
    struct software software;
    int64_t until_ms = 0;
    enum err err = roster_invited_until(listing->roster, device->id, &until_ms, fault);
    if (!err)
        err = roster_software(listing->roster, device->id, &software, fault);
    if (err)
        return err;
    if (listing->w) {
        jsonw_object(listing->w, NULL);
        write_device(listing->w, device);
        if (until_ms)
            jsonw_time(listing->w, "code_until", until_ms);
        write_software(listing->w, &software);
        jsonw_end(listing->w);
        return ERR_OK;
    }
    (void)printf("%-24s store %-8s %-9s %s", device->id, device->store,
                 roster_state_name(device->state), device->name);
    if (*device->successor)
        (void)printf("; %s came in its place", device->successor);
    if (*device->reason)
        (void)printf("; %s", device->reason);
    if (until_ms)
        (void)printf("; %s", until_ms > listing->now_ms ? "a code is out" : "its code has expired");
    print_software(&software);
    (void)printf("\n");
    return ERR_OK;
}

enum err device_report_list(struct roster *roster, const char *store, bool json, int64_t now_ms,
                            struct fault *fault)
{
    struct buf out CLEANUP(buf_free);
    buf_init(&out, ANSWER_MAX);
    struct jsonw w = jsonw_to(&out);
    struct listing listing = {roster, json ? &w : NULL, now_ms};
    jsonw_array(&w, NULL);
    enum err err = roster_each(roster, store, list_one, &listing, fault);
    jsonw_end(&w);
    return err || !json ? err : flush(&out, fault);
}

/* --- One ------------------------------------------------------------------------------------- */

static void write_log(void *context, const struct roster_log *log)
{
    struct jsonw *w = context;
    jsonw_object(w, NULL);
    jsonw_text(w, "stream", log->stream);
    jsonw_int(w, "through", log->through);
    jsonw_int(w, "parked", log->parked);
    jsonw_int(w, "held", log->held);
    jsonw_end(w);
}

static void print_log(void *context, const struct roster_log *log)
{
    (void)context;
    (void)printf("  %-8s the hub holds it through %lld", log->stream, (long long)log->through);
    if (log->held)
        (void)printf(", and %lld beyond a gap", (long long)log->held);
    if (log->parked)
        (void)printf("; %lld are parked", (long long)log->parked);
    (void)printf("\n");
}

static void write_certificate(void *context, const struct authority_record *record)
{
    struct jsonw *w = context;
    jsonw_object(w, NULL);
    jsonw_text(w, "serial", record->serial);
    jsonw_time(w, "issued", record->issued_ms);
    jsonw_time(w, "expires", record->not_after_ms);
    if (record->revoked_ms)
        jsonw_time(w, "revoked", record->revoked_ms);
    jsonw_end(w);
}

static void print_certificate(void *context, const struct authority_record *record)
{
    (void)context;
    char until[RFC3339_TEXT + 1];
    rfc3339_format(record->not_after_ms, until);
    (void)printf("  certificate %s until %s%s\n", record->serial, until,
                 record->revoked_ms ? ", revoked" : "");
}

static enum err each_certificate(const char *state, const char *device, authority_visit *visit,
                                 void *context, struct fault *fault)
{
    struct authorities *authorities CLEANUP(authorities_cleanup) = NULL;
    enum err err = authorities_open(&authorities, state, fault);
    return err ? err
               : authority_list(authorities_issuer(authorities), device, visit, context, fault);
}

static enum err print_last_words(struct roster *roster, const char *device, struct fault *fault)
{
    struct software software;
    enum err err = roster_software(roster, device, &software, fault);
    if (!err && software.last_words[0])
        (void)printf("  the last words of %s:\n%s", software.last_version, software.last_words);
    return err;
}

/* What it said to wait when it was heard last is what may be missing now. */
static enum err print_waiting(struct roster *roster, const char *device, struct fault *fault)
{
    int64_t waiting;
    int64_t heard_ms;
    char heard[RFC3339_TEXT + 1];
    enum err err = roster_told_waiting(roster, device, &waiting, &heard_ms, fault);
    if (err)
        return err;
    if (!heard_ms) {
        (void)printf("  it was never heard\n");
        return ERR_OK;
    }
    rfc3339_format(heard_ms, heard);
    if (waiting > 0)
        (void)printf("  heard last %s, when %lld of its events were not here\n", heard,
                     (long long)waiting);
    else
        (void)printf("  heard last %s, when nothing waited; what it captured after that is on its "
                     "disk alone\n",
                     heard);
    return ERR_OK;
}

enum err device_report_show(struct roster *roster, const struct roster_device *device,
                            const char *state, bool json, struct fault *fault)
{
    struct buf out CLEANUP(buf_free);
    buf_init(&out, ANSWER_MAX);
    struct jsonw w = jsonw_to(&out);
    struct listing people = {roster, NULL, device->changed_ms};
    int64_t waiting;
    int64_t heard_ms;
    if (!json) {
        enum err err = list_one(&people, device, fault);
        if (!err)
            err = roster_each_log(roster, device->id, print_log, NULL, fault);
        if (!err)
            err = print_waiting(roster, device->id, fault);
        if (!err)
            err = each_certificate(state, device->id, print_certificate, NULL, fault);
        return err ? err : print_last_words(roster, device->id, fault);
    }
    struct software software;
    jsonw_object(&w, NULL);
    write_device(&w, device);
    enum err err = roster_told_waiting(roster, device->id, &waiting, &heard_ms, fault);
    if (!err)
        err = roster_software(roster, device->id, &software, fault);
    if (!err)
        write_software(&w, &software);
    if (!err && heard_ms) {
        jsonw_time(&w, "heard", heard_ms);
        jsonw_int(&w, "waiting", waiting < 0 ? 0 : waiting);
    }
    jsonw_array(&w, "logs");
    if (!err)
        err = roster_each_log(roster, device->id, write_log, &w, fault);
    jsonw_end(&w);
    jsonw_array(&w, "certificates");
    if (!err)
        err = each_certificate(state, device->id, write_certificate, &w, fault);
    jsonw_end(&w);
    jsonw_end(&w);
    return err ? err : flush(&out, fault);
}

enum err device_report_farewell(struct roster *roster, const struct roster_device *old,
                                const char *successor, struct fault *fault)
{
    (void)printf("%s is closed; %s comes in its place, and takes back what it captured:\n", old->id,
                 successor);
    enum err err = roster_each_log(roster, old->id, print_log, NULL, fault);
    if (!err)
        err = print_waiting(roster, old->id, fault);
    (void)printf("\n");
    return err;
}
