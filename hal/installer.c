#include "hal/installer.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { CHUNK = 1024, ARENA_MAX = 8 * 1024, QUESTION_MAX = PATH_MAX + 16 };

struct installer {
    installer_answered *answered;
    void *context;
    struct loop_poll *poll;
    int fd;
    struct buf line;
};

/* --- What it says ---------------------------------------------------------------------------- */

static const char *const result_words[] = {
#define WORD(upper, lower) #lower,
    INSTALLER_RESULTS(WORD)
#undef WORD
        NULL,
};

const char *installer_result_name(enum installer_result result)
{
    return result_words[result];
}

struct text {
    int result;
    const char *version;
    const char *running;
    const char *slot;
    const char *reason;
};

#define TEXT(member, most)                                                                         \
    {                                                                                              \
        .name = #member, .kind = JSON_TEXT, .presence = JSON_OPTIONAL,                             \
        .offset = offsetof(struct text, member), .max = (most)                                     \
    }

static const struct json_field fields[] = {
    {.name = "result",
     .kind = JSON_CHOICE,
     .offset = offsetof(struct text, result),
     .choices = result_words},
    TEXT(version, INSTALLER_WORD_MAX),
    TEXT(running, INSTALLER_WORD_MAX),
    TEXT(slot, INSTALLER_WORD_MAX),
    TEXT(reason, INSTALLER_LINE_MAX),
};

static const struct json_table table = {.fields = fields,
                                        .count = sizeof fields / sizeof *fields,
                                        .item_size = sizeof(struct text),
                                        .allow_unknown = true};

enum err installer_answer_read(struct slice line, struct installer_answer *answer,
                               struct fault *fault)
{
    const struct json_limits limits = {.bytes = INSTALLER_LINE_MAX, .depth = 2};
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct arena arena CLEANUP(arena_free);
    struct text read = {.version = "", .running = "", .slot = "", .reason = ""};
    arena_init(&arena, ARENA_MAX);
    enum err err = json_parse(line, limits, &doc, fault);
    if (!err)
        err = json_read(doc, &table, &read, &arena, fault);
    if (err)
        return err;
    answer->result = (enum installer_result)read.result;
    (void)snprintf(answer->version, sizeof answer->version, "%s", read.version);
    (void)snprintf(answer->running, sizeof answer->running, "%s", read.running);
    (void)snprintf(answer->slot, sizeof answer->slot, "%s", read.slot);
    (void)snprintf(answer->reason, sizeof answer->reason, "%s", read.reason);
    return ERR_OK;
}

/* --- The question ---------------------------------------------------------------------------- */

void installer_close(struct installer *installer)
{
    if (!installer)
        return;
    loop_poll_close(installer->poll);
    if (installer->fd >= 0)
        (void)close(installer->fd);
    buf_free(&installer->line);
    free(installer);
}

static void end(struct installer *installer, const struct installer_answer *answer,
                const struct fault *fault)
{
    installer_answered *answered = installer->answered;
    void *context = installer->context;
    installer_close(installer);
    answered(context, answer, fault);
}

static void fail(struct installer *installer, enum err err, const char *why)
{
    struct fault fault;
    (void)fault_set(&fault, err, "installer", "%s", why);
    end(installer, NULL, &fault);
}

static void take_line(struct installer *installer, size_t len)
{
    struct installer_answer answer;
    const struct slice line = {installer->line.data, len};
    if (installer_answer_read(line, &answer, NULL) == ERR_OK)
        end(installer, &answer, NULL);
    else
        fail(installer, ERR_INVALID, "the system's installer said something that isn't known here");
}

static void on_ready(void *context, unsigned ready)
{
    (void)ready;
    struct installer *installer = context;
    struct buf *line = &installer->line;
    char chunk[CHUNK];
    ssize_t got;
    while ((got = recv(installer->fd, chunk, sizeof chunk, 0)) > 0) {
        buf_append(line, chunk, (size_t)got);
        const char *newline = line->len ? memchr(line->data, '\n', line->len) : NULL;
        if (newline) {
            take_line(installer, (size_t)(newline - line->data));
            return;
        }
        if (line->failed) {
            fail(installer, ERR_TOO_LARGE, "the system's installer said too much");
            return;
        }
    }
    if (got == 0 || (errno != EAGAIN && errno != EINTR))
        fail(installer, ERR_CLOSED, "the system's installer ended without saying how it went");
}

static enum err dial(const char *path, int *out, struct fault *fault)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return fault_set(fault, ERR_TOO_LARGE, path, "the path is too long for a socket");
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return fault_errno(fault, errno, path, "make a socket");
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0) {
        *out = fd;
        return ERR_OK;
    }
    bool none = errno == ENOENT;
    (void)close(fd);
    return none ? fault_set(fault, ERR_UNSUPPORTED, path,
                            "this machine has no installer for updates")
                : fault_set(fault, ERR_UNREACHABLE, path,
                            "the system's installer can't be asked now");
}

enum err installer_ask(struct installer **out, struct loop *loop, const char *path,
                       const char *bundle, installer_answered *answered, void *context,
                       struct fault *fault)
{
    char question[QUESTION_MAX];
    int len = bundle ? snprintf(question, sizeof question, "install %s\n", bundle)
                     : snprintf(question, sizeof question, "status\n");
    if (len < 0 || (size_t)len >= sizeof question)
        return fault_set(fault, ERR_TOO_LARGE, "bundle", "the path is too long");
    struct installer *installer = calloc(1, sizeof *installer);
    if (!installer)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    installer->answered = answered;
    installer->context = context;
    installer->fd = -1;
    buf_init(&installer->line, INSTALLER_LINE_MAX);
    enum err err = dial(path, &installer->fd, fault);
    /* A socket that was connected just now takes a line whole. */
    if (!err && send(installer->fd, question, (size_t)len, MSG_NOSIGNAL) != len)
        err = fault_set(fault, ERR_UNREACHABLE, path, "the system's installer can't be asked now");
    if (!err)
        err = loop_poll_open(loop, installer->fd, on_ready, installer, &installer->poll, fault);
    if (err) {
        installer_close(installer);
        return err;
    }
    loop_poll_want(installer->poll, LOOP_READ);
    *out = installer;
    return ERR_OK;
}
