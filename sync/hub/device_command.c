#include "sync/hub/device_command.h"
#include "hal/base/cleanup.h"
#include "hal/storage.h"
#include "sync/hub/device_invitation.h"
#include "sync/hub/device_report.h"
#include "sync/hub/device_ticket.h"
#include "sync/hub/device_words.h"
#include "sync/hub/fleet/desired.h"
#include "sync/hub/fleet/registrar.h"
#include "sync/hub/ingest/access.h"
#include "sync/hub/ingest/restore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONFIG_MAX = BUNDLE_CONFIG_MAX, TEXT_MAX = 1024 };

struct desk {
    const struct hubdb_config *config;
    const struct settings *settings;
    struct database *db;
    struct roster *roster;
    int64_t now_ms;
};

typedef enum err command(struct desk *desk, const struct device_words *words, struct fault *fault);

static enum err note(struct desk *desk, const char *action, const char *subject, const char *reason,
                     struct fault *fault)
{
    const struct access_holder technician = {.name = "command line", .role = ACCESS_IT};
    const struct access_act act = {.holder = &technician,
                                   .action = action,
                                   .subject = subject,
                                   .reason = reason ? reason : "",
                                   .now_ms = desk->now_ms};
    return access_note(desk->db, &act, fault);
}

static enum err need(const char *text, const char *what, const char *why, struct fault *fault)
{
    return text && *text ? ERR_OK : fault_set(fault, ERR_INVALID, what, "%s", why);
}

static enum err need_reason(const struct device_words *words, struct fault *fault)
{
    if (!words->reason || strlen(words->reason) < 3 || strlen(words->reason) > ROSTER_REASON_MAX)
        return fault_set(fault, ERR_INVALID, "--reason", "must say why, in 3 to %d bytes",
                         ROSTER_REASON_MAX);
    return ERR_OK;
}

/* --- Inviting -------------------------------------------------------------------------------- */

/* "a, b" of a setting as a list; the texts are in `copy`. */
static size_t split(char *copy, const char **list, size_t max)
{
    size_t count = 0;
    char *rest = NULL;
    for (char *word = strtok_r(copy, ", ", &rest); word && count < max;
         word = strtok_r(NULL, ", ", &rest))
        list[count++] = word;
    return count;
}

/*
 * What has been rolled out to the end over the appliance, as its first configuration; none is fine,
 * and one that is too large comes after the enrolment, like any later one.
 */
static enum err make_first_config(struct desk *desk, const struct roster_device *device,
                                  struct buf *out, struct fault *fault)
{
    struct desired *desired CLEANUP(desired_cleanup) = NULL;
    struct signer signer CLEANUP(signer_close) = {.key = NULL};
    struct desired_document document = {.version = 0};
    struct desired_order order = {.device = device->id, .now_ms = desk->now_ms};
    enum err err = desired_open(&desired, desk->db, fault);
    if (!err)
        err = desired_released(desired, device->id, &order.change_no, fault);
    if (err || !order.change_no)
        return err;
    err = signer_open(&signer, desk->config->folder, desk->now_ms, fault);
    if (!err)
        err = desired_make(desired, &order, &signer, &document, fault);
    if (!err && document.envelope.len <= CONFIG_MAX)
        buf_append(out, document.envelope.data, document.envelope.len);
    desired_document_free(&document);
    return err ? err : buf_check(out, fault, "config");
}

/* Inside a transaction; ends it, and tells the code when it is on the disk. */
static enum err invite(struct desk *desk, const struct roster_device *device,
                       const struct device_words *words, struct fault *fault)
{
    struct authorities *authorities CLEANUP(authorities_cleanup) = NULL;
    struct buf bundle CLEANUP(buf_free);
    struct buf config CLEANUP(buf_free);
    char names[TEXT_MAX] = "";
    const char *servers[BUNDLE_TIME_SERVERS_MAX];
    const char *given = settings_text(desk->settings, "public.time_servers");
    struct code code;
    buf_init(&bundle, ENVELOPE_BYTES_MAX);
    buf_init(&config, CONFIG_MAX);
    if (given)
        (void)snprintf(names, sizeof names, "%s", given);
    struct invite_order order = {
        .state = desk->config->folder,
        .device = device,
        .hub_url = settings_text(desk->settings, "public.hub_url"),
        .broker_url = settings_text(desk->settings, "public.broker_url"),
        .enrol_url = settings_text(desk->settings, "public.enrol_url"),
        .time_servers = servers,
        .time_server_count = split(names, servers, BUNDLE_TIME_SERVERS_MAX),
        .now_ms = desk->now_ms,
        .days = words->days ? words->days : settings_int(desk->settings, "enrol.code_days"),
    };
    if (!order.broker_url)
        order.broker_url = settings_text(desk->settings, "broker.url");
    enum err err = make_first_config(desk, device, &config, fault);
    if (!err && config.len)
        order.config = config.data;
    if (!err)
        err = authorities_open(&authorities, desk->config->folder, fault);
    if (!err)
        err = invite_make(desk->roster, authorities, &order, &bundle, &code, fault);
    if (!err && words->out)
        err = storage_replace(words->out, buf_slice(&bundle), 0600, fault);
    if (!err)
        err = database_commit(desk->db, fault);
    return err ? err : device_invitation_tell(&order, &code, words, desk->now_ms, fault);
}

