#include "agent/service/updater.h"
#include "agent/service/last_words.h"
#include "agent/service/update_fetch.h"
#include "hal/base/cleanup.h"
#include "hal/storage.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    TRIES_MAX = 3,
    RETRY_MS = 30000,
    RETRY_MOST_MS = 15 * 60 * 1000,
    LAST_WORDS_MAX = 6000, /* of a rollback, in what the hub is told; all are in the diagnostics */
    LOOK_MS = 5000,
};

struct updater {
    struct updater_config config;
    char record_path[PATH_MAX];
    char part[PATH_MAX];   /* a bundle that is not whole */
    char bundle[PATH_MAX]; /* one that is, and has the right hash */
    struct update_record record;
    struct installer_answer last;        /* what the installer said last */
    bool heard;                          /* it has said something */
    char last_words[LAST_WORDS_MAX + 1]; /* of the version that was rolled back */
    bool has_next;                       /* wanted once what is being installed has ended */
    struct release next;
    struct worker *worker;
    struct update_fetch *fetch; /* under way */
    struct installer *question;
    struct loop_timer *timer;
    int64_t due_ms;   /* of the loop: not before, the next try */
    int64_t retry_ms; /* how long after the next that breaks */
};

/* --- What is known --------------------------------------------------------------------------- */

/* The image's, where there is one; it is made with the program's own. */
static const char *version_of(const struct updater *u)
{
    return u->heard && u->last.running[0] ? u->last.running : u->config.running;
}

static void changed(struct updater *u)
{
    if (u->config.changed)
        u->config.changed(u->config.context);
}

/* A record that can't be written is what a later start would not know: the step is not taken. */
static bool note(struct updater *u, enum update_state state, const char *reason)
{
    struct fault fault;
    struct update_record next = u->record;
    next.state = state;
    (void)snprintf(next.reason, sizeof next.reason, "%s", reason);
    if (update_record_write(u->record_path, &next, &fault) != ERR_OK) {
        diag_fault(u->config.diag, DIAG_ERROR, "update.not_noted", &fault);
        return false;
    }
    bool moved = state != u->record.state || strcmp(reason, u->record.reason) != 0;
    u->record = next;
    if (moved) {
        diag_write(u->config.diag, update_state_ended(state) ? DIAG_WARN : DIAG_INFO,
                   "update.state", "%s: %s%s%s", next.release.version, update_state_name(state),
                   *reason ? ": " : "", reason);
        changed(u);
    }
    return true;
}

static void forget_files(struct updater *u)
{
    struct fault fault;
    if (storage_remove(u->part, &fault) != ERR_OK || storage_remove(u->bundle, &fault) != ERR_OK)
        diag_fault(u->config.diag, DIAG_WARN, "update.file_left", &fault);
}

static void end(struct updater *u, enum update_state state, const char *reason)
{
    if (!note(u, state, reason))
        return; /* it comes here again */
    forget_files(u);
    if (u->has_next) {
        u->has_next = false;
        updater_want(u, &u->next);
    }
}

static void later(struct updater *u, int64_t ms)
{
    u->due_ms = loop_now_ms(u->config.loop) + ms;
}

/* --- Fetching -------------------------------------------------------------------------------- */

static void try_again(struct updater *u, const char *reason)
{
    (void)note(u, UPDATE_DOWNLOADING, reason);
    later(u, u->retry_ms);
    u->retry_ms = u->retry_ms * 2 < RETRY_MOST_MS ? u->retry_ms * 2 : RETRY_MOST_MS;
}

/* Begun anew: the beginning may be another file's; and returns need the room. */
static void drop_part(struct updater *u, enum err err)
{
    struct fault fault;
    if ((err == ERR_CONFLICT || err == ERR_TOO_LARGE || err == ERR_DISK_FULL) &&
        storage_remove(u->part, &fault) != ERR_OK)
        diag_fault(u->config.diag, DIAG_WARN, "update.file_left", &fault);
}

