/*
 * Two ends of one TLS connection over a socket pair, on a loop of their own, with what was called
 * back at each. Asserts what it does itself.
 */
#ifndef TESTS_SUPPORT_TLS_PAIR_H
#define TESTS_SUPPORT_TLS_PAIR_H

#include "sync/transport/tls.h"

enum { TLS_PAIR_HANDSHAKE_MS = 5000, TLS_PAIR_BYTES_MAX = 3 * 1024 * 1024 };

struct tls_end {
    struct tls_stream *stream;
    bool connected;
    bool closed;
    enum err err;
    struct fault fault;
    char *got;
    size_t got_len;
    const char *to_send;
    size_t send_len;
    bool finish_after;
};

struct tls_pair {
    struct loop *loop;
    struct tls_end client;
    struct tls_end server;
};

void tls_pair_sockets(int fds[2]);
/* Takes the contexts over. */
struct tls_pair *tls_pair_join(struct tls_context *client, struct tls_context *server,
                               const char *host);
void tls_pair_part(struct tls_pair *pair);

/* To be awaited; `context` is the pair. */
bool tls_pair_connected(void *pair);
bool tls_pair_client_ended(void *pair);
bool tls_pair_server_ended(void *pair);

/* Asserts that the words are in why it failed. */
void tls_end_assert_words(const struct tls_end *end, const char *words);

#endif
