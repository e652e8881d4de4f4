#include "sync/hub/order_command.h"
#include "hal/base/cleanup.h"
#include "hal/base/hex.h"
#include "hal/base/json.h"
#include "hal/storage.h"
#include "sync/hub/config_words.h"
#include "sync/hub/fleet/commands.h"
#include "sync/hub/ingest/access.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { GRACE_S = 15, LOOK_NS = 200 * 1000 * 1000, TEXT_MAX = 1024 * 1024, LIST_MAX = 50 };

const char order_usage[] =
    "  command DEVICE NAME [KEY=VALUE]... [--expiry SECONDS] [--no-wait] [--out FILE]\n"
    "                           ask an appliance, by way of the running hub, and wait for what it\n"
    "                           answers: status, replay, resubmit, diag, rotate-key, restart,\n"
    "                           update (version=, url=, sha256=, and bytes=, kib_per_s=,\n"
    "                           window=02:00-05:00 in UTC); a VALUE that is a number is sent as "
    "one;\n"
    "                           --out keeps the bundle that diag sends as a file\n"
    "  command list [DEVICE]    what was asked, and how it ended\n";

struct asked {
    const char *device;
    const char *name;
    struct buf arguments;
    struct jsonw w;
    int64_t expiry_s;
    const char *out; /* the file for a bundle; NULL: none */
    bool no_wait;
};

/* KEY=VALUE */
static enum err take_argument(struct asked *asked, const char *word, struct fault *fault)
{
    char key[64];
    char *end;
    const char *value = strchr(word, '=');
    if (!value || value == word || (size_t)(value - word) >= sizeof key)
        return fault_set(fault, ERR_INVALID, word, "must be KEY=VALUE");
    (void)snprintf(key, sizeof key, "%.*s", (int)(value - word), word);
    value++;
    long long number = strtoll(value, &end, 10);
    if (*value && !*end)
        jsonw_int(&asked->w, key, number);
    else
        jsonw_text(&asked->w, key, value);
    return ERR_OK;
}

static enum err read_words(int count, char *const *words, struct asked *asked, struct fault *fault)
{
    enum err err = ERR_OK;
    if (count < 2)
        return fault_set(fault, ERR_INVALID, "command", "needs a device and a name");
    asked->device = words[0];
    asked->name = words[1];
    asked->w = jsonw_to(&asked->arguments);
    jsonw_object(&asked->w, NULL);
    for (int i = 2; !err && i < count; i++) {
        if (strcmp(words[i], "--no-wait") == 0)
            asked->no_wait = true;
        else if (strcmp(words[i], "--out") == 0 && i + 1 < count)
            asked->out = words[++i];
        else if (strcmp(words[i], "--expiry") == 0 && i + 1 < count)
            err = config_words_number("--expiry", words[++i], INT32_MAX, &asked->expiry_s, fault);
        else
            err = take_argument(asked, words[i], fault);
    }
    jsonw_end(&asked->w);
    return err ? err : buf_check(&asked->arguments, fault, "arguments");
}

static enum err add(struct database *db, struct commands *commands, struct asked *asked,
                    int64_t now_ms, struct id *id, struct fault *fault)
{
    const struct access_holder holder = {.name = "command line", .role = ACCESS_IT};
    const struct command_order order = {.device = asked->device,
                                        .name = asked->name,
                                        .arguments = buf_slice(&asked->arguments),
                                        .holder = holder.name,
                                        .expiry_s = asked->expiry_s,
                                        .now_ms = now_ms};
    char action[48];
    (void)snprintf(action, sizeof action, "command.%.30s", asked->name);
    const struct access_act act = {.holder = &holder,
                                   .action = action,
                                   .subject = asked->device,
                                   .reason = "",
                                   .now_ms = now_ms};
    enum err err = database_begin(db, fault);
    if (!err)
        err = commands_add(commands, &order, id, fault);
    if (!err)
        err = access_note(db, &act, fault);
    if (!err)
        err = database_commit(db, fault);
    database_rollback(db);
    return err;
}

