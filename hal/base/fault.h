/*
 * Errors: one table of codes, each with a class, and the context of one failure.
 *
 * A function that can fail returns `enum err` and, where a person will read the reason, takes a
 * caller-owned `struct fault` that it fills. Results are written last and stay untouched on
 * failure. Library code never prints. No threading of its own: a fault belongs to its caller.
 */
#ifndef HAL_BASE_FAULT_H
#define HAL_BASE_FAULT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What a caller does next. RETRY: the same call may succeed later. PARK: a person must decide, the
 * same input will fail again. FATAL: the program can't go on with this resource as it is.
 */
enum err_class { ERR_CLASS_NONE, ERR_CLASS_RETRY, ERR_CLASS_PARK, ERR_CLASS_FATAL };

/* name, name in lower case, class, what it means in words */
#define ERR_TABLE(X)                                                                               \
    X(OK, ok, NONE, "fine")                                                                        \
    X(NO_MEMORY, no_memory, RETRY, "out of memory")                                                \
    X(IO, io, RETRY, "input or output failed")                                                     \
    X(DISK_FULL, disk_full, RETRY, "no space left on the disk")                                    \
    X(TIMEOUT, timeout, RETRY, "it took too long")                                                 \
    X(UNREACHABLE, unreachable, RETRY, "the other side can't be reached")                          \
    X(CLOSED, closed, RETRY, "the other side closed the connection")                               \
    X(BUSY, busy, RETRY, "busy, try again")                                                        \
    X(UNKNOWN_OUTCOME, unknown_outcome, RETRY,                                                     \
      "it may or may not have happened, ask again with the same key")                              \
    X(TLS, tls, RETRY, "the secure connection was refused")                                        \
    X(INVALID, invalid, PARK, "not valid")                                                         \
    X(TOO_LARGE, too_large, PARK, "larger than the limit")                                         \
    X(TOO_DEEP, too_deep, PARK, "nested deeper than the limit")                                    \
    X(NOT_FOUND, not_found, PARK, "not found")                                                     \
    X(CONFLICT, conflict, PARK, "differs from what is already known under this name")              \
    X(REFUSED, refused, PARK, "refused by a rule")                                                 \
    X(FORBIDDEN, forbidden, PARK, "not allowed")                                                   \
    X(UNSUPPORTED, unsupported, PARK, "not supported")                                             \
    X(CORRUPT, corrupt, FATAL, "stored data is damaged")                                           \
    X(FORKED, forked, FATAL, "a log went back in time")                                            \
    X(NEWER_SCHEMA, newer_schema, FATAL, "made by a newer version of this program")                \
    X(LOCKED, locked, FATAL, "in use by another process")                                          \
    X(READ_ONLY, read_only, FATAL, "can't be written to")

enum err {
#define ERR_ENUM(upper, lower, class, text) ERR_##upper,
    ERR_TABLE(ERR_ENUM)
#undef ERR_ENUM
};

enum { FAULT_WHERE_MAX = 128, FAULT_TEXT_MAX = 384 };

/* One failure: its code, the field, file or peer concerned (may be empty), and a sentence. */
struct fault {
    enum err code;
    char where[FAULT_WHERE_MAX];
    char text[FAULT_TEXT_MAX];
};

#define MUST_CHECK __attribute__((warn_unused_result))

/* Stable lower-case name ("disk_full"), for JSON and metrics. */
const char *err_name(enum err code);
/* The table's sentence. */
const char *err_text(enum err code);
enum err_class err_class(enum err code);

/*
 * Records a failure and returns `code`, so that `return fault_set(f, ERR_INVALID, ...)` reads as
 * one step. `fault` may be NULL: then only the code is returned. `where` may be "".
 */
enum err fault_set(struct fault *fault, enum err code, const char *where, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The analyser sees one file at a time: it is told here that the code comes back. */
#ifdef __clang_analyzer__
#define fault_set(fault, code, ...) ((void)(fault_set)(fault, code, __VA_ARGS__), (code))
#endif

/* Like fault_set, with the code and text of an errno value; ENOSPC becomes ERR_DISK_FULL, ... */
enum err fault_errno(struct fault *fault, int error, const char *where, const char *doing);

/* Puts "doing: " before the text already there; returns the fault's code. */
enum err fault_wrap(struct fault *fault, enum err code, const char *doing);

/* Puts a path's head before `where`: "lines[2]" and "quantity" become "lines[2].quantity". */
void fault_within(struct fault *fault, const char *head);

/* The same for the file that it was read from: "policy.json: rules[2]". */
void fault_in_file(struct fault *fault, const char *file);

#endif
