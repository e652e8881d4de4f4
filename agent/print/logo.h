/*
 * A logo as receipts print it: a black and white picture in the portable bitmap format (PBM, "P4"),
 * as every picture tool writes it. Reading the file blocks; any thread.
 */
#ifndef AGENT_PRINT_LOGO_H
#define AGENT_PRINT_LOGO_H

#include "hal/base/buf.h"

enum { LOGO_WIDTH_MAX = 576, LOGO_HEIGHT_MAX = 400 }; /* dots of an 80 mm printer */

struct logo {
    int width;
    int height;
    struct buf bits; /* rows of (width + 7) / 8 bytes, 1 is black */
};

/* ERR_INVALID says what is wrong with the picture. `logo` is zeroed, and freed by logo_free. */
enum err logo_read(struct slice pbm, struct logo *logo, struct fault *fault) MUST_CHECK;
enum err logo_load(const char *path, struct logo *logo, struct fault *fault) MUST_CHECK;
void logo_free(struct logo *logo);

#endif