/* Waits for the end: an answer, or the running hub says that the time is up. */
static enum err wait_for_end(struct commands *commands, const struct id *id, int64_t most_s,
                             struct buf *text, struct fault *fault)
{
    const struct timespec pause = {.tv_nsec = LOOK_NS};
    const time_t until = time(NULL) + most_s;
    bool ended = false;
    enum err err = ERR_OK;
    while (!err && !ended) {
        if (time(NULL) > until)
            return fault_set(fault, ERR_TIMEOUT, "command",
                             "nobody carried it: does the hub run, and reach its broker?");
        buf_reset(text);
        struct jsonw w = jsonw_to(text);
        err = commands_write(commands, id, &w, &ended, fault);
        if (!err && !ended)
            (void)nanosleep(&pause, NULL);
    }
    return err;
}

static enum err keep_bundle(const struct cJSON *doc, const char *path, struct fault *fault)
{
    struct buf bundle CLEANUP(buf_free);
    const char *text = json_member_text(json_member(doc, "result"), "base64");
    buf_init(&bundle, TEXT_MAX);
    if (!text || base64_decode(&bundle, slice_of(text)) != ERR_OK)
        return fault_set(fault, ERR_INVALID, "--out", "the answer holds no bundle");
    enum err err = storage_replace(path, buf_slice(&bundle), 0600, fault);
    if (!err)
        (void)printf("%s: %zu bytes\n", path, bundle.len);
    return err;
}

static enum err judge(const struct buf *text, const char *out, struct fault *fault)
{
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    const struct json_limits limits = {.bytes = TEXT_MAX, .depth = 12};
    enum err err = json_parse(buf_slice(text), limits, &doc, fault);
    const char *outcome = json_member_text(doc, "outcome");
    if (!err && out && strcmp(outcome, "done") == 0)
        return keep_bundle(doc, out, fault);
    (void)printf("%s\n", text->data);
    if (err || strcmp(outcome, "done") == 0 || strcmp(outcome, "begun") == 0 ||
        strcmp(outcome, "repeated") == 0 || strcmp(outcome, "waiting") == 0)
        return err;
    return fault_set(fault, ERR_REFUSED, outcome, "%s", json_member_text(doc, "detail"));
}

static enum err ask(struct database *db, struct commands *commands, struct asked *asked,
                    int64_t now_ms, struct fault *fault)
{
    struct id id;
    struct buf text CLEANUP(buf_free);
    bool ended;
    buf_init(&text, TEXT_MAX);
    enum err err = add(db, commands, asked, now_ms, &id, fault);
    if (!err && !asked->no_wait)
        err = wait_for_end(commands, &id, asked->expiry_s + GRACE_S, &text, fault);
    if (!err && asked->no_wait) {
        struct jsonw w = jsonw_to(&text);
        err = commands_write(commands, &id, &w, &ended, fault);
    }
    return err ? err : judge(&text, asked->out, fault);
}

static enum err list(struct commands *commands, const char *device, struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, TEXT_MAX);
    struct jsonw w = jsonw_to(&text);
    jsonw_array(&w, NULL);
    enum err err = commands_list(commands, device, LIST_MAX, &w, fault);
    jsonw_end(&w);
    if (!err)
        (void)printf("%s\n", text.data);
    return err;
}

enum err order_run(const struct hubdb_config *config, int count, char *const *words,
                   struct fault *fault)
{
    struct asked asked = {.expiry_s = COMMAND_EXPIRY_S};
    struct hubdb *hub = NULL;
    struct commands *commands = NULL;
    bool lists = count > 0 && strcmp(words[0], "list") == 0;
    buf_init(&asked.arguments, COMMAND_BYTES_MAX / 2);
    enum err err = lists ? ERR_OK : read_words(count, words, &asked, fault);
    if (!err)
        err = hubdb_open_beside(&hub, config, false, fault);
    if (!err)
        err = commands_open(&commands, hubdb_database(hub), fault);
    if (!err)
        err = lists ? list(commands, count > 1 ? words[1] : "", fault)
                    : ask(hubdb_database(hub), commands, &asked, config->now_ms, fault);
    commands_close(commands);
    hubdb_close(hub);
    buf_free(&asked.arguments);
    return err;
}