static enum err enter(struct desk *desk, const char *store, const struct device_words *words,
                      struct roster_device *device, struct fault *fault)
{
    char id[CERTIFICATE_NAME_MAX + 1];
    const char *name = words->name ? words->name : "";
    enum err err = device_id_check(slice_of(store), fault);
    if (err)
        return fault_set(fault, ERR_INVALID, "--store", "must be 1 to 64 of A-Z a-z 0-9 . _ -");
    if (strlen(name) > ROSTER_NAME_MAX)
        return fault_set(fault, ERR_INVALID, "--name", "at most %d bytes", ROSTER_NAME_MAX);
    if (words->id)
        err = device_id_check(slice_of(words->id), fault);
    else
        err = roster_next_id(desk->roster, store, id, fault);
    if (!err)
        err =
            roster_add(desk->roster, words->id ? words->id : id, store, name, desk->now_ms, fault);
    return err ? err : roster_find(desk->roster, words->id ? words->id : id, device, fault);
}

static enum err add(struct desk *desk, const struct device_words *words, struct fault *fault)
{
    struct roster_device device;
    enum err err = need(words->store, "--store", "is missing", fault);
    if (!err)
        err = need(words->name, "--name", "must say which appliance this is, for people", fault);
    if (!err)
        err = enter(desk, words->store, words, &device, fault);
    if (!err)
        err = note(desk, "device.add", device.id, words->name, fault);
    return err ? err : invite(desk, &device, words, fault);
}

static enum err find(struct desk *desk, const struct device_words *words,
                     struct roster_device *device, struct fault *fault)
{
    enum err err = need(words->subject, "device", "needs an appliance's id", fault);
    return err ? err : roster_find(desk->roster, words->subject, device, fault);
}

static enum err invite_again(struct desk *desk, const struct device_words *words,
                             struct fault *fault)
{
    struct roster_device device;
    enum err err = find(desk, words, &device, fault);
    if (!err && roster_is_closed(device.state))
        err = fault_set(fault, ERR_REFUSED, device.id, "it is %s: add another",
                        roster_state_name(device.state));
    if (!err)
        err = note(desk, "device.invite", device.id, words->reason, fault);
    return err ? err : invite(desk, &device, words, fault);
}

/* --- Closing --------------------------------------------------------------------------------- */

static enum err close_device(struct desk *desk, const struct roster_device *device,
                             enum roster_state state, enum crl_reason why, const char *reason,
                             const char *successor, struct fault *fault)
{
    struct authorities *authorities CLEANUP(authorities_cleanup) = NULL;
    size_t count;
    int64_t next_ms;
    if (roster_is_closed(device->state))
        return fault_set(fault, ERR_CONFLICT, device->id, "it is %s already",
                         roster_state_name(device->state));
    enum err err = authorities_open(&authorities, desk->config->folder, fault);
    if (!err)
        err = roster_withdraw(desk->roster, device->id, fault);
    if (!err)
        err = roster_set_state(desk->roster, device->id, state, reason, successor, desk->now_ms,
                               fault);
    if (!err)
        err = authorities_revoke(authorities, device->id, why, desk->now_ms, &count, fault);
    return err ? err : authorities_publish(authorities, desk->now_ms, true, &next_ms, fault);
}

static enum err revoke(struct desk *desk, const struct device_words *words, struct fault *fault)
{
    struct roster_device device;
    enum err err = find(desk, words, &device, fault);
    if (!err)
        err = need_reason(words, fault);
    if (!err)
        err = close_device(desk, &device, ROSTER_REVOKED, CRL_KEY_COMPROMISE, words->reason, NULL,
                           fault);
    if (!err)
        err = note(desk, "device.revoke", device.id, words->reason, fault);
    if (!err)
        err = database_commit(desk->db, fault);
    if (!err && !words->json)
        (void)printf("%s is revoked. A running hub reloads its brokers and ends its connection "
                     "within seconds.\n",
                     device.id);
    return err;
}

