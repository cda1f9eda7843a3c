/* What a pickle may name and call: numpy's arrays of bytes, and byte strings, made here and not by running
 * anything. */
#include <stdlib.h>
#include <string.h>

#include "pickle_machine.h"
#include "util.h"

static const struct {
    const char *module, *name;
    rncl_pickle_name which;
} names[] = {
    {"_codecs", "encode", RNCL_PICKLE_ENCODE},
    {"numpy.core.multiarray", "_reconstruct", RNCL_PICKLE_RECONSTRUCT},
    {"numpy._core.multiarray", "_reconstruct", RNCL_PICKLE_RECONSTRUCT},
    {"numpy.core.numeric", "_frombuffer", RNCL_PICKLE_FROMBUFFER},
    {"numpy._core.numeric", "_frombuffer", RNCL_PICKLE_FROMBUFFER},
    {"numpy", "ndarray", RNCL_PICKLE_NDARRAY},
    {"numpy", "dtype", RNCL_PICKLE_DTYPE},
};

static rncl_status push_name(rncl_pickle *p, const rncl_pickle_value *module, const rncl_pickle_value *wanted)
{
    for (size_t i = 0; i < COUNT(names); i++) {
        if (!rncl_pickle_is(module, names[i].module) || !rncl_pickle_is(wanted, names[i].name))
            continue;
        rncl_pickle_cell *c;
        RNCL_TRY(rncl_pickle_push(p, RNCL_PICKLE_OTHER, &c));
        c->name = names[i].which;
        return RNCL_OK;
    }
    return RNCL_FAIL(RNCL_ERR_DATA, "the pickle asks for %.*s.%.*s, which is not plain data",
                     (int)MIN(module->size, 64), (const char *)module->bytes, (int)MIN(wanted->size, 64),
                     (const char *)wanted->bytes);
}

rncl_status rncl_pickle_name_in_lines(rncl_pickle *p, size_t unused)
{
    (void)unused;
    rncl_pickle_value module = {0}, wanted = {0};
    RNCL_TRY(rncl_pickle_take_line(p, &module.bytes, &module.size));
    RNCL_TRY(rncl_pickle_take_line(p, &wanted.bytes, &wanted.size));
    return push_name(p, &module, &wanted);
}

rncl_status rncl_pickle_name_on_stack(rncl_pickle *p, size_t unused)
{
    (void)unused;
    rncl_pickle_cell *module, *wanted;
    RNCL_TRY(rncl_pickle_pop(p, &wanted));
    RNCL_TRY(rncl_pickle_pop(p, &module));
    if (module->value.kind != RNCL_PICKLE_TEXT || wanted->value.kind != RNCL_PICKLE_TEXT)
        return rncl_pickle_damaged();
    return push_name(p, &module->value, &wanted->value);
}

/* Item i of a list if it is of that kind; NULL: it is not. */
static rncl_pickle_cell *item_of(const rncl_pickle_cell *list, size_t i, rncl_pickle_kind kind)
{
    const rncl_pickle_value *v = &list->value;
    return v->kind == RNCL_PICKLE_LIST && i < v->count && v->items[i]->kind == kind
               ? (rncl_pickle_cell *)v->items[i]
               : NULL;
}

/* Text of code points up to 255, in UTF-8, becomes bytes: how Python 3 writes bytes in protocol 2. */
static rncl_status call_encode(rncl_pickle *p, const rncl_pickle_cell *arguments)
{
    rncl_pickle_cell *result;
    const rncl_pickle_cell *text = item_of(arguments, 0, RNCL_PICKLE_TEXT),
                           *codec = item_of(arguments, 1, RNCL_PICKLE_TEXT);
    if (!text || !codec || !rncl_pickle_is(&codec->value, "latin1"))
        return rncl_pickle_damaged();
    RNCL_TRY(rncl_pickle_push(p, RNCL_PICKLE_TEXT, &result));
    result->owned = malloc(text->value.size + 1);
    if (!result->owned)
        return rncl_pickle_no_memory();
    size_t count = 0;
    for (size_t i = 0; i < text->value.size; i++) {
        uint8_t byte = text->value.bytes[i];
        if (byte >= 0x80) {
            if ((byte != 0xc2 && byte != 0xc3) || i + 1 == text->value.size)
                return rncl_pickle_damaged();
            byte = (uint8_t)(byte << 6 | (text->value.bytes[++i] & 0x3f));
        }
        result->owned[count++] = byte;
    }
    result->value.bytes = result->owned;
    result->value.size = count;
    return RNCL_OK;
}

