/*
 * Framing: cuts the bytes of a scanner into scans. Pure: no clock, no descriptors, no memory of its
 * own beyond the struct.
 *
 * A frame is PREFIX [AIM identifier] DATA SUFFIX TERMINATOR. With a CR as terminator a LF after it
 * is ignored; with a LF, a CR before it. The AIM identifier (ISO/IEC 15424: "]" letter modifier) is
 * taken off and told. GS and its kin of ISO/IEC 15434 (EOT, FS, GS, RS, US) and TAB stay in the
 * data. Refused whole, never repaired: other control characters, bytes that are not UTF-8, a
 * missing prefix or suffix, no data, more than SCAN_BYTES_MAX bytes, and what was cut in the
 * middle. However the bytes are split over reads, the same frames come out, each once.
 */
#ifndef HAL_FRAMER_H
#define HAL_FRAMER_H

#include "hal/scanner.h"

enum { FRAMER_AFFIX_MAX = 16 };

/* Silence after which a half frame is given up: scanners pause for some milliseconds at most. */
enum { FRAMER_IDLE_MS = 250 };

struct framer {
    char prefix[FRAMER_AFFIX_MAX + 1];
    char suffix[FRAMER_AFFIX_MAX + 1];
    char terminator;
    bool skipping;         /* too long, and told: drop what comes up to the next terminator */
    bool after_terminator; /* a LF that comes now belongs to it */
    size_t len;
    char bytes[SCAN_BYTES_MAX + 2 * FRAMER_AFFIX_MAX + 4]; /* prefix, AIM, data, suffix, CR */
};

enum framed { FRAMED_NOTHING, FRAMED_SCAN, FRAMED_REFUSED };

struct frame {
    char aim[3];       /* a scan's AIM identifier without the bracket, or "" */
    struct slice data; /* a scan's; borrowed until the framer is called again */
    const char *why;   /* a refusal's reason, a static sentence */
    size_t bytes;      /* a refusal's size */
};

/*
 * ERR_INVALID for a prefix or suffix that is too long or holds the terminator, CR or LF, and for a
 * terminator that may be data. `prefix` and `suffix` may be NULL for none; `terminator` 0 is CR.
 */
enum err framer_init(struct framer *framer, const char *prefix, const char *suffix, char terminator,
                     struct fault *fault) MUST_CHECK;

/* Takes bytes off `input` up to the next frame's end. FRAMED_NOTHING: all of it was taken. */
enum framed framer_take(struct framer *framer, struct slice *input, struct frame *frame);

/* True while half a frame is kept: the owner then waits FRAMER_IDLE_MS for more. */
bool framer_waiting(const struct framer *framer);

/* No more bytes will come (silence, or unplugged): refuses what was cut, if it wasn't told yet. */
enum framed framer_cut(struct framer *framer, struct frame *frame);

#endif
