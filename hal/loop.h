/*
 * The event loop of one thread: file descriptors, timers, signals, name look-ups, and work posted
 * from other threads. A thin face over libuv; nothing else of ours includes uv.h.
 *
 * Everything here is called on the loop's thread, but for loop_post and loop_stop, which any
 * thread may call. Callbacks run on the loop's thread and may close the very object they were
 * called for: objects are freed after the callback returned.
 */
#ifndef HAL_LOOP_H
#define HAL_LOOP_H

#include "hal/base/fault.h"

#include <stdint.h>
#include <sys/socket.h>

struct loop;
struct loop_timer;
struct loop_poll;
struct loop_signal;
struct loop_lookup;

typedef void loop_callback(void *context);

enum err loop_open(struct loop **loop, struct fault *fault) MUST_CHECK;
/* Takes NULL. Every object made on it must be closed before; runs what closing still needs. */
void loop_close(struct loop *loop);
/* Runs until loop_stop. */
void loop_run(struct loop *loop);
/* Handles what is ready, waiting at most `timeout_ms` for something; for tests. */
void loop_run_once(struct loop *loop, int64_t timeout_ms);
/* Any thread. */
void loop_stop(struct loop *loop);
/* Monotonic milliseconds, as of now. */
int64_t loop_now_ms(struct loop *loop);

/*
 * Any thread: calls `callback` once on the loop's thread, in the order of the posts. ERR_NO_MEMORY
 * when it can't be queued. What was posted before loop_close is still called by it.
 */
enum err loop_post(struct loop *loop, loop_callback *callback, void *context) MUST_CHECK;

/* NULL on no memory. */
struct loop_timer *loop_timer_open(struct loop *loop, loop_callback *callback, void *context);
/*
 * Starts or restarts; `repeat_ms` 0 fires once. From a second on repetitions fall on whole seconds
 * of the loop's clock, the nearest to when they would, so that an idle program wakes for all at
 * once.
 */
void loop_timer_start(struct loop_timer *timer, int64_t after_ms, int64_t repeat_ms);
void loop_timer_stop(struct loop_timer *timer);
void loop_timer_close(struct loop_timer *timer); /* takes NULL */

/*
 * `run` on a thread beside, then `done` on the loop's. It can't be called off, and loop_close waits
 * for both: for what ends by itself, soon. Few go on at a time; the others wait.
 */
enum err loop_work(struct loop *loop, loop_callback *run, loop_callback *done, void *context,
                   struct fault *fault) MUST_CHECK;

enum { LOOP_READ = 1, LOOP_WRITE = 2, LOOP_HANGUP = 4 };

typedef void loop_poll_callback(void *context, unsigned ready);

/* Watches a descriptor, level-triggered; it stays the caller's and is closed by the caller. */
enum err loop_poll_open(struct loop *loop, int fd, loop_poll_callback *callback, void *context,
                        struct loop_poll **poll, struct fault *fault) MUST_CHECK;
/* Sets what to wait for: LOOP_READ | LOOP_WRITE, or 0 to rest. Cheap when nothing changes. */
void loop_poll_want(struct loop_poll *poll, unsigned events);
void loop_poll_close(struct loop_poll *poll); /* takes NULL; before the descriptor is closed */

enum err loop_signal_open(struct loop *loop, int number, loop_callback *callback, void *context,
                          struct loop_signal **signal, struct fault *fault) MUST_CHECK;
void loop_signal_close(struct loop_signal *signal); /* takes NULL */

/* `count` addresses, at most 8, the order of preference; on failure count is 0. */
typedef void loop_lookup_callback(void *context, enum err err,
                                  const struct sockaddr_storage *addresses,
                                  const socklen_t *lengths, size_t count);

/* Looks a host up without blocking; literal addresses too. The callback comes once. */
enum err loop_lookup_open(struct loop *loop, const char *host, uint16_t port,
                          loop_lookup_callback *callback, void *context,
                          struct loop_lookup **lookup, struct fault *fault) MUST_CHECK;
/* Gives up: the callback will not come. Takes NULL; not to be called after the callback. */
void loop_lookup_cancel(struct loop_lookup *lookup);

#endif
