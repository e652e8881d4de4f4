/*
 * A whole appliance is asked over HTTP by a till of its own. The input: a method and an address
 * with its query, a newline, the body. Whatever is asked, it answers, and never that it failed.
 */
#include "agent/appliance.h"
#include "agent/people/local.h"
#include "agent/service/setup.h"
#include "tests/support/fuzz_ground.h"
#include "tests/support/http_asker.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { INSIDE = 500 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__asan_default_options(void);

/* The appliance's thread makes and frees while an input is tried. */
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

static struct appliance *appliance;
static struct local_way way;

static void *run(void *context)
{
    (void)context;
    (void)appliance_run(appliance);
    return NULL;
}

static void open_all(void)
{
    struct fault fault;
    struct settings *settings;
    pthread_t thread;
    (void)signal(SIGPIPE, SIG_IGN);
    const char *folder = fuzz_folder()->path;
    fuzz_must(settings_open(&settings, appliance_settings, appliance_setting_count, &fault),
              &fault);
    fuzz_must(settings_set(settings, "http.listen=127.0.0.1:0", &fault), &fault);
    fuzz_must(appliance_open(&appliance, folder, settings, &fault), &fault);
    fuzz_must(local_read(folder, &way, &fault), &fault);
    if (pthread_create(&thread, NULL, run, NULL) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *newline = memchr(data, '\n', size);
    size_t line = newline ? (size_t)(newline - (const char *)data) : size;
    size_t used = line + (newline != NULL);
    if (!appliance)
        open_all();
    const struct http_asking asking = {.address = way.address,
                                       .token = way.token,
                                       .line = {(const char *)data, line},
                                       .body = {(const char *)data + used, size - used}};
    /* What isn't a line of a request at all is hung up on. */
    if (http_asker_ask(&asking) == INSIDE)
        abort();
    return 0;
}
