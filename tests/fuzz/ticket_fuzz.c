/* Tickets as they come on a stick. None may be accepted: nobody signed it. */
#include "hal/base/cleanup.h"
#include "hal/storage.h"
#include "provisioning/ticket.h"
#include "tests/support/fuzz_ground.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An authority whose key nobody has. */
static const char authority[] = "-----BEGIN CERTIFICATE-----\n"
                                "MIIBkTCCATegAwIBAgIUO508ZCVvtZhmXAhsEkgnVsrDtOMwCgYIKoZIzj0EAwIw\n"
                                "HTEbMBkGA1UEAwwSTm9ib2R5J3MgYXV0aG9yaXR5MCAXDTI2MTEyNzEzMjU0OVoY\n"
                                "DzIxMjYxMTAzMTMyNTQ5WjAdMRswGQYDVQQDDBJOb2JvZHkncyBhdXRob3JpdHkw\n"
                                "WTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARVH0lEHi+pgeEjCTVUODAf2r+OyINt\n"
                                "qJPAkWpJJzL8rmDlREpNVikR3fYiQaSB1M7A7jQYQpIcpQK8MeQd6Kz6o1MwUTAd\n"
                                "BgNVHQ4EFgQUPd0ge7MTP4YNA7lKziNgcSBJHMMwHwYDVR0jBBgwFoAUPd0ge7MT\n"
                                "P4YNA7lKziNgcSBJHMMwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBF\n"
                                "AiBnM4bCiMIYbFUX2HVvAIjDmiQTpASOvdj3bAbMcSFQPQIhAOzwGBYhV88ZkToQ\n"
                                "ixyXkAnZ6hfX9zaVYGsFS9+mANpo\n"
                                "-----END CERTIFICATE-----\n";

static struct identity *identity;

static void close_all(void)
{
    identity_close(identity);
}

static void open_all(void)
{
    struct fault fault;
    char path[SCRATCH_PATH_MAX];
    const struct identity_files files = {.ca = scratch_path(fuzz_folder(), "ca.pem", path)};
    fuzz_must(storage_replace(path, slice_of(authority), 0600, &fault), &fault);
    fuzz_must(identity_open_files(&identity, &files, &fault), &fault);
    (void)atexit(close_all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf envelope CLEANUP(buf_free);
    struct ticket ticket;
    struct fault fault;
    int64_t left_ms;
    buf_init(&envelope, ENVELOPE_BYTES_MAX);
    if (!identity)
        open_all();
    fuzz_envelope(&envelope, (struct slice){(const char *)data, size}, "ticket", authority);
    if (ticket_open(buf_slice(&envelope), identity, INT64_C(1795342272000), &ticket, &left_ms,
                    &fault) == ERR_OK)
        abort();
    return 0;
}
