#include "sync/hub/device_words.h"
#include "hal/base/json_scan.h"

#include <string.h>

enum { DAYS_MAX = 365, HOURS_MAX = 72 };

static bool takes_option(const char *takes, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = takes; *at; at += strspn(at, " ")) {
        size_t word = strcspn(at, " ");
        if (word == len && memcmp(at, name, len) == 0)
            return true;
        at += word;
    }
    return false;
}

static const char **text_of(struct device_words *words, const char *name)
{
    const struct {
        const char *name;
        const char **text;
    } texts[] = {{"store", &words->store}, {"name", &words->name},     {"id", &words->id},
                 {"out", &words->out},     {"reason", &words->reason}, {"action", &words->action}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(texts[i].name, name) == 0)
            return texts[i].text;
    return NULL;
}

static enum err read_number(const char *option, const char *text, int64_t most, int64_t *number,
                            struct fault *fault)
{
    if (json_scan_int(slice_of(text), number) != ERR_OK || *number < 1 || *number > most)
        return fault_set(fault, ERR_INVALID, option, "must be from 1 to %lld", (long long)most);
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
            err = read_number("--days", words[++i], DAYS_MAX, &read.days, fault);
        else if (strcmp(name, "hours") == 0)
            err = read_number("--hours", words[++i], HOURS_MAX, &read.hours, fault);
        else
            *text_of(&read, name) = words[++i];
    }
    if (!err)
        *out = read;
    return err;
}
