#include "agent/returns/words.h"

#include <string.h>

#define WORD_TEXT(upper, lower) #lower,

const char *const channel_words[CHANNEL_COUNT + 1] = {WORDS_CHANNEL(WORD_TEXT) NULL};
const char *const kind_words[KIND_COUNT + 1] = {WORDS_KIND(WORD_TEXT) NULL};
const char *const unit_words[UNIT_COUNT + 1] = {WORDS_UNIT(WORD_TEXT) NULL};
const char *const reason_words[REASON_COUNT + 1] = {WORDS_REASON(WORD_TEXT) NULL};
const char *const condition_words[CONDITION_COUNT + 1] = {WORDS_CONDITION(WORD_TEXT) NULL};
const char *const disposition_words[DISPOSITION_COUNT + 1] = {WORDS_DISPOSITION(WORD_TEXT) NULL};
const char *const tender_words[TENDER_COUNT + 1] = {WORDS_TENDER(WORD_TEXT) NULL};
const char *const tax_words[TAX_COUNT + 1] = {WORDS_TAX(WORD_TEXT) NULL};
const char *const tax_class_words[TAX_CLASS_COUNT + 1] = {WORDS_TAX_CLASS(WORD_TEXT) NULL};
const char *const entry_words[ENTRY_COUNT + 1] = {WORDS_ENTRY(WORD_TEXT) NULL};
const char *const outcome_words[OUTCOME_COUNT + 1] = {WORDS_OUTCOME(WORD_TEXT) NULL};
const char *const executor_words[EXECUTOR_COUNT + 1] = {WORDS_EXECUTOR(WORD_TEXT) NULL};
const char *const collector_words[COLLECTOR_COUNT + 1] = {WORDS_COLLECTOR(WORD_TEXT) NULL};
const char *const velocity_words[VELOCITY_COUNT + 1] = {WORDS_VELOCITY(WORD_TEXT) NULL};

int word_find(const char *const *words, const char *text)
{
    for (int i = 0; words[i]; i++)
        if (strcmp(words[i], text) == 0)
            return i;
    return -1;
}
