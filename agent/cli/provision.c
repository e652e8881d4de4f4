#include "agent/service/provision.h"
#include "agent/cli/cli.h"
#include "hal/base/cleanup.h"
#include "hal/base/json_scan.h"
#include "hal/base/version.h"
#include "hal/storage.h"
#include "hal/time_floor.h"
#include "sync/enrol/steps.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { ARENA_MAX = 2 * ENVELOPE_PAYLOAD_MAX, WAIT_S_MAX = 600 };

/* One run of a command. */
struct run {
    const char *state;
    char folder[PATH_MAX]; /* of the identity */
    int lock;              /* of it; -1: it isn't held here */
    struct clock *clock;
    struct buf text; /* of the bundle, or the answer that was carried */
    struct provision_place place;
    /* Of questions that are out: */
    struct loop *loop;
    bool over;
    struct fault fault;
};

static enum err open_run(struct run *run, const struct cli *cli, struct fault *fault)
{
    const char *given = cli_option(cli, "--identity");
    run->state = cli->state;
    run->lock = -1;
    buf_init(&run->text, ENROL_ANSWER_MAX);
    enum err err = given ? storage_path(run->folder, sizeof run->folder, "", given)
                         : storage_path(run->folder, sizeof run->folder, cli->state, "identity");
    if (given)
        (void)snprintf(run->folder, sizeof run->folder, "%s", given);
    if (err)
        return fault_set(fault, err, "identity", "the path is too long");
    err = clock_open(&run->clock, time_floor_read(run->state, TILLBACK_BUILD_MS), fault);
    run->place = (struct provision_place){
        .identity_folder = run->folder, .state_folder = run->state, .clock = run->clock};
    return err;
}

/* For commands that take the steps in this process, without asking a hub. */
static enum err lock_run(struct run *run, struct fault *fault)
{
    enum err err = storage_make_folder(run->state, fault);
    if (!err)
        err = storage_make_folder(run->folder, fault);
    return err ? err : storage_lock(run->folder, &run->lock, fault);
}

static void run_cleanup(struct run *run)
{
    if (run->lock >= 0)
        storage_unlock(run->lock);
    clock_close(run->clock);
    buf_free(&run->text);
}

/* --- The wish -------------------------------------------------------------------------------- */

/* The first word that is no option or its value; NULL: none. */
static const char *bare_word(const struct cli *cli)
{
    for (int i = 0; i < cli->argc; i++) {
        if (strcmp(cli->argv[i], "--again") == 0)
            continue;
        if (strncmp(cli->argv[i], "--", 2) != 0)
            return cli->argv[i];
        i++;
    }
    return NULL;
}

static bool has_flag(const struct cli *cli, const char *name)
{
    for (int i = 0; i < cli->argc; i++)
        if (strcmp(cli->argv[i], name) == 0)
            return true;
    return false;
}

static enum err read_wait(const struct cli *cli, int64_t *wait_ms, struct fault *fault)
{
    const char *wait = cli_option(cli, "--wait");
    int64_t seconds = 0;
    if (wait && (json_scan_int(slice_of(wait), &seconds) || seconds < 1 || seconds > WAIT_S_MAX))
        return fault_set(fault, ERR_INVALID, "--wait", "must be 1 to %d seconds", WAIT_S_MAX);
    *wait_ms = seconds * 1000;
    return ERR_OK;
}

static enum err read_wish(struct run *run, const struct cli *cli, struct provision_wish *wish,
                          struct fault *fault)
{
    const char *file = cli_option(cli, "--bundle");
    *wish = (struct provision_wish){
        .enrol_url = cli_option(cli, "--enrol"),
        .store = cli_option(cli, "--store"),
        .token_uri = cli_option(cli, "--token"),
        .proxy = cli_option(cli, "--proxy"),
        .again = has_flag(cli, "--again"),
    };
    enum err err = read_wait(cli, &wish->wait_ms, fault);
    if (!err && file)
        err = storage_read(file, &run->text, fault);
    if (!err && file && !run->text.len)
        err = fault_set(fault, ERR_INVALID, file, "is empty");
    wish->bundle = buf_slice(&run->text);
    if (!file)
        wish->code = bare_word(cli);
    return err;
}

/* --- The commands ---------------------------------------------------------------------------- */

