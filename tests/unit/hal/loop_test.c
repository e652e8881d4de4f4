#include "hal/loop.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { LONG_MS = 10000, POSTERS = 4, POSTS_EACH = 2000 };

struct fixture {
    struct loop *loop;
    struct loop_timer *timer;
    struct loop_poll *poll;
    struct loop_signal *signal;
    int pair[2];
    int calls;
    int stop_after;
    unsigned ready;
    int order[8];
};

static int setup(void **state)
{
    static struct fixture fixture;
    memset(&fixture, 0, sizeof fixture);
    *state = &fixture;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fixture.pair), 0);
    return loop_open(&fixture.loop, NULL) == ERR_OK ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    loop_close(f->loop);
    close(f->pair[0]);
    close(f->pair[1]);
    return 0;
}

static void count(void *context)
{
    struct fixture *f = context;
    if (++f->calls == f->stop_after)
        loop_stop(f->loop);
}

static void timer_fires_once_and_not_before_its_time(void **state)
{
    struct fixture *f = *state;
    f->stop_after = 1;
    f->timer = loop_timer_open(f->loop, count, f);
    int64_t before = loop_now_ms(f->loop);
    loop_timer_start(f->timer, 20, 0);
    loop_run(f->loop);
    assert_true(loop_now_ms(f->loop) - before >= 19);
    loop_run_once(f->loop, 30);
    assert_int_equal(f->calls, 1);
    loop_timer_close(f->timer);
}

static void timer_repeats_until_stopped(void **state)
{
    struct fixture *f = *state;
    f->stop_after = 3;
    f->timer = loop_timer_open(f->loop, count, f);
    loop_timer_start(f->timer, 1, 1);
    loop_run(f->loop);
    loop_timer_stop(f->timer);
    int calls = f->calls; /* the turn that heard of the stop may have come to the timer once more */
    loop_run_once(f->loop, 20);
    loop_timer_close(f->timer);
    assert_true(calls >= 3);
    assert_int_equal(f->calls, calls);
}

struct beat {
    struct loop *loop;
    struct loop_timer *timer;
    int64_t fired_ms[2];
    int count;
};

static void note_beat(void *context)
{
    struct beat *beat = context;
    if (beat->count < 2)
        beat->fired_ms[beat->count++] = loop_now_ms(beat->loop);
}

static void timers_that_repeat_each_second_come_to_fall_together(void **state)
{
    enum { APART_MS = 400 };
    struct fixture *f = *state;
    struct beat beats[2] = {0};
    for (int i = 0; i < 2; i++) {
        beats[i].loop = f->loop;
        beats[i].timer = loop_timer_open(f->loop, note_beat, &beats[i]);
        loop_timer_start(beats[i].timer, 1 + APART_MS * i, 1000);
    }
    while (beats[0].count < 2 || beats[1].count < 2)
        loop_run_once(f->loop, LONG_MS);
    int64_t apart_ms = llabs(beats[1].fired_ms[1] - beats[0].fired_ms[1]) % 1000;
    assert_true(apart_ms < APART_MS / 2 || apart_ms > 1000 - APART_MS / 2);
    loop_timer_close(beats[0].timer);
    loop_timer_close(beats[1].timer);
}

static void close_own_timer(void *context)
{
    struct fixture *f = context;
    f->calls++;
    loop_timer_close(f->timer);
    f->timer = NULL;
}

static void timer_may_close_itself_in_its_callback(void **state)
{
    struct fixture *f = *state;
    f->timer = loop_timer_open(f->loop, close_own_timer, f);
    loop_timer_start(f->timer, 0, 1);
    loop_run_once(f->loop, LONG_MS);
    loop_run_once(f->loop, 10);
    assert_int_equal(f->calls, 1);
    assert_null(f->timer);
}

static void run_once_returns_after_the_first_callback(void **state)
{
    struct fixture *f = *state;
    f->timer = loop_timer_open(f->loop, count, f);
    loop_timer_start(f->timer, 5, 0);
    int64_t before = loop_now_ms(f->loop);
    loop_run_once(f->loop, LONG_MS);
    assert_int_equal(f->calls, 1);
    assert_true(loop_now_ms(f->loop) - before < LONG_MS / 2);
    loop_timer_close(f->timer);
}

static void run_once_gives_up_after_its_time(void **state)
{
    struct fixture *f = *state;
    int64_t before = loop_now_ms(f->loop);
    loop_run_once(f->loop, 10);
    int64_t took = loop_now_ms(f->loop) - before;
    assert_true(took >= 9 && took < LONG_MS / 2);
}

static void note_ready(void *context, unsigned ready)
{
    struct fixture *f = context;
    f->ready = ready;
    f->calls++;
}

static void open_poll(struct fixture *f, loop_poll_callback *callback)
{
    assert_int_equal(loop_poll_open(f->loop, f->pair[0], callback, f, &f->poll, NULL), ERR_OK);
}