static rncl_status call_dtype(rncl_pickle *p, const rncl_pickle_cell *arguments)
{
    rncl_pickle_cell *result;
    const rncl_pickle_cell *type = item_of(arguments, 0, RNCL_PICKLE_TEXT);
    if (!type)
        return rncl_pickle_damaged();
    if (!rncl_pickle_is(&type->value, "u1") && !rncl_pickle_is(&type->value, "|u1"))
        return RNCL_FAIL(RNCL_ERR_DATA,
                         "the pickle has an array of %.*s, and unsigned bytes (u1) can be read",
                         (int)MIN(type->value.size, 16), (const char *)type->value.bytes);
    return rncl_pickle_push(p, RNCL_PICKLE_OTHER, &result);
}

/* Fills an array from a shape, a type, and bytes. */
static rncl_status fill_array(rncl_pickle_cell *array, const rncl_pickle_cell *shape,
                              const rncl_pickle_cell *type, const rncl_pickle_cell *bytes)
{
    if (!shape || !type || type->name != 0 || !bytes)
        return rncl_pickle_damaged();
    size_t size = 1;
    for (size_t i = 0; i < shape->value.count; i++) {
        const rncl_pickle_cell *side = item_of(shape, i, RNCL_PICKLE_NUMBER);
        if (!side || side->value.number < 0 || !rncl_size_multiply(size, (size_t)side->value.number, &size))
            return rncl_pickle_damaged();
    }
    if (size != bytes->value.size)
        return rncl_pickle_damaged();
    array->value.bytes = bytes->value.bytes;
    array->value.size = size;
    return RNCL_OK;
}

static rncl_status call_frombuffer(rncl_pickle *p, const rncl_pickle_cell *arguments)
{
    rncl_pickle_cell *array;
    const rncl_pickle_cell *order = item_of(arguments, 3, RNCL_PICKLE_TEXT);
    if (!order || !rncl_pickle_is(&order->value, "C"))
        return rncl_pickle_damaged();
    RNCL_TRY(rncl_pickle_push(p, RNCL_PICKLE_ARRAY, &array));
    return fill_array(array, item_of(arguments, 2, RNCL_PICKLE_LIST),
                      item_of(arguments, 1, RNCL_PICKLE_OTHER), item_of(arguments, 0, RNCL_PICKLE_TEXT));
}

static rncl_status make_array(rncl_pickle *p)
{
    rncl_pickle_cell *array;
    return rncl_pickle_push(p, RNCL_PICKLE_ARRAY, &array);
}

rncl_status rncl_pickle_call(rncl_pickle *p, size_t unused)
{
    (void)unused;
    rncl_pickle_cell *arguments, *called;
    RNCL_TRY(rncl_pickle_pop(p, &arguments));
    RNCL_TRY(rncl_pickle_pop(p, &called));
    switch (called->name) {
    case RNCL_PICKLE_ENCODE:
        return call_encode(p, arguments);
    case RNCL_PICKLE_RECONSTRUCT:
        return make_array(p); /* filled by rncl_pickle_build */
    case RNCL_PICKLE_FROMBUFFER:
        return call_frombuffer(p, arguments);
    case RNCL_PICKLE_DTYPE:
        return call_dtype(p, arguments);
    default:
        return rncl_pickle_damaged();
    }
}

/* Gives an array its state: a version, shape, type, whether columns come first, bytes. A dtype's says how the
 * bytes of a number are ordered, which one byte does not need. */
rncl_status rncl_pickle_build(rncl_pickle *p, size_t unused)
{
    (void)unused;
    rncl_pickle_cell *state, *object;
    RNCL_TRY(rncl_pickle_pop(p, &state));
    RNCL_TRY(rncl_pickle_top(p, &object));
    if (object->value.kind == RNCL_PICKLE_OTHER && object->name == 0)
        return RNCL_OK;
    const rncl_pickle_cell *columns_first = item_of(state, 3, RNCL_PICKLE_NUMBER);
    if (object->value.kind != RNCL_PICKLE_ARRAY || !columns_first)
        return rncl_pickle_damaged();
    if (columns_first->value.number != 0)
        return RNCL_FAIL(RNCL_ERR_DATA, "the pickle has an array in Fortran's order, and C's can be read");
    return fill_array(object, item_of(state, 1, RNCL_PICKLE_LIST), item_of(state, 2, RNCL_PICKLE_OTHER),
                      item_of(state, 4, RNCL_PICKLE_TEXT));
}
