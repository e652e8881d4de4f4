#include "agent/print/logo.h"
#include "hal/base/cleanup.h"
#include "hal/storage.h"

#include <ctype.h>

enum { FILE_BYTES_MAX = 64 * 1024 };

/* Blanks and "# ..." lines, then a number. -1 when there is none. */
static int take_number(struct slice *rest)
{
    while (rest->len && (isspace((unsigned char)*rest->data) || *rest->data == '#')) {
        bool comment = *rest->data == '#';
        do {
            rest->data++;
            rest->len--;
        } while (comment && rest->len && *rest->data != '\n');
    }
    int number = -1;
    while (rest->len && isdigit((unsigned char)*rest->data)) {
        number = (number < 0 ? 0 : number) * 10 + (*rest->data - '0');
        if (number > 100000)
            return -1;
        rest->data++;
        rest->len--;
    }
    return number;
}

enum err logo_read(struct slice pbm, struct logo *logo, struct fault *fault)
{
    struct slice rest = pbm;
    if (rest.len < 3 || rest.data[0] != 'P' || rest.data[1] != '4')
        return fault_set(fault, ERR_INVALID, "logo", "must be a PBM picture (P4)");
    rest.data += 2;
    rest.len -= 2;
    int width = take_number(&rest);
    int height = take_number(&rest);
    if (width < 1 || width > LOGO_WIDTH_MAX || height < 1 || height > LOGO_HEIGHT_MAX)
        return fault_set(fault, ERR_INVALID, "logo", "must have 1 to %d by 1 to %d dots",
                         LOGO_WIDTH_MAX, LOGO_HEIGHT_MAX);
    size_t need = ((size_t)width + 7) / 8 * (size_t)height;
    if (rest.len < need + 1)
        return fault_set(fault, ERR_INVALID, "logo", "the picture is cut off");
    buf_init(&logo->bits, need);
    buf_append(&logo->bits, rest.data + 1, need);
    enum err err = buf_check(&logo->bits, fault, "logo");
    if (err)
        return err;
    logo->width = width;
    logo->height = height;
    return ERR_OK;
}

enum err logo_load(const char *path, struct logo *logo, struct fault *fault)
{
    struct buf file CLEANUP(buf_free);
    buf_init(&file, FILE_BYTES_MAX);
    enum err err = storage_read(path, &file, fault);
    return err ? err : logo_read(buf_slice(&file), logo, fault);
}

void logo_free(struct logo *logo)
{
    buf_free(&logo->bits);
}
