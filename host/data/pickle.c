/* The machine that pickles are programs for: a stack of values, marks in it, and a memo of values by number.
 * Values are owned by a list of all of them, so that what a damaged file leaves behind, or ties into a ring,
 * is freed too. */
#include "pickle.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

/* A byte of a file makes at most one value: far more than CIFAR's 150,000, far less than all memory. */
enum { MOST_VALUES = 1 << 20 };

/* The things outside a pickle that one may name. */
typedef enum name { NAME_ENCODE = 1, NAME_RECONSTRUCT, NAME_FROMBUFFER, NAME_NDARRAY, NAME_DTYPE } name;

static const struct {
    const char *module, *name;
    name which;
} names[] = {
    {"_codecs", "encode", NAME_ENCODE},
    {"numpy.core.multiarray", "_reconstruct", NAME_RECONSTRUCT},
    {"numpy._core.multiarray", "_reconstruct", NAME_RECONSTRUCT},
    {"numpy.core.numeric", "_frombuffer", NAME_FROMBUFFER},
    {"numpy._core.numeric", "_frombuffer", NAME_FROMBUFFER},
    {"numpy", "ndarray", NAME_NDARRAY},
    {"numpy", "dtype", NAME_DTYPE},
};

/* A value with what only the machine knows of it. */
typedef struct cell {
    rncl_pickle_value value; /* first: both have one address */
    struct cell *next;       /* of all */
    size_t capacity;         /* of items */
    uint8_t *owned;          /* bytes that are not the file's */
    name name;               /* of RNCL_PICKLE_OTHER; 0: a dtype */
} cell;

/* An array of values that grows. */
typedef struct row {
    cell **cells;
    size_t count, capacity;
} row;

struct rncl_pickle {
    const uint8_t *at, *end;
    row stack, memo;
    cell *all, *root;
    size_t values;
    bool stopped;
};

static cell mark; /* on the stack, where a group begins */

typedef rncl_status operation(rncl_pickle *p, size_t argument);

/* ---- failures ---- */

static rncl_status truncated(void)
{
    return RNCL_FAIL(RNCL_ERR_DATA, "the pickle is truncated");
}

static rncl_status damaged(void)
{
    return RNCL_FAIL(RNCL_ERR_DATA, "the pickle is damaged");
}

static rncl_status no_memory(void)
{
    return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory for a pickle");
}

/* ---- bytes ---- */

static rncl_status take_bytes(rncl_pickle *p, size_t count, const uint8_t **bytes)
{
    if (count > (size_t)(p->end - p->at))
        return truncated();
    *bytes = p->at;
    p->at += count;
    return RNCL_OK;
}

/* A little-endian number of up to eight bytes. */
static rncl_status take_number(rncl_pickle *p, size_t width, uint64_t *number)
{
    const uint8_t *bytes;
    RNCL_TRY(take_bytes(p, width, &bytes));
    *number = 0;
    for (size_t i = width; i-- > 0;)
        *number = *number << 8 | bytes[i];
    return RNCL_OK;
}

static rncl_status take_line(rncl_pickle *p, const uint8_t **line, size_t *length)
{
    const uint8_t *newline = memchr(p->at, '\n', (size_t)(p->end - p->at));
    if (!newline)
        return truncated();
    *line = p->at;
    *length = (size_t)(newline - p->at);
    p->at = newline + 1;
    return RNCL_OK;
}

/* ---- values ---- */

static rncl_status row_add(row *r, cell *c)
{
    if (r->count == r->capacity) {
        const size_t capacity = MAX(2 * r->capacity, 64);
        cell **cells = realloc(r->cells, capacity * sizeof *cells);
        if (!cells)
            return no_memory();
        r->cells = cells;
        r->capacity = capacity;
    }
    r->cells[r->count++] = c;
    return RNCL_OK;
}

/* A new value on the stack. */
static rncl_status push_new(rncl_pickle *p, rncl_pickle_kind kind, cell **out)
{
    if (p->values == MOST_VALUES)
        return RNCL_FAIL(RNCL_ERR_DATA, "the pickle has more than %d values", MOST_VALUES);
    cell *c = calloc(1, sizeof *c);
    if (!c)
        return no_memory();
    c->value.kind = kind;
    c->next = p->all;
    p->all = c;
    p->values++;
    *out = c;
    return row_add(&p->stack, c);
}

static rncl_status pop(rncl_pickle *p, cell **out)
{
    if (p->stack.count == 0 || p->stack.cells[p->stack.count - 1] == &mark)
        return damaged();
    *out = p->stack.cells[--p->stack.count];
    return RNCL_OK;
}

