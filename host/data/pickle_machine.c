/* The file's bytes, the stack, and the values, which are owned by a list of all of them. */
#include "pickle_machine.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

rncl_pickle_cell rncl_pickle_mark;

bool rncl_pickle_is(const rncl_pickle_value *value, const char *text)
{
    return value->size == strlen(text) && !memcmp(value->bytes, text, value->size);
}

/* ---- failures ---- */

rncl_status rncl_pickle_truncated(void)
{
    return RNCL_FAIL(RNCL_ERR_DATA, "the pickle is truncated");
}

rncl_status rncl_pickle_damaged(void)
{
    return RNCL_FAIL(RNCL_ERR_DATA, "the pickle is damaged");
}

rncl_status rncl_pickle_no_memory(void)
{
    return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory for a pickle");
}

/* ---- bytes ---- */

rncl_status rncl_pickle_take_bytes(rncl_pickle *p, size_t count, const uint8_t **bytes)
{
    if (count > (size_t)(p->end - p->at))
        return rncl_pickle_truncated();
    *bytes = p->at;
    p->at += count;
    return RNCL_OK;
}

/* A little-endian number of up to eight bytes. */
rncl_status rncl_pickle_take_number(rncl_pickle *p, size_t width, uint64_t *number)
{
    const uint8_t *bytes;
    RNCL_TRY(rncl_pickle_take_bytes(p, width, &bytes));
    *number = 0;
    for (size_t i = width; i-- > 0;)
        *number = *number << 8 | bytes[i];
    return RNCL_OK;
}

rncl_status rncl_pickle_take_line(rncl_pickle *p, const uint8_t **line, size_t *length)
{
    const uint8_t *newline = memchr(p->at, '\n', (size_t)(p->end - p->at));
    if (!newline)
        return rncl_pickle_truncated();
    *line = p->at;
    *length = (size_t)(newline - p->at);
    p->at = newline + 1;
    return RNCL_OK;
}

/* ---- values ---- */

rncl_status rncl_pickle_row_add(rncl_pickle_row *r, rncl_pickle_cell *c)
{
    if (r->count == r->capacity) {
        const size_t capacity = MAX(2 * r->capacity, 64);
        rncl_pickle_cell **cells = realloc(r->cells, capacity * sizeof *cells);
        if (!cells)
            return rncl_pickle_no_memory();
        r->cells = cells;
        r->capacity = capacity;
    }
    r->cells[r->count++] = c;
    return RNCL_OK;
}

/* A new value on the stack. */
rncl_status rncl_pickle_push(rncl_pickle *p, rncl_pickle_kind kind, rncl_pickle_cell **out)
{
    if (p->values == RNCL_PICKLE_MOST_VALUES)
        return RNCL_FAIL(RNCL_ERR_DATA, "the pickle has more than %d values", RNCL_PICKLE_MOST_VALUES);
    rncl_pickle_cell *c = calloc(1, sizeof *c);
    if (!c)
        return rncl_pickle_no_memory();
    c->value.kind = kind;
    c->next = p->all;
    p->all = c;
    p->values++;
    *out = c;
    return rncl_pickle_row_add(&p->stack, c);
}

rncl_status rncl_pickle_pop(rncl_pickle *p, rncl_pickle_cell **out)
{
    if (p->stack.count == 0 || p->stack.cells[p->stack.count - 1] == &rncl_pickle_mark)
        return rncl_pickle_damaged();
    *out = p->stack.cells[--p->stack.count];
    return RNCL_OK;
}

rncl_status rncl_pickle_top(const rncl_pickle *p, rncl_pickle_cell **out)
{
    if (p->stack.count == 0 || p->stack.cells[p->stack.count - 1] == &rncl_pickle_mark)
        return rncl_pickle_damaged();
    *out = p->stack.cells[p->stack.count - 1];
    return RNCL_OK;
}
