#include "sync/hub/fleet/roster.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"
#include "sync/hub/fleet/roster.sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LETTERS = 26, APPLIANCES_MAX = 1000 };

struct roster {
    struct database *db;
    struct database_statements *sql;
};

#define ROSTER_STATE_NAME(upper, lower) #lower,
static const char *const states[] = {ROSTER_STATES(ROSTER_STATE_NAME)};

const char *roster_state_name(enum roster_state state)
{
    return states[state];
}

bool roster_is_closed(enum roster_state state)
{
    return state >= ROSTER_REVOKED;
}

void invitation_init(struct invitation *invitation)
{
    *invitation = (struct invitation){.device = ""};
    buf_init(&invitation->certificate, CERTIFICATE_PEM_MAX);
    buf_init(&invitation->bundle, ENVELOPE_BYTES_MAX);
}

void invitation_free(struct invitation *invitation)
{
    buf_free(&invitation->certificate);
    buf_free(&invitation->bundle);
}

enum err roster_open(struct roster **out, struct database *db, struct fault *fault)
{
    struct roster *roster = calloc(1, sizeof *roster);
    if (!roster)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    roster->db = db;
    enum err err = database_attach(db, roster_sql, ROSTER_COUNT, &roster->sql, fault);
    if (err) {
        free(roster);
        return err;
    }
    *out = roster;
    return ERR_OK;
}

void roster_close(struct roster *roster)
{
    free(roster);
}

/* --- Appliances ------------------------------------------------------------------------------ */

static void copy_column(struct statement *s, int column, char *text, size_t size)
{
    struct slice value = column_slice(s, column);
    (void)snprintf(text, size, "%.*s", (int)value.len, value.data ? value.data : "");
}

static enum err read_device(struct statement *s, struct roster_device *device, struct fault *fault)
{
    char state[16];
    *device = (struct roster_device){.state = ROSTER_STATE_COUNT};
    copy_column(s, 0, device->id, sizeof device->id);
    copy_column(s, 1, device->store, sizeof device->store);
    copy_column(s, 2, device->name, sizeof device->name);
    copy_column(s, 3, state, sizeof state);
    copy_column(s, 4, device->successor, sizeof device->successor);
    copy_column(s, 5, device->reason, sizeof device->reason);
    device->created_ms = column_int(s, 6);
    device->changed_ms = column_int(s, 7);
    device->evicted_ms = column_int(s, 8);
    device->superseded = column_int(s, 9) != 0;
    for (size_t i = 0; i < ROSTER_STATE_COUNT; i++)
        if (strcmp(states[i], state) == 0)
            device->state = (enum roster_state)i;
    return device->state == ROSTER_STATE_COUNT
               ? fault_set(fault, ERR_CORRUPT, device->id, "its state isn't known: %s", state)
               : ERR_OK;
}

