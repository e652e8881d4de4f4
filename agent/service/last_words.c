#include "agent/service/last_words.h"
#include "agent/service/harmless.h"
#include "hal/base/cleanup.h"
#include "hal/storage.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

/* Programs whose lines speak of devices, units and slots only. */
static const char *const harmless[] = {"kernel: ", "systemd[", "rauc[", "boot[", "health["};

static bool begins(struct slice text, const char *with)
{
    return text.len >= strlen(with) && memcmp(text.data, with, strlen(with)) == 0;
}

static struct slice rest_after(struct slice text, char end)
{
    const char *found = memchr(text.data, end, text.len);
    size_t used = found ? (size_t)(found - text.data) + 1 : text.len;
    return (struct slice){text.data + used, text.len - used};
}

/* "TIME HOST PROGRAM[NUMBER]: TEXT" */
static void copy_line(struct slice line, struct buf *out)
{
    struct slice said = rest_after(rest_after(line, ' '), ' ');
    if (begins(said, "serve[") || begins(said, "tillbackd[")) {
        harmless_line(rest_after(said, ' '), out);
        return;
    }
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
        if (begins(said, harmless[i])) {
            buf_append(out, line.data, line.len);
            buf_append_char(out, '\n');
            return;
        }
}

void last_words_copy(struct slice journal, struct buf *out)
{
    while (journal.len > 0) {
        struct slice rest = rest_after(journal, '\n');
        size_t len = journal.len - rest.len;
        if (len > 0 && journal.data[len - 1] == '\n')
            len--;
        copy_line((struct slice){journal.data, len}, out);
        journal = rest;
    }
}

void last_words_read(const char *folder, const char *file, struct buf *out)
{
    char path[PATH_MAX];
    struct buf journal CLEANUP(buf_free);
    buf_init(&journal, LAST_WORDS_BYTES_MAX);
    if (storage_path(path, sizeof path, folder, file) == ERR_OK &&
        storage_read(path, &journal, NULL) == ERR_OK)
        last_words_copy(buf_slice(&journal), out);
}

struct slice last_words_end(struct slice words, size_t max)
{
    while (words.len > max)
        words = rest_after(words, '\n');
    return words;
}
