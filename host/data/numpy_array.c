/* The two ways in which numpy pickles an array: _reconstruct makes an empty one that gets its state
 * afterwards, and _frombuffer (protocol 5) gets everything as arguments. */
#include "numpy_array.h"

#include "util.h"

enum { RECONSTRUCT = 1, FROMBUFFER, DTYPE };

static const rncl_pickle_global globals[] = {
    {"_codecs", "encode", RNCL_PICKLE_MAKE_BYTES, 0},
    {"numpy.core.multiarray", "_reconstruct", RNCL_PICKLE_MAKE_OBJECT, RECONSTRUCT},
    {"numpy._core.multiarray", "_reconstruct", RNCL_PICKLE_MAKE_OBJECT, RECONSTRUCT},
    {"numpy.core.numeric", "_frombuffer", RNCL_PICKLE_MAKE_OBJECT, FROMBUFFER},
    {"numpy._core.numeric", "_frombuffer", RNCL_PICKLE_MAKE_OBJECT, FROMBUFFER},
    {"numpy", "ndarray", RNCL_PICKLE_NOT_CALLABLE, 0},
    {"numpy", "dtype", RNCL_PICKLE_MAKE_OBJECT, DTYPE},
};

const rncl_pickle_rules rncl_numpy_rules = {
    .failure = RNCL_ERR_DATA,
    .damage_advice = "fetch the file again",
    .foreign_advice = "fetch the file again",
    .globals = globals,
    .global_count = COUNT(globals),
};

/* What an array consists of, in the pickle's values. */
typedef struct parts {
    const rncl_pickle_value *shape, *dtype, *bytes;
    bool by_rows;
} parts;

static bool is_object_of(const rncl_pickle_value *value, int meaning)
{
    return value && value->kind == RNCL_PICKLE_OBJECT && value->object.function->meaning == meaning;
}

/* False: it is no array. The state of _reconstruct is version, shape, dtype, whether it is stored column by
 * column, bytes; the arguments of _frombuffer are bytes, dtype, shape, "C" or "F". */
static bool take_apart(const rncl_pickle_value *array, parts *out)
{
    if (is_object_of(array, RECONSTRUCT)) {
        const rncl_pickle_value *state = array->object.state, *by_columns = rncl_pickle_element(state, 3);
        *out = (parts){.shape = rncl_pickle_element(state, 1),
                       .dtype = rncl_pickle_element(state, 2),
                       .bytes = rncl_pickle_element(state, 4),
                       .by_rows = by_columns && by_columns->kind == RNCL_PICKLE_BOOL && !by_columns->integer};
        return true;
    }
    if (is_object_of(array, FROMBUFFER)) {
        const rncl_pickle_value *arguments = array->object.arguments;
        *out = (parts){.shape = rncl_pickle_element(arguments, 2),
                       .dtype = rncl_pickle_element(arguments, 1),
                       .bytes = rncl_pickle_element(arguments, 0),
                       .by_rows = rncl_pickle_is_text(rncl_pickle_element(arguments, 3), "C")};
        return true;
    }
    return false;
}

static bool count_elements(const rncl_pickle_value *shape, size_t *count)
{
    *count = 1;
    if (!shape || shape->kind != RNCL_PICKLE_TUPLE)
        return false;
    for (const rncl_pickle_item *item = shape->items.first; item; item = item->next) {
        size_t side;
        if (!rncl_pickle_size(item->value, &side) || !rncl_size_multiply(*count, side, count))
            return false;
    }
    return true;
}

static rncl_status check_dtype(const char *path, const rncl_pickle_value *dtype)
{
    const rncl_pickle_value *code =
        is_object_of(dtype, DTYPE) ? rncl_pickle_element(dtype->object.arguments, 0) : NULL;
    if (rncl_pickle_is_text(code, "u1") || rncl_pickle_is_text(code, "|u1"))
        return RNCL_OK;
    char shown[RNCL_PICKLE_SHOWN_BYTES] = "?";
    if (code && code->kind == RNCL_PICKLE_TEXT)
        rncl_pickle_show(code->text, shown);
    return RNCL_FAIL(RNCL_ERR_DATA,
                     "%s: its array has elements of type %s, and unsigned bytes (u1) can be read", path,
                     shown);
}

rncl_status rncl_numpy_bytes(const char *path, const rncl_pickle_value *array, rncl_contents *out)
{
    parts p;
    size_t count;
    *out = (rncl_contents){0};
    if (!take_apart(array, &p))
        return RNCL_FAIL(RNCL_ERR_DATA, "%s: it has no array where one must be; fetch the file again", path);
    RNCL_TRY(check_dtype(path, p.dtype));
    if (!p.by_rows)
        return RNCL_FAIL(RNCL_ERR_DATA,
                         "%s: its array is not stored row by row (C order); save it in that order", path);
    if (!p.bytes || p.bytes->kind != RNCL_PICKLE_TEXT || !count_elements(p.shape, &count) ||
        count != p.bytes->text.length)
        return RNCL_FAIL(RNCL_ERR_DATA,
                         "%s: its array is damaged: its size is not that of its shape; fetch the "
                         "file again",
                         path);
    *out = (rncl_contents){(const unsigned char *)p.bytes->text.characters, count};
    return RNCL_OK;
}
