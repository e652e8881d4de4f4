#include "sync/hub/fleet/invite.h"
#include "hal/base/cleanup.h"
#include "sync/hub/fleet/signer.h"

#define DAY_MS INT64_C(86400000)

static enum err fill_servers(const struct invite_order *order,
                             const char *servers[static BUNDLE_TIME_SERVERS_MAX],
                             struct fault *fault)
{
    if (order->time_server_count > BUNDLE_TIME_SERVERS_MAX)
        return fault_set(fault, ERR_TOO_LARGE, "time servers", "at most %d",
                         BUNDLE_TIME_SERVERS_MAX);
    for (size_t i = 0; i < order->time_server_count; i++)
        servers[i] = order->time_servers[i];
    return ERR_OK;
}

enum err invite_make(struct roster *roster, struct authorities *authorities,
                     const struct invite_order *order, struct buf *out, struct code *told,
                     struct fault *fault)
{
    const char *servers[BUNDLE_TIME_SERVERS_MAX];
    struct signer signer CLEANUP(signer_close) = {.key = NULL};
    struct buf ca CLEANUP(buf_free);
    struct buf fetched CLEANUP(buf_free);
    struct code code = code_make();
    char text[CODE_TEXT + 1];
    buf_init(&ca, CERTIFICATE_PEM_MAX);
    buf_init(&fetched, ENVELOPE_BYTES_MAX);
    code_format(&code, text);
    enum err err = signer_open(&signer, order->state, order->now_ms, fault);
    if (!err)
        err = authorities_pem(authorities, &ca, fault);
    if (!err)
        err = fill_servers(order, servers, fault);
    if (err)
        return err;
    struct bundle bundle = {
        .device = order->device->id,
        .store = order->device->store,
        .name = *order->device->name ? order->device->name : NULL,
        .hub_url = order->hub_url,
        .broker_url = order->broker_url,
        .enrol_url = order->enrol_url,
        .ca = ca.data,
        .time_servers = servers,
        .time_server_count = order->time_server_count,
        .config = order->config,
        .issued_ms = order->now_ms,
        .expires_ms = order->now_ms + order->days * DAY_MS,
    };
    /* Without the code for an appliance that fetches it by the code, and with it as a file. */
    const struct slice chain = buf_slice(&signer.chain);
    err = bundle_make(&bundle, chain, signer.key, &fetched, fault);
    bundle.code = text;
    if (!err)
        err = bundle_make(&bundle, chain, signer.key, out, fault);
    if (!err)
        err = roster_invite(roster, order->device->id, &code, buf_slice(&fetched),
                            bundle.expires_ms, fault);
    if (!err)
        *told = code;
    return err;
}
