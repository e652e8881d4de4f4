#include "agent/cli/cli.h"
#include "hal/base/cleanup.h"
#include "hal/base/hex.h"
#include "hal/base/json_scan.h"
#include "hal/base/version.h"
#include "hal/storage.h"
#include "hal/time_floor.h"
#include "sync/enrol/enquiry.h"
#include "sync/enrol/steps.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RUNTIME_MAX = 64, ARENA_MAX = 2 * ENVELOPE_PAYLOAD_MAX, WAIT_S_MAX = 600 };

/* One run: the identity directory is locked, questions go out on a loop of its own. */
struct run {
    const char *state;
    char folder[PATH_MAX]; /* of the identity */
    char runtime[RUNTIME_MAX];
    int lock;
    struct clock *clock;
    struct arena arena;
    const char *proxy;
    int64_t wait_ms; /* for an answer; 0: as long as enquiry.h says */
    /* Of the question that is out: */
    struct loop *loop;
    struct buf answer;
    struct fault fault;
};

static enum err open_run(struct run *run, const struct cli *cli, struct fault *fault)
{
    const char *given = cli_option(cli, "--identity");
    run->state = cli->state;
    run->lock = -1;
    run->proxy = cli_option(cli, "--proxy");
    const char *wait = cli_option(cli, "--wait");
    arena_init(&run->arena, ARENA_MAX);
    buf_init(&run->answer, ENROL_ANSWER_MAX);
    enum err err = given ? storage_path(run->folder, sizeof run->folder, "", given)
                         : storage_path(run->folder, sizeof run->folder, cli->state, "identity");
    if (given)
        (void)snprintf(run->folder, sizeof run->folder, "%s", given);
    if (err)
        return fault_set(fault, err, "identity", "the path is too long");
    if (wait && (json_scan_int(slice_of(wait), &run->wait_ms) || run->wait_ms < 1 ||
                 run->wait_ms > WAIT_S_MAX))
        return fault_set(fault, ERR_INVALID, "--wait", "must be 1 to %d seconds", WAIT_S_MAX);
    run->wait_ms *= 1000;
    err = storage_make_folder(run->state, fault);
    if (!err)
        err = storage_make_folder(run->folder, fault);
    if (!err)
        err = storage_lock(run->folder, &run->lock, fault);
    if (!err)
        err = clock_open(&run->clock, time_floor_read(run->state, TILLBACK_BUILD_MS), fault);
    return err;
}

static void run_cleanup(struct run *run)
{
    if (run->lock >= 0)
        storage_unlock(run->lock);
    if (run->runtime[0])
        (void)rmdir(run->runtime);
    clock_close(run->clock);
    arena_free(&run->arena);
    buf_free(&run->answer);
}

/* A box that has just been unpacked may stand at 1970: a later time that is known counts. */
static enum err learn_time(struct run *run, int64_t told_ms, struct fault *fault)
{
    if (told_ms <= clock_wall_ms(run->clock))
        return ERR_OK;
    clock_close(run->clock);
    run->clock = NULL;
    enum err err = time_floor_write(run->state, told_ms, fault);
    return err ? err : clock_open(&run->clock, told_ms, fault);
}

/* --- Asking ---------------------------------------------------------------------------------- */

static void on_answer(void *context, struct slice answer, const struct fault *fault)
{
    struct run *run = context;
    if (fault)
        run->fault = *fault;
    else
        buf_append(&run->answer, answer.data, answer.len);
    loop_stop(run->loop);
}

static enum err ask(struct run *run, const char *url, const char *ca_file, struct slice question,
                    struct fault *fault)
{
    struct enquiry *enquiry = NULL;
    if (!run->runtime[0]) {
        (void)snprintf(run->runtime, sizeof run->runtime, "/tmp/tillback-XXXXXX");
        if (!mkdtemp(run->runtime)) {
            run->runtime[0] = '\0';
            return fault_set(fault, ERR_IO, "/tmp", "no runtime folder could be made");
        }
    }
    const struct enquiry_config config = {
        .url = url,
        .proxy = run->proxy,
        .ca_file = ca_file,
        .runtime_folder = run->runtime,
        .timeout_ms = run->wait_ms,
        .clock = run->clock,
    };
    buf_reset(&run->answer);
    run->fault.code = ERR_OK;
    enum err err = loop_open(&run->loop, fault);
    if (!err)
        err = enquiry_open(&enquiry, run->loop, &config, question, on_answer, run, fault);
    if (!err)
        loop_run(run->loop);
    enquiry_close(enquiry);
    loop_close(run->loop);
    if (!err && run->fault.code) {
        *fault = run->fault;
        err = fault->code;
    }
    return err ? err : buf_check(&run->answer, fault, "answer");
}