static rncl_status top(const rncl_pickle *p, cell **out)
{
    if (p->stack.count == 0 || p->stack.cells[p->stack.count - 1] == &mark)
        return damaged();
    *out = p->stack.cells[p->stack.count - 1];
    return RNCL_OK;
}

static rncl_status add_item(cell *list, cell *item)
{
    rncl_pickle_value *v = &list->value;
    if (v->count == list->capacity) {
        const size_t capacity = MAX(2 * list->capacity, 4);
        rncl_pickle_value **items = realloc(v->items, capacity * sizeof *items);
        if (!items)
            return no_memory();
        v->items = items;
        list->capacity = capacity;
    }
    v->items[v->count++] = &item->value;
    return RNCL_OK;
}

/* Where the newest group begins on the stack, behind its mark. */
static rncl_status find_group(const rncl_pickle *p, size_t *first)
{
    for (*first = p->stack.count; *first > 0; --*first)
        if (p->stack.cells[*first - 1] == &mark)
            return RNCL_OK;
    return damaged();
}

/* Moves what is on the stack from `first` on to the end of `list`. */
static rncl_status move_items(rncl_pickle *p, size_t first, cell *list)
{
    for (size_t i = first; i < p->stack.count; i++)
        RNCL_TRY(add_item(list, p->stack.cells[i]));
    p->stack.count = first;
    return RNCL_OK;
}

/* ---- operations: constants ---- */

static rncl_status ignore_bytes(rncl_pickle *p, size_t count)
{
    const uint8_t *bytes;
    return take_bytes(p, count, &bytes);
}

static rncl_status push_mark(rncl_pickle *p, size_t unused)
{
    (void)unused;
    return row_add(&p->stack, &mark);
}

static rncl_status push_empty(rncl_pickle *p, size_t kind)
{
    cell *c;
    return push_new(p, (rncl_pickle_kind)kind, &c);
}

static rncl_status push_constant(rncl_pickle *p, size_t number)
{
    cell *c;
    RNCL_TRY(push_new(p, RNCL_PICKLE_NUMBER, &c));
    c->value.number = (int64_t)number;
    return RNCL_OK;
}

/* Four bytes have a sign, fewer have none. */
static rncl_status push_number(rncl_pickle *p, size_t width)
{
    uint64_t number;
    RNCL_TRY(take_number(p, width, &number));
    return push_constant(p, (size_t)(width == 4 ? (int64_t)(int32_t)number : (int64_t)number));
}

/* `width` bytes with a length, and so many bytes of text. */
static rncl_status push_text(rncl_pickle *p, size_t width)
{
    uint64_t length;
    cell *c;
    RNCL_TRY(take_number(p, width, &length));
    if (length > (uint64_t)(p->end - p->at))
        return truncated();
    RNCL_TRY(push_new(p, RNCL_PICKLE_TEXT, &c));
    c->value.size = (size_t)length;
    return take_bytes(p, (size_t)length, &c->value.bytes);
}

/* ---- operations: groups ---- */

static rncl_status make_list(rncl_pickle *p, size_t count)
{
    cell *list;
    if (count > p->stack.count)
        return damaged();
    const size_t first = p->stack.count - count;
    for (size_t i = first; i < p->stack.count; i++)
        if (p->stack.cells[i] == &mark)
            return damaged();
    RNCL_TRY(push_new(p, RNCL_PICKLE_LIST, &list));
    p->stack.count--;
    RNCL_TRY(move_items(p, first, list));
    return row_add(&p->stack, list);
}

static rncl_status make_list_of_group(rncl_pickle *p, size_t unused)
{
    (void)unused;
    size_t first;
    cell *list;
    RNCL_TRY(find_group(p, &first));
    RNCL_TRY(push_new(p, RNCL_PICKLE_LIST, &list));
    p->stack.count--;
    RNCL_TRY(move_items(p, first, list));
    p->stack.count--; /* the mark */
    return row_add(&p->stack, list);
}

/* What is above it on the stack goes into the list or dictionary below. */
static rncl_status add_above(rncl_pickle *p, size_t first, rncl_pickle_kind kind)
{
    if (first == 0 || p->stack.cells[first - 1] == &mark)
        return damaged();
    cell *into = p->stack.cells[first - 1];
    if (into->value.kind != kind || (kind == RNCL_PICKLE_DICT && (p->stack.count - first) % 2 != 0))
        return damaged();
    return move_items(p, first, into);
}