/* One that was revoked is closed already; it may have a successor all the same. */
static enum err give_way(struct desk *desk, const struct roster_device *old, const char *successor,
                         const char *reason, struct fault *fault)
{
    if (*old->successor)
        return fault_set(fault, ERR_CONFLICT, old->id, "%s came in its place already",
                         old->successor);
    if (old->state == ROSTER_REVOKED)
        return roster_set_state(desk->roster, old->id, ROSTER_REVOKED, old->reason, successor,
                                desk->now_ms, fault);
    return close_device(desk, old, ROSTER_REPLACED, CRL_SUPERSEDED, reason, successor, fault);
}

static enum err inherit(struct desk *desk, const char *device, const char *of, struct fault *fault)
{
    struct desired *desired CLEANUP(desired_cleanup) = NULL;
    enum err err = restore_allow(desk->db, device, of, fault);
    if (!err)
        err = restore_inherit(desk->db, device, of, fault);
    if (!err)
        err = desired_open(&desired, desk->db, fault);
    return err ? err : desired_inherit(desired, device, of, fault);
}

static enum err replace(struct desk *desk, const struct device_words *words, struct fault *fault)
{
    struct roster_device old;
    struct roster_device device;
    struct device_words named = *words;
    enum err err = find(desk, words, &old, fault);
    if (!err)
        err = need_reason(words, fault);
    if (err)
        return err;
    if (!named.name)
        named.name = old.name;
    err = enter(desk, old.store, &named, &device, fault);
    if (!err)
        err = give_way(desk, &old, device.id, words->reason, fault);
    if (!err)
        err = inherit(desk, device.id, old.id, fault);
    if (!err)
        err = note(desk, "device.replace", old.id, words->reason, fault);
    if (!err && !words->json)
        err = device_report_farewell(desk->roster, &old, device.id, fault);
    return err ? err : invite(desk, &device, words, fault);
}

static enum err retire(struct desk *desk, const struct device_words *words, struct fault *fault)
{
    struct roster_device device;
    int64_t waiting;
    int64_t heard_ms;
    enum err err = find(desk, words, &device, fault);
    if (!err)
        err = roster_told_waiting(desk->roster, device.id, &waiting, &heard_ms, fault);
    if (!err && waiting > 0 && !words->force)
        err = fault_set(fault, ERR_REFUSED, device.id,
                        "it said that %lld events wait: connect it once more, or give --force "
                        "and --reason",
                        (long long)waiting);
    if (!err && words->force)
        err = need_reason(words, fault);
    if (!err)
        err = close_device(desk, &device, ROSTER_RETIRED, CRL_CESSATION_OF_OPERATION,
                           words->reason ? words->reason : "", NULL, fault);
    if (!err)
        err = note(desk, "device.retire", device.id, words->reason, fault);
    if (!err)
        err = database_commit(desk->db, fault);
    if (!err && !words->json)
        (void)printf("%s is retired. Empty it with: tillback --state DIR wipe\n", device.id);
    return err;
}

/* --- Letting somebody in ---------------------------------------------------------------------- */

/* Noted before it is made: a ticket that nobody knows of must not be. */
static enum err ticket(struct desk *desk, const struct device_words *words, struct fault *fault)
{
    struct roster_device device;
    enum err err = find(desk, words, &device, fault);
    if (!err)
        err = need_reason(words, fault);
    if (!err)
        err = note(desk, "device.ticket", device.id, words->reason, fault);
    if (!err)
        err = device_ticket_make(desk->config->folder, &device, words, desk->now_ms, fault);
    return err ? err : database_commit(desk->db, fault);
}

/* --- Looking --------------------------------------------------------------------------------- */

static enum err list(struct desk *desk, const struct device_words *words, struct fault *fault)
{
    return device_report_list(desk->roster, words->store, words->json, desk->now_ms, fault);
}

static enum err show(struct desk *desk, const struct device_words *words, struct fault *fault)
{
    struct roster_device device;
    enum err err = find(desk, words, &device, fault);
    return err ? err
               : device_report_show(desk->roster, &device, desk->config->folder, words->json,
                                    fault);
}

/* --- Requests that were carried here ---------------------------------------------------------- */