/* --- The bundle ------------------------------------------------------------------------------ */

static enum err read_bundle(struct run *run, const char *path, struct bundle *bundle,
                            struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, ENVELOPE_BYTES_MAX);
    enum err err = storage_read(path, &text, fault);
    return err ? err
               : bundle_open(buf_slice(&text), NULL, clock_wall_ms(run->clock), &run->arena, bundle,
                             fault);
}

/* "tillback:CODE?enrol=URL", as the QR code says it, or the code alone. */
static enum err read_code(const struct cli *cli, const char *word, struct code *code,
                          char text[static CODE_TEXT + 1], const char **url, struct fault *fault)
{
    static const char scheme[] = "tillback:";
    static const char enrol[] = "?enrol=";
    const char *start =
        strncmp(word, scheme, sizeof scheme - 1) == 0 ? word + sizeof scheme - 1 : word;
    const char *end = strstr(start, enrol);
    const char *given = cli_option(cli, "--enrol");
    struct slice typed = {start, end ? (size_t)(end - start) : strlen(start)};
    enum err err = code_parse(typed, code, fault);
    if (err)
        return err;
    *url = given ? given : end ? end + sizeof enrol - 1 : NULL;
    if (!*url)
        return fault_set(fault, ERR_INVALID, "--enrol",
                         "a code needs the enrolment broker: --enrol mqtts://host:8884");
    code_format(code, text);
    return ERR_OK;
}

static enum err check_sealed(struct run *run, const struct code *code, struct bundle *bundle,
                             struct fault *fault)
{
    struct enrol_answer answer;
    struct sha256 seal;
    enum err err = enrol_answer_read(buf_slice(&run->answer), &run->arena, &answer, fault);
    if (err)
        return err;
    if (answer.refused)
        return fault_set(fault, answer.refused, "the hub", "%s",
                         answer.detail ? answer.detail : err_text(answer.refused));
    if (!answer.bundle || !answer.seal ||
        hex_decode(slice_of(answer.seal), seal.bytes, SHA256_BYTES) != ERR_OK)
        return fault_set(fault, ERR_INVALID, "bundle", "is missing in the answer");
    err = code_check_seal(code, slice_of(answer.bundle), &seal, fault);
    return err ? err
               : bundle_open(slice_of(answer.bundle), NULL, clock_wall_ms(run->clock), &run->arena,
                             bundle, fault);
}

/*
 * The locator finds the bundle; only who knows the whole code can have sealed it. So it doesn't
 * matter through whom it came, and the code itself goes out after the bundle's authority is known.
 */
static enum err fetch_bundle(struct run *run, const struct cli *cli, const char *word,
                             struct bundle *bundle, struct fault *fault)
{
    struct code code;
    char text[CODE_TEXT + 1];
    char locator[2 * CODE_LOCATOR_BYTES + 1];
    const char *url;
    struct buf question CLEANUP(buf_free);
    buf_init(&question, ENROL_ASK_MAX);
    enum err err = read_code(cli, word, &code, text, &url, fault);
    if (err)
        return err;
    hex_encode(code.locator, CODE_LOCATOR_BYTES, locator);
    const struct enrol_ask wish = {.kind = ENROL_BUNDLE, .locator = locator};
    enrol_ask_write(&question, &wish);
    err = ask(run, url, NULL, buf_slice(&question), fault);
    if (!err)
        err = check_sealed(run, &code, bundle, fault);
    if (err)
        return err;
    bundle->code = arena_text(&run->arena, text);
    if (!bundle->enrol_url)
        bundle->enrol_url = url;
    return bundle->code ? ERR_OK : fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
}

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

