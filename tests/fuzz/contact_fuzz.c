/* What contact_key_read and its acknowledgement take is written so that it reads and writes the
 * same again. */
#include "hal/base/cleanup.h"
#include "sync/contract/contact.h"

#include <stdlib.h>

static void require(bool ok)
{
    if (!ok)
        abort();
}

static void try_key(struct slice text)
{
    struct contact_key key;
    struct buf first CLEANUP(buf_free);
    struct buf second CLEANUP(buf_free);
    buf_init(&first, 2 * CONTACT_MESSAGE_MAX);
    buf_init(&second, 2 * CONTACT_MESSAGE_MAX);
    if (contact_key_read(text, &key, NULL) != ERR_OK)
        return;
    contact_key_write(&first, &key);
    require(contact_key_read(buf_slice(&first), &key, NULL) == ERR_OK);
    contact_key_write(&second, &key);
    require(slice_equal(buf_slice(&first), buf_slice(&second)));
}

static void try_ack(struct slice text)
{
    struct contact_key_ack ack;
    struct buf first CLEANUP(buf_free);
    buf_init(&first, CONTACT_MESSAGE_MAX);
    if (contact_key_ack_read(text, &ack, NULL) != ERR_OK)
        return;
    contact_key_ack_write(&first, &ack);
    require(contact_key_ack_read(buf_slice(&first), &ack, NULL) == ERR_OK);
}

static void try_sealed(struct slice text)
{
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct contact_sealed sealed;
    struct buf written CLEANUP(buf_free);
    const struct json_limits limits = {.bytes = 4 * CONTACT_MESSAGE_MAX, .depth = 4};
    buf_init(&written, 4 * CONTACT_MESSAGE_MAX);
    if (json_parse(text, limits, &doc, NULL) != ERR_OK ||
        contact_sealed_read(doc, &sealed, NULL) != ERR_OK)
        return;
    struct jsonw w = jsonw_to(&written);
    jsonw_object(&w, NULL);
    contact_sealed_write(&w, &sealed);
    jsonw_end(&w);
    require(!written.failed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct slice text = {(const char *)data, size};
    try_key(text);
    try_ack(text);
    try_sealed(text);
    return 0;
}
