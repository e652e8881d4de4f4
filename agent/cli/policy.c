/* `tillback policy`: is a policy sound, and what would it have decided otherwise? */
#include "agent/capture/replay.h"
#include "agent/cli/cli.h"
#include "agent/views/return_view.h"
#include "hal/base/cleanup.h"
#include "hal/storage.h"

#include <stdio.h>
#include <string.h>

enum {
    POLICY_BYTES_MAX = 1024 * 1024,
    POLICY_ARENA_MAX = 16 * 1024 * 1024,
    DECIDE_ARENA_MAX = 32 * 1024 * 1024,
    OUT_MAX = 64 * 1024 * 1024,
};

struct loaded {
    struct cJSON *doc;
    struct arena arena;
    struct policy policy;
};

static void loaded_cleanup(struct loaded *loaded)
{
    json_free(loaded->doc);
    arena_free(&loaded->arena);
}

static enum err load(struct loaded *loaded, const char *path, struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, POLICY_BYTES_MAX);
    arena_init(&loaded->arena, POLICY_ARENA_MAX);
    enum err err = storage_read(path, &text, fault);
    struct json_limits limits = {.bytes = POLICY_BYTES_MAX, .depth = 16};
    if (!err)
        err = json_parse(buf_slice(&text), limits, &loaded->doc, fault);
    else
        return err;
    if (!err)
        err = policy_read(loaded->doc, &loaded->arena, &loaded->policy, fault);
    if (err)
        fault_in_file(fault, path);
    return err;
}

static enum cli_exit check(struct cli *cli, const struct policy *policy)
{
    struct buf out CLEANUP(buf_free);
    buf_init(&out, POLICY_BYTES_MAX);
    struct jsonw w = jsonw_to(&out);
    jsonw_object(&w, NULL);
    jsonw_bool(&w, "valid", true);
    jsonw_text(&w, "version", policy->version);
    jsonw_int(&w, "rules", (int64_t)policy->rule_count);
    jsonw_end(&w);
    if (cli->json)
        cli_print(&out);
    else
        printf("Policy %s is sound: %zu rules.\n", policy->version, policy->rule_count);
    return CLI_FINE;
}

/* --- Past returns under a new policy -----------------------------------------------------------
 */

struct comparison {
    const struct cli *cli;
    const struct policy *policy;
    const struct views *views;
    struct jsonw w;
    struct return_view_query query; /* of the next page */
    int64_t tested;
    int64_t changed;
    int64_t failed;
    int64_t by_outcome[OUTCOME_COUNT];
};

struct outcome_now {
    const char *decision;
    const char *rule;
    int64_t total_minor;
};

static void show_change(struct comparison *c, const struct return_state *state,
                        const struct outcome_now *then, const struct outcome_now *now)
{
    if (!c->cli->json) {
        printf("%-20s %s %lld -> %s %lld%s%s%s\n", state->number, then->decision,
               (long long)then->total_minor, now->decision, (long long)now->total_minor,
               now->rule[0] ? " (" : "", now->rule, now->rule[0] ? ")" : "");
        return;
    }
    const struct outcome_now *const sides[] = {then, now};
    static const char *const names[] = {"then", "now"};
    char id[ID_TEXT + 1];
    id_format(&state->id, id);
    jsonw_object(&c->w, NULL);
    jsonw_text(&c->w, "return_id", id);
    jsonw_text(&c->w, "number", state->number);
    for (size_t i = 0; i < 2; i++) {
        jsonw_object(&c->w, names[i]);
        jsonw_text(&c->w, "decision", sides[i]->decision);
        jsonw_text(&c->w, "rule", sides[i]->rule);
        jsonw_int(&c->w, "total", sides[i]->total_minor);
        jsonw_end(&c->w);
    }
    jsonw_end(&c->w);
}

/* A return that the new policy can't even read (a reason it no longer lists) counts as changed. */
static void show_failure(struct comparison *c, const struct return_state *state,
                         const struct fault *fault)
{
    c->failed++;
    if (!c->cli->json) {
        printf("%-20s can't be decided: %s: %s\n", state->number, fault->where, fault->text);
        return;
    }
    jsonw_object(&c->w, NULL);
    jsonw_text(&c->w, "number", state->number);
    jsonw_text(&c->w, "field", fault->where);
    jsonw_text(&c->w, "problem", fault->text);
    jsonw_end(&c->w);
}