/* Takes what was given as what is to be done; without anything, goes on with what was begun. */
static enum err begin(struct run *run, const struct cli *cli, struct fault *fault)
{
    struct bundle bundle;
    const char *file = cli_option(cli, "--bundle");
    const char *store = cli_option(cli, "--store");
    const char *word = bare_word(cli);
    enum err err = ERR_OK;
    if (!file && !word)
        return ERR_OK;
    err = file ? read_bundle(run, file, &bundle, fault)
               : fetch_bundle(run, cli, word, &bundle, fault);
    if (!err && store && strcmp(store, bundle.store) != 0)
        err = fault_set(fault, ERR_CONFLICT, "--store", "the bundle is for store %s, not for %s",
                        bundle.store, store);
    if (!err)
        err = learn_time(run, bundle.issued_ms, fault);
    return err ? err : steps_begin(run->folder, &bundle, has_flag(cli, "--again"), fault);
}

/* --- The commands ---------------------------------------------------------------------------- */

static enum err report(struct run *run, const struct cli *cli, struct fault *fault)
{
    struct bundle now;
    struct buf out CLEANUP(buf_free);
    buf_init(&out, 4096);
    enum err err = assignment_read(run->folder, ASSIGNMENT_CURRENT, &run->arena, &now, fault);
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

static enum err finish(struct run *run, struct slice answer, struct fault *fault)
{
    int64_t hub_ms;
    enum err err = steps_finish(run->folder, answer, clock_wall_ms(run->clock), &hub_ms, fault);
    return err ? err : learn_time(run, hub_ms, fault);
}

static enum err ask_for_certificate(struct run *run, struct fault *fault)
{
    struct bundle pending;
    char ca[PATH_MAX];
    struct buf question CLEANUP(buf_free);
    buf_init(&question, ENROL_ASK_MAX);
    enum err err = steps_question(run->folder, &question, fault);
    if (!err)
        err = assignment_read(run->folder, ASSIGNMENT_PENDING, &run->arena, &pending, fault);
    if (!err && !pending.enrol_url)
        err = fault_set(fault, ERR_UNSUPPORTED, "enrol_url",
                        "the bundle names no enrolment broker: use csr export and cert import");
    if (!err && storage_path(ca, sizeof ca, run->folder, "ca.pem"))
        err = fault_set(fault, ERR_TOO_LARGE, "identity", "the path is too long");
    if (!err)
        err = ask(run, pending.enrol_url, ca, buf_slice(&question), fault);
    return err ? err : finish(run, buf_slice(&run->answer), fault);
}

static enum err provision(struct run *run, const struct cli *cli, struct fault *fault)
{
    bool done = false;
    bool given = cli_option(cli, "--bundle") || bare_word(cli);
    enum err err = steps_resume(run->folder, &done, fault);
    if (!err && given)
        err = begin(run, cli, fault);
    if (!err && (given ? steps_pending(run->folder) : !done))
        err = ask_for_certificate(run, fault);
    return err ? err : report(run, cli, fault);
}

enum cli_exit cli_provision(struct cli *cli)
{
    struct fault fault = {0};
    struct run run CLEANUP(run_cleanup) = {.state = NULL};
    if (!cli->state)
        return cli_usage("an identity is made in the state directory: give --state DIR");
    enum err err = open_run(&run, cli, &fault);
    if (!err)
        err = provision(&run, cli, &fault);
    return err ? cli_fail(&fault) : CLI_FINE;
}

static enum err csr_export(struct run *run, const struct cli *cli, struct fault *fault)
{
    const char *out = cli_option(cli, "--out");
    struct buf question CLEANUP(buf_free);
    struct bundle bundle;
    const char *file = cli_option(cli, "--bundle");
    buf_init(&question, ENROL_ASK_MAX);
    enum err err = ERR_OK;
    if (file) {
        err = read_bundle(run, file, &bundle, fault);
        if (!err)
            err = learn_time(run, bundle.issued_ms, fault);
        if (!err)
            err = steps_begin(run->folder, &bundle, has_flag(cli, "--again"), fault);
    }
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
        err = storage_read(cli->argv[1], &run.answer, &fault);
    if (!err)
        err = finish(&run, buf_slice(&run.answer), &fault);
    if (!err)
        err = report(&run, cli, &fault);
    return err ? cli_fail(&fault) : CLI_FINE;
}
