#include "sync/hub/qr.h"

#include <qrencode.h>

enum { QUIET = 2 }; /* light modules around it; readers of screens are content with two */

static bool is_dark(const QRcode *code, int x, int y)
{
    bool inside = x >= 0 && y >= 0 && x < code->width && y < code->width;
    return inside && (code->data[y * code->width + x] & 1);
}

/* What is light is drawn, since terminals are dark. */
static const char *cell(bool dark_above, bool dark_below)
{
    if (dark_above)
        return dark_below ? " " : "\u2584";
    return dark_below ? "\u2580" : "\u2588";
}

enum err qr_draw(const char *text, struct buf *out, struct fault *fault)
{
    QRcode *code = QRcode_encodeString(text, 0, QR_ECLEVEL_M, QR_MODE_8, 1);
    if (!code)
        return fault_set(fault, ERR_TOO_LARGE, "qr", "too long for a QR code");
    for (int y = -QUIET; y < code->width + QUIET; y += 2) {
        for (int x = -QUIET; x < code->width + QUIET; x++)
            buf_append_text(out, cell(is_dark(code, x, y), is_dark(code, x, y + 1)));
        buf_append_char(out, '\n');
    }
    QRcode_free(code);
    return buf_check(out, fault, "qr");
}