static void compare(struct comparison *c, const struct return_state *state,
                    const struct replay *replay)
{
    const struct decision *decision = &replay->question.decision;
    const char *then_decision = json_member_text(replay->created, "decision");
    const char *then_rule = json_member_text(replay->created, "rule");
    struct outcome_now then = {then_decision ? then_decision : "", then_rule ? then_rule : "",
                               state->total_minor};
    struct outcome_now now = {outcome_words[decision->outcome], decision->rule,
                              decision->total_minor};
    c->by_outcome[decision->outcome]++;
    if (strcmp(then.decision, now.decision) == 0 && then.total_minor == now.total_minor)
        return;
    c->changed++;
    show_change(c, state, &then, &now);
}

static enum err test_one(void *context, const struct return_state *state, struct fault *fault)
{
    struct comparison *c = context;
    c->query.before_ms = state->created_ms;
    c->query.before_id = state->id;
    c->tested++;
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, DECIDE_ARENA_MAX);
    struct replay replay CLEANUP(replay_cleanup) = {0};
    enum err err = replay_decide(c->views, state, c->policy, &arena, &replay, fault);
    if (err_class(err) == ERR_CLASS_PARK)
        show_failure(c, state, fault);
    else if (!err)
        compare(c, state, &replay);
    return err_class(err) == ERR_CLASS_PARK ? ERR_OK : err;
}

/* A page is closed before the next is asked for, so that a long test holds back no checkpoint. */
static enum err test_all(struct comparison *c, struct fault *fault)
{
    int64_t before = -1;
    enum err err = ERR_OK;
    while (!err && before != c->tested) {
        before = c->tested;
        struct return_view_query query = c->query;
        err = return_view_list(c->views, &query, test_one, c, fault);
    }
    return err;
}

static void summarise(struct comparison *c, struct buf *out)
{
    if (!c->cli->json) {
        printf("%lld returns: %lld would change, %lld could not be decided. Under policy %s:",
               (long long)c->tested, (long long)c->changed, (long long)c->failed,
               c->policy->version);
        for (int i = 0; i < OUTCOME_COUNT; i++)
            printf(" %s %lld%s", outcome_words[i], (long long)c->by_outcome[i],
                   i + 1 < OUTCOME_COUNT ? "," : ".\n");
        return;
    }
    jsonw_end(&c->w);
    jsonw_text(&c->w, "policy", c->policy->version);
    jsonw_int(&c->w, "returns", c->tested);
    jsonw_int(&c->w, "changed", c->changed);
    jsonw_int(&c->w, "undecidable", c->failed);
    jsonw_object(&c->w, "decisions");
    for (int i = 0; i < OUTCOME_COUNT; i++)
        jsonw_int(&c->w, outcome_words[i], c->by_outcome[i]);
    jsonw_end(&c->w);
    jsonw_end(&c->w);
    cli_print(out);
}

static enum cli_exit test(struct cli *cli, const struct policy *policy, const char *folder)
{
    struct fault fault = {0};
    struct cli_log log CLEANUP(cli_log_cleanup) = {0};
    if (cli_log_open(&log, folder, &fault) != ERR_OK)
        return cli_fail(&fault);
    struct views views = views_of_reader(log.reader);
    struct buf out CLEANUP(buf_free);
    buf_init(&out, OUT_MAX);
    struct comparison c = {
        .cli = cli,
        .policy = policy,
        .views = &views,
        .w = jsonw_to(&out),
        .query = {.state = RETURN_VIEW_ANY,
                  .receipt = "",
                  .before_ms = INT64_MAX,
                  .max = RETURN_VIEW_PAGE_MAX},
    };
    jsonw_object(&c.w, NULL);
    jsonw_array(&c.w, "changes");
    if (test_all(&c, &fault) != ERR_OK)
        return cli_fail(&fault);
    summarise(&c, &out);
    return c.failed ? CLI_PROBLEM : CLI_FINE;
}

enum cli_exit cli_policy(struct cli *cli)
{
    bool checks = cli->argc == 2 && strcmp(cli->argv[0], "check") == 0;
    const char *against = cli_option(cli, "--against");
    bool tests = cli->argc == 4 && strcmp(cli->argv[0], "test") == 0 && against;
    if (!checks && !tests)
        return cli_usage("policy check FILE, or policy test FILE --against DIR");
    struct fault fault = {0};
    struct loaded loaded CLEANUP(loaded_cleanup) = {0};
    if (load(&loaded, cli->argv[1], &fault) != ERR_OK)
        return cli_fail(&fault);
    return checks ? check(cli, &loaded.policy) : test(cli, &loaded.policy, against);
}
