/* A stack machine for the opcodes of pickles (Python's pickletools.py describes them). It builds values in an
 * arena, bounded in number, and has no opcode that does anything else. */
#include "state_pickle.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

/* Values and items together: the checkpoint of a deep network with its optimiser has some 100,000. */
enum { MOST_VALUES = 1000000, CHUNK_CELLS = 512 };

typedef union cell {
    rncl_state_pickle_value value;
    rncl_state_pickle_item item;
} cell;

struct rncl_state_pickle_chunk {
    struct rncl_state_pickle_chunk *next;
    size_t used;
    cell cells[CHUNK_CELLS];
};

/* A growing array of pointers to values. */
typedef struct value_list {
    rncl_state_pickle_value **values;
    size_t count, room;
} value_list;

typedef struct machine {
    const char *path;
    const unsigned char *start, *next, *end;
    rncl_state_pickle_knows *knows;
    rncl_state_pickle *pickle;
    size_t cells; /* made so far */
    value_list stack, memo;
} machine;

/* Marks on the stack where the elements of a container begin. */
static rncl_state_pickle_value mark;

/* ---- failing ---- */

static rncl_status refuse(const machine *m, const char *what)
{
    return RNCL_FAIL(RNCL_ERR_MODEL, "%s: its pickle is damaged or hostile: %s at byte %zu", m->path, what,
                     (size_t)(m->next - m->start));
}

static rncl_status no_memory(const machine *m)
{
    return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its pickle", m->path);
}

/* ---- memory ---- */

