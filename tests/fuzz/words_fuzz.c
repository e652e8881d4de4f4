/*
 * A command line of the hub's, word by word: the input's lines. What is taken points into what was
 * given.
 */
#include "sync/hub/config_words.h"
#include "sync/hub/device_words.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WORDS_MAX = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char all[] = "store name id out reason action hours days force json";
    char *words[WORDS_MAX + 1] = {NULL};
    int count = 0;
    char *text = strndup((const char *)data, size);
    if (!text)
        abort();
    for (char *rest = text, *word; count < WORDS_MAX && (word = strsep(&rest, "\n"));)
        words[count++] = word;
    struct device_words device = {0};
    struct config_words config = {0};
    if (device_words_read(count, words, all, &device, NULL) == ERR_OK &&
        (device.hours < 0 || device.days < 0))
        abort();
    if (config_words_read(count, words, &config, NULL) == ERR_OK)
        (void)!config_words_reason(&config, NULL);
    free(text);
    return 0;
}
