/* tillback doctor: what is wrong with this appliance, and what to do next. */
#include "agent/cli/doctor.h"
#include "agent/cli/visit.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"

#include <stdio.h>
#include <string.h>

enum { ANSWER_MAX = 1024 * 1024 };

static void print_finding(const struct cJSON *item)
{
    const char *id = json_member_text(item, "id");
    const char *subject = json_member_text(item, "subject");
    const char *result = json_member_text(item, "result");
    const char *cause = json_member_text(item, "cause");
    const char *next = json_member_text(item, "next");
    char name[64];
    (void)snprintf(name, sizeof name, "%.20s%s%.40s", id ? id : "", subject ? " " : "",
                   subject ? subject : "");
    printf("%-8s %-18s %s\n", result ? result : "", name, cause ? cause : "");
    if (next)
        printf("%-27s > %s\n", "", next);
}

enum cli_exit doctor_tell(const struct cli *cli, const struct buf *answer)
{
    struct fault fault = {0};
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    const struct json_limits limits = {.bytes = ANSWER_MAX, .depth = 6};
    if (json_parse(buf_slice(answer), limits, &doc, &fault) != ERR_OK)
        return cli_fail(&fault);
    enum cli_exit verdict = CLI_FINE;
    for (const struct cJSON *item = json_first(json_member(doc, "findings")); item;
         item = json_next(item)) {
        const char *result = json_member_text(item, "result");
        if (result && strcmp(result, "fail") == 0)
            verdict = CLI_PROBLEM;
        if (!cli->json)
            print_finding(item);
    }
    if (cli->json)
        cli_print(answer);
    return verdict;
}

void doctor_write(const struct findings *findings, struct buf *out)
{
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    findings_write(findings, &w, "findings");
    jsonw_end(&w);
}

static const char *const setting_options[] = {"--config", "--set", NULL};

enum cli_exit cli_doctor(struct cli *cli)
{
    struct visit visit CLEANUP(visit_close) = {.lock = -1};
    struct fault fault = {0};
    struct buf answer CLEANUP(buf_free);
    buf_init(&answer, ANSWER_MAX);
    if (!visit_only_options(cli, 0, setting_options))
        return cli_usage("doctor takes --config FILE and --set KEY=VALUE, as tillbackd does");
    enum err err = visit_open(&visit, cli, &fault);
    if (!err && visit.running)
        err = cli_get(cli, "/v1/service/doctor", &answer, &fault);
    if (err)
        return cli_fail(&fault);
    if (!visit.running) {
        struct findings findings = {.count = 0};
        doctor_run(&visit.subject, &findings);
        doctor_write(&findings, &answer);
    }
    return doctor_tell(cli, &answer);
}