static rncl_status make_cell(machine *m, cell **out)
{
    struct rncl_state_pickle_chunk *chunk = m->pickle->chunks;
    if (++m->cells > MOST_VALUES)
        return refuse(m, "more values than any state dict has");
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

static rncl_status put(machine *m, value_list *to, size_t index, rncl_state_pickle_value *value)
{
    if (index >= MOST_VALUES)
        return refuse(m, "more values than any state dict has");
    if (index >= to->room) {
        const size_t room = MAX((size_t)64, 2 * index);
        rncl_state_pickle_value **grown = realloc(to->values, room * sizeof *grown);
        if (!grown)
            return no_memory(m);
        memset(grown + to->room, 0, (room - to->room) * sizeof *grown);
        to->values = grown;
        to->room = room;
    }
    to->values[index] = value;
    to->count = MAX(to->count, index + 1);
    return RNCL_OK;
}

static rncl_status push(machine *m, rncl_state_pickle_value *value)
{
    return put(m, &m->stack, m->stack.count, value);
}

static rncl_status push_new(machine *m, rncl_state_pickle_value value)
{
    cell *made;
    RNCL_TRY(make_cell(m, &made));
    made->value = value;
    return push(m, &made->value);
}

/* The topmost value, which is no mark. */
static rncl_status top(machine *m, rncl_state_pickle_value **out)
{
    if (!m->stack.count || m->stack.values[m->stack.count - 1] == &mark)
        return refuse(m, "nothing on the stack");
    *out = m->stack.values[m->stack.count - 1];
    return RNCL_OK;
}

static rncl_status pop(machine *m, rncl_state_pickle_value **out)
{
    RNCL_TRY(top(m, out));
    m->stack.count--;
    return RNCL_OK;
}

/* ---- reading ---- */

static rncl_status take(machine *m, uint64_t size, const unsigned char **bytes)
{
    if (size > (size_t)(m->end - m->next))
        return refuse(m, "its end");
    *bytes = m->next;
    m->next += size;
    return RNCL_OK;
}

/* A number of up to eight bytes, without a sign. */
static rncl_status take_number(machine *m, size_t size, uint64_t *value)
{
    const unsigned char *bytes;
    *value = 0;
    RNCL_TRY(take(m, size, &bytes));
    memcpy(value, bytes, size);
    return RNCL_OK;
}

static rncl_status take_text(machine *m, size_t length_bytes, rncl_state_pickle_text *text)
{
    uint64_t length;
    const unsigned char *bytes;
    RNCL_TRY(take_number(m, length_bytes, &length));
    RNCL_TRY(take(m, length, &bytes));
    *text = (rncl_state_pickle_text){(const char *)bytes, (size_t)length};
    return RNCL_OK;
}

static rncl_status take_line(machine *m, rncl_state_pickle_text *text)
{
    const unsigned char *end = memchr(m->next, '\n', (size_t)(m->end - m->next));
    if (!end)
        return refuse(m, "a line without an end");
    *text = (rncl_state_pickle_text){(const char *)m->next, (size_t)(end - m->next)};
    m->next = end + 1;
    return RNCL_OK;
}

/* ---- containers ---- */

static rncl_status append(machine *m, rncl_state_pickle_value *to, const rncl_state_pickle_value *key,
                          const rncl_state_pickle_value *value)
{
    cell *made;
    RNCL_TRY(make_cell(m, &made));
    made->item = (rncl_state_pickle_item){.key = key, .value = value};
    if (to->items.last)
        to->items.last->next = &made->item;
    else
        to->items.first = &made->item;
    to->items.last = &made->item;
    to->items.count++;
    return RNCL_OK;
}

/* The place on the stack behind the last mark. */
static rncl_status find_mark(machine *m, size_t *first)
{
    for (*first = m->stack.count; *first > 0; --*first)
        if (m->stack.values[*first - 1] == &mark)
            return RNCL_OK;
    return refuse(m, "no mark on the stack");
}

/* Moves what is on the stack from `first` on into a container: values, or keys and values in turn. */
static rncl_status append_from(machine *m, size_t first, rncl_state_pickle_value *to)
{
    const bool pairs = to->kind == RNCL_STATE_PICKLE_DICT;
    if (pairs && (m->stack.count - first) % 2)
        return refuse(m, "a key without a value");
    for (size_t i = first; i < m->stack.count; i += pairs ? 2 : 1)
        RNCL_TRY(append(m, to, pairs ? m->stack.values[i] : NULL, m->stack.values[i + pairs]));
    m->stack.count = first;
    return RNCL_OK;
}

/* Of the elements behind the mark, which goes. */
static rncl_status make_marked(machine *m, size_t kind)
{
    size_t first;
    cell *made;
    RNCL_TRY(find_mark(m, &first));
    RNCL_TRY(make_cell(m, &made));
    made->value = (rncl_state_pickle_value){.kind = (rncl_state_pickle_kind)kind};
    RNCL_TRY(append_from(m, first, &made->value));
    m->stack.count--;
    return push(m, &made->value);
}

static rncl_status make_tuple(machine *m, size_t count)
{
    cell *made;
    RNCL_TRY(make_cell(m, &made));
    made->value = (rncl_state_pickle_value){.kind = RNCL_STATE_PICKLE_TUPLE};
    for (size_t i = 0; i < count; i++)
        if (m->stack.count <= i || m->stack.values[m->stack.count - 1 - i] == &mark)
            return refuse(m, "a tuple without its elements");
    RNCL_TRY(append_from(m, m->stack.count - count, &made->value));
    return push(m, &made->value);
}

/* Adds what is on the stack from `first` on to the list or dict below it. An object may be one of its own
 * kind; what it holds goes. */
static rncl_status extend(machine *m, size_t first, rncl_state_pickle_kind kind)
{
    rncl_state_pickle_value *to = first ? m->stack.values[first - 1] : NULL;
    if (to && to->kind == RNCL_STATE_PICKLE_OBJECT && to != &mark) {
        m->stack.count = first;
        return RNCL_OK;
    }
    if (!to || to == &mark || to->kind != kind)
        return refuse(m, "elements without a container");
    return append_from(m, first, to);
}

/* One element, or a key and its value. */
static rncl_status append_top(machine *m, size_t count)
{
    if (m->stack.count < count)
        return refuse(m, "nothing on the stack");
    return extend(m, m->stack.count - count, count == 1 ? RNCL_STATE_PICKLE_LIST : RNCL_STATE_PICKLE_DICT);
}

static rncl_status append_marked(machine *m, size_t kind)
{
    size_t first;
    RNCL_TRY(find_mark(m, &first));
    /* The mark goes, and the elements take its place. */
    memmove(m->stack.values + first - 1, m->stack.values + first,
            (m->stack.count - first) * sizeof *m->stack.values);
    m->stack.count--;
    return extend(m, first - 1, (rncl_state_pickle_kind)kind);
}

/* ---- names and calls ---- */

static rncl_status make_global(machine *m, rncl_state_pickle_text module, rncl_state_pickle_text name)
{
    const rncl_state_pickle_kind kind =
        m->knows(module, name) ? RNCL_STATE_PICKLE_GLOBAL : RNCL_STATE_PICKLE_OBJECT;
    return push_new(m, (rncl_state_pickle_value){.kind = kind, .global = {module, name}});
}

static rncl_status read_global(machine *m, size_t unused)
{
    (void)unused;
    rncl_state_pickle_text module, name;
    RNCL_TRY(take_line(m, &module));
    RNCL_TRY(take_line(m, &name));
    return make_global(m, module, name);
}

static rncl_status stack_global(machine *m, size_t unused)
{
    (void)unused;
    rncl_state_pickle_value *name, *module;
    RNCL_TRY(pop(m, &name));
    RNCL_TRY(pop(m, &module));
    if (name->kind != RNCL_STATE_PICKLE_TEXT || module->kind != RNCL_STATE_PICKLE_TEXT)
        return refuse(m, "a name that is no text");
    return make_global(m, module->text, name->text);
}

static bool is_ordered_dict(const rncl_state_pickle_value *global)
{
    return rncl_state_pickle_text_is(global->global.module, "collections") &&
           rncl_state_pickle_text_is(global->global.name, "OrderedDict");
}

/* Of Python 2: OrderedDict([[key, value], …]); of Python 3 it has no arguments, and items follow. */
static rncl_status make_ordered_dict(machine *m, const rncl_state_pickle_value *arguments)
{
    cell *made;
    RNCL_TRY(make_cell(m, &made));
    rncl_state_pickle_value *dict = &made->value;
    *dict = (rncl_state_pickle_value){.kind = RNCL_STATE_PICKLE_DICT};
    const rncl_state_pickle_value *pairs = rncl_state_pickle_element(arguments, 0);
    if (pairs && pairs->kind != RNCL_STATE_PICKLE_LIST)
        return refuse(m, "an OrderedDict of something else than pairs");
    for (const rncl_state_pickle_item *item = pairs ? pairs->items.first : NULL; item; item = item->next) {
        const rncl_state_pickle_value *key = rncl_state_pickle_element(item->value, 0);
        const rncl_state_pickle_value *value = rncl_state_pickle_element(item->value, 1);
        if (!key || !value)
            return refuse(m, "an OrderedDict of something else than pairs");
        RNCL_TRY(append(m, dict, key, value));
    }
    return push(m, dict);
}

/* A call, or a class with the arguments of its __new__. What an unknown one makes is not known either. */
static rncl_status call(machine *m, size_t unused)
{
    (void)unused;
    rncl_state_pickle_value *arguments, *function;
    RNCL_TRY(pop(m, &arguments));
    RNCL_TRY(pop(m, &function));
    if (arguments->kind == RNCL_STATE_PICKLE_TUPLE && function->kind == RNCL_STATE_PICKLE_OBJECT)
        return push_new(m, *function);
    if (arguments->kind != RNCL_STATE_PICKLE_TUPLE || function->kind != RNCL_STATE_PICKLE_GLOBAL)
        return refuse(m, "a call of what is no function");
    if (is_ordered_dict(function))
        return make_ordered_dict(m, arguments);
    return push_new(m,
                    (rncl_state_pickle_value){.kind = RNCL_STATE_PICKLE_CALL, .call = {function, arguments}});
}

/* The same with arguments by name, which go. */
static rncl_status call_with_names(machine *m, size_t unused)
{
    rncl_state_pickle_value *names;
    RNCL_TRY(pop(m, &names));
    return call(m, unused);
}

/* The attributes of an object, which weights do not need: a state dict has the versions of its layers there.
 */
static rncl_status set_attributes(machine *m, size_t unused)
{
    (void)unused;
    rncl_state_pickle_value *state, *object;
    RNCL_TRY(pop(m, &state));
    RNCL_TRY(top(m, &object));
    if (object->kind != RNCL_STATE_PICKLE_DICT && object->kind != RNCL_STATE_PICKLE_CALL &&
        object->kind != RNCL_STATE_PICKLE_OBJECT)
        return refuse(m, "attributes of what is no object");
    return RNCL_OK;
}

static rncl_status make_persistent(machine *m, size_t unused)
{
    (void)unused;
    rncl_state_pickle_value *id;
    RNCL_TRY(pop(m, &id));
    RNCL_TRY(push_new(m, (rncl_state_pickle_value){.kind = RNCL_STATE_PICKLE_PERSISTENT,
                                                   .persistent = {id, m->pickle->persistent}}));
    m->pickle->persistent = m->stack.values[m->stack.count - 1];
    return RNCL_OK;
}

/* ---- the instructions ---- */

static rncl_status push_size(machine *m, size_t size_bytes)
{
    uint64_t value;
    RNCL_TRY(take_number(m, size_bytes, &value));
    return push_new(m, (rncl_state_pickle_value){.kind = RNCL_STATE_PICKLE_INT, .integer = (int64_t)value});
}

static rncl_status push_int32(machine *m, size_t unused)
{
    (void)unused;
    uint64_t value;
    RNCL_TRY(take_number(m, 4, &value));
    return push_new(
        m, (rncl_state_pickle_value){.kind = RNCL_STATE_PICKLE_INT, .integer = (int32_t)(uint32_t)value});
}

/* Numbers of more than eight bytes are nothing that a tensor needs; they become the largest. */
static rncl_status push_long(machine *m, size_t length_bytes)
{
    rncl_state_pickle_text digits;
    RNCL_TRY(take_text(m, length_bytes, &digits));
    uint64_t value = 0;
    if (digits.length > sizeof value)
        return push_new(m, (rncl_state_pickle_value){.kind = RNCL_STATE_PICKLE_INT, .integer = INT64_MAX});
    memcpy(&value, digits.characters, digits.length);
    const unsigned bits = 8 * (unsigned)digits.length;
    if (bits && bits < 64 && value >> (bits - 1))
        value |= UINT64_MAX << bits;
    return push_new(m, (rncl_state_pickle_value){.kind = RNCL_STATE_PICKLE_INT, .integer = (int64_t)value});
}

static rncl_status push_float(machine *m, size_t size_bytes)
{
    uint64_t bits;
    double value;
    RNCL_TRY(take_number(m, size_bytes, &bits));
    bits = __builtin_bswap64(bits); /* the one number that is big-endian */
    memcpy(&value, &bits, sizeof value);
    return push_new(m, (rncl_state_pickle_value){.kind = RNCL_STATE_PICKLE_FLOAT, .real = value});
}

static rncl_status push_text(machine *m, size_t length_bytes)
{
    rncl_state_pickle_text text;
    RNCL_TRY(take_text(m, length_bytes, &text));
    return push_new(m, (rncl_state_pickle_value){.kind = RNCL_STATE_PICKLE_TEXT, .text = text});
}

static rncl_status push_none(machine *m, size_t unused)
{
    (void)unused;
    return push_new(m, (rncl_state_pickle_value){.kind = RNCL_STATE_PICKLE_NONE});
}

static rncl_status push_bool(machine *m, size_t value)
{
    return push_new(m, (rncl_state_pickle_value){.kind = RNCL_STATE_PICKLE_BOOL, .integer = (int64_t)value});
}

static rncl_status push_empty(machine *m, size_t kind)
{
    return push_new(m, (rncl_state_pickle_value){.kind = (rncl_state_pickle_kind)kind});
}

static rncl_status push_mark(machine *m, size_t unused)
{
    (void)unused;
    return push(m, &mark);
}

/* The value on top becomes entry `index` of the memo, too. */
static rncl_status memoize(machine *m, uint64_t index)
{
    rncl_state_pickle_value *value;
    RNCL_TRY(top(m, &value));
    return put(m, &m->memo, (size_t)MIN(index, (uint64_t)MOST_VALUES), value);
}

static rncl_status memoize_next(machine *m, size_t unused)
{
    (void)unused;
    return memoize(m, m->memo.count);
}

static rncl_status memoize_at(machine *m, size_t index_bytes)
{
    uint64_t index;
    RNCL_TRY(take_number(m, index_bytes, &index));
    return memoize(m, index);
}

static rncl_status push_memo(machine *m, size_t index_bytes)
{
    uint64_t index;
    RNCL_TRY(take_number(m, index_bytes, &index));
    if (index >= m->memo.count || !m->memo.values[index])
        return refuse(m, "a memo entry that was never set");
    return push(m, m->memo.values[index]);
}

static rncl_status skip(machine *m, size_t size_bytes)
{
    const unsigned char *skipped;
    return take(m, size_bytes, &skipped);
}

enum { STOP = '.' };

/* By opcode. NULL: PyTorch does not write it, among them all that look up or import. */
static const struct {
    rncl_status (*run)(machine *m, size_t argument);
    size_t argument;
} instructions[UCHAR_MAX + 1] = {
    [0x80] = {skip, 1}, /* protocol */
    [0x95] = {skip, 8}, /* length of a frame */
    ['N'] = {push_none, 0},
    [0x88] = {push_bool, 1},
    [0x89] = {push_bool, 0},
    ['J'] = {push_int32, 0},
    ['K'] = {push_size, 1},
    ['M'] = {push_size, 2},
    [0x8a] = {push_long, 1},
    ['G'] = {push_float, 8},
    ['X'] = {push_text, 4}, /* str */
    [0x8c] = {push_text, 1},
    [0x8d] = {push_text, 8},
    ['T'] = {push_text, 4}, /* str of Python 2 */
    ['U'] = {push_text, 1},
    ['B'] = {push_text, 4}, /* bytes */
    ['C'] = {push_text, 1},
    ['('] = {push_mark, 0},
    [')'] = {push_empty, RNCL_STATE_PICKLE_TUPLE},
    [']'] = {push_empty, RNCL_STATE_PICKLE_LIST},
    ['}'] = {push_empty, RNCL_STATE_PICKLE_DICT},
    ['t'] = {make_marked, RNCL_STATE_PICKLE_TUPLE},
    [0x8f] = {push_empty, RNCL_STATE_PICKLE_LIST}, /* a set */
    [0x90] = {append_marked, RNCL_STATE_PICKLE_LIST},
    [0x91] = {make_marked, RNCL_STATE_PICKLE_TUPLE}, /* a frozenset */
    [0x85] = {make_tuple, 1},
    [0x86] = {make_tuple, 2},
    [0x87] = {make_tuple, 3},
    ['a'] = {append_top, 1},
    ['s'] = {append_top, 2},
    ['e'] = {append_marked, RNCL_STATE_PICKLE_LIST},
    ['u'] = {append_marked, RNCL_STATE_PICKLE_DICT},
    ['q'] = {memoize_at, 1},
    ['r'] = {memoize_at, 4},
    [0x94] = {memoize_next, 0},
    ['h'] = {push_memo, 1},
    ['j'] = {push_memo, 4},
    ['c'] = {read_global, 0},
    [0x93] = {stack_global, 0},
    ['R'] = {call, 0},
    [0x81] = {call, 0},
    [0x92] = {call_with_names, 0},
    ['b'] = {set_attributes, 0},
    ['Q'] = {make_persistent, 0},
};

static rncl_status step(machine *m, unsigned char code)
{
    if (!instructions[code].run)
        return RNCL_FAIL(
            RNCL_ERR_MODEL,
            "%s: its pickle has the instruction 0x%02x, which PyTorch does not write; save them anew: "
            "torch.save(model.state_dict(), FILE)",
            m->path, code);
    return instructions[code].run(m, instructions[code].argument);
}

static rncl_status run(machine *m)
{
    for (;;) {
        const unsigned char *code;
        RNCL_TRY(take(m, 1, &code));
        if (*code == STOP)
            break;
        RNCL_TRY(step(m, *code));
    }
    rncl_state_pickle_value *value;
    RNCL_TRY(pop(m, &value));
    if (m->stack.count)
        return refuse(m, "values left over");
    m->pickle->value = value;
    m->pickle->size_bytes = (size_t)(m->next - m->start);
    return RNCL_OK;
}

rncl_status rncl_state_pickle_read(const char *path, rncl_contents bytes, rncl_state_pickle_knows *knows,
                                   rncl_state_pickle *out)
{
    *out = (rncl_state_pickle){0};
    machine m = {.path = path,
                 .start = bytes.data,
                 .next = bytes.data,
                 .end = bytes.data + bytes.size_bytes,
                 .knows = knows,
                 .pickle = out};
    const rncl_status st = run(&m);
    free(m.stack.values);
    free(m.memo.values);
    if (st)
        rncl_state_pickle_free(out);
    return st;
}

rncl_status rncl_state_pickle_refuse(const char *path, const rncl_state_pickle_value *object)
{
    const rncl_state_pickle_text module = object->global.module, name = object->global.name;
    char text[96];
    snprintf(text, sizeof text, "%.*s.%.*s", (int)MIN(module.length, (size_t)40), module.characters,
             (int)MIN(name.length, (size_t)40), name.characters);
    return RNCL_FAIL(RNCL_ERR_MODEL,
                     "%s: it holds a %s, which is nothing that weights need, and rncl executes nothing; save "
                     "the weights alone: torch.save(model.state_dict(), FILE)",
                     path, rncl_text_is_plain(text) ? text : "?");
}

void rncl_state_pickle_free(rncl_state_pickle *pickle)
{
    while (pickle->chunks) {
        struct rncl_state_pickle_chunk *next = pickle->chunks->next;
        free(pickle->chunks);
        pickle->chunks = next;
    }
    *pickle = (rncl_state_pickle){0};
}

/* ---- looking at values ---- */

bool rncl_state_pickle_text_is(rncl_state_pickle_text text, const char *word)
{
    return text.length == strlen(word) && memcmp(text.characters, word, text.length) == 0;
}

const rncl_state_pickle_value *rncl_state_pickle_find(const rncl_state_pickle_value *dict, const char *key)
{
    const rncl_state_pickle_value *found = NULL;
    if (dict->kind != RNCL_STATE_PICKLE_DICT)
        return NULL;
    for (const rncl_state_pickle_item *item = dict->items.first; item; item = item->next)
        if (item->key->kind == RNCL_STATE_PICKLE_TEXT && rncl_state_pickle_text_is(item->key->text, key))
            found = item->value;
    return found;
}

const rncl_state_pickle_value *rncl_state_pickle_element(const rncl_state_pickle_value *sequence,
                                                         size_t index)
{
    if (sequence->kind != RNCL_STATE_PICKLE_TUPLE && sequence->kind != RNCL_STATE_PICKLE_LIST)
        return NULL;
    const rncl_state_pickle_item *item = sequence->items.first;
    while (item && index--)
        item = item->next;
    return item ? item->value : NULL;
}

bool rncl_state_pickle_size(const rncl_state_pickle_value *value, size_t *size)
{
    if (!value || value->kind != RNCL_STATE_PICKLE_INT || value->integer < 0)
        return false;
    *size = (size_t)value->integer;
    return true;
}
