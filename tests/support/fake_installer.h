/*
 * A fake of the system's installer (hal/installer.h), on the test's own loop: it installs nothing,
 * answers what it is told to, and remembers what it was asked. The real one is the image's
 * (firmware/overlay), which RAUC stands behind.
 */
#ifndef TESTS_SUPPORT_FAKE_INSTALLER_H
#define TESTS_SUPPORT_FAKE_INSTALLER_H

#include "hal/loop.h"
#include "tests/support/scratch.h"

enum { FAKE_INSTALLER_TEXT = 512 };

struct fake_installer {
    char path[SCRATCH_PATH_MAX]; /* of its socket */
    const char *status;          /* what it answers to "status", without the newline */
    const char *install;         /* to "install"; NULL: it hangs up */
    int statuses;                /* how often it was asked */
    int installs;
    char bundle[FAKE_INSTALLER_TEXT]; /* the path of the last */
    int fd;
    struct loop_poll *poll;
};

void fake_installer_open(struct fake_installer *fake, struct loop *loop,
                         const struct scratch *scratch);
void fake_installer_close(struct fake_installer *fake);

#endif