static enum err report(struct run *run, const struct cli *cli, struct fault *fault)
{
    struct bundle now;
    struct arena arena CLEANUP(arena_free);
    struct buf out CLEANUP(buf_free);
    arena_init(&arena, ARENA_MAX);
    buf_init(&out, 4096);
    enum err err = assignment_read(run->folder, ASSIGNMENT_CURRENT, &arena, &now, fault);
    if (err == ERR_NOT_FOUND)
        return fault_set(fault, err, "provision",
                         "nothing was begun here: give --bundle FILE, or a CODE and --enrol URL");
    if (err)
        return err;
    if (!cli->json) {
        printf("This appliance is %s of store %s now. tillbackd goes online by itself.\n",
               now.device, now.store);
        return ERR_OK;
    }
    struct jsonw w = jsonw_to(&out);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "device", now.device);
    jsonw_text(&w, "store", now.store);
    jsonw_text(&w, "broker", now.broker_url);
    jsonw_end(&w);
    cli_print(&out);
    return ERR_OK;
}

static void on_done(void *context, enum err err, const struct fault *fault)
{
    struct run *run = context;
    run->over = true;
    run->fault.code = err;
    if (err)
        run->fault = *fault;
    loop_stop(run->loop);
}

static enum err provision(struct run *run, const struct provision_wish *wish, struct fault *fault)
{
    struct provision *under_way = NULL;
    enum err err = loop_open(&run->loop, fault);
    if (!err)
        err = provision_open(&under_way, run->loop, &run->place, wish, on_done, run, fault);
    if (!err && !run->over)
        loop_run(run->loop);
    provision_close(under_way);
    loop_close(run->loop);
    if (!err && run->fault.code) {
        *fault = run->fault;
        err = fault->code;
    }
    return err;
}

enum cli_exit cli_provision(struct cli *cli)
{
    struct fault fault = {0};
    struct provision_wish wish = {.bundle = {NULL, 0}};
    struct run run CLEANUP(run_cleanup) = {.state = NULL};
    if (!cli->state)
        return cli_usage("an identity is made in the state directory: give --state DIR");
    enum err err = open_run(&run, cli, &fault);
    if (!err)
        err = read_wish(&run, cli, &wish, &fault);
    if (!err)
        err = provision(&run, &wish, &fault);
    if (err == ERR_INVALID && wish.bundle.len)
        fault_in_file(&fault, cli_option(cli, "--bundle"));
    if (!err)
        err = report(&run, cli, &fault);
    return err ? cli_fail(&fault) : CLI_FINE;
}

static enum err csr_export(struct run *run, const struct cli *cli, struct fault *fault)
{
    const char *out = cli_option(cli, "--out");
    struct provision_wish wish;
    struct buf question CLEANUP(buf_free);
    buf_init(&question, ENROL_ASK_MAX);
    enum err err = read_wish(run, cli, &wish, fault);
    if (!err && wish.bundle.len > 0)
        err = provision_take_bundle(&run->place, &wish, fault);
    if (!err)
        err = steps_question(run->folder, &question, fault);
    if (err)
        return err;
    if (!out) {
        cli_print(&question);
        return ERR_OK;
    }
    err = storage_replace(out, buf_slice(&question), 0600, fault);
    if (!err && !cli->json)
        printf("Carry %s to the hub: tillback-hub --state DIR device sign FILE --out ANSWER\n"
               "and the answer back: tillback --state DIR cert import ANSWER\n",
               out);
    return err;
}

enum cli_exit cli_csr(struct cli *cli)
{
    struct fault fault = {0};
    struct run run CLEANUP(run_cleanup) = {.state = NULL};
    if (!cli->state || !cli->argc || strcmp(cli->argv[0], "export") != 0)
        return cli_usage("csr export [--bundle FILE] [--out FILE], with --state DIR");
    enum err err = open_run(&run, cli, &fault);
    if (!err)
        err = lock_run(&run, &fault);
    if (!err)
        err = csr_export(&run, cli, &fault);
    return err ? cli_fail(&fault) : CLI_FINE;
}

enum cli_exit cli_cert(struct cli *cli)
{
    struct fault fault = {0};
    struct run run CLEANUP(run_cleanup) = {.state = NULL};
    if (!cli->state || cli->argc < 2 || strcmp(cli->argv[0], "import") != 0)
        return cli_usage("cert import FILE, with --state DIR");
    enum err err = open_run(&run, cli, &fault);
    if (!err)
        err = lock_run(&run, &fault);
    if (!err)
        err = storage_read(cli->argv[1], &run.text, &fault);
    if (!err && (err = provision_take_answer(&run.place, buf_slice(&run.text), &fault)) != ERR_OK)
        fault_in_file(&fault, cli->argv[1]);
    if (!err)
        err = report(&run, cli, &fault);
    return err ? cli_fail(&fault) : CLI_FINE;
}
