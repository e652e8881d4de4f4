#include "hal/base/fault.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct err_row {
    const char *name;
    enum err_class class;
    const char *text;
};

static const struct err_row rows[] = {
#define ERR_ROW(upper, lower, class, text) [ERR_##upper] = {#lower, ERR_CLASS_##class, text},
    ERR_TABLE(ERR_ROW)
#undef ERR_ROW
};

static const struct err_row *row_of(enum err code)
{
    assert((size_t)code < sizeof rows / sizeof *rows);
    return &rows[code];
}

const char *err_name(enum err code)
{
    return row_of(code)->name;
}

const char *err_text(enum err code)
{
    return row_of(code)->text;
}

enum err_class err_class(enum err code)
{
    return row_of(code)->class;
}

enum err(fault_set)(struct fault *fault, enum err code, const char *where, const char *format, ...)
{
    if (!fault)
        return code;
    fault->code = code;
    (void)snprintf(fault->where, sizeof fault->where, "%s", where);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(fault->text, sizeof fault->text, format, args);
    va_end(args);
    return code;
}

static enum err code_of_errno(int error)
{
    switch (error) {
    case ENOSPC:
    case EDQUOT:
        return ERR_DISK_FULL;
    case ENOMEM:
        return ERR_NO_MEMORY;
    case ENOENT:
    case ENODEV:
    case ENXIO:
        return ERR_NOT_FOUND;
    case EACCES:
    case EPERM:
        return ERR_FORBIDDEN;
    case EROFS:
        return ERR_READ_ONLY;
    case ETIMEDOUT:
        return ERR_TIMEOUT;
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH:
        return ERR_UNREACHABLE;
    case EPIPE:
    case ECONNRESET:
        return ERR_CLOSED;
    default:
        return ERR_IO;
    }
}

enum err fault_errno(struct fault *fault, int error, const char *where, const char *doing)
{
    return fault_set(fault, code_of_errno(error), where, "%s: %s", doing, strerror(error));
}

enum err fault_wrap(struct fault *fault, enum err code, const char *doing)
{
    if (!fault)
        return code;
    char inner[FAULT_TEXT_MAX];
    memcpy(inner, fault->text, sizeof inner);
    (void)snprintf(fault->text, sizeof fault->text, "%s: %.*s", doing, FAULT_TEXT_MAX - 64, inner);
    return code;
}

static void join(struct fault *fault, const char *head, const char *joint)
{
    char tail[FAULT_WHERE_MAX];
    memcpy(tail, fault->where, sizeof tail);
    (void)snprintf(fault->where, sizeof fault->where, "%s%s%.*s", head, joint, FAULT_WHERE_MAX - 40,
                   tail);
}

void fault_within(struct fault *fault, const char *head)
{
    if (fault)
        join(fault, head, fault->where[0] && fault->where[0] != '[' ? "." : "");
}

void fault_in_file(struct fault *fault, const char *file)
{
    if (fault)
        join(fault, file, fault->where[0] ? ": " : "");
}