static rncl_status add_one(rncl_pickle *p, size_t kind)
{
    const size_t count = kind == RNCL_PICKLE_DICT ? 2 : 1;
    if (p->stack.count < count)
        return damaged();
    for (size_t i = 1; i <= count; i++)
        if (p->stack.cells[p->stack.count - i] == &mark)
            return damaged();
    return add_above(p, p->stack.count - count, (rncl_pickle_kind)kind);
}

static rncl_status add_group(rncl_pickle *p, size_t kind)
{
    size_t first;
    RNCL_TRY(find_group(p, &first));
    /* The mark goes, so that the group lies on its list. */
    memmove(p->stack.cells + first - 1, p->stack.cells + first,
            (p->stack.count - first) * sizeof *p->stack.cells);
    p->stack.count--;
    return add_above(p, first - 1, (rncl_pickle_kind)kind);
}

/* ---- operations: the memo ---- */

static rncl_status remember_as(rncl_pickle *p, uint64_t number)
{
    cell *c;
    RNCL_TRY(top(p, &c));
    if (number >= MOST_VALUES)
        return damaged();
    while (p->memo.count <= number)
        RNCL_TRY(row_add(&p->memo, NULL));
    p->memo.cells[number] = c;
    return RNCL_OK;
}

static rncl_status remember(rncl_pickle *p, size_t width)
{
    uint64_t number = p->memo.count; /* width 0: the next one */
    if (width)
        RNCL_TRY(take_number(p, width, &number));
    return remember_as(p, number);
}

static rncl_status recall(rncl_pickle *p, size_t width)
{
    uint64_t number;
    RNCL_TRY(take_number(p, width, &number));
    if (number >= p->memo.count || !p->memo.cells[number])
        return damaged();
    return row_add(&p->stack, p->memo.cells[number]);
}

/* ---- operations: names and calls ---- */

static bool same(const uint8_t *bytes, size_t size, const char *text)
{
    return size == strlen(text) && !memcmp(bytes, text, size);
}

static rncl_status push_name(rncl_pickle *p, const rncl_pickle_value *module, const rncl_pickle_value *wanted)
{
    for (size_t i = 0; i < COUNT(names); i++) {
        if (!same(module->bytes, module->size, names[i].module) ||
            !same(wanted->bytes, wanted->size, names[i].name))
            continue;
        cell *c;
        RNCL_TRY(push_new(p, RNCL_PICKLE_OTHER, &c));
        c->name = names[i].which;
        return RNCL_OK;
    }
    return RNCL_FAIL(RNCL_ERR_DATA, "the pickle asks for %.*s.%.*s, which is not plain data",
                     (int)MIN(module->size, 64), (const char *)module->bytes, (int)MIN(wanted->size, 64),
                     (const char *)wanted->bytes);
}

static rncl_status name_in_lines(rncl_pickle *p, size_t unused)
{
    (void)unused;
    rncl_pickle_value module = {0}, wanted = {0};
    RNCL_TRY(take_line(p, &module.bytes, &module.size));
    RNCL_TRY(take_line(p, &wanted.bytes, &wanted.size));
    return push_name(p, &module, &wanted);
}

static rncl_status name_on_stack(rncl_pickle *p, size_t unused)
{
    (void)unused;
    cell *module, *wanted;
    RNCL_TRY(pop(p, &wanted));
    RNCL_TRY(pop(p, &module));
    if (module->value.kind != RNCL_PICKLE_TEXT || wanted->value.kind != RNCL_PICKLE_TEXT)
        return damaged();
    return push_name(p, &module->value, &wanted->value);
}

/* Item i of a list if it is of that kind; NULL: it is not. */
static cell *item_of(const cell *list, size_t i, rncl_pickle_kind kind)
{
    const rncl_pickle_value *v = &list->value;
    return v->kind == RNCL_PICKLE_LIST && i < v->count && v->items[i]->kind == kind ? (cell *)v->items[i]
                                                                                    : NULL;
}

/* Text of code points up to 255, in UTF-8, becomes bytes: how Python 3 writes bytes in protocol 2. */
static rncl_status call_encode(rncl_pickle *p, const cell *arguments)
{
    cell *result;
    const cell *text = item_of(arguments, 0, RNCL_PICKLE_TEXT),
               *codec = item_of(arguments, 1, RNCL_PICKLE_TEXT);
    if (!text || !codec || !same(codec->value.bytes, codec->value.size, "latin1"))
        return damaged();
    RNCL_TRY(push_new(p, RNCL_PICKLE_TEXT, &result));
    result->owned = malloc(text->value.size + 1);
    if (!result->owned)
        return no_memory();
    size_t count = 0;
    for (size_t i = 0; i < text->value.size; i++) {
        uint8_t byte = text->value.bytes[i];
        if (byte >= 0x80) {
            if ((byte != 0xc2 && byte != 0xc3) || i + 1 == text->value.size)
                return damaged();
            byte = (uint8_t)(byte << 6 | (text->value.bytes[++i] & 0x3f));
        }
        result->owned[count++] = byte;
    }
    result->value.bytes = result->owned;
    result->value.size = count;
    return RNCL_OK;
}

