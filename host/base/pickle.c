/* The instructions of pickles (Python's pickletools.py describes them), on a stack of values, marks in it,
 * and a memo of values by number. They make values in memory, and none does anything else. */
#include "pickle.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "pickle_machine.h"

/* ---- numbers and texts ---- */

static rncl_status push_integer(rncl_pickle_machine *m, int64_t integer)
{
    return rncl_pickle_push_new(m, (rncl_pickle_value){.kind = RNCL_PICKLE_INT, .integer = integer});
}

static rncl_status push_unsigned(rncl_pickle_machine *m, size_t size_bytes)
{
    uint64_t number;
    RNCL_TRY(rncl_pickle_take_number(m, size_bytes, &number));
    return push_integer(m, (int64_t)number);
}

static rncl_status push_int32(rncl_pickle_machine *m, size_t unused)
{
    (void)unused;
    uint64_t number;
    RNCL_TRY(rncl_pickle_take_number(m, 4, &number));
    return push_integer(m, (int32_t)(uint32_t)number);
}

/* A number of any length in two's complement. No reader of this needs more than eight bytes: such numbers
 * become the largest. */
static rncl_status push_long(rncl_pickle_machine *m, size_t length_bytes)
{
    uint64_t length, number;
    const unsigned char *skipped;
    RNCL_TRY(rncl_pickle_take_number(m, length_bytes, &length));
    if (length > sizeof number) {
        RNCL_TRY(rncl_pickle_take(m, length, &skipped));
        return push_integer(m, INT64_MAX);
    }
    RNCL_TRY(rncl_pickle_take_number(m, (size_t)length, &number));
    const unsigned bits = CHAR_BIT * (unsigned)length;
    if (bits && bits < 64 && number >> (bits - 1))
        number |= UINT64_MAX << bits;
    return push_integer(m, (int64_t)number);
}

static rncl_status push_float(rncl_pickle_machine *m, size_t size_bytes)
{
    uint64_t bits;
    double real;
    RNCL_TRY(rncl_pickle_take_number(m, size_bytes, &bits));
    bits = __builtin_bswap64(bits); /* the only big-endian number */
    memcpy(&real, &bits, sizeof real);
    return rncl_pickle_push_new(m, (rncl_pickle_value){.kind = RNCL_PICKLE_FLOAT, .real = real});
}

static rncl_status push_text(rncl_pickle_machine *m, size_t length_bytes)
{
    rncl_pickle_text text;
    RNCL_TRY(rncl_pickle_take_text(m, length_bytes, &text));
    return rncl_pickle_push_new(m, (rncl_pickle_value){.kind = RNCL_PICKLE_TEXT, .text = text});
}

static rncl_status push_bool(rncl_pickle_machine *m, size_t truth)
{
    return rncl_pickle_push_new(m, (rncl_pickle_value){.kind = RNCL_PICKLE_BOOL, .integer = (int64_t)truth});
}

/* None, or an empty container. */
static rncl_status push_empty(rncl_pickle_machine *m, size_t kind)
{
    return rncl_pickle_push_new(m, (rncl_pickle_value){.kind = (rncl_pickle_kind)kind});
}

/* ---- containers ---- */

static rncl_status push_mark(rncl_pickle_machine *m, size_t unused)
{
    (void)unused;
    if (++m->marks > RNCL_PICKLE_MOST_MARKS)
        return rncl_pickle_refuse(m, "nesting deeper than Python writes");
    return rncl_pickle_push(m, &rncl_pickle_mark);
}

/* Removes the last mark; what lay above it begins at *first. */
static rncl_status remove_mark(rncl_pickle_machine *m, size_t *first)
{
    rncl_pickle_value **const values = m->stack.values;
    size_t mark = m->stack.count;
    while (mark > 0 && values[mark - 1] != &rncl_pickle_mark)
        mark--;
    if (mark == 0)
        return rncl_pickle_refuse(m, "no mark on the stack");
    memmove(values + mark - 1, values + mark, (m->stack.count - mark) * sizeof *values);
    m->stack.count--;
    m->marks--;
    *first = mark - 1;
    return RNCL_OK;
}

/* Checks that `count` values, and no mark, are on top of the stack. */
static rncl_status expect_values(const rncl_pickle_machine *m, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (m->stack.count <= i || m->stack.values[m->stack.count - 1 - i] == &rncl_pickle_mark)
            return rncl_pickle_refuse(m, "nothing on the stack");
    return RNCL_OK;
}

/* Moves what is on the stack from `first` on into a container: values, or keys and values in turn. */
static rncl_status move_items(rncl_pickle_machine *m, size_t first, rncl_pickle_value *to)
{
    const bool pairs = to->kind == RNCL_PICKLE_DICT;
    if (pairs && (m->stack.count - first) % 2)
        return rncl_pickle_refuse(m, "a key without a value");
    for (size_t i = first; i < m->stack.count; i += pairs ? 2 : 1)
        RNCL_TRY(rncl_pickle_append(m, to, pairs ? m->stack.values[i] : NULL,
                                    m->stack.values[i + (pairs ? 1 : 0)]));
    m->stack.count = first;
    return RNCL_OK;
}

