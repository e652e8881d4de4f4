#include "sync/hub/config_words.h"
#include "sync/hub/ingest/access.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum err config_words_number(const char *name, const char *text, int64_t most, int64_t *number,
                             struct fault *fault)
{
    char *end;
    long long read = strtoll(text, &end, 10);
    if (end == text || *end || read < 0 || read > most)
        return fault_set(fault, ERR_INVALID, name, "must be a number up to %" PRId64, most);
    *number = read;
    return ERR_OK;
}

static enum err take_option(struct config_words *out, const char *name, const char *value,
                            struct fault *fault)
{
    const struct {
        const char *name;
        int64_t *number;
        int64_t most;
    } numbers[] = {
        {"--canary", &out->rules.canary, 10000},
        {"--failure-percent", &out->rules.failure_percent, 100},
        {"--silence", &out->rules.silence_s, 2592000},
        {"--soak", &out->rules.soak_s, 2592000},
        {"--backlog", &out->rules.backlog_events, INT64_C(1) << 40},
    };
    if (!value)
        return fault_set(fault, ERR_INVALID, name, "needs a value");
    if (strcmp(name, "--reason") == 0) {
        out->reason = value;
        return ERR_OK;
    }
    if (strcmp(name, "--percents") == 0)
        return rollout_percents_read(value, &out->rules, fault);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (strcmp(name, numbers[i].name) == 0)
            return config_words_number(name, value, numbers[i].most, numbers[i].number, fault);
    return fault_set(fault, ERR_INVALID, name, "is not an option of config");
}

enum err config_words_read(int count, char *const *words, struct config_words *out,
                           struct fault *fault)
{
    enum err err = ERR_OK;
    for (int i = 0; !err && i < count; i++) {
        if (strcmp(words[i], "--json") == 0)
            out->json = true;
        else if (strncmp(words[i], "--", 2) == 0) {
            err = take_option(out, words[i], i + 1 < count ? words[i + 1] : NULL, fault);
            i++;
        } else if (out->count < CONFIG_WORDS_MAX)
            out->words[out->count++] = words[i];
        else
            err = fault_set(fault, ERR_INVALID, words[i], "too many words");
    }
    return err;
}

const char *config_words_at(const struct config_words *words, int place, const char *fallback)
{
    return words->count > place ? words->words[place] : fallback;
}

enum err config_words_reason(const struct config_words *words, struct fault *fault)
{
    if (!words->reason || strlen(words->reason) < 3 || strlen(words->reason) > ACCESS_REASON_MAX)
        return fault_set(fault, ERR_INVALID, "--reason", "must say why, in 3 to %d bytes",
                         ACCESS_REASON_MAX);
    return ERR_OK;
}
