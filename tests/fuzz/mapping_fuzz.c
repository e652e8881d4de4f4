/*
 * Any document that says how another till is to be read, chosen by the first byte: a mapping of
 * POSLog codes, a template of receipts. What is taken is used, and what is made with it is JSON.
 */
#include "agent/capture/poslog_order.h"
#include "agent/capture/tap_template.h"
#include "hal/base/cleanup.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char document[] =
    "<POSLog xmlns=\"http://www.nrf-arts.org/IXRetail/namespace/\"><Transaction><BusinessUnit>"
    "<UnitID>0042</UnitID></BusinessUnit><WorkstationID>01</WorkstationID><SequenceNumber>17"
    "</SequenceNumber><BusinessDayDate>2026-11-22</BusinessDayDate><EndDateTime>"
    "2026-11-22T10:11:12+01:00</EndDateTime><CurrencyCode>EUR</CurrencyCode><RetailTransaction "
    "TransactionStatus=\"Finished\"><LineItem><SequenceNumber>1</SequenceNumber><Sale "
    "ItemType=\"Stock\"><ItemID>4711</ItemID><ExtendedAmount>10.00</ExtendedAmount><Quantity "
    "UnitOfMeasureCode=\"Each\">3</Quantity><Tax TaxType=\"VAT\"><TaxGroupID>Standard</TaxGroupID>"
    "<Amount>1.60</Amount><Percent>19</Percent></Tax></Sale></LineItem><LineItem><Tender "
    "TenderType=\"Cash\" TypeCode=\"Sale\"><Amount>10.00</Amount></Tender></LineItem>"
    "</RetailTransaction></Transaction></POSLog>";

static const char receipt[] = "MARKT\nBon 17\n22.11.2026 10:11\n4711 Brot 10,00 A\nSUMME 10,00\n"
                              "BAR 20,00\nRUECKGELD 10,00\nA 19% 8,40 1,60\n";

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void require_json(const struct buf *text)
{
    struct cJSON *doc = NULL;
    struct json_limits limits = {.bytes = 1024 * 1024, .depth = 16};
    require(json_parse(buf_slice(text), limits, &doc, NULL) == ERR_OK);
    json_free(doc);
}

static void map(struct slice text)
{
    struct poslog_mapping *mapping = NULL;
    struct fault fault = {0};
    struct poslog poslog;
    struct poslog_order order;
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, POSLOG_ARENA_BYTES);
    if (poslog_mapping_read(&mapping, text, &fault) != ERR_OK) {
        require(fault.text[0] != '\0');
        return;
    }
    require(poslog_read(SLICE_LITERAL(document), &arena, &poslog, NULL) == ERR_OK);
    poslog_order_make(poslog.first, mapping, &order);
    if (order.kind == POSLOG_ORDER_SALE)
        require_json(&order.body);
    poslog_order_free(&order);
    poslog_mapping_close(mapping);
}

static void recognise(struct slice text)
{
    struct tap_template *template = NULL;
    struct fault fault = {0};
    struct buf sale;
    if (tap_template_read(&template, text, &fault) != ERR_OK) {
        require(fault.text[0] != '\0');
        return;
    }
    buf_init(&sale, 1024 * 1024);
    if (tap_template_sale(template, SLICE_LITERAL(receipt), &sale, &fault) == ERR_OK)
        require_json(&sale);
    buf_free(&sale);
    tap_template_close(template);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct slice text = {(const char *)data + 1, size - 1};
    if (data[0] % 2 == 0)
        map(text);
    else
        recognise(text);
    return 0;
}
