/*
 * A database of few bytes, for tests that try each of them: an empty file with pages of 512 bytes,
 * the least there can be. Who opens it next makes its tables in it.
 */
#ifndef TESTS_SUPPORT_SMALL_PAGES_H
#define TESTS_SUPPORT_SMALL_PAGES_H

/* What was at `path`, with its write-ahead log, is gone. Ends the test when it can't be made. */
void small_pages_make(const char *path);

#endif