static enum err answer(struct desk *desk, struct slice request, struct buf *out,
                       struct fault *fault)
{
    struct registrar *registrar = NULL;
    struct arena arena CLEANUP(arena_free);
    struct enrol_ask ask;
    enum err refused = ERR_OK;
    const struct registrar_rules rules = {
        .certificate_days = settings_int(desk->settings, "enrol.certificate_days"),
        .late_days = settings_int(desk->settings, "enrol.late_days"),
    };
    arena_init(&arena, (size_t)2 * ENROL_ASK_MAX);
    enum err err = enrol_ask_read(request, &arena, &ask, fault);
    if (!err)
        err = registrar_open(&registrar, desk->db, desk->config->folder, &rules, fault);
    if (!err)
        err = registrar_answer(registrar, &ask, NULL, desk->now_ms, out, &refused, fault);
    if (!err && refused) {
        struct enrol_answer said;
        err = enrol_answer_read(buf_slice(out), &arena, &said, fault);
        if (!err)
            err = fault_set(fault, refused, "request", "%s", said.detail);
    }
    registrar_close(registrar);
    return err;
}

static enum err sign(struct desk *desk, const struct device_words *words, struct fault *fault)
{
    struct buf request CLEANUP(buf_free);
    struct buf out CLEANUP(buf_free);
    buf_init(&request, ENROL_ASK_MAX);
    buf_init(&out, ENROL_ANSWER_MAX);
    enum err err = need(words->subject, "device sign", "needs the file of a request", fault);
    if (!err)
        err = storage_read(words->subject, &request, fault);
    if (!err && (err = answer(desk, buf_slice(&request), &out, fault)) != ERR_OK)
        fault_in_file(fault, words->subject);
    if (!err)
        err = note(desk, "device.sign", words->subject, NULL, fault);
    if (!err)
        err = database_commit(desk->db, fault);
    if (!err && words->out)
        err = storage_replace(words->out, buf_slice(&out), 0644, fault);
    else if (!err)
        (void)printf("%s\n", out.data);
    if (!err && words->out)
        (void)printf("Carry %s back: tillback --state DIR cert import FILE\n", words->out);
    return err;
}

/* --- The command ----------------------------------------------------------------------------- */

static const struct {
    const char *name;
    command *run;
    const char *takes;
} commands[] = {
    {"add", add, "store name id days out"},
    {"invite", invite_again, "days out reason"},
    {"replace", replace, "reason name id days out"},
    {"revoke", revoke, "reason"},
    {"retire", retire, "reason force"},
    {"list", list, "store"},
    {"show", show, ""},
    {"sign", sign, "out"},
    {"ticket", ticket, "name reason action hours out"},
};

/* Without a running hub the database may have to be made first, or brought to this version. */
static enum err open_database(const struct hubdb_config *config, bool may_make, int *lock,
                              struct hubdb **hub, struct fault *fault)
{
    enum err err = storage_lock(config->folder, lock, fault);
    if (err == ERR_LOCKED) {
        *lock = -1;
        return hubdb_open_beside(hub, config, false, fault);
    }
    return err ? err : hubdb_open_resting(hub, config, may_make, fault);
}

static enum err run_on(const struct hubdb_config *config, const struct settings *settings,
                       struct hubdb *hub, command *run, const struct device_words *words,
                       struct fault *fault)
{
    struct desk desk = {.config = config,
                        .settings = settings,
                        .db = hubdb_database(hub),
                        .now_ms = config->now_ms};
    enum err err = roster_open(&desk.roster, desk.db, fault);
    if (!err)
        err = database_begin(desk.db, fault);
    if (!err)
        err = run(&desk, words, fault);
    database_rollback(desk.db);
    roster_close(desk.roster);
    return err;
}

enum err device_run(const struct hubdb_config *config, const struct settings *settings, int count,
                    char *const *words, struct fault *fault)
{
    for (size_t i = 0; count > 0 && i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(words[0], commands[i].name) != 0)
            continue;
        struct device_words read;
        struct hubdb *hub = NULL;
        int lock = -1;
        enum err err = device_words_read(count - 1, words + 1, commands[i].takes, &read, fault);
        if (!err)
            err = open_database(config, commands[i].run == add, &lock, &hub, fault);
        if (!err)
            err = run_on(config, settings, hub, commands[i].run, &read, fault);
        hubdb_close(hub);
        if (lock >= 0)
            storage_unlock(lock);
        return err;
    }
    return fault_set(fault, ERR_INVALID, "device",
                     "one of: add, invite, replace, revoke, retire, list, show, sign, ticket");
}
