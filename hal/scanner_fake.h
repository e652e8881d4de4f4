/*
 * A fake scanner, for tests: no device, its bytes come from the test. It goes through the same
 * framing, telling and re-attaching as a real one. Loop thread only.
 */
#ifndef HAL_SCANNER_FAKE_H
#define HAL_SCANNER_FAKE_H

#include "hal/scanner.h"

struct scanner_fake;

/* A fake device, plugged in. NULL on no memory. */
struct scanner_fake *scanner_fake_open(void);
/* After the scanner that uses it. Takes NULL. */
void scanner_fake_close(struct scanner_fake *fake);

/* As scanner_open, on the fake device; config->device must be "fake:" and anything. */
enum err scanner_fake_attach(struct scanner_fake *fake, struct scanner **scanner, struct loop *loop,
                             const struct scanner_config *config,
                             const struct scanner_listener *listener,
                             struct fault *fault) MUST_CHECK;

/* Bytes as if scanned; they arrive when the loop runs. Lost while unplugged. */
void scanner_fake_feed(struct scanner_fake *fake, struct slice bytes);
void scanner_fake_unplug(struct scanner_fake *fake);
void scanner_fake_plug(struct scanner_fake *fake);

#endif
