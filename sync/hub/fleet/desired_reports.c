/* desired.h: what appliances report of their configuration, and how they stand. */
#include "sync/hub/fleet/config.sql.h"
#include "sync/hub/fleet/desired_inside.h"

#include <stdio.h>

enum { DRIFT_TEXT_MAX = 256 };

static void write_drift(const struct config_report *report, char text[static DRIFT_TEXT_MAX])
{
    size_t len = 0;
    text[0] = '\0';
    for (int i = 0; i < CONFIG_SECTION_COUNT; i++)
        if (report->drift[i])
            len += (size_t)snprintf(text + len, DRIFT_TEXT_MAX - len, "%s%s", len ? "," : "",
                                    config_section_name((enum config_section)i));
}

static enum err put_report(struct desired *desired, const char *device,
                           const struct config_report *report, int64_t now_ms, struct fault *fault)
{
    char drift[DRIFT_TEXT_MAX];
    struct statement *s;
    enum err err = desired_statement(desired, CONFIG_REPORT_PUT, &s, fault);
    if (err)
        return err;
    write_drift(report, drift);
    bind_text(s, 1, device);
    bind_text(s, 2, config_state_name(report->state));
    bind_int(s, 3, report->version);
    bind_int(s, 4, report->seen);
    bind_int(s, 5, report->applied_version);
    if (report->applied_version)
        bind_blob(s, 6, report->applied.bytes, SHA256_BYTES);
    bind_text(s, 7, report->path);
    bind_text(s, 8, report->reason);
    bind_text(s, 9, drift);
    bind_int(s, 10, now_ms);
    return database_run(desired->db, s, fault);
}

/* PENDING_CONFIRM is no result yet. */
static enum err note_result(struct desired *desired, const char *device,
                            const struct config_report *report, struct fault *fault)
{
    struct statement *s;
    bool good = report->state == CONFIG_STATE_APPLIED;
    if (!report->version || report->state == CONFIG_STATE_PENDING_CONFIRM)
        return ERR_OK;
    enum err err = desired_statement(desired, CONFIG_ROLLOUT_RESULT, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    bind_int(s, 2, report->version);
    bind_text(s, 3, good ? "good" : "bad");
    return database_run(desired->db, s, fault);
}

enum err desired_report(struct desired *desired, const char *device,
                        const struct config_report *report, const struct signer *signer,
                        int64_t now_ms, struct desired_document *document, struct fault *fault)
{
    struct desired_order order = {.device = device, .now_ms = now_ms};
    enum err err = put_report(desired, device, report, now_ms, fault);
    if (!err)
        err = note_result(desired, device, report, fault);
    if (!err)
        err = desired_find(desired, device, document, fault);
    if (err)
        return err;
    bool refused = report->state == CONFIG_STATE_REJECTED && !report->version;
    if (document->version && report->seen < document->version && !refused)
        return ERR_OK; /* it is to be sent as it is */
    order.change_no = document->change_no;
    order.rollout_no = document->rollout_no;
    if (!document->version)
        err = desired_released(desired, device, &order.change_no, fault);
    /* It has seen more than we know: the hub came back from a backup. Or it is new, and gets what
     * was released before it came. */
    bool wanted =
        document->version ? report->seen > document->version : order.change_no > 0 && !refused;
    desired_document_free(document);
    *document = (struct desired_document){.version = 0};
    return err || !wanted ? err : desired_make(desired, &order, signer, document, fault);
}

/* --- Telling --------------------------------------------------------------------------------- */

static void write_text(struct jsonw *w, const char *key, struct statement *s, int column)
{
    struct slice text = column_slice(s, column);
    if (text.len)
        jsonw_slice(w, key, text);
}

static void write_standing(struct jsonw *w, struct statement *s)
{
    bool wanted = !column_is_null(s, 0);
    bool heard = !column_is_null(s, 2);
    bool in_force = wanted && heard && column_int(s, 3) == column_int(s, 0) &&
                    slice_equal(column_slice(s, 9), column_slice(s, 10));
    jsonw_object(w, "config");
    jsonw_int(w, "version", wanted ? column_int(s, 0) : 0);
    jsonw_int(w, "change", wanted ? column_int(s, 1) : 0);
    jsonw_slice(w, "state",
                !heard     ? SLICE_LITERAL("unheard")
                : in_force ? SLICE_LITERAL("applied")
                : wanted && column_int(s, 11) != column_int(s, 0) && column_int(s, 11) != 0
                    ? SLICE_LITERAL("behind")
                    : column_slice(s, 2));
    jsonw_int(w, "applied", heard ? column_int(s, 3) : 0);
    if (heard) {
        write_text(w, "path", s, 5);
        write_text(w, "reason", s, 6);
        jsonw_slice(w, "drift", column_slice(s, 7));
        jsonw_time(w, "reported", column_int(s, 8));
    }
    jsonw_end(w);
}

enum err desired_write(struct desired *desired, const char *device, struct jsonw *w,
                       struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = desired_statement(desired, CONFIG_DEVICE_CONFIG, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    err = database_step(desired->db, s, &row, fault);
    if (!err && row)
        write_standing(w, s);
    statement_reset(s);
    return err;
}

enum err desired_write_counts(struct desired *desired, struct jsonw *w, struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = desired_statement(desired, CONFIG_FLEET_COUNTS, &s, fault);
    if (!err)
        err = database_step(desired->db, s, &row, fault);
    if (err)
        return err;
    jsonw_int(w, "desired", column_int(s, 0));
    jsonw_int(w, "in_force", column_int(s, 1));
    jsonw_int(w, "failed", column_int(s, 2));
    jsonw_int(w, "on_trial", column_int(s, 3));
    jsonw_int(w, "drifted", column_int(s, 4));
    statement_reset(s);
    return ERR_OK;
}

enum err desired_write_changes(struct desired *desired, const char *scope, int64_t before,
                               int64_t max, struct jsonw *w, struct fault *fault)
{
    struct statement *s;
    bool row = true;
    enum err err = desired_statement(desired, CONFIG_CHANGE_LIST, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, scope);
    bind_int(s, 2, before);
    bind_int(s, 3, max);
    while ((err = database_step(desired->db, s, &row, fault)) == ERR_OK && row) {
        jsonw_object(w, NULL);
        jsonw_int(w, "change", column_int(s, 0));
        jsonw_slice(w, "scope", column_slice(s, 1));
        jsonw_slice(w, "by", column_slice(s, 2));
        jsonw_slice(w, "reason", column_slice(s, 3));
        jsonw_time(w, "at", column_int(s, 4));
        jsonw_raw(w, "settings", column_slice(s, 5));
        jsonw_end(w);
    }
    statement_reset(s);
    return err;
}