static void poll_is_level_triggered(void **state)
{
    struct fixture *f = *state;
    open_poll(f, note_ready);
    loop_poll_want(f->poll, LOOP_READ);
    assert_int_equal(write(f->pair[1], "x", 1), 1);
    loop_run_once(f->loop, LONG_MS);
    loop_run_once(f->loop, LONG_MS);
    assert_int_equal(f->calls, 2);
    assert_int_equal(f->ready, LOOP_READ);
    loop_poll_close(f->poll);
}

static void poll_at_rest_hears_nothing(void **state)
{
    struct fixture *f = *state;
    open_poll(f, note_ready);
    assert_int_equal(write(f->pair[1], "x", 1), 1);
    loop_poll_want(f->poll, LOOP_READ | LOOP_WRITE);
    loop_run_once(f->loop, LONG_MS);
    assert_int_equal(f->ready, LOOP_READ | LOOP_WRITE);
    loop_poll_want(f->poll, 0);
    loop_run_once(f->loop, 10);
    assert_int_equal(f->calls, 1);
    loop_poll_close(f->poll);
}

static void poll_reports_the_other_side_gone(void **state)
{
    struct fixture *f = *state;
    open_poll(f, note_ready);
    loop_poll_want(f->poll, LOOP_READ | LOOP_HANGUP);
    assert_int_equal(shutdown(f->pair[1], SHUT_WR), 0);
    loop_run_once(f->loop, LONG_MS);
    assert_int_equal(f->ready, LOOP_READ | LOOP_HANGUP);
    loop_poll_close(f->poll);
}

static void poll_stays_level_triggered_after_a_refused_connection(void **state)
{
    struct fixture *f = *state;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    (void)connect(fd, (struct sockaddr *)&address, len); /* nobody listens: refused */
    assert_int_equal(loop_poll_open(f->loop, fd, note_ready, f, &f->poll, NULL), ERR_OK);
    loop_poll_want(f->poll, LOOP_WRITE);
    loop_run_once(f->loop, LONG_MS);
    assert_true(f->ready & LOOP_WRITE);
    loop_run_once(f->loop, LONG_MS);
    assert_int_equal(f->calls, 2);
    loop_poll_close(f->poll);
    close(fd);
    close(listener);
}

static void close_poll_and_descriptor(void *context, unsigned ready)
{
    struct fixture *f = context;
    f->calls++;
    f->ready = ready;
    loop_poll_close(f->poll);
    f->poll = NULL;
    close(f->pair[0]);
    f->pair[0] = -1;
}

static void poll_may_close_itself_in_its_callback(void **state)
{
    struct fixture *f = *state;
    open_poll(f, close_poll_and_descriptor);
    loop_poll_want(f->poll, LOOP_READ);
    assert_int_equal(write(f->pair[1], "x", 1), 1);
    loop_run_once(f->loop, LONG_MS);
    loop_run_once(f->loop, 10);
    assert_int_equal(f->calls, 1);
}

static void poll_refuses_a_regular_file(void **state)
{
    struct fixture *f = *state;
    int fd = open("Makefile", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    struct loop_poll *untouched = NULL;
    struct fault fault;
    assert_int_not_equal(loop_poll_open(f->loop, fd, note_ready, f, &untouched, &fault), ERR_OK);
    assert_null(untouched);
    assert_int_equal(fault.code, ERR_FORBIDDEN);
    close(fd);
}

static void signal_calls_back_on_the_loop(void **state)
{
    struct fixture *f = *state;
    f->stop_after = 1;
    assert_int_equal(loop_signal_open(f->loop, SIGUSR1, count, f, &f->signal, NULL), ERR_OK);
    assert_int_equal(raise(SIGUSR1), 0);
    loop_run(f->loop);
    assert_int_equal(f->calls, 1);
    loop_signal_close(f->signal);
}

static void signal_out_of_range_is_refused(void **state)
{
    struct fixture *f = *state;
    struct fault fault;
    assert_int_not_equal(loop_signal_open(f->loop, 9999, count, f, &f->signal, &fault), ERR_OK);
    assert_null(f->signal);
}

struct numbered {
    struct fixture *fixture;
    int number;
};

static void note_order(void *context)
{
    struct numbered *post = context;
    post->fixture->order[post->fixture->calls] = post->number;
    count(post->fixture);
}

static void posts_are_called_in_their_order(void **state)
{
    struct fixture *f = *state;
    struct numbered posts[3] = {{f, 1}, {f, 2}, {f, 3}};
    f->stop_after = 3;
    for (int i = 0; i < 3; i++)
        assert_int_equal(loop_post(f->loop, note_order, &posts[i]), ERR_OK);
    loop_run(f->loop);
    assert_int_equal(f->order[0], 1);
    assert_int_equal(f->order[1], 2);
    assert_int_equal(f->order[2], 3);
}

static void post_again(void *context)
{
    struct fixture *f = context;
    if (++f->calls < 5)
        assert_int_equal(loop_post(f->loop, post_again, f), ERR_OK);
}

static void close_calls_what_was_posted_even_by_posts(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(loop_post(f->loop, post_again, f), ERR_OK);
    loop_close(f->loop);
    f->loop = NULL;
    assert_int_equal(f->calls, 5);
}

static void *post_many(void *context)
{
    struct fixture *f = context;
    for (int i = 0; i < POSTS_EACH; i++)
        if (loop_post(f->loop, count, f) != ERR_OK)
            return f;
    return NULL;
}

static void posts_of_many_threads_all_arrive_once(void **state)
{
    struct fixture *f = *state;
    f->stop_after = POSTERS * POSTS_EACH;
    pthread_t threads[POSTERS];
    for (int i = 0; i < POSTERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, post_many, f), 0);
    loop_run(f->loop);
    for (int i = 0; i < POSTERS; i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    loop_run_once(f->loop, 0);
    assert_int_equal(f->calls, POSTERS * POSTS_EACH);
}

static void *stop_it(void *context)
{
    loop_stop(context);
    return NULL;
}

static void stop_from_another_thread_ends_the_run(void **state)
{
    struct fixture *f = *state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, stop_it, f->loop), 0);
    loop_run(f->loop);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void stop_before_the_run_is_not_lost(void **state)
{
    struct fixture *f = *state;
    loop_stop(f->loop);
    loop_run(f->loop);
    f->stop_after = 1;
    assert_int_equal(loop_post(f->loop, count, f), ERR_OK);
    loop_run(f->loop);
    assert_int_equal(f->calls, 1);
}

