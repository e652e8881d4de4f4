/*
 * A barcode or receipt scanner: bytes in, whole scans out.
 *
 * A scanner is found by its stable id (/dev/serial/by-id/..., or a path), opened, reopened after
 * an unplug, a renumbered port or an error, for ever, without restart. Framing (hal/framer.h) cuts
 * the bytes into scans. Backends are const ops behind one face (hal/scanner_backend.h): serial
 * (libserialport), keyboard-like (libevdev), and a fake that tests feed (hal/scanner_fake.h).
 * Loop thread only; callbacks come from the loop, never from scanner_open, and may close the
 * scanner.
 */
#ifndef HAL_SCANNER_H
#define HAL_SCANNER_H

#include "hal/base/buf.h"
#include "hal/hid_keys.h"
#include "hal/loop.h"

struct scanner;

enum { SCAN_BYTES_MAX = 4096, SCANNER_NAME_MAX = 32, SCANNER_LANE_MAX = 8 };

struct scan {
    const char *scanner; /* configured name */
    const char *lane;    /* "" when bound to none */
    const char *aim;     /* AIM identifier without the bracket ("d2"), "" when there was none */
    struct slice data;   /* the scan, without framing and AIM identifier; may hold GS (0x1d) */
};

enum scanner_state { SCANNER_ABSENT, SCANNER_READY };

struct scanner_listener {
    void (*scanned)(void *context, const struct scan *scan);
    /* Bytes that made no scan: too long, not UTF-8, cut in the middle; `why` is a sentence. */
    void (*refused)(void *context, const char *scanner, const char *why, size_t bytes);
    void (*changed)(void *context, const char *scanner, enum scanner_state state);
    void *context;
};

struct scanner_config {
    const char *name;
    const char *lane;
    const char *device;     /* "serial:/dev/serial/by-id/...", "hid:/dev/input/by-id/..." */
    int baud;               /* of a serial one; 9600 when 0 */
    enum hid_layout layout; /* of one that acts as a keyboard */
    const char *prefix;     /* bytes before each scan, "" for none */
    const char *suffix;     /* bytes after each scan, before the terminator */
    char terminator;        /* '\r' when 0; '\n' after it is ignored */
};

/*
 * The device need not be there. The texts of `config` are copied. ERR_INVALID, with the field, for
 * settings that can't work.
 */
enum err scanner_open(struct scanner **scanner, struct loop *loop,
                      const struct scanner_config *config, const struct scanner_listener *listener,
                      struct fault *fault) MUST_CHECK;
void scanner_close(struct scanner *scanner); /* takes NULL */
enum scanner_state scanner_state(const struct scanner *scanner);
/* Why the last attempt to attach failed; the text is "" before the first, and while it is ready. */
const struct fault *scanner_fault(const struct scanner *scanner);

#endif
