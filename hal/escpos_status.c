#include "hal/escpos_status.h"

enum {
    FIXED_BITS = 0x93,      /* bits 0, 1, 4 and 7 */
    FIXED_REAL_TIME = 0x12, /* of an answer to DLE EOT */
    FIXED_IN_TURN = 0x00,   /* of an answer to GS r */
    COVER_OPEN = 0x04,      /* DLE EOT 2 */
    STOPPED_NO_PAPER = 0x20,
    FAILED = 0x40,
    PAPER_END = 0x60, /* DLE EOT 4: both sensors' bits */
};

enum escpos_answer escpos_answer(uint8_t byte)
{
    switch (byte & FIXED_BITS) {
    case FIXED_REAL_TIME:
        return ESCPOS_STATE;
    case FIXED_IN_TURN:
        return ESCPOS_PRINTED;
    default:
        return ESCPOS_NO_ANSWER;
    }
}

void escpos_status_take(struct escpos_status *status, uint8_t answer, bool second)
{
    if (second) {
        status->paper_out = status->paper_out || (answer & PAPER_END) != 0;
        return;
    }
    status->cover_open = (answer & COVER_OPEN) != 0;
    status->failed = (answer & FAILED) != 0;
    status->paper_out = (answer & STOPPED_NO_PAPER) != 0;
}
