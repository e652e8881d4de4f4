#include "sync/hub/fleet/rollout.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { RULES_BYTES_MAX = 4096, DAY_S = 86400, MS_PER_S = 1000 };

static const char *const state_names[] = {
#define NAME(upper, lower) #lower,
    ROLLOUT_STATES(NAME)};
static const char *const event_names[] = {ROLLOUT_EVENTS(NAME)};
#undef NAME

const char *rollout_state_name(enum rollout_state state)
{
    return state_names[state];
}

static enum err find(const char *const *names, int count, const char *name, int *found)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0) {
            *found = i;
            return ERR_OK;
        }
    return ERR_NOT_FOUND;
}

enum err rollout_state_find(const char *name, enum rollout_state *state)
{
    int found;
    enum err err = find(state_names, ROLLOUT_STATE_COUNT, name, &found);
    if (!err)
        *state = (enum rollout_state)found;
    return err;
}

enum err rollout_event_find(const char *name, enum rollout_event *event)
{
    int found;
    enum err err = find(event_names, ROLLOUT_EVENT_COUNT, name, &found);
    if (!err)
        *event = (enum rollout_event)found;
    return err;
}

/* --- States by events ------------------------------------------------------------------------ */

enum { NO = ROLLOUT_STATE_COUNT };

static const int transitions[ROLLOUT_STATE_COUNT][ROLLOUT_EVENT_COUNT] = {
    [ROLLOUT_RUNNING] = {[ROLLOUT_WAVE_PASSED] = ROLLOUT_RUNNING,
                         [ROLLOUT_ALL_PASSED] = ROLLOUT_DONE,
                         [ROLLOUT_TROUBLE] = ROLLOUT_HALTED,
                         [ROLLOUT_PAUSE] = ROLLOUT_PAUSED,
                         [ROLLOUT_RESUME] = NO,
                         [ROLLOUT_ABORT] = ROLLOUT_ABORTED},
    [ROLLOUT_PAUSED] = {[ROLLOUT_WAVE_PASSED] = NO,
                        [ROLLOUT_ALL_PASSED] = NO,
                        [ROLLOUT_TROUBLE] = NO,
                        [ROLLOUT_PAUSE] = NO,
                        [ROLLOUT_RESUME] = ROLLOUT_RUNNING,
                        [ROLLOUT_ABORT] = ROLLOUT_ABORTED},
    [ROLLOUT_HALTED] = {[ROLLOUT_WAVE_PASSED] = NO,
                        [ROLLOUT_ALL_PASSED] = NO,
                        [ROLLOUT_TROUBLE] = NO,
                        [ROLLOUT_PAUSE] = NO,
                        [ROLLOUT_RESUME] = ROLLOUT_RUNNING,
                        [ROLLOUT_ABORT] = ROLLOUT_ABORTED},
    [ROLLOUT_DONE] = {NO, NO, NO, NO, NO, NO},
    [ROLLOUT_ABORTED] = {NO, NO, NO, NO, NO, NO},
};

enum err rollout_next(enum rollout_state state, enum rollout_event event, enum rollout_state *next,
                      struct fault *fault)
{
    int found = transitions[state][event];
    if (found == NO)
        return fault_set(fault, ERR_REFUSED, "rollout", "it is %s: %s means nothing now",
                         state_names[state], event_names[event]);
    *next = (enum rollout_state)found;
    return ERR_OK;
}

bool rollout_is_open(enum rollout_state state)
{
    return state != ROLLOUT_DONE && state != ROLLOUT_ABORTED;
}

/* --- Rules ----------------------------------------------------------------------------------- */

const struct rollout_rules rollout_at_once = {
    .percents = {100},
    .percent_count = 1,
    .failure_percent = 100,
    .silence_s = 600,
    .backlog_events = INT64_C(1) << 40,
};

const struct rollout_rules rollout_careful = {
    .canary = 1,
    .percents = {10, 50, 100},
    .percent_count = 3,
    .failure_percent = 5,
    .silence_s = 300,
    .soak_s = 60,
    .backlog_events = 1000,
};

static enum err check_percents(const struct rollout_rules *rules, struct fault *fault)
{
    int64_t before = 0;
    for (size_t i = 0; i < rules->percent_count; i++) {
        if (rules->percents[i] <= before || rules->percents[i] > 100)
            return fault_set(fault, ERR_INVALID, "percents", "must grow, to 100 at the end");
        before = rules->percents[i];
    }
    return before == 100 ? ERR_OK : fault_set(fault, ERR_INVALID, "percents", "must end with 100");
}

enum err rollout_percents_read(const char *text, struct rollout_rules *rules, struct fault *fault)
{
    struct rollout_rules read = *rules;
    char *end;
    read.percent_count = 0;
    do {
        if (read.percent_count == ROLLOUT_WAVES_MAX)
            return fault_set(fault, ERR_INVALID, "percents", "at most %d", ROLLOUT_WAVES_MAX);
        read.percents[read.percent_count++] = strtoll(text, &end, 10);
        if (end == text || (*end && *end != ','))
            return fault_set(fault, ERR_INVALID, "percents", "must be like 5,25,100");
        text = end + 1;
    } while (*end);
    enum err err = check_percents(&read, fault);
    if (!err)
        *rules = read;
    return err;
}

void rollout_rules_write(struct jsonw *w, const struct rollout_rules *rules)
{
    jsonw_int(w, "canary", rules->canary);
    jsonw_array(w, "percents");
    for (size_t i = 0; i < rules->percent_count; i++)
        jsonw_int(w, NULL, rules->percents[i]);
    jsonw_end(w);
    jsonw_int(w, "failure_percent", rules->failure_percent);
    jsonw_int(w, "silence_s", rules->silence_s);
    jsonw_int(w, "soak_s", rules->soak_s);
    jsonw_int(w, "backlog_events", rules->backlog_events);
}

