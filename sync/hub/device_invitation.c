#include "sync/hub/device_invitation.h"
#include "hal/base/cleanup.h"
#include "hal/base/jsonw.h"
#include "hal/base/rfc3339.h"
#include "sync/hub/qr.h"

#include <stdio.h>

enum { TEXT_MAX = 1024, ANSWER_MAX = 16 * 1024, DAY_MS = 86400000 };

/* What a scanner at the appliance, or a phone, reads from the screen. */
static void write_link(const char *code, const char *enrol_url, char text[static TEXT_MAX])
{
    (void)snprintf(text, TEXT_MAX, "tillback:%s%s%s", code, enrol_url ? "?enrol=" : "",
                   enrol_url ? enrol_url : "");
}

static enum err tell_json(const struct invite_order *order, const char *code, const char *link,
                          const struct device_words *words, int64_t until_ms, struct fault *fault)
{
    struct buf out CLEANUP(buf_free);
    buf_init(&out, ANSWER_MAX);
    struct jsonw w = jsonw_to(&out);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "device", order->device->id);
    jsonw_text(&w, "store", order->device->store);
    jsonw_text(&w, "code", code);
    jsonw_text(&w, "link", link);
    jsonw_time(&w, "expires", until_ms);
    if (words->out)
        jsonw_text(&w, "bundle", words->out);
    jsonw_end(&w);
    enum err err = buf_check(&out, fault, "answer");
    if (!err)
        (void)printf("%s\n", out.data);
    return err;
}

enum err device_invitation_tell(const struct invite_order *order, const struct code *code,
                                const struct device_words *words, int64_t now_ms,
                                struct fault *fault)
{
    char text[CODE_TEXT + 1];
    char link[TEXT_MAX];
    char until[RFC3339_TEXT + 1];
    const int64_t until_ms = now_ms + order->days * DAY_MS;
    struct buf qr CLEANUP(buf_free);
    buf_init(&qr, ANSWER_MAX);
    code_format(code, text);
    write_link(text, order->enrol_url, link);
    rfc3339_format(until_ms, until);
    if (words->json)
        return tell_json(order, text, link, words, until_ms, fault);
    enum err err = qr_draw(link, &qr, fault);
    if (err)
        return err;
    (void)printf("Appliance %s of store %s is invited until %s.\n\n", order->device->id,
                 order->device->store, until);
    if (words->out)
        (void)printf("  bundle   %s (it holds the code: carry it as you would a key)\n",
                     words->out);
    (void)printf("  code     %s\n\n%s\nOn the appliance, one of:\n\n", text, qr.data);
    if (words->out)
        (void)printf("  tillback --state DIR provision --bundle FILE\n");
    if (order->enrol_url)
        (void)printf("  tillback --state DIR provision %s --enrol %s\n", text, order->enrol_url);
    (void)printf("\nThe code works once, for one appliance.\n");
    return ERR_OK;
}
