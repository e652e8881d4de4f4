/*
 * Any template that is taken prints whole, with the cut at its end, whatever the till called the
 * goods. The input is the goods' name, a NUL, and the template;
 * without a NUL it is printed by the one that ships.
 */
#include "agent/print/layout.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void print(const struct template *template, const char *name)
{
    struct receipt_line line = {.name = name, .quantity = 1250, .unit = UNIT_G, .gross_minor = 99};
    struct receipt_tax tax = {.type = TAX_VAT, .rate = "19", .amount_minor = 16};
    struct receipt_tender tender = {.type = TENDER_CASH, .amount_minor = 99};
    struct receipt receipt = {
        .state = RECEIPT_ACCEPTED,
        .number = "R0042-000001-7",
        .sale_receipt = "0042-01",
        .store = "0042",
        .lane = "01",
        .currency = currency_find(SLICE_LITERAL("EUR")),
        .paid_currency = currency_find(SLICE_LITERAL("EUR")),
        .lines = &line,
        .line_count = 1,
        .taxes = &tax,
        .tax_count = 1,
        .tenders = &tender,
        .tender_count = 1,
        .total_minor = 99,
        .payout_minor = 99,
        .cash = true,
        .exchange = {.receipt = name, .lines = &line, .line_count = 1},
    };
    struct layout_store store = {.name = name, .address = name};
    struct layout layout = {.template = template,
                            .store = &store,
                            .paper = {CODE_PAGE_858, ESCPOS_COLUMNS_MIN},
                            .copy = true};
    struct buf out;
    buf_init(&out, 16 * 1024 * 1024);
    if (layout_print(&layout, &receipt, &out, NULL) == ERR_OK)
        require(out.len > 4 && memcmp(out.data + out.len - 4, "\x1dV\x42\0", 4) == 0);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct template *shipped;
    if (!shipped)
        require(template_open(&shipped, NULL, NULL) == ERR_OK);
    char *name = malloc(size + 1);
    require(name != NULL);
    memcpy(name, data, size);
    name[size] = '\0';
    size_t len = strlen(name);
    if (len == size) {
        print(shipped, name);
    } else {
        struct template *template;
        struct slice text = {(const char *)data + len + 1, size - len - 1};
        if (template_read(&template, text, NULL) == ERR_OK) {
            print(template, name);
            template_close(template);
        }
    }
    free(name);
    return 0;
}
