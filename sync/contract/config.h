/*
 * The configuration of one appliance, whole: what the hub wants it to be. It travels retained under
 * down/config, as the payload of a signed envelope of kind "config".
 *
 *     {"format":"tillback-config-1","device":"store-0042-a","store":"0042","version":17,"rollout":3,
 *      "issued":"2026-11-22T10:11:12.345Z","settings":{"retention":{"days":400},...}}
 *
 * `settings` holds sections (config_section.h). A section that isn't there is as the box is set up
 * by itself. Pure; any thread.
 */
#ifndef SYNC_CONTRACT_CONFIG_H
#define SYNC_CONTRACT_CONFIG_H

#include "hal/base/sha256.h"
#include "sync/contract/event.h"

enum {
    CONFIG_BYTES_MAX = 256 * 1024,
    CONFIG_DEPTH_MAX = 20,
    CONFIG_STORE_MAX = 16,
    CONFIG_CONFIRM_LEAST_S = 5,
    CONFIG_CONFIRM_MOST_S = 3600,
    CONFIG_CONFIRM_S = 120,
};

#define CONFIG_JSON ((struct json_limits){.bytes = CONFIG_BYTES_MAX, .depth = CONFIG_DEPTH_MAX})
#define CONFIG_ENVELOPE "config"

struct config {
    char device[DEVICE_ID_MAX + 1];
    char store[CONFIG_STORE_MAX + 1]; /* "": whichever it stands in */
    int64_t version;                  /* grows with each document for the device */
    int64_t rollout;                  /* what brought it; 0: none */
    int64_t issued_ms;
    int64_t confirm_s;     /* how long new connectivity may take to prove itself */
    struct slice settings; /* the object, byte for byte */
};

/* Appends the document. Failure is the buffer's. */
void config_write(struct buf *out, const struct config *config);
/* `settings` points into `text`; its sections are not looked at. ERR_INVALID names the field. */
enum err config_read(struct slice text, struct config *config, struct fault *fault) MUST_CHECK;
/* What reports name a document by: the SHA-256 of its bytes. */
struct sha256 config_hash(struct slice text);

#endif