enum err roster_find(struct roster *roster, const char *device, struct roster_device *found,
                     struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_attached(roster->sql, ROSTER_FIND, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    err = database_step(roster->db, s, &row, fault);
    if (!err && !row)
        err = fault_set(fault, ERR_NOT_FOUND, device, "no appliance of that id was added");
    if (!err)
        err = read_device(s, found, fault);
    statement_reset(s);
    return err;
}

static enum err each(struct roster *roster, struct statement *s, roster_visit *visit, void *context,
                     struct fault *fault)
{
    struct roster_device device;
    bool row = true;
    enum err err = ERR_OK;
    while (!err && (err = database_step(roster->db, s, &row, fault)) == ERR_OK && row) {
        err = read_device(s, &device, fault);
        if (!err)
            err = visit(context, &device, fault);
    }
    statement_reset(s);
    return err;
}

enum err roster_each(struct roster *roster, const char *store, roster_visit *visit, void *context,
                     struct fault *fault)
{
    struct statement *s;
    enum err err = database_attached(roster->sql, ROSTER_LIST, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, store ? store : "");
    return each(roster, s, visit, context, fault);
}

enum err roster_each_unwelcome(struct roster *roster, roster_visit *visit, void *context,
                               struct fault *fault)
{
    struct statement *s;
    enum err err = database_attached(roster->sql, ROSTER_UNWELCOME, &s, fault);
    return err ? err : each(roster, s, visit, context, fault);
}

enum err roster_next_id(struct roster *roster, const char *store,
                        char id[static CERTIFICATE_NAME_MAX + 1], struct fault *fault)
{
    for (int i = 0; i < APPLIANCES_MAX; i++) {
        char text[CERTIFICATE_NAME_MAX + 1];
        struct roster_device taken;
        int len = i < LETTERS ? snprintf(text, sizeof text, "store-%s-%c", store, 'a' + i)
                              : snprintf(text, sizeof text, "store-%s-%d", store, i + 1);
        if (len < 0 || (size_t)len >= sizeof text)
            return fault_set(fault, ERR_TOO_LARGE, "--store", "is too long for an id");
        enum err err = roster_find(roster, text, &taken, fault);
        if (err == ERR_NOT_FOUND) {
            memcpy(id, text, sizeof text);
            return ERR_OK;
        }
        if (err)
            return err;
    }
    return fault_set(fault, ERR_CONFLICT, "--id",
                     "that store has had %d appliances: give this one an id", APPLIANCES_MAX);
}

enum err roster_add(struct roster *roster, const char *device, const char *store, const char *name,
                    int64_t now_ms, struct fault *fault)
{
    struct statement *s;
    enum err err = database_attached(roster->sql, ROSTER_ADD, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    bind_text(s, 2, store);
    bind_text(s, 3, name);
    bind_int(s, 4, now_ms);
    err = database_run(roster->db, s, fault);
    return err == ERR_CONFLICT ? fault_set(fault, err, device, "there is such an appliance already")
                               : err;
}

enum err roster_set_state(struct roster *roster, const char *device, enum roster_state state,
                          const char *reason, const char *successor, int64_t now_ms,
                          struct fault *fault)
{
    struct statement *s;
    enum err err = database_attached(roster->sql, ROSTER_SET_STATE, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    bind_text(s, 2, states[state]);
    bind_text(s, 3, reason);
    bind_text(s, 4, successor);
    bind_int(s, 5, now_ms);
    return database_run(roster->db, s, fault);
}

enum err roster_set_evicted(struct roster *roster, const char *device, int64_t changed_ms,
                            int64_t now_ms, bool again, struct fault *fault)
{
    struct statement *s;
    enum err err = database_attached(roster->sql, ROSTER_EVICTED, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    bind_int(s, 2, now_ms);
    bind_int(s, 3, changed_ms);
    bind_int(s, 4, again);
    return database_run(roster->db, s, fault);
}

static enum err run_for(struct roster *roster, size_t index, const char *device,
                        struct fault *fault)
{
    struct statement *s;
    enum err err = database_attached(roster->sql, index, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    return database_run(roster->db, s, fault);
}

enum err roster_supersede(struct roster *roster, const char *device, struct fault *fault)
{
    return run_for(roster, ROSTER_SUPERSEDE, device, fault);
}

/* --- Codes ----------------------------------------------------------------------------------- */

enum err roster_withdraw(struct roster *roster, const char *device, struct fault *fault)
{
    return run_for(roster, ROSTER_WITHDRAW, device, fault);
}

enum err roster_invite(struct roster *roster, const char *device, const struct code *code,
                       struct slice bundle, int64_t expires_ms, struct fault *fault)
{
    struct statement *s;
    const struct sha256 hash = code_token_hash(code);
    const struct sha256 seal = code_seal(code, bundle);
    enum err err = roster_withdraw(roster, device, fault);
    if (!err)
        err = database_attached(roster->sql, ROSTER_INVITE, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, hash.bytes, SHA256_BYTES);
    bind_blob(s, 2, code->locator, CODE_LOCATOR_BYTES);
    bind_text(s, 3, device);
    bind_blob(s, 4, bundle.data, bundle.len);
    bind_blob(s, 5, seal.bytes, SHA256_BYTES);
    bind_int(s, 6, expires_ms);
    return database_run(roster->db, s, fault);
}

static enum err read_invitation(struct roster *roster, struct statement *s,
                                struct invitation *found, struct fault *fault)
{
    bool row;
    enum err err = database_step(roster->db, s, &row, fault);
    if (!err && !row)
        err = fault_set(fault, ERR_NOT_FOUND, "code", "no such code is out");
    if (err)
        return err;
    copy_column(s, 0, found->device, sizeof found->device);
    found->expires_ms = column_int(s, 1);
    found->used_ms = column_int(s, 2);
    if (found->used_ms)
        err = column_bytes(s, 3, found->key_hash.bytes, SHA256_BYTES);
    struct slice certificate = column_slice(s, 4);
    struct slice bundle = column_slice(s, 5);
    buf_append(&found->certificate, certificate.data, certificate.len);
    buf_append(&found->bundle, bundle.data, bundle.len);
    if (!err)
        err = column_bytes(s, 6, found->seal.bytes, SHA256_BYTES);
    if (!err)
        err = buf_check(&found->bundle, fault, "bundle");
    statement_reset(s);
    return err;
}

enum err roster_invitation(struct roster *roster, const uint8_t locator[static CODE_LOCATOR_BYTES],
                           struct invitation *found, struct fault *fault)
{
    struct statement *s;
    enum err err = database_attached(roster->sql, ROSTER_BY_LOCATOR, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, locator, CODE_LOCATOR_BYTES);
    return read_invitation(roster, s, found, fault);
}

enum err roster_invitation_of(struct roster *roster, const struct code *code,
                              struct invitation *found, struct fault *fault)
{
    struct statement *s;
    const struct sha256 hash = code_token_hash(code);
    enum err err = database_attached(roster->sql, ROSTER_BY_TOKEN, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, hash.bytes, SHA256_BYTES);
    return read_invitation(roster, s, found, fault);
}

enum err roster_use(struct roster *roster, const struct code *code, const struct sha256 *key_hash,
                    struct slice certificate, int64_t now_ms, struct fault *fault)
{
    struct statement *s;
    const struct sha256 hash = code_token_hash(code);
    enum err err = database_attached(roster->sql, ROSTER_USE, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, hash.bytes, SHA256_BYTES);
    bind_int(s, 2, now_ms);
    bind_blob(s, 3, key_hash->bytes, SHA256_BYTES);
    bind_slice(s, 4, certificate);
    return database_run(roster->db, s, fault);
}

enum err roster_invited_until(struct roster *roster, const char *device, int64_t *until_ms,
                              struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_attached(roster->sql, ROSTER_OPEN_INVITATION, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    err = database_step(roster->db, s, &row, fault);
    if (!err)
        *until_ms = row ? column_int(s, 0) : 0;
    statement_reset(s);
    return err;
}

/* --- What it leaves behind ------------------------------------------------------------------- */

enum err roster_each_log(struct roster *roster, const char *device, roster_visit_log *visit,
                         void *context, struct fault *fault)
{
    struct statement *s;
    bool row = true;
    enum err err = database_attached(roster->sql, ROSTER_LAST_WORDS, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    while ((err = database_step(roster->db, s, &row, fault)) == ERR_OK && row) {
        struct roster_log log = {
            .through = column_int(s, 1), .parked = column_int(s, 2), .held = column_int(s, 3)};
        copy_column(s, 0, log.stream, sizeof log.stream);
        visit(context, &log);
    }
    statement_reset(s);
    return err;
}

static int64_t sum_waiting(struct slice state)
{
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    if (!state.len || json_parse(state, JSON_LIMITS_DEFAULT, &doc, NULL))
        return -1;
    const struct cJSON *waiting = json_member(doc, "waiting");
    if (!waiting)
        return -1;
    return json_member_int(waiting, "returns", 0) + json_member_int(waiting, "sales", 0);
}

/* The last state that it told, in column 0: to be reset by the caller, unless it fails. */
static enum err find_told(struct roster *roster, const char *device, struct statement **s,
                          bool *row, struct fault *fault)
{
    enum err err = database_attached(roster->sql, ROSTER_TOLD_WAITING, s, fault);
    if (err)
        return err;
    bind_text(*s, 1, device);
    return database_step(roster->db, *s, row, fault);
}

enum err roster_told_waiting(struct roster *roster, const char *device, int64_t *waiting,
                             int64_t *heard_ms, struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = find_told(roster, device, &s, &row, fault);
    if (err)
        return err;
    *waiting = row ? sum_waiting(column_slice(s, 0)) : -1;
    *heard_ms = row ? column_int(s, 1) : 0;
    statement_reset(s);
    return ERR_OK;
}

enum err roster_software(struct roster *roster, const char *device, struct software *software,
                         struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = find_told(roster, device, &s, &row, fault);
    if (err)
        return err;
    software_read(row ? column_slice(s, 0) : (struct slice){"", 0}, software);
    statement_reset(s);
    return ERR_OK;
}