struct rules_text {
    struct rollout_rules rules;
    const struct cJSON *percents;
};

#define NUMBER(member, least, most)                                                                \
    {                                                                                              \
        .name = #member, .kind = JSON_INT, .presence = JSON_OPTIONAL,                              \
        .offset = offsetof(struct rules_text, rules.member), .min = (least), .max = (most)         \
    }

static const struct json_field fields[] = {
    NUMBER(canary, 0, 10000),
    NUMBER(failure_percent, 0, 100),
    NUMBER(silence_s, 1, 30 * DAY_S),
    NUMBER(soak_s, 0, 30 * DAY_S),
    NUMBER(backlog_events, 0, INT64_C(1) << 40),
    {.name = "percents",
     .kind = JSON_ANY,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct rules_text, percents)},
};

static const struct json_table table = {.fields = fields,
                                        .count = sizeof fields / sizeof *fields,
                                        .item_size = sizeof(struct rules_text)};

static enum err take_percents(const struct cJSON *list, struct rollout_rules *rules,
                              struct fault *fault)
{
    rules->percent_count = 0;
    for (const struct cJSON *item = json_first(list); item; item = json_next(item)) {
        if (rules->percent_count == ROLLOUT_WAVES_MAX ||
            json_whole(item, &rules->percents[rules->percent_count]) != ERR_OK)
            return fault_set(fault, ERR_INVALID, "percents", "at most %d whole numbers",
                             ROLLOUT_WAVES_MAX);
        rules->percent_count++;
    }
    return check_percents(rules, fault);
}

enum err rollout_rules_read(struct slice text, struct rollout_rules *rules, struct fault *fault)
{
    const struct json_limits limits = {.bytes = RULES_BYTES_MAX, .depth = 3};
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct arena arena CLEANUP(arena_free);
    struct rules_text read = {.rules = *rules};
    arena_init(&arena, RULES_BYTES_MAX);
    enum err err = json_parse(text, limits, &doc, fault);
    if (!err)
        err = json_read(doc, &table, &read, &arena, fault);
    if (!err && read.percents)
        err = take_percents(read.percents, &read.rules, fault);
    if (!err)
        *rules = read.rules;
    return err;
}

size_t rollout_wave_count(const struct rollout_rules *rules)
{
    return rules->percent_count + (rules->canary > 0);
}

size_t rollout_wave_of(const struct rollout_rules *rules, int64_t place, int64_t total)
{
    size_t first = rules->canary > 0;
    if (place < rules->canary)
        return 0;
    int64_t rest = total - rules->canary;
    for (size_t i = 0; i + 1 < rules->percent_count; i++)
        if ((place - rules->canary) * 100 < rules->percents[i] * rest)
            return first + i;
    return first + rules->percent_count - 1;
}

/* --- Judging --------------------------------------------------------------------------------- */

static bool too_many(const struct rollout_rules *rules, const struct rollout_counts *counts,
                     int64_t troubled)
{
    return troubled > 0 && troubled * 100 > rules->failure_percent * counts->online;
}

/* A resumed rollout halts for new trouble only. */
static int64_t unforgiven(int64_t count, int64_t *forgiven)
{
    int64_t covered = count < *forgiven ? count : *forgiven;
    *forgiven -= covered;
    return count - covered;
}

static bool has_trouble(const struct rollout_rules *rules, const struct rollout_counts *counts,
                        struct fault *why)
{
    int64_t forgiven = counts->forgiven;
    int64_t bad = unforgiven(counts->bad, &forgiven);
    int64_t silent = unforgiven(counts->silent, &forgiven);
    int64_t growing = unforgiven(counts->growing, &forgiven);
    if (too_many(rules, counts, bad))
        (void)fault_set(why, ERR_REFUSED, "failures", "%lld of %lld refused it or took it back",
                        (long long)counts->bad, (long long)counts->online);
    else if (too_many(rules, counts, silent))
        (void)fault_set(why, ERR_TIMEOUT, "silence", "%lld of %lld were online and say nothing",
                        (long long)counts->silent, (long long)counts->online);
    else if (too_many(rules, counts, growing))
        (void)fault_set(why, ERR_REFUSED, "backlog", "the backlog of %lld of %lld grows",
                        (long long)counts->growing, (long long)counts->online);
    else if (too_many(rules, counts, bad + silent + growing))
        (void)fault_set(why, ERR_REFUSED, "failures", "%lld of %lld have trouble of some kind",
                        (long long)(counts->bad + counts->silent + counts->growing),
                        (long long)counts->online);
    else
        return false;
    return true;
}

enum rollout_verdict rollout_judge(const struct rollout_rules *rules,
                                   const struct rollout_counts *counts, size_t wave,
                                   int64_t wave_age_ms, struct fault *why)
{
    size_t waves = rollout_wave_count(rules);
    if (has_trouble(rules, counts, why))
        return ROLLOUT_HALT;
    if (counts->planned || counts->pending || wave_age_ms < rules->soak_s * MS_PER_S)
        return ROLLOUT_WAIT;
    /* A canary wave from which no good report came proves nothing. */
    if (rules->canary > 0 && wave == 0 && counts->good == 0)
        return ROLLOUT_WAIT;
    return wave + 1 < waves ? ROLLOUT_GO_ON : ROLLOUT_FINISH;
}
