/* The operations that pickles are programs of, on a stack of values, marks in it, and a memo of values by
 * number (pickle_machine.h). */
#include "pickle.h"

#include <stdlib.h>
#include <string.h>

#include "pickle_machine.h"
#include "util.h"

typedef rncl_status operation(rncl_pickle *p, size_t argument);

static rncl_status add_item(rncl_pickle_cell *list, rncl_pickle_cell *item)
{
    rncl_pickle_value *v = &list->value;
    if (v->count == list->capacity) {
        const size_t capacity = MAX(2 * list->capacity, 4);
        rncl_pickle_value **items = realloc(v->items, capacity * sizeof *items);
        if (!items)
            return rncl_pickle_no_memory();
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
        if (p->stack.cells[*first - 1] == &rncl_pickle_mark)
            return RNCL_OK;
    return rncl_pickle_damaged();
}

/* Moves what is on the stack from `first` on to the end of `list`. */
static rncl_status move_items(rncl_pickle *p, size_t first, rncl_pickle_cell *list)
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
    return rncl_pickle_take_bytes(p, count, &bytes);
}

static rncl_status push_mark(rncl_pickle *p, size_t unused)
{
    (void)unused;
    return rncl_pickle_row_add(&p->stack, &rncl_pickle_mark);
}

static rncl_status push_empty(rncl_pickle *p, size_t kind)
{
    rncl_pickle_cell *c;
    return rncl_pickle_push(p, (rncl_pickle_kind)kind, &c);
}

static rncl_status push_constant(rncl_pickle *p, size_t number)
{
    rncl_pickle_cell *c;
    RNCL_TRY(rncl_pickle_push(p, RNCL_PICKLE_NUMBER, &c));
    c->value.number = (int64_t)number;
    return RNCL_OK;
}

/* Four bytes have a sign, fewer have none. */
static rncl_status push_number(rncl_pickle *p, size_t width)
{
    uint64_t number;
    RNCL_TRY(rncl_pickle_take_number(p, width, &number));
    return push_constant(p, (size_t)(width == 4 ? (int64_t)(int32_t)number : (int64_t)number));
}

/* `width` bytes with a length, and so many bytes of text. */
static rncl_status push_text(rncl_pickle *p, size_t width)
{
    uint64_t length;
    rncl_pickle_cell *c;
    RNCL_TRY(rncl_pickle_take_number(p, width, &length));
    if (length > (uint64_t)(p->end - p->at))
        return rncl_pickle_truncated();
    RNCL_TRY(rncl_pickle_push(p, RNCL_PICKLE_TEXT, &c));
    c->value.size = (size_t)length;
    return rncl_pickle_take_bytes(p, (size_t)length, &c->value.bytes);
}

/* ---- operations: groups ---- */

static rncl_status make_list(rncl_pickle *p, size_t count)
{
    rncl_pickle_cell *list;
    if (count > p->stack.count)
        return rncl_pickle_damaged();
    const size_t first = p->stack.count - count;
    for (size_t i = first; i < p->stack.count; i++)
        if (p->stack.cells[i] == &rncl_pickle_mark)
            return rncl_pickle_damaged();
    RNCL_TRY(rncl_pickle_push(p, RNCL_PICKLE_LIST, &list));
    p->stack.count--;
    RNCL_TRY(move_items(p, first, list));
    return rncl_pickle_row_add(&p->stack, list);
}

static rncl_status make_list_of_group(rncl_pickle *p, size_t unused)
{
    (void)unused;
    size_t first;
    rncl_pickle_cell *list;
    RNCL_TRY(find_group(p, &first));
    RNCL_TRY(rncl_pickle_push(p, RNCL_PICKLE_LIST, &list));
    p->stack.count--;
    RNCL_TRY(move_items(p, first, list));
    p->stack.count--; /* the mark */
    return rncl_pickle_row_add(&p->stack, list);
}

/* What is above it on the stack goes into the list or dictionary below. */
static rncl_status add_above(rncl_pickle *p, size_t first, rncl_pickle_kind kind)
{
    if (first == 0 || p->stack.cells[first - 1] == &rncl_pickle_mark)
        return rncl_pickle_damaged();
    rncl_pickle_cell *into = p->stack.cells[first - 1];
    if (into->value.kind != kind || (kind == RNCL_PICKLE_DICT && (p->stack.count - first) % 2 != 0))
        return rncl_pickle_damaged();
    return move_items(p, first, into);
}

static rncl_status add_one(rncl_pickle *p, size_t kind)
{
    const size_t count = kind == RNCL_PICKLE_DICT ? 2 : 1;
    if (p->stack.count < count)
        return rncl_pickle_damaged();
    for (size_t i = 1; i <= count; i++)
        if (p->stack.cells[p->stack.count - i] == &rncl_pickle_mark)
            return rncl_pickle_damaged();
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
    rncl_pickle_cell *c;
    RNCL_TRY(rncl_pickle_top(p, &c));
    if (number >= RNCL_PICKLE_MOST_VALUES)
        return rncl_pickle_damaged();
    while (p->memo.count <= number)
        RNCL_TRY(rncl_pickle_row_add(&p->memo, NULL));
    p->memo.cells[number] = c;
    return RNCL_OK;
}

