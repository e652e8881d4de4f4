/*
 * A real HTTP server on this machine for one file, on a thread of its own: it knows ranges, and can
 * be told to break off, to know none, or to answer with another status. For tests of downloads.
 */
#ifndef TESTS_SUPPORT_FILE_SERVER_H
#define TESTS_SUPPORT_FILE_SERVER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct file_server {
    const char *data;
    _Atomic size_t len;
    /* Settings, at any time. */
    atomic_int status;      /* of the next answers; 0: as it should be */
    atomic_int breaks;      /* so many of the next answers break off half way of what is asked */
    atomic_bool knows_none; /* no ranges */
    atomic_bool hangs;      /* half of the body, then nothing, until it is false */
    /* What was seen. */
    atomic_int requests;
    _Atomic int64_t last_from; /* where the last request's range began; -1: it had none */
    _Atomic int64_t sent;      /* bytes of bodies, of all answers */
    uint16_t port;
    int listener;
    pthread_t thread;
    atomic_bool stopping;
};

/* `data` is borrowed. Ends the test program when it can't be. */
void file_server_open(struct file_server *server, const char *data, size_t len);
void file_server_close(struct file_server *server);
/* "http://127.0.0.1:PORT/bundle" */
void file_server_url(const struct file_server *server, char *url, size_t size);

#endif
