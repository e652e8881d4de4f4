/*
 * A fake ESC/POS printer for tests: a TCP server on a free port that keeps what is printed and
 * answers status requests as it is told to. Runs on the test's own loop.
 */
#ifndef TESTS_SUPPORT_FAKE_PRINTER_H
#define TESTS_SUPPORT_FAKE_PRINTER_H

#include "hal/base/buf.h"
#include "hal/loop.h"

struct fake_printer {
    struct loop *loop;
    int listener;
    int connection; /* -1 for none */
    struct loop_poll *listener_poll;
    struct loop_poll *connection_poll;
    struct buf received; /* not yet understood */
    struct buf paper;    /* printed text, without requests */
    uint16_t port;
    int connections;
    bool mute;  /* answers nothing */
    bool holds; /* doesn't confirm prints, as without paper */
    bool asked_to_confirm;
    uint8_t offline_answer; /* to DLE EOT 2 */
    uint8_t paper_answer;   /* to DLE EOT 4 */
};

enum { FAKE_PRINTER_FINE = 0x12, FAKE_PRINTER_COVER = 0x16, FAKE_PRINTER_CUTTER = 0x52 };
enum { FAKE_PRINTER_NO_PAPER = 0x72 };

void fake_printer_open(struct fake_printer *fake, struct loop *loop);
void fake_printer_close(struct fake_printer *fake);
/* Drops the connection, as a printer that is switched off. */
void fake_printer_drop(struct fake_printer *fake);
/* Confirms what it held back. */
void fake_printer_release(struct fake_printer *fake);

#endif
