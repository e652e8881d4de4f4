/*
 * Receipts of this store that another has in hand (sync/contract/reservation.h): kept in memory, on
 * the writer thread, where returns are decided, so that what was decided before one is among what
 * it is answered with, and nothing after it is decided past it. Only for the files of this folder.
 */
#ifndef AGENT_CAPTURE_RESERVATION_H
#define AGENT_CAPTURE_RESERVATION_H

#include "agent/capture/capture.h"
#include "agent/views/views.h"

enum { RESERVATIONS_MAX = 256 };

struct reservations {
    struct reserved_receipt {
        char receipt[SALE_QUERY_RECEIPT_MAX + 1];
        int64_t until_ms; /* monotonic */
        int64_t others;
        struct return_news of;
    } held[RESERVATIONS_MAX];
    size_t count;
};

/*
 * ERR_BUSY while another store has the receipt in hand: to be asked before a return of it is
 * accepted. NULL or empty: without a receipt. Writer thread.
 */
enum err reservation_check(struct capture *capture, const struct views *views, const char *receipt,
                           struct fault *fault) MUST_CHECK;

#endif