static void on_fetched(void *context, enum err err, const struct fault *fault)
{
    struct updater *u = context;
    char why[UPDATE_REASON_MAX + 1];
    u->fetch = NULL;
    if (!err) {
        u->retry_ms = u->config.retry_ms;
        u->record.tries = 0;
        (void)note(u, UPDATE_WAITING, "");
        return;
    }
    (void)snprintf(why, sizeof why, "%.120s: %.170s", fault->where, fault->text);
    drop_part(u, err);
    /* Another hash may be damage on the way: the file is fetched anew, once or twice. */
    if (err == ERR_CONFLICT ? ++u->record.tries < TRIES_MAX : err_class(err) == ERR_CLASS_RETRY)
        try_again(u, why);
    else
        end(u, UPDATE_FAILED, why);
}

static void begin_fetch(struct updater *u)
{
    struct fault fault;
    const struct update_fetch_order order = {.release = &u->record.release,
                                             .part = u->part,
                                             .bundle = u->bundle,
                                             .ca_file = u->config.ca_file};
    if (update_fetch_begin(&u->fetch, u->worker, &order, on_fetched, u, &fault) != ERR_OK)
        diag_fault(u->config.diag, DIAG_WARN, "update.not_fetched", &fault);
}

static void stop_fetch(struct updater *u)
{
    update_fetch_stop(u->fetch);
    u->fetch = NULL;
}

/* --- Installing ------------------------------------------------------------------------------ */

/* It was handed over, and nothing came of it. */
static void interrupted(struct updater *u, const char *reason)
{
    if (u->record.tries >= TRIES_MAX)
        end(u, UPDATE_FAILED, reason);
    else
        (void)note(u, UPDATE_WAITING, reason);
}

static void judge(struct updater *u, const struct installer_answer *answer)
{
    bool ours = strcmp(answer->version, u->record.release.version) == 0;
    if (u->record.state != UPDATE_INSTALLING)
        return;
    if (answer->result == INSTALLER_INSTALLING || answer->result == INSTALLER_RESTARTING)
        return; /* it is at it */
    if (strcmp(answer->running, u->record.release.version) == 0) {
        if (answer->result != INSTALLER_TRIAL)
            end(u, UPDATE_INSTALLED, "");
    } else if (ours && answer->result == INSTALLER_REFUSED) {
        end(u, UPDATE_REFUSED, answer->reason);
    } else if (ours && answer->result == INSTALLER_ROLLED_BACK) {
        end(u, UPDATE_ROLLED_BACK, answer->reason);
    } else {
        interrupted(u, ours && answer->reason[0] ? answer->reason
                                                 : "the appliance stopped before it was installed");
    }
}

static void read_last_words(struct updater *u)
{
    struct buf words CLEANUP(buf_free);
    struct slice end = {"", 0};
    buf_init(&words, LAST_WORDS_BYTES_MAX);
    if (u->config.kept && u->last.result == INSTALLER_ROLLED_BACK) {
        last_words_read(u->config.kept, LAST_WORDS_OF_A_ROLLBACK, &words);
        end = last_words_end(buf_slice(&words), LAST_WORDS_MAX);
    }
    (void)snprintf(u->last_words, sizeof u->last_words, "%.*s", (int)end.len, end.data);
}

static void on_answer(void *context, const struct installer_answer *answer,
                      const struct fault *fault)
{
    struct updater *u = context;
    u->question = NULL;
    later(u, u->config.look_ms);
    if (!answer) {
        diag_fault(u->config.diag, DIAG_WARN, "update.installer_silent", fault);
        return; /* asked for its status at the next look */
    }
    bool news = !u->heard || strcmp(answer->slot, u->last.slot) != 0 ||
                answer->result != u->last.result || strcmp(answer->version, u->last.version) != 0;
    u->last = *answer;
    u->heard = true;
    if (news)
        read_last_words(u);
    judge(u, answer);
    if (news)
        changed(u);
}

static void ask(struct updater *u, bool install)
{
    struct fault fault;
    enum err err = installer_ask(&u->question, u->config.loop, u->config.installer,
                                 install ? u->bundle : NULL, on_answer, u, &fault);
    if (!err)
        return;
    u->question = NULL;
    later(u, u->config.look_ms);
    if (install)
        (void)note(u, UPDATE_WAITING, fault.text);
}

