#include "agent/endings.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"
#include "hal/storage.h"

#include <limits.h>
#include <string.h>

enum { TEXT_MAX = 256 };

static const char running_word[] = "running";

static enum err path_of(const char *folder, char path[static PATH_MAX], struct fault *fault)
{
    return storage_path(path, PATH_MAX, folder, "ending")
               ? fault_set(fault, ERR_TOO_LARGE, folder, "the path is too long")
               : ERR_OK;
}

static enum err write_file(const char *folder, bool running, const struct endings *endings,
                           struct fault *fault)
{
    char path[PATH_MAX];
    struct buf text CLEANUP(buf_free);
    buf_init(&text, TEXT_MAX);
    struct jsonw w = jsonw_to(&text);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "state", running ? running_word : "ended");
    jsonw_int(&w, "torn", endings->torn);
    jsonw_int(&w, "last_torn_ms", endings->last_torn_ms);
    jsonw_end(&w);
    enum err err = buf_check(&text, fault, "ending");
    if (!err)
        err = path_of(folder, path, fault);
    return err ? err : storage_replace(path, buf_slice(&text), 0600, fault);
}

/* Whether the end before was torn off. */
static bool read_file(const char *folder, struct endings *endings)
{
    char path[PATH_MAX];
    struct buf text CLEANUP(buf_free);
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    buf_init(&text, TEXT_MAX);
    if (path_of(folder, path, NULL) != ERR_OK || storage_read(path, &text, NULL) != ERR_OK ||
        json_parse(buf_slice(&text), JSON_LIMITS_DEFAULT, &doc, NULL) != ERR_OK)
        return false;
    endings->torn = json_member_int(doc, "torn", 0);
    endings->last_torn_ms = json_member_int(doc, "last_torn_ms", 0);
    const char *state = json_member_text(doc, "state");
    return state && strcmp(state, running_word) == 0;
}

void endings_begin(struct endings *endings, const char *folder, int64_t now_ms, struct diag *diag)
{
    struct fault fault;
    *endings = (struct endings){.noted = false};
    bool torn = read_file(folder, endings);
    if (torn) {
        endings->torn++;
        endings->last_torn_ms = now_ms;
    }
    endings->noted = write_file(folder, true, endings, &fault) == ERR_OK;
    if (!endings->noted)
        diag_fault(diag, DIAG_WARN, "appliance.ending", &fault);
    else if (torn)
        diag_write(diag, DIAG_WARN, "appliance.torn",
                   "it was not ended well: a power cut, or it was killed (%lld times by now)",
                   (long long)endings->torn);
}

void endings_end_well(const struct endings *endings, const char *folder, struct diag *diag)
{
    struct fault fault;
    if (endings->noted && write_file(folder, false, endings, &fault) != ERR_OK)
        diag_fault(diag, DIAG_WARN, "appliance.ending", &fault);
}

void endings_describe(const struct endings *endings, struct jsonw *w)
{
    jsonw_object(w, "torn_ends");
    jsonw_int(w, "count", endings->torn);
    if (endings->last_torn_ms)
        jsonw_time(w, "last", endings->last_torn_ms);
    jsonw_end(w);
}