static rncl_status call_dtype(rncl_pickle *p, const cell *arguments)
{
    cell *result;
    const cell *type = item_of(arguments, 0, RNCL_PICKLE_TEXT);
    if (!type)
        return damaged();
    if (!same(type->value.bytes, type->value.size, "u1") && !same(type->value.bytes, type->value.size, "|u1"))
        return RNCL_FAIL(RNCL_ERR_DATA,
                         "the pickle has an array of %.*s, and unsigned bytes (u1) can be read",
                         (int)MIN(type->value.size, 16), (const char *)type->value.bytes);
    return push_new(p, RNCL_PICKLE_OTHER, &result);
}

/* Fills an array from a shape, a type, and bytes. */
static rncl_status fill_array(cell *array, const cell *shape, const cell *type, const cell *bytes)
{
    if (!shape || !type || type->name != 0 || !bytes)
        return damaged();
    size_t size = 1;
    for (size_t i = 0; i < shape->value.count; i++) {
        const cell *side = item_of(shape, i, RNCL_PICKLE_NUMBER);
        if (!side || side->value.number < 0 || !rncl_size_multiply(size, (size_t)side->value.number, &size))
            return damaged();
    }
    if (size != bytes->value.size)
        return damaged();
    array->value.bytes = bytes->value.bytes;
    array->value.size = size;
    return RNCL_OK;
}

static rncl_status call_frombuffer(rncl_pickle *p, const cell *arguments)
{
    cell *array;
    const cell *order = item_of(arguments, 3, RNCL_PICKLE_TEXT);
    if (!order || !same(order->value.bytes, order->value.size, "C"))
        return damaged();
    RNCL_TRY(push_new(p, RNCL_PICKLE_ARRAY, &array));
    return fill_array(array, item_of(arguments, 2, RNCL_PICKLE_LIST),
                      item_of(arguments, 1, RNCL_PICKLE_OTHER), item_of(arguments, 0, RNCL_PICKLE_TEXT));
}

static rncl_status call(rncl_pickle *p, size_t unused)
{
    (void)unused;
    cell *arguments, *called;
    RNCL_TRY(pop(p, &arguments));
    RNCL_TRY(pop(p, &called));
    switch (called->name) {
    case NAME_ENCODE:
        return call_encode(p, arguments);
    case NAME_RECONSTRUCT:
        return push_empty(p, RNCL_PICKLE_ARRAY); /* filled by `build` */
    case NAME_FROMBUFFER:
        return call_frombuffer(p, arguments);
    case NAME_DTYPE:
        return call_dtype(p, arguments);
    default:
        return damaged();
    }
}

/* Gives an array its state: a version, shape, type, whether columns come first, bytes. A dtype's says how the
 * bytes of a number are ordered, which one byte does not need. */
static rncl_status build(rncl_pickle *p, size_t unused)
{
    (void)unused;
    cell *state, *object;
    RNCL_TRY(pop(p, &state));
    RNCL_TRY(top(p, &object));
    if (object->value.kind == RNCL_PICKLE_OTHER && object->name == 0)
        return RNCL_OK;
    const cell *columns_first = item_of(state, 3, RNCL_PICKLE_NUMBER);
    if (object->value.kind != RNCL_PICKLE_ARRAY || !columns_first)
        return damaged();
    if (columns_first->value.number != 0)
        return RNCL_FAIL(RNCL_ERR_DATA, "the pickle has an array in Fortran's order, and C's can be read");
    return fill_array(object, item_of(state, 1, RNCL_PICKLE_LIST), item_of(state, 2, RNCL_PICKLE_OTHER),
                      item_of(state, 4, RNCL_PICKLE_TEXT));
}

static rncl_status stop(rncl_pickle *p, size_t unused)
{
    (void)unused;
    p->stopped = true;
    return pop(p, &p->root);
}

/* ---- the machine ---- */