static void hand_over(struct updater *u)
{
    const struct clock_reading now = clock_read(u->config.clock);
    const struct release_window *window = &u->record.release.window;
    bool always = window->from_minute == window->to_minute;
    if (!always && !now.trusted) {
        (void)note(u, UPDATE_WAITING, "what time it is isn't known for certain yet");
        return;
    }
    if (!release_window_open(window, now.wall_ms)) {
        (void)note(u, UPDATE_WAITING, "its maintenance window isn't open");
        return;
    }
    u->record.tries++;
    if (note(u, UPDATE_INSTALLING, ""))
        ask(u, true);
}

/* --- Looking --------------------------------------------------------------------------------- */

static void look(void *context)
{
    struct updater *u = context;
    if (u->fetch || u->question || loop_now_ms(u->config.loop) < u->due_ms)
        return;
    switch (u->record.state) {
    case UPDATE_DOWNLOADING:
        begin_fetch(u);
        break;
    case UPDATE_WAITING:
        hand_over(u);
        break;
    case UPDATE_INSTALLING:
        ask(u, false);
        break;
    default:
        /* What the installer knows from before; and whether what runs is still on trial. */
        if (u->config.installer && (!u->heard || u->last.result == INSTALLER_TRIAL))
            ask(u, false);
    }
}

/* --- Wishes ---------------------------------------------------------------------------------- */

static enum err check_wish(const struct updater *u, const struct release *release,
                           struct fault *fault)
{
    const char *running = version_of(u);
    if (!u->config.installer || access(u->config.installer, F_OK) != 0)
        return fault_set(fault, ERR_UNSUPPORTED, "update",
                         "this machine has no installer for updates (update.installer)");
    if (strcmp(release->version, running) == 0)
        return fault_set(fault, ERR_CONFLICT, "version", "%s runs already", running);
    if (u->record.state == UPDATE_INSTALLING)
        return fault_set(fault, ERR_BUSY, "update", "%s is being installed",
                         u->record.release.version);
    return ERR_OK;
}

/* Under way already: its window, address or rate may be another now. */
static bool is_under_way(const struct updater *u, const struct release *release)
{
    return !update_state_ended(u->record.state) && release_equal(release, &u->record.release);
}

static enum err begin(struct updater *u, const struct update_record *record, struct fault *fault)
{
    enum err err = update_record_write(u->record_path, record, fault);
    if (err)
        return err;
    u->record = *record;
    u->due_ms = 0;
    u->retry_ms = u->config.retry_ms;
    diag_write(u->config.diag, DIAG_INFO, "update.wanted", "%s", record->release.version);
    changed(u);
    loop_timer_start(u->timer, 0, u->config.look_ms);
    return ERR_OK;
}

static enum err begin_anew(struct updater *u, const struct update_record *record,
                           struct fault *fault)
{
    stop_fetch(u);
    forget_files(u);
    return begin(u, record, fault);
}

static enum err go_on(struct updater *u, const struct release *release, bool pushed,
                      struct fault *fault)
{
    struct update_record record = u->record;
    record.release = *release;
    record.pushed = pushed;
    return begin(u, &record, fault);
}

enum err updater_order(struct updater *u, const struct release *release, struct fault *fault)
{
    const struct update_record record = {.release = *release, .state = UPDATE_DOWNLOADING};
    if (is_under_way(u, release))
        return go_on(u, release, false, fault);
    enum err err = check_wish(u, release, fault);
    return err ? err : begin_anew(u, &record, fault);
}

static void leave_off(struct updater *u)
{
    bool begun = u->record.state == UPDATE_DOWNLOADING || u->record.state == UPDATE_WAITING;
    u->has_next = false;
    if (!u->record.pushed || !begun)
        return;
    stop_fetch(u);
    end(u, UPDATE_FAILED, "the hub doesn't want it any more");
}

