/*
 * What installs a signed bundle on this machine: a service of the system's, with rights that we
 * haven't, behind a Unix socket. It is asked one thing for each connection, by a line, "status" or
 * "install PATH", and answers with a line of JSON, an installation when it has ended.
 *
 * The answer says what became of the newest update: `result` is "none", "installing",
 * "restarting", "trial" (it runs, and isn't confirmed yet), "installed", "refused", "interrupted"
 * or "rolled_back"; with `version` (of that update), `running`, `slot`, and `reason`. Whether a
 * bundle is to be trusted the service judges (RAUC, on the appliance's image). Loop thread only;
 * never blocks.
 */
#ifndef HAL_INSTALLER_H
#define HAL_INSTALLER_H

#include "hal/base/buf.h"
#include "hal/loop.h"

enum { INSTALLER_WORD_MAX = 64, INSTALLER_REASON_MAX = 300, INSTALLER_LINE_MAX = 4096 };

#define INSTALLER_RESULTS(X)                                                                       \
    X(NONE, none)                                                                                  \
    X(INSTALLING, installing)                                                                      \
    X(RESTARTING, restarting)                                                                      \
    X(TRIAL, trial)                                                                                \
    X(INSTALLED, installed)                                                                        \
    X(REFUSED, refused)                                                                            \
    X(INTERRUPTED, interrupted)                                                                    \
    X(ROLLED_BACK, rolled_back)

#define INSTALLER_ENUM(upper, lower) INSTALLER_##upper,
enum installer_result { INSTALLER_RESULTS(INSTALLER_ENUM) INSTALLER_RESULT_COUNT };

const char *installer_result_name(enum installer_result result);

struct installer_answer {
    enum installer_result result;
    char version[INSTALLER_WORD_MAX + 1];
    char running[INSTALLER_WORD_MAX + 1];
    char slot[INSTALLER_WORD_MAX + 1];
    char reason[INSTALLER_REASON_MAX + 1];
};

/* Reads an answer. ERR_INVALID. Pure. */
enum err installer_answer_read(struct slice line, struct installer_answer *answer,
                               struct fault *fault) MUST_CHECK;

struct installer;

/* Comes once: with the answer, or with why there is none. The question is closed by it. */
typedef void installer_answered(void *context, const struct installer_answer *answer,
                                const struct fault *fault);

/*
 * Asks. `path` is the socket's; `bundle` NULL asks for the status. ERR_UNSUPPORTED when there is no
 * such socket: this machine has no installer. ERR_UNREACHABLE when nobody listens.
 */
enum err installer_ask(struct installer **installer, struct loop *loop, const char *path,
                       const char *bundle, installer_answered *answered, void *context,
                       struct fault *fault) MUST_CHECK;
/* Hears nothing more; what was asked goes on. Takes NULL; not to be called after `answered`. */
void installer_close(struct installer *installer);

#endif
