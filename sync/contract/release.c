#include "sync/contract/release.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { ARENA_MAX = 4096, MS_PER_MINUTE = 60000, WINDOW_TEXT = sizeof "02:00-05:00" };

struct text {
    const char *version;
    const char *url;
    const char *sha256;
    const char *window;
    int64_t bytes;
    int64_t kib_per_s;
};

static const struct json_field fields[] = {
    {.name = "version",
     .kind = JSON_TEXT,
     .offset = offsetof(struct text, version),
     .min = 1,
     .max = RELEASE_VERSION_MAX},
    {.name = "url",
     .kind = JSON_TEXT,
     .offset = offsetof(struct text, url),
     .min = 1,
     .max = RELEASE_URL_MAX},
    {.name = "sha256",
     .kind = JSON_TEXT,
     .offset = offsetof(struct text, sha256),
     .min = SHA256_TEXT,
     .max = SHA256_TEXT},
    {.name = "bytes",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct text, bytes),
     .min = 1,
     .max = RELEASE_BYTES_MAX},
    {.name = "kib_per_s",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct text, kib_per_s),
     .min = 1,
     .max = 1024 * 1024},
    {.name = "window",
     .kind = JSON_TEXT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct text, window),
     .min = 1,
     .max = WINDOW_TEXT - 1},
};

static const struct json_table table = {
    .fields = fields, .count = sizeof fields / sizeof *fields, .item_size = sizeof(struct text)};

/* "02:30" as the minute of a day; -1 for anything else. */
static int read_minute(const char *text)
{
    for (int i = 0; i < 5; i++)
        if (i == 2 ? text[i] != ':' : text[i] < '0' || text[i] > '9')
            return -1;
    int hour = (text[0] - '0') * 10 + text[1] - '0';
    int minute = (text[3] - '0') * 10 + text[4] - '0';
    return hour < 24 && minute < 60 ? hour * 60 + minute : -1;
}

static enum err read_window(const char *text, struct release_window *window, struct fault *fault)
{
    bool whole = strlen(text) == WINDOW_TEXT - 1 && text[5] == '-';
    int from = whole ? read_minute(text) : -1;
    int to = whole ? read_minute(text + 6) : -1;
    if (from < 0 || to < 0 || from == to)
        return fault_set(fault, ERR_INVALID, "window",
                         "must be two different times, in UTC, like 02:00-05:00");
    *window = (struct release_window){from, to};
    return ERR_OK;
}

static enum err check_version(const char *version, struct fault *fault)
{
    if (strspn(version, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.+~-") !=
        strlen(version))
        return fault_set(fault, ERR_INVALID, "version", "has letters, digits and . + ~ - only");
    return ERR_OK;
}

static enum err check_url(const char *url, struct fault *fault)
{
    const char *rest = strncmp(url, "https://", 8) == 0  ? url + 8
                       : strncmp(url, "http://", 7) == 0 ? url + 7
                                                         : "";
    if (!*rest || *rest == '/' || strpbrk(url, " \t\r\n\"\\"))
        return fault_set(fault, ERR_INVALID, "url", "must be https://host/path or http://...");
    size_t authority = strcspn(rest, "/?#");
    if (memchr(rest, '@', authority))
        return fault_set(fault, ERR_INVALID, "url", "must not carry a user or a password");
    return ERR_OK;
}

enum err release_read(struct slice text, struct release *release, struct fault *fault)
{
    const struct json_limits limits = {.bytes = RELEASE_TEXT_MAX, .depth = 2};
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct arena arena CLEANUP(arena_free);
    struct text read = {0};
    struct release made = {.bytes = 0};
    arena_init(&arena, ARENA_MAX);
    enum err err = json_parse(text, limits, &doc, fault);
    if (!err)
        err = json_read(doc, &table, &read, &arena, fault);
    if (!err)
        err = check_version(read.version, fault);
    if (!err)
        err = check_url(read.url, fault);
    if (!err && sha256_parse(slice_of(read.sha256), &made.hash) != ERR_OK)
        err = fault_set(fault, ERR_INVALID, "sha256", "must be %d hexadecimal digits", SHA256_TEXT);
    if (!err && read.window)
        err = read_window(read.window, &made.window, fault);
    if (err)
        return err;
    (void)snprintf(made.version, sizeof made.version, "%s", read.version);
    (void)snprintf(made.url, sizeof made.url, "%s", read.url);
    made.bytes = read.bytes;
    made.kib_per_s = read.kib_per_s;
    *release = made;
    return ERR_OK;
}

void release_write(struct jsonw *w, const struct release *release)
{
    char hash[SHA256_TEXT + 1];
    char window[4 * 12];
    const struct release_window *open = &release->window;
    sha256_format(&release->hash, hash);
    jsonw_text(w, "version", release->version);
    jsonw_text(w, "url", release->url);
    jsonw_text(w, "sha256", hash);
    if (release->bytes)
        jsonw_int(w, "bytes", release->bytes);
    if (release->kib_per_s)
        jsonw_int(w, "kib_per_s", release->kib_per_s);
    if (open->from_minute == open->to_minute)
        return;
    (void)snprintf(window, sizeof window, "%02d:%02d-%02d:%02d", open->from_minute / 60,
                   open->from_minute % 60, open->to_minute / 60, open->to_minute % 60);
    jsonw_text(w, "window", window);
}

bool release_equal(const struct release *a, const struct release *b)
{
    return strcmp(a->version, b->version) == 0 && sha256_equal(&a->hash, &b->hash);
}

bool release_window_open(const struct release_window *window, int64_t wall_ms)
{
    int minute = (int)(wall_ms / MS_PER_MINUTE % RELEASE_DAY_MINUTES);
    if (window->from_minute == window->to_minute)
        return true;
    if (window->from_minute < window->to_minute)
        return minute >= window->from_minute && minute < window->to_minute;
    return minute >= window->from_minute || minute < window->to_minute;
}
