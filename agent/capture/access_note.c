#include "agent/capture/access_note.h"
#include "hal/base/cleanup.h"
#include "hal/base/id.h"
#include "hal/base/jsonw.h"

#include <stdio.h>
#include <stdlib.h>

enum { LANE_MAX = 16, DATA_MAX_BYTES = 512 };

static const char *const act_words[ACCESS_ACT_COUNT] = {
    "signed_in",    "locked_out",  "pin_changed",   "staff_added",      "staff_removed",
    "role_changed", "token_added", "token_removed", "receipt_reprinted"};

/* One event on its way. */
struct note {
    struct eventlog_command command;
    struct diag *diag;
    enum access_act act;
    char person[ID_TEXT + 1];
    char lane[LANE_MAX + 1];
    char by[ID_TEXT + 1];
    char of[ID_TEXT + 1];
};

/* Writer thread. */
static enum err decide(void *context, struct eventlog_txn *txn, struct fault *fault)
{
    const struct note *note = context;
    struct buf data CLEANUP(buf_free);
    buf_init(&data, DATA_MAX_BYTES);
    struct jsonw w = jsonw_to(&data);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "act", act_words[note->act]);
    jsonw_text(&w, "by", note->by);
    if (note->lane[0])
        jsonw_text(&w, "lane", note->lane);
    if (note->of[0])
        jsonw_text(&w, "return_id", note->of);
    jsonw_end(&w);
    char subject[sizeof "person/" + ID_TEXT];
    if (note->person[0])
        (void)snprintf(subject, sizeof subject, "person/%s", note->person);
    else if (note->lane[0])
        (void)snprintf(subject, sizeof subject, "lane/%s", note->lane);
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

static void done(void *context, enum err err, const struct fault *fault)
{
    struct note *note = context;
    if (err)
        diag_fault(note->diag, DIAG_ERROR, "access.not_noted", fault);
    free(note);
}

void access_note(struct eventlog *log, struct diag *diag, const struct access *access)
{
    struct note *note = calloc(1, sizeof *note);
    if (!note) {
        diag_write(diag, DIAG_ERROR, "access.not_noted", "%s by %s: out of memory",
                   act_words[access->act], access->by);
        return;
    }
    *note = (struct note){.diag = diag, .act = access->act};
    (void)snprintf(note->person, sizeof note->person, "%s", access->person);
    (void)snprintf(note->lane, sizeof note->lane, "%s", access->lane);
    (void)snprintf(note->by, sizeof note->by, "%s", access->by);
    (void)snprintf(note->of, sizeof note->of, "%s", access->of ? access->of : "");
    note->command = (struct eventlog_command){.decide = decide, .done = done, .context = note};
    eventlog_submit(log, &note->command);
}
