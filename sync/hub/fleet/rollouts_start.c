/* How a rollout begins: for whom something would change, and in which wave each is. */
#include "hal/base/cleanup.h"
#include "sync/hub/fleet/rollouts.sql.h"
#include "sync/hub/fleet/rollouts_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RULES_TEXT_MAX = 1024 };

struct candidate {
    char device[DEVICE_ID_MAX + 1];
    bool online;
    int64_t before_change;
    char release[RELEASE_VERSION_MAX + 1]; /* that it is to run then; "": as before */
    struct sha256 lot;                     /* so that a wave is spread over the fleet */
};

struct crowd {
    struct rollouts *rollouts;
    int64_t rollout_no;
    int64_t change_no;
    struct candidate *list;
    size_t count;
    size_t capacity;
};

static enum err crowd_add(struct crowd *crowd, const char *device, bool online,
                          int64_t before_change, const char *release, struct fault *fault)
{
    if (crowd->count == crowd->capacity) {
        size_t capacity = crowd->capacity ? 2 * crowd->capacity : 64;
        struct candidate *more = realloc(crowd->list, capacity * sizeof *more);
        if (!more)
            return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
        crowd->list = more;
        crowd->capacity = capacity;
    }
    struct candidate *candidate = &crowd->list[crowd->count++];
    const struct slice parts[] = {{(const char *)&crowd->rollout_no, sizeof crowd->rollout_no},
                                  slice_of(device)};
    *candidate = (struct candidate){.online = online, .before_change = before_change};
    (void)snprintf(candidate->device, sizeof candidate->device, "%s", device);
    (void)snprintf(candidate->release, sizeof candidate->release, "%s", release);
    candidate->lot = sha256_of_all(parts, 2);
    return ERR_OK;
}

static void read_updates(struct slice settings, struct config_updates *updates)
{
    struct slice section = config_section_of(settings, CONFIG_UPDATES);
    *updates = (struct config_updates){.channel = ""};
    if (section.len && config_updates_read(section, updates, NULL) != ERR_OK)
        updates->has_release = false; /* it was checked before: this can't be */
}

/* Which other release than before is to run. */
static const char *new_release(struct slice before, struct slice settings,
                               struct config_updates *now)
{
    struct config_updates then;
    read_updates(settings, now);
    read_updates(before, &then);
    bool same = then.has_release && release_equal(&then.release, &now->release);
    return now->has_release && !same ? now->release.version : "";
}

/* Those for whom something would change. */
static enum err consider(void *context, const char *device, bool online, struct fault *fault)
{
    struct crowd *crowd = context;
    struct desired_document now;
    struct config_updates updates;
    struct buf settings CLEANUP(buf_free);
    buf_init(&settings, CONFIG_BYTES_MAX);
    enum err err = desired_find(crowd->rollouts->desired, device, &now, fault);
    if (!err)
        err = desired_render(crowd->rollouts->desired, device, crowd->change_no, &settings, fault);
    if (!err && config_settings_check(buf_slice(&settings), fault) != ERR_OK)
        err = fault_wrap(fault, ERR_INVALID, device);
    if (!err && !(now.version && slice_equal(buf_slice(&now.settings), buf_slice(&settings))))
        err =
            crowd_add(crowd, device, online, now.change_no,
                      new_release(buf_slice(&now.settings), buf_slice(&settings), &updates), fault);
    desired_document_free(&now);
    return err;
}

/* Those online first, so that the canary wave can report soon. */
static int compare(const void *one, const void *other)
{
    const struct candidate *a = one;
    const struct candidate *b = other;
    if (a->online != b->online)
        return a->online ? -1 : 1;
    return memcmp(a->lot.bytes, b->lot.bytes, SHA256_BYTES);
}

static int compare_lots(const void *one, const void *other)
{
    const struct candidate *a = one;
    const struct candidate *b = other;
    return memcmp(a->lot.bytes, b->lot.bytes, SHA256_BYTES);
}

