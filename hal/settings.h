/*
 * A program's settings: a table of keys with defaults, overridden by a file of KEY=VALUE lines and
 * then by --set KEY=VALUE, in that order. A key ending in ".*" ("scanner.*") takes any last part
 * and may be given many times. Unknown keys and bad values are refused with the key and the rule.
 * Filled by one thread, then read by any; only loading blocks on the disk.
 */
#ifndef HAL_SETTINGS_H
#define HAL_SETTINGS_H

#include "hal/base/buf.h"

enum setting_kind { SETTING_TEXT, SETTING_INT, SETTING_FLAG };

struct setting {
    const char *key;
    enum setting_kind kind;
    const char *fallback; /* as text; NULL: not set */
    int64_t min;          /* SETTING_INT */
    int64_t max;
    const char *help;
};

struct settings;

enum err settings_open(struct settings **settings, const struct setting *table, size_t count,
                       struct fault *fault) MUST_CHECK;
void settings_close(struct settings *settings); /* takes NULL */

/* "KEY=VALUE". The value is copied. */
enum err settings_set(struct settings *settings, const char *assignment,
                      struct fault *fault) MUST_CHECK;
/* Lines of KEY=VALUE; empty lines and lines that begin with # are skipped. At most 64 KiB. */
enum err settings_load(struct settings *settings, const char *path, struct fault *fault) MUST_CHECK;

/* The value or the default; NULL when neither is set. The key must be in the table. */
const char *settings_text(const struct settings *settings, const char *key);
int64_t settings_int(const struct settings *settings, const char *key);
bool settings_flag(const struct settings *settings, const char *key);
/* Visits the given values of a "prefix.*" key: `name` is the last part of the key. */
typedef enum err settings_visit(void *context, const char *name, const char *value,
                                struct fault *fault);
enum err settings_each(const struct settings *settings, const char *key, settings_visit *visit,
                       void *context, struct fault *fault) MUST_CHECK;
/* One line a key: name, default, help; for --help. */
void settings_help(const struct setting *table, size_t count, struct buf *out);

#endif
