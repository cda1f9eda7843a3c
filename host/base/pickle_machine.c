/* Input, memory and stack of a pickle that is being read, each bounded by the bytes read so far. */
#include "pickle_machine.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

rncl_pickle_value rncl_pickle_mark;

/* ---- failing ---- */

void rncl_pickle_describe_damage(const rncl_pickle_machine *m, const char *what)
{
    rncl_status_fail("%s: its pickle is damaged or hostile: %s at byte %zu; %s", m->path, what,
                     (size_t)(m->next - m->start), m->rules->damage_advice);
}

static rncl_status no_memory(const rncl_pickle_machine *m)
{
    return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its pickle", m->path);
}

/* ---- input ---- */

rncl_status rncl_pickle_take(rncl_pickle_machine *m, uint64_t size, const unsigned char **bytes)
{
    if (size > (size_t)(m->end - m->next))
        return rncl_pickle_refuse(m, "truncated");
    *bytes = m->next;
    m->next += size;
    return RNCL_OK;
}

rncl_status rncl_pickle_take_number(rncl_pickle_machine *m, size_t size_bytes, uint64_t *number)
{
    const unsigned char *bytes;
    *number = 0;
    RNCL_TRY(rncl_pickle_take(m, size_bytes, &bytes));
    for (size_t i = size_bytes; i-- > 0;)
        *number = *number << 8 | bytes[i];
    return RNCL_OK;
}

rncl_status rncl_pickle_take_text(rncl_pickle_machine *m, size_t length_bytes, rncl_pickle_text *text)
{
    uint64_t length;
    const unsigned char *bytes;
    RNCL_TRY(rncl_pickle_take_number(m, length_bytes, &length));
    RNCL_TRY(rncl_pickle_take(m, length, &bytes));
    *text = (rncl_pickle_text){(const char *)bytes, (size_t)length};
    return RNCL_OK;
}

rncl_status rncl_pickle_take_line(rncl_pickle_machine *m, rncl_pickle_text *line)
{
    const size_t left = (size_t)(m->end - m->next);
    const unsigned char *end = left ? memchr(m->next, '\n', left) : NULL;
    if (!end)
        return rncl_pickle_refuse(m, "a line without an end");
    *line = (rncl_pickle_text){(const char *)m->next, (size_t)(end - m->next)};
    m->next = end + 1;
    return RNCL_OK;
}

/* ---- memory ---- */

enum { CHUNK_CELLS = 512 };

typedef union cell {
    rncl_pickle_value value;
    rncl_pickle_item item;
} cell;

struct rncl_pickle_chunk {
    struct rncl_pickle_chunk *next;
    size_t used;
    cell cells[CHUNK_CELLS];
};

/* Bytes that are not the input's. */
struct rncl_pickle_bytes {
    struct rncl_pickle_bytes *next;
    char data[];
};

static rncl_status make_cell(rncl_pickle_machine *m, cell **out)
{
    struct rncl_pickle_chunk *chunk = m->pickle->chunks;
    if (++m->cells > RNCL_PICKLE_MOST_VALUES)
        return rncl_pickle_refuse(m, "more values than any file of its kind has");
    if (m->cells / RNCL_PICKLE_MOST_VALUES_A_BYTE > (size_t)(m->next - m->start))
        return rncl_pickle_refuse(m, "more values than its bytes can describe");
    if (!chunk || chunk->used == CHUNK_CELLS) {
        chunk = malloc(sizeof *chunk);
        if (!chunk)
            return no_memory(m);
        chunk->next = m->pickle->chunks;
        chunk->used = 0;
        m->pickle->chunks = chunk;
    }
    *out = &chunk->cells[chunk->used++];
    return RNCL_OK;
}

rncl_status rncl_pickle_make(rncl_pickle_machine *m, rncl_pickle_value value, rncl_pickle_value **out)
{
    cell *made;
    RNCL_TRY(make_cell(m, &made));
    made->value = value;
    *out = &made->value;
    return RNCL_OK;
}