static rncl_status remember(rncl_pickle *p, size_t width)
{
    uint64_t number = p->memo.count; /* width 0: the next one */
    if (width)
        RNCL_TRY(rncl_pickle_take_number(p, width, &number));
    return remember_as(p, number);
}

static rncl_status recall(rncl_pickle *p, size_t width)
{
    uint64_t number;
    RNCL_TRY(rncl_pickle_take_number(p, width, &number));
    if (number >= p->memo.count || !p->memo.cells[number])
        return rncl_pickle_damaged();
    return rncl_pickle_row_add(&p->stack, p->memo.cells[number]);
}

static rncl_status stop(rncl_pickle *p, size_t unused)
{
    (void)unused;
    p->stopped = true;
    return rncl_pickle_pop(p, &p->root);
}

/* ---- the machine ---- */

static const struct {
    operation *run;
    size_t argument;
} operations[256] = {
    [0x80] = {ignore_bytes, 1},              /* PROTO */
    [0x95] = {ignore_bytes, 8},              /* FRAME */
    ['('] = {push_mark, 0},                  /* MARK */
    ['.'] = {stop, 0},                       /* STOP */
    ['N'] = {push_empty, RNCL_PICKLE_NONE},  /* NONE */
    [0x89] = {push_constant, 0},             /* NEWFALSE */
    [0x88] = {push_constant, 1},             /* NEWTRUE */
    ['K'] = {push_number, 1},                /* BININT1 */
    ['M'] = {push_number, 2},                /* BININT2 */
    ['J'] = {push_number, 4},                /* BININT */
    ['U'] = {push_text, 1},                  /* SHORT_BINSTRING */
    ['T'] = {push_text, 4},                  /* BINSTRING */
    ['X'] = {push_text, 4},                  /* BINUNICODE */
    [0x8c] = {push_text, 1},                 /* SHORT_BINUNICODE */
    [0x8d] = {push_text, 8},                 /* BINUNICODE8 */
    ['C'] = {push_text, 1},                  /* SHORT_BINBYTES */
    ['B'] = {push_text, 4},                  /* BINBYTES */
    [0x8e] = {push_text, 8},                 /* BINBYTES8 */
    [0x96] = {push_text, 8},                 /* BYTEARRAY8 */
    ['}'] = {push_empty, RNCL_PICKLE_DICT},  /* EMPTY_DICT */
    [']'] = {push_empty, RNCL_PICKLE_LIST},  /* EMPTY_LIST */
    [')'] = {push_empty, RNCL_PICKLE_LIST},  /* EMPTY_TUPLE */
    [0x85] = {make_list, 1},                 /* TUPLE1 */
    [0x86] = {make_list, 2},                 /* TUPLE2 */
    [0x87] = {make_list, 3},                 /* TUPLE3 */
    ['t'] = {make_list_of_group, 0},         /* TUPLE */
    ['l'] = {make_list_of_group, 0},         /* LIST */
    ['a'] = {add_one, RNCL_PICKLE_LIST},     /* APPEND */
    ['e'] = {add_group, RNCL_PICKLE_LIST},   /* APPENDS */
    ['s'] = {add_one, RNCL_PICKLE_DICT},     /* SETITEM */
    ['u'] = {add_group, RNCL_PICKLE_DICT},   /* SETITEMS */
    ['q'] = {remember, 1},                   /* BINPUT */
    ['r'] = {remember, 4},                   /* LONG_BINPUT */
    [0x94] = {remember, 0},                  /* MEMOIZE */
    ['h'] = {recall, 1},                     /* BINGET */
    ['j'] = {recall, 4},                     /* LONG_BINGET */
    ['c'] = {rncl_pickle_name_in_lines, 0},  /* GLOBAL */
    [0x93] = {rncl_pickle_name_on_stack, 0}, /* STACK_GLOBAL */
    ['R'] = {rncl_pickle_call, 0},           /* REDUCE */
    ['b'] = {rncl_pickle_build, 0},          /* BUILD */
};

static rncl_status run(rncl_pickle *p)
{
    while (!p->stopped) {
        if (p->at == p->end)
            return rncl_pickle_truncated();
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
        return rncl_pickle_no_memory();
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
    for (rncl_pickle_cell *c = p->all, *next; c; c = next) {
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
        if (dict->items[i]->kind == RNCL_PICKLE_TEXT && rncl_pickle_is(dict->items[i], key))
            return dict->items[i + 1]->kind == kind ? dict->items[i + 1] : NULL;
    return NULL;
}
