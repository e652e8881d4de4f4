/* tillback commission and diag: the signed report, and the bundle for who looks into it. */
#include "agent/service/record.h"
#include "agent/cli/selftest.h"
#include "agent/service/harmless.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"
#include "hal/storage.h"
#include "provisioning/envelope.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { ANSWER_MAX = 1024 * 1024, LINE_BYTES_MAX = 512, FILE_BYTES_MAX = 4 * 1024 * 1024 };

static enum err ask_report(const struct cli *cli, const char *technician, struct buf *envelope,
                           struct buf *page, struct fault *fault)
{
    struct buf body CLEANUP(buf_free);
    struct buf answer CLEANUP(buf_free);
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    const struct json_limits limits = {.bytes = ANSWER_MAX, .depth = 4};
    buf_init(&body, LINE_BYTES_MAX);
    buf_init(&answer, ANSWER_MAX);
    struct jsonw w = jsonw_to(&body);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "technician", technician);
    jsonw_end(&w);
    enum err err = cli_post(cli, "/v1/service/report", body.data, &answer, fault);
    if (!err)
        err = json_parse(buf_slice(&answer), limits, &doc, fault);
    if (err)
        return err;
    json_print(json_member(doc, "report"), envelope);
    buf_append_text(page, json_member_text(doc, "page"));
    return buf_check(page, fault, "page");
}

static enum err make_report(const struct visit *visit, const char *technician, struct buf *envelope,
                            struct buf *page, struct fault *fault)
{
    struct findings doctor = {.count = 0};
    struct findings selftest = {.count = 0};
    doctor_run(&visit->subject, &doctor);
    selftest_here(visit, &selftest);
    const struct record record = {.subject = &visit->subject,
                                  .doctor = &doctor,
                                  .selftest = &selftest,
                                  .technician = technician,
                                  .now_ms = clock_wall_ms(visit->clock)};
    return record_report(&record, envelope, page, fault);
}

/* FILE gets the signed report, and FILE with .html at its end the page. */
static enum err write_report(const char *file, const struct buf *envelope, const struct buf *page,
                             struct fault *fault)
{
    char path[PATH_MAX];
    const char *dot = strrchr(file, '.');
    size_t stem = dot && strcmp(dot, ".json") == 0 ? (size_t)(dot - file) : strlen(file);
    if (snprintf(path, sizeof path, "%.*s.html", (int)stem, file) >= (int)sizeof path)
        return fault_set(fault, ERR_TOO_LARGE, "--out", "the path is too long");
    enum err err = storage_replace(file, buf_slice(envelope), 0644, fault);
    if (!err)
        err = storage_replace(path, buf_slice(page), 0644, fault);
    if (!err)
        (void)fprintf(stderr, "%s: the signed report; %s: to print\n", file, path);
    return err;
}

enum cli_exit cli_commission(struct cli *cli)
{
    static const char *const options[] = {"--technician", "--out", "--config", "--set", NULL};
    struct visit visit CLEANUP(visit_close) = {.lock = -1};
    struct fault fault = {0};
    struct buf envelope CLEANUP(buf_free);
    struct buf page CLEANUP(buf_free);
    const char *technician = cli_option(cli, "--technician");
    const char *file = cli_option(cli, "--out");
    buf_init(&envelope, ANSWER_MAX);
    buf_init(&page, ANSWER_MAX);
    if (!visit_only_options(cli, 0, options) || !technician)
        return cli_usage("commission needs --technician NAME");
    enum err err = visit_open(&visit, cli, &fault);
    if (!err)
        err = visit.running ? ask_report(cli, technician, &envelope, &page, &fault)
                            : make_report(&visit, technician, &envelope, &page, &fault);
    if (!err && file)
        err = write_report(file, &envelope, &page, &fault);
    if (err)
        return cli_fail(&fault);
    if (!file)
        cli_print(&envelope);
    return CLI_FINE;
}

/* --- diag ------------------------------------------------------------------------------------ */

/* What the journal kept of tillbackd's standard error, cut to what may leave. */
static enum err read_lines(const char *file, struct buf *lines, struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, FILE_BYTES_MAX);
    enum err err = file ? storage_read(file, &text, fault) : ERR_OK;
    for (const char *at = text.data; !err && at && *at;) {
        size_t len = strcspn(at, "\n");
        harmless_line((struct slice){at, len}, lines);
        at += len + (at[len] == '\n');
    }
    return err ? err : buf_check(lines, fault, "--diagnostics");
}

static enum err make_bundle(const struct cli *cli, const struct visit *visit, struct buf *bundle,
                            struct fault *fault)
{
    struct findings doctor = {.count = 0};
    struct findings selftest = {.count = 0};
    struct buf lines CLEANUP(buf_free);
    buf_init(&lines, FILE_BYTES_MAX);
    enum err err = read_lines(cli_option(cli, "--diagnostics"), &lines, fault);
    if (err)
        return err;
    doctor_run(&visit->subject, &doctor);
    const struct record record = {.subject = &visit->subject,
                                  .doctor = &doctor,
                                  .selftest = &selftest,
                                  .now_ms = clock_wall_ms(visit->clock)};
    return record_bundle(&record, buf_slice(&lines), bundle, fault);
}

enum cli_exit cli_diag(struct cli *cli)
{
    static const char *const options[] = {"--out", "--diagnostics", "--config", "--set", NULL};
    struct visit visit CLEANUP(visit_close) = {.lock = -1};
    struct fault fault = {0};
    struct buf bundle CLEANUP(buf_free);
    const char *out = cli_option(cli, "--out");
    const char *file = out ? out : "tillback-diagnostics.tar.gz";
    buf_init(&bundle, BUNDLE_BYTES_MAX);
    if (!visit_only_options(cli, 0, options))
        return cli_usage("diag takes --out FILE and --diagnostics FILE");
    enum err err = visit_open(&visit, cli, &fault);
    if (!err)
        err = visit.running ? cli_get(cli, "/v1/service/diag", &bundle, &fault)
                            : make_bundle(cli, &visit, &bundle, &fault);
    if (!err)
        err = storage_replace(file, buf_slice(&bundle), 0600, &fault);
    if (err)
        return cli_fail(&fault);
    if (cli->json)
        printf("{\"file\":\"%s\",\"bytes\":%zu}\n", file, bundle.len);
    else
        printf("%s: %zu bytes; no secrets and no customers' data are in it\n", file, bundle.len);
    return CLI_FINE;
}
