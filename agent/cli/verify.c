#include "agent/cli/cli.h"
#include "hal/base/cleanup.h"
#include "hal/storage.h"

#include <stdio.h>
#include <string.h>

struct verdict {
    bool json;
    int64_t findings;
    bool damaged; /* there is more than what was told as lost before */
    struct jsonw w;
};

static void report(void *context, const struct eventlog_finding *finding)
{
    struct verdict *verdict = context;
    verdict->findings++;
    if (strcmp(finding->what, "lost") != 0)
        verdict->damaged = true;
    if (!verdict->json) {
        printf("%s at seq %lld: %s\n", finding->what, (long long)finding->seq, finding->text);
        return;
    }
    char log[ID_TEXT + 1];
    id_format(&finding->log, log);
    jsonw_object(&verdict->w, NULL);
    jsonw_text(&verdict->w, "what", finding->what);
    jsonw_text(&verdict->w, "log_id", log);
    jsonw_int(&verdict->w, "seq", finding->seq);
    jsonw_text(&verdict->w, "text", finding->text);
    jsonw_end(&verdict->w);
}

static void summarise(struct verdict *verdict, struct buf *out, int64_t events)
{
    if (verdict->json) {
        jsonw_end(&verdict->w);
        jsonw_int(&verdict->w, "events", events);
        jsonw_bool(&verdict->w, "sound", verdict->findings == 0);
        jsonw_end(&verdict->w);
        cli_print(out);
    } else if (verdict->findings) {
        printf("%lld events read, %lld findings. Don't delete anything.%s\n", (long long)events,
               (long long)verdict->findings,
               verdict->damaged ? " Restart tillbackd: it puts the damaged\n"
                                  "files aside and goes on with what can be proven."
                                : "");
    } else {
        printf("%lld events read: the chain is whole, the views follow from it.\n",
               (long long)events);
    }
}

enum cli_exit cli_verify(struct cli *cli)
{
    if (!cli->state)
        return cli_usage("verify reads the files: give --state DIR");
    if (!cli_only(cli, NULL))
        return cli_usage("verify takes no words");
    struct fault fault = {0};
    struct cli_log log CLEANUP(cli_log_cleanup) = {0};
    if (cli_log_open(&log, cli->state, &fault) != ERR_OK)
        return cli_fail(&fault);
    struct buf out CLEANUP(buf_free);
    buf_init(&out, (size_t)16 * 1024 * 1024);
    struct verdict verdict = {.json = cli->json, .w = jsonw_to(&out)};
    jsonw_object(&verdict.w, NULL);
    jsonw_array(&verdict.w, "findings");
    int64_t events = 0;
    if (eventlog_verify(&log.config, report, &verdict, &events, &fault) != ERR_OK)
        return cli_fail(&fault);
    summarise(&verdict, &out, events);
    if (verdict.damaged && eventlog_suspect(&log.config, &fault) != ERR_OK)
        return cli_fail(&fault);
    return verdict.findings ? CLI_PROBLEM : CLI_FINE;
}

enum cli_exit cli_rebuild(struct cli *cli)
{
    if (!cli->state)
        return cli_usage("rebuild works on the files: give --state DIR");
    if (!cli_only(cli, NULL))
        return cli_usage("rebuild takes no words");
    struct fault fault = {0};
    int lock = -1;
    if (storage_lock(cli->state, &lock, &fault) != ERR_OK)
        return cli_fail(&fault);
    struct cli_log log CLEANUP(cli_log_cleanup) = {0};
    enum err err = cli_log_open(&log, cli->state, &fault);
    if (!err)
        err = eventlog_rebuild(&log.config, &fault);
    storage_unlock(lock);
    if (err)
        return cli_fail(&fault);
    puts(cli->json ? "{\"rebuilt\":true}" : "Every view was made again from the log.");
    return CLI_FINE;
}
