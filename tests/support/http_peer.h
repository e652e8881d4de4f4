/*
 * A client that talks HTTP in raw bytes to a server on the same loop: says just what a test wants,
 * however wrong, over TCP or over our TLS. Ends the test program when it can't be made.
 */
#ifndef TESTS_SUPPORT_HTTP_PEER_H
#define TESTS_SUPPORT_HTTP_PEER_H

#include "hal/base/buf.h"
#include "sync/transport/tls.h"

struct http_peer {
    struct loop *loop;
    int fd;
    struct loop_poll *poll;    /* plain */
    struct tls_stream *stream; /* or TLS */
    bool connected;
    bool ended; /* the server closed, or refused TLS */
    bool deaf;  /* doesn't read */
    struct fault fault;
    struct buf got;
    struct buf waiting; /* what the socket had no room for */
};

/*
 * Connects to "127.0.0.1:PORT" from `source` (NULL: any, else 127.0.0.N); with a `tls` context it
 * makes the handshake for "localhost" and waits for its end.
 */
void http_peer_open(struct http_peer *peer, struct loop *loop, const char *address,
                    const char *source, struct tls_context *tls);
void http_peer_close(struct http_peer *peer);
void http_peer_say(struct http_peer *peer, const char *text);
void http_peer_send(struct http_peer *peer, const char *data, size_t len);
/* Waits until the server has hung up. */
bool http_peer_ends(struct http_peer *peer, int64_t within_ms);
/* Waits for a whole answer with a Content-Length, for its `body` (borrowed) and status. */
int http_peer_answer(struct http_peer *peer, struct slice *body);
/* Waits until `text` has come. */
bool http_peer_hears(struct http_peer *peer, const char *text, int64_t within_ms);
/* Drops what was heard. */
void http_peer_forget(struct http_peer *peer);
/* Says a request, waits for the answer, returns its status; `got` keeps head and body. */
int http_peer_ask(struct http_peer *peer, const char *request, struct slice *body);

#endif
