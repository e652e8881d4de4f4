#include "sync/hub/connect/table.h"
#include "hal/base/utf8.h"

#include <assert.h>
#include <string.h>

enum state {
    CELL_START, /* nothing of the cell read */
    PLAIN,
    QUOTED,
    QUOTE_IN_QUOTED, /* the end of it, or the first of two */
};

static const char byte_order_mark[] = "\xef\xbb\xbf";

void table_open(struct table *table, char delimiter, const struct table_column *columns,
                size_t column_count, size_t row_max, table_take *take, void *context)
{
    assert(column_count <= TABLE_COLUMNS_MAX);
    *table = (struct table){.delimiter = delimiter,
                            .columns = columns,
                            .column_count = column_count,
                            .take = take,
                            .context = context,
                            .row = 1,
                            .row_max = row_max,
                            .state = CELL_START};
    buf_init(&table->cells, TABLE_ROW_MAX);
}

void table_close(struct table *table)
{
    buf_free(&table->cells);
}

/* The columns' first spelling. */
static struct slice column_name(const struct table *table, size_t column)
{
    const char *names = table->columns[column].names;
    return (struct slice){names, strcspn(names, "|")};
}

enum err table_refuse(const struct table *table, size_t column, const char *rule,
                      struct fault *fault)
{
    struct slice name = column_name(table, column);
    char where[FAULT_WHERE_MAX];
    struct buf text;
    buf_init(&text, sizeof where - 1);
    buf_printf(&text, "row %zu, %.*s", table->row, (int)name.len, name.data);
    enum err err = fault_set(fault, ERR_INVALID, text.data ? text.data : "row", "%s", rule);
    buf_free(&text);
    return err;
}

static enum err refuse_row(const struct table *table, enum err code, const char *rule,
                           struct fault *fault)
{
    char where[32];
    struct buf text;
    buf_init(&text, sizeof where - 1);
    buf_printf(&text, "row %zu", table->row);
    enum err err = fault_set(fault, code, text.data ? text.data : "row", "%s", rule);
    buf_free(&text);
    return err;
}

static struct slice cell(const struct table *table, size_t index)
{
    if (index >= table->cell_count || !table->cells.data)
        return (struct slice){"", 0};
    return (struct slice){table->cells.data + table->starts[index],
                          table->starts[index + 1] - table->starts[index]};
}

struct slice table_cell(const struct table *table, size_t column)
{
    return cell(table, table->cell_of[column]);
}

static bool is_named(struct slice name, const char *names)
{
    while (true) {
        size_t len = strcspn(names, "|");
        if (slice_equal(name, (struct slice){names, len}))
            return true;
        if (!names[len])
            return false;
        names += len + 1;
    }
}

static enum err take_header(struct table *table, struct fault *fault)
{
    for (size_t i = 0; i < table->column_count; i++) {
        table->cell_of[i] = TABLE_CELLS_MAX;
        for (size_t k = 0; k < table->cell_count; k++)
            if (table->cell_of[i] == TABLE_CELLS_MAX &&
                is_named(cell(table, k), table->columns[i].names))
                table->cell_of[i] = k;
        if (table->columns[i].required && table->cell_of[i] == TABLE_CELLS_MAX)
            return table_refuse(table, i, "the header lacks this column", fault);
    }
    table->has_header = true;
    table->header_cells = table->cell_count;
    return ERR_OK;
}

/* A cell too many is a delimiter outside quotes: what follows it would be taken for another column.
 */
static enum err take_row(struct table *table, struct fault *fault)
{
    for (size_t i = table->header_cells; i < table->cell_count; i++)
        if (cell(table, i).len)
            return refuse_row(table, ERR_INVALID,
                              "has more cells than the header: is a text with the delimiter "
                              "not in quotes?",
                              fault);
    for (size_t i = 0; i < table->column_count; i++)
        if (!utf8_valid(table_cell(table, i)))
            return table_refuse(table, i, "is not UTF-8: save the file in that encoding", fault);
    return table->take(table->context, table, fault);
}

static enum err end_cell(struct table *table, struct fault *fault)
{
    if (table->cell_count == TABLE_CELLS_MAX)
        return refuse_row(table, ERR_TOO_LARGE, "too many cells", fault);
    table->starts[++table->cell_count] = table->cells.len;
    table->state = CELL_START;
    return ERR_OK;
}

static enum err end_row(struct table *table, struct fault *fault)
{
    bool empty = table->cell_count == 0 && table->cells.len == 0 && table->state == CELL_START;
    enum err err = ERR_OK;
    if (!empty) {
        err = end_cell(table, fault);
        if (!err && buf_check(&table->cells, NULL, ""))
            err = refuse_row(table, ERR_TOO_LARGE, "the row is too long", fault);
        if (!err && table->row > table->row_max)
            err = refuse_row(table, ERR_TOO_LARGE, "too many rows", fault);
        if (!err)
            err = table->has_header ? take_row(table, fault) : take_header(table, fault);
    }
    table->cell_count = 0;
    table->starts[0] = 0;
    table->state = CELL_START;
    buf_reset(&table->cells);
    table->row++;
    return err;
}

/* Drops a byte order mark, so that what stands behind it may begin with a quote. */
static void drop_mark(struct table *table)
{
    if (table->row != 1 || table->cell_count || table->cells.len != sizeof byte_order_mark - 1 ||
        memcmp(table->cells.data, byte_order_mark, table->cells.len) != 0)
        return;
    buf_reset(&table->cells);
    table->state = CELL_START;
}

static enum err feed_char(struct table *table, char c, struct fault *fault)
{
    bool quotes = table->delimiter == ',';
    if (c == '\0')
        return refuse_row(table, ERR_INVALID, "a NUL byte: is the file UTF-16? It must be UTF-8",
                          fault);
    if (table->state == QUOTED) {
        if (c == '"')
            table->state = QUOTE_IN_QUOTED;
        else
            buf_append_char(&table->cells, c);
        return ERR_OK;
    }
    if (c == '\n' || c == '\r') {
        bool second = c == '\n' && table->skip_line_feed;
        table->skip_line_feed = c == '\r';
        return second ? ERR_OK : end_row(table, fault);
    }
    table->skip_line_feed = false;
    if (c == table->delimiter)
        return end_cell(table, fault);
    if (quotes && c == '"' && table->state != PLAIN) {
        if (table->state == QUOTE_IN_QUOTED)
            buf_append_char(&table->cells, c);
        table->state = QUOTED;
        return ERR_OK;
    }
    if (table->state == QUOTE_IN_QUOTED)
        return refuse_row(table, ERR_INVALID, "text behind a closing quote", fault);
    buf_append_char(&table->cells, c);
    table->state = PLAIN;
    drop_mark(table);
    return ERR_OK;
}

enum err table_feed(struct table *table, struct slice bytes, struct fault *fault)
{
    for (size_t i = 0; i < bytes.len; i++) {
        enum err err = feed_char(table, bytes.data[i], fault);
        if (!err && table->cells.failed)
            err = refuse_row(table, ERR_TOO_LARGE, "the row is too long", fault);
        if (err)
            return err;
    }
    return ERR_OK;
}

enum err table_finish(struct table *table, struct fault *fault)
{
    if (table->state == QUOTED)
        return refuse_row(table, ERR_INVALID, "the file ends inside quotes", fault);
    enum err err = end_row(table, fault);
    if (!err && !table->has_header)
        err = fault_set(fault, ERR_INVALID, "row 1", "the file has no header");
    return err;
}
