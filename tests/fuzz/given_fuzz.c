/*
 * What an appliance is given by its centre and reads by itself: staff, templates of what is
 * printed, the retailer's receipt numbers; and the cursor that a till gives back.
 */
#include "agent/capture/scan_formats.h"
#include "agent/people/staff_given.h"
#include "agent/print/template.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_template(struct slice text)
{
    struct template *template = NULL;
    size_t count = 0;
    if (template_read(&template, text, NULL) != ERR_OK)
        return;
    const struct template_block *blocks = template_blocks(template, &count);
    for (size_t i = 0; i < count; i++)
        if (blocks[i].kind < 0 || blocks[i].kind >= TEMPLATE_BLOCK_COUNT)
            abort();
    template_close(template);
}

static void try_formats(struct slice text)
{
    struct scan_formats *formats = NULL;
    struct scan_receipt receipt;
    if (scan_formats_read(&formats, text, NULL) != ERR_OK)
        return;
    (void)scan_formats_find(formats, SLICE_LITERAL("0042-01-000123"), &receipt);
    (void)scan_formats_find(formats, text, &receipt);
    scan_formats_close(formats);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct slice text = {(const char *)data, size};
    struct staff_given *staff = NULL;
    if (staff_given_read(text, &staff, NULL) == ERR_OK)
        staff_given_free(staff);
    try_template(text);
    try_formats(text);
    return 0;
}
