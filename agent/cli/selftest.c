/* tillback selftest: one return reckoned, printed, scanned and sent, step by step. */
#include "agent/cli/selftest.h"
#include "agent/cli/doctor.h"
#include "agent/service/selftest.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"

#include <stdio.h>
#include <string.h>

enum { ANSWER_MAX = 1024 * 1024 };

static const char *const steps[] = {"quote", "print", "scan", "hub"};
enum { STEPS = sizeof steps / sizeof *steps };

/* One step; its finding is copied into the list of all. */
static enum err run_step(const struct cli *cli, const char *step, int64_t timeout_s,
                         struct jsonw *list, struct fault *fault)
{
    char path[64];
    char body[64];
    struct buf answer CLEANUP(buf_free);
    struct buf finding CLEANUP(buf_free);
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    buf_init(&answer, ANSWER_MAX);
    buf_init(&finding, ANSWER_MAX);
    (void)snprintf(path, sizeof path, "/v1/service/selftest/%s", step);
    (void)snprintf(body, sizeof body, "{\"timeout_s\":%lld}", (long long)timeout_s);
    if (strcmp(step, "scan") == 0 && !cli->json)
        (void)fprintf(stderr, "Scan any code now, within %lld s.\n", (long long)timeout_s);
    enum err err = cli_post(cli, path, body, &answer, fault);
    if (!err)
        err = json_parse(buf_slice(&answer), JSON_LIMITS_DEFAULT, &doc, fault);
    if (err)
        return err;
    json_print(json_first(json_member(doc, "findings")), &finding);
    jsonw_raw(list, NULL, buf_slice(&finding));
    return ERR_OK;
}

void selftest_here(const struct visit *visit, struct findings *findings)
{
    static const char next[] = "Start tillbackd, and ask again.";
    selftest_quote(settings_text(visit->settings, "policy.file"), visit->clock,
                   findings_add(findings, "quote", ""));
    for (size_t i = 1; i < STEPS; i++)
        finding_set(findings_add(findings, steps[i], ""), FINDING_SKIPPED, next,
                    "tillbackd doesn't run");
}

static enum err test_all(const struct cli *cli, const struct visit *visit, struct buf *answer,
                         struct fault *fault)
{
    int64_t timeout_s;
    enum err err = visit_timeout(cli, &timeout_s, fault);
    if (err)
        return err;
    if (!visit->running) {
        struct findings findings = {.count = 0};
        selftest_here(visit, &findings);
        doctor_write(&findings, answer);
        return ERR_OK;
    }
    struct jsonw w = jsonw_to(answer);
    jsonw_object(&w, NULL);
    jsonw_array(&w, "findings");
    for (size_t i = 0; !err && i < STEPS; i++)
        err = run_step(cli, steps[i], timeout_s, &w, fault);
    jsonw_end(&w);
    jsonw_end(&w);
    return err;
}

enum cli_exit cli_selftest(struct cli *cli)
{
    static const char *const options[] = {"--timeout-s", "--config", "--set", NULL};
    struct visit visit CLEANUP(visit_close) = {.lock = -1};
    struct fault fault = {0};
    struct buf answer CLEANUP(buf_free);
    buf_init(&answer, ANSWER_MAX);
    if (!visit_only_options(cli, 0, options))
        return cli_usage("selftest takes --timeout-s");
    enum err err = visit_open(&visit, cli, &fault);
    if (!err)
        err = test_all(cli, &visit, &answer, &fault);
    return err ? cli_fail(&fault) : doctor_tell(cli, &answer);
}