void updater_want(struct updater *u, const struct release *release)
{
    struct fault fault;
    struct update_record record = {.state = UPDATE_DOWNLOADING, .pushed = true};
    enum err err = ERR_OK;
    if (!release) {
        leave_off(u);
        return;
    }
    record.release = *release;
    if (is_under_way(u, release)) {
        err = go_on(u, release, true, &fault);
    } else if (u->record.state == UPDATE_NONE || !release_equal(release, &u->record.release)) {
        err = check_wish(u, release, &fault);
        if (err == ERR_CONFLICT)
            return;
        if (err == ERR_BUSY) {
            u->next = *release;
            u->has_next = true;
            return;
        }
        if (err == ERR_UNSUPPORTED) {
            record.state = UPDATE_FAILED;
            (void)snprintf(record.reason, sizeof record.reason, "%.290s", fault.text);
        }
        err = begin_anew(u, &record, &fault);
    }
    if (err)
        diag_fault(u->config.diag, DIAG_ERROR, "update.not_begun", &fault);
}

/* --- Telling --------------------------------------------------------------------------------- */

static void describe_last(const struct updater *u, struct jsonw *w)
{
    const struct installer_answer *last = &u->last;
    jsonw_text(w, "slot", last->slot);
    if (last->result == INSTALLER_NONE)
        return;
    jsonw_object(w, "last");
    jsonw_text(w, "version", last->version);
    jsonw_text(w, "result", installer_result_name(last->result));
    if (last->reason[0])
        jsonw_text(w, "reason", last->reason);
    if (u->last_words[0])
        jsonw_text(w, "last_words", u->last_words);
    jsonw_end(w);
}

bool updater_is_installing(const struct updater *u)
{
    return u->record.state == UPDATE_INSTALLING;
}

void updater_describe(const struct updater *u, struct jsonw *w)
{
    const struct update_record *record = &u->record;
    struct stat there;
    jsonw_object(w, "software");
    jsonw_text(w, "version", version_of(u));
    if (u->heard)
        describe_last(u, w);
    if (record->state != UPDATE_NONE) {
        jsonw_object(w, "update");
        jsonw_text(w, "version", record->release.version);
        jsonw_text(w, "state", update_state_name(record->state));
        if (record->reason[0])
            jsonw_text(w, "reason", record->reason);
        if (record->state == UPDATE_DOWNLOADING)
            jsonw_int(w, "bytes", stat(u->part, &there) == 0 ? there.st_size : 0);
        jsonw_end(w);
    }
    jsonw_end(w);
}

/* --- Open and close -------------------------------------------------------------------------- */

static enum err make_paths(struct updater *u, struct fault *fault)
{
    char folder[PATH_MAX];
    if (storage_path(folder, sizeof folder, u->config.folder, "update") != ERR_OK ||
        storage_path(u->record_path, sizeof u->record_path, folder, "update.json") != ERR_OK ||
        storage_path(u->part, sizeof u->part, folder, "bundle.part") != ERR_OK ||
        storage_path(u->bundle, sizeof u->bundle, folder, "bundle.raucb") != ERR_OK)
        return fault_set(fault, ERR_TOO_LARGE, u->config.folder, "the path is too long");
    return storage_make_folder(folder, fault);
}

/* A record that can't be read says nothing: it is put aside by the next that is wanted. */
static void read_record(struct updater *u)
{
    struct fault fault;
    if (update_record_read(u->record_path, &u->record, &fault) == ERR_OK)
        return;
    u->record = (struct update_record){.state = UPDATE_NONE};
    diag_fault(u->config.diag, DIAG_ERROR, "update.record_unreadable", &fault);
}

enum err updater_open(struct updater **out, const struct updater_config *config,
                      struct fault *fault)
{
    struct updater *u = calloc(1, sizeof *u);
    if (!u)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    u->config = *config;
    if (!u->config.retry_ms)
        u->config.retry_ms = RETRY_MS;
    if (!u->config.look_ms)
        u->config.look_ms = LOOK_MS;
    u->retry_ms = u->config.retry_ms;
    enum err err = make_paths(u, fault);
    if (!err)
        err = worker_open(&u->worker, config->loop, fault);
    if (!err && !(u->timer = loop_timer_open(config->loop, look, u)))
        err = fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    if (err) {
        updater_close(u);
        return err;
    }
    read_record(u);
    loop_timer_start(u->timer, 0, u->config.look_ms);
    *out = u;
    return ERR_OK;
}

void updater_close(struct updater *u)
{
    if (!u)
        return;
    stop_fetch(u);
    loop_timer_close(u->timer);
    installer_close(u->question);
    worker_close(u->worker);
    free(u);
}
