/*
 * A whole hub is asked over HTTP by somebody of the centre. The input: a byte that says in which
 * role, a method and an address with its query, a newline, the body. Whatever is asked, it answers,
 * and never that it failed.
 */
#include "sync/hub/ca.h"
#include "sync/hub/hub.h"
#include "sync/hub/hub_settings.h"
#include "sync/hub/ingest/access.h"
#include "sync/hub/ingest/hubdb.h"
#include "tests/support/fuzz_ground.h"
#include "tests/support/http_asker.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { INSIDE = 500, ROLES = ACCESS_PROVIDER };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__asan_default_options(void);

/* The hub's threads make and free while an input is tried. */
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

static char path[SCRATCH_PATH_MAX];
static char tokens[ROLES][ACCESS_TOKEN_TEXT + 1];
static struct hub *hub;

static void *run(void *loop)
{
    loop_run(loop);
    return NULL;
}

static void make_tokens(int64_t now_ms)
{
    struct fault fault;
    struct hubdb *made;
    const struct hubdb_config config = {
        .path = path, .folder = fuzz_folder()->path, .now_ms = now_ms};
    fuzz_must(hubdb_open(&made, &config, &fault), &fault);
    struct database *db = hubdb_database(made);
    fuzz_must(database_begin(db, &fault), &fault);
    for (int role = 0; role < ROLES; role++) {
        const struct access_holder holder = {"somebody", (enum access_role)role};
        fuzz_must(access_add(db, &holder, now_ms, tokens[role], &fault), &fault);
    }
    fuzz_must(database_commit(db, &fault), &fault);
    hubdb_close(made);
}

static void open_all(void)
{
    static char init[] = "init";
    char *const words[] = {init};
    struct fault fault;
    struct settings *settings;
    struct clock *clock;
    struct loop *loop;
    pthread_t thread;
    (void)signal(SIGPIPE, SIG_IGN);
    const char *folder = fuzz_folder()->path;
    (void)scratch_path(fuzz_folder(), "hub.db", path);
    fuzz_must(clock_open(&clock, 0, &fault), &fault);
    const int64_t now_ms = clock_wall_ms(clock);
    fuzz_must(ca_run(folder, 1, words, now_ms, &fault), &fault);
    make_tokens(now_ms);
    fuzz_must(settings_open(&settings, hub_settings, hub_settings_count, &fault), &fault);
    fuzz_must(settings_set(settings, "http.listen=127.0.0.1:0", &fault), &fault);
    fuzz_must(settings_set(settings, "broker.url=mqtts://127.0.0.1:9", &fault), &fault);
    fuzz_must(loop_open(&loop, &fault), &fault);
    const struct hub_config config = {
        .state = folder,
        .database = path,
        .settings = settings,
        .clock = clock,
        .diag = diag_open(open("/dev/null", O_WRONLY), "fuzz", DIAG_ERROR),
    };
    fuzz_must(hub_open(&hub, loop, &config, &fault), &fault);
    if (pthread_create(&thread, NULL, run, loop) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!hub)
        open_all();
    if (!size)
        return 0;
    const char *text = (const char *)data + 1;
    const char *newline = memchr(text, '\n', size - 1);
    size_t line = newline ? (size_t)(newline - text) : size - 1;
    size_t used = line + (newline != NULL);
    const struct http_asking asking = {.address = hub_address(hub),
                                       .token = tokens[data[0] % ROLES],
                                       .line = {text, line},
                                       .body = {text + used, size - 1 - used}};
    /* What isn't a line of a request at all is hung up on. */
    if (http_asker_ask(&asking) == INSIDE)
        abort();
    return 0;
}
