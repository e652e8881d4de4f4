/*
 * Delimited text with a header row, read as a stream: CSV (RFC 4180, quotes doubled inside quotes)
 * and tab-separated without quotes. Columns are found by their names, in any order; unknown ones
 * are ignored, whatever they hold; the others must be UTF-8. A byte order mark and either line end
 * are taken. One owner, no threading.
 */
#ifndef SYNC_HUB_CONNECT_TABLE_H
#define SYNC_HUB_CONNECT_TABLE_H

#include "hal/base/buf.h"

enum { TABLE_ROW_MAX = 64 * 1024, TABLE_CELLS_MAX = 256, TABLE_COLUMNS_MAX = 24 };

struct table_column {
    const char *names; /* other spellings behind a '|' */
    bool required;     /* the header must have it; a row may leave it empty */
};

struct table;

/* One row: its cells by the index of the column. */
typedef enum err table_take(void *context, const struct table *table, struct fault *fault);

struct table {
    char delimiter; /* ',' with quotes, '\t' without */
    const struct table_column *columns;
    size_t column_count;
    table_take *take;
    void *context;
    size_t row; /* the one being read, from 1 */
    size_t row_max;
    size_t cell_of[TABLE_COLUMNS_MAX]; /* TABLE_CELLS_MAX: the file doesn't have it */
    size_t cell_count;
    size_t starts[TABLE_CELLS_MAX + 1];
    struct buf cells; /* the row's bytes without delimiters and quotes */
    int state;
    bool skip_line_feed;
    bool has_header;
    size_t header_cells;
};

/* `columns` is borrowed; at most TABLE_COLUMNS_MAX. */
void table_open(struct table *table, char delimiter, const struct table_column *columns,
                size_t column_count, size_t row_max, table_take *take, void *context);
void table_close(struct table *table);
enum err table_feed(struct table *table, struct slice bytes, struct fault *fault) MUST_CHECK;
/* Ends the last row. ERR_INVALID inside quotes, or without a header. */
enum err table_finish(struct table *table, struct fault *fault) MUST_CHECK;

/* A cell of the row at hand, borrowed; empty if the row or the file doesn't have it. */
struct slice table_cell(const struct table *table, size_t column);
/* A refusal that names row and column. */
enum err table_refuse(const struct table *table, size_t column, const char *rule,
                      struct fault *fault) MUST_CHECK;

#endif
