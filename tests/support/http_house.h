/*
 * An HTTP server of ours with a few routes, for tests:
 *   /echo    answers the body                /ask...  says what was asked, by whom
 *   /later   answers 201 from another thread /hold    keeps the request in `held`
 *   /stream  begins `stream`                 /cached  sets its own headers
 * Anything else is a 404 problem. Fails the test when it can't be made.
 */
#ifndef TESTS_SUPPORT_HTTP_HOUSE_H
#define TESTS_SUPPORT_HTTP_HOUSE_H

#include "sync/transport/http.h"
#include "tests/support/http_peer.h"

struct http_house {
    struct loop *loop;
    struct http_server *server;
    struct tls_context *tls;
    int handled;
    struct http_request *held;
    struct http_stream *stream;
    int gone;
};

/* On a free port of 127.0.0.1; takes over config.tls. */
void http_house_open(struct http_house *house, struct http_config config);
void http_house_close(struct http_house *house);
/* A plain peer of it. */
void http_house_join(struct http_house *house, struct http_peer *peer);
void http_house_answer(struct http_request *request, int status, const char *text);
/* Waits for a request to /hold. */
bool http_house_holds(struct http_house *house);
/* The peer asks for /stream, and hears it begin. */
void http_house_begin_stream(struct http_house *house, struct http_peer *peer);
/* The same, then two events, then the peer leaves, and `gone` is told once. */
void http_house_streams(struct http_house *house, struct http_peer *peer);

#endif
