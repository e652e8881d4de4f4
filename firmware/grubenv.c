#include "firmware/grubenv.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const char signature[] = "# GRUB Environment Block\n";

enum { SIGNATURE_LEN = sizeof signature - 1, LINE_MAX_BYTES = GRUBENV_USED };

void grubenv_clear(struct grubenv *env)
{
    memset(env->block, '#', sizeof env->block);
    memcpy(env->block, signature, SIGNATURE_LEN);
}

/* The line at `at`, without its end; 0 at the filling or the end of what is used. */
static size_t line_length(const struct grubenv *env, size_t at)
{
    const char *end = memchr(env->block + at, '\n', GRUBENV_USED - at);
    return end && env->block[at] != '#' ? (size_t)(end - env->block) - at : 0;
}

/* Where the variables end. */
static size_t used(const struct grubenv *env)
{
    size_t at = SIGNATURE_LEN;
    for (size_t length; at < GRUBENV_USED && (length = line_length(env, at)) > 0;)
        at += length + 1;
    return at;
}

/* Whether it is the signature, lines of NAME=VALUE, and nothing but filling after them. */
static bool is_block(const struct grubenv *env)
{
    if (memcmp(env->block, signature, SIGNATURE_LEN) != 0)
        return false;
    size_t at = SIGNATURE_LEN;
    for (size_t length; at < GRUBENV_USED && (length = line_length(env, at)) > 0;) {
        if (!memchr(env->block + at, '=', length))
            return false;
        at += length + 1;
    }
    for (; at < GRUBENV_SIZE; at++)
        if (env->block[at] != '#')
            return false;
    return true;
}

enum err grubenv_read(struct grubenv *env, const char *path, struct fault *fault)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return fault_set(fault, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, path, "%s",
                         strerror(errno));
    struct grubenv read_env;
    char more;
    ssize_t got = pread(file, read_env.block, sizeof read_env.block, 0);
    ssize_t beyond = pread(file, &more, 1, GRUBENV_SIZE);
    (void)close(file);
    if (got < 0)
        return fault_set(fault, ERR_IO, path, "%s", strerror(errno));
    if (got != GRUBENV_SIZE || beyond != 0 || !is_block(&read_env))
        return fault_set(fault, ERR_CORRUPT, path, "this is no environment block");
    *env = read_env;
    return ERR_OK;
}

enum err grubenv_write(const struct grubenv *env, const char *path, struct fault *fault)
{
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0)
        return fault_set(fault, ERR_IO, path, "%s", strerror(errno));
    bool done = pwrite(file, env->block, GRUBENV_SIZE, 0) == GRUBENV_SIZE &&
                ftruncate(file, GRUBENV_SIZE) == 0 && fsync(file) == 0;
    int cause = errno;
    done = close(file) == 0 && done;
    return done ? ERR_OK : fault_set(fault, ERR_IO, path, "%s", strerror(cause));
}

static bool is_name(const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)name[i]) && name[i] != '_')
            return false;
    return length > 0 && length <= GRUBENV_NAME_MAX;
}

static bool is_value(const char *value)
{
    size_t length = strlen(value);
    for (size_t i = 0; i < length; i++)
        if (!isprint((unsigned char)value[i]) || value[i] == '\\')
            return false;
    return length <= GRUBENV_VALUE_MAX;
}

void grubenv_unset(struct grubenv *env, const char *name)
{
    size_t name_length = strlen(name);
    size_t end = used(env);
    for (size_t at = SIGNATURE_LEN, length; at < end; at += length + 1) {
        length = line_length(env, at);
        const char *line = env->block + at;
        if (length <= name_length || memcmp(line, name, name_length) != 0 ||
            line[name_length] != '=')
            continue;
        size_t next = at + length + 1;
        memmove(env->block + at, env->block + next, end - next);
        memset(env->block + end - (next - at), '#', next - at);
        return;
    }
}

enum err grubenv_set(struct grubenv *env, const char *name, const char *value, struct fault *fault)
{
    if (!is_name(name))
        return fault_set(fault, ERR_INVALID, name, "a name is of letters, digits and '_'");
    if (!is_value(value))
        return fault_set(fault, ERR_INVALID, name, "the value holds what the block can't");
    struct grubenv changed = *env;
    grubenv_unset(&changed, name);
    size_t at = used(&changed);
    size_t name_length = strlen(name);
    size_t value_length = strlen(value);
    if (at + name_length + 1 + value_length + 1 > GRUBENV_USED)
        return fault_set(fault, ERR_TOO_LARGE, name, "the first %d bytes are full", GRUBENV_USED);
    char *line = changed.block + at;
    memcpy(line, name, name_length);
    line[name_length] = '=';
    memcpy(line + name_length + 1, value, value_length);
    line[name_length + 1 + value_length] = '\n';
    *env = changed;
    return ERR_OK;
}

void grubenv_each(const struct grubenv *env, void (*visit)(void *context, const char *text),
                  void *context)
{
    size_t end = used(env);
    for (size_t at = SIGNATURE_LEN, length; at < end; at += length + 1) {
        length = line_length(env, at);
        char text[LINE_MAX_BYTES];
        memcpy(text, env->block + at, length);
        text[length] = '\0';
        visit(context, text);
    }
}
