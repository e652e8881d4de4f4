#include "agent/diag_order.h"
#include "hal/base/cleanup.h"
#include "hal/base/hex.h"

enum { BUNDLE_TEXT_MAX = COMMAND_REPLY_BYTES_MAX - 4096 };

static void on_bundle(void *context, enum err err, const struct fault *fault, struct slice body)
{
    struct order *order = context;
    struct buf result CLEANUP(buf_free);
    struct buf text CLEANUP(buf_free);
    buf_init(&result, COMMAND_REPLY_BYTES_MAX);
    buf_init(&text, BUNDLE_TEXT_MAX);
    base64_encode(&text, (const uint8_t *)body.data, err ? 0 : body.len, false);
    struct jsonw w = jsonw_to(&result);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "file", "tillback-diagnostics.tar.gz");
    jsonw_int(&w, "bytes", (int64_t)body.len);
    jsonw_slice(&w, "base64", buf_slice(&text));
    jsonw_end(&w);
    if (err || text.failed || result.failed)
        order_end(order, COMMAND_FAILED, err ? fault->text : "the bundle is too large to be sent",
                  (struct slice){"", 0});
    else
        order_end(order, COMMAND_DONE, "", buf_slice(&result));
}

void diag_order_run(void *context, struct order *order, const struct command *command)
{
    struct fault fault;
    (void)command;
    const struct service_order wish = {.wish = SERVICE_DIAG};
    if (service_ask(context, &wish, on_bundle, order, &fault) != ERR_OK)
        order_end(order, COMMAND_FAILED, fault.text, (struct slice){"", 0});
}