static enum err add_members(struct crowd *crowd, const struct rollout_rules *rules,
                            struct fault *fault)
{
    struct statement *s;
    enum err err = ERR_OK;
    for (size_t i = 0; !err && i < crowd->count; i++) {
        err = rollouts_statement(crowd->rollouts, ROLLOUTS_MEMBER_ADD, &s, fault);
        if (err)
            break;
        bind_int(s, 1, crowd->rollout_no);
        bind_text(s, 2, crowd->list[i].device);
        bind_int(s, 3, (int64_t)rollout_wave_of(rules, (int64_t)i, (int64_t)crowd->count));
        bind_int(s, 4, crowd->list[i].before_change);
        bind_text(s, 5, crowd->list[i].release);
        err = database_run(crowd->rollouts->db, s, fault);
    }
    return err;
}

static enum err add_rollout(struct crowd *crowd, const struct rollout_order *order,
                            struct fault *fault)
{
    struct statement *s;
    struct buf rules CLEANUP(buf_free);
    buf_init(&rules, RULES_TEXT_MAX);
    struct jsonw w = jsonw_to(&rules);
    jsonw_object(&w, NULL);
    rollout_rules_write(&w, &order->rules);
    jsonw_end(&w);
    enum err err = buf_check(&rules, fault, "rules");
    if (!err)
        err = rollouts_statement(crowd->rollouts, ROLLOUTS_ADD, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, crowd->rollout_no);
    bind_text(s, 2, order->scope);
    bind_int(s, 3, crowd->change_no);
    bind_slice(s, 4, buf_slice(&rules));
    bind_text(s, 5, order->holder);
    bind_text(s, 6, order->reason);
    bind_int(s, 7, order->now_ms);
    return database_run(crowd->rollouts->db, s, fault);
}

static enum err gather(struct crowd *crowd, const struct rollout_order *order, struct fault *fault)
{
    enum err err = desired_each(crowd->rollouts->desired, order->scope, consider, crowd, fault);
    if (!err && !crowd->count)
        err = fault_set(fault, ERR_NOT_FOUND, order->scope,
                        "no appliance of it would get anything new");
    if (err)
        return err;
    qsort(crowd->list, crowd->count, sizeof *crowd->list, compare);
    size_t canary = (size_t)order->rules.canary;
    if (canary < crowd->count) /* after the canary the online and the others are mixed */
        qsort(crowd->list + canary, crowd->count - canary, sizeof *crowd->list, compare_lots);
    return ERR_OK;
}

/* One at a time; and whoever is still to be sent what was good before has what would be brought. */
static enum err check_alone(struct rollouts *rollouts, struct fault *fault)
{
    int64_t open = 0;
    int64_t returning = 0;
    enum err err = rollouts_one(rollouts, ROLLOUTS_OPEN, &open, fault);
    if (!err)
        err = rollouts_one(rollouts, ROLLOUTS_RETURNING, &returning, fault);
    if (!err && open)
        err = fault_set(fault, ERR_CONFLICT, "rollout", "%lld is open: end or abort it first",
                        (long long)open);
    if (!err && returning)
        err = fault_set(fault, ERR_CONFLICT, "rollout",
                        "%lld is still taken back: ask again in a moment", (long long)returning);
    return err;
}

enum err rollouts_start(struct rollouts *rollouts, const struct rollout_order *order,
                        int64_t *rollout_no, struct fault *fault)
{
    struct crowd crowd = {.rollouts = rollouts};
    enum err err = scope_check(order->scope, fault);
    if (!err)
        err = check_alone(rollouts, fault);
    if (!err)
        err = rollouts_one(rollouts, ROLLOUTS_LAST, &crowd.rollout_no, fault);
    crowd.rollout_no++;
    if (!err)
        err = desired_last_change(rollouts->desired, &crowd.change_no, fault);
    if (!err)
        err = gather(&crowd, order, fault);
    if (!err)
        err = add_rollout(&crowd, order, fault);
    if (!err)
        err = add_members(&crowd, &order->rules, fault);
    free(crowd.list);
    if (!err)
        *rollout_no = crowd.rollout_no;
    return err;
}