static rncl_status make_container(rncl_pickle_machine *m, size_t first, rncl_pickle_kind kind)
{
    rncl_pickle_value *made;
    RNCL_TRY(rncl_pickle_make(m, (rncl_pickle_value){.kind = kind}, &made));
    RNCL_TRY(move_items(m, first, made));
    return rncl_pickle_push(m, made);
}

static rncl_status make_marked(rncl_pickle_machine *m, size_t kind)
{
    size_t first;
    RNCL_TRY(remove_mark(m, &first));
    return make_container(m, first, (rncl_pickle_kind)kind);
}

static rncl_status make_tuple(rncl_pickle_machine *m, size_t count)
{
    RNCL_TRY(expect_values(m, count));
    return make_container(m, m->stack.count - count, RNCL_PICKLE_TUPLE);
}

/* Adds what is on the stack from `first` on to the list or dict below it. A foreign object may be one of its
 * own kind: its elements are dropped. */
static rncl_status extend(rncl_pickle_machine *m, size_t first, rncl_pickle_kind kind)
{
    rncl_pickle_value *to = first ? m->stack.values[first - 1] : NULL;
    if (to && to != &rncl_pickle_mark && to->kind == RNCL_PICKLE_FOREIGN) {
        m->stack.count = first;
        return RNCL_OK;
    }
    if (!to || to == &rncl_pickle_mark || to->kind != kind)
        return rncl_pickle_refuse(m, "elements without a container");
    return move_items(m, first, to);
}

/* One element, or a key and its value. */
static rncl_status append_top(rncl_pickle_machine *m, size_t kind)
{
    const size_t count = kind == RNCL_PICKLE_DICT ? 2 : 1;
    RNCL_TRY(expect_values(m, count));
    return extend(m, m->stack.count - count, (rncl_pickle_kind)kind);
}

static rncl_status append_marked(rncl_pickle_machine *m, size_t kind)
{
    size_t first;
    RNCL_TRY(remove_mark(m, &first));
    return extend(m, first, (rncl_pickle_kind)kind);
}

/* ---- the memo, and what is outside ---- */

static rncl_status memoize_next(rncl_pickle_machine *m, size_t unused)
{
    (void)unused;
    return rncl_pickle_memoize(m, m->memo.count);
}

static rncl_status memoize_at(rncl_pickle_machine *m, size_t index_bytes)
{
    uint64_t index;
    RNCL_TRY(rncl_pickle_take_number(m, index_bytes, &index));
    return rncl_pickle_memoize(m, index);
}

static rncl_status push_memo(rncl_pickle_machine *m, size_t index_bytes)
{
    uint64_t index;
    RNCL_TRY(rncl_pickle_take_number(m, index_bytes, &index));
    if (index >= m->memo.count || !m->memo.values[index])
        return rncl_pickle_refuse(m, "a memo entry that was never set");
    return rncl_pickle_push(m, m->memo.values[index]);
}

static rncl_status make_persistent(rncl_pickle_machine *m, size_t unused)
{
    (void)unused;
    rncl_pickle_value *id;
    RNCL_TRY(rncl_pickle_pop(m, &id));
    if (!m->rules->persistent_id)
        return rncl_pickle_refuse(m, "a name of something outside it");
    RNCL_TRY(m->rules->persistent_id(m->rules->context, id));
    return rncl_pickle_push_new(m, (rncl_pickle_value){.kind = RNCL_PICKLE_PERSISTENT, .persistent_id = id});
}

static rncl_status skip(rncl_pickle_machine *m, size_t size_bytes)
{
    const unsigned char *skipped;
    return rncl_pickle_take(m, size_bytes, &skipped);
}

/* ---- the instructions ---- */

enum { STOP = '.' };

