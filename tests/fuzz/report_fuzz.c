/* Payloads of commissioning reports, made into pages: nothing of what they hold becomes markup. */
#include "hal/base/cleanup.h"
#include "provisioning/report.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf html CLEANUP(buf_free);
    struct fault fault;
    buf_init(&html, REPORT_PAGE_MAX);
    if (report_page((struct slice){(const char *)data, size}, &html, &fault) == ERR_OK &&
        (memmem(html.data, html.len, "<script", 7) || memmem(html.data, html.len, "<img", 4)))
        abort();
    return 0;
}
