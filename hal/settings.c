#include "hal/settings.h"
#include "hal/base/cleanup.h"
#include "hal/storage.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX_BYTES = 64 * 1024, KEY_MAX = 64 };

struct given {
    struct given *next;
    const struct setting *setting;
    char *name; /* the last part of a "prefix.*" key, or "" */
    char *value;
};

struct settings {
    const struct setting *table;
    size_t count;
    struct given *first;
};

enum err settings_open(struct settings **out, const struct setting *table, size_t count,
                       struct fault *fault)
{
    struct settings *settings = calloc(1, sizeof *settings);
    if (!settings)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    settings->table = table;
    settings->count = count;
    *out = settings;
    return ERR_OK;
}

void settings_close(struct settings *settings)
{
    if (!settings)
        return;
    while (settings->first) {
        struct given *next = settings->first->next;
        free(settings->first->name);
        free(settings->first->value);
        free(settings->first);
        settings->first = next;
    }
    free(settings);
}

/* The part of `key` that the star of "prefix.*" stands for; NULL if it doesn't fit. */
static const char *star_part(const char *pattern, const char *key)
{
    size_t len = strlen(pattern);
    if (len < 2 || pattern[len - 1] != '*' || strncmp(pattern, key, len - 1) != 0)
        return NULL;
    return key[len - 1] ? key + len - 1 : NULL;
}

static const struct setting *find(const struct settings *settings, const char *key,
                                  const char **name)
{
    for (size_t i = 0; i < settings->count; i++) {
        const struct setting *setting = &settings->table[i];
        const char *part = star_part(setting->key, key);
        if (part || strcmp(setting->key, key) == 0) {
            *name = part ? part : "";
            return setting;
        }
    }
    return NULL;
}

static enum err check_value(const struct setting *setting, const char *key, const char *value,
                            struct fault *fault)
{
    if (setting->kind == SETTING_FLAG && strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
        return fault_set(fault, ERR_INVALID, key, "must be yes or no, not \"%s\"", value);
    if (setting->kind != SETTING_INT)
        return ERR_OK;
    char *end;
    errno = 0;
    long long number = strtoll(value, &end, 10);
    if (errno || end == value || *end || number < setting->min || number > setting->max)
        return fault_set(fault, ERR_INVALID, key, "must be a whole number from %lld to %lld",
                         (long long)setting->min, (long long)setting->max);
    return ERR_OK;
}

static struct given *find_given(const struct settings *settings, const struct setting *setting,
                                const char *name)
{
    for (struct given *given = settings->first; given; given = given->next)
        if (given->setting == setting && strcmp(given->name, name) == 0)
            return given;
    return NULL;
}

/* Appends, so that settings_each visits in the order given. */
static struct given *add_given(struct settings *settings, const struct setting *setting,
                               const char *name)
{
    struct given *given = calloc(1, sizeof *given);
    if (!given)
        return NULL;
    given->setting = setting;
    given->name = strdup(name);
    if (!given->name) {
        free(given);
        return NULL;
    }
    struct given **at = &settings->first;
    while (*at)
        at = &(*at)->next;
    *at = given;
    return given;
}

static enum err keep(struct settings *settings, const struct setting *setting, const char *name,
                     const char *value, struct fault *fault)
{
    char *copy = strdup(value);
    struct given *given = find_given(settings, setting, name);
    if (copy && !given)
        given = add_given(settings, setting, name);
    if (!copy || !given) {
        free(copy);
        return fault_set(fault, ERR_NO_MEMORY, setting->key, "out of memory");
    }
    free(given->value);
    given->value = copy;
    return ERR_OK;
}

enum err settings_set(struct settings *settings, const char *assignment, struct fault *fault)
{
    const char *equals = strchr(assignment, '=');
    if (!equals || equals == assignment || equals - assignment >= KEY_MAX)
        return fault_set(fault, ERR_INVALID, assignment, "must look like KEY=VALUE");
    char key[KEY_MAX];
    memcpy(key, assignment, (size_t)(equals - assignment));
    key[equals - assignment] = '\0';
    const char *name;
    const struct setting *setting = find(settings, key, &name);
    if (!setting)
        return fault_set(fault, ERR_INVALID, key, "is not a setting; --help lists them");
    enum err err = check_value(setting, key, equals + 1, fault);
    return err ? err : keep(settings, setting, name, equals + 1, fault);
}

static char *trim(char *line)
{
    line += strspn(line, " \t\r");
    size_t len = strlen(line);
    while (len && strchr(" \t\r", line[len - 1]))
        line[--len] = '\0';
    return line;
}

enum err settings_load(struct settings *settings, const char *path, struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, FILE_MAX_BYTES);
    enum err err = storage_read(path, &text, fault);
    if (err)
        return err;
    if (text.len && memchr(text.data, '\0', text.len))
        return fault_set(fault, ERR_INVALID, path, "not a text: it holds a NUL byte");
    int number = 0;
    char *rest = text.data;
    while (rest && !err) {
        char *line = trim(strsep(&rest, "\n"));
        number++;
        if (*line && *line != '#')
            err = settings_set(settings, line, fault);
    }
    if (err && fault) {
        char place[FAULT_WHERE_MAX];
        (void)snprintf(place, sizeof place, "%.90s:%d", path, number);
        fault_within(fault, place);
    }
    return err;
}

const char *settings_text(const struct settings *settings, const char *key)
{
    const char *name;
    const struct setting *setting = find(settings, key, &name);
    assert(setting);
    const struct given *given = find_given(settings, setting, name);
    return given ? given->value : setting->fallback;
}

int64_t settings_int(const struct settings *settings, const char *key)
{
    const char *text = settings_text(settings, key);
    return text ? strtoll(text, NULL, 10) : 0;
}

bool settings_flag(const struct settings *settings, const char *key)
{
    const char *text = settings_text(settings, key);
    return text && strcmp(text, "yes") == 0;
}

enum err settings_each(const struct settings *settings, const char *key, settings_visit *visit,
                       void *context, struct fault *fault)
{
    for (const struct given *given = settings->first; given; given = given->next) {
        if (strcmp(given->setting->key, key) != 0)
            continue;
        enum err err = visit(context, given->name, given->value, fault);
        if (err)
            return err;
    }
    return ERR_OK;
}

void settings_help(const struct setting *table, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "  %-26s %s%s%s%s\n", table[i].key, table[i].help,
                   table[i].fallback ? " [" : "", table[i].fallback ? table[i].fallback : "",
                   table[i].fallback ? "]" : "");
}
