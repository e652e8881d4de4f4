#include "agent/capture/access_note.h"
#include "hal/base/cleanup.h"
#include "hal/base/id.h"
#include "hal/base/jsonw.h"
#include "hal/storage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LANE_MAX = 16, DATA_MAX_BYTES = 512, COPY_MAX_BYTES = 1024 * 1024 };

static const char *const act_words[ACCESS_ACT_COUNT] = {
    [ACCESS_SIGNED_IN] = "signed_in",
    [ACCESS_SIGNED_OUT] = "signed_out",
    [ACCESS_SESSION_LAPSED] = "session_lapsed",
    [ACCESS_LOCKED_OUT] = "locked_out",
    [ACCESS_PIN_CHANGED] = "pin_changed",
    [ACCESS_STAFF_ADDED] = "staff_added",
    [ACCESS_STAFF_REMOVED] = "staff_removed",
    [ACCESS_STAFF_CHANGED] = "staff_changed",
    [ACCESS_ROLE_CHANGED] = "role_changed",
    [ACCESS_TOKEN_ADDED] = "token_added",
    [ACCESS_TOKEN_REMOVED] = "token_removed",
    [ACCESS_RECEIPT_REPRINTED] = "receipt_reprinted",
    [ACCESS_RECEIPT_LET_GO] = "receipt_let_go",
    [ACCESS_SCANNER_BOUND] = "scanner_bound",
    [ACCESS_DIAGNOSTICS_TAKEN] = "diagnostics_taken",
    [ACCESS_REPORT_SIGNED] = "report_signed",
    [ACCESS_REPLAYED] = "replayed",
};

struct act {
    enum access_act act;
    char person[ID_TEXT + 1];
    char lane[LANE_MAX + 1];
    char by[ID_TEXT + 1];
    char of[ID_TEXT + 1];
};

/* Acts on their way. */
struct note {
    struct eventlog_command command;
    struct diag *diag;
    char *copy_path; /* NULL: no copy */
    struct buf before;
    struct buf now;
    size_t count;
    struct act acts[];
};

static void note_free(struct note *note)
{
    buf_free(&note->before);
    buf_free(&note->now);
    free(note->copy_path);
    free(note);
}

static enum err append(const struct act *act, struct eventlog_txn *txn, struct fault *fault)
{
    struct buf data CLEANUP(buf_free);
    buf_init(&data, DATA_MAX_BYTES);
    struct jsonw w = jsonw_to(&data);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "act", act_words[act->act]);
    jsonw_text(&w, "by", act->by);
    if (act->lane[0])
        jsonw_text(&w, "lane", act->lane);
    if (act->of[0])
        jsonw_text(&w, "return_id", act->of);
    jsonw_end(&w);
    char subject[sizeof "person/" + ID_TEXT];
    if (act->person[0])
        (void)snprintf(subject, sizeof subject, "person/%s", act->person);
    else if (act->lane[0])
        (void)snprintf(subject, sizeof subject, "lane/%s", act->lane);
    else
        (void)snprintf(subject, sizeof subject, "appliance");
    struct id_source ids;
    id_source_init(&ids, NULL, NULL);
    struct event event = {
        .type = EVENT_ACCESS_CHANGED,
        .subject = slice_of(subject),
        .correlation = id_next(&ids, eventlog_txn_now(txn).wall_ms),
        .data = buf_slice(&data),
    };
    int64_t seq;
    enum err err = buf_check(&data, fault, "access");
    return err ? err : eventlog_append(txn, &event, &seq, fault);
}

/* Writer thread. */
static enum err decide(void *context, struct eventlog_txn *txn, struct fault *fault)
{
    const struct note *note = context;
    enum err err = ERR_OK;
    for (size_t i = 0; !err && i < note->count; i++)
        err = append(&note->acts[i], txn, fault);
    return err;
}

static enum err replace_copy(const struct note *note, struct fault *fault)
{
    struct buf kept CLEANUP(buf_free);
    buf_init(&kept, COPY_MAX_BYTES);
    enum err err = storage_read(note->copy_path, &kept, fault);
    if (err && err != ERR_NOT_FOUND)
        return err;
    if (!slice_equal(buf_slice(&kept), buf_slice(&note->before)))
        return ERR_OK; /* something earlier isn't in the log */
    return storage_replace(note->copy_path, buf_slice(&note->now), 0600, fault);
}

/* Writer thread. */
static void done(void *context, enum err err, const struct fault *fault)
{
    struct note *note = context;
    struct fault copying;
    if (err)
        diag_fault(note->diag, DIAG_ERROR, "access.not_noted", fault);
    else if (note->copy_path && replace_copy(note, &copying) != ERR_OK)
        diag_fault(note->diag, DIAG_ERROR, "access.not_kept", &copying);
    note_free(note);
}

static void take_act(struct act *act, const struct access *access)
{
    act->act = access->act;
    (void)snprintf(act->person, sizeof act->person, "%s", access->person);
    (void)snprintf(act->lane, sizeof act->lane, "%s", access->lane);
    (void)snprintf(act->by, sizeof act->by, "%s", access->by);
    (void)snprintf(act->of, sizeof act->of, "%s", access->of ? access->of : "");
}

/* NULL on no memory. */
static struct note *note_make(const struct access *acts, size_t count,
                              const struct access_copy *copy)
{
    struct note *note = calloc(1, sizeof *note + count * sizeof *note->acts);
    if (!note)
        return NULL;
    note->count = count;
    for (size_t i = 0; i < count; i++)
        take_act(&note->acts[i], &acts[i]);
    buf_init(&note->before, COPY_MAX_BYTES);
    buf_init(&note->now, COPY_MAX_BYTES);
    if (!copy)
        return note;
    note->copy_path = strdup(copy->path);
    buf_append(&note->before, copy->before.data, copy->before.len);
    buf_append(&note->now, copy->now.data, copy->now.len);
    if (note->copy_path && !note->before.failed && !note->now.failed)
        return note;
    note_free(note);
    return NULL;
}

void access_note(struct eventlog *log, struct diag *diag, const struct access *acts, size_t count,
                 const struct access_copy *copy)
{
    struct note *note = note_make(acts, count, copy);
    if (!note) {
        diag_write(diag, DIAG_ERROR, "access.not_noted", "%s by %s: out of memory",
                   act_words[acts[0].act], acts[0].by);
        return;
    }
    note->diag = diag;
    note->command = (struct eventlog_command){.decide = decide, .done = done, .context = note};
    eventlog_submit(log, &note->command);
}
