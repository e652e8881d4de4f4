/* The words of a `config` command, as they were given; for config_command.c. */
#ifndef SYNC_HUB_CONFIG_WORDS_H
#define SYNC_HUB_CONFIG_WORDS_H

#include "sync/hub/fleet/rollouts.h"

enum { CONFIG_WORDS_MAX = 64 };

struct config_words {
    const char *words[CONFIG_WORDS_MAX]; /* the verb first */
    int count;
    const char *reason; /* NULL: none was given */
    struct rollout_rules rules;
    bool json;
};

/* ERR_INVALID names the word. `out` holds the rules that are meant where none are given. */
enum err config_words_read(int count, char *const *words, struct config_words *out,
                           struct fault *fault) MUST_CHECK;
const char *config_words_at(const struct config_words *words, int place, const char *fallback);
/* What is put or moved says why: ERR_INVALID without a reason of a sensible length. */
enum err config_words_reason(const struct config_words *words, struct fault *fault) MUST_CHECK;
enum err config_words_number(const char *name, const char *text, int64_t most, int64_t *number,
                             struct fault *fault) MUST_CHECK;

#endif