static const struct {
    operation *run;
    size_t argument;
} operations[256] = {
    [0x80] = {ignore_bytes, 1},             /* PROTO */
    [0x95] = {ignore_bytes, 8},             /* FRAME */
    ['('] = {push_mark, 0},                 /* MARK */
    ['.'] = {stop, 0},                      /* STOP */
    ['N'] = {push_empty, RNCL_PICKLE_NONE}, /* NONE */
    [0x89] = {push_constant, 0},            /* NEWFALSE */
    [0x88] = {push_constant, 1},            /* NEWTRUE */
    ['K'] = {push_number, 1},               /* BININT1 */
    ['M'] = {push_number, 2},               /* BININT2 */
    ['J'] = {push_number, 4},               /* BININT */
    ['U'] = {push_text, 1},                 /* SHORT_BINSTRING */
    ['T'] = {push_text, 4},                 /* BINSTRING */
    ['X'] = {push_text, 4},                 /* BINUNICODE */
    [0x8c] = {push_text, 1},                /* SHORT_BINUNICODE */
    [0x8d] = {push_text, 8},                /* BINUNICODE8 */
    ['C'] = {push_text, 1},                 /* SHORT_BINBYTES */
    ['B'] = {push_text, 4},                 /* BINBYTES */
    [0x8e] = {push_text, 8},                /* BINBYTES8 */
    [0x96] = {push_text, 8},                /* BYTEARRAY8 */
    ['}'] = {push_empty, RNCL_PICKLE_DICT}, /* EMPTY_DICT */
    [']'] = {push_empty, RNCL_PICKLE_LIST}, /* EMPTY_LIST */
    [')'] = {push_empty, RNCL_PICKLE_LIST}, /* EMPTY_TUPLE */
    [0x85] = {make_list, 1},                /* TUPLE1 */
    [0x86] = {make_list, 2},                /* TUPLE2 */
    [0x87] = {make_list, 3},                /* TUPLE3 */
    ['t'] = {make_list_of_group, 0},        /* TUPLE */
    ['l'] = {make_list_of_group, 0},        /* LIST */
    ['a'] = {add_one, RNCL_PICKLE_LIST},    /* APPEND */
    ['e'] = {add_group, RNCL_PICKLE_LIST},  /* APPENDS */
    ['s'] = {add_one, RNCL_PICKLE_DICT},    /* SETITEM */
    ['u'] = {add_group, RNCL_PICKLE_DICT},  /* SETITEMS */
    ['q'] = {remember, 1},                  /* BINPUT */
    ['r'] = {remember, 4},                  /* LONG_BINPUT */
    [0x94] = {remember, 0},                 /* MEMOIZE */
    ['h'] = {recall, 1},                    /* BINGET */
    ['j'] = {recall, 4},                    /* LONG_BINGET */
    ['c'] = {name_in_lines, 0},             /* GLOBAL */
    [0x93] = {name_on_stack, 0},            /* STACK_GLOBAL */
    ['R'] = {call, 0},                      /* REDUCE */
    ['b'] = {build, 0},                     /* BUILD */
};

static rncl_status run(rncl_pickle *p)
{
    while (!p->stopped) {
        if (p->at == p->end)
            return truncated();
        const uint8_t code = *p->at++;
        if (!operations[code].run)
            return RNCL_FAIL(RNCL_ERR_DATA, "not a pickle of plain data (operation 0x%02x)", code);
        RNCL_TRY(operations[code].run(p, operations[code].argument));
    }
    return RNCL_OK;
}

rncl_status rncl_pickle_read(const void *bytes, size_t size, rncl_pickle **out)
{
    *out = NULL;
    rncl_pickle *p = calloc(1, sizeof *p);
    if (!p)
        return no_memory();
    p->at = bytes;
    p->end = p->at + size;
    rncl_status st = run(p);
    if (st) {
        rncl_pickle_destroy(p);
        return st;
    }
    *out = p;
    return RNCL_OK;
}

void rncl_pickle_destroy(rncl_pickle *p)
{
    if (!p)
        return;
    for (cell *c = p->all, *next; c; c = next) {
        next = c->next;
        free(c->value.items);
        free(c->owned);
        free(c);
    }
    free(p->stack.cells);
    free(p->memo.cells);
    free(p);
}

/* ---- looking ---- */

const rncl_pickle_value *rncl_pickle_root(const rncl_pickle *pickle)
{
    return &pickle->root->value;
}

const rncl_pickle_value *rncl_pickle_find(const rncl_pickle_value *dict, const char *key,
                                          rncl_pickle_kind kind)
{
    if (dict->kind != RNCL_PICKLE_DICT)
        return NULL;
    for (size_t i = 0; i + 1 < dict->count; i += 2)
        if (dict->items[i]->kind == RNCL_PICKLE_TEXT &&
            same(dict->items[i]->bytes, dict->items[i]->size, key))
            return dict->items[i + 1]->kind == kind ? dict->items[i + 1] : NULL;
    return NULL;
}
