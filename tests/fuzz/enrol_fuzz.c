/* Questions to the registrar and its answers: what is read can be written and read again. */
#include "hal/base/cleanup.h"
#include "sync/contract/enrol.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void again(const struct enrol_ask *ask, const struct enrol_answer *answer)
{
    struct buf text CLEANUP(buf_free);
    struct arena arena CLEANUP(arena_free);
    struct enrol_ask asked;
    struct enrol_answer answered;
    buf_init(&text, 8 * ENROL_ANSWER_MAX);
    arena_init(&arena, 8 * ENROL_ANSWER_MAX);
    if (ask)
        enrol_ask_write(&text, ask);
    else
        enrol_answer_write(&text, answer);
    if (text.len > ENROL_ASK_MAX)
        return;
    if (ask ? enrol_ask_read(buf_slice(&text), &arena, &asked, NULL)
            : enrol_answer_read(buf_slice(&text), &arena, &answered, NULL))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct slice text = {(const char *)data, size};
    struct arena arena CLEANUP(arena_free);
    struct enrol_ask ask;
    struct enrol_answer answer;
    struct fault fault;
    arena_init(&arena, 4 * ENROL_ANSWER_MAX);
    if (enrol_ask_read(text, &arena, &ask, &fault) == ERR_OK)
        again(&ask, NULL);
    if (enrol_answer_read(text, &arena, &answer, &fault) == ERR_OK)
        again(NULL, &answer);
    return 0;
}
