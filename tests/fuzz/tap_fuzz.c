/*
 * Any bytes on a printer's line: cut into reads of any size the same receipts come out, in UTF-8,
 * and what is recognised is JSON. The first byte chooses the size of the reads.
 */
#include "agent/capture/tap_template.h"
#include "agent/capture/tap_text.h"
#include "hal/base/utf8.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char document[] =
    "{\"version\":\"1\",\"page\":\"cp437\",\"currency\":\"EUR\",\"prices_include_tax\":true,"
    "\"decimal_point\":\",\",\"store\":\"0042\",\"lane\":\"01\",\"receipt\":\"{store}-{number}\","
    "\"tax\":{\"type\":\"vat\",\"jurisdiction\":\"DE\"},\"patterns\":["
    "{\"is\":\"number\",\"pattern\":\"Bon {number:d1-6}\"},"
    "{\"is\":\"time\",\"pattern\":\"{day:d2}.{month:d2}.{year:d4} {hour:d2}:{minute:d2}\"},"
    "{\"is\":\"total\",\"pattern\":\"SUMME {amount:m}\"},"
    "{\"is\":\"tender\",\"pattern\":\"BAR {amount:m}\",\"tender\":\"cash\"},"
    "{\"is\":\"change\",\"pattern\":\"RUECKGELD {amount:m}\",\"tender\":\"cash\"},"
    "{\"is\":\"tax\",\"pattern\":\"{code:a1} {rate:m}% {net:m} {amount:m}\"},"
    "{\"is\":\"line\",\"pattern\":\"{sku:d4} {what:t} {amount:m} {code:a1}\"}]}";

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void recognise(const struct tap_template *template, const struct buf *text)
{
    struct buf sale;
    struct fault fault = {0};
    buf_init(&sale, 1024 * 1024);
    if (tap_template_sale(template, buf_slice(text), &sale, &fault) == ERR_OK) {
        struct cJSON *doc = NULL;
        struct json_limits limits = {.bytes = 1024 * 1024, .depth = 8};
        require(json_parse(buf_slice(&sale), limits, &doc, NULL) == ERR_OK);
        json_free(doc);
    } else {
        require(fault.text[0] != '\0');
    }
    buf_free(&sale);
}

static void read_all(struct slice bytes, size_t step, const struct tap_template *template,
                     struct buf *all)
{
    struct tap_text tap;
    tap_text_init(&tap, CODE_PAGE_437);
    while (bytes.len) {
        struct slice part = {bytes.data, bytes.len < step ? bytes.len : step};
        bytes = (struct slice){bytes.data + part.len, bytes.len - part.len};
        while (tap_text_take(&tap, &part)) {
            require(tap.text.failed || utf8_valid(buf_slice(&tap.text)));
            if (template && !tap.text.failed)
                recognise(template, &tap.text);
            buf_append(all, tap.text.data, tap.text.len);
            buf_append_char(all, '\f');
        }
    }
    tap_text_free(&tap);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tap_template *template;
    if (!template)
        require(tap_template_read(&template, SLICE_LITERAL(document), NULL) == ERR_OK);
    if (size < 2)
        return 0;
    struct slice bytes = {(const char *)data + 1, size - 1};
    struct buf whole;
    struct buf parts;
    buf_init(&whole, 16 * 1024 * 1024);
    buf_init(&parts, 16 * 1024 * 1024);
    read_all(bytes, size, template, &whole);
    read_all(bytes, 1 + data[0] % 16, NULL, &parts);
    require(slice_equal(buf_slice(&whole), buf_slice(&parts)));
    buf_free(&whole);
    buf_free(&parts);
    return 0;
}