/* The same text can be decoded again and again in a few bytes each time, so that all of it together is
 * bounded. */
rncl_status rncl_pickle_allocate(rncl_pickle_machine *m, size_t size, char **out)
{
    if (size > (size_t)(m->next - m->start) - m->decoded_bytes)
        return rncl_pickle_refuse(m, "more bytes than its text can hold");
    struct rncl_pickle_bytes *bytes = malloc(sizeof *bytes + size);
    if (!bytes)
        return no_memory(m);
    m->decoded_bytes += size;
    bytes->next = m->pickle->bytes;
    m->pickle->bytes = bytes;
    *out = bytes->data;
    return RNCL_OK;
}

rncl_status rncl_pickle_append(rncl_pickle_machine *m, rncl_pickle_value *to, const rncl_pickle_value *key,
                               const rncl_pickle_value *value)
{
    cell *made;
    RNCL_TRY(make_cell(m, &made));
    made->item = (rncl_pickle_item){.key = key, .value = value};
    if (to->items.last)
        to->items.last->next = &made->item;
    else
        to->items.first = &made->item;
    to->items.last = &made->item;
    to->items.count++;
    return RNCL_OK;
}

void rncl_pickle_free(rncl_pickle *pickle)
{
    while (pickle->chunks) {
        struct rncl_pickle_chunk *next = pickle->chunks->next;
        free(pickle->chunks);
        pickle->chunks = next;
    }
    while (pickle->bytes) {
        struct rncl_pickle_bytes *next = pickle->bytes->next;
        free(pickle->bytes);
        pickle->bytes = next;
    }
    *pickle = (rncl_pickle){0};
}

/* ---- the stack and the memo ---- */

static rncl_status put(rncl_pickle_machine *m, rncl_pickle_row *row, size_t index, rncl_pickle_value *value)
{
    if (index >= RNCL_PICKLE_MOST_VALUES)
        return rncl_pickle_refuse(m, "more values than any file of its kind has");
    if (index >= row->room) {
        const size_t room = MAX((size_t)64, 2 * index);
        rncl_pickle_value **grown = realloc(row->values, room * sizeof *grown);
        if (!grown)
            return no_memory(m);
        memset(grown + row->room, 0, (room - row->room) * sizeof *grown);
        row->values = grown;
        row->room = room;
    }
    row->values[index] = value;
    row->count = MAX(row->count, index + 1);
    return RNCL_OK;
}

rncl_status rncl_pickle_push(rncl_pickle_machine *m, rncl_pickle_value *value)
{
    return put(m, &m->stack, m->stack.count, value);
}

rncl_status rncl_pickle_push_new(rncl_pickle_machine *m, rncl_pickle_value value)
{
    rncl_pickle_value *made;
    RNCL_TRY(rncl_pickle_make(m, value, &made));
    return rncl_pickle_push(m, made);
}

rncl_status rncl_pickle_top(const rncl_pickle_machine *m, rncl_pickle_value **out)
{
    if (!m->stack.count || m->stack.values[m->stack.count - 1] == &rncl_pickle_mark)
        return rncl_pickle_refuse(m, "nothing on the stack");
    *out = m->stack.values[m->stack.count - 1];
    return RNCL_OK;
}

rncl_status rncl_pickle_pop(rncl_pickle_machine *m, rncl_pickle_value **out)
{
    RNCL_TRY(rncl_pickle_top(m, out));
    m->stack.count--;
    return RNCL_OK;
}

/* Python numbers the entries in turn, so that none is larger than the bytes read. */
rncl_status rncl_pickle_memoize(rncl_pickle_machine *m, uint64_t index)
{
    rncl_pickle_value *value;
    RNCL_TRY(rncl_pickle_top(m, &value));
    if (index > (uint64_t)(m->next - m->start))
        return rncl_pickle_refuse(m, "more memo entries than its bytes can describe");
    return put(m, &m->memo, (size_t)index, value);
}