struct beside {
    struct fixture *f;
    pthread_t loop_thread;
    bool ran_beside;
    bool ended_on_the_loop;
};

static void work_beside(void *context)
{
    struct beside *b = context;
    b->ran_beside = !pthread_equal(pthread_self(), b->loop_thread);
}

static void end_on_the_loop(void *context)
{
    struct beside *b = context;
    b->ended_on_the_loop = b->ran_beside && pthread_equal(pthread_self(), b->loop_thread);
    loop_stop(b->f->loop);
}

static void work_runs_beside_the_loop_and_ends_on_it(void **state)
{
    struct fixture *f = *state;
    struct beside b = {.f = f, .loop_thread = pthread_self()};
    assert_int_equal(loop_work(f->loop, work_beside, end_on_the_loop, &b, NULL), ERR_OK);
    loop_run(f->loop);
    assert_true(b.ended_on_the_loop);
}

static void close_waits_for_work_and_its_end(void **state)
{
    struct fixture *f = *state;
    struct beside b = {.f = f, .loop_thread = pthread_self()};
    assert_int_equal(loop_work(f->loop, work_beside, end_on_the_loop, &b, NULL), ERR_OK);
    loop_close(f->loop);
    assert_true(b.ended_on_the_loop);
    assert_int_equal(loop_open(&f->loop, NULL), ERR_OK);
}

static void closing_nothing_is_fine(void **state)
{
    (void)state;
    loop_close(NULL);
    loop_timer_close(NULL);
    loop_poll_close(NULL);
    loop_signal_close(NULL);
}

#define LOOP_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(timer_fires_once_and_not_before_its_time),
        LOOP_TEST(timer_repeats_until_stopped),
        LOOP_TEST(timers_that_repeat_each_second_come_to_fall_together),
        LOOP_TEST(timer_may_close_itself_in_its_callback),
        LOOP_TEST(run_once_returns_after_the_first_callback),
        LOOP_TEST(run_once_gives_up_after_its_time),
        LOOP_TEST(poll_is_level_triggered),
        LOOP_TEST(poll_at_rest_hears_nothing),
        LOOP_TEST(poll_reports_the_other_side_gone),
        LOOP_TEST(poll_stays_level_triggered_after_a_refused_connection),
        LOOP_TEST(poll_may_close_itself_in_its_callback),
        LOOP_TEST(poll_refuses_a_regular_file),
        LOOP_TEST(signal_calls_back_on_the_loop),
        LOOP_TEST(signal_out_of_range_is_refused),
        LOOP_TEST(posts_are_called_in_their_order),
        LOOP_TEST(close_calls_what_was_posted_even_by_posts),
        LOOP_TEST(posts_of_many_threads_all_arrive_once),
        LOOP_TEST(stop_from_another_thread_ends_the_run),
        LOOP_TEST(stop_before_the_run_is_not_lost),
        LOOP_TEST(work_runs_beside_the_loop_and_ends_on_it),
        LOOP_TEST(close_waits_for_work_and_its_end),
        cmocka_unit_test(closing_nothing_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