/* By code. Those without a function are refused. */
static const struct {
    rncl_status (*run)(rncl_pickle_machine *m, size_t argument);
    size_t argument;
} instructions[UCHAR_MAX + 1] = {
    [0x80] = {skip, 1},                         /* PROTO */
    [0x95] = {skip, 8},                         /* FRAME */
    ['N'] = {push_empty, RNCL_PICKLE_NONE},     /* NONE */
    [0x88] = {push_bool, true},                 /* NEWTRUE */
    [0x89] = {push_bool, false},                /* NEWFALSE */
    ['J'] = {push_int32, 0},                    /* BININT */
    ['K'] = {push_unsigned, 1},                 /* BININT1 */
    ['M'] = {push_unsigned, 2},                 /* BININT2 */
    [0x8a] = {push_long, 1},                    /* LONG1 */
    ['G'] = {push_float, 8},                    /* BINFLOAT */
    ['U'] = {push_text, 1},                     /* SHORT_BINSTRING, str of Python 2 */
    ['T'] = {push_text, 4},                     /* BINSTRING */
    [0x8c] = {push_text, 1},                    /* SHORT_BINUNICODE */
    ['X'] = {push_text, 4},                     /* BINUNICODE */
    [0x8d] = {push_text, 8},                    /* BINUNICODE8 */
    ['C'] = {push_text, 1},                     /* SHORT_BINBYTES */
    ['B'] = {push_text, 4},                     /* BINBYTES */
    [0x8e] = {push_text, 8},                    /* BINBYTES8 */
    [0x96] = {push_text, 8},                    /* BYTEARRAY8 */
    ['('] = {push_mark, 0},                     /* MARK */
    [')'] = {push_empty, RNCL_PICKLE_TUPLE},    /* EMPTY_TUPLE */
    [']'] = {push_empty, RNCL_PICKLE_LIST},     /* EMPTY_LIST */
    ['}'] = {push_empty, RNCL_PICKLE_DICT},     /* EMPTY_DICT */
    ['t'] = {make_marked, RNCL_PICKLE_TUPLE},   /* TUPLE */
    ['l'] = {make_marked, RNCL_PICKLE_LIST},    /* LIST */
    [0x8f] = {push_empty, RNCL_PICKLE_LIST},    /* EMPTY_SET */
    [0x90] = {append_marked, RNCL_PICKLE_LIST}, /* ADDITEMS */
    [0x91] = {make_marked, RNCL_PICKLE_TUPLE},  /* FROZENSET */
    [0x85] = {make_tuple, 1},                   /* TUPLE1 */
    [0x86] = {make_tuple, 2},                   /* TUPLE2 */
    [0x87] = {make_tuple, 3},                   /* TUPLE3 */
    ['a'] = {append_top, RNCL_PICKLE_LIST},     /* APPEND */
    ['s'] = {append_top, RNCL_PICKLE_DICT},     /* SETITEM */
    ['e'] = {append_marked, RNCL_PICKLE_LIST},  /* APPENDS */
    ['u'] = {append_marked, RNCL_PICKLE_DICT},  /* SETITEMS */
    ['q'] = {memoize_at, 1},                    /* BINPUT */
    ['r'] = {memoize_at, 4},                    /* LONG_BINPUT */
    [0x94] = {memoize_next, 0},                 /* MEMOIZE */
    ['h'] = {push_memo, 1},                     /* BINGET */
    ['j'] = {push_memo, 4},                     /* LONG_BINGET */
    ['c'] = {rncl_pickle_global_of_lines, 0},   /* GLOBAL */
    [0x93] = {rncl_pickle_global_of_stack, 0},  /* STACK_GLOBAL */
    ['R'] = {rncl_pickle_call, 0},              /* REDUCE */
    [0x81] = {rncl_pickle_call, 0},             /* NEWOBJ */
    [0x92] = {rncl_pickle_call_with_names, 0},  /* NEWOBJ_EX */
    ['b'] = {rncl_pickle_set_state, 0},         /* BUILD */
    ['Q'] = {make_persistent, 0},               /* BINPERSID */
};

static rncl_status run_one(rncl_pickle_machine *m, unsigned char code)
{
    if (instructions[code].run)
        return instructions[code].run(m, instructions[code].argument);
    return RNCL_FAIL(RNCL_ERR_DATA,
                     "%s: its pickle has the instruction 0x%02x at byte %zu, which plain data of pickle "
                     "protocols 2 to 5 does not need; %s",
                     m->path, code, (size_t)(m->next - m->start) - 1, m->rules->foreign_advice);
}

static rncl_status run(rncl_pickle_machine *m)
{
    const unsigned char *code;
    rncl_pickle_value *value;
    RNCL_TRY(rncl_pickle_take(m, 1, &code));
    while (*code != STOP) {
        RNCL_TRY(run_one(m, *code));
        RNCL_TRY(rncl_pickle_take(m, 1, &code));
    }
    RNCL_TRY(rncl_pickle_pop(m, &value));
    if (m->stack.count)
        return rncl_pickle_refuse(m, "values left over");
    m->pickle->value = value;
    m->pickle->size_bytes = (size_t)(m->next - m->start);
    return RNCL_OK;
}

rncl_status rncl_pickle_read(const char *path, rncl_contents bytes, const rncl_pickle_rules *rules,
                             rncl_pickle *out)
{
    *out = (rncl_pickle){0};
    if (!bytes.size_bytes)
        return RNCL_FAIL(rules->failure, "%s: its pickle is missing; %s", path, rules->damage_advice);
    rncl_pickle_machine m = {.path = path,
                             .rules = rules,
                             .start = bytes.data,
                             .next = bytes.data,
                             .end = bytes.data + bytes.size_bytes,
                             .pickle = out};
    const rncl_status st = run(&m);
    free(m.stack.values);
    free(m.memo.values);
    if (st)
        rncl_pickle_free(out);
    return st == RNCL_ERR_DATA ? rules->failure : st;
}
