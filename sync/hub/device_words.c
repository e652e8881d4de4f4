#include "sync/hub/device_words.h"
#include "hal/base/json_scan.h"

#include <string.h>

static bool takes_option(const char *takes, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = takes; (at = strstr(at, name)); at += len)
        if ((at == takes || at[-1] == ' ') && (at[len] == ' ' || !at[len]))
            return true;
    return false;
}

static const char **text_of(struct device_words *words, const char *name)
{
    const struct {
        const char *name;
        const char **text;
    } texts[] = {{"store", &words->store},
                 {"name", &words->name},
                 {"id", &words->id},
                 {"out", &words->out},
                 {"reason", &words->reason}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(texts[i].name, name) == 0)
            return texts[i].text;
    return NULL;
}

static enum err read_days(const char *text, int64_t *days, struct fault *fault)
{
    if (json_scan_int(slice_of(text), days) != ERR_OK || *days < 1 || *days > 365)
        return fault_set(fault, ERR_INVALID, "--days", "must be from 1 to 365");
    return ERR_OK;
}

enum err device_words_read(int count, char *const *words, const char *takes,
                           struct device_words *out, struct fault *fault)
{
    struct device_words read = {.subject = NULL};
    enum err err = ERR_OK;
    for (int i = 0; !err && i < count; i++) {
        const char *name = strncmp(words[i], "--", 2) == 0 ? words[i] + 2 : NULL;
        const char *value = i + 1 < count ? words[i + 1] : NULL;
        if (!name && !read.subject)
            read.subject = words[i];
        else if (name && strcmp(name, "json") == 0)
            read.json = true;
        else if (!name || !takes_option(takes, name))
            err = fault_set(fault, ERR_INVALID, words[i], "is not understood here");
        else if (strcmp(name, "force") == 0)
            read.force = true;
        else if (!value)
            err = fault_set(fault, ERR_INVALID, words[i], "needs a value");
        else if (strcmp(name, "days") == 0)
            err = read_days(words[++i], &read.days, fault);
        else
            *text_of(&read, name) = words[++i];
    }
    if (!err)
        *out = read;
    return err;
}
